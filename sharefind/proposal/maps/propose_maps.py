"""From a log to the group of mirror maps that it speaks for: pairs of signed permutations of inputs and of labels.

Exact tests of the group on other rows are left to `sharefind.search`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.proposal.maps.map_evidence import MapEvidence, TiedTerms
from sharefind.proposal.maps.map_search import MapSearch, SearchEffort
from sharefind.proposal.maps.signed_map import SignedMap
from sharefind.proposal.maps.terms import Terms, TermSettings, fit_terms
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class MapSettings:
    """How maps are looked for, and when a group of them is proposed.

    Attributes:
        terms: Which products of inputs enter.
        effort: How near coefficients must come, and how long maps are looked for.
        odds: Least odds for the group against an accident.
        rounds: How often products are completed by their images, and the group is chosen again.
    """

    terms: TermSettings = field(default_factory=TermSettings)
    effort: SearchEffort = field(default_factory=SearchEffort)
    odds: float = 20.0
    rounds: int = 2


MAP_SETTINGS = MapSettings()


@dataclass(frozen=True, eq=False)
class MapProposal:
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


def propose_maps(x: Any, y: Any, settings: MapSettings = MAP_SETTINGS, names: Sequence[str] = ()) -> MapProposal:
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
    search = MapSearch(terms, settings.effort)
    found, maps = search.generators(), tuple[SignedMap, ...]()
    for _ in range(settings.rounds if found else 0):
        evidence = MapEvidence(terms)
        maps = _climbed(evidence, found)
        completed = evidence.closure(maps, len(x) // settings.terms.rows_per_term)
        if completed is None or len(completed) == len(terms.entered):
            break
        terms = fit_terms(x, y, settings.terms, names, completed)
    maps = _climbed(MapEvidence(terms), maps)
    odds = MapEvidence(terms).of(maps).log_odds if maps else 0.0
    maps = maps if odds >= np.log(settings.odds) else ()
    return MapProposal(
        maps,
        terms,
        odds if maps else 0.0,
        _aside(terms.seen_inputs, [g.moved_inputs for g in maps]),
        _aside(terms.seen_outputs, [g.moved_outputs for g in maps]),
        search.is_exhaustive,
    )


def _aside(seen: FloatArray, moved: Sequence[Any]) -> tuple[int, ...]:
    touched = np.any([seen, *moved], axis=0)
    return tuple(np.flatnonzero(~touched).tolist())


def _climbed(evidence: MapEvidence, found: Sequence[SignedMap]) -> tuple[SignedMap, ...]:
    """The maps that generate the group with the most evidence: from none upwards, or from all downwards."""
    ends = (_grown(evidence, found), _pruned(evidence, found))
    return max(ends, key=lambda maps: _score(evidence, maps))


def _score(evidence: MapEvidence, maps: Sequence[SignedMap]) -> float:
    tied = evidence.of(maps)
    return -np.inf if tied.is_refuted else tied.log_odds


def _grown(evidence: MapEvidence, found: Sequence[SignedMap]) -> tuple[SignedMap, ...]:
    """Maps are added as long as the evidence grows, each time the best."""
    kept: tuple[SignedMap, ...] = ()
    score = 0.0
    left = list(found)
    while left:
        scores = [_score(evidence, (*kept, g)) for g in left]
        best = int(np.argmax(scores))
        if scores[best] <= score:
            return kept
        score, kept = scores[best], (*kept, left.pop(best))
        left = [g for g, s in zip([*left], [s for k, s in enumerate(scores) if k != best], strict=True) if s > -np.inf]
    return kept


def _pruned(evidence: MapEvidence, found: Sequence[SignedMap]) -> tuple[SignedMap, ...]:
    """Maps that tie nothing more are left out of all; then those without which the evidence is larger."""
    kept = _needed(evidence.of, found)
    score = _score(evidence, kept)
    while len(kept) > 1:
        fewer = [tuple(g for g in kept if g is not gone) for gone in kept]
        scores = [_score(evidence, maps) for maps in fewer]
        best = int(np.argmax(scores))
        if scores[best] < score or scores[best] == -np.inf:
            break
        kept, score = fewer[best], scores[best]
    return kept


def _needed(of: Callable[[Sequence[SignedMap]], TiedTerms], found: Sequence[SignedMap]) -> tuple[SignedMap, ...]:
    kept: tuple[SignedMap, ...] = ()
    classes = of(kept).classes
    for g in found:
        more = of((*kept, g)).classes
        if more < classes:
            kept, classes = (*kept, g), more
    return kept
