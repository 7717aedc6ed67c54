"""``netstack run``: a program as a board runs it, in virtual time and on a real TAP."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.netns import Namespace
from tests.lab.commands import NETSTACK, ROOT, Running, Traces, netstack

VIRTUAL = ("run", "--link", "virtual")


@pytest.fixture
def netns() -> Iterator[Namespace]:
    with Namespace.open("new") as namespace:
        yield namespace


def test_a_text(tmp_path: Path) -> None:
    done = netstack(*VIRTUAL, "-c", "import sys; print(sys.argv, sys.path[0] == '', __name__)", "a", "b c")
    assert (done.stdout, done.stderr, done.returncode) == ("['-c', 'a', 'b c'] True __main__\n", "", 0)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("import sys; sys.exit(5)", 5, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        (
            "def f():\n    raise ValueError(3)\nf()",
            1,
            'Traceback (most recent call last):\n  File "<string>", line 3, in <module>\n'
            '  File "<string>", line 2, in f\nValueError: 3\n',
        ),
        (
            "x y",
            1,
            'Traceback (most recent call last):\n  File "<string>", line 1\nSyntaxError: invalid syntax\n',
        ),
    ],
)
def test_how_it_ends(code: str, status: int, error: str) -> None:
    done = netstack(*VIRTUAL, "-c", code)
    assert (done.returncode, done.stderr) == (status, error)


def test_what_a_board_does_not_survive_is_reported() -> None:
    code = """
import socket
s = socket.socket()
s.bind(("", 80))
for port in (81, 82):
    try:
        s.bind(("", port))
    except OSError as e:
        print(e)
"""
    done = netstack(*VIRTUAL, "-c", code)
    assert done.stdout == "[Errno 22] EINVAL\n" * 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("netstack: a board would hang here: a TCP socket bound to a second port")


def test_the_gateway_of_virtual_time_answers_and_waiting_takes_no_time() -> None:
    code = """
import socket, time, network
s = socket.socket()
try:
    s.connect((network.LAN().ifconfig()[2], 80))
except OSError as e:
    print(e)
time.sleep(3600)
print(time.time())
"""
    started = time.monotonic()
    done = netstack(*VIRTUAL, "--ip", "10.3.0.9/24", "-c", code)
    assert (done.stdout, done.returncode) == ("[Errno 104] ECONNRESET\n3600\n", 0)
    assert time.monotonic() - started < 60


def test_a_call_that_nothing_can_end_says_so() -> None:
    code = "import socket\ns = socket.socket()\ns.bind(('', 1))\ns.listen()\ns.accept()\n"
    done = netstack(*VIRTUAL, "-c", code)
    assert done.returncode == 1
    assert "nothing will ever wake device (accept)" in done.stderr


def test_a_folder_is_the_boards_flash(tmp_path: Path) -> None:
    flash, library = tmp_path / "flash", tmp_path / "library"
    (flash / "lib").mkdir(parents=True)
    library.mkdir()
    (flash / "lib" / "inside.py").write_text("a = 1\n")
    (library / "outside.py").write_text("b = 2\n")
    (flash / "boot.py").write_text("c = 3\n")
    (flash / "main.py").write_text(
        "import inside, outside, os, sys, machine\n"
        "print(inside.a, outside.b, c, os.getcwd(), sorted(os.listdir('/')), sys.argv[1:])\n"
        "with open('/log', 'a') as f:\n    f.write('x')\n"
        "if os.stat('log')[6] < 2:\n    machine.reset()\n"
    )
    done = netstack(*VIRTUAL, "--path", str(library), str(flash), "arg")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines() == [
        "1 2 3 / ['boot.py', 'lib', 'main.py'] ['arg']",
        "1 2 3 / ['boot.py', 'lib', 'log', 'main.py'] ['arg']",
    ]
    assert (flash / "log").read_text() == "xx"


def test_a_prompt() -> None:
    done = subprocess.run(
        [*NETSTACK, *VIRTUAL, "--repl", "-c", "x = 20"],
        input="x + 1\nimport sys; sys.exit(6)\n",
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 6
    assert ">>> 21\n>>> " in done.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "give a SCRIPT, -c CODE or --repl"),
        (["no_such_script.py"], "there is no file or folder no_such_script.py"),
        (["examples"], "examples has neither boot.py nor main.py"),
        (["--path", "nowhere", "-c", ""], "Directory 'nowhere' does not exist"),
        (["--link", "virtual", "--netns", "new", "-c", ""], "--tap and --netns mean nothing with --link"),
        (["--dns", "x", "-c", ""], "not an IPv4 address"),
    ],
)
def test_mistakes(given: list[str], told: str) -> None:
    done = netstack("run", *given)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert told in line


def test_the_environment_configures_it() -> None:
    """As MicroPython's test runner starts an instance: nothing but these variables is set."""
    code = "import network, sys; l = network.LAN(); print(l.ifconfig()[0], l.config('mac')[-1], sys.platform)"
    done = subprocess.run(
        [*NETSTACK, "run", "-c", code],
        cwd=ROOT,
        env={
            "NETSTACK_LINK": "virtual",
            "NETSTACK_IP": "10.4.0.7/24",
            "NETSTACK_MAC": "02:00:00:00:00:33",
            "NETSTACK_PROFILE": "micropython-stm32",
            "NETSTACK_SETTINGS": "TCP_WND=1600 TCP_SND_BUF=1600",
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("10.4.0.7 51 pyboard\n", "")


@pytest.mark.tap
@pytest.mark.needs("ping")
@pytest.mark.parametrize(
    "busy",
    ["sys.stdin.readline()", "while True:\n    pass", "time.sleep(60)"],
    ids=["reading", "computing", "sleeping"],
)
def test_the_device_answers_whatever_the_program_does(netns: Namespace, busy: str) -> None:
    code = f"import sys, time\nprint('ready')\n{busy}\n"
    command = [*NETSTACK, "run", "--ip", "10.92.0.2/24", "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT}
    with netns.popen(command, **pipes) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            ping = ["ping", "-c", "3", "-i", "0.2", "-W", "5", "10.92.0.2"]
            assert netns.run(ping, stdout=subprocess.DEVNULL).returncode == 0
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143


@pytest.mark.tap
def test_the_last_datagram_leaves_before_the_end(netns: Namespace) -> None:
    """Its neighbour's address has to be asked for first."""
    receive = (
        "import socket; s = socket.socket(2, 2); s.bind(('', 7));"
        " print('ready', flush=True); print(s.recv(99))"
    )
    netns.run(["ip", "link", "set", "lo", "up"])
    send = "import socket; socket.socket(2, 2).sendto('last words', ('10.92.1.1', 7))"
    listener = netns.popen([sys.executable, "-Ic", receive], stdout=subprocess.PIPE)
    try:
        assert listener.stdout.readline() == b"ready\n"
        command = [*NETSTACK, "run", "--ip", "10.92.1.2/24", "-c", send]
        assert netns.run(command, cwd=ROOT).returncode == 0
        assert listener.communicate(timeout=20)[0] == b"b'last words'\n"
    finally:
        listener.kill()
        listener.wait()


@pytest.mark.tap
def test_ctrl_c_reaches_the_program(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import socket\ns = socket.socket()\ns.bind(('', 80))\ns.listen()\nprint('here')\n"
        "try:\n    s.accept()\nexcept KeyboardInterrupt:\n    print('interrupted')\n    raise SystemExit(4)\n"
    )
    with Running(tmp_path, "run", "--netns", "new", str(script)) as run:
        run.wait_for("here")
        traces = Traces(run.process)
        assert run.ctrl_c() == 4
    assert run.log.splitlines() == ["here", "interrupted"]
    assert traces.left() == []


@pytest.mark.tap
@pytest.mark.needs("dnsmasq")
def test_an_address_and_names_from_dnsmasq(netns: Namespace) -> None:
    code = """
import network, socket
print(network.WLAN().ifconfig(), network.LAN().ipconfig("has_dhcp4"))
print(socket.getaddrinfo("micropython.org", 80)[0][-1])
try:
    socket.getaddrinfo("nobody.example", 80)
except OSError as e:
    print(e)
"""
    dnsmasq = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--bind-dynamic", "--interface=board0", "--dhcp-range=10.92.2.50,10.92.2.59,1h",
        "--dhcp-option=option:dns-server,10.92.2.1", "--address=/micropython.org/192.0.2.9",
        "--dhcp-leasefile=/dev/null", "--user=root", "--pid-file=", "--local=/example/",
    ]  # fmt: skip
    server = netns.popen(dnsmasq, stderr=subprocess.DEVNULL)
    try:
        command = [*NETSTACK, "run", "--ip", "10.92.2.2/24", "--tap", "board0", "--dhcp", "-c", code]
        done = netns.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        address, name, nobody = done.stdout.splitlines()
        assert address.startswith("('10.92.2.5")
        assert address.endswith("'255.255.255.0', '10.92.2.1', '10.92.2.1') True")
        assert (name, nobody) == ("('192.0.2.9', 80)", "-2")
    finally:
        server.terminate()
        server.wait()


@pytest.mark.tap
def test_nobody_lends_an_address(netns: Namespace) -> None:
    code = "import network; print(network.LAN().ifconfig()[0])"
    command = [*NETSTACK, "run", "--ip", "10.92.3.2/24", "--dhcp", "-c", code]
    done = netns.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("0.0.0.0\n", 0)
    assert "netstack: no DHCP server has lent an address within 10 s" in done.stderr
