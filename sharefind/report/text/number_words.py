"""Lists of names in tables; `sharefind.written` formats single values."""

from __future__ import annotations

from collections.abc import Sequence

from sharefind.report.text.text_style import STYLE
from sharefind.written import NOTHING


def packed(values: Sequence[str], width: int = STYLE.names_width) -> str:
    """Return at most `TextStyle.names` names in lines that break between names; "-" if there are none.

    Args:
        values: The names.
        width: Approximate width of a line, in characters.
    """
    lines = [""]
    for k, value in enumerate(values[: STYLE.names]):
        piece = value if k + 1 == len(values) else f"{value}, "
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    if len(values) > STYLE.names:
        lines.append(f"and {len(values) - STYLE.names} more")
    return "\n".join(line.rstrip() for line in lines) if values else NOTHING
