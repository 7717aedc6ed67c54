"""Links, clocks and hosts: everything that touches the outside world or time.

``link`` says what a link is; ``tun`` (a real TAP) and ``wire`` (an in-memory cable) are links; ``capture``
wraps one and writes pcapng. ``netns`` gives a TAP a network namespace. ``clock`` has real and virtual time,
``host`` joins a stack, a link and a clock, and ``driver`` lets one thread at a time drive all hosts of a
clock.

``network`` is many hosts on one clock: ``cable``, ``switch``, ``router`` and ``uplink`` join them,
``scheduler`` drives them and runs the blocking programs (``program``) on them, ``streams`` has its chances.

Importing this package opens nothing and starts nothing.
"""

__netstack__ = True  # other distributions install a package "tap": tap.link.foreign_package
