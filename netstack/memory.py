"""All memory of one device: the heap, the receive buffers and lwIP's fixed pools, sized by the profile.

Source: lwIP ``memp_std.h`` (the list of pools) and ``pbuf.c`` (what comes from where).
"""

from __future__ import annotations

from netstack.pbuf import TxAllocator
from netstack.pool import Heap, Pool, PoolObserver
from netstack.profile import Profile


class Memory:
    """The pools by their lwIP names (``MEMP_`` left out, lower case) and ``tx``, which allocates outgoing
    packets.
    """

    __slots__ = (
        "arp_queue",
        "frag_pbuf",
        "heap",
        "igmp_group",
        "pbuf_pool",
        "raw_pcb",
        "reassdata",
        "tcp_pcb",
        "tcp_pcb_listen",
        "tcp_seg",
        "tx",
        "udp_pcb",
    )

    def __init__(self, profile: Profile) -> None:
        self.heap = Heap(
            profile.mem_size, profile.heap_block_header, profile.heap_min_block, profile.mem_alignment
        )
        self.tx = TxAllocator(
            self.heap,
            profile.mem_alignment,
            profile.sizeof_pbuf,
            profile.pbuf_link_hlen,
            profile.pbuf_ip_hlen,
        )
        self.pbuf_pool = Pool("PBUF_POOL", profile.pbuf_pool_size)
        self.tcp_pcb = Pool("TCP_PCB", profile.memp_num_tcp_pcb)
        self.tcp_pcb_listen = Pool("TCP_PCB_LISTEN", profile.memp_num_tcp_pcb_listen)
        self.tcp_seg = Pool("TCP_SEG", profile.memp_num_tcp_seg)
        self.udp_pcb = Pool("UDP_PCB", profile.memp_num_udp_pcb)
        self.raw_pcb = Pool("RAW_PCB", profile.memp_num_raw_pcb)
        self.reassdata = Pool("REASSDATA", profile.memp_num_reassdata)
        self.frag_pbuf = Pool("FRAG_PBUF", profile.memp_num_frag_pbuf)
        self.arp_queue = Pool("ARP_QUEUE", profile.memp_num_arp_queue)
        self.igmp_group = Pool("IGMP_GROUP", profile.memp_num_igmp_group)

    def pools(self) -> tuple[Pool, ...]:
        """All fixed pools, in a fixed order (the heap apart)."""
        return (
            self.pbuf_pool,
            self.tcp_pcb,
            self.tcp_pcb_listen,
            self.tcp_seg,
            self.udp_pcb,
            self.raw_pcb,
            self.reassdata,
            self.frag_pbuf,
            self.arp_queue,
            self.igmp_group,
        )

    def observe(self, observer: PoolObserver | None) -> None:
        """Report every take and every failure to ``observer``, or to nobody."""
        self.heap.observer = observer
        for pool in self.pools():
            pool.observer = observer
