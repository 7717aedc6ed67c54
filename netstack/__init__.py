"""The stack: a pure function of frames, calls and time. ``stack.Stack`` is the entrance, ``profiles.named``
gives it its numbers.

Nothing here does I/O, looks at a clock, starts a thread or draws a random number that was not derived from a
seed.
"""
