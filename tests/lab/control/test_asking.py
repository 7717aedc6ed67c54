"""``netstack ss``, ``stats``, ``pools``, ``arp``: a running device on a real TAP answers."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import click
import pytest

from lab.control import client
from tests.lab.commands import Running, Traces
from tests.lab.control.running import Machine

pytestmark = [pytest.mark.tap, pytest.mark.needs("curl", "ping")]

IP = "10.93.1.2"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_ss_shows_a_connection_while_curl_downloads(machine: Machine) -> None:
    with machine.up("examples/http_server.py", "--ip", f"{IP}/24", listening=True):
        listening = machine.json("ss")
        assert [(one["state"], one["local"], one["backlog"]) for one in listening["tcp"]] == [
            ("LISTEN", "*:80", 5)
        ]
        slow = ["curl", "-s", "-o", "/dev/null", "--limit-rate", "100k", f"http://{IP}/download"]
        with Running(machine.folder, "exec", "--", *slow, launcher=machine.launcher):
            for _ in range(100):
                found = [one for one in machine.json("ss")["tcp"] if one["state"] == "ESTABLISHED"]
                if found and found[0]["unacked"]:
                    break
            (one,) = found
            assert one["local"] == f"{IP}:80"
            assert re.fullmatch(r"10\.93\.1\.1:\d+", one["remote"])
            assert (one["mss"], one["rcv_wnd"]) == (800, 6400)
            assert 0 < one["send_q"] <= 6400 - one["snd_buf"]
            assert 0 < one["unacked"] <= one["snd_queuelen"]
            assert one["rto"] in range(500, 6500, 500)
            assert [timer["name"] for timer in one["timers"]] in (["rexmit"], ["persist"])
            assert 0 < one["timers"][0]["in"] <= one["rto"] + 500
            lines = machine.said("ss").splitlines()
    assert lines[0].split() == "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port".split()
    assert lines[1].split() == ["tcp", "LISTEN", "0", "5", "*:80", "*:*"]
    assert lines[2].split()[:3] == ["tcp", "ESTAB", "0"]
    assert re.match(
        r"\t lwip cwnd:\d+ ssthresh:\d+ rto:\d+ rtt:\S+ mss:800 snd_wnd:\d+ rcv_wnd:6400 unacked:", lines[3]
    )


def test_counters_memory_and_neighbours(machine: Machine) -> None:
    with machine.up("--ip", f"{IP}/24"):
        machine.linux("ping", "-c", "3", "-i", "0.05", "-W", "5", IP)
        stats = machine.json("stats")
        assert stats["protocols"]["icmp"]["recv"] == stats["protocols"]["icmp"]["xmit"] == 3
        text = machine.said("stats")
        assert "\nICMP\n\txmit: 3\n\trecv: 3\n\tfw: 0\n\tdrop: 0\n\tchkerr: 0\n" in text
        assert "\nMEM HEAP\n\tavail: 8000\n\tused: 0\n\tmax: " in text
        order = [line for line in text.splitlines() if line and not line.startswith("\t")]
        assert order[:9] == "LINK,ETHARP,IP_FRAG,IP,IGMP,ICMP,UDP,TCP,MEM HEAP".split(",")
        pools = {use["name"]: use for use in machine.json("pools")}
        assert pools["TCP_PCB"] == {
            "name": "TCP_PCB",
            "used": 0,
            "max": 0,
            "size": 5,
            "failed": 0,
            "unit": "",
        }
        assert re.search(r"^PBUF_POOL +0 +1 +16 +0 ", machine.said("pools"), re.MULTILINE)
        (entry,) = machine.json("arp")["entries"]
        assert (entry["ip"], entry["state"], entry["packets"]) == ("10.93.1.1", "STABLE", 0)
        mac = machine.linux("ip", "-br", "link", "show", "tap0").split()[2]
        shown = rf"10\.93\.1\.1 dev tap0 lladdr {mac} age \d+s REACHABLE\n"
        assert re.fullmatch(shown, machine.said("arp"))


def test_why_packets_were_dropped_is_told(machine: Machine) -> None:
    with machine.up("--ip", f"{IP}/24"):
        send = f"import socket; socket.socket(2, 2).sendto(b'x', ('{IP}', 9))"
        machine.linux("python3", "-c", send)
        for _ in range(50):
            drops = machine.json("stats")["drops"]
            if drops:
                break
        assert drops["udp_no_port"]["packets"] == 1
        assert "\nDROPPED\n\t1 udp_no_port: a UDP datagram to a port where nobody listens\n" in machine.said(
            "stats"
        )


def test_several_devices_and_none(machine: Machine) -> None:
    assert (
        machine.refused("ss") == "netstack: no device is running: start one in another terminal, netstack up"
    )
    other = "10.93.2.2"
    with machine.up("--ip", f"{IP}/24") as first, machine.up("--ip", f"{other}/24") as second:
        machine.wait_for_sockets(2)
        told = machine.refused("arp")
        assert told.startswith(f"netstack: several devices are running ({IP} (process ")
        assert told.endswith("choose one with --on ADDRESS or --on PROCESS")
        machine.linux("ping", "-c", "1", "-W", "5", other, on=other)
        assert machine.json("arp", "--on", IP)["entries"] == []
        assert [entry["ip"] for entry in machine.json("arp", "--on", other)["entries"]] == ["10.93.2.1"]
        process = str(second.process.pid)
        assert len(machine.json("arp", "--on", process)["entries"]) == 1
        assert machine.refused("pools", "--on", "10.9.9.9").startswith(
            "netstack: no running device is 10.9.9.9: "
        )
        assert first.ctrl_c() == 0
        assert len(machine.sockets()) == 1
        assert len(machine.json("arp")["entries"]) == 1


def test_a_program_that_runs_can_be_asked(machine: Machine) -> None:
    script = machine.folder / "script.py"
    script.write_text(
        "import socket, time\ns = socket.socket()\ns.bind(('', 7))\ns.listen(3)\nprint('here')\n"
        "n = 0\nwhile True: n += 1\n"
    )
    with Running(machine.folder, "run", "--netns", "new", str(script), launcher=machine.launcher) as run:
        run.wait_for("here")
        machine.wait_for_sockets(1)
        assert [one["local"] for one in machine.json("ss")["tcp"]] == ["*:7"]
        assert run.ctrl_c() == 130


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_end_leaves_no_socket(machine: Machine, number: signal.Signals, status: int) -> None:
    with machine.up("--ip", f"{IP}/24") as up:
        machine.said("ss")
        traces = Traces(up.process)
        assert up.signal(number) == status
        assert list((machine.runtime / "netstack").iterdir()) == []
    assert traces.left() == []
    assert "Traceback" not in up.log


def test_what_kill_9_leaves_is_ignored(machine: Machine) -> None:
    with machine.up("--ip", f"{IP}/24") as up:
        up.signal(signal.SIGKILL)
        assert machine.sockets()
        assert machine.refused("ss").startswith("netstack: no device is running: ")
        assert machine.sockets() == []


def test_a_stopped_process_is_told_of(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with machine.up("--ip", f"{IP}/24") as up:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(machine.runtime))
        monkeypatch.setattr(client, "PATIENCE", 0.5)  # in this process: the command itself waits for 10 s
        up.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(click.ClickException) as told:
            client.choose(None)
        assert told.value.message.startswith(f"process {up.process.pid} does not answer: ")
        assert time.monotonic() - begun < 5
        up.process.send_signal(signal.SIGCONT)
