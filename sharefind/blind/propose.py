"""From samples to the exact space of weights that they speak for, its group, and what else they leave standing.

The answer rests on the evidence for exact spaces alone; exact tests of the group on other samples, and training, are
left to `sharefind.search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sharefind.blind.climb import Climb
from sharefind.blind.coefficients import FloatArray, common_mean, least_squares
from sharefind.blind.evidence import Evidence, Labels
from sharefind.blind.moves import MoveSearch
from sharefind.blind.posterior import Hypothesis, Posterior, common_refinement, posterior
from sharefind.blind.translation import RESERVE, translations
from sharefind.blind.vectors import ALPHA, tied_vector
from sharefind.errors import SpaceError
from sharefind.groups import FiniteGroup, NaturalBlock
from sharefind.inference.linear_estimates import finite_array
from sharefind.recognition import Layout, Recognition, matrix_layout, recognise_layout
from sharefind.recognition.layout import Axis, IntArray
from sharefind.spaces import Subspace
from sharefind.spaces.tying import canonical

CREDIBLE = 0.95
"""Posterior share at which one space is called decided."""

KEPT = 0.8
"""Posterior share of the spaces that the answer contains."""

MOST_RIVALS = 5
"""Rivals that are named."""


MOST_CYCLED = 12
"""Most inputs of one output for which cycles are looked for beside swaps."""

MOST_CLASSES = 24
"""Largest dimension of a space of which all smaller neighbours are looked at."""


@dataclass(frozen=True, eq=False)
class Rival:
    """A space that the data leave standing beside the one that was taken.

    name: of its group, or what ties it. dim: of the space of weights. share: of the posterior.
    """

    name: str
    dim: int
    share: float


@dataclass(frozen=True, eq=False)
class Smaller:
    """The space with one direction less that comes nearest.

    what: "class 3 could vanish", "classes 2 and 4 could be equal". log_odds: for keeping the direction; negative where
    the data would rather do without, which no group explains.
    """

    what: str
    log_odds: float


@dataclass(frozen=True, eq=False)
class Finding:
    """The smallest exact space of weights (d_out, d_in) that contains the likely ones, `KEPT` of the posterior.

    Attributes:
        layout: the weights and what could move them. labels: the space, int32 (d_out d_in,).
        recognition: of the space: the largest group that fixes it.
        name: what ties the weights: a group's name, "translation: ...", or "no sharing".
        is_group: whether the space is that of a group of moves; False for a translation on windows.
        is_odd: whether turning all signs, x to -x and y to -y, is a symmetry beside the group, or the only one.
        share: posterior share of the single most likely space. rivals: the next ones, one alone where it is decided.
        has_signal: whether coefficients differ from noise at all.
        is_decided: whether one space has a share of `CREDIBLE`. is_exhaustive: whether the search for moves was not cut
            short.
        values, errors: the tied linear coefficients, class 1, 2, ... and their standard errors, (dim,) each.
        smaller: what could most easily be dropped from the space; None where nothing is left to drop.
        samples: n of the search.
    """

    layout: Layout
    labels: Labels
    recognition: Recognition
    name: str
    is_group: bool
    is_odd: bool
    share: float
    rivals: tuple[Rival, ...]
    has_signal: bool
    is_decided: bool
    is_exhaustive: bool
    values: FloatArray
    errors: FloatArray
    smaller: Smaller | None
    samples: int

    @property
    def status(self) -> str:
        """One of "decided", "undecided" and "no sharing supported", which is a decision too."""
        if not self.is_decided:
            return "undecided"
        return "no sharing supported" if self.is_trivial else "decided"

    @property
    def shape(self) -> tuple[int, int]:
        """(d_out, d_in)."""
        rows, columns = self.layout.shape(self.layout.blocks[0])
        return rows, columns

    @property
    def dim(self) -> int:
        """Dimension of the space of weights."""
        return int(self.labels.max())

    @property
    def is_trivial(self) -> bool:
        """Whether nothing is shared: the space is that of all weights and no sign turns."""
        return self.dim == self.layout.dim and not self.is_odd

    @property
    def group(self) -> FiniteGroup:
        """The group by which weights are shared: that of the space; {1, -1} for odd data; trivial for a translation."""
        if not self.is_group:
            return _group("C1", self.layout, ())
        if self.dim == self.layout.dim:
            return _group("C2", self.layout, (self.layout.antipodes,)) if self.is_odd else _group("C1", self.layout, ())
        found = self.recognition.group
        return _group(self.name, self.layout, tuple(np.array(g) for g in found.generators), found.order)

    @property
    def blocks(self) -> tuple[NaturalBlock, NaturalBlock]:
        """How the points of the group act on inputs and on outputs."""
        blocks = self.layout.natural_blocks
        rows, columns = self.layout.blocks[0]
        return blocks[columns], blocks[rows]


def propose(x: Any, y: Any, *, signed: bool | None = None, seed: int = 0) -> Finding:
    """The sharing that n samples speak for.

    Args:
        x: (n, d_in). y: (n, d_out). signed: look for signed permutations too; None: where inputs and outputs move
            together. Apart, a sign of the inputs alone would only make weights vanish. seed: of drawn critical values.

    Raises:
        InputError: too few samples, values that are not finite, or inputs of which one determines another. DataError:
            values whose squares overflow or vanish.
    """
    x, y = finite_array(x, "x", 2), finite_array(y, "y", 2)
    signed = x.shape[1:] == y.shape[1:] if signed is None else signed
    has_signs = signed and not _is_constant(x) and common_mean(x) == 0
    layout = _layout(x, y, "signed" if has_signs else "permutations")
    evidence = Evidence(least_squares(x, y, layout))
    hypotheses, is_exhaustive = _hypotheses(evidence, seed)
    return _finding(evidence, posterior(hypotheses), _layout(x, y, "permutations"), is_exhaustive)


def _layout(x: FloatArray, y: FloatArray, moves: Any) -> Layout:
    """Inputs and outputs move together where there are as many of them; a constant input stays."""
    d_in, d_out = x.shape[1], y.shape[1]
    layout = matrix_layout((d_out, d_in), moves=moves)
    if not _is_constant(x):
        return layout
    return Layout((Axis("out", d_out, moves), Axis("in", d_in, "none")), ((0, 1),))


def _is_constant(x: FloatArray) -> bool:
    return bool(np.any(np.ptp(x, axis=0) == 0))


def _hypotheses(evidence: Evidence, seed: int) -> tuple[list[Hypothesis], bool]:
    vector = tied_vector(evidence, seed)
    climb = Climb(evidence)
    if vector is None and not evidence.has_signal:
        climb.look(())
        return climb.hypotheses(), True
    if vector is not None:
        # Beyond the linear part there may be moves that are no products of swaps: cycles, of a product of neighbours.
        width = max(evidence.coefficients.linear.values.shape)
        is_small = len(evidence.coefficients.linear.values) == 1 and width <= MOST_CYCLED
        climb.run([*vector, *(MoveSearch(evidence.coefficients).generators() if is_small else [])])
        # The partition has tests of its own behind it, which refute a true equality with probability alpha at most.
        climb.look(tuple(vector), trust=np.log((1 - ALPHA) / ALPHA * len(climb.visited)))
        return climb.hypotheses(), True
    search = MoveSearch(evidence.coefficients)
    climb.run(search.generators())
    return [*climb.hypotheses(), *translations(evidence)], search.is_exhaustive


def _finding(evidence: Evidence, found: Posterior, plain: Layout, is_exhaustive: bool) -> Finding:
    layout = evidence.coefficients.layout
    kept = found.first(KEPT)
    is_decided = len(found.first(CREDIBLE)) == 1 and (len(found.ranked) > 1 or evidence.has_signal)
    labels = common_refinement([h.labels for h in kept])
    recognition = _recognised(labels, layout, plain)
    is_group = all(h.moves is not None for h in kept) or recognition.is_galois_closed
    if is_group:
        labels = _pattern(recognition.closure)
    may_be_odd = layout.axes[0].is_signed and evidence.has_signal and not _has_signs(recognition, labels)
    is_odd = may_be_odd and evidence.log_of_sign(layout.antipodes) > 0
    unit = evidence.coefficients.weight_unit
    values, errors = (unit * v for v in evidence.linear.refit(labels)) if labels.max() else (np.empty(0), np.empty(0))
    others = found.ranked[1 : 1 + MOST_RIVALS] if not is_decided else found.ranked[1:2]
    return Finding(
        layout=layout if is_odd and labels.max() == labels.size else recognition.layout,
        labels=labels,
        recognition=recognition,
        name=_name(labels, recognition, kept[0], is_group, is_odd),
        is_group=is_group,
        is_odd=is_odd,
        share=found.shares[0],
        rivals=tuple(_rival(h, s, layout, plain) for h, s in zip(others, found.shares[1:], strict=False)),
        has_signal=evidence.has_signal,
        is_decided=is_decided,
        is_exhaustive=is_exhaustive,
        values=values,
        errors=errors,
        smaller=_smaller(evidence, labels),
        samples=evidence.coefficients.samples,
    )


def _has_signs(recognition: Recognition, labels: Labels) -> bool:
    """Whether signs take part in the group of a space that shares anything."""
    return recognition.layout.axes[0].is_signed and labels.max() < labels.size


def _smaller(evidence: Evidence, labels: Labels) -> Smaller | None:
    """Compare the space with all that have one class of weights less: a class that vanishes, two that are equal."""
    count = int(labels.max())
    if not 1 <= count <= MOST_CLASSES:
        return None
    options = []
    for a in range(1, count + 1):
        options.append((f"class {a} could vanish", np.where(np.abs(labels) == a, 0, labels)))
        for b in range(a + 1, count + 1):
            for sign, word in ((1, "equal"), (-1, "opposite")):
                joined = np.where(np.abs(labels) == b, sign * np.sign(labels) * a, labels)
                options.append((f"classes {a} and {b} could be {word}", joined))
    kept = evidence.linear.log(labels) + RESERVE + np.log(len(options))
    odds = [kept - evidence.linear.log(canonical(pattern)) for _, pattern in options]
    least = int(np.argmin(odds))
    return Smaller(options[least][0], float(odds[least]))


def _recognised(labels: Labels, layout: Layout, plain: Layout) -> Recognition:
    """The space's group: of permutations where they alone share as much, of signed ones otherwise."""
    space = Subspace.from_pattern(labels)
    by_permutations = recognise_layout(space, plain)
    if not layout.axes[0].is_signed or by_permutations.closure == space:
        return by_permutations
    return recognise_layout(space, layout)


def _rival(hypothesis: Hypothesis, share: float, layout: Layout, plain: Layout) -> Rival:
    is_group = hypothesis.moves is not None
    recognition = _recognised(hypothesis.labels, layout, plain)
    return Rival(_name(hypothesis.labels, recognition, hypothesis, is_group, False), hypothesis.dim, share)


def _name(labels: Labels, recognition: Recognition, hypothesis: Hypothesis, is_group: bool, is_odd: bool) -> str:
    if not is_group:
        return hypothesis.name or "ties that no group makes"
    if labels.max() == labels.size:
        return "C2" if is_odd else "no sharing"
    return recognition.name


def _pattern(space: Subspace) -> Labels:
    if space.labels is None:
        raise SpaceError(f"{space!r} is no tying space")
    return space.labels


def _group(name: str, layout: Layout, moves: Sequence[IntArray], order: int | None = None) -> FiniteGroup:
    generators = tuple(tuple(int(p) for p in g) for g in moves)
    return FiniteGroup(name, layout.points, generators, layout.natural_blocks, known_order=order)
