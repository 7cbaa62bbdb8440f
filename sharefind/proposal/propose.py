"""Proposes the exact space of weights that samples support, its group, and its rivals.

The answer rests on the evidence for exact spaces alone; `sharefind.search` tests the group on other samples, and
trains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sharefind.errors import SpaceError
from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.proposal.climb import Climb
from sharefind.proposal.coefficients import About
from sharefind.proposal.finding import Finding, Rival, Smaller
from sharefind.proposal.least_squares import has_origin, least_squares
from sharefind.proposal.log_evidence import Labels, LogEvidence
from sharefind.proposal.monomials import has_constant
from sharefind.proposal.noisy_automorphisms import Effort, PermutationSearch
from sharefind.proposal.posterior import Posterior, TiedSpace, common_refinement, posterior
from sharefind.proposal.translation import Translations
from sharefind.proposal.vectors import tied_vector
from sharefind.recognition import Layout, Recognition, matrix_layout, recognise_layout
from sharefind.recognition.layout import Axis, MoveKind
from sharefind.spaces import Subspace
from sharefind.spaces.tying import canonical
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Proposing:
    """Limits on the search, and the share at which one space is decided.

    Attributes:
        credible: Posterior share at which one space is called decided.
        kept: Posterior share of the spaces that the answer contains.
        most_rivals: Rivals that are named.
        most_alternatives: Spaces that are kept, beside the one that is proposed, for the case that its test on other
            samples rejects it.
        most_ranked: Spaces among which alternatives are looked for, the likeliest first.
        most_cycled: Most inputs of one output for which cycles are looked for beside swaps.
        most_in_products: The same where the output depends on products of inputs, which only cycles may keep.
        most_classes: Largest dimension of a space whose smaller neighbours are all examined.
        alpha: Probability with which a true equality of two weights of one output, or of two means, may be refuted.
        effort: How long permutations are searched.
        translations: Which translations are looked for.
    """

    credible: float = 0.95
    kept: float = 0.8
    most_rivals: int = 5
    most_alternatives: int = 6
    most_ranked: int = 40
    most_cycled: int = 12
    most_in_products: int = 40
    most_classes: int = 24
    alpha: float = 0.01
    effort: Effort = field(default_factory=Effort)
    translations: Translations = field(default_factory=Translations)


PROPOSING = Proposing()


def propose(
    x: Any,
    y: Any,
    *,
    signed: bool | None = None,
    seed: int = 0,
    settings: Proposing = PROPOSING,
    names: Sequence[str] = (),
) -> Finding:
    """Return the sharing that n samples support.

    No permutation, share or name depends on a vector added to x or to y, nor on a common scale of either. Changes of
    sign keep only the origin, so they are examined where the means of x may be 0.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        signed: Whether signed permutations are examined, too. The default is where inputs and outputs move together;
            where they move separately, a sign of the inputs alone would only make weights vanish.
        seed: Seed of drawn critical values.
        settings: Limits on the search, and the share at which one space is decided.
        names: Names of the columns of x, for messages.

    Returns:
        The space, its group, its rivals, and what is to be tried where it is rejected.

    Raises:
        InputError: There are too few samples, a value is not finite, or one input determines another.
        DataError: Squares of values overflow or vanish.
    """
    x, y = finite_array(x, "x", 2), finite_array(y, "y", 2)
    signed = x.shape[1:] == y.shape[1:] if signed is None else signed
    plain = _explored(x, y, "permutations", "mean", seed, settings, names)
    if not signed or has_constant(x) or not has_origin(x):
        return plain
    turned = _explored(x, y, "signed", "origin", seed, settings, names)
    if _has_signs(turned.recognition, turned.labels):
        # Signs that are one possibility among others do not outweigh permutations that are decided.
        return plain if plain.status == "decided" and turned.status != "decided" else turned
    if turned.is_odd and plain.is_trivial:
        return turned
    return replace(plain, is_odd=turned.is_odd)


def _explored(
    x: FloatArray, y: FloatArray, moves: MoveKind, about: About, seed: int, settings: Proposing, names: Sequence[str]
) -> Finding:
    """The finding with one kind of permutations."""
    evidence = LogEvidence(least_squares(x, y, _layout(x, y, moves), about, names=names))
    return _Exploration(evidence, _layout(x, y, "permutations"), settings).finding(seed)


def _layout(x: FloatArray, y: FloatArray, moves: MoveKind) -> Layout:
    """Inputs and outputs move together where there are as many of them; a constant input stays."""
    d_in, d_out = x.shape[1], y.shape[1]
    layout = matrix_layout((d_out, d_in), moves=moves)
    if not has_constant(x):
        return layout
    return Layout((Axis("out", d_out, moves), Axis("in", d_in, "none")), ((0, 1),))


@dataclass(frozen=True, eq=False)
class _Exploration:
    """One kind of permutations, with its ties of the coefficients.

    evidence: of the coefficients. plain: the layout with permutations that change no sign.
    """

    evidence: LogEvidence
    plain: Layout
    settings: Proposing

    @property
    def layout(self) -> Layout:
        """The layout of the entries that may be moved."""
        return self.evidence.coefficients.layout

    def _spaces(self, seed: int) -> tuple[list[TiedSpace], bool]:
        """The spaces that are compared, and whether the search for them was not cut short."""
        evidence, alpha, climb = self.evidence, self.settings.alpha, Climb(self.evidence)
        vector = tied_vector(evidence, seed, alpha)
        if vector is None and not evidence.has_signal:
            climb.look(())
            return climb.spaces(), True
        if vector is None:
            search = self._search()
            climb.run(search.candidates())
            return [*climb.spaces(), *self.settings.translations.spaces(evidence)], search.is_exhaustive
        # Beyond the linear part there may be symmetries that are no products of swaps: cycles, of a product of
        # neighbours.
        cycles = self._search() if self._may_have_cycles else None
        climb.run([*vector, *([] if cycles is None else cycles.candidates())])
        # The partition has tests of its own behind it, which refute a true equality with probability alpha at most.
        climb.look(tuple(vector), trust=np.log((1 - alpha) / alpha * len(climb.visited)))
        return climb.spaces(), not self._has_products or (cycles is not None and cycles.is_exhaustive)

    @property
    def _has_products(self) -> bool:
        """Whether one output depends on products of inputs."""
        blocks = [self.evidence.blocks[k].block for k in self.evidence.speaking]
        return any(block.name == "pair" and len(block.values) == 1 for block in blocks)

    @property
    def _may_have_cycles(self) -> bool:
        """Whether cycles of inputs are looked for: of one output, of few inputs, or of more that show in products."""
        d_out, d_in = self.evidence.coefficients.linear.values.shape
        most = self.settings.most_in_products if self._has_products else self.settings.most_cycled
        return bool(d_out == 1 and d_in <= most)

    def _search(self) -> PermutationSearch:
        return PermutationSearch(self.evidence.coefficients, self.settings.effort)

    def finding(self, seed: int) -> Finding:
        """The space that the samples support, and its rivals."""
        spaces, is_exhaustive = self._spaces(seed)
        found = posterior(spaces)
        is_alone = len(found.ranked) > 1 or self.evidence.has_signal
        is_decided = len(found.first(self.settings.credible)) == 1 and is_alone
        first = self._space(self._kept(found))
        others = found.ranked[1:2] if is_decided else found.ranked[1 : 1 + self.settings.most_rivals]
        whole = replace(
            first,
            share=found.shares[0],
            rivals=tuple(self._rival(space, s) for space, s in zip(others, found.shares[1:], strict=False)),
            is_decided=is_decided,
            is_exhaustive=is_exhaustive,
            smaller=self._smaller(first.labels),
            alternatives=self._alternatives(found, first),
        )
        return whole if is_exhaustive else _without_shares(whole)

    def _kept(self, found: Posterior) -> tuple[TiedSpace, ...]:
        """Return the spaces that the answer contains: those with most of the posterior.

        Where nothing is shared in all of them, though each shares something, the likeliest alone is returned.
        """
        kept = found.first(self.settings.kept)
        is_shared = not any(_is_free(space.labels) for space in kept)
        return kept[:1] if is_shared and _is_free(common_refinement([space.labels for space in kept])) else kept

    def _space(self, kept: Sequence[TiedSpace]) -> Finding:
        """The smallest space that contains several, with its group; its share and its rivals are left open."""
        evidence, coefficients = self.evidence, self.evidence.coefficients
        labels = common_refinement([space.labels for space in kept])
        recognition = self._recognised(labels)
        is_group = all(space.generators is not None for space in kept) or recognition.is_galois_closed
        if is_group:
            labels = _pattern(recognition.closure)
        may_be_odd = self.layout.axes[0].is_signed and evidence.has_signal and not _has_signs(recognition, labels)
        is_odd = may_be_odd and evidence.log_of_sign(self.layout.antipodes) > 0
        fitted = evidence.linear.refit(labels) if labels.max() else (np.empty(0), np.empty(0))
        values, errors = (coefficients.weight_unit * v for v in fitted)
        return Finding(
            layout=self.layout if is_odd and _is_free(labels) else recognition.layout,
            labels=labels,
            recognition=recognition,
            name=_name(labels, recognition, kept[0].name, is_group, is_odd),
            is_group=is_group,
            is_odd=is_odd,
            has_signal=evidence.has_signal,
            values=values,
            errors=errors,
            samples=coefficients.samples,
        )

    def _alternatives(self, found: Posterior, first: Finding) -> tuple[Finding, ...]:
        """The likeliest other spaces, down to where the samples would rather share nothing."""
        known, others = {first.labels.tobytes()}, list[Finding]()
        for space, share in list(zip(found.ranked, found.shares, strict=True))[: self.settings.most_ranked]:
            if _is_free(space.labels) or len(others) == self.settings.most_alternatives or first.is_trivial:
                break
            other = self._space((space,))
            if other.labels.tobytes() not in known and not _is_free(other.labels):
                known.add(other.labels.tobytes())
                others.append(replace(other, share=share))
        return tuple(others)

    def _smaller(self, labels: Labels) -> Smaller | None:
        """Compare the space with all that have one class of weights less: a class that vanishes, two that are equal."""
        if not 1 <= labels.max() <= self.settings.most_classes:
            return None
        log, options = self.evidence.linear.log, list(_neighbours(labels))
        kept = log(labels) + self.settings.translations.reserve + np.log(len(options))
        odds = [kept - log(canonical(pattern)) for _, pattern in options]
        least = int(np.argmin(odds))
        return Smaller(options[least][0], float(odds[least]))

    def _recognised(self, labels: Labels) -> Recognition:
        """The space's group: of permutations where they alone share as much, of signed ones otherwise."""
        space = Subspace.from_pattern(labels)
        by_permutations = recognise_layout(space, self.plain)
        if not self.layout.axes[0].is_signed or by_permutations.closure == space:
            return by_permutations
        return recognise_layout(space, self.layout)

    def _rival(self, space: TiedSpace, share: float) -> Rival:
        is_group, recognition = space.generators is not None, self._recognised(space.labels)
        return Rival(_name(space.labels, recognition, space.name, is_group, False), space.dim, share)


def _neighbours(labels: Labels) -> Iterator[tuple[str, Labels]]:
    """The spaces with one class less, each with what is different."""
    for a in range(1, int(labels.max()) + 1):
        yield f"class {a} could vanish", np.where(np.abs(labels) == a, 0, labels)
        for b in range(a + 1, int(labels.max()) + 1):
            for sign, word in ((1, "equal"), (-1, "opposite")):
                joined = np.where(np.abs(labels) == b, sign * np.sign(labels) * a, labels)
                yield f"classes {a} and {b} could be {word}", joined


def _is_free(labels: Labels) -> bool:
    return int(labels.max()) == labels.size


def _without_shares(found: Finding) -> Finding:
    """The same where the search was cut short: what was not looked at has a share that is not known."""
    rivals = tuple(replace(rival, share=None) for rival in found.rivals)
    others = tuple(replace(other, share=None, is_exhaustive=False) for other in found.alternatives)
    return replace(found, share=None, rivals=rivals, alternatives=others)


def _has_signs(recognition: Recognition, labels: Labels) -> bool:
    """Whether signs take part in the group of a space that shares anything."""
    return recognition.layout.axes[0].is_signed and not _is_free(labels)


def _name(labels: Labels, recognition: Recognition, name: str, is_group: bool, is_odd: bool) -> str:
    """Return the name of the group, or of what else ties the weights."""
    if not is_group:
        return name or "ties that no group makes"
    if _is_free(labels):
        return "C2" if is_odd else "no sharing"
    return recognition.name


def _pattern(space: Subspace) -> Labels:
    if space.labels is None:
        raise SpaceError(f"{space!r} is no tying space")
    return space.labels
