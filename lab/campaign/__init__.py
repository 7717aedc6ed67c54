"""Campaigns: a scenario run many times, with many seeds and settings, and what of it failed, made small.

    from lab.campaign import Store, campaign, processes, sweep

    jobs = sweep(Path("lossy.toml").read_text(), "lossy.toml", range(1000), ["link.wire.delay=5ms,50ms"])
    with Store("results.sqlite") as store:
        campaign(jobs, processes(2), store)

docs/campaigns.md explains it.
"""

from __future__ import annotations

from lab.campaign.engine import Engine, dask, here, of, processes
from lab.campaign.errors import CampaignError
from lab.campaign.job import Job, Record, execute
from lab.campaign.run import campaign
from lab.campaign.shrink import Shrunk, shrink
from lab.campaign.store import Store
from lab.campaign.sweep import sweep

__all__ = [
    "CampaignError",
    "Engine",
    "Job",
    "Record",
    "Shrunk",
    "Store",
    "campaign",
    "dask",
    "execute",
    "here",
    "of",
    "processes",
    "shrink",
    "sweep",
]
