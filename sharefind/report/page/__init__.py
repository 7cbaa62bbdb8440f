"""The HTML page of a run."""

from __future__ import annotations

from sharefind.former_names import former_member


def __getattr__(name: str) -> object:
    return former_member(__name__, name)
