"""Exact data as Python literals, laid out in rows: labels, bases and generators for a generated module.

They stand between `# fmt: off` and `# fmt: on`, so that a matrix looks like one. The code around them is
`layers.standalone`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from sharefind.architectures.spec import SharingSpec
from sharefind.column_names import has_own_names
from sharefind.groups import (
    cycle_notation,
    element_to_float,
    exact_domain,
    format_exact,
    parse_element,
    parse_exact,
)

WIDTH = 100
"""Longest line of a literal, in characters."""

TOGETHER = "\u00a0"
"""A space at which no line is broken."""

Nested = Sequence["str | Nested"]
"""Texts of numbers in tuples of tuples."""


def number(text: str, longest: int = 60) -> str:
    """An exact number, as a Python expression in `sqrt`, `cos`, `sin` and `pi`; a longer one as the nearest float64."""
    plain = _without_double_parentheses(format_exact(parse_exact(text)))
    if len(plain) <= longest:
        return plain
    field = exact_domain([text])
    return repr(element_to_float(parse_element(text, field), field))


def _without_double_parentheses(text: str) -> str:
    """sqrt((5/8)) as sqrt(5/8): a linter of the generated module would object."""
    opened: list[int] = []
    spare: set[int] = set()
    matching: dict[int, int] = {}
    for place, character in enumerate(text):
        if character == "(":
            opened.append(place)
        elif character == ")":
            start = opened.pop()
            matching[start] = place
            if matching.get(start + 1) == place - 1:
                spare |= {start + 1, place - 1}
    return "".join(character for place, character in enumerate(text) if place not in spare)


def text(name: str) -> str:
    """A printable name as a Python literal, in double quotes."""
    return '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'


def plain(text: str) -> str:
    """A name as a docstring may hold it: names come from files, and nothing in them may end the docstring."""
    return text.replace("\\", "/").replace('"', "'")


def name_lines(target: str, names: Sequence[str], letter: str, size: str) -> list[str]:
    """`target = (...)`: names of columns; those by position are written as what makes them.

    Args:
        target: What they are assigned to.
        names: Printable.
        letter: "x" or "y".
        size: The constant that holds their number.
    """
    if not has_own_names(names, letter):
        return [f'{target} = tuple(f"{letter}{{k}}" for k in range({size}))']
    return packed_lines(target, list(map(text, names)))


def packed_lines(target: str, items: Sequence[str]) -> list[str]:
    """`target = (...)`: as many items to a line as fit; repeats as a product.

    Args:
        target: What they are assigned to.
        items: Source of each.
    """
    if len(items) > 1 and len(set(items)) == 1:
        return [f"{target} = ({items[0]},) * {len(items)}"]
    line = f"{target} = {one_line(items)}"
    return [line] if len(line) <= WIDTH else [f"{target} = (", *lines_of(items, 4), ")"]


def column_sentences(spec: SharingSpec, most: int = 12) -> list[str]:
    """What columns are called, the first ones of each side; nothing where they have no names of their own.

    Args:
        spec: Of the columns.
        most: Names of a side.
    """
    sides = {"x": spec.inputs, "y": spec.outputs}
    if not any(has_own_names(names, letter) for letter, names in sides.items()):
        return []
    return [f"Columns of {letter}, in this order: {_listed(names, most)}." for letter, names in sides.items()]


def _listed(names: Sequence[str], most: int) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(plain(name).replace(" ", TOGETHER) for name in names[:most]) + more


def comment(sentence: str) -> list[str]:
    """A sentence as lines of comments."""
    return [f"# {line}" for line in textwrap.wrap(plain(sentence), 86)]


def one_line(items: Iterable[str]) -> str:
    """A tuple on one line."""
    listed = list(items)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def constant_tuple(items: Sequence[str], before: int, narrow: int = 88) -> str:
    """A tuple as ruff formats it behind `before` characters, at `narrow` a line and at more; repeats as a product."""
    if len(items) > 1 and len(set(items)) == 1:
        return f"({items[0]},) * {len(items)}"
    flat = one_line(items)
    if before + len(flat) <= narrow:
        return flat
    return "\n".join(["(", *(f"    {item}," for item in items), ")"])


def lines_of(items: Sequence[str], indent: int) -> list[str]:
    """Items followed by commas, as many to a line as fit in `WIDTH`."""
    lines, current = [], " " * indent
    for item in items:
        if current.strip() and len(current) + len(item) + 1 > WIDTH:
            lines.append(current.rstrip())
            current = " " * indent
        current += f"{item}, "
    return [*lines, current.rstrip()]


def tuple_lines(items: Nested, indent: int) -> list[str]:
    """Nested tuples followed by commas, the innermost ones on a line where they fit."""
    pad = " " * indent
    flat = [item for item in items if isinstance(item, str)]
    if items and len(flat) == len(items):
        line = f"{pad}{one_line(flat)},"
        return [line] if len(line) <= WIDTH else [f"{pad}(", *lines_of(flat, indent + 4), f"{pad}),"]
    inner = (line for item in items if not isinstance(item, str) for line in tuple_lines(item, indent + 4))
    return [f"{pad}(", *inner, f"{pad}),"]


def assigned(target: str, items: Nested) -> list[str]:
    """`target = (...)`, an item a line where it fits; the target may have a type."""
    lines = tuple_lines(items, 0)
    return [f"{target} = {lines[0]}", *lines[1:-1], ")"] if items else [f"{target} = ()"]


def sparse_literal(target: str, rows: Sequence[Mapping[int, str]]) -> list[str]:
    """`target = (...)`: a matrix as a mapping {column: number} a row."""
    lines = list[str]()
    for row in rows:
        items = [f"{column}: {value}" for column, value in row.items()]
        line = f"    {{{', '.join(items)}}},"
        lines += [line] if len(line) <= WIDTH else ["    {", *lines_of(items, 8), "    },"]
    return [f"{target} = (", *lines, ")"]


def labels_literal(spec: SharingSpec, labels: Sequence[int]) -> list[str]:
    """`LABELS = (...)`: block after block, each by rows; a bias in lines as long as the rows of W."""
    width = max(len(str(label)) for label in labels)
    texts = [str(label).rjust(width) for label in labels]
    lines = ["LABELS = ("]
    for block in spec.blocks:
        part, length = texts[spec.slice_of(block.name)], block.shape[1] if len(block.shape) > 1 else spec.d_in
        for start in range(0, len(part), length):
            lines += lines_of(part[start : start + length], 4)
    return [*lines, ")"]


def numbers(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """A matrix by rows, as Python expressions."""
    return [[number(entry) for entry in row] for row in rows]


def cycles(image: Sequence[int]) -> str:
    """A signed permutation for people: its cycles, or one-line notation where signs occur; spaces are `TOGETHER`."""
    text = f"[{' '.join(map(str, image))}]" if min(image) < 0 else cycle_notation([entry - 1 for entry in image])
    return text.replace(" ", TOGETHER)


def math_names(lines: Iterable[str]) -> list[str]:
    """Which names of `math` the code among these lines uses."""
    code = " ".join(line for line in lines if not line.startswith("#"))
    return sorted(set(re.findall(r"\b(?:cos|pi|sin|sqrt)\b", code)))
