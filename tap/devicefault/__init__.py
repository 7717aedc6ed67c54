"""Faults inside a device: what fails there although every frame on the wire is as it should be.

``fault`` is what all have in common, ``faults`` the list ``device.faults``; ``catalogue`` makes one from a
text as ``pool-fail pool=TCP_SEG nth=17``. One module a family: ``pools``, ``leak`` (memory), ``ring``,
``transmit`` (the controller's descriptors, behind ``controller``), ``cpu``, ``app`` (time that programs do
not get), ``clocks`` (behind ``localtime``), ``reboot``, ``watchdog``, ``twin`` (a second device with its
address), ``arp`` and ``lease``. Beneath them: ``chooser`` (which of many) and ``values`` (units).

None is an ``if`` inside the stack: they stand before a pool, around a link, between the network's clock and
the device's. A device without faults does not know of them. docs/device-faults.md has them all.
"""
