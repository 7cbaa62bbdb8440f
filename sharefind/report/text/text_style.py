"""How much of a value tables show, as a style sheet does: the JSON output and the run folder have all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextStyle:
    """Lengths of what is written for people.

    Attributes:
        names: Most names of a list that are written out.
        names_width: Characters of a line of names.
        json_digits: The same in JSON: Python converts no longer integers.
        cycles: Characters of a generator in cycle notation.
        group_cycles: The same in the table of a group.
        command: Characters after which a command goes on in the next line.
        rows: Most rows of a matrix.
        columns: Most columns of a matrix.
        label: Cells of the name of a row or a column of a matrix.
        name: Characters of a column's name in a sentence or a legend.
        move: Characters of what a generator does to columns.
        title: Characters of the title of a matrix up to which the names of its columns stand beside it.
        matrix_width: Cells of a line up to which names stand above their columns; wider matrices get a legend.
        vectors: Most basis vectors.
        open_nodes: Most open nodes, and most growths of a node.
        tests: Most exact tests, unless all are asked for.
        verdicts: Most groups in the table of the three verdicts, unless all are asked for.
        page_rows: Most rows of a table on a page.
        folded_rows: Rows above which a page folds a table until a reader opens it.
        natural: Largest dimension of a natural representation whose equivariant maps are counted.
    """

    names: int = 12
    names_width: int = 84
    json_digits: int = 4000
    cycles: int = 80
    group_cycles: int = 76
    command: int = 80
    rows: int = 24
    columns: int = 24
    label: int = 16
    name: int = 24
    move: int = 120
    title: int = 24
    matrix_width: int = 96
    vectors: int = 6
    open_nodes: int = 20
    tests: int = 20
    verdicts: int = 12
    page_rows: int = 400
    folded_rows: int = 12
    natural: int = 64


STYLE = TextStyle()
"""The style of every table."""
