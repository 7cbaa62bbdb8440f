"""Proposes the group of mirror maps that a log supports: pairs of signed permutations of inputs and of labels.

`sharefind.search` tests the group on other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.progress import StageProgress, unwatched
from sharefind.proposal.mirrors.entered_terms import ChosenTerms, Entered
from sharefind.proposal.mirrors.mirror_evidence import MirrorEvidence, closure
from sharefind.proposal.mirrors.mirror_search import MirrorSearch
from sharefind.proposal.mirrors.scaled_inputs import TermSettings
from sharefind.proposal.mirrors.search_effort import SearchEffort, within_reach
from sharefind.proposal.mirrors.settling import images_left
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.proposal.mirrors.terms import Terms, chosen_terms, fit_terms
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
    """The finding of the proposing rows.

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
    x: Any,
    y: Any,
    settings: MirrorSettings = MIRROR_SETTINGS,
    names: Sequence[str] = (),
    on_progress: StageProgress = unwatched,
) -> MirrorProposal:
    """The group of pairs of signed permutations that n rows support.

    Signs are about the zero of each column in the data.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        settings: Settings of the search.
        names: Names of the columns of x, for messages.
        on_progress: Called with a stage (products that are looked at, columns that get images), steps done, and steps
            in all.

    Returns:
        Generators of the group, and what was set aside.

    Raises:
        InputError: Too few rows, values that are not finite, or an input that others determine.
    """
    x, y = finite_array(x, "x", 2), finite_array(y, "y", 2)
    rows = _Rows(x, y, settings, names, on_progress)
    proposal = rows.best(rows.fitted())
    return rows.with_cubes(proposal)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Inputs (n, d_in) and labels (n, d_out) that propose maps."""

    x: FloatArray
    y: FloatArray
    settings: MirrorSettings
    names: Sequence[str]
    on_progress: StageProgress

    def best(self, terms: Terms) -> MirrorProposal:
        """The finding of some coefficients; they are compared more loosely where they propose nothing."""
        for blur in self.settings.blurs:
            proposal = self._proposed(replace(terms, blur=blur))
            if proposal.maps:
                break
        return proposal

    def fitted(self, entered: Entered | None = None) -> Terms:
        """The coefficients when these products enter; where none are given, those of two inputs that matter."""
        pairs, triples = (None, None) if entered is None else (entered.pairs, entered.triples)
        return fit_terms(self.x, self.y, self.settings.terms, self.names, pairs, triples, self.on_progress)

    def with_cubes(self, proposal: MirrorProposal) -> MirrorProposal:
        """The same with products of three inputs, where residuals ask for some and the proposal needs them.

        It does where no map was found, where images of columns are not settled, where columns that were set aside
        matter by such products, and where these refute it.
        """
        chosen = self._chosen(proposal, self.settings.terms.rounds if _is_open(proposal) else 1)
        if len(chosen.entered.triples) and (_is_open(proposal) or self._is_broken(proposal, chosen.entered)):
            proposal = self.best(self.fitted(self._chosen(proposal, self.settings.terms.rounds).entered))
        is_cut = not (proposal.maps or chosen.is_whole)
        return replace(proposal, is_exhaustive=False) if is_cut else proposal

    def _chosen(self, proposal: MirrorProposal, rounds: int) -> ChosenTerms:
        settings = replace(self.settings.terms, rounds=rounds)
        return chosen_terms(self.x, self.y, proposal.terms.entered, settings, self.names, self.on_progress)

    def _is_broken(self, proposal: MirrorProposal, entered: Entered) -> bool:
        """Whether products that are seen do not go with the maps, or with what was set aside."""
        completed = closure(entered, proposal.maps, self._most)
        if completed is None:
            return True
        terms = self.fitted(completed)
        return _tells_more(proposal, terms) or MirrorEvidence(terms).of(proposal.maps).is_refuted

    @property
    def _most(self) -> int:
        return len(self.x) // self.settings.terms.rows_per_term

    def _proposed(self, terms: Terms) -> MirrorProposal:
        """The group with the most evidence among what the searches find."""
        settings = self.settings
        searches = [MirrorSearch(terms, effort, on_progress=self.on_progress) for effort in settings.efforts]
        every = [g for search in searches for g in search.generators()]
        found, maps = list({g.points(): g for g in every}.values()), tuple[SignedMap, ...]()
        for _ in range(settings.rounds if found else 0):
            maps = _climbed(MirrorEvidence(terms), found, settings.odds)
            completed = closure(Entered(terms.entered, terms.cubes.entered), maps, self._most)
            if completed is None or len(completed) == len(terms.entered) + len(terms.cubes.entered):
                break
            terms = replace(self.fitted(completed), blur=terms.blur)
        maps = _climbed(MirrorEvidence(terms), maps, settings.odds)
        return MirrorProposal(
            maps,
            terms,
            MirrorEvidence(terms).of(maps).log_odds if maps else 0.0,
            _aside(terms.seen_inputs, [g.moved_inputs for g in maps]),
            _aside(terms.seen_outputs, [g.moved_outputs for g in maps]),
            searches[0].is_exhaustive,
        )


def _is_open(proposal: MirrorProposal) -> bool:
    """Whether no map was found, or images of some columns that matter are not settled."""
    left = images_left(proposal.maps, proposal.terms)
    on_inputs = [np.delete(one.inputs, proposal.aside_inputs, axis=1).sum(axis=(0, 2)) for one in left]
    on_outputs = [np.delete(one.outputs, proposal.aside_outputs, axis=1).sum(axis=(0, 2)) for one in left]
    return not proposal.maps or any((count != 1).any() for count in (*on_inputs, *on_outputs))


def _tells_more(proposal: MirrorProposal, terms: Terms) -> bool:
    """Whether columns that were set aside matter by these coefficients."""
    on_inputs, on_outputs = list(proposal.aside_inputs), list(proposal.aside_outputs)
    return bool(terms.seen_inputs[on_inputs].any() or terms.seen_outputs[on_outputs].any())


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
    """Return the maps that tie anything more, without those whose odds are too small; none if all are.

    More than `most` maps are all kept, since single ones among them are no accidents.
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
    """Return maps that each tie more than the maps before, as long as none is refuted."""
    kept: tuple[SignedMap, ...] = ()
    classes = evidence.ties(kept)[0]
    for g in found:
        more, is_refuted = evidence.ties((*kept, g))
        if more < classes and not is_refuted:
            kept, classes = (*kept, g), more
    return kept
