"""Every stage with every parameter, and what frames meet in all of them. Without pytest: other interpreters
run this, too.
"""

from __future__ import annotations

import hashlib

from tap.clock import MS, VirtualClock
from tap.impair.catalogue import make
from tap.impair.netem import parse
from tap.streams import stream
from tests.tap.impair.rig import Rig, tcp_frame

# Values for every parameter of every kind
VALUES: dict[str, dict[str, object]] = {
    "loss": {"rate": "1%", "correlation": 0.5, "how": "netem", "ecn": True},
    "gilbert-elliott": {"loss": "2%", "burst": 4, "ecn": False},
    "four-state": {"p13": "5%", "p31": "30%", "p32": "10%", "p23": "50%", "p14": "1%", "ecn": False},
    "delay": {"delay": "80ms", "jitter": "20ms", "distribution": "normal", "correlation": "25%",
              "how": "keep", "in_order": False},
    "reorder": {"rate": "5%", "behind": 3, "gap": 2, "patience": "1s", "correlation": "10%"},
    "duplicate": {"rate": "5%", "copies": 2, "spacing": "1ms", "correlation": "10%"},
    "corrupt": {"rate": "5%", "unit": "byte", "count": 2, "start": 14, "field": "tcp.seq", "value": 5,
                "repaired": True, "correlation": "10%"},
    "truncate": {"rate": "5%", "keep": 60, "correlation": "10%"},
    "rate": {"rate": "1mbit", "limit_packets": 20, "limit_bytes": "16kb", "overhead": 24},
    "drophead": {"rate": "1mbit", "limit_packets": 20, "limit_bytes": "16kb", "overhead": 24},
    "codel": {"rate": "1mbit", "limit_packets": 20, "limit_bytes": "16kb", "overhead": 24, "target": "20ms",
              "interval": "100ms", "ecn": True},
    "slots": {"minimum": "20ms", "maximum": None, "packets": 5, "size": "9kb", "jitter": "5ms",
              "distribution": [-8192, 0, 8192]},
    "mtu": {"mtu": 576},
    "mahimahi": {"trace": [1, 2, 5], "limit_packets": 20, "limit_bytes": "16kb", "start": "1s"},
    "blackhole": {"start": "1s", "lasting": "1s", "every": "5s"},
    "link-flap": {"start": "1s", "lasting": "1s", "every": "5s", "notice": "100ms"},
}  # fmt: skip


def digest() -> str:
    """Everything that 400 frames meet in all stages and in netem: arrivals and notes."""
    found = hashlib.sha256()
    for kind, values in VALUES.items():
        clock = VirtualClock()
        given = {key: value for key, value in values.items() if value is not None}
        stages = [make(kind, given, stream=stream(7, kind), clock=clock)]
        found.update(traffic(Rig(*stages, clock=clock)))
    words = (
        "delay 20ms 5ms 25% distribution paretonormal loss gemodel 2% 20% 90% 1% duplicate 2% 10% "
        "corrupt 3% reorder 5% gap 3 rate 2mbit 20 slot 3ms 6ms packets 4 limit 100"
    )
    found.update(traffic(Rig(*parse(words).stages(lambda purpose: stream(7, purpose)))))
    return found.hexdigest()


def traffic(rig: Rig) -> bytes:
    for number in range(400):
        rig.send(tcp_frame(number.to_bytes(4, "big") * (1 + number % 90), tos=number % 3), number * MS)
    rig.run()
    return repr((rig.arrived, rig.notes)).encode()
