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

OUTSIDE_SHARE = 0.05
"""Labels are rescaled when more than this share of them lies outside the activation's range."""

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
    Labels are changed only when more than `OUTSIDE_SHARE` of them leave the range of the unit's outputs; where outputs
    are unbounded, they are centred and brought to variance 1, unless `how` is "none".

    Args:
        x (n, d_in), y (n, d_out): the data. in_rep, out_rep: the candidate's actions.
        sigma: the activation that bounds the unit's outputs, None where nothing does.

    Raises:
        DataError: all inputs are zero, or values are so large that their squares overflow.
    """
    _refuse_overflow(x, y)
    shift, scale = _label_change(y, out_rep, sigma, how)
    if how == "none":
        return Standardisation(np.eye(x.shape[1]), shift, scale)
    rms = float(np.sqrt((x**2).mean()))
    if rms == 0:
        raise DataError("all inputs x are zero: nothing can be learned; check the columns of x")
    if how == "scale":
        return Standardisation(np.eye(x.shape[1]) / rms, shift, scale)
    return Standardisation(_inverse_root(_averaged_second_moment(x, in_rep)), shift, scale)


def _refuse_overflow(x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    for name, values in (("x", x), ("y", y)):
        largest = float(np.abs(values).max())
        if largest > LARGEST_VALUE:
            raise DataError(
                f"{name} holds values as large as {largest:.3g}, whose squares overflow; divide it by a constant "
                f"(values up to {LARGEST_VALUE:g} are fine)"
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
    """Shift (d_out,) and scale of the labels: none when the unit's outputs reach nearly all of them anyway."""
    centre, sd = (0.0, 1.0) if sigma is None else ((sigma.high + sigma.low) / 2, TARGET_SD * _half(sigma))
    is_reached = how == "none" if sigma is None else _share_outside(y, sigma) <= OUTSIDE_SHARE
    if is_reached:
        return np.zeros(y.shape[1]), 1.0
    mean = fixed_space(out_rep).project(y.mean(0))
    spread = float(np.sqrt(((y - mean) ** 2).mean()))
    scale = spread / sd if spread > ROUNDING * float(np.abs(y).max()) else 1.0
    return np.asarray(mean - scale * centre, dtype=np.float64), scale


def _half(sigma: Activation) -> float:
    """Half the length of the activation's range."""
    return (sigma.high - sigma.low) / 2


def _share_outside(y: NDArray[np.float64], sigma: Activation) -> float:
    """Share of the labels that no output of the activation reaches."""
    return float((np.abs(y - (sigma.high + sigma.low) / 2) > _half(sigma)).mean())
