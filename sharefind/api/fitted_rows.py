"""X and y of a fit, checked: numbers with the names, classes and axes that a task and a kept run need."""

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
    """X as a search takes it.

    Attributes:
        values: Shape (n, d_in), finite.
        names: Of the columns; empty where X has none.
        axes: Of a row; None where it is flat.
    """

    values: FloatArray
    names: tuple[str, ...]
    axes: Axes | None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the columns, those that they get where X has none included."""
        return self.names or usual_names("x", self.values.shape[1], self.axes)

    @property
    def kept(self) -> Side:
        """How they are kept beside a run."""
        shape = () if self.axes is None else self.axes.shape
        values = self.values if self.names or not shape else self.values.reshape(-1, *shape)
        return Side("inputs", "x", values, self.names)


@dataclass(frozen=True, eq=False)
class LabelRows:
    """y as a search takes it.

    Attributes:
        values: Shape (n, d_out), finite; of classes a column for each, 1 for the class of the row.
        outputs: Names of the columns.
        kept: How they are kept beside a run.
        kind: What they hold; None where they cannot be taken for the other kind.
        classes: Names of the classes; empty for numbers.
        axes: Of a row; None where it is flat.
    """

    values: FloatArray
    outputs: tuple[str, ...]
    kept: Side
    kind: LabelKind | None
    classes: tuple[str, ...] = ()
    axes: Axes | None = None


def usual_names(letter: str, width: int, axes: Axes | None) -> tuple[str, ...]:
    """Names of columns that have none: x0, x1, ..., or x[0,1] where there are several axes."""
    if axes is None or len(axes.shape) < 2:  # lengths of flat rows may be open still
        return default_names(letter, width)
    return shaped_names(letter, axes.shape)


def flat_rows(columns: Columns, name: str, **checks: Any) -> FloatArray:
    """Rows as a finite float64 matrix (n, d), or (n,) where `checks` of scikit-learn's `check_array` allow it.

    Raises:
        DataError: A value is not finite. ValueError: The rows are of another shape, or empty.
    """
    values, shape = columns.values, columns.row_shape
    if len(shape) > 1:
        values = values.reshape(len(values), math.prod(shape))
    found = check_array(values, dtype=np.float64, ensure_all_finite=False, input_name=name, **checks)
    refuse_not_finite(found, name, columns.names)
    return np.asarray(found)
