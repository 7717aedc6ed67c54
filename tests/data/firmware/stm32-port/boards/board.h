#pragma once
#define BOARD_NAME "large"
#define BOARD_SRAM_KB (4 * 512)
