"""A figure of matplotlib that a notebook shows as the value of a cell, without pyplot and its list of open figures.

Import this module only to draw, since it needs matplotlib.
"""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that shows itself in a notebook. If pyplot draws in the notebook, pyplot's picture is shown instead."""

    def _repr_png_(self, pixels: float = 96) -> tuple[bytes, dict[str, int]]:
        """Return the picture as a PNG, and the size at which it is shown.

        Args:
            pixels: Pixels per inch of a screen.
        """
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        width, height = (round(pixels * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}
