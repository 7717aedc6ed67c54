"""The error of campaigns: one line that says what is wrong and the mend."""

from __future__ import annotations


class CampaignError(ValueError):
    """Something that the user gave or lacks."""
