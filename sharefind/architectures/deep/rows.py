"""The rows that a deep network is trained on: how the group moves them, how they are scaled, and their folds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.network import Matrices
from sharefind.errors import DataError
from sharefind.groups import FiniteGroup, Representation
from sharefind.rng import named_stream
from sharefind.spaces import fixed_space
from sharefind.spaces.tying import components
from sharefind.typing import FloatArray

FOLDS = 5
"""Parts of the rows, each held out once."""


@dataclass(frozen=True, eq=False)
class DeepRows:
    """Rows with the actions of a finite group on both sides.

    Attributes:
        name: Name of the rows.
        in_rep: The action on inputs.
        out_rep: The action on outputs.
        x: Inputs, shape (n, d_in), float64.
        y: Outputs, shape (n, d_out), float64; for classes one column each, 1 for the class of the row.
        inputs: Names of the columns of x; empty for x0, x1, ...
        outputs: Names of the columns of y; empty for y0, y1, ...
        classes: Names of the classes; empty where outputs are numbers.
        units: Rows of one unit are held out together, integers (n,); None where rows are independent.
        group_name: Name of the group; its own name by default.
        larger: Actions on inputs and outputs of a larger group, on the same points, that the whole function may break
            and early layers may share; None where there is none.
    """

    name: str
    in_rep: Representation
    out_rep: Representation
    x: FloatArray
    y: FloatArray
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    units: NDArray[np.int64] | None = None
    group_name: str = ""
    larger: tuple[Representation, Representation] | None = None

    @property
    def group(self) -> FiniteGroup:
        """The group."""
        return self.in_rep.finite_group

    @cached_property
    def scaling(self) -> Scaling:
        """Origins and scales that commute with the group."""
        return Scaling.of(self)

    @cached_property
    def scaled_x(self) -> FloatArray:
        """Inputs about their origin, over their scales."""
        return (self.x - self.scaling.centre) / self.scaling.spread

    @cached_property
    def scaled_y(self) -> FloatArray:
        """Outputs about their origin, over their scale."""
        return (self.y - self.scaling.shift) / self.scaling.size

    def folds(self, seed: int, count: int = FOLDS) -> list[NDArray[np.int64]]:
        """Return the rows that each fold holds out.

        Args:
            seed: Seed of the parts.
            count: Number of folds.

        Raises:
            DataError: There are fewer units of rows than folds.
        """
        units = np.arange(len(self.x)) if self.units is None else np.unique(self.units, return_inverse=True)[1]
        order = named_stream(seed, "deep", "folds").permutation(int(units.max()) + 1)
        if len(order) < count:
            what = "rows" if self.units is None else "units of rows"
            raise DataError(f"{len(order)} {what} are too few for {count} folds; give {count} or more")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) % count
        return [np.flatnonzero(place[units] == fold) for fold in range(count)]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Origins and scales of inputs and outputs.

    Attributes:
        centre: The part of the mean of x that the group fixes, shape (d_in,).
        spread: Root of the mean square of x - centre over each orbit of coordinates, shape (d_in,).
        shift: The part of the mean of y that the group fixes, shape (d_out,); 0 for classes.
        size: Root of the mean square of y - shift; 1 for classes.
    """

    centre: FloatArray
    spread: FloatArray
    shift: FloatArray
    size: float

    @classmethod
    def of(cls, rows: DeepRows) -> Scaling:
        """Return the scaling of some rows.

        Args:
            rows: The rows.
        """
        centre = _fixed_mean(rows.in_rep, rows.x)
        spread = _orbit_spread(rows.in_rep, rows.x - centre)
        if rows.classes:
            return cls(centre, spread, np.zeros(rows.y.shape[1]), 1.0)
        shift = _fixed_mean(rows.out_rep, rows.y)
        return cls(centre, spread, shift, _root_mean_square(rows.y - shift))

    def unscaled(self, matrices: Matrices) -> Matrices:
        """Return weights and biases that compute on rows what given ones compute on scaled rows.

        Args:
            matrices: W and b of each layer, from the inputs up.
        """
        found = [(np.array(weight), np.array(bias)) for weight, bias in matrices]
        weight, bias = found[0]
        weight = weight / self.spread
        found[0] = weight, bias - weight @ self.centre
        weight, bias = found[-1]
        found[-1] = self.size * weight, self.size * bias + self.shift
        return tuple(found)


def _fixed_mean(rep: Representation, rows: FloatArray) -> FloatArray:
    """The projection of the mean on what the group fixes."""
    return np.asarray(fixed_space(rep).project(rows.mean(axis=0)), dtype=np.float64)


def _orbit_spread(rep: Representation, centred: FloatArray) -> FloatArray:
    """One scale for each orbit of coordinates, which commutes with the group; one in all for other actions."""
    if not rep.is_sparse:
        return np.full(rep.dim, _root_mean_square(centred))
    orbit = np.asarray(components(np.asarray(rep.sparse_generators[0], dtype=np.int64)))
    scales = {number: _root_mean_square(centred[:, orbit == number]) for number in np.unique(orbit).tolist()}
    return np.array([scales[int(number)] for number in orbit])


def _root_mean_square(values: FloatArray) -> float:
    """The root of the mean square; 1 where all values are 0."""
    found = float(np.sqrt(np.mean(values**2)))
    return found if found > 0 else 1.0
