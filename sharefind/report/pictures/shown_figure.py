"""A figure of matplotlib that a notebook shows when it is the value of a cell, without pyplot and its open figures.

The module is imported where something is drawn, since it needs matplotlib.
"""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure with a picture of itself. Where pyplot draws in the notebook, its picture takes this one's place."""

    def _repr_png_(self, pixels: float = 96) -> tuple[bytes, dict[str, int]]:
        """The picture as a PNG, and the size at which it is shown.

        Args:
            pixels: Of a screen, an inch.
        """
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        width, height = (round(pixels * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}
