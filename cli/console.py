"""Consoles: results go to stdout, progress to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from sharefind.storage import json_text

SIZES = {"COLUMNS": (40, 10_000), "LINES": (5, 10_000), "TERMINAL_WIDTH": (40, 10_000)}
"""Environment variables with the size of a terminal, with the smallest and the largest value that tables are printed
for.
"""


@contextmanager
def usable_sizes() -> Iterator[None]:
    """Ignore unusable terminal sizes in the environment within this `with` block: 0, -1, 1, or text.

    Some tools set them to 0 if there is no terminal. rich and typer would use these values.

    Yields:
        Nothing.
    """
    before = {name: os.environ[name] for name in SIZES if name in os.environ}
    for name, value in before.items():
        if not _is_usable(value, *SIZES[name]):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)


def _is_usable(value: str, least: int, most: int) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= len(str(most)) and least <= int(value) <= most


def result_console(piped_width: int = 100) -> Console:
    """Return a console on stdout.

    Args:
        piped_width: Number of columns without a terminal, unless COLUMNS is set.
    """
    is_piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _wide_enough(Console(width=piped_width if is_piped else None, highlight=False, markup=False, emoji=False))


def progress_console() -> Console:
    """Return a console on stderr."""
    return _wide_enough(Console(stderr=True, highlight=False, markup=False, emoji=False))


def _wide_enough(console: Console) -> Console:
    """Return the same console, widened to the minimum for tables if the terminal reports fewer columns."""
    least, _ = SIZES["COLUMNS"]
    if console.width < least:
        console.width = least
    return console


def warn(lines: Sequence[str]) -> None:
    """Print warnings on stderr, one per line, even if all other output is silent.

    Args:
        lines: The warnings.
    """
    for line in lines:
        progress_console().print(f"warning: {line}", soft_wrap=True)


def print_json(record: dict[str, Any]) -> None:
    """Print one JSON object on stdout.

    Args:
        record: The object.
    """
    print(json_text(record, indent=1))
