"""Scripted faults of a wire: rules that hit frames by protocol coordinate, never by a global ordinal.

``coordinate`` gives each frame that enters a cable its place in its conversation (flow, kind, n, relative
seq, transmission), with the help of ``kinds`` and ``sequence``; ``conditions`` say which frames a rule is
for, ``verdicts`` what is done to them, ``craft`` makes frames to inject. ``grammar`` reads both from text;
its parts are ``words``, ``ranges``, ``fields``, ``place`` and ``actions``. ``rule`` counts, ``stage`` is the
stage in a direction, ``view`` what a callback sees of a frame, and ``state`` looks into a device.
docs/rules.md is made by ``page``.
"""
