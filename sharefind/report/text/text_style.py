"""Limits on what tables show, collected as in a style sheet; the JSON output and the run folder contain everything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextStyle:
    """Limits on the output for people.

    Attributes:
        names: Largest number of names in a list.
        names_width: Characters in a line of names.
        json_digits: Digits of an order up to which JSON contains it as a number; Python converts no longer integers.
        cycles: Characters of a generator in cycle notation.
        group_cycles: Characters of a generator in the table of a group.
        command: Characters after which a command continues on the next line.
        rows: Largest number of rows of a matrix.
        columns: Largest number of columns of a matrix.
        label: Terminal cells of the name of a row or a column of a matrix.
        name: Characters of a column's name in a sentence or a legend.
        move: Characters of the effect of a generator on columns.
        title: Characters of the title of a matrix up to which the names of its columns are written beside it.
        matrix_width: Terminal cells of a line up to which names are written above their columns; wider matrices get a
            legend.
        vectors: Largest number of basis vectors.
        open_nodes: Largest number of open nodes, and of growths of a node.
        tests: Largest number of exact tests, unless all are requested.
        verdicts: Largest number of groups in the table of the three verdicts, unless all are requested.
        page_rows: Largest number of rows of a table on a page.
        folded_rows: Number of rows above which a page folds a table.
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
"""Style of every table."""
