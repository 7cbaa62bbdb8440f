"""Every statement of Maass & Fontbona 2024 as a numerical demonstration, with a verdict that can fail.

`sharefind.meanfield` has the mathematics. This package has the experiments, their checks and their files.
"""

from sharefind.paper.context import Cell, Context, MemoryStore, Request
from sharefind.paper.demonstration import Check, Demonstration, Experiment, Outcome, Panel, Series
from sharefind.paper.execution import Reproduction, reproduce
from sharefind.paper.statements import ALL, DEMONSTRATIONS, find, names
from sharefind.progress import StageProgress as Progress
from sharefind.progress import unwatched as no_progress

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
