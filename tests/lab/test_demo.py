"""The demonstration, whole: on a real TAP, without one, and ended by Ctrl-C at any moment."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.demo import demo, server_script
from tests.lab.commands import ROOT, Running, Traces, netstack, without_tap


def segments(output: str) -> list[str]:
    """The lines of frames, words single-spaced."""
    return [" ".join(line.split()) for line in output.splitlines() if re.match(r" *\d+\.\d{4} [→←] ", line)]


@pytest.mark.tap
@pytest.mark.needs("ping", "curl")
def test_linux_pings_and_fetches(tmp_path: Path) -> None:
    done = netstack("demo", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    out = done.stdout
    assert "3 packets transmitted, 3 received, 0% packet loss" in out
    assert "<h1>Hello from a small device</h1>" in out
    assert "1,000,000 bytes in numbers" in out
    assert "that is the SHA-256 of numbers" in out
    lines = segments(out)
    assert sum("ICMP echo reply" in line for line in lines) == 3
    assert sum("CLOSED → SYN_RCVD" in line for line in lines) == 3, "three connections by curl"
    assert sum("→ ESTABLISHED" in line for line in lines) == 3
    collapsed = re.findall(r"… ([\d,]+) more segments with 99\d,\d+ bytes (in|out)", out)
    assert [way for _, way in collapsed] == ["out", "in"], "the middle of each transfer"
    assert len(lines) < 120
    pool = re.search(r"^TCP_PCB +(\d) +(\d) +5 +0 ", out, re.MULTILINE)
    assert pool is not None
    assert int(pool[2]) >= 1
    assert re.search(r"^tcp +2\d{3} +\d{4}", out, re.MULTILINE)
    assert "wireshark demo.pcapng" in out


@pytest.mark.tap
@pytest.mark.needs("ping", "curl", "tshark")
def test_the_capture_is_flawless(tmp_path: Path) -> None:
    assert netstack("demo", "--pcap", "all.pcapng", cwd=tmp_path).returncode == 0
    checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
    wrong = (
        "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || icmp.checksum.status == 0"
    )
    read = ["tshark", "-r", "all.pcapng", *checks]

    def frames(shown: str) -> list[str]:
        done = subprocess.run(
            [*read, "-Y", shown], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.splitlines()

    assert frames(wrong) == []
    assert len(frames("icmp")) == 6
    assert len(frames("tcp.flags.syn == 1")) == 6
    assert len(frames("tcp.len > 0 && ip.src == 192.168.7.2")) > 1_000_000 // 800


def test_without_a_tap_it_says_why_and_talks_to_a_second_host(tmp_path: Path) -> None:
    done = netstack("demo", cwd=tmp_path, launcher=without_tap())
    assert (done.returncode, done.stderr) == (0, "")
    out = done.stdout
    (why,) = [line for line in out.splitlines() if line.startswith("No TAP can be had")]
    assert "/dev/net/tun cannot be opened (No such file or directory): load the driver" in why
    assert "<h1>Hello from a small device</h1>" in out
    assert "1,000,000 bytes\n" in out
    assert "SHA-256 on both sides: the same" in out
    assert sum("CLOSED → SYN_RCVD" in line for line in segments(out)) == 3
    assert re.search(r"^TCP_SEG +\d+ +[1-9]", out, re.MULTILINE)
    assert (tmp_path / "demo.pcapng").stat().st_size > 2_000_000


def test_the_profile_can_be_changed(tmp_path: Path) -> None:
    done = netstack("demo", "--in-memory", "--profile", "esp-like", "--set", "TCP_MSS=500", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (syn_ack, *_) = [line for line in segments(done.stdout) if " SYN ACK " in line]
    assert syn_ack.endswith("win 5760 mss 500")
    assert "SHA-256 on both sides: the same" in done.stdout


@pytest.mark.tap
@pytest.mark.parametrize(
    "text", ["A device with", "is here", "$ ping", "$ curl", "GET /down", "PUT", "memory"]
)
def test_ctrl_c_at_any_moment_leaves_nothing(tmp_path: Path, text: str) -> None:
    with Running(tmp_path, "demo", cwd=tmp_path) as demo:
        demo.wait_for(text)
        traces = Traces(demo.process)
        time.sleep(0.02)
        assert demo.ctrl_c() in (130, 0 if text == "memory" else 130)
    assert traces.left() == []
    assert "Traceback" not in demo.log


@pytest.mark.tap
@pytest.mark.needs("ping", "curl")
@pytest.mark.parametrize("arguments", [[], ["--in-memory"]])
def test_a_server_that_does_not_answer_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    server = tmp_path / "server.py"
    server.write_text("print('no listener')\n")
    monkeypatch.setattr("lab.demo.server_script", lambda: server)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(demo, arguments, catch_exceptions=False, standalone_mode=False)
    assert result.return_value == 1
    assert "memory" in result.output


def test_it_uses_the_example() -> None:
    assert server_script() == ROOT / "examples" / "http_server.py"
