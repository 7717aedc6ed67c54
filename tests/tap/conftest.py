"""Fixtures of the tests of ``tap``. After every test descriptors, threads and children are as before."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from tap.netns import Namespace


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Descriptors, threads and child processes are as before when a test is over."""
    before = belongings()
    yield
    assert belongings() == before


def belongings() -> tuple[dict[str, str], set[str], str]:
    """What this process has: descriptors with what they are, names of threads, children."""
    descriptors = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            descriptors[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue  # the one that lists
    threads = {thread.name for thread in threading.enumerate()}
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as children:
        return descriptors, threads, children.read()


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A network namespace of the test's own."""
    with Namespace.open("new") as opened:
        yield opened
