"""The tables of pools, counters and drops."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lab import tables
from lab.tables import print_tables
from netstack.address import parse_ip
from netstack.errors import ERR_OK
from netstack.profiles import named
from netstack.stack import Stack


@pytest.fixture
def stack() -> Stack:
    return Stack(
        named("micropython").replace(memp_num_udp_pcb=0, lwip_udp=0, lwip_dhcp=0, lwip_dns=0, lwip_acd=0),
        mac=b"\x02\0\0\0\0\x02",
        ip=parse_ip("192.168.7.2"),
        netmask=0xFFFFFF00,
        transmit=lambda frame: ERR_OK,
    )


def shown(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is printed, a list of words per line."""
    out = io.StringIO()
    monkeypatch.setattr(tables, "console", lambda: Console(file=out, width=160, highlight=False))
    print_tables(stack)
    return [line.split() for line in out.getvalue().splitlines()]


def test_pools_with_their_high_water_marks_and_failures(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = stack.mem.tcp_pcb
    assert all(pool.take() for _ in range(5))
    assert not pool.take()
    pool.give(4)
    block = stack.mem.heap.malloc(1000)
    stack.mem.heap.free(block)
    lines = shown(stack, monkeypatch)
    assert ["TCP_PCB", "1", "5", "5", "1", "█" * 20] in lines
    assert ["HEAP", "0", "1008", "8000", "bytes", "0", "█" * 3 + "·" * 17] in lines
    assert not any(line[:1] == ["UDP_PCB"] for line in lines), "a pool that the profile lacks"


def test_counters_that_moved_and_why_packets_were_dropped(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(stack, monkeypatch)
    assert ["dropped"] not in lines
    stack.receive(bytes(60), 0)
    lines = shown(stack, monkeypatch)
    header = next(line for line in lines if line[:1] == ["protocol"])
    row = next(line for line in lines if line[:1] == ["etharp"])
    assert {"proterr", "drop"} <= set(header)
    assert len(row) == len(header)
    assert ["1", "eth_type", "no", "layer", "handles", "this", "EtherType"] in lines
