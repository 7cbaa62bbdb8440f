"""Single values as people read them: numbers, names of classes, orders of groups, long texts.

`sharefind.report.text` has lists of names and whole tables.
"""

from __future__ import annotations

import string

NOTHING = "-"
"""Text for a value that does not exist."""


def number(value: float | None) -> str:
    """Return a float with three significant digits; "-" for None.

    Args:
        value: The number.
    """
    return NOTHING if value is None else f"{value:.3g}"


def share(value: float, largest: float = 0.999, digits: int = 2) -> str:
    """Return a posterior share; "above 0.999" near 1, since spaces that were not compared have a share too.

    Args:
        value: The share.
        largest: Largest share that is written as a number.
        digits: Number of significant digits.
    """
    if value > largest:
        return f"above {largest}"
    words = f"{value:.{digits}g}"
    return words if words != "1" else share(value, largest, digits + 1)  # more digits show that it is below 1


def class_name(k: int) -> str:
    """Return the name of a class of a tying pattern: a, b, ..., z, aa, ab, ...

    Args:
        k: Number of the class, from 1.
    """
    letters = ""
    while k > 0:
        k, rest = divmod(k - 1, 26)
        letters = string.ascii_lowercase[rest] + letters
    return letters


def tied_entry(label: int) -> str:
    """Return an entry of a tying pattern: 0, a letter, or a letter with a minus sign.

    Args:
        label: Its label.
    """
    if label == 0:
        return "0"
    return class_name(label) if label > 0 else f"-{class_name(-label)}"


def order(value: int | None, digits: int = 12) -> str:
    """Return the order of a group as text: "infinite" for None, a power of ten for very long numbers.

    Args:
        value: The order.
        digits: Largest number of digits that is written out.
    """
    if value is None:
        return "infinite"
    if value < 10**digits:
        return str(value)
    return f"about 10^{round(value.bit_length() * 0.30103)}"


def shortened(text: str, length: int) -> str:
    """Return a text of at most `length` characters, with "..." for its end.

    Args:
        text: The text.
        length: Largest number of characters.
    """
    return text if len(text) <= length else f"{text[: length - 4]} ..."


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: 1 node, 2 nodes.

    Args:
        count: The count.
        noun: The noun, in the singular.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
