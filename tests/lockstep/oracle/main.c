/* Protocol with oracle.py over stdin/stdout: every conversation runs in a forked child, so lwIP starts fresh each
 * time and an assertion or a crash ends that conversation only.
 *
 *   'B' config        begin; the child answers 'E' and ends at 'Q'
 *   'E' u32 n, bytes  events: time (u32 ms, never decreasing), op (u8), length (u16), arguments
 *                     answer: u8 alive, u32 n, records
 *   'Q'               end of the conversation (no answer) */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "oracle.h"

#define SHARED_SIZE (64u << 20)

static void *shared;

static int read_all(void *to, size_t length)
{
  u8_t *p = to;
  while (length != 0) {
    ssize_t n = read(0, p, length);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return 0;
    }
    p += n;
    length -= (size_t)n;
  }
  return 1;
}

static void write_all(const void *from, size_t length)
{
  const u8_t *p = from;
  while (length != 0) {
    ssize_t n = write(1, p, length);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      _exit(1);
    }
    p += n;
    length -= (size_t)n;
  }
}

static void answer(u8_t alive)
{
  u32_t length = (u32_t)record_length();
  write_all(&alive, 1);
  write_all(&length, 4);
  write_all((u8_t *)shared + sizeof(size_t), length);
  record_reset(shared, SHARED_SIZE);
}

static void netif_call(u8_t op, const u8_t *args)
{
  ip4_addr_t ip, mask, gw;
  switch (op) {
    case OP_NETIF: if (args[0]) netif_set_up(&netif); else netif_set_down(&netif); break;
    case OP_LINK: if (args[0]) netif_set_link_up(&netif); else netif_set_link_down(&netif); break;
    case OP_MTU: netif.mtu = read_u16(args); break;
    default:
      ip4_addr_set_u32(&ip, lwip_htonl(read_u32(args)));
      ip4_addr_set_u32(&mask, lwip_htonl(read_u32(args + 4)));
      ip4_addr_set_u32(&gw, lwip_htonl(read_u32(args + 8)));
      netif_set_addr(&netif, &ip, &mask, &gw);
  }
}

static void event(u8_t op, const u8_t *args, size_t length)
{
  switch (op) {
    case OP_NOP: break;
    case OP_FRAME: port_input(args, length); break;
    case OP_TXFAIL: port_txfail(args[0], (s8_t)args[1]); break;
    case OP_HEAPFAIL: port_heap_fail(args[0]); break;
    case OP_NETIF: case OP_LINK: case OP_ADDR: case OP_MTU: netif_call(op, args); break;
    default: app_call(op, args, length);
  }
}

static void run_events(const u8_t *p, size_t length)
{
  static u16_t index;
  const u8_t *end = p + length;
  while (p + 7 <= end) {
    size_t size = read_u16(p + 5);
    port_advance(read_u32(p));
    record(REC_MARK, &index, 2);
    event(p[4], p + 7, size);
    if (config.state) {
      dump_state();
    }
    index++;
    p += 7 + size;
  }
}

static void conversation(void)
{
  u8_t command;
  port_start();
  while (read_all(&command, 1) && command == 'E') {
    u32_t length;
    u8_t *events;
    if (!read_all(&length, 4) || (events = malloc(length + 1)) == NULL || !read_all(events, length)) {
      _exit(1);
    }
    run_events(events, length);
    answer(1);
    free(events);
  }
  _exit(0);
}

/* The structures of this program and of the library must agree. */
static void check_layout(void)
{
  if (memp_pools[MEMP_TCP_PCB]->size != LWIP_MEM_ALIGN_SIZE(sizeof(struct tcp_pcb)) ||
      memp_pools[MEMP_TCP_PCB_LISTEN]->size != LWIP_MEM_ALIGN_SIZE(sizeof(struct tcp_pcb_listen)) ||
      memp_pools[MEMP_TCP_SEG]->size != LWIP_MEM_ALIGN_SIZE(sizeof(struct tcp_seg))) {
    fprintf(stderr, "oracle: the lwIP headers do not belong to the library\n");
    exit(2);
  }
}

int main(int argc, char **argv)
{
  u8_t command;
  check_layout();
  if (argc == 2 && strcmp(argv[1], "options") == 0) {
    dump_options();
    return 0;
  }
  shared = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    perror("oracle: mmap");
    return 1;
  }
  while (read_all(&command, 1)) {
    int status;
    pid_t child;
    if (command == 'Q') {           /* the child that should have read it died */
      continue;
    }
    if (command != 'B' || !read_all(&config, sizeof config)) {
      return 1;
    }
    record_reset(shared, SHARED_SIZE);
    child = fork();
    if (child == 0) {
      conversation();
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
      return 1;
    }
    if (WIFSIGNALED(status)) {
      record_i32(REC_CRASH, WTERMSIG(status));
      answer(0);
    } else if (WEXITSTATUS(status) == 3) {      /* port.c: abort */
      answer(0);
    } else if (WEXITSTATUS(status) != 0) {
      return 1;
    }
  }
  return 0;
}
