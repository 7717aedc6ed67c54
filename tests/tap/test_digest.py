"""The digest of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tap.capture import INBOUND, OUTBOUND, CaptureLink
from tap.clock import MS, VirtualClock
from tap.digest import Digest
from tap.wire import wire


def two_frames(digest: Digest) -> None:
    one, two = digest.interface("one"), digest.interface("two")
    digest.packet(one, 5, b"frame", OUTBOUND)
    digest.packet(two, 7, b"frame", INBOUND)


def test_the_same_frames_have_the_same_digest() -> None:
    first, second = Digest(), Digest()
    two_frames(first)
    two_frames(second)
    assert first.hexdigest() == second.hexdigest() == first.hexdigest()
    assert (len(first.hexdigest()), first.frames) == (64, 2)
    second.packet(0, 7, b"", INBOUND)
    assert first.hexdigest() != second.hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        lambda digest, one, two: digest.packet(one, 6, b"frame", OUTBOUND),
        lambda digest, one, two: digest.packet(two, 5, b"frame", OUTBOUND),
        lambda digest, one, two: digest.packet(one, 5, b"frame", INBOUND),
        lambda digest, one, two: digest.packet(one, 5, b"Frame", OUTBOUND),
        lambda digest, one, two: digest.packet(one, 5, b"frame2", OUTBOUND),
        lambda digest, one, two: None,
    ],
    ids=["time", "interface", "direction", "byte", "length", "none"],
)
def test_whatever_differs_shows(other: Callable[[Digest, int, int], None]) -> None:
    digests = []
    for add in (lambda digest, one, two: digest.packet(one, 5, b"frame", OUTBOUND), other):
        digest = Digest()
        add(digest, digest.interface("one"), digest.interface("two"))
        digests.append(digest.hexdigest())
    assert digests[0] != digests[1]


def test_names_count_and_comments_do_not() -> None:
    def digest(name: str, comment: str) -> str:
        made = Digest()
        made.packet(made.interface(name, comment=comment), 1, b"frame", INBOUND, comment)
        return made.hexdigest()

    assert digest("one", "") == digest("one", "why") != digest("two", "")


def test_a_capture_link_feeds_it() -> None:
    clock = VirtualClock()
    near, far = wire(clock, delay=MS)
    digest, expected = Digest(), Digest()
    CaptureLink(near, digest, clock, "board").send(b"frame")
    expected.packet(expected.interface("board"), 0, b"frame", OUTBOUND)
    clock.wait(None)
    clock.run_due()
    assert far.receive() == b"frame"
    assert digest.hexdigest() == expected.hexdigest()
