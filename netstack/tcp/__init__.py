"""TCP (RFC 9293) as lwIP does it. ``layer.Tcp`` is the entrance; each part has a module of its own, named
after what it does.
"""

from netstack.tcp.layer import Tcp

__all__ = ["Tcp"]
