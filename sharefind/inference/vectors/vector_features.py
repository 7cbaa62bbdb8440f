"""Functions of vectors that rotations mix among each other, and least squares of the labels on them.

A function of vectors in R^n is written in polynomials of x / (|x|^2 + s^2)^(1/2), which are bounded. Rotations act on
their coefficients by orthogonal matrices, in a basis that whitens the design averaged over all rotations. The distance
of a function from the functions that a group keeps is then the length of a projection, in units of its error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from sharefind.inference.vectors.label_models import LabelModel
from sharefind.inference.vectors.rotated_bases import Basis, random_turns
from sharefind.inference.vectors.vector_layout import Sides, VectorLayout
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class FeatureChoice:
    """How many functions are used.

    Attributes:
        rows_a_feature: Smallest number of rows for each function.
        degree: Largest degree of polynomials of a single vector.
        degree_of_many: Largest degree where there are several sets of vectors, or labels are vectors.
        harmonics: Largest harmonic of the angle in the plane.
        most_pairs: Largest number of pairs of vectors of an orbit whose differences are used.
        most_together: Largest number of vectors whose coordinates are multiplied with each other.
        degree_together: Largest degree of these products.
        functions_together: Largest number of these products times coordinates of a label; there are never more products
            than rows.
        least: Variance of a function's coefficient, relative to the largest, below which the function is left out.
        sweeps: How often the design is averaged over the rotations of neighbouring coordinates, one plane after the
            other; each sweep divides the part that rotations change by four or more.
    """

    rows_a_feature: int = 4
    degree: int = 6
    degree_of_many: int = 4
    harmonics: int = 12
    most_pairs: int = 45
    most_together: int = 3
    degree_together: int = 4
    functions_together: int = 800
    least: float = 1e-9
    sweeps: int = 12


@dataclass(frozen=True, eq=False)
class LabelFit:
    """The fit of one label, or of several labels that the finite factor joins.

    Attributes:
        basis: The functions.
        b: Whitened coefficients, in units of their errors, shape (m, p, q): m sets of functions; q is 1 for scalars and
            n for vectors.
        model: The least squares fit that gave them.
        together: Fits on functions of all vectors together, where there are few vectors.
    """

    basis: Basis
    b: FloatArray
    model: LabelModel
    together: tuple[LabelModel, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows, which sets the price of a parameter."""
        return len(self.model.labels)

    @property
    def sharpest(self) -> LabelModel:
        """The model that predicts fresh rows best."""
        return min((self.model, *self.together), key=lambda model: model.expected_error)

    @property
    def is_vector(self) -> bool:
        """Whether the label is a vector."""
        return bool(self.b.shape[2] > 1)

    def turned(self, turn: FloatArray) -> FloatArray:
        """Return the coefficients b of the function x -> Q^-1 f(Q x).

        Args:
            turn: Orthogonal Q, shape (..., n, n).

        Returns:
            Shape (..., m, p, q).
        """
        moved = self.basis.turned(turn)[..., None, :, :] @ self.b
        return np.asarray(moved @ turn[..., None, :, :]) if self.is_vector else np.asarray(moved)


def label_fits(
    x: FloatArray, y: FloatArray, layout: VectorLayout, choice: FeatureChoice | None = None
) -> list[LabelFit]:
    """Fit all labels by functions of vectors, added over the vectors that the finite factor permutes.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        layout: The vectors and scalars among the coordinates.
        choice: How many functions are used; `FeatureChoice()` where None.

    Returns:
        A fit for each label that varies, or for each orbit of labels.
    """
    choice = choice or FeatureChoice()
    sets = _Sets(x[:, layout.x.vectors], _spread_one(x[:, layout.x.scalars]), layout.x, choice)
    fits = []
    for orbit in layout.y.scalar_orbits:
        labels = y[:, layout.y.scalars[list(orbit)]].mean(1)
        fits.append(_fit([sets.sums()], (labels - labels.mean())[None, :, None], layout.n, choice))
    for orbit in layout.y.orbits:
        own = y[:, layout.y.vectors[list(orbit)]].transpose(1, 0, 2)
        owner = next((o for o in layout.x.orbits if len(o) == len(orbit) > 1), None)
        if owner is None:
            fits += [_fit([sets.sums()], labels[None], layout.n, choice) for labels in own]
        else:
            fits.append(_fit([sets.of_one(owner, one) for one in owner], own, layout.n, choice))
    found = [fit for fit in fits if fit is not None]
    return [replace(fit, together=_together(sets.vectors, fit.model, choice)) for fit in found]


def _spread_one(values: FloatArray) -> FloatArray:
    """Scalars of mean 0 and spread 1, constant ones 0."""
    spread = values.std(0)
    return np.asarray((values - values.mean(0)) / np.where(spread > 0, spread, 1.0))


Parts = list[tuple[FloatArray, FloatArray | None]]
"""Vectors (rows, k, n), with or without weights (rows, k): their functions are added over k."""


@dataclass(frozen=True, eq=False)
class _Sets:
    """Sets of vectors whose functions are added, for labels that no vector owns and for those of one vector.

    vectors: (rows, k, n). scalars: (rows, s).
    """

    vectors: FloatArray
    scalars: FloatArray
    side: Sides
    choice: FeatureChoice

    def sums(self) -> list[Parts]:
        """All vectors of an orbit, their differences, and all of them times a scalar that belongs to each."""
        found: list[Parts] = []
        for orbit in self.side.orbits:
            found.append([(self.vectors[:, list(orbit)], None)])
            pairs = list(combinations(orbit, 2))[: self.choice.most_pairs]
            if pairs:
                first, second = (self.vectors[:, [pair[k] for pair in pairs]] for k in (0, 1))
                found.append([(first - second, None), (second - first, None)])
            found += [[(self.vectors[:, list(orbit)], weight)] for weight in self._weights(orbit)]
        return found

    def of_one(self, orbit: Sequence[int], one: int) -> list[Parts]:
        """One vector, the others of its orbit, its differences from them, itself times its scalars; other orbits."""
        others = [k for k in orbit if k != one]
        own = self.vectors[:, [one]]
        found: list[Parts] = [
            [(own, None)],
            [(self.vectors[:, others], None)],
            [(own - self.vectors[:, others], None)],
        ]
        found += [[(own, weight[:, [orbit.index(one)]])] for weight in self._weights(orbit)]
        found += [[(self.vectors[:, list(rest)], None)] for rest in self.side.orbits if one not in rest]
        return found

    def _weights(self, orbit: Sequence[int]) -> list[FloatArray]:
        """A scalar for each vector of an orbit, (rows, k): orbits of the same length in order, single ones for all."""
        orbits = self.side.scalar_orbits
        own = [self.scalars[:, list(o)] for o in orbits if len(o) == len(orbit) > 1]
        return own + [np.repeat(self.scalars[:, list(o)], len(orbit), 1) for o in orbits if len(o) == 1]


def _fit(views: list[list[Parts]], labels: FloatArray, n: int, choice: FeatureChoice) -> LabelFit | None:
    """labels: (views, rows, q). None where they do not vary."""
    flat = labels.reshape(-1, labels.shape[2])
    if not float(np.abs(flat - flat.mean(0)).max()) > 0:
        return None
    most = (
        choice.harmonics if n == 2 else choice.degree if len(views[0]) * flat.shape[1] == 1 else choice.degree_of_many
    )
    basis = _basis_of(n, len(views[0]), len(flat), most, choice)
    scale = float(np.median(np.sqrt((views[0][0][0][0] ** 2).sum(-1)))) or 1.0
    design = np.concatenate([_design(view, basis, scale) for view in views])
    if labels.shape[2] == 1:
        design = design - design.mean(0)
    return _whitened(LabelModel(basis, len(views[0]), len(views), design, flat), choice)


def _together(vectors: FloatArray, model: LabelModel, choice: FeatureChoice) -> tuple[LabelModel, ...]:
    """Models of the same labels by products of coordinates of all vectors (rows, k, n); none for many vectors.

    One model has products of the vectors, for polynomial labels; the other has products of bounded vectors.
    """
    rows, count, n = vectors.shape
    q = model.labels.shape[1]
    if model.views > 1 or not 1 < count <= choice.most_together:
        return ()
    bases = (Basis(n, degree, count) for degree in range(choice.degree_together, 0, -1))
    basis = next((b for b in bases if b.size <= min(rows, choice.functions_together / q)), None)
    if basis is None:
        return ()
    squares = (vectors**2).sum(-1, keepdims=True)
    mean, middle = (np.where(size > 0, size, 1.0) for size in (squares.mean(0), np.median(squares, axis=0)))
    found = []
    for scaled in (vectors / np.sqrt(mean / n), vectors / np.sqrt(squares + middle)):
        design = basis.values(scaled.reshape(rows, -1)) @ basis.coefficients_basis()
        design = design - design.mean(0) if q == 1 else design
        found.append(LabelModel(basis, 1, 1, design, model.labels))
    return tuple(found)


def _basis_of(n: int, sets: int, rows: int, most: int, choice: FeatureChoice) -> Basis:
    """The largest basis of degree `most` or less that leaves `rows_a_feature` rows for each function."""
    fitting = (Basis(n, degree) for degree in range(most, 1, -1))
    return next((b for b in fitting if b.size * sets * choice.rows_a_feature <= rows), Basis(n, 1))


def _design(view: list[Parts], basis: Basis, scale: float) -> FloatArray:
    """Functions of each set, (rows, sets p), in the orthonormal basis."""
    back = basis.coefficients_basis()
    return np.concatenate([sum(_added(*part, basis, scale) for part in parts) @ back for parts in view], axis=1)


def _added(vectors: FloatArray, weights: FloatArray | None, basis: Basis, scale: float) -> FloatArray:
    total = np.zeros((len(vectors), basis.size))
    for k in range(vectors.shape[1]):
        own = vectors[:, k]
        values = basis.values(own / np.sqrt((own**2).sum(-1, keepdims=True) + scale**2))
        total += values if weights is None else weights[:, [k]] * values
    return total


def _whitened(model: LabelModel, choice: FeatureChoice) -> LabelFit:
    basis, sets = model.basis, model.sets
    # Errors follow the design as it is: inputs that prefer a direction leave what lies in others uncertain.
    values, vectors = np.linalg.eigh(_averaged(model.covariance(), basis, sets, choice))
    known = values > choice.least * values[-1]
    root = (vectors[:, known] / np.sqrt(values[known])) @ vectors[:, known].T
    # Errors that follow the inputs are larger than their mean size says where the design has its long arms.
    size = math.sqrt(max(model.noise, model.mean_square(root)))
    return LabelFit(basis, (root @ model.coefficients / size).reshape(sets, basis.size, -1), model)


def _averaged(moments: FloatArray, basis: Basis, sets: int, choice: FeatureChoice) -> FloatArray:
    """Moments of functions, averaged over rotations of all vectors, (sets p, sets p)."""
    blocks = moments.reshape(sets, basis.size, sets, basis.size).transpose(0, 2, 1, 3)
    turns = random_turns(2, 4 * basis.degree + 1)
    planes = []
    for k in range(basis.n - 1):
        whole = np.tile(np.eye(basis.n), (len(turns), 1, 1))
        whole[:, k : k + 2, k : k + 2] = turns
        planes.append(basis.turned(whole))
    for _ in range(1 if basis.n == 2 else choice.sweeps):
        for moved in planes:
            blocks = np.mean([by.T @ blocks @ by for by in moved], axis=0)
    return np.asarray(blocks.transpose(0, 2, 1, 3).reshape(moments.shape))
