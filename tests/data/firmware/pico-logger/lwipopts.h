// Options of the logger: the usual ones, and room for three collectors at a time.
#ifndef LOGGER_LWIPOPTS_H
#define LOGGER_LWIPOPTS_H

#define NO_SYS 1
#define COLLECTORS 3

#include "lwipopts_common.h"

// one connection more than there are collectors: the one that is just closing
#undef MEMP_NUM_TCP_PCB
#define MEMP_NUM_TCP_PCB (COLLECTORS + 1)

#if defined(LOGGER_HTTPD) && LOGGER_HTTPD
#define LWIP_HTTPD 1
#define LWIP_HTTPD_SSI 1
#undef TCP_SND_BUF
#define TCP_SND_BUF (4 * TCP_MSS)
#endif

#endif // LOGGER_LWIPOPTS_H
