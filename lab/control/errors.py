"""The error of a request that cannot be done."""

from __future__ import annotations


class ControlError(ValueError):
    """One line that says what is wrong and the mend."""
