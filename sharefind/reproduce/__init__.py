"""Every statement of Maass & Fontbona 2024 as a numerical demonstration, with a verdict that can fail.

The mathematics is in `sharefind.meanfield`; here are the experiments, their checks and their files.
"""

from sharefind.reproduce.context import Cell, Context, Demonstration, MemoryStore, Progress, Request, no_progress
from sharefind.reproduce.outcome import Check, Outcome, Panel, Series
from sharefind.reproduce.registry import ALL, DEMONSTRATIONS, find, names
from sharefind.reproduce.run import Reproduction, reproduce

__all__ = [
    "ALL",
    "DEMONSTRATIONS",
    "Cell",
    "Check",
    "Context",
    "Demonstration",
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
