"""From samples to the exact space of weights that they speak for, its group, and what else they leave standing.

The answer rests on the evidence for exact spaces alone; exact tests of the group on other samples, and training, are
left to `sharefind.search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sharefind.errors import SpaceError
from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.proposal.climb import Climb
from sharefind.proposal.coefficients import About, FloatArray, has_origin, least_squares
from sharefind.proposal.finding import Finding, Rival, Smaller
from sharefind.proposal.log_evidence import Evidence, Labels
from sharefind.proposal.noisy_automorphisms import MoveSearch
from sharefind.proposal.posterior import Hypothesis, Posterior, common_refinement, posterior
from sharefind.proposal.translation import RESERVE, translations
from sharefind.proposal.vectors import ALPHA, tied_vector
from sharefind.recognition import Layout, Recognition, matrix_layout, recognise_layout
from sharefind.recognition.layout import Axis, Moves
from sharefind.spaces import Subspace
from sharefind.spaces.tying import canonical

CREDIBLE = 0.95
"""Posterior share at which one space is called decided."""

KEPT = 0.8
"""Posterior share of the spaces that the answer contains."""

MOST_RIVALS = 5
"""Rivals that are named."""

MOST_ALTERNATIVES = 6
"""Spaces that are kept, beside the one that is proposed, for the case that its test on other samples rejects it."""

MOST_RANKED = 40
"""Spaces among which alternatives are looked for, the likeliest first."""


MOST_CYCLED = 12
"""Most inputs of one output for which cycles are looked for beside swaps."""

MOST_CLASSES = 24
"""Largest dimension of a space of which all smaller neighbours are looked at."""


def propose(x: Any, y: Any, *, signed: bool | None = None, seed: int = 0) -> Finding:
    """The sharing that n samples speak for.

    No permutation, share or name depends on a vector added to x or to y, nor on a common scale of either. Changes of
    sign keep the origin alone, so they are looked for where the means of x may be 0.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        signed: Look for signed permutations too; None: where inputs and outputs move together. Apart, a sign of the
            inputs alone would only make weights vanish.
        seed: Seed of drawn critical values.

    Returns:
        The space, its group, its rivals, and what is to be tried where it is rejected.

    Raises:
        InputError: too few samples, values that are not finite, or inputs of which one determines another.
        DataError: values whose squares overflow or vanish.
    """
    x, y = finite_array(x, "x", 2), finite_array(y, "y", 2)
    signed = x.shape[1:] == y.shape[1:] if signed is None else signed
    plain = _explored(x, y, "permutations", "mean", seed)
    if not signed or _is_constant(x) or not has_origin(x):
        return plain
    turned = _explored(x, y, "signed", "origin", seed)
    if _has_signs(turned.recognition, turned.labels):
        # Signs that are one possibility among others do not outweigh permutations that are decided.
        return plain if plain.status == "decided" and turned.status != "decided" else turned
    if turned.is_odd and plain.is_trivial:
        return turned
    return replace(plain, is_odd=turned.is_odd)


def _explored(x: FloatArray, y: FloatArray, moves: Moves, about: About, seed: int) -> Finding:
    """What one kind of moves makes of the samples."""
    evidence = Evidence(least_squares(x, y, _layout(x, y, moves), about))
    hypotheses, is_exhaustive = _hypotheses(evidence, seed)
    return _finding(evidence, posterior(hypotheses), _layout(x, y, "permutations"), is_exhaustive)


def _layout(x: FloatArray, y: FloatArray, moves: Moves) -> Layout:
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
        climb.run([*vector, *(MoveSearch(evidence.coefficients).candidates() if is_small else [])])
        # The partition has tests of its own behind it, which refute a true equality with probability alpha at most.
        climb.look(tuple(vector), trust=np.log((1 - ALPHA) / ALPHA * len(climb.visited)))
        return climb.hypotheses(), True
    search = MoveSearch(evidence.coefficients)
    climb.run(search.candidates())
    return [*climb.hypotheses(), *translations(evidence)], search.is_exhaustive


def _finding(evidence: Evidence, found: Posterior, plain: Layout, is_exhaustive: bool) -> Finding:
    kept = _kept(found)
    is_decided = len(found.first(CREDIBLE)) == 1 and (len(found.ranked) > 1 or evidence.has_signal)
    first = _space(evidence, kept, plain)
    others = found.ranked[1 : 1 + MOST_RIVALS] if not is_decided else found.ranked[1:2]
    rivals = (_rival(h, s, evidence, plain) for h, s in zip(others, found.shares[1:], strict=False))
    whole = replace(
        first,
        share=found.shares[0],
        rivals=tuple(rivals),
        is_decided=is_decided,
        is_exhaustive=is_exhaustive,
        smaller=_smaller(evidence, first.labels),
        alternatives=_alternatives(evidence, found, plain, first),
    )
    return whole if is_exhaustive else _without_shares(whole)


def _kept(found: Posterior) -> tuple[Hypothesis, ...]:
    """The spaces that the answer contains: those with `KEPT` of the posterior.

    Where nothing is shared in all of them, though each shares something, the likeliest stands for itself.
    """
    kept = found.first(KEPT)
    is_shared = all(h.dim < h.labels.size for h in kept)
    return kept[:1] if is_shared and _is_free(common_refinement([h.labels for h in kept])) else kept


def _is_free(labels: Labels) -> bool:
    return int(labels.max()) == labels.size


def _space(evidence: Evidence, kept: Sequence[Hypothesis], plain: Layout) -> Finding:
    """The smallest space that contains several, with its group; its share and its rivals are left open."""
    layout = evidence.coefficients.layout
    labels = common_refinement([h.labels for h in kept])
    recognition = _recognised(labels, layout, plain)
    is_group = all(h.moves is not None for h in kept) or recognition.is_galois_closed
    if is_group:
        labels = _pattern(recognition.closure)
    may_be_odd = layout.axes[0].is_signed and evidence.has_signal and not _has_signs(recognition, labels)
    is_odd = may_be_odd and evidence.log_of_sign(layout.antipodes) > 0
    unit = evidence.coefficients.weight_unit
    values, errors = (unit * v for v in evidence.linear.refit(labels)) if labels.max() else (np.empty(0), np.empty(0))
    return Finding(
        layout=layout if is_odd and _is_free(labels) else recognition.layout,
        labels=labels,
        recognition=recognition,
        name=_name(labels, recognition, kept[0], is_group, is_odd),
        is_group=is_group,
        is_odd=is_odd,
        share=None,
        rivals=(),
        has_signal=evidence.has_signal,
        is_decided=False,
        is_exhaustive=True,
        values=values,
        errors=errors,
        smaller=None,
        samples=evidence.coefficients.samples,
    )


def _alternatives(evidence: Evidence, found: Posterior, plain: Layout, first: Finding) -> tuple[Finding, ...]:
    """The likeliest other spaces, down to where the samples would rather share nothing."""
    known, others = {first.labels.tobytes()}, list[Finding]()
    for hypothesis, share in list(zip(found.ranked, found.shares, strict=True))[:MOST_RANKED]:
        if _is_free(hypothesis.labels) or len(others) == MOST_ALTERNATIVES or first.is_trivial:
            break
        other = _space(evidence, (hypothesis,), plain)
        if other.labels.tobytes() not in known and not _is_free(other.labels):
            known.add(other.labels.tobytes())
            others.append(replace(other, share=share))
    return tuple(others)


def _without_shares(found: Finding) -> Finding:
    """The same where the search was cut short: what was not looked at has a share that nobody knows."""
    rivals = tuple(replace(rival, share=None) for rival in found.rivals)
    others = tuple(replace(other, share=None, is_exhaustive=False) for other in found.alternatives)
    return replace(found, share=None, rivals=rivals, alternatives=others)


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


def _rival(hypothesis: Hypothesis, share: float, evidence: Evidence, plain: Layout) -> Rival:
    is_group = hypothesis.moves is not None
    recognition = _recognised(hypothesis.labels, evidence.coefficients.layout, plain)
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
