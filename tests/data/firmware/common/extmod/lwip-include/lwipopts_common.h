/* What all ports have in common; each defines first what it wants otherwise. */
#ifndef PORTS_LWIPOPTS_COMMON_H
#define PORTS_LWIPOPTS_COMMON_H

#include "py/mpconfig.h"

#define SYS_ARCH_DECL_PROTECT(lev) do { } while (0)
#define SYS_ARCH_PROTECT(lev) do { } while (0)
#define SYS_ARCH_UNPROTECT(lev) do { } while (0)

int lwip_atoi(const char *str);
#define atoi lwip_atoi

#define NO_SYS                          1
#define SYS_LIGHTWEIGHT_PROT            1
#define MEM_ALIGNMENT                   4
#define LWIP_CHKSUM_ALGORITHM           3
#define LWIP_CHECKSUM_CTRL_PER_NETIF    1
#define LWIP_RAW                        1
#define LWIP_NETCONN                    0
#define LWIP_SOCKET                     0
#define LWIP_STATS                      0
#define LWIP_NETIF_HOSTNAME             1
#define LWIP_DHCP                       1
#define LWIP_DHCP_CHECK_LINK_UP         1
#define LWIP_DHCP_DOES_ACD_CHECK        0 // quicker
#define LWIP_DNS                        1
#define LWIP_DNS_SUPPORT_MDNS_QUERIES   1
#define LWIP_MDNS_RESPONDER             1
#define LWIP_IGMP                       1

#ifndef LWIP_IPV6
#define LWIP_IPV6                       MICROPY_CONFIG_ROM_LEVEL_AT_LEAST_EXTRA
#endif
#if LWIP_IPV6
#define LWIP_IPV6_AUTOCONFIG            1
#define LWIP_MULTICAST_PING             1
#define LWIP_ND6_QUEUEING               0
#endif

#define LWIP_NUM_NETIF_CLIENT_DATA      LWIP_MDNS_RESPONDER
#define MEMP_NUM_UDP_PCB                (4 + LWIP_MDNS_RESPONDER)
#define MEMP_NUM_SYS_TIMEOUT \
    (LWIP_NUM_SYS_TIMEOUT_INTERNAL + (LWIP_MDNS_RESPONDER * (2 + (5 * (LWIP_IPV4 + LWIP_IPV6)))))

#define SO_REUSE                        1
#define TCP_LISTEN_BACKLOG              1

#ifndef MEM_SIZE
#if 0
#define MEM_SIZE (5000)
#define TCP_WND (4 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#else
#define MEM_SIZE (8000)
#define TCP_MSS (800)
#define TCP_WND (8 * TCP_MSS)
#define TCP_SND_BUF (8 * TCP_MSS)
#define MEMP_NUM_TCP_SEG (32)
#endif
#endif

#define sys_jiffies sys_now
typedef uint32_t sys_prot_t;

#endif
