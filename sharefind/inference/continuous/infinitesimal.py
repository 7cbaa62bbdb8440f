"""Continuous symmetries without candidates: the Lie algebra of the rotations that leave the labels alone.

Networks are fitted to the data, their velocity fields give the algebra, and an exact test on samples held out decides
its dimension. Rotations of one coordinate plane, finite ones too, are in `rotations`; given groups in `closed_testing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, GroupError, InputError, NotConvergedError
from sharefind.inference.ambient_moves import Moves, SampledMoves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import Bound, randomisation_test
from sharefind.rng import named_stream

HELD_OUT, MOST_HELD_OUT = 0.2, 1000
"""Share of the samples that only the tests see, and the most that are taken away for them."""

FEWEST = 40
"""Samples below which two halves and a part held out say nothing."""

NEAR = 0.9
"""Least share of an estimated span inside the algebra that it is replaced by; further ones are no candidates."""

CLOSE = 0.9999
"""Share of the estimate inside the algebra below which a result is called approximate."""

CLOSED = 1e-12
"""Largest part of a bracket outside a span that is rounding: the span is an algebra."""

NEWTON_STEPS = 20
"""Most steps towards the nearest algebra; where it is near, about five are taken."""

FLAT = 0.05
"""Singular values, relative to the largest, that count as 0: conjugations, which keep an algebra an algebra."""

FREQUENCIES = 3
"""The largest integer among the frequencies of a single generator of a closed group."""

POOL, FACTORS = 256, 6
"""Elements in the pool of a group, and how many of them a draw multiplies: (2 / 256^{1/2})^6 = 4e-6 from Haar."""

POOL_FACTORS, WIDTH_OF_FACTORS = 12, 10.0
"""Exponentials in each element of the pool, and the standard deviation of their coefficients: whole turns."""

LARGEST_RATE = 1.0
"""Largest rate of Adam: with more every weight changes by more than it is in a step."""

UNFITTED = 10.0
"""Mean squared error on both halves, of labels of spread 1, from which on a fit has diverged; that of noise is 2."""

Array = NDArray[np.float64]
Model = Callable[[Tensor], Tensor]
"""x (..., d_in) -> predictions (..., d_out)."""


@dataclass(frozen=True)
class SmoothFit:
    """How smooth networks are fitted: two hidden layers of SiLU units, Adam, one cycle of learning rates.

    Attributes:
        width: of the layers. networks: averaged on each half of the data. steps, batch, rate: of the training; rate is
            the largest.

    Raises:
        ConfigError: a number is not positive.
    """

    width: int = 128
    networks: int = 1
    steps: int = 4000
    batch: int = 200
    rate: float = 4e-3

    def __post_init__(self) -> None:
        if min(self.width, self.networks, self.steps, self.batch) < 1 or not 0 < self.rate <= LARGEST_RATE:
            raise ConfigError(f"{self}: give positive numbers, and a rate of {LARGEST_RATE:g} at most")


@dataclass(frozen=True)
class HeldOutLoss:
    """Minus the mean square error of a model that was made without these samples.

    If the hypothesis holds, moving samples makes the model no worse. The model is fixed, so the test is exact.

    Attributes:
        model: x (..., d_in) -> (..., d_out).
    """

    model: Model = field(repr=False)

    @property
    def name(self) -> str:
        """held-out-loss."""
        return "held-out-loss"

    def bind(self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> Bound:
        """The same for every hypothesis."""

        def loss(rows_x: Tensor, rows_y: Tensor) -> Tensor:
            return -(self.model(rows_x.double()) - rows_y.double()).square().mean((1, 2)).unsqueeze(1)

        return Bound(y, loss)


@dataclass(frozen=True, eq=False)
class LieAlgebraTest:
    """The rotations of R^d, connected with the identity, under which the labels were not seen to change.

    Attributes:
        dimension: of the group: the largest candidate that was not rejected, 0 if there is none.
        name: such as "so(5)", "so(3)+so(2)", "0"; "dimension 4" for algebras of other kinds.
        basis: (dimension, d, d) skew matrices, orthonormal, exactly an algebra up to rounding.
        estimate: (dimension, d, d) the skew directions of least velocity, of which `basis` spans the nearest algebra.
        alignment: share of `estimate` inside `basis`, 1 if dimension is d (d - 1) / 2.
        share: mean squared part inside `basis` of as many directions of least velocity in gl(d), where nothing says
            that they are skew; nan if the dimension is 0.
        spectrum: (d^2,) eigenvalues of the velocity form on gl(d), ascending; skew_spectrum: on so(d).
        noise: minus the most negative of `spectrum`, 0 if there is none: cross-fitted eigenvalues of this size say
            nothing.
        explained: share of the variance of the held-out labels that the networks predict. Near 0, nothing can be
            rejected.
        tests: by dimension, of the candidates that were tested, the largest first. alpha: their level.
    """

    dimension: int
    name: str
    basis: Array
    estimate: Array
    alignment: float
    share: float
    spectrum: Array
    skew_spectrum: Array
    noise: float
    explained: float
    tests: Mapping[int, RandomisationTest]
    alpha: float

    @property
    def approximate(self) -> bool:
        """The estimate, in gl(d), lies less than `CLOSE` inside the algebra that it was replaced by."""
        return self.dimension > 0 and self.share < CLOSE


@warns_of_rows
def lie_algebra_test(
    x: Tensor,
    y: Tensor,
    vectors: int = 1,
    *,
    fit: SmoothFit | None = None,
    alpha: float = 0.01,
    copies: int = 199,
    seed: int = 0,
) -> LieAlgebraTest:
    """The Lie algebra of the rotations of R^d, acting on X = several vectors of R^d alike, that leave Y alone.

    If f(e^{tA} x) = f(x) for all t, then sum over the vectors of <grad_v f, A x_v> = <A, D(x)> is 0. Networks fitted on
    two halves of the data give D', D''; the velocity form C = sym E D' D''^T is cross-fitted, so that their errors
    average out. The k skew directions of least eigenvalue are a candidate for each k if an algebra is near them; it
    takes their place. From the largest k down, candidates are tested by `HeldOutLoss` under Haar draws of their group,
    on samples that no network saw; the first that is not rejected is the answer. With probability at least 1 - alpha no
    candidate that holds exactly is rejected: the largest of these is tested before the others.

    Candidates below all of so(d) are estimates, off by a conjugation: with very many held-out samples such a one may be
    rejected for that. Closed groups that are no rotations in these coordinates are not found; change the basis. The law
    of X counts: inputs whose own distribution is not invariant break the symmetry, whatever the labels do.

    Args:
        x: (n, vectors * d), one vector after the other. y: (n, d_out). vectors: how many. fit: of the networks; None
            for `SmoothFit()`. alpha: the level. copies: m of each test. seed: of all streams.

    Raises:
        ConfigError: alpha is not in (0, 1), or so few copies cannot reject. InputError: the samples cannot be used, or
            do not split into so many vectors of two coordinates or more. NotConvergedError: the fit diverged; the
            message names a rate that works.
    """
    if not 0 < alpha < 1 or 1 / (copies + 1) > alpha:
        raise ConfigError(
            f"alpha={alpha}, copies={copies}: alpha must lie in (0, 1), 1 / (copies + 1) not above it; give more copies"
        )
    _refuse_bad_samples(x, y, vectors)
    inputs, labels = _standardised(x, y)
    order = named_stream(seed, "lie algebra", "held out").permutation(len(x))
    held = order[: min(MOST_HELD_OUT, round(HELD_OUT * len(x)))]
    halves = np.array_split(order[len(held) :], 2)
    used = fit if fit is not None else SmoothFit()
    seen = (inputs[np.concatenate(halves)], labels[np.concatenate(halves)])
    parts = [(inputs[h], labels[h], s) for s, h in zip(("first", "second"), halves, strict=True)]
    models = [_converged(a, b, used, seed, half, seen) for a, b, half in parts]
    form = _velocity_form(models, inputs[np.concatenate(halves)], vectors)

    def mean_model(points: Tensor) -> Tensor:
        return (models[0](points) + models[1](points)) / 2

    unseen = (inputs[held], labels[held])
    explained = _explained(mean_model, *unseen)
    tests: dict[int, RandomisationTest] = {}
    for span, algebra in _candidates(form):
        moves = group_moves(algebra, vectors, y.shape[1])
        rng = named_stream(seed, "lie algebra", "test", str(len(algebra)))
        found = tests[len(algebra)] = randomisation_test(*unseen, moves, HeldOutLoss(mean_model), rng, copies)
        if found.p_value > alpha:
            return _result(form, span, algebra, explained, tests, alpha)
    nothing = np.zeros((0, *form.shape[:2]))
    return _result(form, nothing, nothing, explained, tests, alpha)


def _explained(model: Model, x: Tensor, y: Tensor) -> float:
    """Share of the variance of labels that a model predicts; 0 if they do not vary."""
    variance = float(y.var(0, correction=0).mean())
    return 1 - float((model(x) - y).square().mean()) / variance if variance > 0 else 0.0


def _refuse_bad_samples(x: Tensor, y: Tensor, vectors: int) -> None:
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < FEWEST or y.shape[1] == 0:
        raise InputError(
            f"samples x {tuple(x.shape)} and y {tuple(y.shape)}: give (n, d_in) and (n, d_out), n at least {FEWEST}"
        )
    if vectors < 1 or x.shape[1] % vectors or x.shape[1] // vectors < 2:
        raise InputError(f"{x.shape[1]} inputs are not {vectors} vectors of two coordinates or more; give their number")
    refuse_bad_samples(x, y)


def _standardised(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """x over one common scale, which rotations keep; labels of mean 0 and spread 1, constant ones 0."""
    inputs, centred = x.double(), y.double() - y.double().mean(0)
    size, spread = inputs.square().mean().sqrt(), centred.std(0, correction=0)
    if not size > 0:
        raise InputError("all inputs are 0; nothing can be said about how labels depend on them")
    return inputs / size, centred / torch.where(spread > 0, spread, torch.ones_like(spread))


def _converged(x: Tensor, y: Tensor, fit: SmoothFit, seed: int, half: str, seen: tuple[Tensor, Tensor]) -> Model:
    """`_fitted`, and NotConvergedError where it is far worse than a constant on all samples of both halves, `seen`."""
    model = _fitted(x, y, fit, seed, half)
    if _is_fit(model, *seen):
        return model
    tried = (min(fit.rate / 10, SmoothFit.rate) / 10**k for k in range(3))
    rate = next((r for r in tried if _is_fit(_fitted(x, y, replace(fit, rate=r), seed, half), *seen)), None)
    advice = "give more data, or fewer steps" if rate is None else f"try rate={rate:g}"
    raise NotConvergedError(f"the fit of the {half} half diverged with SmoothFit(rate={fit.rate:g}); {advice}")


def _is_fit(model: Model, x: Tensor, y: Tensor) -> bool:
    return float((model(x) - y).square().mean()) <= UNFITTED


def _fitted(x: Tensor, y: Tensor, fit: SmoothFit, seed: int, half: str) -> Model:
    """The mean of `fit.networks` networks trained side by side: x (n, d_in), y (n, d_out)."""
    stream = named_stream(seed, "lie algebra", "fit", half)
    generator = torch.Generator().manual_seed(int(stream.integers(2**62)))
    sizes = (x.shape[1], fit.width, fit.width, y.shape[1])
    weights = [_layer(fit.networks, a, b, generator) for a, b in pairwise(sizes)]
    points, labels = x.float(), y.float()
    parameters = [w.requires_grad_() for w in weights]
    optimiser = torch.optim.Adam(parameters)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, fit.rate, total_steps=fit.steps + 1)
    for _ in range(fit.steps):
        index = torch.randint(len(points), (fit.networks, fit.batch), generator=generator)
        loss = (_forward(parameters, points[index]) - labels[index]).square().mean((1, 2)).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    final = [w.detach().double() for w in parameters]

    def predict(rows: Tensor) -> Tensor:
        flat = rows.reshape(1, -1, rows.shape[-1]).expand(fit.networks, -1, -1)
        return _forward(final, flat).mean(0).reshape(*rows.shape[:-1], -1)

    return predict


def _layer(networks: int, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Weights and, in the last row, biases, (networks, fan_in + 1, fan_out), uniform as in torch.nn.Linear."""
    uniform = torch.rand(networks, fan_in + 1, fan_out, generator=generator)
    return (2 * uniform - 1) / math.sqrt(fan_in)


def _forward(weights: list[Tensor], x: Tensor) -> Tensor:
    """x (networks, n, d_in) -> (networks, n, d_out)."""
    for place, layer in enumerate(weights):
        x = torch.baddbmm(layer[:, -1:], x if place == 0 else torch.nn.functional.silu(x), layer[:, :-1])
    return x


def _velocity_form(models: list[Model], x: Tensor, vectors: int) -> Array:
    """C on gl(d), (d, d, d, d): C(A, B) = sym E <A, D'> <B, D''>, summed over outputs."""
    first, second = (_velocities(model, x, vectors) for model in models)
    size = math.isqrt(first.shape[1])
    form = first.t() @ second / len(x)
    return np.asarray(((form + form.t()) / 2).numpy()).reshape((size,) * 4)


def _velocities(model: Model, x: Tensor, vectors: int) -> Tensor:
    """D = sum over the vectors of grad_v f x_v^T, (outputs * n, d^2)."""
    points = x.clone().requires_grad_()
    outputs = model(points).sum(0)
    split = x.reshape(len(x), vectors, -1)
    found = []
    for output in outputs:
        (gradient,) = torch.autograd.grad(output, points, retain_graph=True)
        found.append(torch.einsum("nvi,nvj->nij", gradient.reshape(split.shape), split).flatten(1))
    return torch.cat(found)


def skew_basis(d: int) -> Array:
    """An orthonormal basis of so(d), (d (d - 1) / 2, d, d)."""
    rows, columns = np.triu_indices(d, 1)
    basis = np.zeros((len(rows), d, d))
    basis[np.arange(len(rows)), rows, columns] = math.sqrt(0.5)
    basis[np.arange(len(rows)), columns, rows] = -math.sqrt(0.5)
    return basis


def _skew_form(form: Array) -> tuple[Array, Array]:
    """Eigenvalues (D,), ascending, and eigenvectors (D, D) of the velocity form on so(d)."""
    skew = skew_basis(len(form))
    values, vectors = np.linalg.eigh(np.einsum("aij,ijkl,bkl->ab", skew, form, skew))
    return values, vectors


def _candidates(form: Array) -> Iterator[tuple[Array, Array]]:
    """(estimated span, algebra), both (k, d, d), the largest k first."""
    skew, (_, vectors) = skew_basis(len(form)), _skew_form(form)
    for k in range(len(skew), 0, -1):
        span = np.einsum("ak,aij->kij", vectors[:, :k], skew)
        algebra = nearest_algebra(span)
        if algebra is not None:
            yield span, algebra


def _inside(directions: Array, span: Array) -> float:
    """Mean squared part of orthonormal directions (k, d, d) inside an orthonormal span (m, d, d)."""
    return float((np.einsum("kij,mij->km", directions, span) ** 2).sum() / len(directions))


def nearest_algebra(span: Array) -> Array | None:
    """The subalgebra of so(d) next to a span of skew matrices, both (k, d, d) and orthonormal.

    Newton's method on the parts of brackets outside the span, by steps of least norm. A single generator gets integer
    frequencies, up to a factor, so that its group is closed. None if less than `NEAR` of the span lies inside what is
    found, or nothing is. A step costs O(d^14) operations at worst: half a second for d = 10, a tenth for d = 8.
    """
    skew = skew_basis(span.shape[-1])
    if len(span) == len(skew):
        return skew
    if len(span) == 1:
        closed = _closed_generator(span)
        return closed if _inside(span, closed) >= NEAR else None
    found = _newton(np.einsum("kij,aij->ak", span, skew), _structure(skew))
    return None if found is None else np.asarray(np.einsum("ak,aij->kij", found, skew))


def _structure(skew: Array) -> Array:
    """<[E_a, E_b], E_c>, (D, D, D)."""
    products = np.einsum("aij,bjk,cik->abc", skew, skew, skew, optimize=True)
    return np.asarray(products - products.transpose(1, 0, 2))


def _newton(start: Array, structure: Array) -> Array | None:
    """The algebra next to a span, both (D, k) with orthonormal columns."""
    inside = start
    for _ in range(NEWTON_STEPS):
        inside, outside = np.split(np.linalg.qr(inside, mode="complete")[0], [start.shape[1]], axis=1)
        if ((inside.T @ start) ** 2).sum() < NEAR * start.shape[1]:
            return None
        step, defect = _newton_step(structure, inside, outside)
        if defect < CLOSED:
            return np.asarray(inside)
        inside = inside + outside @ step
    return None


def _newton_step(structure: Array, inside: Array, outside: Array) -> tuple[Array, float]:
    """X (D - k, k), by which the span moves outwards, and the largest part of a bracket outside."""
    k, rest = inside.shape[1], outside.shape[1]
    brackets = np.einsum("abc,ai,bj->ijc", structure, inside, inside, optimize=True)
    within, defect = brackets @ inside, brackets @ outside
    mixed = np.einsum("abc,ap,bj,cm->pjm", structure, outside, inside, outside, optimize=True)
    first, second = np.triu_indices(k, 1)
    pairs, change = np.arange(len(first)), np.zeros((len(first), rest, rest, k))
    change[pairs, :, :, first] += mixed[:, second].transpose(1, 2, 0)
    change[pairs, :, :, second] -= mixed[:, first].transpose(1, 2, 0)
    change[:, range(rest), range(rest)] -= within[first, second][:, None]
    flat, target = change.reshape(-1, rest * k), -defect[first, second].reshape(-1)
    values, vectors = np.linalg.eigh(flat.T @ flat)
    kept = values > FLAT**2 * values[-1]
    step = vectors[:, kept] @ ((vectors[:, kept].T @ (flat.T @ target)) / values[kept])
    return step.reshape(rest, k), float(np.abs(defect).max())


def _closed_generator(span: Array) -> Array:
    """A skew matrix (1, d, d) with its frequencies replaced by the nearest integers, up to a common factor."""
    values, vectors = np.linalg.eigh(1j * span[0])
    half = len(values) // 2
    frequencies = values[::-1][:half]
    tuples = [t for t in product(range(FREQUENCIES, -1, -1), repeat=half) if any(t) and list(t) == sorted(t)[::-1]]
    units = [np.array(t) / np.linalg.norm(t) for t in tuples if math.gcd(*t) == 1]
    best = max(units, key=lambda u: float(u @ frequencies))
    whole = np.concatenate([-best, np.zeros(len(values) - 2 * half), best[::-1]])
    closed = np.real(-1j * (vectors * whole) @ vectors.conj().T)
    closed = (closed - closed.T) / 2
    return np.asarray(closed[None] / np.linalg.norm(closed))


def group_moves(algebra: Array, vectors: int = 1, d_out: int = 1) -> SampledMoves:
    """Haar draws of the connected group of an algebra, turning several vectors of R^d alike; labels stay as they are.

    All of SO(d) and single closed generators are drawn exactly, others by random products, see `POOL`.

    Args:
        algebra: (k, d, d) orthonormal skew matrices, such as `nearest_algebra` gives. vectors, d_out: of X and Y.

    Raises:
        GroupError: on the first draw, if a single generator has frequencies that are no integers up to a factor.
    """
    d = algebra.shape[-1]
    draw = _drawing(algebra)

    def sample(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
        on_x = np.zeros((size, vectors, d, vectors, d))
        on_x[:, range(vectors), :, range(vectors), :] = draw(rng, size)
        return on_x.reshape(size, vectors * d, -1), np.broadcast_to(np.eye(d_out), (size, d_out, d_out)).copy()

    return SampledMoves(sample)


def _drawing(algebra: Array) -> Callable[[np.random.Generator, int], Array]:
    k, d, _ = algebra.shape
    if k == d * (d - 1) // 2:
        return lambda rng, size: _special_orthogonal(d, rng, size)
    if k == 1:
        return lambda rng, size: _circle(algebra[0], rng, size)
    pool = _pool(algebra)
    return lambda rng, size: _products(pool, rng, size)


def _special_orthogonal(d: int, rng: np.random.Generator, size: int) -> Array:
    """Haar draws of SO(d), (size, d, d), by QR with positive diagonal (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(size, d, d)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    q[:, :, 0] *= np.linalg.det(q)[:, None]
    return np.asarray(q)


def _circle(generator: Array, rng: np.random.Generator, size: int) -> Array:
    """e^{tA} for t uniform on a period, (size, d, d)."""
    values, vectors = np.linalg.eigh(1j * generator)
    # Frequencies are integers up to a factor; within the range of FREQUENCIES their least multiples have these ratios.
    least = values[values > CLOSE * values[-1] / FREQUENCIES].min()
    whole = [np.rint(values / least * m) for m in range(1, FREQUENCIES + 1) if _all_integer(values / least * m)]
    if not whole:
        raise GroupError(
            "the generator's group is not closed: its frequencies are no small integers; use nearest_algebra"
        )
    angles = rng.uniform(0, 2 * np.pi, size=(size, 1)) * whole[0]
    return np.asarray(np.real(np.einsum("ir,nr,jr->nij", vectors, np.exp(-1j * angles), vectors.conj())))


def _all_integer(values: Array) -> bool:
    return bool(np.abs(values - np.rint(values)).max() < 1 - CLOSE)


def _pool(algebra: Array) -> Tensor:
    """Elements of the group, (POOL, d, d): products of exponentials of random generators."""
    rng = named_stream(0, "lie algebra", "pool")
    weights = rng.normal(0, WIDTH_OF_FACTORS, size=(POOL, POOL_FACTORS, len(algebra)))
    factors = torch.linalg.matrix_exp(torch.from_numpy(np.einsum("pfk,kij->pfij", weights, algebra)))
    elements: Tensor = factors[:, 0]
    for place in range(1, POOL_FACTORS):
        elements = elements @ factors[:, place]
    return elements


def _products(pool: Tensor, rng: np.random.Generator, size: int) -> Array:
    index = torch.from_numpy(rng.integers(len(pool), size=(FACTORS, size)))
    elements = pool[index[0]]
    for chosen in index[1:]:
        elements = elements @ pool[chosen]
    return np.asarray(elements.numpy())


def _result(
    form: Array, span: Array, algebra: Array, explained: float, tests: Mapping[int, RandomisationTest], alpha: float
) -> LieAlgebraTest:
    d, k = len(form), len(algebra)
    values, vectors = np.linalg.eigh(form.reshape(d * d, d * d))
    least = vectors[:, :k].T.reshape(k, d, d)
    share = _inside(least, algebra) if k else math.nan
    alignment = _inside(span, algebra) if k else math.nan
    noise = max(0.0, -float(values[0]))
    skew_values = _skew_form(form)[0]
    name = algebra_name(algebra)
    return LieAlgebraTest(
        k, name, algebra, span, alignment, share, values, skew_values, noise, explained, dict(tests), alpha
    )


def algebra_name(algebra: Array) -> str:
    """so(3)+so(2) for rotations of orthogonal subspaces, "dimension k" for other algebras (k, d, d), "0" for none.

    For an orthonormal basis the sum of -A^2 is (m - 1) / 2 on each subspace of dimension m that is rotated.
    """
    if len(algebra) == 0:
        return "0"
    casimir = np.linalg.eigvalsh(-np.einsum("kij,kjl->il", algebra, algebra))
    sizes = np.rint(2 * casimir + 1).astype(int)
    blocks = [int(m) for m in sorted(set(sizes), reverse=True) for _ in range(int((sizes == m).sum()) // m) if m > 1]
    known = np.abs(2 * casimir + 1 - sizes).max() < 1 - CLOSE and sum(m * (m - 1) // 2 for m in blocks) == len(algebra)
    return "+".join(f"so({m})" for m in blocks) if known else f"dimension {len(algebra)}"
