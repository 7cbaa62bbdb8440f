"""How far a network is from equivariance, element by element: |f(g x) - g f(x)| against its own rounding and
against the spread of its outputs.

Errors are root mean squares over rows. Outputs that the group connects form one part, with one spread; the error of an
element is that of the part where it is largest. The spread is about the mean, so that an offset of the outputs hides
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sharefind.architectures.audit.elements import Element, RowAction
from sharefind.architectures.audit.network import AuditedNetwork, Predict, in_blocks, moved
from sharefind.rng import named_stream
from sharefind.spaces.tying import connected
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class EndToEndSettings:
    """How errors are measured and judged.

    Attributes:
        noise_rows: Largest number of rows on which rounding is measured.
        exact: Largest error of an exact symmetry, in units of the network's rounding. The difference of two outputs has
            about 1.4 units on average.
        approximate: Largest error of an approximate symmetry, relative to the spread of the outputs.
        block: Number of numbers in a block of rows that is computed at once.
        seed: Seed of the draws.
    """

    noise_rows: int = 512
    exact: float = 10.0
    approximate: float = 0.1
    block: int = 2_000_000
    seed: int = 0


END_TO_END = EndToEndSettings()
"""Default settings."""


class Verdict(StrEnum):
    """The verdict on an element, the best first.

    Attributes:
        EXACT: Rounding explains the error.
        APPROXIMATE: The error is small beside the spread of the outputs.
        BROKEN: The error is neither.
    """

    EXACT = "exact"
    APPROXIMATE = "approximate"
    BROKEN = "broken"


@dataclass(frozen=True, eq=False)
class ElementError:
    """The error of one element.

    Attributes:
        element: The element.
        error: Root mean square of f(g x) - g f(x), in the part of the outputs where it is largest beside the spread.
        noise: The network's rounding in the same part.
        relative: The error relative to the spread of that part; None if its outputs are constant.
        verdict: The conclusion.
        part: First output of that part, counted from 0.
    """

    element: Element
    error: float
    noise: float
    relative: float | None
    verdict: Verdict
    part: int


@dataclass(frozen=True, eq=False)
class EndToEnd:
    """The errors of a network by element.

    Attributes:
        errors: One for each element.
        spread: Spread of each part of the outputs, shape (parts,), float64.
        noise: Rounding of the network in each part, shape (parts,), float64.
        part_of: The part of each output, shape (d_out,), int64.
        repeats: Largest difference between two runs on the same rows in another order, in units of the rounding.
    """

    errors: tuple[ElementError, ...]
    spread: FloatArray
    noise: FloatArray
    part_of: IntArray
    repeats: float

    @property
    def worst(self) -> ElementError | None:
        """The error of the worst element; None without elements."""
        order = list(Verdict)
        return max(self.errors, key=lambda e: (order.index(e.verdict), e.relative or 0.0, e.error), default=None)

    @property
    def verdict(self) -> Verdict:
        """The verdict on all elements together."""
        return Verdict.EXACT if self.worst is None else self.worst.verdict


def parts_of(moves: Iterable[RowAction], dim: int) -> IntArray:
    """Return the part of each coordinate, shape (dim,), int64: coordinates that an element mixes are in one part.

    Args:
        moves: The action of each element.
        dim: Number of coordinates.
    """
    pairs = [(np.arange(dim), np.arange(dim)), *(move.mixed for move in moves)]
    heads, tails = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    labels = connected(heads, tails, dim)
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def end_to_end(
    network: AuditedNetwork,
    elements: Sequence[Element],
    x: FloatArray,
    on_progress: Callable[[], None] | None = None,
    settings: EndToEndSettings = END_TO_END,
) -> EndToEnd:
    """Return the equivariance errors of a network.

    Args:
        network: The network.
        elements: The elements of the group.
        x: Inputs, shape (n, d_in), float64.
        on_progress: Called after each element.
        settings: How errors are measured and judged.
    """
    x = _seen(x, network.dtype)
    rows = max(1, settings.block // max(1, x.shape[1]))
    y = in_blocks(network.predict, x, rows)
    part_of = parts_of((element.on_outputs for element in elements), y.shape[1])
    spread = _per_part(y - y.mean(axis=0), part_of)
    noise = _noise(network, x, y, part_of, settings)
    found = list[ElementError]()
    for element in elements:
        moved_x = _seen(element.on_inputs(x), network.dtype)
        residual = in_blocks(network.predict, moved_x, rows) - element.on_outputs(y)
        rounding = noise.with_inputs if element.on_inputs.rounds else noise.inside
        found.append(_judged(element, _per_part(residual, part_of), spread, rounding, part_of, settings))
        if on_progress is not None:
            on_progress()
    return EndToEnd(tuple(found), spread, noise.inside, part_of, noise.repeats)


@dataclass(frozen=True, eq=False)
class _Noise:
    """Rounding in each part: shape (parts,) inside the network, the same with that of its inputs, and repeats."""

    inside: FloatArray
    with_inputs: FloatArray
    repeats: float


def error_of(predict: Predict, elements: Sequence[Element], x: FloatArray, part_of: IntArray) -> float:
    """Return the largest error of a function over elements and parts, relative to the spread of its outputs.

    Args:
        predict: The function.
        elements: The elements.
        x: Inputs, shape (n, d_in).
        part_of: The part of each output, shape (d_out,).
    """
    y = predict(x)
    spread = _per_part(y - y.mean(axis=0), part_of)
    worst = 0.0
    for element in elements:
        error = _per_part(predict(element.on_inputs(x)) - element.on_outputs(y), part_of)
        worst = max(worst, float((error / np.maximum(spread, np.finfo(float).tiny)).max()))
    return worst


def _seen(x: FloatArray, dtype: str) -> FloatArray:
    """Return inputs as the network sees them, rounded to its precision."""
    return x.astype(dtype).astype(np.float64)


def _per_part(values: FloatArray, part_of: IntArray) -> FloatArray:
    """Return root mean squares over rows and over the outputs of each part, shape (parts,)."""
    squares = np.mean(np.square(values), axis=0)
    return np.asarray(np.sqrt(np.bincount(part_of, squares) / np.bincount(part_of)))


def _noise(
    network: AuditedNetwork, x: FloatArray, y: FloatArray, part_of: IntArray, settings: EndToEndSettings
) -> _Noise:
    """Return the rounding of a network in each part.

    It is that of the sums inside and of the outputs themselves. Where moved inputs are rounded, the effect of that
    comes to it. Rows are those of a random sample.
    """
    rng = named_stream(settings.seed, "audit", "rounding")
    chosen = np.sort(rng.permutation(len(x))[: settings.noise_rows])
    x, y = x[chosen], y[chosen]
    inside = np.hypot(_per_part(network.rounding(x), part_of), network.eps * _per_part(y, part_of))
    inside = np.maximum(inside, np.finfo(np.float64).tiny)
    changed = network.predict(_seen(moved(x, rng, network.eps), network.dtype)) - y
    again = _per_part(network.predict(x[::-1])[::-1] - y, part_of)
    return _Noise(inside, np.hypot(inside, _per_part(changed, part_of)), float((again / inside).max()))


def _judged(
    element: Element, error: FloatArray, spread: FloatArray, noise: FloatArray, part_of: IntArray,
    settings: EndToEndSettings,
) -> ElementError:  # fmt: skip
    """Return the error of an element, judged in the part where it is worst."""
    verdicts = [_verdict(e, s, n, settings) for e, s, n in zip(error, spread, noise, strict=True)]
    ratios = [None if s <= settings.exact * n else float(e / s) for e, s, n in zip(error, spread, noise, strict=True)]
    order = list(Verdict)
    part = max(
        range(len(error)),
        key=lambda k: (order.index(verdicts[k]), np.inf if ratios[k] is None else ratios[k], error[k]),
    )
    first = int(np.flatnonzero(part_of == part)[0])
    return ElementError(element, float(error[part]), float(noise[part]), ratios[part], verdicts[part], first)


def _verdict(error: float, spread: float, noise: float, settings: EndToEndSettings) -> Verdict:
    if error <= settings.exact * noise:
        return Verdict.EXACT
    if spread > settings.exact * noise and error <= settings.approximate * spread:
        return Verdict.APPROXIMATE
    return Verdict.BROKEN
