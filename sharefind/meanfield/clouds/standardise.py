"""Affine changes of X and Y that commute with a group, so that one step size serves data of any scale.

Joint equivariance and every E^H are the same before and after, for all subgroups H; particles are carried back to
the user's coordinates before anything is measured on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sharefind.column_names import column_words
from sharefind.errors import DataError
from sharefind.groups import Representation
from sharefind.meanfield.clouds.second_moments import averaged_moment, inverse_root
from sharefind.meanfield.units.activations import Activation
from sharefind.spaces import fixed_space
from sharefind.typing import BoolArray, FloatArray

How = Literal["none", "scale", "whiten"]

TARGET_SD = 1 / 3
"""Labels get this standard deviation, as a fraction of half the activation's range: 3 sigma fits inside."""

LAST_PLACES = 16
"""Units in the last place of the largest value up to which a spread is rounding: such a column counts as constant."""


@dataclass(frozen=True)
class DataBounds:
    """Bounds of data within which nothing is lost in double precision.

    Attributes:
        largest: Larger values are refused: squares, and sums of them over a data set, must stay finite.
        smallest: Values that are all smaller, and not all 0, are refused: their squares would vanish.
        outlier: A row that is longer than half of the others by this factor is refused: beside its square theirs are
            rounding.
        unscaled: Spreads of x between which it can be trained on as it is, without standardisation.
        accuracy: Relative accuracy of a spread that an offset must leave to it.
        flat: Eigenvalues of the covariance, relative to the largest, up to which nothing varies in such a direction.
    """

    largest: float = 1e100
    smallest: float = 1e-100
    outlier: float = 1e8
    unscaled: tuple[float, float] = (1e-3, 1e3)
    accuracy: float = 1e-6
    flat: float = 1e-6


BOUNDS = DataBounds()


@dataclass(frozen=True)
class LogitScale:
    """The scale of logits of classes over the outputs of a unit.

    Attributes:
        span: Largest difference of two logits of a class, where the unit's outputs are bounded: odds of e^8 either way.
        unbounded: The scale where nothing bounds them.
    """

    span: float = 16.0
    unbounded: float = 2.0


LOGITS = LogitScale()


@dataclass(frozen=True)
class Standardisation:
    """x' = A (x - centre) and y' = (y - shift) / scale; A commutes with the group, which fixes centre and shift.

    Where labels are probabilities of classes they stay as they are, y' = y, and what a model f predicts by
    shift + scale f are the logits of the classes.

    Attributes:
        matrix: A, shape (d_in, d_in).
        shift: Shape (d_out,), in the units of y, or logits.
        scale: Positive, in the units of y, or of logits.
        centre: Shape (d_in,), in the units of x; the origin where left out.
        has_classes: Whether labels are probabilities of classes.
    """

    matrix: FloatArray
    shift: FloatArray
    scale: float
    centre: FloatArray = field(default_factory=lambda: np.zeros(1))
    has_classes: bool = False

    def __post_init__(self) -> None:
        left_out = self.centre.shape == (1,) and not self.centre.any()
        object.__setattr__(self, "centre", np.zeros(len(self.matrix)) if left_out else self.centre.copy())

    def apply(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the standardised data (x', y').

        Args:
            x: Inputs, shape (n, d_in).
            y: Outputs, shape (n, d_out).
        """
        return (x - self.centre) @ self.matrix.T, y.copy() if self.has_classes else (y - self.shift) / self.scale

    @property
    def rescales_labels(self) -> bool:
        """Whether predictions are changed at all."""
        return self.scale != 1.0 or bool(np.any(self.shift != 0))

    @property
    def moves_inputs(self) -> bool:
        """Whether the origin of X is changed."""
        return bool(np.any(self.centre != 0))


def identity_standardisation(d_in: int, d_out: int) -> Standardisation:
    """Return the standardisation that changes nothing.

    Args:
        d_in: Number of input columns.
        d_out: Number of output columns.
    """
    return Standardisation(np.eye(d_in), np.zeros(d_out), 1.0)


def standardisation(
    x: FloatArray,
    y: FloatArray,
    in_rep: Representation,
    out_rep: Representation,
    sigma: Activation | None,
    how: How,
    bounds: DataBounds = BOUNDS,
    has_classes: bool = False,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> Standardisation:
    """The standardisation of a data set.

    The part of the mean of x that the group fixes becomes the origin. "scale" divides by the root mean square of the
    coordinates about it; "whiten" applies C^{-1/2}, C the covariance averaged over the group. All of it depends on the
    data only through the group's orbits, so that randomisation tests stay exact, and nothing that follows depends on a
    vector added to the data that the group fixes. Labels get the mean and the spread that suit the unit's outputs;
    where these are unbounded, mean 0 and variance 1. Inputs that do not vary keep their origin.

    Classes get logits about those of their shares in the data, averaged over the group.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        in_rep: The candidate's action on X.
        out_rep: The candidate's action on Y.
        sigma: The activation that bounds the unit's outputs; None where nothing does.
        how: Treatment of the scale of x.
        bounds: Bounds of the data.
        has_classes: Whether y holds probabilities of classes, which the group permutes.
        inputs: Names of the columns of x, for messages.
        outputs: Names of the columns of y.

    Returns:
        The change of X and Y.

    Raises:
        DataError: All inputs are zero, squares of the values overflow or vanish, an offset leaves fewer than six digits
            to the spread of a column, one row dwarfs the others, or `how` is "none" and the inputs are too large or too
            small to be trained on as they are.
    """
    for name, values, names in (("x", x, inputs), ("y", y, outputs)):
        refuse_magnitude(values, name, bounds)
        refuse_offset(values, name, bounds, names)
    if not x.any():
        raise DataError("all inputs x are zero: nothing can be learned; check the columns of x")
    centre = fixed_mean(x, in_rep) if varies(x).any() else np.zeros(x.shape[1])
    shift, scale = logit_change(y, out_rep, sigma) if has_classes else _label_change(y, out_rep, sigma)
    centred = x - centre
    for name, values in (("x", x), ("y", y)):
        _refuse_outliers(values, name, bounds.outlier)
    rms = float(np.sqrt((centred**2).mean()))
    if how == "none":
        _refuse_unscaled(rms, *bounds.unscaled)
        return Standardisation(np.eye(x.shape[1]), shift, scale, centre, has_classes)
    if how == "scale":
        return Standardisation(np.eye(x.shape[1]) / rms, shift, scale, centre, has_classes)
    # Directions in which nothing varies are not enlarged: weights along them would be huge, and say nothing.
    moment = averaged_moment(centred, in_rep)
    matrix = inverse_root(moment, lambda values: np.where(values > bounds.flat * values.max(), values, values.max()))
    return Standardisation(matrix, shift, scale, centre, has_classes)


def fixed_mean(values: FloatArray, rep: Representation) -> FloatArray:
    """Return the part of the mean of the rows that the group fixes, shape (d,).

    Args:
        values: Rows, shape (n, d).
        rep: How the group acts on them.
    """
    return np.asarray(fixed_space(rep).project(values.mean(0)), dtype=np.float64)


def varies(values: FloatArray) -> BoolArray:
    """Return which columns vary by more than rounding, shape (d,).

    Args:
        values: Rows, shape (n, d).
    """
    largest, low, high = np.abs(values).max(axis=0), values.min(axis=0), values.max(axis=0)
    return np.asarray(high - low > LAST_PLACES * np.finfo(np.float64).eps * largest, dtype=np.bool_)


def refuse_magnitude(values: FloatArray, name: str, bounds: DataBounds = BOUNDS) -> None:
    """Refuse values whose squares overflow or all vanish; zeros alone are fine.

    Args:
        values: Finite, of any shape.
        name: Their name in messages.
        bounds: Bounds of the data.

    Raises:
        DataError: The largest is above `bounds.largest`, or below `bounds.smallest` and not 0.
    """
    largest = float(np.abs(values).max(initial=0.0))
    if largest > bounds.largest:
        raise DataError(
            f"{name} holds values as large as {largest:.3g}, whose squares overflow; divide it by a constant "
            f"(values up to {bounds.largest:g} are fine)"
        )
    if 0 < largest < bounds.smallest:
        raise DataError(
            f"{name} holds no value above {largest:.3g}, whose squares vanish; multiply it by a constant "
            f"(values from {bounds.smallest:g} on are fine)"
        )


def refuse_offset(values: FloatArray, name: str, bounds: DataBounds = BOUNDS, names: Sequence[str] = ()) -> None:
    """Refuse values with a column whose offset leaves too few digits to its spread.

    Args:
        values: Finite, shape (n, d).
        name: Their name in messages.
        bounds: Bounds of the data; by default six digits are needed.
        names: Names of the columns, for the message.

    Raises:
        DataError: It names the first such column.
    """
    if len(values) == 0:
        return
    eps = np.finfo(np.float64).eps
    mean = values.mean(axis=0)
    largest, spread = np.abs(values).max(axis=0), np.sqrt(((values - mean) ** 2).mean(axis=0))
    lost = varies(values) & (eps * largest > bounds.accuracy * spread)
    if lost.any():
        column = int(np.flatnonzero(lost)[0])
        digits = max(0, int(np.floor(-np.log10(eps * largest[column] / spread[column]))))
        raise DataError(
            f"{column_words(column, name, names)} has mean {mean[column]:.6g} and spread {spread[column]:.3g}: "
            f"double precision keeps {digits} digits of its variation, and {-round(np.log10(bounds.accuracy))} are "
            "needed; subtract a constant from that column before you store it"
        )


def _refuse_outliers(values: FloatArray, name: str, most: float) -> None:
    """Refuse values (n, d) in which one row hides the others, about the median of each column."""
    lengths = np.abs(values - np.median(values, axis=0)).max(axis=1)
    usual = float(np.median(lengths[lengths > 0])) if lengths.any() else 0.0
    row = int(lengths.argmax())
    if lengths[row] > most * usual > 0:
        raise DataError(
            f"{name} holds {lengths[row]:.3g} in row {row} (counted from 0), {lengths[row] / usual:.1g} times as large "
            "as half of the rows, which are lost in rounding beside it; correct that row or remove it"
        )


def _refuse_unscaled(rms: float, low: float, high: float) -> None:
    """Refuse inputs of a root mean square about their centre that no step size of the paper fits."""
    if rms > 0 and not low <= rms <= high:
        raise DataError(
            f"x spreads by {rms:.3g} about its mean, which no step of training fits; "
            f"divide it by {rms:.3g}, or use the preset that standardises (fast)"
        )


def _label_change(y: FloatArray, out_rep: Representation, sigma: Activation | None) -> tuple[FloatArray, float]:
    """Shift (d_out,) and scale of the labels; constant labels become the centre of the range."""
    centre, sd = 0.0, 1.0
    if sigma is not None:
        centre, sd = (sigma.high + sigma.low) / 2, TARGET_SD * ((sigma.high - sigma.low) / 2)
    mean = fixed_mean(y, out_rep)
    spread = float(np.sqrt(((y - mean) ** 2).mean()))
    scale = spread / sd if spread > LAST_PLACES * np.finfo(np.float64).eps * float(np.abs(y).max()) else 1.0
    return np.asarray(mean - scale * centre, dtype=np.float64), scale


def logit_change(
    y: FloatArray, out_rep: Representation, sigma: Activation | None, logits: LogitScale = LOGITS
) -> tuple[FloatArray, float]:
    """Return the shift and the scale of logits: in the middle of a unit's range they are those of the classes' shares.

    Shares are averaged over the group. A row is added to each class, so that a class without rows has a logit.

    Args:
        y: Probabilities of the classes, shape (n, d_out).
        out_rep: The group's permutations of the classes.
        sigma: The activation that bounds the unit's outputs; None where nothing does.
        logits: The scale of logits.

    Returns:
        The shift, shape (d_out,), and the scale.
    """
    n, classes = y.shape
    shares = (n * fixed_mean(y, out_rep) + 1) / (n + classes)
    centre, scale = 0.0, logits.unbounded
    if sigma is not None:
        centre, scale = (sigma.high + sigma.low) / 2, logits.span / (sigma.high - sigma.low)
    return np.asarray(np.log(shares) - scale * centre, dtype=np.float64), scale
