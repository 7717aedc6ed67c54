"""Network namespaces and commands in them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.link import TapError
from tap.netns import Namespace, answer_or_raise, python_module
from tap.running import running
from tests.tap.test_driver import until

pytestmark = pytest.mark.tap


def output(namespace: Namespace, *argv: str) -> str:
    return str(namespace.run(argv, capture_output=True, text=True, check=True).stdout)


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of another process (a container, say) in a network namespace of its own; its `lo` is down."""
    user_namespace = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    process = subprocess.Popen(["unshare", *user_namespace, "--net", "sleep", "100"])
    here = os.readlink("/proc/self/ns/net")
    until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != here, "unshare does not work")
    yield process.pid
    process.kill()
    process.wait()


def test_a_new_one_is_empty_but_for_a_loopback_that_works(namespace: Namespace) -> None:
    assert output(namespace, "ip", "-o", "link").count("\n") == 1
    assert "127.0.0.1/8" in output(namespace, "ip", "address", "show", "lo", "up")
    assert output(namespace, "readlink", "/proc/self/ns/net").strip() != os.readlink("/proc/self/ns/net")


def test_the_caller_does_not_move(namespace: Namespace) -> None:
    here = os.readlink("/proc/self/ns/net")
    output(namespace, "true")
    assert os.readlink("/proc/self/ns/net") == here


def test_run_is_as_subprocess_run(namespace: Namespace, tmp_path: Path) -> None:
    shell = ["sh", "-c", "cat; echo $X >&2; exit 3"]
    environment = {**os.environ, "X": "err"}
    done = namespace.run(shell, input="in", text=True, capture_output=True, env=environment)
    assert (done.args[0], done.returncode, done.stdout, done.stderr) == ("sh", 3, "in", "err\n")
    assert namespace.run(["pwd"], cwd=tmp_path, capture_output=True).stdout == bytes(tmp_path) + b"\n"
    with pytest.raises(subprocess.CalledProcessError):
        namespace.run(["false"], check=True)
    start = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        namespace.run(["sleep", "100"], timeout=0.1)
    assert time.monotonic() - start < 20


def test_a_command_that_is_not_there_is_one_line(namespace: Namespace) -> None:
    with pytest.raises(TapError, match=r"^no-such cannot be run \(No such file or directory\): install"):
        namespace.run(["no-such"], capture_output=True)


def test_closing_ends_all_that_runs_there() -> None:
    with Namespace.open("new") as namespace:
        quiet = namespace.popen(["sleep", "100"])
        stubborn = namespace.popen(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
                                   stdout=subprocess.PIPE)  # fmt: skip
        assert stubborn.stdout is not None
        assert stubborn.stdout.readline() == b"ready\n"
    assert quiet.wait(10) == -signal.SIGTERM
    assert stubborn.wait(10) == -signal.SIGKILL
    stubborn.stdout.close()
    assert not Path(f"/proc/{namespace.holder}").exists()
    namespace.close()


def test_of_another_process(stranger: int) -> None:
    with Namespace.open(f"pid:{stranger}") as namespace:
        there = os.readlink(f"/proc/{stranger}/ns/net")
        assert output(namespace, "readlink", "/proc/self/ns/net").strip() == there
        assert "DOWN" in output(namespace, "ip", "-o", "link")
        assert namespace.holder is None
        with pytest.raises(ValueError, match="of our own"):
            namespace.announce()
    assert os.readlink(f"/proc/{stranger}/ns/net") == there  # closing ends nothing there


def test_by_path(stranger: int) -> None:
    with Namespace.open(f"path:/proc/{stranger}/ns/net") as namespace:
        assert output(namespace, "ip", "-o", "link").count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces with a name")
def test_by_name() -> None:
    name = f"netstack-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        with Namespace.open(f"name:{name}") as namespace:
            assert output(namespace, "ip", "netns", "identify").strip() == name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "unknown network namespace '': give new, pid:NUMBER, name:NAME or path:FILE"),
        ("nonsense", "unknown network namespace 'nonsense': give new"),
        ("pid:x", "unknown network namespace 'pid:x': give new"),
        ("name:../x", "unknown network namespace"),
        ("pid:999999999", "there is no network namespace pid:999999999: no such process is running; for a"),
        ("name:absent", "there is no network namespace name:absent: `ip netns list` shows those with a name"),
        ("path:/nonexistent", "there is no network namespace path:/nonexistent: "),
        ("path:/dev/null", "/dev/null is not a network namespace: give new"),
        ("path:/proc/self/ns/uts", "/proc/self/ns/uts is not a network namespace: give new"),
    ],
)
def test_a_mistake_is_one_line(spec: str, words: str) -> None:
    with pytest.raises(TapError) as caught:
        Namespace.open(spec)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_it_is_announced_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with Namespace.open("new") as namespace:
        namespace.announce(name="board", ip="10.0.0.2")
        (found,) = running()
        assert (found["holder"], found["name"]) == (namespace.holder, "board")
    assert list((tmp_path / "netstack").iterdir()) == []


KILLED = """
import os, subprocess, sys
from tap.netns import Namespace
namespace = Namespace.open("new")
namespace.announce(name="victim")
child = namespace.popen(["sleep", "100"])
print(namespace.holder, child.pid, flush=True)
input()
"""


def test_after_kill_9_nothing_is_left(tmp_path: Path) -> None:
    """The holder sees the end of its parent, ends what runs in the namespace, and goes with the file."""
    tmp_path.chmod(0o700)
    _, environment = python_module("tap.netns")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        env={**environment, "XDG_RUNTIME_DIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdout is not None
        pids = victim.stdout.readline().split()
        assert len(pids) == 2
        assert len(list((tmp_path / "netstack").iterdir())) == 1
        victim.kill()
    for pid in pids:
        until(lambda: is_gone(pid), f"process {pid} is still there")  # noqa: B023
    assert list((tmp_path / "netstack").iterdir()) == []


def is_gone(pid: str) -> bool:
    """Whether a process has ended; one that nobody waits for stays as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_child_without_an_answer_is_an_error() -> None:
    with pytest.raises(TapError, match="the holder died without a word"):
        answer_or_raise(b"", "the holder")
