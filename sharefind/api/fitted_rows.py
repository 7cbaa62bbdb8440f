"""The checked X and y of a fit: numbers with the names, classes and axes that a task and a stored run need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from sharefind.api.kept_rows import Side
from sharefind.column_names import default_names, shaped_names
from sharefind.datasets.frames import Columns, refuse_not_finite
from sharefind.datasets.roles import LabelKind
from sharefind.groups.axes import Axes
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class InputRows:
    """X as a search uses it.

    Attributes:
        values: Shape (n, d_in), float64, finite.
        names: Names of the columns; empty if X has none.
        axes: Axes of a row; None for flat rows.
    """

    values: FloatArray
    names: tuple[str, ...]
    axes: Axes | None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the columns, or default names if X has none."""
        return self.names or usual_names("x", self.values.shape[1], self.axes)

    @property
    def kept(self) -> Side:
        """The columns as they are stored with a run."""
        shape = () if self.axes is None else self.axes.shape
        values = self.values if self.names or not shape else self.values.reshape(-1, *shape)
        return Side("inputs", "x", values, self.names)


@dataclass(frozen=True, eq=False)
class LabelRows:
    """y as a search uses it.

    Attributes:
        values: Shape (n, d_out), float64, finite; for classes, one column per class, with 1 for the class of the row.
        outputs: Names of the columns.
        kept: The columns as they are stored with a run.
        kind: Kind of labels; None if they cannot be mistaken for the other kind.
        classes: Names of the classes; empty for numbers.
        axes: Axes of a row; None for flat rows.
    """

    values: FloatArray
    outputs: tuple[str, ...]
    kept: Side
    kind: LabelKind | None
    classes: tuple[str, ...] = ()
    axes: Axes | None = None


def usual_names(letter: str, width: int, axes: Axes | None) -> tuple[str, ...]:
    """Return default names of columns: x0, x1, ..., or x[0,1] for several axes.

    Args:
        letter: "x" or "y".
        width: Number of columns.
        axes: Axes of a row; None for flat rows.
    """
    if axes is None or len(axes.shape) < 2:  # the lengths of flat rows may still be unknown
        return default_names(letter, width)
    return shaped_names(letter, axes.shape)


def flat_rows(columns: Columns, name: str, **checks: Any) -> FloatArray:
    """Return rows as a finite float64 matrix.

    Args:
        columns: The rows.
        name: Name of the rows in messages: "X" or "y".
        **checks: Further arguments of scikit-learn's `check_array`.

    Returns:
        Shape (n, d), or (n,) if `checks` allow it.

    Raises:
        DataError: A value is not finite.
        ValueError: The rows have another shape, or are empty.
    """
    values, shape = columns.values, columns.row_shape
    if len(shape) > 1:
        values = values.reshape(len(values), math.prod(shape))
    found = check_array(values, dtype=np.float64, ensure_all_finite=False, input_name=name, **checks)
    refuse_not_finite(found, name, columns.names)
    return np.asarray(found)
