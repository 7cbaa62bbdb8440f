"""How work says how far it is, to anybody who listens."""

from __future__ import annotations

from collections.abc import Callable

StageProgress = Callable[[str, int, int], None]
"""Callback for progress: (stage, steps done, steps in all)."""


def unwatched(stage: str, done: int, total: int) -> None:
    """Do nothing; the progress callback of work that nobody watches.

    Args:
        stage: Name of the current work.
        done: Finished steps.
        total: Number of steps.
    """
