"""Blocking programs and scripts on several devices of one network: functions, MicroPython scripts, threads,
asyncio, select, UDP, all in one virtual time.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import usocket
from tap.clock import MS, SECOND
from usocket import Device, Network, select, time
from usocket.errno import ETIMEDOUT

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PORT = 8080


@pytest.fixture
def net() -> Iterator[Network]:
    with Network(seed=1) as made:
        yield made


def fleet(net: Network, count: int, *profiles: str) -> list[Device]:
    """Devices 10.0.0.1 and up at a switch."""
    switch = net.switch("switch")
    made = []
    for number in range(1, count + 1):
        profile = profiles[(number - 1) % len(profiles)] if profiles else "micropython"
        made.append(net.device(f"d{number}", profile, address=f"10.0.0.{number}/24"))
        net.cable(made[-1], switch, delay=MS)
    return made


def echo(connections: int) -> None:
    listener = usocket.socket()
    listener.bind(("", PORT))
    listener.listen(5)
    for _ in range(connections):
        connection, _ = listener.accept()
        connection.sendall(connection.recv(500))
        connection.close()
    listener.close()


def ask(number: int) -> str:
    sock = usocket.socket()
    sock.connect(("10.0.0.1", PORT))
    sock.sendall(b"%d" % number)
    answer = sock.recv(500).decode()
    sock.close()
    return answer


def test_many_clients_and_one_server(net: Network) -> None:
    server, *clients = fleet(net, 6, "micropython", "micropython-esp32", "pico-sdk")
    net.program(echo, len(clients), on=server)
    asked = [net.program(ask, number, on=client, at=number * SECOND) for number, client in enumerate(clients)]
    assert net.run()
    assert [program.result for program in asked] == ["0", "1", "2", "3", "4"]
    net.run(until=net.clock.now() + SECOND)  # the last FINs
    assert all(device.stack.mem.heap.used == 0 for device in clients)


def test_sleep_is_the_networks(net: Network) -> None:
    first, second = fleet(net, 2)
    log: list[tuple[str, int]] = []

    def tick(name: str, seconds: float) -> None:
        for _ in range(3):
            time.sleep(seconds)
            log.append((name, time.ticks_ms()))

    net.program(tick, "a", 1, on=first)
    net.program(tick, "b", 0.4, on=second)
    net.run()
    assert log == [("b", 400), ("b", 800), ("a", 1000), ("b", 1200), ("a", 2000), ("a", 3000)]


def test_time_outs_are_exact(net: Network) -> None:
    first, _ = fleet(net, 2)

    def wait() -> tuple[int, int]:
        sock = usocket.socket()
        sock.bind(("", PORT))
        sock.listen(1)
        sock.settimeout(2.5)
        with pytest.raises(OSError) as caught:
            sock.accept()
        return caught.value.errno, time.ticks_ms()

    waited = net.program(wait, on=first)
    net.run()
    assert waited.result == (ETIMEDOUT, 2500)


def test_poll_over_several_connections(net: Network) -> None:
    server, *clients = fleet(net, 4)
    story: list[bytes] = []

    def serve() -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(5)
        poller = select.poll()
        poller.register(listener, select.POLLIN)
        while len(story) < 6:
            for sock, _ in poller.poll():
                if sock is listener:
                    poller.register(listener.accept()[0], select.POLLIN)
                elif data := sock.recv(100):
                    story.append(data)
                else:
                    poller.unregister(sock)
                    sock.close()

    def send(number: int) -> None:
        sock = usocket.socket()
        sock.connect(("10.0.0.1", PORT))
        for turn in range(2):
            time.sleep(1 + number / 10)
            sock.send(b"%d.%d" % (number, turn))
        sock.close()

    net.program(serve, on=server)
    for number, client in enumerate(clients):
        net.program(send, number, on=client)
    assert net.run()
    assert story == [b"0.0", b"1.0", b"2.0", b"0.1", b"1.1", b"2.1"]


def test_datagrams_to_everybody(net: Network) -> None:
    first, *others = fleet(net, 3)

    def hear() -> tuple[bytes, str]:
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.bind(("", PORT))
        data, (address, _) = sock.recvfrom(100)
        sock.close()
        return bytes(data), address

    def shout() -> None:
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.setsockopt(usocket.SOL_SOCKET, usocket.SO_BROADCAST, 1)
        sock.sendto(b"hear!", ("10.0.0.255", PORT))
        sock.close()

    heard = [net.program(hear, on=other) for other in others]
    net.program(shout, on=first, at=SECOND)
    net.run()
    assert [program.result for program in heard] == [(b"hear!", "10.0.0.1")] * 2


SERVER = """
import socket, _thread, time, sys
lock = _thread.allocate_lock()
count = 0

def handle(connection):
    global count
    with lock:
        time.sleep(0.5)  # keeps the lock: the others have to wait
        count += 1
        connection.send(b"%d at %d" % (count, time.ticks_ms() // 100))
    connection.close()

listener = socket.socket()
listener.bind(("", 8080))
listener.listen(5)
for _ in range(int(sys.argv[1])):
    _thread.start_new_thread(handle, (listener.accept()[0],))
while count < int(sys.argv[1]):
    time.sleep_ms(100)
print("served", count)
sys.exit(7)
"""

CLIENT = """
import asyncio
async def main():
    await asyncio.sleep(1)
    reader, writer = await asyncio.open_connection("10.0.0.1", 8080)
    print((await reader.read(100)).decode())
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
"""


def test_scripts_with_threads_and_asyncio(
    net: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, *clients = fleet(net, 4)
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "client.py").write_text(CLIENT)
    served = net.script(tmp_path / "server.py", ["3"], on=server)
    for client in clients:
        net.script(tmp_path / "client.py", on=client.name)
    assert net.run()
    assert served.result == 7
    assert served.name == "server.py on d1"
    assert capsys.readouterr().out.splitlines() == ["1 at 15", "2 at 20", "served 3", "3 at 25"]


def test_a_script_of_the_examples_serves_another(net: Network, capsys: pytest.CaptureFixture[str]) -> None:
    server, client = fleet(net, 2)
    net.script(EXAMPLES / "http_server.py", on=server, daemon=True)
    got = net.script(EXAMPLES / "http_get.py", ["10.0.0.1"], on=client, at=SECOND)
    assert net.run()
    assert got.result == 0
    assert "200" in capsys.readouterr().out


def test_a_device_that_resets_itself_begins_anew(
    net: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text(
        "import machine, time\nprint(machine.reset_cause())\ntime.sleep(1)\n"
        "if time.ticks_ms() < 1500 and machine.reset_cause() == 1: machine.soft_reset()\n"
    )
    (first, _) = fleet(net, 2)
    net.script(tmp_path / "main.py", on=first)
    net.run()
    assert capsys.readouterr().out.splitlines() == ["1", "MPY: soft reboot", "5"]
    assert net.clock.now() == 2 * SECOND


def test_a_device_gets_its_options(net: Network) -> None:
    options = {"gateway": "10.1.0.1", "mac": "02:00:00:00:00:99", "mtu": 576}
    device = net.device("board", "micropython-esp32", address="10.1.0.2/16", **options)
    assert net.devices["board"] is device
    net.run(until=SECOND)
    assert device.stack.netif.mac == bytes.fromhex("020000000099")
    assert device.stack.netif.mtu == 576
    assert device.port.api == "esp32"


def blocks(kind: str) -> list[str]:
    text = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_examples_of_the_documentation_print_what_it_says(number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[number]],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == blocks("text")[number]
