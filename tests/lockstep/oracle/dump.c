/* Inside view of the library: connection state for comparison, compile-time options for the profile. */
#include <stdio.h>
#include <string.h>
#include "oracle.h"

/* Field order is known to oracle.py:STATE_FIELDS. */
static u8_t *put(u8_t *p, u32_t value)
{
  memcpy(p, &value, 4);
  return p + 4;
}

static u32_t segments(const struct tcp_seg *seg)
{
  u32_t n = 0;
  for (; seg != NULL; seg = seg->next) {
    n++;
  }
  return n;
}

static u8_t *dump_pcb(u8_t *p, const struct tcp_pcb *pcb)
{
  p = put(p, pcb->local_port);
  p = put(p, lwip_ntohl(ip_2_ip4(&pcb->remote_ip)->addr));
  p = put(p, pcb->remote_port);
  p = put(p, pcb->state);
  p = put(p, pcb->flags);
  p = put(p, pcb->mss);
  p = put(p, pcb->snd_nxt);
  p = put(p, pcb->lastack);
  p = put(p, pcb->snd_lbb);
  p = put(p, pcb->snd_wl1);
  p = put(p, pcb->snd_wl2);
  p = put(p, pcb->snd_wnd);
  p = put(p, pcb->snd_wnd_max);
  p = put(p, pcb->snd_buf);
  p = put(p, pcb->snd_queuelen);
  p = put(p, pcb->rcv_nxt);
  p = put(p, pcb->rcv_wnd);
  p = put(p, pcb->rcv_ann_wnd);
  p = put(p, pcb->rcv_ann_right_edge);
  p = put(p, pcb->cwnd);
  p = put(p, pcb->ssthresh);
  p = put(p, pcb->bytes_acked);
  p = put(p, pcb->dupacks);
  p = put(p, (u32_t)(s32_t)pcb->rtime);
  p = put(p, (u32_t)(s32_t)pcb->rto);
  p = put(p, (u32_t)(s32_t)pcb->sa);
  p = put(p, (u32_t)(s32_t)pcb->sv);
  p = put(p, pcb->nrtx);
  p = put(p, pcb->rttest);
  p = put(p, pcb->tmr);
  p = put(p, pcb->polltmr);
  p = put(p, pcb->persist_cnt);
  p = put(p, pcb->persist_backoff);
  p = put(p, pcb->persist_probe);
  p = put(p, pcb->keep_cnt_sent);
  p = put(p, segments(pcb->unsent));
  p = put(p, segments(pcb->unacked));
  p = put(p, segments(pcb->ooseq));
  p = put(p, pcb->refused_data == NULL ? 0 : pcb->refused_data->tot_len);
  return p;
}

/* tcp_ticks, then the active list, then the TIME_WAIT list, both in list order. */
void dump_state(void)
{
  static u8_t body[65000];
  u8_t *p = put(body, tcp_ticks);
  const struct tcp_pcb *pcb;
  for (pcb = tcp_active_pcbs; pcb != NULL && p < body + 60000; pcb = pcb->next) {
    p = dump_pcb(p, pcb);
  }
  for (pcb = tcp_tw_pcbs; pcb != NULL && p < body + 60000; pcb = pcb->next) {
    p = dump_pcb(p, pcb);
  }
  record(REC_STATE, body, (size_t)(p - body));
}

#define SHOW(name) fprintf(stdout, "%s=%ld\n", #name, (long)(name))

void dump_options(void)
{
  fprintf(stdout, "VERSION=%s\n", LWIP_VERSION_STRING);
  SHOW(ARP_MAXAGE);
  SHOW(ARP_QUEUEING);
  SHOW(ARP_QUEUE_LEN);
  SHOW(ARP_TABLE_SIZE);
  SHOW(ICMP_TTL);
  SHOW(IP_DEFAULT_TTL);
  SHOW(IP_FORWARD);
  SHOW(IP_FRAG);
  SHOW(IP_OPTIONS_ALLOWED);
  SHOW(IP_REASSEMBLY);
  SHOW(IP_REASS_MAXAGE);
  SHOW(IP_REASS_MAX_PBUFS);
  SHOW(LWIP_AUTOIP);
  SHOW(LWIP_BROADCAST_PING);
  SHOW(LWIP_DHCP);
  SHOW(LWIP_DNS);
  SHOW(LWIP_ICMP);
  SHOW(LWIP_IGMP);
  SHOW(LWIP_IPV6);
  SHOW(LWIP_MULTICAST_PING);
  SHOW(LWIP_NETIF_LOOPBACK);
  SHOW(LWIP_NETIF_TX_SINGLE_PBUF);
  SHOW(LWIP_RAW);
  SHOW(LWIP_TCP_KEEPALIVE);
  SHOW(LWIP_TCP_SACK_OUT);
  SHOW(LWIP_TCP_TIMESTAMPS);
  SHOW(LWIP_WND_SCALE);
  SHOW(MEM_ALIGNMENT);
  SHOW(MEM_LIBC_MALLOC);
  SHOW(MEMP_MEM_MALLOC);
  SHOW(PBUF_LINK_HLEN);
  SHOW(SO_REUSE);
  SHOW(TCP_CALCULATE_EFF_SEND_MSS);
  SHOW(TCP_DEFAULT_LISTEN_BACKLOG);
  SHOW(TCP_FIN_WAIT_TIMEOUT);
  SHOW(TCP_KEEPCNT_DEFAULT);
  SHOW(TCP_KEEPIDLE_DEFAULT);
  SHOW(TCP_KEEPINTVL_DEFAULT);
  SHOW(TCP_LISTEN_BACKLOG);
  SHOW(TCP_MAXRTX);
  SHOW(TCP_MSL);
  SHOW(TCP_MSS);
  SHOW(TCP_OOSEQ_MAX_BYTES);
  SHOW(TCP_OOSEQ_MAX_PBUFS);
  SHOW(TCP_OVERSIZE);
  SHOW(TCP_QUEUE_OOSEQ);
  SHOW(TCP_RCV_SCALE);
  SHOW(TCP_SND_BUF);
  SHOW(TCP_SND_QUEUELEN);
  SHOW(TCP_SYNMAXRTX);
  SHOW(TCP_SYN_RCVD_TIMEOUT);
  SHOW(TCP_TMR_INTERVAL);
  SHOW(TCP_TTL);
  SHOW(TCP_WND);
  SHOW(TCP_WND_UPDATE_THRESHOLD);
}
