"""How single values are written for people: numbers, names of classes, orders of groups, long texts.

Lists of names and whole tables are left to `sharefind.report.text`.
"""

from __future__ import annotations

import string

NOTHING = "-"
"""Stands for a value that does not exist."""


def number(value: float | None) -> str:
    """A float with three significant digits, "-" for None."""
    return NOTHING if value is None else f"{value:.3g}"


def share(value: float, largest: float = 0.999, digits: int = 2) -> str:
    """A posterior share; "above 0.999" near 1, since what was not compared has a share too.

    Args:
        value: The share.
        largest: Above it the figure is not written.
        digits: Significant digits.
    """
    return f"above {largest}" if value > largest else f"{value:.{digits}g}"


def class_name(k: int) -> str:
    """Class k = 1, 2, ... of a tying pattern as a, b, ..., z, aa, ab, ..."""
    letters = ""
    while k > 0:
        k, rest = divmod(k - 1, 26)
        letters = string.ascii_lowercase[rest] + letters
    return letters


def tied_entry(label: int) -> str:
    """One entry of a tying pattern: 0, a letter, or a letter with its sign."""
    if label == 0:
        return "0"
    return class_name(label) if label > 0 else f"-{class_name(-label)}"


def order(value: int | None, digits: int = 12) -> str:
    """The order of a group: "infinite" for None, a power of ten where the digits would say nothing.

    Args:
        value: The order.
        digits: Most digits that are written out.
    """
    if value is None:
        return "infinite"
    if value < 10**digits:
        return str(value)
    return f"about 10^{round(value.bit_length() * 0.30103)}"


def shortened(text: str, length: int) -> str:
    """A text of at most `length` characters, "..." in place of what is left out."""
    return text if len(text) <= length else f"{text[: length - 4]} ..."


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 node, 2 nodes."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
