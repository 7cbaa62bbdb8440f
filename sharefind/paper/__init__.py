"""Every statement of Maass & Fontbona 2024 as a numerical demonstration, with a verdict that can fail.

`sharefind.meanfield` has the mathematics. This package has the experiments, their checks and their files.
"""

from sharefind.paper.context import Cell, Context, MemoryStore, Progress, Request, no_progress
from sharefind.paper.demonstration import Check, Demonstration, Experiment, Outcome, Panel, Series
from sharefind.paper.execution import Reproduction, reproduce
from sharefind.paper.statements import ALL, DEMONSTRATIONS, find, names

__all__ = [
    "ALL",
    "DEMONSTRATIONS",
    "Cell",
    "Check",
    "Context",
    "Demonstration",
    "Experiment",
    "MemoryStore",
    "Outcome",
    "Panel",
    "Progress",
    "Reproduction",
    "Request",
    "Series",
    "find",
    "names",
    "no_progress",
    "reproduce",
]
