"""Guarantees of a run, and their limits, in sentences; docs/statistics.md has the proofs."""

from __future__ import annotations

from collections.abc import Iterator

from sharefind.report.text.relation_words import (
    decides_by_relation,
    not_promised_of_relation,
    promised_of_inputs,
)
from sharefind.report.text.runs import RunView
from sharefind.report.text.verdict import last_rule
from sharefind.search.rules.registry import stop_traits
from sharefind.written import number


def promised(view: RunView) -> Iterator[str]:
    """Yield what holds for any law of the data, any noise and any quality of training, one sentence each.

    Args:
        view: The run.
    """
    if view.result.symmetries and view.result.symmetry != "relation":
        called = "that the tests of the law reject" if decides_by_relation(view.result) else "called rejected"
        yield (
            f"If the samples are independent, then with probability at least {number(1 - view.alpha)} none of the "
            f"groups {called} is a symmetry of the data; all tests together are covered (alpha = "
            f"{view.alpha:g}). The p-values are exact for every sample size, because data moved by a symmetry are "
            "exchangeable with the data themselves."
        )
    yield from promised_of_inputs(view)
    if view.result.e_star.exact and view.is_finished:
        yield "E_* is an exact subspace: its ties are no rounded numbers, and an export is checked in exact arithmetic."


def not_promised(view: RunView) -> Iterator[str]:
    """Yield what the result does not imply, one sentence each.

    Args:
        view: The run.
    """
    tests = bool(view.result.symmetries)
    if tests:
        yield "Not rejected is no proof: with few samples or much noise E_* may belong to a group that is too large."
        yield (
            "Rows that depend on each other (time series, overlapping windows, repeated measurements) void the "
            "p-values; they are a guide then. So does an alpha chosen after looking at them."
        )
    yield from not_promised_of_relation(view)
    if tests and stop_traits(last_rule(view)).decides_by_tests:
        yield "dist^2, delta and the spectra illustrate the decisions of the exact tests; they do not make them."
    if _decides_by_level(view):
        yield (
            f"dist^2 against delta is a test of level {view.alpha:g} at each space that a group fixes; that particles "
            "stay is no proof."
        )
    elif stop_traits(last_rule(view)).compares_distances:
        yield "The stopping rule compares distances: it is the plain heuristic, and has no error rate."
    if view.holds_by_tolerance:
        yield (
            "E_* holds by the tolerance: the exact symmetry is rejected, and that it is broken by little is an "
            "estimate from one training without an error rate."
        )
    if view.result.blind:
        yield (
            "The candidate was proposed by the data. Its exact test used other samples, so that its level holds; "
            "that nothing larger was missed is not guaranteed."
        )
    elif view.result.subgroups and view.result.subgroups.samples is not None:
        yield (
            "Subgroups were proposed by a part of the rows and tested on the others, so that the level holds; that no "
            "other subgroup holds is not guaranteed."
        )
    elif view.result.group.order != 1:
        yield "Symmetries outside the candidate group were not looked for."


def _decides_by_level(view: RunView) -> bool:
    """Return whether dist^2 was compared with that of randomised copies at every visited node."""
    seen = [n.evidence for n in view.lattice.visited() if n.evidence is not None and not n.space.is_full]
    return bool(seen) and all(stop_traits(e.rule).compares_distances and e.p_value is not None for e in seen)
