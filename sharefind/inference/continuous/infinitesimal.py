"""Continuous symmetries without candidates: the Lie algebra of the rotations that leave the labels alone.

Networks are fitted to the data, their velocity fields give the algebra, and an exact test on samples held out decides
its dimension. Rotations of one coordinate plane, finite ones too, are in `rotations`; given groups in `closed_testing`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.continuous.algebras import algebra_name, nearest_algebra, share_inside
from sharefind.inference.continuous.group_draws import part_drawing
from sharefind.inference.continuous.smooth_fit import Model, SmoothFit
from sharefind.inference.continuous.vector_parts import VectorParts, axis_angle, turning_words
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.statistics.held_out_loss import HeldOutLoss
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import randomisation_test
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class LieAlgebraTest:
    """The rotations of R^d, connected with the identity, that the labels were seen to follow, or to ignore.

    With several subspaces d is the sum of their dimensions, and generators are block diagonal.

    Attributes:
        dimension: Dimension of the group: the largest candidate that was not rejected, 0 if there is none.
        name: Such as "so(5)", "so(3)+so(2)", "0"; "dimension 4" for algebras of other kinds.
        basis: Skew matrices, orthonormal, exactly an algebra up to rounding, shape (dimension, d, d).
        estimate: The skew directions of least velocity, of which `basis` spans the nearest algebra, of the same shape.
        alignment: Share of `estimate` inside `basis`, 1 if dimension is d (d - 1) / 2.
        share: Mean squared part inside `basis` of as many directions of least velocity in gl(d), where nothing says
            that they are skew; nan if the dimension is 0.
        spectrum: Eigenvalues of the velocity form on gl(d), ascending, shape (d^2,).
        skew_spectrum: The same on so(d).
        noise: Minus the most negative of `spectrum`, 0 if there is none: cross-fitted eigenvalues of this size say
            nothing.
        explained: Share of the variance of the held-out labels that the networks predict. Near 0, nothing can be
            rejected.
        tests: The tests that were made, by dimension of the candidate, the largest first.
        alpha: Their level.
        parts: The subspaces with their vectors.
        axis_error: Uncertainty of the axis of a single generator in R^3, in degrees: the angle between what the two
            halves of the rows say. None elsewhere.
        close: Share of the estimate inside the algebra below which a result is called approximate.
    """

    close: ClassVar[float] = 0.9999

    dimension: int
    name: str
    basis: FloatArray
    estimate: FloatArray
    alignment: float
    share: float
    spectrum: FloatArray
    skew_spectrum: FloatArray
    noise: float
    explained: float
    tests: Mapping[int, RandomisationTest]
    alpha: float
    parts: VectorParts
    axis_error: float | None = None

    @property
    def words(self) -> str:
        """The rotations in words, such as "turns about (0, 0, 1), dimension 1, axis within 0.3 degrees"."""
        return turning_words(self.basis, self.parts, self.name, self.axis_error)

    @property
    def approximate(self) -> bool:
        """The estimate, in gl(d), lies less than `close` inside the algebra that it was replaced by."""
        return self.dimension > 0 and self.share < self.close


@warns_of_rows
def lie_algebra_test(
    x: Tensor,
    y: Tensor,
    vectors: int | VectorParts = 1,
    *,
    fit: SmoothFit | None = None,
    alpha: float = 0.01,
    copies: int = 199,
    seed: int = 0,
    held_out: float = 0.2,
    most_held_out: int = 1000,
    fewest: int = 40,
) -> LieAlgebraTest:
    """Test for the Lie algebra of the rotations of R^d, acting on X = several vectors of R^d alike, that do not change
    Y.

    With `VectorParts` several subspaces are turned, each with vectors of its own, and label vectors turn with them.

    If f(e^{tA} x) = f(x) for all t, then sum over the vectors of <grad_v f, A x_v> = <A, D(x)> is 0. Networks fitted on
    two halves of the data give D', D''; the velocity form C = sym E D' D''^T is cross-fitted, so that their errors
    average out. The k skew directions of least eigenvalue are a candidate for each k if an algebra is near them; it
    takes their place. From the largest k down, candidates are tested by `HeldOutLoss` under Haar draws of their group,
    on samples that no network saw; the first one that is not rejected is the answer. With probability at least 1 -
    alpha no candidate that holds exactly is rejected: the largest of these is tested before the others.

    Candidates below all of so(d) are estimates, off by a conjugation: with very many held-out samples such a candidate
    may be rejected for that. Closed groups that are no rotations in these coordinates are not found; change the basis.
    The law of X counts: inputs whose own distribution is not invariant break the symmetry, whatever the labels do.

    Args:
        x: One vector after the other, shape (n, vectors * d).
        y: Labels, shape (n, d_out).
        vectors: Number of vectors; or `VectorParts`, for several subspaces, scalars beside vectors, or labels that
            turn.
        fit: Settings of the networks; `SmoothFit()` where None.
        alpha: The level.
        copies: Number m of copies in each test.
        seed: Seed of all streams.
        held_out: Share of the samples that only the tests see.
        most_held_out: Most samples that are held out for the tests.
        fewest: Samples below which two halves and a part held out say nothing.

    Returns:
        The algebra.

    Raises:
        ConfigError: Alpha is not in (0, 1), or `copies` is too small for a rejection.
        InputError: The samples cannot be used, or do not split into this number of vectors of two coordinates or more.
        NotConvergedError: The fit diverged; the message names a rate that works.
    """
    if not 0 < alpha < 1 or 1 / (copies + 1) > alpha:
        raise ConfigError(
            f"alpha={alpha}, copies={copies}: alpha must lie in (0, 1), 1 / (copies + 1) not above it; give more copies"
        )
    parts = _parts_of(x, y, vectors, fewest)
    inputs, labels = parts.scales(x.double(), y.double())
    order = named_stream(seed, "lie algebra", "held out").permutation(len(x))
    held = order[: min(most_held_out, round(held_out * len(x)))]
    halves = np.array_split(order[len(held) :], 2)
    used = fit or SmoothFit()
    seen = (inputs[np.concatenate(halves)], labels[np.concatenate(halves)])
    given = [(inputs[h], labels[h], s) for s, h in zip(("first", "second"), halves, strict=True)]
    models = [used.converged(a, b, seed, half, seen) for a, b, half in given]
    form = _velocity_form(models, inputs[np.concatenate(halves)], parts)
    own = [_velocity_form([model, model], inputs[np.concatenate(halves)], parts) for model in models]

    def mean_model(points: Tensor) -> Tensor:
        return (models[0](points) + models[1](points)) / 2

    unseen = (inputs[held], labels[held])
    explained = _explained(mean_model, *unseen)
    tests: dict[int, RandomisationTest] = {}
    for span, algebra in _candidates(form, parts):
        moves = parts.moves(part_drawing(algebra, parts), x.shape[1], y.shape[1])
        rng = named_stream(seed, "lie algebra", "test", str(len(algebra)))
        found = tests[len(algebra)] = randomisation_test(*unseen, moves, HeldOutLoss(mean_model), rng, copies)
        if found.p_value > alpha:
            return _result(form, span, algebra, explained, tests, alpha, parts, _axis_error(own, algebra, parts))
    nothing = np.zeros((0, *form.shape[:2]))
    return _result(form, nothing, nothing, explained, tests, alpha, parts, None)


def _explained(model: Model, x: Tensor, y: Tensor) -> float:
    """Share of the variance of labels that a model predicts; 0 if they do not vary."""
    variance = float(y.var(0, correction=0).mean())
    return 1 - float((model(x) - y).square().mean()) / variance if variance > 0 else 0.0


def _parts_of(x: Tensor, y: Tensor, vectors: int | VectorParts, fewest: int) -> VectorParts:
    """The subspaces, once the samples are fit for them."""
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < fewest or y.shape[1] == 0:
        raise InputError(
            f"samples x {tuple(x.shape)} and y {tuple(y.shape)}: give (n, d_in) and (n, d_out), n at least {fewest}"
        )
    if isinstance(vectors, VectorParts):
        if vectors.columns > x.shape[1] or vectors.label_columns > y.shape[1]:
            raise InputError(
                f"parts need {vectors.columns} inputs and {vectors.label_columns} labels; there are {x.shape[1]} and "
                f"{y.shape[1]}"
            )
    elif vectors < 1 or x.shape[1] % vectors or x.shape[1] // vectors < 2:
        raise InputError(f"{x.shape[1]} inputs are not {vectors} vectors of two coordinates or more; give their number")
    refuse_bad_samples(x, y)
    return vectors if isinstance(vectors, VectorParts) else VectorParts(((x.shape[1] // vectors, vectors),))


def _axis_error(forms: list[FloatArray], algebra: FloatArray, parts: VectorParts) -> float | None:
    """The angle between the axes found in the two halves, in degrees, where one axis of space was found."""
    if len(algebra) != 1 or algebra.shape[1] != 3:
        return None
    first, second = (np.einsum("a,aij->ij", _skew_form(form, parts)[1][:, 0], parts.skew) for form in forms)
    return axis_angle(first, second)


def _velocity_form(models: list[Model], x: Tensor, parts: VectorParts) -> FloatArray:
    """C on gl(d), (d, d, d, d): C(A, B) = sym E <A, D'> <B, D''>, summed over outputs."""
    first, second = (_velocities(model, x, parts) for model in models)
    size = math.isqrt(first.shape[1])
    form = first.t() @ second / len(x)
    return np.asarray(((form + form.t()) / 2).numpy()).reshape((size,) * 4)


def _velocities(model: Model, x: Tensor, parts: VectorParts) -> Tensor:
    """D = sum over the vectors of grad_v f x_v^T, less what labels turn by, (outputs * n, d^2)."""
    points = x.clone().requires_grad_()
    predicted = model(points)
    turned = parts.label_velocities(predicted.detach())
    found = []
    for place, output in enumerate(predicted.sum(0)):
        (gradient,) = torch.autograd.grad(output, points, retain_graph=True)
        found.append((parts.velocities(gradient, x) - turned[place]).flatten(1))
    return torch.cat(found)


def _skew_form(form: FloatArray, parts: VectorParts) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues (K,), ascending, and eigenvectors (K, K) of the velocity form on the skew matrices of the parts."""
    values, vectors = np.linalg.eigh(np.einsum("aij,ijkl,bkl->ab", parts.skew, form, parts.skew, optimize=True))
    return values, vectors


def _candidates(form: FloatArray, parts: VectorParts) -> Iterator[tuple[FloatArray, FloatArray]]:
    """(estimated span, algebra), both (k, d, d), the largest k first."""
    skew, (_, vectors) = parts.skew, _skew_form(form, parts)
    for k in range(len(skew), 0, -1):
        span = np.einsum("ak,aij->kij", vectors[:, :k], skew)
        algebra = nearest_algebra(span, within=skew)
        if algebra is not None:
            yield span, algebra


def _result(
    form: FloatArray,
    span: FloatArray,
    algebra: FloatArray,
    explained: float,
    tests: Mapping[int, RandomisationTest],
    alpha: float,
    parts: VectorParts,
    axis_error: float | None,
) -> LieAlgebraTest:
    d, k = len(form), len(algebra)
    kept = parts.allowed.ravel()
    values, vectors = np.linalg.eigh(form.reshape(d * d, d * d)[np.ix_(kept, kept)])
    flat = np.zeros((k, d * d))
    flat[:, kept] = vectors[:, :k].T
    least = flat.reshape(k, d, d)
    share = share_inside(least, algebra) if k else math.nan
    alignment = share_inside(span, algebra) if k else math.nan
    noise = max(0.0, -float(values[0]))
    skew_values = _skew_form(form, parts)[0]
    name = algebra_name(algebra)
    quality = (alignment, share, values, skew_values, noise, explained)
    return LieAlgebraTest(k, name, algebra, span, *quality, dict(tests), alpha, parts, axis_error)
