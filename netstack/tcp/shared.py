"""What the parts of TCP share: the layers around it, the lists of pcbs, the tick counters, the segment being
processed.

In lwIP these are the global variables of ``tcp.c`` and ``tcp_in.c``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netstack.core import Core
from netstack.ipv4 import Ipv4
from netstack.netif import Netif
from netstack.rate import TokenBucket
from netstack.tcp import observe
from netstack.tcp.tcb import ListenTcb, Tcb
from netstack.timers import Timer
from netstack.trace import SegmentIn

if TYPE_CHECKING:
    from netstack.tcp.parts import Parts

FIRST_ISS = 6510  # lwIP tcp.c: tcp_next_iss
PORT_RANGE_START = 0xC000
PORT_RANGE_END = 0xFFFF  # never handed out itself

_TEXT_ACK_QUIRKS = {
    "data_without_ack_accepted",
    "data_with_future_ack_accepted",
    "data_with_old_ack_accepted",
}


class TcpShared:
    """Lists hold the newest (or last hit) pcb first; that order decides who sends first at a tick."""

    def __init__(
        self, core: Core, netif: Netif, ipv4: Ipv4, iss: Callable[[], int] | None, ephemeral_first: int
    ) -> None:
        self.core = core
        self.profile = profile = core.profile
        self.netif = netif
        self.ipv4 = ipv4
        self.stats = core.stats.tcp
        self.quirks = profile.quirks
        # The four lists, in the order in which they are searched for a port
        self.listen_pcbs: list[ListenTcb] = []
        self.bound_pcbs: list[Tcb] = []
        self.active_pcbs: list[Tcb] = []
        self.tw_pcbs: list[Tcb] = []
        self.active_changed = False  # a pcb was added to or removed from the active list
        # Time
        self.ticks = 0  # slow ticks since boot, while the timer ran
        self.timer_runs = 0  # parity selects the slow ones
        self.timer_stamp = 0  # one for each walk over the active list
        self.timer: Timer  # set by the layer, which owns the handler
        self.parts: Parts  # set by the layer: what can be exchanged
        # The segment under way
        self.input_pcb: Tcb | None = None
        self.input_closed = False  # its pcb is finished: to be freed when the callbacks are done
        self.seen: SegmentIn | None = None  # what the trace was told of it
        self.free_ooseq_at: int | None = None  # ms: the receive pool ran dry, out-of-order data must go then
        # Numbers handed out
        self.iss_hook = iss
        self.iss = FIRST_ISS
        self.port = ephemeral_first - 1
        self.predicts = True  # use header prediction; off only to test that it changes nothing
        # The profile's numbers that the packet path needs
        self.wnd_limit = 0xFFFFFFFF if profile.lwip_wnd_scale else 0xFFFF  # of tcpwnd_size_t
        self.wnd_unscaled = min(profile.tcp_wnd, 0xFFFF) if profile.lwip_wnd_scale else profile.tcp_wnd
        self.half_wnd = profile.tcp_wnd // 2
        self.update_threshold = profile.tcp_wnd_update_threshold
        self.queuelen_limit = min(profile.tcp_snd_queuelen, 0xFFFF - 3)
        self.rst_window = self._rst_window()
        # Quirks that the packet path asks for with every segment
        quirks = profile.quirks
        self.checks_sequence = "ack_from_any_segment" not in quirks
        self.checks_text_ack = bool(_TEXT_ACK_QUIRKS - quirks)
        self.checks_window_update = "window_update_from_any_segment" not in quirks
        self.joins_headers = "split_header_dropped" not in quirks
        self.obeys_shrinking = "window_shrink_ignored" not in quirks
        self.resets_dupacks = "dupack_count_not_reset" not in quirks
        self.caps_segments = "segment_cap_half_window" in quirks
        self.cuts_acked_head = "probe_byte_sent_again" not in quirks
        self.times_resent = "retransmission_timed" in quirks
        self.extends_resent = "resent_segment_extended" in quirks
        self.restarts_idle = "no_restart_after_idle" not in quirks
        # Of resets without a connection (RFC 5961 7)
        self.resets_limit = None if "no_rate_limits" in quirks else TokenBucket()

    def state_changed(self, pcb: Tcb, old: int) -> None:
        """Tell the observer, who is there, of the timers that limit states."""
        observe.state_timers(self, pcb, old)

    def _rst_window(self) -> int:
        """The window field of every RST (``tcp_rst_common``).

        lwIP: converted to network order twice, so a little-endian CPU sends its bytes swapped.
        """
        profile = self.profile
        window = (
            profile.tcp_wnd >> profile.tcp_rcv_scale & 0xFFFF
            if profile.lwip_wnd_scale
            else profile.tcp_wnd & 0xFFFF
        )
        if "rst_window_byteswap" in self.quirks:
            window = (window & 0xFF) << 8 | window >> 8
        return window

    def wnd_max(self, pcb: Tcb) -> int:
        """The largest receive window of ``pcb`` (TCP_WND_MAX)."""
        return self.profile.tcp_wnd if pcb.flags & 0x100 else self.wnd_unscaled

    def wnd_inc(self, wnd: int, increment: int) -> int:
        """Window arithmetic saturates at the type's maximum (TCP_WND_INC)."""
        total = wnd + increment
        return total if total <= self.wnd_limit else self.wnd_limit

    def next_iss(self) -> int:
        """An initial sequence number (``tcp_next_iss``): a base that grows by the tick count at each call, or
        the port's hook.
        """
        if self.iss_hook is not None:
            return self.iss_hook() & 0xFFFFFFFF
        if "iss_from_ticks" in self.quirks:
            self.iss = self.iss + self.ticks & 0xFFFFFFFF
            return self.iss
        return self.core.rand() & 0xFFFFFFFF  # RFC 6528: unpredictable, from the device's own random stream

    def eff_send_mss(self, mss: int) -> int:
        """``mss`` limited by what the interface's MTU leaves (``tcp_eff_send_mss_netif``)."""
        if not self.profile.tcp_calculate_eff_send_mss or not self.netif.mtu:
            return mss
        return min(mss, max(self.netif.mtu - 40, 0))
