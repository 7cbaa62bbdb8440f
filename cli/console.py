"""Where output goes: results to stdout, progress to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

PIPED_WIDTH = 100
"""Columns of a result that goes to a file or a pipe, unless COLUMNS says otherwise."""


def result_console() -> Console:
    """A console on stdout that keeps 100 columns where there is no terminal."""
    is_piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=PIPED_WIDTH if is_piped else None, highlight=False, markup=False, emoji=False)


def progress_console() -> Console:
    """A console on stderr."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def warn(lines: Sequence[str]) -> None:
    """Print warnings on stderr, a line each, whatever else is silent."""
    for line in lines:
        progress_console().print(f"warning: {line}", soft_wrap=True)


def print_json(record: dict[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(record, indent=1, allow_nan=False))
