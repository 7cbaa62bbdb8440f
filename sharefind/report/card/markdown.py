"""Markdown of a model card: its YAML header, tables and lists, with every name of a stranger's file escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sharefind.errors import visible

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#&$~])")
"""Characters that Markdown, or HTML inside it, gives a meaning."""


def escaped(text: str) -> str:
    """Return a text as one line of Markdown that reads as the text does.

    Args:
        text: Any text, such as the name of a column.
    """
    return _SPECIAL.sub(r"\\\1", visible(text))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return the lines of a table; cells are escaped.

    Args:
        headings: Headings of the columns.
        rows: The cells of each row.
        left: Number of columns that are set flush left; all others are set flush right.
    """
    marks = [":--" if k < left else "--:" for k in range(len(headings))]
    return [_line(list(map(escaped, headings))), _line(marks), *(_line(list(map(escaped, row))) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def bullets(sentences: Sequence[str]) -> list[str]:
    """Return a list, an escaped sentence each.

    Args:
        sentences: The sentences.
    """
    return [f"- {escaped(sentence)}" for sentence in sentences]


def code(lines: Sequence[str], language: str) -> list[str]:
    """Return a block of code, whose fence is longer than any in it.

    Args:
        lines: Lines of code.
        language: Name of its language, such as "python".
    """
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def header(values: Mapping[str, Any]) -> list[str]:
    """Return the YAML header, with the lines that enclose it; texts are in double quotes, as JSON has them.

    Args:
        values: Its keys with texts, numbers, lists and mappings of these; empty lists are left out.
    """
    return ["---", *_yaml(values, 0), "---"]


def _yaml(values: Mapping[str, Any], depth: int) -> list[str]:
    pad, lines = "  " * depth, list[str]()
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{pad}{key}:", *_yaml(value, depth + 1)]
        elif isinstance(value, list):
            lines += [f"{pad}{key}:", *(line for one in value for line in _item(one, depth))] if value else []
        else:
            lines.append(f"{pad}{key}: {_scalar(value)}")
    return lines


def _item(value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if not isinstance(value, Mapping):
        return [f"{pad}- {_scalar(value)}"]
    first, *rest = _yaml(value, depth + 1)
    return [f"{pad}- {first.lstrip()}", *rest]


def _scalar(value: Any) -> str:
    # A JSON text in ASCII is a YAML text; escapes of characters beyond 16 bits would not be.
    return json.dumps(visible(value), ensure_ascii=False) if isinstance(value, str) else json.dumps(value)
