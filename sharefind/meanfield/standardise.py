"""Affine changes of X and Y that commute with a group, so that one step size serves data of any scale.

Joint equivariance and every E^H are the same before and after, for all subgroups H; particles are carried back to
the user's coordinates before anything is measured on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import DataError
from sharefind.groups import Representation, hom
from sharefind.meanfield.activations import Activation
from sharefind.spaces import fixed_space

How = Literal["none", "scale", "whiten"]

RIDGE = 1e-6
"""Relative floor of the covariance's eigenvalues before its inverse root is taken: constant features stay finite."""

ROUNDING = 1e-10
"""Spread of labels, relative to the largest, that is rounding."""

LARGEST_VALUE = 1e100
"""Larger inputs or labels are refused: squares, and sums of them over a data set, must stay finite."""

SMALLEST_VALUE = 1e-100
"""Inputs or labels that are all smaller, and not all 0, are refused: their squares would vanish."""

OUTLIER = 1e8
"""A row so many times longer than half of the others is refused: beside its square theirs are rounding."""

UNSCALED = (1e-3, 1e3)
"""Root mean squares between which data can be trained on as they are, without standardisation."""

OUTSIDE_SHARE = 0.05
"""Labels are rescaled when more than this share of them lies outside the activation's range."""

SMALL_SHARE = 0.1
"""Labels are rescaled when their spread is a smaller share of half the activation's range."""

TARGET_SD = 1 / 3
"""Rescaled labels have this standard deviation, as a fraction of half the activation's range: 3 sigma fits inside."""


@dataclass(frozen=True)
class Standardisation:
    """x' = A x and y' = (y - shift) / scale, with A and shift fixed by the group.

    Attributes:
        matrix: A (d_in, d_in). shift: (d_out,). scale: positive.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: float

    def apply(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(x, y) -> (x', y'): x (n, d_in), y (n, d_out)."""
        return x @ self.matrix.T, (y - self.shift) / self.scale

    @property
    def rescales_labels(self) -> bool:
        """Whether Y is changed at all."""
        return self.scale != 1.0 or bool(np.any(self.shift != 0))


def identity_standardisation(d_in: int, d_out: int) -> Standardisation:
    """The one that changes nothing."""
    return Standardisation(np.eye(d_in), np.zeros(d_out), 1.0)


def standardisation(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    in_rep: Representation,
    out_rep: Representation,
    sigma: Activation | None,
    how: How,
) -> Standardisation:
    """The standardisation of a data set.

    "scale" divides x by the root mean square of its coordinates; "whiten" applies C^{-1/2}, C the covariance averaged
    over the group. Both depend on the data only through the group's orbits, so that randomisation tests stay exact.
    Labels are changed only when more than `OUTSIDE_SHARE` of them leave the range of the unit's outputs, or when they
    spread over less than `SMALL_SHARE` of it; where outputs are unbounded, they are centred and brought to variance 1,
    unless `how` is "none".

    Args:
        x (n, d_in), y (n, d_out): the data. in_rep, out_rep: the candidate's actions.
        sigma: the activation that bounds the unit's outputs, None where nothing does.

    Raises:
        DataError: all inputs are zero, squares of the values overflow or vanish, one row dwarfs the others, or `how` is
            "none" and the data are too large or too small to be trained on as they are.
    """
    for name, values in (("x", x), ("y", y)):
        refuse_magnitude(values, name)
        _refuse_outliers(values, name)
    rms = float(np.sqrt((x**2).mean()))
    if rms == 0:
        raise DataError("all inputs x are zero: nothing can be learned; check the columns of x")
    shift, scale = _label_change(y, out_rep, sigma, how)
    if how == "none":
        _refuse_unscaled(x, "x")
        if sigma is None:
            _refuse_unscaled(y, "y")
        return Standardisation(np.eye(x.shape[1]), shift, scale)
    if how == "scale":
        return Standardisation(np.eye(x.shape[1]) / rms, shift, scale)
    return Standardisation(_inverse_root(_averaged_second_moment(x, in_rep)), shift, scale)


def refuse_magnitude(values: NDArray[np.float64], name: str) -> None:
    """Refuse values, finite and of any shape, whose squares overflow or all vanish; zeros alone are fine.

    name: what messages call them.

    Raises:
        DataError: the largest is above `LARGEST_VALUE`, or below `SMALLEST_VALUE` and not 0.
    """
    largest = float(np.abs(values).max(initial=0.0))
    if largest > LARGEST_VALUE:
        raise DataError(
            f"{name} holds values as large as {largest:.3g}, whose squares overflow; divide it by a constant "
            f"(values up to {LARGEST_VALUE:g} are fine)"
        )
    if 0 < largest < SMALLEST_VALUE:
        raise DataError(
            f"{name} holds no value above {largest:.3g}, whose squares vanish; multiply it by a constant "
            f"(values from {SMALLEST_VALUE:g} on are fine)"
        )


def _refuse_outliers(values: NDArray[np.float64], name: str) -> None:
    """Refuse values (n, d) of which one row hides the others."""
    lengths = np.abs(values).max(axis=1)
    usual = float(np.median(lengths[lengths > 0])) if lengths.any() else 0.0
    row = int(lengths.argmax())
    if lengths[row] > OUTLIER * usual > 0:
        raise DataError(
            f"{name} holds {lengths[row]:.3g} in row {row} (counted from 0), {lengths[row] / usual:.1g} times as large "
            "as half of the rows, which are lost in rounding beside it; correct that row or remove it"
        )


def _refuse_unscaled(values: NDArray[np.float64], name: str) -> None:
    """Refuse values (n, d) that no step size of the paper fits."""
    rms, (low, high) = float(np.sqrt((values**2).mean())), UNSCALED
    if rms > 0 and not low <= rms <= high:
        raise DataError(
            f"{name} has root mean square {rms:.3g}, which no step of training fits; "
            f"divide it by {rms:.3g}, or use the preset that standardises (fast)"
        )


def _averaged_second_moment(x: NDArray[np.float64], in_rep: Representation) -> NDArray[np.float64]:
    """int rho_g E[x x^T] rho_g^T dlambda_G, through the exact projection on the fixed space of Hom(X, X)."""
    moment = x.T @ x / len(x)
    averaged = fixed_space(hom(in_rep, in_rep)).project(moment.reshape(-1)).reshape(moment.shape)
    return np.asarray((averaged + averaged.T) / 2, dtype=np.float64)


def _inverse_root(moment: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(moment)
    floored = np.maximum(values, RIDGE * values.max())
    return np.asarray((vectors / np.sqrt(floored)) @ vectors.T, dtype=np.float64)


def _label_change(
    y: NDArray[np.float64], out_rep: Representation, sigma: Activation | None, how: How
) -> tuple[NDArray[np.float64], float]:
    """Shift (d_out,) and scale of the labels; those that do not vary become the centre of the range."""
    centre, sd = (0.0, 1.0) if sigma is None else ((sigma.high + sigma.low) / 2, TARGET_SD * _half(sigma))
    mean = fixed_space(out_rep).project(y.mean(0))
    spread = float(np.sqrt(((y - mean) ** 2).mean()))
    varies = spread > ROUNDING * float(np.abs(y).max())
    if varies and (how == "none" if sigma is None else _is_reached(y, spread, sigma)):
        return np.zeros(y.shape[1]), 1.0
    scale = spread / sd if varies else 1.0
    return np.asarray(mean - scale * centre, dtype=np.float64), scale


def _is_reached(y: NDArray[np.float64], spread: float, sigma: Activation) -> bool:
    """Whether outputs of the activation reach nearly all labels, which take up enough of its range."""
    return _share_outside(y, sigma) <= OUTSIDE_SHARE and spread >= SMALL_SHARE * _half(sigma)


def _half(sigma: Activation) -> float:
    """Half the length of the activation's range."""
    return (sigma.high - sigma.low) / 2


def _share_outside(y: NDArray[np.float64], sigma: Activation) -> float:
    """Share of the labels that no output of the activation reaches."""
    return float((np.abs(y - (sigma.high + sigma.low) / 2) > _half(sigma)).mean())
