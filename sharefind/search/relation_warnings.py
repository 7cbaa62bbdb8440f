"""Warnings where the relation decides: the undecided groups, their price, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sharefind.errors import setting
from sharefind.search.search_outcome import SearchOutcome
from sharefind.written import plural

if TYPE_CHECKING:
    from sharefind.inference.relation.relation_family import RelationFamily


def relation_warnings(outcome: SearchOutcome) -> tuple[str, ...]:
    """Sentences about the relations that are undecided, or rejected at a level that is not assured.

    Args:
        outcome: How a search ended.

    Returns:
        The sentences; none where the law decides.
    """
    problem, symmetries = outcome.problem, outcome.problem.symmetries
    if symmetries is None or symmetries.relation is None or not problem.by_relation:
        return ()
    one_sided = sorted(problem.one_sided, key=lambda name: -(symmetries.orders.get(name) or 0))
    lines = [] if not one_sided else [_one_sided(outcome, one_sided)]
    unassured = symmetries.relation.unassured
    return (*lines, *([_unassured(symmetries.relation)] if unassured else []))


def _one_sided(outcome: SearchOutcome, names: Sequence[str]) -> str:
    prices = [name for name in names if name in outcome.diagnoses][:1]
    price = "".join(f"; {_price(outcome, name)}" for name in prices)
    return (
        f"the inputs show one side only of {_listed(names)}, so that the relation is undecided there and no weight is "
        f"shared for it: give rows that show other sides, or impose the symmetry if you know that it holds, with "
        f"{setting('scheme')} ea{price}"
    )


def _price(outcome: SearchOutcome, name: str) -> str:
    risk = outcome.diagnoses[name].risk
    low, gap, high = (f"{100 * value:.2g} %" for value in (risk.low, risk.gap, risk.high))
    return f"tying by {name} costs {gap} of the variance of the labels [{low}, {high}] on these inputs"


def _unassured(found: RelationFamily) -> str:
    several = len(found.unassured) > 1
    return (
        f"the relation is rejected under {_listed(found.unassured)}, but the inputs show little of it: the level of "
        f"{'these rejections' if several else 'this rejection'} is not assured; give rows that show other sides"
    )


def _listed(names: Sequence[str], most: int = 4) -> str:
    if len(names) > most:
        return f"{', '.join(names[:most])} and {plural(len(names) - most, 'more group')}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
