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
    """Return an exact number, as a Python expression in `sqrt`, `cos`, `sin` and `pi`; a longer one as the nearest
    float64.

    Args:
        text: The number.
        longest: Most characters of an expression.
    """
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
    """Return a printable name as a Python literal, in double quotes.

    Args:
        name: The name.
    """
    return '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'


def plain(text: str) -> str:
    """Return a name that a docstring may hold: names come from files, and nothing in them may end the docstring.

    Args:
        text: The name.
    """
    return text.replace("\\", "/").replace('"', "'")


def name_lines(target: str, names: Sequence[str], letter: str, size: str) -> list[str]:
    """Return the lines `target = (...)` with names of columns; default names become an expression.

    Args:
        target: The variable.
        names: Printable names.
        letter: "x" or "y".
        size: The constant that holds their number.
    """
    if not has_own_names(names, letter):
        return [f'{target} = tuple(f"{letter}{{k}}" for k in range({size}))']
    return packed_lines(target, list(map(text, names)))


def packed_lines(target: str, items: Sequence[str]) -> list[str]:
    """Return `target = (...)` with as many items to a line as fit; repeats as a product.

    Args:
        target: Name of the variable.
        items: Source of each.
    """
    if len(items) > 1 and len(set(items)) == 1:
        return [f"{target} = ({items[0]},) * {len(items)}"]
    line = f"{target} = {one_line(items)}"
    return [line] if len(line) <= WIDTH else [f"{target} = (", *lines_of(items, 4), ")"]


def column_sentences(spec: SharingSpec, most: int = 12) -> list[str]:
    """Return sentences with the names of columns, the first ones of each side; nothing for default names.

    Args:
        spec: Specification of the columns.
        most: Most names of a side.
    """
    sides = {"x": spec.inputs, "y": spec.outputs}
    if not any(has_own_names(names, letter) for letter, names in sides.items()):
        return []
    return [f"Columns of {letter}, in this order: {_listed(names, most)}." for letter, names in sides.items()]


def _listed(names: Sequence[str], most: int) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(plain(name).replace(" ", TOGETHER) for name in names[:most]) + more


def comment(sentence: str) -> list[str]:
    """Return a sentence as lines of comments.

    Args:
        sentence: The sentence.
    """
    return [f"# {line}" for line in textwrap.wrap(plain(sentence), 86)]


def one_line(items: Iterable[str]) -> str:
    """Return a tuple on one line.

    Args:
        items: The items, as expressions.
    """
    listed = list(items)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def constant_tuple(items: Sequence[str], before: int, narrow: int = 88) -> str:
    """Return a tuple as ruff formats it, at `narrow` characters a line and at more; repeated items as a product.

    Args:
        items: The items, as expressions.
        before: Number of characters before it.
        narrow: Length of a line.
    """
    if len(items) > 1 and len(set(items)) == 1:
        return f"({items[0]},) * {len(items)}"
    flat = one_line(items)
    if before + len(flat) <= narrow:
        return flat
    return "\n".join(["(", *(f"    {item}," for item in items), ")"])


def lines_of(items: Sequence[str], indent: int) -> list[str]:
    """Return lines of items followed by commas, as many to a line as fit in `WIDTH`.

    Args:
        items: The items, as expressions.
        indent: Indentation.
    """
    lines, current = [], " " * indent
    for item in items:
        if current.strip() and len(current) + len(item) + 1 > WIDTH:
            lines.append(current.rstrip())
            current = " " * indent
        current += f"{item}, "
    return [*lines, current.rstrip()]


def tuple_lines(items: Nested, indent: int) -> list[str]:
    """Return lines of nested tuples followed by commas, the innermost ones on a line where they fit.

    Args:
        items: The tuples.
        indent: Indentation.
    """
    pad = " " * indent
    flat = [item for item in items if isinstance(item, str)]
    if items and len(flat) == len(items):
        line = f"{pad}{one_line(flat)},"
        return [line] if len(line) <= WIDTH else [f"{pad}(", *lines_of(flat, indent + 4), f"{pad}),"]
    inner = (line for item in items if not isinstance(item, str) for line in tuple_lines(item, indent + 4))
    return [f"{pad}(", *inner, f"{pad}),"]


def assigned(target: str, items: Nested) -> list[str]:
    """Return the lines `target = (...)`, an item a line where it fits.

    Args:
        target: The variable; it may have a type.
        items: The items, as expressions.
    """
    lines = tuple_lines(items, 0)
    return [f"{target} = {lines[0]}", *lines[1:-1], ")"] if items else [f"{target} = ()"]


def sparse_literal(target: str, rows: Sequence[Mapping[int, str]]) -> list[str]:
    """Return the lines `target = (...)`: a matrix as a mapping {column: number} a row.

    Args:
        target: The variable.
        rows: The rows.
    """
    lines = list[str]()
    for row in rows:
        items = [f"{column}: {value}" for column, value in row.items()]
        line = f"    {{{', '.join(items)}}},"
        lines += [line] if len(line) <= WIDTH else ["    {", *lines_of(items, 8), "    },"]
    return [f"{target} = (", *lines, ")"]


def labels_literal(spec: SharingSpec, labels: Sequence[int]) -> list[str]:
    """Return the lines `LABELS = (...)`: block after block, each by rows; a bias in lines as long as the rows of W.

    Args:
        spec: The specification.
        labels: The labels.
    """
    width = max(len(str(label)) for label in labels)
    texts = [str(label).rjust(width) for label in labels]
    lines = ["LABELS = ("]
    for block in spec.blocks:
        part, length = texts[spec.slice_of(block.name)], block.shape[1] if len(block.shape) > 1 else spec.d_in
        for start in range(0, len(part), length):
            lines += lines_of(part[start : start + length], 4)
    return [*lines, ")"]


def numbers(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return a matrix by rows, as Python expressions.

    Args:
        rows: The rows, as exact texts.
    """
    return [[number(entry) for entry in row] for row in rows]


def cycles(image: Sequence[int]) -> str:
    """Return a signed permutation for people: its cycles, or one-line notation where signs occur; spaces are
    `TOGETHER`.

    Args:
        image: Images, counted from 1, negative where the sign changes.
    """
    text = f"[{' '.join(map(str, image))}]" if min(image) < 0 else cycle_notation([entry - 1 for entry in image])
    return text.replace(" ", TOGETHER)


def math_names(lines: Iterable[str]) -> list[str]:
    """Return the names of `math` that the code among some lines uses.

    Args:
        lines: The lines.
    """
    code = " ".join(line for line in lines if not line.startswith("#"))
    return sorted(set(re.findall(r"\b(?:cos|pi|sin|sqrt)\b", code)))
