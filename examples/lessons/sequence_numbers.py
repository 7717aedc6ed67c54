"""A program of lesson 2: it chooses where a device's sequence numbers begin."""

from usocket.current import current_device


def begin_at(number: str = "") -> None:
    """Have the SYNs of this device's connections carry ``number``, as if it had been on for long enough.

    This is lwIP's LWIP_HOOK_TCP_ISN; an active open sends the hook's number less one. Without a number lwIP
    chooses.
    """
    if number:
        value = int(number) + 1
        current_device().stack.tcp.iss_hook = lambda: value
