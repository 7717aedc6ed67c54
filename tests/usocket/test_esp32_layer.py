"""lwIP's select, and a look at what has arrived."""

from __future__ import annotations

from netstack.api import netconn
from netstack.api.modlwip import raw_socket
from netstack.errors import ERR_OK, ERR_WOULDBLOCK
from netstack.profiles import named
from tests.usocket.support import SERVER, two_devices
from usocket.esp32_layer import can_read, can_write, taken

ESP32 = named("micropython-esp32")


def test_streams() -> None:
    with two_devices(ESP32, ESP32) as pair:
        listener, _ = netconn.tcp_socket(pair.server.stack)
        client, _ = netconn.tcp_socket(pair.client.stack)
        assert listener is not None
        assert client is not None
        listener.bind(0, 80)
        listener.listen(1)
        assert not can_write(client)
        with pair.client.host.lock:
            client.connect(pair.server.ip, 80)
        assert not can_write(client)
        assert not can_read(listener)
        pair.advance(20)
        assert can_write(client)
        assert can_read(listener)
        accepted, _ = listener.accept()
        assert accepted is not None
        assert taken(accepted, 10, False) == (None, ERR_WOULDBLOCK)
        with pair.client.host.lock:
            client.write(b"abc")
        pair.advance(20)
        assert can_read(accepted)
        got, err = taken(accepted, 2, True)
        assert got is not None
        assert (got[0], err) == (b"ab", ERR_OK)
        assert taken(accepted, 10, False)[0][0] == b"abc"  # type: ignore[index]
        with pair.client.host.lock:
            count = 0
            while (done := client.write(b"x" * 500)[0]) > 0:
                count += done
        assert not can_write(client)
        with pair.client.host.lock:
            client.abort()
        pair.advance(20)
        assert can_write(accepted)  # the reset wakes a writer
        assert can_read(accepted)
        assert count
        assert SERVER


def test_datagrams_and_raw_packets() -> None:
    with two_devices(ESP32, ESP32) as pair:
        udp, _ = netconn.udp_socket(pair.server.stack)
        raw, _ = raw_socket(pair.server.stack, None, 17)
        sender, _ = netconn.udp_socket(pair.client.stack)
        assert udp is not None
        assert raw is not None
        assert sender is not None
        udp.bind(0, 7)
        for layer in (udp, raw):
            assert can_write(layer)
            assert not can_read(layer)
            assert taken(layer, 10, True) == (None, ERR_WOULDBLOCK)
        raw.close()
        with pair.client.host.lock:
            sender.sendto(b"hello", pair.server.ip, 7)
        pair.advance(20)
        assert can_read(udp)
        assert taken(udp, 3, True) == ((b"hel", pair.client.ip, 49153), ERR_OK)
        assert taken(udp, 9, False) == ((b"hello", pair.client.ip, 49153), ERR_OK)
        assert not can_read(udp)
