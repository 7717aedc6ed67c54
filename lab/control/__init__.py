"""A device while it runs: the commands that ask it and change it, and what they are answered by
(docs/live.md).

``board`` is the running device, ``server`` its control socket, ``client`` the other end of that.
"""
