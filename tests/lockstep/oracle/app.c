/* The application: raw-API calls asked for by the script, and callbacks that follow a policy.
 *
 * tests/lockstep/ours.py is the same application on our stack, line by line. Connections and listeners are
 * numbered ("slot") in the order in which they appear. */
#include <string.h>
#include "oracle.h"

#define SLOTS 250
#define RESULT_DEAD (-100)       /* the slot has no pcb any more, or is of the wrong kind */

enum recv_policy { RECV_HOLD, RECV_CONSUME, RECV_REFUSE, RECV_ECHO, RECV_ABORT, RECV_CLOSE, RECV_HALF };
enum fin_policy { FIN_IGNORE, FIN_CLOSE, FIN_SHUTDOWN_TX, FIN_ABORT };
enum accept_policy { ACCEPT_OK, ACCEPT_ERROR, ACCEPT_ABORT, ACCEPT_GREET };
enum sent_policy { SENT_IGNORE, SENT_WRITE, SENT_CLOSE };
enum poll_policy { POLL_NONE, POLL_IGNORE, POLL_WRITE, POLL_CLOSE, POLL_ABORT, POLL_ABORT_CLOSED };
enum connected_policy { CONNECTED_IGNORE, CONNECTED_WRITE, CONNECTED_ABORT };

struct policy { u8_t recv, fin, accept, sent, poll, poll_interval, connected, unused; };

struct slot {
  struct tcp_pcb *pcb;                   /* NULL once closed, aborted, failed or freed */
  struct tcp_pcb_listen *listener;
  u32_t held, written;                   /* bytes not yet tcp_recved; bytes tcp_written */
  struct policy policy;
};

static struct slot slots[SLOTS];
static u32_t slots_used;
static struct policy default_policy;
static u8_t pattern[65536 + 251];

u16_t read_u16(const u8_t *p) { return (u16_t)(p[0] | p[1] << 8); }
u32_t read_u32(const u8_t *p) { return read_u16(p) | (u32_t)read_u16(p + 2) << 16; }

static u32_t adler32(const struct pbuf *p)
{
  u32_t a = 1, b = 0;
  for (; p != NULL; p = p->next) {
    const u8_t *data = p->payload;
    u16_t i;
    for (i = 0; i < p->len; i++) {
      a = (a + data[i]) % 65521;
      b = (b + a) % 65521;
    }
  }
  return b << 16 | a;
}

static void callback(u8_t type, const struct slot *slot, s32_t argument, u32_t sum)
{
  u8_t body[10];
  body[0] = type;
  body[1] = (u8_t)(slot - slots);
  memcpy(body + 2, &argument, 4);
  memcpy(body + 6, &sum, 4);
  record(REC_CALLBACK, body, sizeof body);
}

static err_t write_pattern(struct slot *slot, u32_t length, u8_t flags)
{
  u32_t i;
  err_t err;
  if (pattern[1] == 0) {
    for (i = 0; i < sizeof pattern; i++) {
      pattern[i] = (u8_t)(i % 251);
    }
  }
  err = tcp_write(slot->pcb, pattern + slot->written % 251, (u16_t)length, flags);
  if (err == ERR_OK) {
    slot->written += length;
  }
  return err;
}

static void write_some(struct slot *slot, u32_t length)
{
  length = LWIP_MIN(length, tcp_sndbuf(slot->pcb));
  if (length != 0) {
    write_pattern(slot, length, TCP_WRITE_FLAG_COPY);
  }
}

static err_t close_slot(struct slot *slot)
{
  struct tcp_pcb *pcb = slot->pcb;
  err_t err = tcp_close(pcb);
  if (err == ERR_OK) {
    slot->pcb = NULL;
  }
  callback(CB_CLOSED, slot, err, 0);
  return err;
}

static err_t abort_slot(struct slot *slot)
{
  struct tcp_pcb *pcb = slot->pcb;
  slot->pcb = NULL;
  tcp_abort(pcb);
  return ERR_ABRT;
}

/* ---- callbacks ---- */

static err_t on_fin(struct slot *slot)
{
  callback(CB_FIN, slot, 0, 0);
  if (slot->pcb == NULL) {
    return ERR_OK;
  }
  switch (slot->policy.fin) {
    case FIN_CLOSE: close_slot(slot); return ERR_OK;
    case FIN_SHUTDOWN_TX: tcp_shutdown(slot->pcb, 0, 1); return ERR_OK;
    case FIN_ABORT: return abort_slot(slot);
    default: return ERR_OK;
  }
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  struct slot *slot = arg;
  u16_t length;
  (void)pcb;
  (void)err;
  if (p == NULL) {
    return on_fin(slot);
  }
  length = p->tot_len;
  callback(CB_RECV, slot, length, adler32(p));
  if (slot->pcb != NULL && slot->policy.recv == RECV_REFUSE) {
    return ERR_MEM;
  }
  pbuf_free(p);
  if (slot->pcb == NULL) {
    return ERR_OK;
  }
  switch (slot->policy.recv) {
    case RECV_HOLD: slot->held += length; break;
    case RECV_CONSUME: tcp_recved(slot->pcb, length); break;
    case RECV_ECHO: tcp_recved(slot->pcb, length); write_some(slot, length); break;
    case RECV_ABORT: return abort_slot(slot);
    case RECV_CLOSE: tcp_recved(slot->pcb, length); close_slot(slot); break;
    case RECV_HALF: tcp_recved(slot->pcb, length / 2); slot->held += length - length / 2; break;
    default: break;
  }
  return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t length)
{
  struct slot *slot = arg;
  (void)pcb;
  callback(CB_SENT, slot, length, 0);
  if (slot->pcb != NULL && slot->policy.sent == SENT_WRITE) {
    write_some(slot, 100);
  } else if (slot->pcb != NULL && slot->policy.sent == SENT_CLOSE) {
    close_slot(slot);
  }
  return ERR_OK;
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
  struct slot *slot = arg;
  callback(CB_POLL, slot, 0, 0);
  if (slot->pcb == NULL) {
    if (slot->policy.poll == POLL_ABORT_CLOSED && pcb->state != TIME_WAIT) {
      tcp_abort(pcb);
      return ERR_ABRT;
    }
    return ERR_OK;
  }
  switch (slot->policy.poll) {
    case POLL_WRITE: write_some(slot, 10); return ERR_OK;
    case POLL_CLOSE: close_slot(slot); return ERR_OK;
    case POLL_ABORT: return abort_slot(slot);
    default: return ERR_OK;
  }
}

static void on_err(void *arg, err_t err)
{
  struct slot *slot = arg;
  callback(CB_ERR, slot, err, 0);
  slot->pcb = NULL;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
  struct slot *slot = arg;
  (void)pcb;
  callback(CB_CONNECTED, slot, err, 0);
  if (slot->policy.connected == CONNECTED_WRITE) {
    write_some(slot, 100);
  } else if (slot->policy.connected == CONNECTED_ABORT) {
    return abort_slot(slot);
  }
  return ERR_OK;
}

static void set_policy(struct slot *slot, const struct policy *policy)
{
  slot->policy = *policy;
  if (slot->pcb != NULL) {
    tcp_poll(slot->pcb, policy->poll == POLL_NONE ? NULL : on_poll, policy->poll_interval);
  }
}

static struct slot *new_slot(struct tcp_pcb *pcb)
{
  struct slot *slot;
  if (slots_used == SLOTS) {
    return NULL;
  }
  slot = &slots[slots_used++];
  slot->pcb = pcb;
  tcp_arg(pcb, slot);
  tcp_recv(pcb, on_recv);
  tcp_sent(pcb, on_sent);
  tcp_err(pcb, on_err);
  set_policy(slot, &default_policy);
  callback(CB_SLOT, slot, 0, 0);
  return slot;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
  struct slot *listener = arg, *slot;
  callback(CB_ACCEPT, listener, err, pcb == NULL ? 0 : pcb->remote_port);
  if (pcb == NULL) {
    return ERR_OK;
  }
  if (listener->policy.accept == ACCEPT_ERROR) {
    return ERR_MEM;
  }
  if (listener->policy.accept == ACCEPT_ABORT) {
    tcp_abort(pcb);
    return ERR_ABRT;
  }
  slot = new_slot(pcb);
  if (slot == NULL) {
    return ERR_MEM;
  }
  if (listener->policy.accept == ACCEPT_GREET) {
    write_some(slot, 50);
  }
  return ERR_OK;
}

/* ---- calls ---- */

static s32_t call_listen(u16_t port, u8_t backlog, u8_t reuse)
{
  struct slot *slot;
  struct tcp_pcb *pcb = slots_used < SLOTS ? tcp_new() : NULL;
  struct tcp_pcb_listen *listener;
  err_t err;
  if (pcb == NULL) {
    return ERR_MEM;
  }
  if (reuse) {
    ip_set_option(pcb, SOF_REUSEADDR);
  }
  err = tcp_bind(pcb, IP_ADDR_ANY, port);
  if (err != ERR_OK) {
    tcp_close(pcb);
    return err;
  }
  listener = (struct tcp_pcb_listen *)tcp_listen_with_backlog_and_err(pcb, backlog, &err);
  if (listener == NULL) {
    tcp_close(pcb);
    return err;
  }
  slot = &slots[slots_used++];
  slot->listener = listener;
  slot->policy = default_policy;
  tcp_arg((struct tcp_pcb *)listener, slot);
  tcp_accept((struct tcp_pcb *)listener, on_accept);
  callback(CB_SLOT, slot, 1, 0);
  return ERR_OK;
}

static s32_t call_connect(u16_t local_port, u32_t ip, u16_t port)
{
  struct slot *slot;
  ip_addr_t to;
  err_t err = ERR_OK;
  struct tcp_pcb *pcb = slots_used < SLOTS ? tcp_new() : NULL;
  if (pcb == NULL) {
    return ERR_MEM;
  }
  if (local_port != 0) {
    err = tcp_bind(pcb, IP_ADDR_ANY, local_port);
  }
  if (err != ERR_OK) {
    tcp_close(pcb);
    return err;
  }
  slot = new_slot(pcb);
  ip_addr_set_ip4_u32_val(to, lwip_htonl(ip));
  err = tcp_connect(pcb, &to, port, on_connected);
  if (err != ERR_OK && slot->pcb != NULL) {
    close_slot(slot);
  }
  return err;
}

static s32_t call_option(struct slot *slot, u8_t which, u32_t value)
{
  struct tcp_pcb *pcb = slot->pcb;
  switch (which) {
    case OPT_NODELAY: if (value) tcp_nagle_disable(pcb); else tcp_nagle_enable(pcb); break;
    case OPT_KEEPALIVE: if (value) ip_set_option(pcb, SOF_KEEPALIVE); else ip_reset_option(pcb, SOF_KEEPALIVE); break;
    case OPT_KEEPIDLE: pcb->keep_idle = value; break;
    case OPT_KEEPINTVL: pcb->keep_intvl = value; break;
    case OPT_KEEPCNT: pcb->keep_cnt = value; break;
    case OPT_PRIO: tcp_setprio(pcb, (u8_t)value); break;
    case OPT_TTL: pcb->ttl = (u8_t)value; break;
    case OPT_TOS: pcb->tos = (u8_t)value; break;
    default: return ERR_VAL;
  }
  return ERR_OK;
}

static s32_t call_recved(struct slot *slot, u32_t count)
{
  count = LWIP_MIN(count, slot->held);
  slot->held -= count;
  if (count != 0) {
    tcp_recved(slot->pcb, (u16_t)count);
  }
  return (s32_t)count;
}

static s32_t call_on_slot(u8_t op, const u8_t *args)
{
  struct slot *slot = args[0] < slots_used ? &slots[args[0]] : NULL;
  if (op == OP_POLICY) {
    struct policy policy;
    memcpy(&policy, args + 1, sizeof policy);
    if (args[0] == 255) {
      default_policy = policy;
    } else if (slot != NULL) {
      set_policy(slot, &policy);
    }
    return ERR_OK;
  }
  if (op == OP_CLOSE && slot != NULL && slot->listener != NULL) {
    return tcp_close((struct tcp_pcb *)slot->listener);
  }
  if (slot == NULL || slot->pcb == NULL) {
    return RESULT_DEAD;
  }
  switch (op) {
    case OP_WRITE: {
      err_t err = write_pattern(slot, read_u16(args + 1), (args[3] & TCP_WRITE_FLAG_MORE) | TCP_WRITE_FLAG_COPY);
      if (args[3] & 4) {
        tcp_output(slot->pcb);
      }
      return err;
    }
    case OP_OUTPUT: return tcp_output(slot->pcb);
    case OP_RECVED: return call_recved(slot, read_u16(args + 1));
    case OP_CLOSE: return close_slot(slot);
    case OP_SHUTDOWN: {
      err_t err = tcp_shutdown(slot->pcb, args[1], args[2]);
      if (err == ERR_OK && args[1] && args[2]) {
        slot->pcb = NULL;
      }
      return err;
    }
    case OP_ABORT: return abort_slot(slot);
    case OP_OPTION: return call_option(slot, args[1], read_u32(args + 2));
    default: return ERR_ARG;
  }
}

void app_call(u8_t op, const u8_t *args, size_t length)
{
  s32_t result;
  (void)length;
  switch (op) {
    case OP_LISTEN: result = call_listen(read_u16(args), args[2], args[3]); break;
    case OP_CONNECT: result = call_connect(read_u16(args), read_u32(args + 2), read_u16(args + 6)); break;
    default: result = call_on_slot(op, args); break;
  }
  record_i32(REC_RESULT, result);
}

void app_pcb_freed(const void *pcb)
{
  u32_t i;
  for (i = 0; i < slots_used; i++) {
    if (slots[i].pcb == pcb) {
      slots[i].pcb = NULL;
    }
    if (slots[i].listener == pcb) {
      slots[i].listener = NULL;
    }
  }
}
