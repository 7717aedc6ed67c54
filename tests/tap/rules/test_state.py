"""Looking into a device."""

from __future__ import annotations

import pytest

import usocket
from tap.rules.errors import RuleError
from tap.rules.state import device_state, is_in
from tests.tap.rules.bench import ACK, SYN, tcp, udp


def test_values() -> None:
    found = device_state("my:device:established,FIN-WAIT-1")
    assert found.device == "my:device"
    assert str(found) == "my:device:ESTABLISHED,FIN_WAIT_1"
    assert device_state(found) is found


@pytest.mark.parametrize("value", ["client", ":LISTEN", "client:", "client:OPEN", 5, None, "client:LISTEN,"])
def test_mistakes(value: object) -> None:
    with pytest.raises(RuleError, match=r"write client:ESTABLISHED|TCP has no state"):
        device_state(value)


def test_states_of_a_stack() -> None:
    listen, closed = range(1, 2), range(1)
    with usocket.Network() as net:
        server = net.device("server", address="10.0.0.1/24")
        net.device("client", address="10.0.0.2/24")
        net.cable("client", "server")
        net.switch_on()
        assert is_in(server.stack, tcp(SYN, 0), closed)
        pcb = server.stack.tcp.new()
        assert pcb is not None
        server.stack.tcp.bind(pcb, 0, 80)
        server.stack.tcp.listen(pcb, 1)
        before = list(server.stack.tcp.listen_pcbs)
        assert is_in(server.stack, tcp(SYN, 0), listen)
        assert is_in(server.stack, tcp(SYN | ACK, 0, 1, source=0x0A000001), listen)
        assert not is_in(server.stack, udp(1, 2, b""), range(11))
        assert not is_in(server.stack, bytes(60), range(11))
        client = net.find("client").host.stack
        assert is_in(client, tcp(SYN, 0), closed)
        server.stack.netif.set_addr(0x0A000063, 0xFFFFFF00, 0)
        assert not is_in(server.stack, tcp(SYN, 0), range(11))  # a frame of others
        assert server.stack.tcp.listen_pcbs == before
