"""Control blocks: what a new one holds, and that it holds nothing else (``tcb``)."""

import pytest

from netstack.profiles import named
from netstack.tcp import tcb
from netstack.tcp.states import CLOSED, LISTEN
from netstack.tcp.tcb import ListenTcb, Tcb
from tests.netstack.peer import Peer
from tests.netstack.tcp.conversation import ACK, SYN, Conversation


@pytest.mark.parametrize(
    ("profile", "mss", "window", "snd_buf", "rto"),
    [
        ("lwip-default", 536, 2144, 1072, 6),
        ("micropython", 536, 6400, 6400, 6),
        ("esp-like", 536, 5760, 5760, 3),
        ("full", 536, 0xFFFF, 58400, 6),  # no scaling before it is agreed
    ],
)
def test_a_new_one_has_the_profiles_numbers(
    profile: str, mss: int, window: int, snd_buf: int, rto: int
) -> None:
    pcb = Tcb(named(profile), 64, 7, 3)
    assert pcb.state == CLOSED
    assert pcb.mss == mss  # until the peer says more
    assert pcb.rcv_wnd == pcb.rcv_ann_wnd == window
    assert pcb.snd_buf == pcb.ssthresh == snd_buf
    assert (pcb.rto, pcb.sv, pcb.sa) == (rto, rto, 0)
    assert (pcb.cwnd, pcb.rtime, pcb.nrtx) == (1, -1, 0)
    assert (pcb.tmr, pcb.last_timer) == (7, 3)
    assert (pcb.ttl, pcb.tos, pcb.so_options) == (255, 0, 0)
    assert (pcb.keep_idle, pcb.keep_intvl, pcb.keep_cnt) == (7_200_000, 75_000, 9)
    assert not pcb.unsent
    assert not pcb.unacked
    assert not pcb.ooseq


def test_a_smaller_mss_of_the_profile_is_the_start() -> None:
    assert Tcb(named("lwip-default").replace(tcp_mss=256, check=False), 64, 0, 0).mss == 256


@pytest.mark.parametrize("kind", [Tcb, ListenTcb])
def test_every_field_has_a_value_and_no_other_can_be_added(kind: type[Tcb] | type[ListenTcb]) -> None:
    pcb = Tcb(named("lwip-default"), 64, 0, 0)
    made = pcb if kind is Tcb else ListenTcb(pcb, 1)
    for name in kind.__slots__:
        getattr(made, name)
    with pytest.raises(AttributeError):
        made.snd_una = 0  # type: ignore[union-attr]


def test_two_do_not_share_their_queues() -> None:
    profile = named("lwip-default")
    first, second = Tcb(profile, 64, 0, 0), Tcb(profile, 64, 0, 0)
    for name in ("unsent", "unacked", "ooseq", "rcv_sacks"):
        assert getattr(first, name) is not getattr(second, name)


def test_flags_are_lwips_and_each_is_one_bit() -> None:
    flags = {name: value for name, value in vars(tcb).items() if name.startswith("TF_")}
    assert len(flags) == 13
    assert all(value.bit_count() == 1 for value in flags.values())
    assert len(set(flags.values())) == len(flags)
    assert sum(flags.values()) == 0x1FFF  # TF_ACK_DELAY to TF_SACK, without a gap


def test_the_flow_is_both_addresses() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.segment(ACK, 1, 1)
    assert talk.pcb.flow == (0x0A000001, 80, 0x0A000002, 40000)


@pytest.mark.parametrize(
    ("asked", "backlog"), [(0, 1), (1, 1), (5, 5), (255, 255), (256, 1), (257, 1), (1000, 232), (-1, 255)]
)
def test_a_backlog_is_a_byte_and_at_least_one(asked: int, backlog: int) -> None:
    assert ListenTcb(Tcb(named("lwip-default"), 64, 0, 0), asked).backlog == backlog


def test_a_listener_takes_over_what_was_set() -> None:
    tcp = Peer().stack.tcp
    pcb = tcp.new(prio=10)
    assert pcb is not None
    tcp.bind(pcb, 0x0A000001, 99)
    pcb.ttl, pcb.tos, pcb.so_options = 7, 8, 4
    listener, _ = tcp.listen(pcb, 3)
    assert listener is not None
    assert (listener.local_ip, listener.local_port, listener.state) == (0x0A000001, 99, LISTEN)
    assert (listener.prio, listener.ttl, listener.tos, listener.so_options) == (10, 7, 8, 4)
    assert (listener.backlog, listener.accepts_pending, listener.accept) == (3, 0, None)
