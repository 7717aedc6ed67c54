"""The commands that open devices, on a real TAP: ``up``, ``run`` and ``exec``, and what they leave behind."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tap.netns import Namespace
from tap.running import running
from tests.lab.commands import NETSTACK, ROOT, Running, Traces, netstack

pytestmark = pytest.mark.tap

LAUNCHED = "Ctrl-C ends it"
ENDINGS = [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]


@pytest.mark.needs("ping")
@pytest.mark.parametrize(("number", "status"), ENDINGS)
def test_a_device_answers_until_it_is_ended_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    ip = f"10.91.{int(number)}.2"
    with Running(tmp_path, "up", "--netns", "new", "--ip", f"{ip}/24") as up:
        up.wait_for(LAUNCHED)
        done = netstack("exec", "--on", ip, "--", "ping", "-c", "1", "-W", "5", ip)
        assert done.returncode == 0, done
        traces = Traces(up.process)
        assert traces.namespaces
        assert up.signal(number) == status
    assert traces.left() == []
    assert ip not in [device["ip"] for device in running()]
    assert "Traceback" not in up.log


@pytest.mark.needs("curl")
def test_ctrl_c_amid_a_transfer_leaves_nothing(tmp_path: Path) -> None:
    ip = "10.91.100.2"
    with Running(tmp_path, "up", "--netns", "new", "--ip", f"{ip}/24", "examples/http_server.py") as up:
        up.wait_for("listening on port 80")
        slow = ["curl", "-s", "-o", "/dev/null", "--limit-rate", "100k", f"http://{ip}/download"]
        with Running(tmp_path, "exec", "--on", ip, "--", *slow) as curl:
            up.wait_for("GET /download")
            time.sleep(0.3)
            traces = Traces(up.process)
            assert up.ctrl_c() == 0
            assert curl.process.wait(10) != 0
    assert traces.left() == []
    assert "Traceback" not in up.log


def test_exec_passes_on_what_its_command_did(tmp_path: Path) -> None:
    ip = "10.91.101.2"
    with Running(tmp_path, "up", "--netns", "new", "--ip", f"{ip}/24") as up:
        up.wait_for(LAUNCHED)
        done = netstack("exec", "--on", ip, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
        assert netstack("exec", "--on", ip, "sh", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM
        done = netstack("exec", "--on", ip, "--", "no-such-command")
        assert done.returncode == 2
        assert done.stderr.startswith("netstack: no-such-command cannot be run")
        done = netstack("exec", "--on", "10.91.0.99", "--", "true")
        assert done.returncode == 2
        assert done.stderr.startswith("netstack: no running device has the address 10.91.0.99: there are ")


def test_the_trace_shows_each_segment_and_what_the_device_thought(tmp_path: Path) -> None:
    ip = "10.91.102.2"
    with Running(tmp_path, "up", "--netns", "new", "--ip", f"{ip}/24", "--trace") as up:
        up.wait_for(LAUNCHED)
        connect = f"import socket; socket.create_connection(('{ip}', 9), 5)"
        assert netstack("exec", "--on", ip, "python3", "-c", connect).returncode == 1
        up.wait_for("RST")
        assert up.ctrl_c() == 0
    lines = up.log.splitlines()
    asked = next(i for i, line in enumerate(lines) if " > 9 " in line and " SYN " in line)
    assert "→" in lines[asked]
    assert " mss 1460" in lines[asked]
    assert "← 9 > " in lines[asked + 1]
    assert " RST ACK " in lines[asked + 1]


def test_run_passes_on_arguments_output_and_exit_status(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys, usocket\nprint(sys.argv[1:], usocket.socket())\nsys.exit(9)\n")
    done = netstack("run", "--netns", "new", str(script), "--flag", "two words")
    assert (done.returncode, done.stderr) == (9, "")
    assert done.stdout.startswith("['--flag', 'two words'] <socket")
    script.write_text("1 / 0\n")
    done = netstack("run", "--netns", "new", str(script))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "usocket" not in done.stderr


def test_ctrl_c_ends_a_script_without_a_traceback(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import time\nprint('here')\ntime.sleep(60)\n")
    with Running(tmp_path, "run", "--netns", "new", str(script)) as run:
        run.wait_for("here")
        traces = Traces(run.process)
        assert run.ctrl_c() == 130
    assert run.log.strip() == "here"
    assert traces.left() == []


def test_a_script_that_ends_leaves_the_device_up(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.exit(3)\n")
    with Running(tmp_path, "up", "--netns", "new", "--ip", "10.91.103.2/24", str(script)) as up:
        up.wait_for("has ended with status 3; the device stays until Ctrl-C")
        assert up.ctrl_c() == 0


@pytest.mark.needs("ping")
def test_without_netns_the_tap_is_where_the_command_runs() -> None:
    """In a namespace of the test's own, which plays the machine."""
    with Namespace.open("new") as machine:

        def call(*argv: str) -> tuple[int, str]:
            done = machine.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30)
            return done.returncode, done.stderr

        options = ["up", "--ip", "10.91.104.2/24", "--tap", "dev0"]
        up = machine.popen([*NETSTACK, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert "device 10.91.104.2/24" in up.stdout.readline()
            assert call("ping", "-c", "1", "-W", "5", "10.91.104.2") == (0, "")
            status, told = call(*NETSTACK, *options)
            assert status == 2
            assert told.startswith("netstack: TAP dev0 is in use by another process: ")
            status, told = call(*NETSTACK, "up", "--ip", "10.91.104.9/16")
            assert status == 2
            assert "the subnet of 10.91.104.9/16 is in use on this machine (dev0): choose anoth" in told
            up.send_signal(signal.SIGINT)
            assert up.wait(10) == 0
            assert call("ip", "link", "show", "dev0")[0] == 1
        finally:
            up.kill()
            up.communicate()


@pytest.mark.needs("ping", "tshark")
def test_a_device_in_the_namespace_of_another_process_with_a_capture(tmp_path: Path) -> None:
    pcap = tmp_path / "frames.pcapng"
    with Namespace.open("new") as container:
        options = ["--netns", f"pid:{container.holder}", "--ip", "10.91.105.2/24", "--pcap", str(pcap)]
        with Running(tmp_path, "up", *options) as up:
            up.wait_for(f"nsenter --net=/proc/{container.holder}/ns/net ping 10.91.105.2")
            assert (
                container.run(
                    ["ping", "-c", "2", "-i", "0.2", "10.91.105.2"], stdout=subprocess.DEVNULL
                ).returncode
                == 0
            )
            assert up.ctrl_c() == 0
        tshark = ["tshark", "-r", str(pcap), "-Y", "icmp"]
        frames = container.run(tshark, capture_output=True, text=True).stdout.splitlines()
    assert len(frames) == 4
    assert "10.91.105.1 → 10.91.105.2" in frames[0]


def test_a_tap_that_vanishes_ends_the_command_with_one_line(tmp_path: Path) -> None:
    ip = "10.91.106.2"
    with Running(tmp_path, "up", "--netns", "new", "--ip", f"{ip}/24", "--tap", "gone0") as up:
        up.wait_for(LAUNCHED)
        netstack("exec", "--on", ip, "ip", "link", "del", "gone0")
        assert up.process.wait(10) == 2
    assert up.log.splitlines()[-1].startswith("netstack: TAP gone0 was removed while in use")
    assert "Traceback" not in up.log
