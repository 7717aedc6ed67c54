#ifndef RP2_LWIPOPTS_H
#define RP2_LWIPOPTS_H

#define LWIP_NETIF_EXT_STATUS_CALLBACK  1
#define LWIP_NETIF_STATUS_CALLBACK      1
#define LWIP_IPV4                       1
#define LWIP_RAND() get_rand_32()

#include "extmod/lwip-include/lwipopts_common.h"
#include "pico/rand.h"

#endif
