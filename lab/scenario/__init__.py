"""Scenarios: experiments as files. A network, programs, faults, and what is expected of the run.

    from lab.scenario import load, run

    result = run(load("examples/scenarios/lost-syn-ack.toml"), seed=7)

docs/scenarios.md explains the file.
"""

from __future__ import annotations

from lab.scenario.errors import ScenarioError
from lab.scenario.load import Scenario, load
from lab.scenario.result import Result, Verdict
from lab.scenario.run import run

__all__ = ["Result", "Scenario", "ScenarioError", "Verdict", "load", "run"]
