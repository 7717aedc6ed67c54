"""All memory of a device: which pools there are, how large a profile makes them, who hears of them
(``memory``).
"""

from __future__ import annotations

from typing import Any

import pytest

from netstack.memory import Memory
from netstack.pool import Pool
from netstack.profiles import named

# Name as in lwIP's memp_std.h -> the option that sizes it
SIZES = {
    "PBUF_POOL": "pbuf_pool_size",
    "TCP_PCB": "memp_num_tcp_pcb",
    "TCP_PCB_LISTEN": "memp_num_tcp_pcb_listen",
    "TCP_SEG": "memp_num_tcp_seg",
    "UDP_PCB": "memp_num_udp_pcb",
    "RAW_PCB": "memp_num_raw_pcb",
    "REASSDATA": "memp_num_reassdata",
    "FRAG_PBUF": "memp_num_frag_pbuf",
    "ARP_QUEUE": "memp_num_arp_queue",
    "IGMP_GROUP": "memp_num_igmp_group",
}


def test_each_pool_has_the_size_of_its_option() -> None:
    options: dict[str, Any] = {option: 3 + index for index, option in enumerate(SIZES.values())}
    mem = Memory(named("lwip-default").replace(check=False, **options))
    assert {pool.name: pool.size for pool in mem.pools()} == {
        name: options[option] for name, option in SIZES.items()
    }


def test_every_pool_is_in_the_list_under_its_name_in_lower_case() -> None:
    mem = Memory(named("full"))
    held = {name: value for name in Memory.__slots__ if isinstance(value := getattr(mem, name), Pool)}
    assert {pool.name.lower(): pool for pool in mem.pools()} == held


def test_everything_is_free_at_first() -> None:
    mem = Memory(named("micropython"))
    for pool in mem.pools():
        assert (pool.used, pool.max, pool.err) == (0, 0, 0)
    assert (mem.heap.used, mem.heap.max, mem.heap.err) == (0, 0, 0)


@pytest.mark.parametrize(
    ("options", "size", "header"),
    [
        ({"mem_size": 1600}, 1600, 8),
        ({"mem_size": 64000}, 64000, 8),
        ({"mem_size": 64001}, 64004, 12),  # 32-bit offsets
        ({"mem_size": 1601, "mem_alignment": 1, "sizeof_heap_header": 6}, 1601, 6),
    ],
)
def test_the_heap_is_as_large_as_the_profile_says_and_its_headers_follow(
    options: dict[str, Any], size: int, header: int
) -> None:
    heap = Memory(named("lwip-default").replace(check=False, **options)).heap
    assert (heap.size, heap.header) == (size, header)
    assert heap.largest_hole() == size - header


@pytest.mark.parametrize(
    ("layer", "room"),
    [("transport", 16 + 56), ("ip", 16 + 36), ("link", 16 + 16), ("raw", 16)],
)
def test_outgoing_packets_take_heap_with_head_room_for_the_layers_below(layer: str, room: int) -> None:
    """struct pbuf is 16 bytes on a 32-bit device; 14, 34 and 54 bytes of headers are rounded up to 4."""
    mem = Memory(named("lwip-default"))
    buf = getattr(mem.tx, layer)(100)
    assert buf is not None
    assert mem.heap.used == room + 100 + 8
    buf.free()
    assert mem.heap.used == 0


def test_an_observer_hears_of_every_pool_and_of_the_heap_until_it_goes() -> None:
    mem = Memory(named("lwip-default"))
    seen: list[tuple[str, bool, int]] = []
    mem.observe(lambda name, ok, used: seen.append((name, ok, used)))
    for pool in mem.pools():
        ok = pool.take()
        assert seen.pop() == (pool.name, ok, 1 if ok else 0)
        for _ in range(pool.size):
            ok = pool.take()
        assert not ok
        assert seen[-1] == (pool.name, False, pool.size)
        seen.clear()
    mem.heap.malloc(50_000)
    mem.heap.malloc(20)
    assert seen == [("HEAP", True, 28)]  # more than the whole heap is refused without a word, as lwIP does
    mem.observe(None)
    mem.heap.malloc(20)
    assert len(seen) == 1
