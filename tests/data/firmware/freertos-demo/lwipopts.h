#ifndef LWIP_LWIPOPTS_H
#define LWIP_LWIPOPTS_H

#include "FreeRTOS.h"
#include "config/FreeRTOSConfig.h"
#include "arch/cc.h"

#if (configUSE_PREEMPTION == 0)
    #error This demonstration wants a preemptive kernel
#endif

#define demoCONNECTIONS             ( ( configTOTAL_HEAP_SIZE ) / ( 16UL * 1024UL ) )
#define demoSEGMENTS_PER_CONNECTION 4u

#define MEM_ALIGNMENT               ( ( size_t ) portBYTE_ALIGNMENT )
#define MEM_SIZE                    ( ( size_t ) ( 12 * 1024 ) )

#define MEMP_NUM_PBUF               20
#define MEMP_NUM_UDP_PCB            4
#define MEMP_NUM_TCP_PCB            demoCONNECTIONS
#define MEMP_NUM_TCP_PCB_LISTEN     ( MEMP_NUM_TCP_PCB > 4 ? 4 : MEMP_NUM_TCP_PCB )
#define MEMP_NUM_TCP_SEG            ( demoSEGMENTS_PER_CONNECTION * MEMP_NUM_TCP_PCB )
#define MEMP_NUM_NETBUF             2
#define MEMP_NUM_NETCONN            ( MEMP_NUM_TCP_PCB + MEMP_NUM_UDP_PCB )

#define PBUF_POOL_SIZE              0xC
#define PBUF_POOL_BUFSIZE           LWIP_MEM_ALIGN_SIZE( TCP_MSS + 40 + PBUF_LINK_HLEN )
#define ETH_PAD_SIZE                2

#define TCP_TTL                     ( 1 << 7 )
#define TCP_QUEUE_OOSEQ             1
#define TCP_MSS                     ( 1500 - 40 )
#define TCP_SND_BUF                 ( ( u16_t ) ( demoSEGMENTS_PER_CONNECTION * TCP_MSS ) )
#define TCP_SND_QUEUELEN            ( 4 * TCP_SND_BUF / TCP_MSS )
#define TCP_WND                     ( 2 * TCP_MSS )
#define TCP_MAXRTX                  12
#define TCP_SYNMAXRTX               4

#define ARP_TABLE_SIZE              10
#define ARP_QUEUEING                1
#define IP_FORWARD                  0
#define IP_REASSEMBLY               0
#define IP_FRAG                     0

#if defined( demoUSE_DHCP ) && ( demoUSE_DHCP != 0 )
    #define LWIP_DHCP               1
#else
    #define LWIP_DHCP               0
#endif

#define TCPIP_THREAD_PRIO           ( configMAX_PRIORITIES - 2 )
#define DEFAULT_UDP_RECVMBOX_SIZE   10
#define DEFAULT_ACCEPTMBOX_SIZE     10
#define LWIP_COMPAT_SOCKETS         1
#define LWIP_HOOK_IP4_INPUT( p, i ) demo_input( p, i )

#endif
