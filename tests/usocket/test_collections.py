"""collections: deque needs a length; namedtuple and OrderedDict are Python's."""

from __future__ import annotations

import pytest

from usocket.collections import OrderedDict, deque, namedtuple


def test_the_oldest_makes_room() -> None:
    queue = deque((1, 2), 2)
    queue.append(3)
    assert list(queue) == [2, 3]
    queue.appendleft(1)
    assert queue.popleft() == 1
    queue.extend([4, 5, 6])
    assert (len(queue), queue.pop(), queue[0]) == (2, 6, 5)


def test_or_is_in_the_way() -> None:
    queue = deque((), 1, 1)
    queue.append(1)
    for call in (queue.append, queue.appendleft, lambda item: queue.extend([item])):
        with pytest.raises(IndexError, match="full"):
            call(2)
    queue.pop()
    with pytest.raises(IndexError):
        queue.popleft()


def test_a_length_is_needed() -> None:
    with pytest.raises(TypeError):
        del deque((1,), 1)[0]
    with pytest.raises(TypeError):
        deque(())  # type: ignore[call-arg]
    with pytest.raises(ValueError):
        deque((), -1)


def test_the_others() -> None:
    Point = namedtuple("Point", ("x", "y"))
    assert Point(1, 2).y == 2
    assert list(OrderedDict([(2, 1), (1, 2)])) == [2, 1]
