"""From a log to the group of mirror maps that it speaks for: pairs of signed permutations of inputs and of labels.

Exact tests of the group on other rows are left to `sharefind.search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.proposal.mirrors.mirror_evidence import MirrorEvidence
from sharefind.proposal.mirrors.mirror_search import MirrorSearch, SearchEffort, within_reach
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.proposal.mirrors.terms import Terms, TermSettings, fit_terms
from sharefind.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class MirrorSettings:
    """How maps are looked for, and when a group of them is proposed.

    Attributes:
        terms: Which products of inputs enter.
        efforts: How near coefficients must come, and how long maps are looked for; a search that was cut short counts
            where it is the first.
        blurs: How far coefficients may differ beyond their errors (`Terms.blur`), the next where nothing was found.
        odds: Least odds for the group against an accident, and for each generator beside the others.
        rounds: How often products are completed by their images, and the group is chosen again.
    """

    terms: TermSettings = field(default_factory=TermSettings)
    efforts: tuple[SearchEffort, ...] = (SearchEffort(), SearchEffort(looseness=5.0, largest=6.0, least=-1.0))
    blurs: tuple[float, ...] = (0.0, 0.03)
    odds: float = 20.0
    rounds: int = 2


MIRROR_SETTINGS = MirrorSettings()


@dataclass(frozen=True, eq=False)
class MirrorProposal:
    """What the proposing rows speak for.

    Attributes:
        maps: Generators of the group; none where no map is more than an accident.
        terms: The coefficients, of products with all their images.
        log_odds: For the group against no symmetry; 0 for no map.
        aside_inputs: Inputs on which no label is seen to depend and that no map moves.
        aside_outputs: Labels that are not seen to depend on anything and that no map moves.
        is_exhaustive: Whether the search was not cut short.
    """

    maps: tuple[SignedMap, ...]
    terms: Terms
    log_odds: float
    aside_inputs: tuple[int, ...]
    aside_outputs: tuple[int, ...]
    is_exhaustive: bool

    @property
    def one_sided(self) -> tuple[int, ...]:
        """Inputs that matter and of which no row reaches the negative, so that no map changes their sign in place."""
        reach = within_reach(self.terms, SearchEffort())
        return tuple(a for a in np.flatnonzero(~np.diag(reach[1])).tolist() if a not in self.aside_inputs)


def propose_mirrors(
    x: Any, y: Any, settings: MirrorSettings = MIRROR_SETTINGS, names: Sequence[str] = ()
) -> MirrorProposal:
    """The group of pairs of signed permutations that n rows speak for.

    Signs are about the zero of each column, as it stands in the data.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        settings: How maps are looked for.
        names: Of the columns of x, for messages.

    Returns:
        Generators of the group, and what was set aside.

    Raises:
        InputError: Too few rows, values that are not finite, or an input that others determine.
    """
    x, y = finite_array(x, "x", 2), finite_array(y, "y", 2)
    terms = fit_terms(x, y, settings.terms, names)
    for blur in settings.blurs:
        proposal = _proposed(x, y, replace(terms, blur=blur), settings, names)
        if proposal.maps:
            break
    return proposal


def _proposed(
    x: FloatArray, y: FloatArray, terms: Terms, settings: MirrorSettings, names: Sequence[str]
) -> MirrorProposal:
    """The group with the most evidence among what the searches find."""
    searches = [MirrorSearch(terms, effort) for effort in settings.efforts]
    every = [g for search in searches for g in search.generators()]
    found, maps = list({g.points(): g for g in every}.values()), tuple[SignedMap, ...]()
    for _ in range(settings.rounds if found else 0):
        evidence = MirrorEvidence(terms)
        maps = _climbed(evidence, found, settings.odds)
        completed = evidence.closure(maps, len(x) // settings.terms.rows_per_term)
        if completed is None or len(completed) == len(terms.entered):
            break
        terms = replace(fit_terms(x, y, settings.terms, names, completed), blur=terms.blur)
    maps = _climbed(MirrorEvidence(terms), maps, settings.odds)
    return MirrorProposal(
        maps,
        terms,
        MirrorEvidence(terms).of(maps).log_odds if maps else 0.0,
        _aside(terms.seen_inputs, [g.moved_inputs for g in maps]),
        _aside(terms.seen_outputs, [g.moved_outputs for g in maps]),
        searches[0].is_exhaustive,
    )


def _aside(seen: BoolArray, moved: Sequence[Any]) -> tuple[int, ...]:
    touched = np.any([seen, *moved], axis=0)
    return tuple(np.flatnonzero(~touched).tolist())


def _climbed(evidence: MirrorEvidence, found: Sequence[SignedMap], odds: float) -> tuple[SignedMap, ...]:
    """The maps that generate the group with the most evidence: from none upwards, or from all downwards."""
    least = float(np.log(odds))
    ends = (_grown(evidence, found, least), _pruned(evidence, found, least))
    return max(ends, key=lambda maps: evidence.of(maps).log_odds)


def _grown(evidence: MirrorEvidence, found: Sequence[SignedMap], least: float) -> tuple[SignedMap, ...]:
    """Maps are added, each time the best, as long as the log odds for one more are large enough."""
    kept: tuple[SignedMap, ...] = ()
    now, left = evidence.of(kept), list(found)
    while left:
        more = [evidence.of((*kept, g)) for g in left]
        steps = [one.step_from(now) for one in more]
        enough = [one.log_odds if step >= least else -np.inf for one, step in zip(more, steps, strict=True)]
        best = int(np.argmax(enough))
        if steps[best] < least:
            break
        kept, now = (*kept, left[best]), more[best]
        # What is refuted beside fewer maps is refuted beside more.
        left = [g for k, (g, s) in enumerate(zip(left, steps, strict=True)) if k != best and s > -np.inf]
    return kept


def _pruned(
    evidence: MirrorEvidence, found: Sequence[SignedMap], least: float, most: int = 40
) -> tuple[SignedMap, ...]:
    """Of all maps, those that tie anything more, without those for which the odds are too small; none if all are.

    Of more than `most` maps none is left out: they are no accidents one by one.
    """
    kept = _needed(evidence, found)
    now = evidence.of(kept)
    for gone in reversed(kept) if len(kept) <= most else ():
        fewer = tuple(g for g in kept if g is not gone)
        without = evidence.of(fewer)
        if now.step_from(without) < least:
            kept, now = fewer, without
    return kept if now.step_from(evidence.of(())) >= least else ()


def _needed(evidence: MirrorEvidence, found: Sequence[SignedMap]) -> tuple[SignedMap, ...]:
    """Maps of which each ties more than those before it, as long as none is refuted."""
    kept: tuple[SignedMap, ...] = ()
    classes = evidence.ties(kept)[0]
    for g in found:
        more, is_refuted = evidence.ties((*kept, g))
        if more < classes and not is_refuted:
            kept, classes = (*kept, g), more
    return kept
