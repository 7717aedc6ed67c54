/* What a port of lwIP supplies: clock, random numbers, driver, locking; plus the seams a test needs.
 *
 * The shared library resolves its own exported functions through the PLT, so a definition in this program wins
 * over the library's: that is how its thread lock, clock, initial sequence numbers and pools are replaced. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "oracle.h"

struct config config;
struct netif netif;
u32_t virtual_ms;

static u32_t iss_drawn;
static u32_t txfail_count;
static err_t txfail_err;
static u32_t pool_used[MEMP_MAX];
static u32_t heap_failures;
static char last_message[256];

/* ---- clock, locks, randomness ---- */

u32_t sys_now(void) { return config.clock_start + virtual_ms; }
void sys_check_core_locking(void) {}
void sys_mark_tcpip_thread(void) {}
void sys_lock_tcpip_core(void) {}
void sys_unlock_tcpip_core(void) {}
sys_prot_t sys_arch_protect(void) { return 0; }
void sys_arch_unprotect(sys_prot_t level) { (void)level; }

u32_t tcp_next_iss(struct tcp_pcb *pcb)
{
  (void)pcb;
  return config.iss + config.iss_step * iss_drawn++;
}

/* tcp_init and udp_init take (rand() & 0x3fff) + 0xc000 as the port before the first. */
int rand(void) { return (int)((config.ephemeral_first - 1) & 0x3fff); }

/* ---- pools and heap ---- */

static u32_t pool_size(memp_t type)
{
  switch (type) {
    case MEMP_TCP_PCB: return config.tcp_pcb;
    case MEMP_TCP_PCB_LISTEN: return config.tcp_pcb_listen;
    case MEMP_TCP_SEG: return config.tcp_seg;
    default: return 0xffffffff;
  }
}

/* A control block has a page of its own that is closed for ever when it is freed: lwIP's use of a freed one ends the
 * conversation there (signal 11), where every implementation may do as it likes. */
static int is_pcb(memp_t type) { return type == MEMP_TCP_PCB || type == MEMP_TCP_PCB_LISTEN; }

static void *page(size_t size)
{
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

void *memp_malloc(memp_t type)
{
  u16_t size = memp_pools[type]->size;
  void *element;
  if (pool_used[type] >= pool_size(type)) {
    return NULL;
  }
  element = is_pcb(type) ? page(size) : malloc(size);
  if (element != NULL) {
    memset(element, 0xa5, size);
    pool_used[type]++;
  }
  return element;
}

void memp_free(memp_t type, void *element)
{
  if (element == NULL) {
    return;
  }
  pool_used[type]--;
  if (is_pcb(type)) {
    app_pcb_freed(element);
    mprotect(element, memp_pools[type]->size, PROT_NONE);
  } else {
    memset(element, 0xa5, memp_pools[type]->size);
    free(element);
  }
}

/* MEM_LIBC_MALLOC: the heap is malloc; it fails only when the script says so. */
void *mem_malloc(mem_size_t size)
{
  if (heap_failures != 0) {
    heap_failures--;
    return NULL;
  }
  return malloc(size);
}

void port_heap_fail(u32_t count) { heap_failures = count; }

/* ---- assertions: LWIP_PLATFORM_ASSERT prints, flushes and aborts ---- */

int __printf_chk(int flag, const char *format, ...)
{
  va_list args;
  (void)flag;
  va_start(args, format);
  vsnprintf(last_message, sizeof last_message, format, args);
  va_end(args);
  return 0;
}

void abort(void)
{
  record(REC_ASSERT, last_message, strlen(last_message));
  _exit(3);
}

/* ---- driver ---- */

static err_t transmit(struct netif *out, struct pbuf *p)
{
  static u8_t frame[65536];
  (void)out;
  if (txfail_count != 0) {
    txfail_count--;
    return txfail_err;
  }
  record(REC_FRAME, frame, pbuf_copy_partial(p, frame, p->tot_len, 0));
  return ERR_OK;
}

/* LWIP_NETIF_LOOPBACK wants the tcpip thread; packets to the own address and 127/8 go on as without it. */
err_t netif_loop_output(struct netif *out, struct pbuf *p)
{
  ip4_addr_t to = { ((struct ip_hdr *)p->payload)->dest.addr };
  return p->tot_len > out->mtu ? ip4_frag(p, out, &to) : out->output(out, p, &to);
}

static err_t netif_setup(struct netif *n)
{
  static const u8_t mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };
  n->name[0] = 'e';
  n->name[1] = '0';
  n->mtu = (u16_t)config.mtu;
  n->hwaddr_len = 6;
  memcpy(n->hwaddr, mac, 6);
  n->linkoutput = transmit;
  n->output = etharp_output;
  n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP;
  return ERR_OK;
}

void port_start(void)
{
  ip4_addr_t ip, mask, gw;
  lwip_init();
  ip4_addr_set_u32(&ip, lwip_htonl(config.ip));
  ip4_addr_set_u32(&mask, lwip_htonl(config.netmask));
  ip4_addr_set_u32(&gw, lwip_htonl(config.gateway));
  netif_add(&netif, &ip, &mask, &gw, NULL, netif_setup, ethernet_input);
  netif_set_default(&netif);
  netif_set_link_up(&netif);
  netif_set_up(&netif);
}

/* Input is PBUF_RAM: the library's PBUF_POOL buffers are smaller than it believes (memp.c saw TCP_MSS 512). */
void port_input(const u8_t *bytes, size_t length)
{
  struct pbuf *p;
  u32_t failures = heap_failures;
  heap_failures = 0;                               /* the driver's buffer is not lwIP's heap */
  p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
  heap_failures = failures;
  if (p == NULL || pbuf_take(p, bytes, (u16_t)length) != ERR_OK || netif.input(p, &netif) != ERR_OK) {
    record(REC_ASSERT, "input failed", 12);
    _exit(3);
  }
}

/* Run the timers due up to to_ms, each at its own time (or at the first poll at or after it). */
void port_advance(u32_t to_ms)
{
  for (;;) {
    u32_t due = virtual_ms + sys_timeouts_sleeptime();
    due = (due + config.poll_ms - 1) / config.poll_ms * config.poll_ms;
    if (due > to_ms) {
      break;
    }
    virtual_ms = due;
    sys_check_timeouts();
  }
  virtual_ms = to_ms;
}

void port_txfail(u32_t count, s32_t err)
{
  txfail_count = count;
  txfail_err = (err_t)err;
}
