"""HTML fragments of reports and notebooks: tables, tying patterns, facts. All text is escaped.

`sharefind.report.page` arranges a report. A notebook gets one element with a small style sheet of its own, which uses
the notebook's colours, light or dark. If styles are not allowed, tables and letters remain readable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup

from sharefind.written import shortened, tied_entry

TEXT_COLUMNS = (
    "space", "decision", "reason", "group", "verdict", "broken", "proposed from", "class", "what", "model", "inputs",
    "relation", "tying (95 %)", "element", "activation", "hidden action", "types", "weights off", "counted as",
)  # fmt: skip
"""Headings of columns without numbers."""

MARKED = ("stay", "grow", "accepted", "rejected", "undecided", "exact", "broken")
"""Words that are marked in the colour of their meaning."""

Names = tuple[Sequence[str], Sequence[str]]
"""Names of the rows and of the columns of a matrix; () if they have none."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        caption: Its caption.
        headings: Headings of its columns.
        rows: Its rows of text; the first cell of a row is its name.
        note: A note below it.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def is_text(self) -> tuple[bool, ...]:
        """Whether each column holds words."""
        return tuple(heading in TEXT_COLUMNS for heading in self.headings)


def joined(parts: Iterable[Markup]) -> Markup:
    """Return fragments one after another.

    Args:
        parts: The fragments.
    """
    return Markup("").join(parts)


def table(grid: Grid) -> Markup:
    """Return a table that scrolls if it is too wide, with its note.

    Args:
        grid: The table.
    """
    sides = ["" if is_text else "figure" for is_text in grid.is_text]
    headings = (
        Markup('<th scope="col" class="{}">{}</th>').format(side, h)
        if side
        else Markup('<th scope="col">{}</th>').format(h)
        for h, side in zip(grid.headings, sides, strict=True)
    )
    rows = (Markup("<tr>{}</tr>\n").format(joined(_cells(row, sides))) for row in grid.rows)
    note = Markup('\n<p class="note">{}</p>').format(grid.note) if grid.note else ""
    return Markup(
        '<div class="scroll" role="group" tabindex="0" aria-label="Table: {0}">\n<table>\n<caption>{0}</caption>\n'
        "<thead><tr>{1}</tr></thead>\n<tbody>\n{2}</tbody>\n</table>\n</div>{3}"
    ).format(grid.caption, joined(headings), joined(rows), note)


def _cells(row: Sequence[str], sides: Sequence[str]) -> Iterable[Markup]:
    yield Markup('<th scope="row" class="{}">{}</th>').format(sides[0] or "words", row[0])
    for cell, side in zip(row[1:], sides[1:], strict=True):
        verdict = cell.partition(",")[0]  # the rest of the cell is the reason
        yield Markup('<td class="{}">{}</td>').format(verdict if verdict in MARKED else side or "words", cell)


def facts(pairs: Mapping[str, str]) -> Markup:
    """Return names and values, one line each.

    Args:
        pairs: Values by name.
    """
    rows = (Markup("<div><dt>{}</dt><dd>{}</dd></div>\n").format(name, value) for name, value in pairs.items())
    return Markup("<dl>\n{}</dl>").format(joined(rows))


def headline(text: str, *, is_good: bool) -> Markup:
    """Return the verdict.

    Args:
        text: The verdict.
        is_good: Whether it is a positive answer.
    """
    return Markup('<p class="verdict {}">{}</p>').format("good" if is_good else "bad", text)


def remarks(lines: Iterable[str]) -> Markup:
    """Return a list of warnings and remarks; empty if there are none.

    Args:
        lines: The warnings and remarks.
    """
    items = joined(Markup("<li>{}</li>").format(line) for line in lines)
    return Markup('<ul class="remarks">{}</ul>').format(items) if items else Markup("")


def pattern(title: str, labels: Sequence[Sequence[int]], names: Names = ((), ()), colours: int = 8) -> Markup:
    """Return a tying pattern as a matrix: a letter and a colour for each class, blank for 0.

    Args:
        title: Its title, such as the name of the block.
        labels: Label of each entry by rows: 0, or k or -k for class k with its sign.
        names: Names of its rows and columns.
        colours: Number of colours in the style sheet, used in turn.
    """
    cells = [
        [("" if v == 0 else tied_entry(v), f"class-{(abs(v) - 1) % colours + 1}" if v else "") for v in row]
        for row in labels
    ]
    return _matrix(title, cells, names)


def matrix(title: str, entries: Sequence[Sequence[str]], names: Names = ((), ())) -> Markup:
    """Return a matrix of numbers, given as texts.

    Args:
        title: Its title.
        entries: Its entries by rows.
        names: Names of its rows and columns.
    """
    return _matrix(title, [[(text, "") for text in row] for row in entries], names)


def _matrix(
    title: str, cells: Sequence[Sequence[tuple[str, str]]], names: Names, most: int = 24, length: int = 24
) -> Markup:
    """Return cells with their style classes: at most `most` rows and columns, and names of at most
    `length` characters.
    """
    shape = f"{len(cells)} x {len(cells[0])}"
    cut = f", the first {min(len(cells), most)} x {min(len(cells[0]), most)}"
    caption = f"{title} {shape}{cut if max(len(cells), len(cells[0])) > most else ''}"
    row_names, column_names = (tuple(given[:most]) for given in names)
    corner = Markup("<td></td>") if row_names else Markup("")
    heads = joined(_name(name, "col", length) for name in column_names)
    head = Markup("<thead><tr>{}{}</tr></thead>\n").format(corner, heads) if column_names else Markup("")
    rows = (
        Markup("<tr>{}{}</tr>\n").format(
            _name(row_names[i], "row", length) if row_names else "", joined(_entry(*cell) for cell in row[:most])
        )
        for i, row in enumerate(cells[:most])
    )
    return Markup('<table class="matrix">\n<caption>{}</caption>\n{}<tbody>\n{}</tbody>\n</table>').format(
        caption, head, joined(rows)
    )


def _name(name: str, side: str, length: int) -> Markup:
    return Markup('<th scope="{}" title="{}"><span>{}</span></th>').format(side, name, shortened(name, length))


def _entry(text: str, kind: str) -> Markup:
    return Markup('<td class="{}">{}</td>').format(kind, text) if kind else Markup("<td>{}</td>").format(text)


def heading(text: str) -> Markup:
    """Return a heading.

    Args:
        text: The heading.
    """
    return Markup('<p class="heading">{}</p>').format(text)


def paragraph(text: str) -> Markup:
    """Return a line of plain text in a muted colour.

    Args:
        text: The text.
    """
    return Markup('<p class="note">{}</p>').format(text)


def notebook(*parts: Markup) -> str:
    """Return one element for the output of a notebook cell, with its style sheet.

    Args:
        *parts: The fragments in the element.
    """
    style = files("sharefind").joinpath("notebook.css").read_bytes().decode("utf-8")
    css = Markup(style)  # nosec B704 # a file of the package
    page = Markup('<div class="sharefind">\n<style>\n{}</style>\n{}\n</div>').format(css, Markup("\n").join(parts))
    return page.encode("utf-8", "xmlcharrefreplace").decode("utf-8")  # names may contain halves of surrogate pairs
