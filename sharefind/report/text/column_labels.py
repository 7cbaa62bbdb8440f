"""Names of columns beside the rows and columns of a block of Z, as far as there is room for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from sharefind.column_names import name_words
from sharefind.report.text.text_style import STYLE


def narrow(name: str, most: int) -> str:
    """A name in at most `most` cells of a terminal, of which wide characters take two; "..." stands for its middle."""
    if cell_len(name) <= most:
        return name
    end = (most - 3) // 2
    return f"{_start(name, most - 3 - end)}...{_start(name[::-1], end)[::-1]}"


def _start(text: str, cells: int) -> str:
    return chop_cells(text, cells)[0] if cells > 0 else ""


def padded(text: str, cells: int, *, is_right: bool = False) -> str:
    """A text filled up with spaces to so many cells."""
    if is_right:
        return " " * (cells - cell_len(text)) + text
    return set_cell_size(text, cells)


def column_list(names: Sequence[str]) -> str:
    """Names in a row, the first ones of many."""
    more = f" and {len(names) - STYLE.columns} more" if len(names) > STYLE.columns else ""
    return ", ".join(name_words(name) for name in names[: STYLE.columns]) + more


def legend(names: Sequence[str], width: int, most: int) -> Iterator[str]:
    """Lines of at most `width` cells that say which name each number stands for.

    Args:
        names: The first is number 0.
        width: Of a line.
        most: Cells of a name.
    """
    line = ""
    for k, name in enumerate(names):
        piece = f"{k} {narrow(name, most)}"
        if line and cell_len(line) + 2 + cell_len(piece) > width:
            yield line
            line = ""
        line += f"  {piece}" if line else piece
    yield line
