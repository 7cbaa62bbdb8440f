"""The callback by which long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

StageProgress = Callable[[str, int, int], None]
"""Callback for progress: (stage, steps done, steps in all)."""


def unwatched(stage: str, done: int, total: int) -> None:
    """Do nothing; the default progress callback.

    Args:
        stage: Name of the current work.
        done: Finished steps.
        total: Number of steps.
    """
