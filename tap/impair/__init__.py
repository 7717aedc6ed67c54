"""Impairments of a wire: the stages that frames of one direction of a cable pass through.

Each module holds one concern. Ready-made stages: ``loss``, ``delay``, ``reorder``, ``duplicate``,
``corrupt``, ``truncate``, ``rate``, ``drophead``, ``codel``, ``slots``, ``mtu``, ``mahimahi``, ``blackhole``,
``partition`` and ``flap``; ``catalogue`` makes one from its name and values with units, ``netem`` a chain
from the words of tc-netem. Beneath them: ``units``, ``draws`` (random numbers in bulk), ``correlation``,
``distribution``, ``fields`` (of a frame), ``ecn``, ``queue`` and ``schedule``.

A stage is built with plain numbers (probabilities 0 .. 1, times in ns, rates in bit/s, sizes in bytes) and,
where chance decides, a stream of its own (``tap.streams``), so adding a stage never shifts what another one
draws. What a stage did to a frame it says with ``note(action, detail)``: drop, delay, duplicate, reorder,
corrupt, truncate or mark, with numbers that suffice to do the same again.
"""
