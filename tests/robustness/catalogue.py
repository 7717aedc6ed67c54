"""All rows of the catalogue, in its order."""

from __future__ import annotations

from tests.robustness.conflicts import CONFLICTS
from tests.robustness.groups import GROUPS
from tests.robustness.internet import FRAGMENTS, INTERNET
from tests.robustness.leases import LEASES
from tests.robustness.link import ARP, ETHERNET
from tests.robustness.messages import DATAGRAMS, MESSAGES
from tests.robustness.names import NAMES
from tests.robustness.rows import Row
from tests.robustness.tcp_alone import ALONE
from tests.robustness.tcp_connected import CONNECTION

ROWS: tuple[Row, ...] = (
    *ETHERNET,
    *ARP,
    *INTERNET,
    *FRAGMENTS,
    *MESSAGES,
    *DATAGRAMS,
    *ALONE,
    *CONNECTION,
    *NAMES,
    *LEASES,
    *GROUPS,
    *CONFLICTS,
)
