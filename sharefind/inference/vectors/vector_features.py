"""Functions of vectors that rotations mix among each other, and what least squares on them say of the labels.

A function of vectors in R^n is written in polynomials of x / (|x|^2 + s^2)^(1/2), which are bounded. Rotations act on
their coefficients by orthogonal matrices, in a basis that whitens the design averaged over all rotations: how far a
function is from the functions that a group keeps is then the length of a projection, in units of its error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, combinations_with_replacement

import numpy as np

from sharefind.inference.vectors.vector_layout import Sides, VectorLayout
from sharefind.rng import named_stream
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class FeatureChoice:
    """How many functions are used.

    Attributes:
        rows_a_feature: Rows for each function at least.
        degree: Of polynomials of a single vector, at most.
        degree_of_many: The same where several sets of vectors are looked at, or labels are vectors.
        harmonics: Of the angle in the plane, at most.
        most_pairs: Pairs of vectors of an orbit whose differences are looked at, at most.
        ridge: Added to the diagonal of the design's second moments, relative to its mean.
        errors: Draws of the error of the coefficients.
        sweeps: Times that the design is averaged over the rotations of neighbouring coordinates, one plane after the
            other: the rest of what rotations change falls by four or more each time.
    """

    rows_a_feature: int = 4
    degree: int = 6
    degree_of_many: int = 4
    harmonics: int = 12
    most_pairs: int = 45
    ridge: float = 1e-6
    errors: int = 100
    sweeps: int = 12


def exponents_up_to(n: int, degree: int) -> IntArray:
    """Of each coordinate in each monomial of n coordinates, by ascending degree, (p, n)."""
    chosen = (c for d in range(degree + 1) for c in combinations_with_replacement(range(n), d))
    return np.array([[c.count(k) for k in range(n)] for c in chosen], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Basis:
    """Functions of one bounded vector, closed under rotations; in space and above monomials, in the plane harmonics.

    Attributes:
        n: Dimension of the vector.
        degree: Of the monomials, or the largest harmonic.
    """

    n: int
    degree: int

    def values(self, u: FloatArray) -> FloatArray:
        """Of vectors (..., n) inside the unit ball, (..., p), the constant among them."""
        return self._harmonics(u) if self.n == 2 else self._monomials(u)

    def _harmonics(self, u: FloatArray) -> FloatArray:
        length = np.hypot(u[..., 0], u[..., 1])
        turn = (u[..., 0] + 1j * u[..., 1]) / np.where(length > 0, length, 1.0)
        powers = turn[..., None] ** np.arange(1, self.degree + 1)
        waves = np.concatenate([np.ones((*length.shape, 1)), powers.real, powers.imag], axis=-1)
        one = np.ones((*length.shape, 1))
        return np.concatenate([one, length[..., None] * waves, length[..., None] ** 2 * waves], axis=-1)

    def _monomials(self, u: FloatArray) -> FloatArray:
        powers = u[..., None] ** np.arange(self.degree + 1)
        values = powers[..., 0, self._exponents[:, 0]]
        for k in range(1, self.n):
            values = values * powers[..., k, self._exponents[:, k]]
        return np.asarray(values)

    @cached_property
    def _exponents(self) -> IntArray:
        """Of each coordinate in each monomial, (p, n)."""
        return exponents_up_to(self.n, self.degree)

    @cached_property
    def size(self) -> int:
        """p."""
        return int(self.values(np.zeros((1, self.n))).shape[1])

    @cached_property
    def _probes(self) -> tuple[FloatArray, FloatArray]:
        """Points inside the ball, and the inverse of the functions' values there."""
        drawn = named_stream(0, "vector features", "probes").normal(size=(2 * self.size + 20, self.n))
        points = np.asarray(drawn / np.sqrt((drawn**2).sum(1, keepdims=True) + 1))
        return points, np.asarray(np.linalg.pinv(self.values(points)), dtype=np.float64)

    @cached_property
    def _scales(self) -> FloatArray:
        """What makes the functions orthonormal in a product that rotations keep (Bombieri's for monomials), (p,)."""
        if self.n == 2:
            return np.ones(self.size)
        factorials = np.vectorize(math.factorial, otypes=[float])
        return np.asarray(np.sqrt(factorials(self._exponents.sum(1)) / factorials(self._exponents).prod(1)))

    def coefficients_basis(self) -> FloatArray:
        """Columns: the functions of an orthonormal basis in terms of `values`, (p, p)."""
        return np.diag(self._scales)

    def turned(self, turn: FloatArray) -> FloatArray:
        """R, orthogonal (..., p, p), with f(Q x) = sum_k (R c)_k f_k(x) for f = sum_k c_k f_k and Q (..., n, n)."""
        points, _ = self._probes
        to_coefficients, back = self._ends
        return np.asarray(to_coefficients @ self.values(points @ np.swapaxes(turn, -1, -2)) @ back)

    @cached_property
    def _ends(self) -> tuple[FloatArray, FloatArray]:
        """What stands left and right of the values at turned probes."""
        return np.asarray(self._probes[1] / self._scales[:, None]), np.diag(self._scales)


def random_turns(n: int, count: int) -> FloatArray:
    """Rotations that fill SO(n) evenly enough, (count, n, n), always the same."""
    if n == 2:
        angles = 2 * np.pi * np.arange(count) / count
        cos, sin = np.cos(angles), np.sin(angles)
        return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)
    seed = int(named_stream(0, "vector features", "turns").integers(2**31))
    if n == 3:
        from scipy.spatial.transform import Rotation

        return np.asarray(Rotation.random(count, random_state=seed).as_matrix())
    from scipy.stats import special_ortho_group

    return np.asarray(special_ortho_group.rvs(n, size=count, random_state=seed)).reshape(count, n, n)


@dataclass(frozen=True, eq=False)
class LabelFit:
    """What the rows say of one label, or of several that the finite factor joins.

    Attributes:
        basis: The functions.
        b: Whitened coefficients, in units of their errors, (m, p, q): m sets of functions, q of 1 for scalars and of n
            for vectors.
        rows: How many rows, for the price of a parameter.
        errors: Draws of the error of b, (draws, m, p, q), whose second moment is its covariance.
    """

    basis: Basis
    b: FloatArray
    rows: int
    errors: FloatArray

    @property
    def is_vector(self) -> bool:
        """Whether the label turns."""
        return bool(self.b.shape[2] > 1)

    def turned(self, turn: FloatArray) -> FloatArray:
        """b of the function x -> Q^-1 f(Q x), (..., m, p, q), for an orthogonal Q, (..., n, n)."""
        return self.turned_values(self.b, turn)

    def turned_values(self, b: FloatArray, turn: FloatArray) -> FloatArray:
        """The same of other coefficients, such as errors, (..., m, p, q)."""
        moved = self.basis.turned(turn)[..., None, :, :] @ b
        return np.asarray(moved @ turn[..., None, :, :]) if self.is_vector else np.asarray(moved)


def label_fits(
    x: FloatArray, y: FloatArray, layout: VectorLayout, choice: FeatureChoice | None = None
) -> list[LabelFit]:
    """Least squares of all labels on functions of vectors, added over the vectors that the finite factor permutes.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        layout: What the coordinates are.
        choice: How many functions are used; `FeatureChoice()` where None.
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
    return [fit for fit in fits if fit is not None]


def _spread_one(values: FloatArray) -> FloatArray:
    """Scalars of mean 0 and spread 1, constant ones 0."""
    spread = values.std(0)
    return np.asarray((values - values.mean(0)) / np.where(spread > 0, spread, 1.0))


Parts = list[tuple[FloatArray, FloatArray | None]]
"""Vectors (rows, k, n), with a weight (rows, k) each or none: their functions are added over k."""


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
        """A scalar for each vector of an orbit, (rows, k): of orbits as long, in order, and single ones for all."""
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
    return _whitened(design, flat, basis, len(views[0]), len(views), choice)


def _basis_of(n: int, sets: int, rows: int, most: int, choice: FeatureChoice) -> Basis:
    """The largest basis of degree `most` at most that leaves so many rows for each function."""
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


def _whitened(
    design: FloatArray, labels: FloatArray, basis: Basis, sets: int, views: int, choice: FeatureChoice
) -> LabelFit:
    moments = design.T @ design
    width = len(moments)
    moments += choice.ridge * np.trace(moments) / width * np.eye(width)
    coefficients = np.linalg.solve(moments, design.T @ labels)
    rest = labels - design @ coefficients
    noise = float((rest**2).sum() / (rest.size * max(1 - width / len(rest), 0.1)))
    if noise <= 1e-12 * float((labels**2).mean()):
        noise = 1e-12 * float((labels**2).mean())  # labels that the functions determine: rounding is left
    averaged = _averaged(moments, basis, sets, choice)
    # Errors follow the design as it is, which is the averaged one but for chance: of few rows that is much.
    noise *= float(np.trace(np.linalg.solve(moments, averaged))) / width
    values, vectors = np.linalg.eigh(averaged)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    errors = root @ _errors(design, rest, moments, views, choice)
    # Errors that follow the inputs are larger than their mean size says where the design has its long arms.
    size = math.sqrt(max(noise, float((errors**2).mean())))
    b = (root @ coefficients / size).reshape(sets, basis.size, -1)
    return LabelFit(basis, b, len(labels), errors.reshape(-1, *b.shape) / size)


def _errors(design: FloatArray, rest: FloatArray, moments: FloatArray, views: int, choice: FeatureChoice) -> FloatArray:
    """Draws of the error of coefficients, (draws, width, q), whatever the errors of the rows: a multiplier bootstrap.

    What is left of a row is divided by its share that the fit does not follow (HC3: MacKinnon and White 1985); one row
    has one multiplier in all views.
    """
    followed = np.einsum("rp,rp->r", design, np.linalg.solve(moments, design.T).T)
    alone = rest / np.maximum(1 - followed, 0.1)[:, None]
    rng = named_stream(0, "vector features", "multipliers")
    drawn = np.tile(rng.normal(size=(choice.errors, len(rest) // views)), views)
    scores = np.stack([design.T @ (alone * one[:, None]) for one in drawn])
    return np.asarray(np.linalg.solve(moments, scores))


def _averaged(moments: FloatArray, basis: Basis, sets: int, choice: FeatureChoice) -> FloatArray:
    """The second moments, averaged over rotations of all inputs, (sets p, sets p)."""
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
