/* Oracle: Debian's lwIP driven event by event in virtual time (see docs/lockstep.md).
 *
 * One record per thing an observer sees: kind (u8), virtual time in ms (u32), length (u16), body; little-endian. */
#ifndef LOCKSTEP_ORACLE_H
#define LOCKSTEP_ORACLE_H

#include <lwip/opt.h>
#include <lwip/init.h>
#include <lwip/tcp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/netif.h>
#include <lwip/etharp.h>
#include <lwip/ip4_frag.h>
#include <netif/ethernet.h>
#include <lwip/pbuf.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <lwip/memp.h>
#include <lwip/priv/memp_priv.h>

/* glibc's <netinet/tcp.h> defines TCP_MSS 512; never let it win (it did in the library's memp.c). */
#if TCP_MSS != 1460
#error "TCP_MSS was redefined by a system header"
#endif

enum record_kind {
  REC_MARK = 'M',     /* u16 index: the event's own effects follow */
  REC_FRAME = 'F',    /* bytes handed to the driver */
  REC_RESULT = 'R',   /* i32 result of an API call */
  REC_CALLBACK = 'E', /* u8 type, u8 slot, i32 argument, u32 Adler-32 of the data (recv) */
  REC_STATE = 'S',    /* dump.c */
  REC_ASSERT = 'A',   /* text of the assertion the library stopped at */
  REC_CRASH = 'X'     /* i32 signal */
};

enum callback_type { CB_ACCEPT, CB_RECV, CB_FIN, CB_SENT, CB_POLL, CB_ERR, CB_CONNECTED, CB_CLOSED, CB_SLOT };

enum op {
  OP_NOP, OP_FRAME, OP_LISTEN, OP_CONNECT, OP_WRITE, OP_OUTPUT, OP_RECVED, OP_CLOSE, OP_SHUTDOWN, OP_ABORT,
  OP_POLICY, OP_OPTION, OP_TXFAIL, OP_NETIF, OP_LINK, OP_ADDR, OP_MTU, OP_HEAPFAIL
};

enum option { OPT_NODELAY, OPT_KEEPALIVE, OPT_KEEPIDLE, OPT_KEEPINTVL, OPT_KEEPCNT, OPT_PRIO, OPT_TTL, OPT_TOS };

struct config {            /* as sent by oracle.py: all u32, little-endian */
  u32_t iss, iss_step, ephemeral_first, clock_start;
  u32_t ip, netmask, gateway, mtu;      /* addresses in host order */
  u32_t poll_ms;           /* timers run at multiples of this only */
  u32_t tcp_pcb, tcp_pcb_listen, tcp_seg;   /* sizes of the pools */
  u32_t state;             /* 1: a REC_STATE after every event */
};

extern struct config config;
extern struct netif netif;
extern u32_t virtual_ms;   /* since start; sys_now() adds clock_start */

/* record.c */
void record_reset(void *memory, size_t size);
size_t record_length(void);
void record(u8_t kind, const void *body, size_t length);
void record_i32(u8_t kind, s32_t value);

/* port.c */
void port_start(void);
void port_input(const u8_t *bytes, size_t length);
void port_advance(u32_t to_ms);
void port_txfail(u32_t count, s32_t err);
void port_heap_fail(u32_t count);

/* app.c */
void app_call(u8_t op, const u8_t *args, size_t length);
void app_pcb_freed(const void *pcb);
u32_t read_u32(const u8_t *p);
u16_t read_u16(const u8_t *p);

/* dump.c */
void dump_state(void);
void dump_options(void);

#endif
