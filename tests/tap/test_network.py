"""Networks: what they are made of, how long a run takes, and that it is the same everywhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import usocket
from tap.clock import MS, SECOND, Deadlock, VirtualClock
from tap.impair.delay import Delay
from tap.impair.loss import Loss
from tap.impair.netem_stage import Netem
from tap.network import Network
from tests.tap.networks import PORT, ask, device, lossy_run, pair, serve
from usocket import Device

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def net() -> Iterator[Network]:
    with Network(seed=1) as made:
        yield made


def test_a_server_and_a_client(net: Network) -> None:
    server, _ = pair(net, delay=5 * MS)
    net.program(serve, on=server, daemon=True)
    asked = net.program(ask, b"hello", on="client", at=SECOND)
    assert asked.name == "ask on client"
    assert net.run()
    assert asked.result == b"HELLO"
    assert SECOND + 20 * MS <= net.clock.now() < 2 * SECOND


def test_devices_are_switched_on_when_their_cables_are_in(net: Network) -> None:
    server, client = pair(net)
    assert not server.is_open
    net.run(until=SECOND)
    assert server.is_open
    assert client.is_open
    assert server.link.dropped == client.link.dropped == 0  # the announcements found a cable


def test_a_run_up_to_a_time(net: Network) -> None:
    server, client = pair(net)
    net.program(serve, on=server, daemon=True)
    assert net.run(until=3 * SECOND)
    assert net.clock.now() == 3 * SECOND
    net.program(usocket.current_device, on=client, at=9 * SECOND)
    assert not net.run(until=5 * SECOND)
    assert net.run(until=10 * SECOND)


def test_a_run_up_to_a_predicate(net: Network) -> None:
    _, client = pair(net)
    net.program(client.sleep, 3, on=client)
    assert net.run(until=lambda: net.clock.now() >= 2 * SECOND or len(net.scheduler.programs) == 0)
    assert net.clock.now() == 3 * SECOND


def test_an_idle_hour_of_a_hundred_devices_costs_nothing(net: Network) -> None:
    switch = net.switch("switch")
    for number in range(100):
        net.cable(device(net, f"d{number}", f"10.0.0.{number + 1}/24"), switch)
    net.program(serve, on="d0", daemon=True)
    net.run(until=10 * SECOND)
    steps = net.scheduler.steps
    start = time.thread_time()
    net.run(until=3610 * SECOND)
    assert time.thread_time() - start < 0.01
    assert net.scheduler.steps - steps < 5
    asked = net.program(ask, b"still there?", "10.0.0.1", on="d99")
    net.run()
    assert asked.result == b"STILL THERE?"


def test_a_deadlock_names_the_programs(net: Network) -> None:
    server, client = pair(net)

    def listen() -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(1)
        connection, _ = listener.accept()
        connection.recv(1)

    def connect() -> None:
        sock = usocket.socket()
        sock.connect(("10.0.0.1", PORT))
        sock.recv(1)

    net.program(listen, on=server)
    net.program(connect, on=client)
    with pytest.raises(Deadlock) as caught:
        net.run(until=3600 * SECOND)
    assert "program listen on server waits for server (recv)" in str(caught.value)
    assert "program connect on client waits for client (recv)" in str(caught.value)
    assert net.clock.now() < 10 * SECOND


def test_a_failing_program_is_named(net: Network) -> None:
    _, client = pair(net)
    net.program(ask, b"hello", on=client)  # nobody listens
    with pytest.raises(OSError) as caught:
        net.run()
    assert caught.value.__notes__ == ["in program ask on client, at 0.000000 s"]


def test_a_switch_and_a_router_between(net: Network) -> None:
    switch, router = net.switch("switch"), net.router("router")
    server = device(net, "server", "10.0.1.2/24", gateway="10.0.1.1")
    other = device(net, "other", "10.0.1.3/24")
    client = device(net, "client", "10.0.2.2/24", gateway="10.0.2.1")
    net.cable(server, switch)
    net.cable(other, switch)
    net.cable(switch, router.interface("10.0.1.1/24"))
    net.cable(client, router.interface("10.0.2.1/24"), rate=1_000_000, delay=10 * MS)
    net.program(serve, on=server, daemon=True)
    asked = net.program(ask, b"far away", "10.0.1.2", on=client)
    near = net.program(ask, b"near", "10.0.1.2", on=other)
    assert net.run()
    assert (asked.result, near.result) == (b"FAR AWAY", b"NEAR")
    assert router.forwarded >= 5
    assert list(net.cables) == ["server-switch.0", "other-switch.1", "switch.2-router.0", "client-router.1"]


def test_a_pulled_cable_and_one_that_is_back(net: Network) -> None:
    server, client = pair(net)
    net.program(serve, on=server, daemon=True)
    cable = net.cables["server-client"]
    net.clock.call_at(SECOND, cable.pull)
    net.clock.call_at(8 * SECOND, cable.plug)
    asked = net.program(ask, b"patience", on=client, at=2 * SECOND)
    assert net.run()
    assert asked.result == b"PATIENCE"
    assert 8 * SECOND < net.clock.now() < 30 * SECOND


def test_a_run_is_a_function_of_the_seed(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("1.pcapng", "2.pcapng", "3.pcapng"))
    assert lossy_run(first) == lossy_run(second)
    lossy_run(other, seed=2)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != other.read_bytes()
    assert len(first.read_bytes()) > 120_000


def test_impairments_by_name(net: Network) -> None:
    pair(net)
    loss = net.impair("client>server", "loss rate=1%")
    delay = net.impair("client>server", "delay delay=5ms jitter=1ms")
    second = net.impair("client>server", "loss rate=2%")
    (netem,) = net.netem("server>client", "delay 80ms loss 1%")
    assert (loss.name, delay.name, second.name) == ("loss", "delay", "loss2")
    assert isinstance(loss, Loss)
    assert isinstance(delay, Delay)
    assert isinstance(netem, Netem)
    cable = net.cables["server-client"]
    assert cable.back.stages == (loss, delay, second)
    assert cable.forth.stages == (netem,)
    assert net.direction("client>server") is cable.back


def test_a_stages_numbers_depend_on_its_name_only(net: Network) -> None:
    """A second stage does not shift what the first one draws."""
    pair(net)

    def fates(stage: Loss) -> list[bool]:
        return [stage.lost() for _ in range(100)]

    first, second = (net.impair("client>server", "loss rate=50%") for _ in range(2))
    assert isinstance(first, Loss)
    assert isinstance(second, Loss)
    one = fates(Loss(0.5, stream=net.stream("client>server.loss")))
    two = fates(Loss(0.5, stream=net.stream("client>server.loss2")))
    assert (fates(first), fates(second)) == (one, two)
    assert one != two


def test_what_is_played_can_be_taken_out_again() -> None:
    """A stage that comes and goes while the network runs, as a fault of a scenario does."""

    def asks() -> None:
        with suppress(OSError):  # half of the frames are lost
            ask(b"hello")

    def run(verdicts: list[dict[str, object]] | None) -> tuple[str, list[dict[str, object]]]:
        with usocket.Network(seed=3, digest=True, keep=True, verdicts=verdicts) as net:
            server = net.device("server", address="10.0.0.1/24")
            client = net.device("client", address="10.0.0.2/24")
            cable = net.cable(client, server, delay=MS)
            net.program(serve, on=server, daemon=True)
            for number in range(10):
                net.program(asks, on=client, at=(number + 1) * SECOND)
            for number in range(3):
                net.run(until=(3 * number + 2) * SECOND)
                stage = net.impair("client>server", "loss rate=50%")
                net.run(until=(3 * number + 4) * SECOND)
                cable.forth.remove(stage)
                assert stage not in cable.forth.stages
            net.run()
            return net.digest(), net.verdicts

    digest, verdicts = run(None)
    assert {line["stage"] for line in verdicts} >= {"loss", "loss2"}
    assert run(verdicts) == (digest, verdicts)
    assert run([])[0] != digest


def test_faults_inside_a_device_are_verdicts_too() -> None:
    def run(verdicts: list[dict[str, object]] | None) -> tuple[str, list[dict[str, object]]]:
        with usocket.Network(seed=3, digest=True, keep=True, verdicts=verdicts) as net:
            server = net.device("server", address="10.0.0.1/24")
            client = net.device("client", address="10.0.0.2/24")
            net.cable(client, server, delay=MS)
            net.impair("client>server", "loss rate=20%")
            client.faults.add("pool-fail pool=TCP_SEG nth=2")
            net.program(serve, on=server, daemon=True)
            for number in range(3):
                net.program(ask, b"hello", on=client, at=(20 * number + 1) * SECOND)
            net.run()
            return net.digest(), net.verdicts

    digest, verdicts = run(None)
    (fault,) = [line for line in verdicts if "device" in line]
    assert (fault["device"], fault["fault"]) == ("client", "pool-fail pool=TCP_SEG nth=2")
    assert fault["action"] == "fail"
    assert run(verdicts) == (digest, verdicts)


SAME = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.tap.networks import fleet_run, impaired_run, lossy_run
from tap.journal import read
folder = Path(sys.argv[2])
print(lossy_run(folder / "lossy.pcapng")[1], fleet_run(folder), impaired_run(folder, "impaired"))
print(impaired_run(folder, "played", verdicts=read(folder / "impaired.jsonl").verdicts))
"""
SAME_FILES = "lossy.pcapng fleet.pcapng impaired.pcapng impaired.jsonl played.pcapng played.jsonl".split()


def pythons() -> list[str]:
    """This interpreter, and newer ones in PATH or named in NETSTACK_TEST_PYTHONS that have greenlet."""
    others = [shutil.which(f"python3.{minor}") for minor in range(sys.version_info.minor + 1, 15)]
    others += os.environ.get("NETSTACK_TEST_PYTHONS", "").split(os.pathsep)
    return [sys.executable, *(other for other in others if other and has_greenlet(other))]


def has_greenlet(python: str) -> bool:
    return not subprocess.run([python, "-c", "import greenlet"], capture_output=True, check=False).returncode


@pytest.mark.slow
def test_other_hash_seeds_and_interpreters_make_the_same_bytes(tmp_path: Path) -> None:
    hashes = set()
    for python in pythons():
        for hash_seed in ("0", "1", "4242"):
            command = [python, "-c", SAME, str(ROOT), str(tmp_path)]
            environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=100, check=False
            )
            assert done.returncode == 0, done.stderr
            files = [(tmp_path / name).read_bytes() for name in SAME_FILES]
            assert all(len(content) > 10_000 for content in files)
            assert files[2:4] == files[4:]
            hashes.add((done.stdout, *(hashlib.sha256(content).hexdigest() for content in files)))
    assert len(hashes) == 1, hashes


def test_devices_differ_by_seed_and_name() -> None:
    def drawn(seed: int, name: str) -> int:
        return int(Network(seed).socket(name)["seed"])

    assert len({drawn(seed, name) for seed in (1, 2) for name in ("a", "b")}) == 4
    assert drawn(1, "a") == drawn(1, "a")


def mistake(net: Network, what: str) -> Callable[[], object]:
    """Something that cannot be done."""
    one, two = net.switch("one"), net.switch("two")
    net.cable(one, two)
    return {
        "loop": lambda: net.cable(two, one),
        "name": lambda: net.switch("one"),
        "node": lambda: net.cable("one", "three"),
        "device": lambda: net.program(print, on="one"),
        "port": lambda: net.add(Device(name="lost", clock=net.clock)),
        "uplink": lambda: net.uplink("linux"),
        "router": lambda: net.cable(net.router("r"), one),
        "clock": lambda: Network(clock="fast"),  # type: ignore[arg-type]
        "direction": lambda: net.impair("one.0>two", "loss rate=1%"),
        "impairment": lambda: net.impair("one.0>two.0", "los rate=1%"),
        "verdicts": lambda: Network(verdicts=[{"t": 1}]),
        "digest": net.digest,
    }[what]


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("loop", "a cable two-one would close a loop of switches"),
        ("name", "two nodes are called one: give"),
        ("node", "no node is called three: there are one, two"),
        ("device", "no device is called one: there are"),
        ("port", r"make it with net.socket\('lost'\)"),
        ("uplink", r'needs Network\(clock="real"\)'),
        ("router", r'give router.interface\("10.0.1.1/24"\)'),
        ("clock", 'give "virtual" or "real"'),
        ("direction", "no direction is called one.0>two: there are one.0>two.0, two.0>one.0"),
        ("impairment", "there is no impairment 'los': did you mean loss"),
        ("verdicts", "a verdict without dir, frame, stage, action, detail"),
        ("digest", "make the network with digest=True"),
    ],
)
def test_mistakes_are_named(net: Network, what: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        mistake(net, what)()


def test_a_closed_network_runs_no_more() -> None:
    with Network(clock=VirtualClock(5)) as net:
        server, _ = pair(net)
        net.program(serve, on=server)
        net.run(until=lambda: server.is_open)
    assert not server.is_open
    net.close()
    with pytest.raises(OSError, match="make a new one"):
        net.run()


def test_real_time(tmp_path: Path) -> None:
    with Network(1, "real", capture=tmp_path / "real.pcapng") as net:
        server, client = pair(net, delay=MS)
        net.program(serve, on=server, daemon=True)
        asked = net.program(ask, b"now", on=client)
        assert net.run()
        assert asked.result == b"NOW"
        assert 4 * MS < net.clock.now() < 20 * SECOND
        before = net.clock.now()
        net.run(until=before + 30 * MS)
        assert net.clock.now() >= before + 30 * MS
