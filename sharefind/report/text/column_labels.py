"""Names of columns beside the rows and columns of a block of Z, shortened to the available room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from sharefind.column_names import name_words
from sharefind.report.text.text_style import STYLE


def narrow(name: str, most: int) -> str:
    """Return a name shortened to a number of terminal cells, with "..." for its middle; wide characters take two cells.

    Args:
        name: The name.
        most: Largest number of cells.
    """
    if cell_len(name) <= most:
        return name
    end = (most - 3) // 2
    return f"{_start(name, most - 3 - end)}...{_start(name[::-1], end)[::-1]}"


def _start(text: str, cells: int) -> str:
    return chop_cells(text, cells)[0] if cells > 0 else ""


def padded(text: str, cells: int, *, is_right: bool = False) -> str:
    """Return a text padded with spaces to a number of terminal cells.

    Args:
        text: The text.
        cells: Number of cells.
        is_right: Whether the text is aligned to the right.
    """
    if is_right:
        return " " * (cells - cell_len(text)) + text
    return set_cell_size(text, cells)


def column_list(names: Sequence[str]) -> str:
    """Return names separated by commas; of many, only the first ones.

    Args:
        names: Names of columns.
    """
    more = f" and {len(names) - STYLE.columns} more" if len(names) > STYLE.columns else ""
    return ", ".join(name_words(name) for name in names[: STYLE.columns]) + more


def legend(names: Sequence[str], width: int, most: int) -> Iterator[str]:
    """Yield lines that explain numbers by names.

    Args:
        names: The names of number 0, 1, ...
        width: Width of a line, in terminal cells.
        most: Largest number of cells of a name.
    """
    line = ""
    for k, name in enumerate(names):
        piece = f"{k} {narrow(name, most)}"
        if line and cell_len(line) + 2 + cell_len(piece) > width:
            yield line
            line = ""
        line += f"  {piece}" if line else piece
    yield line
