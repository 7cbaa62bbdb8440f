"""The three verdicts on each candidate group as text: inputs, relation, price; and the likeliest group beside them.

Every way of showing a result takes its cells from here, and sets its own table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sharefind.inference.relation.relation_verdicts import Doubt
from sharefind.search.result_parts import InputLawRow, LikeliestGroup, PriceRow, RelationRow, SymmetryRow
from sharefind.written import NOTHING, number, order, share

VERDICT_HEADINGS = (
    "group", "order", "p, inputs", "inputs", "p, relation", "overlap", "relation", "break seen", "tying (95 %)",
)  # fmt: skip
"""Headings of the table of the three verdicts."""

VERDICT_TEXTS = ("group", "inputs", "relation", "tying (95 %)")
"""Headings of the columns that hold words."""

ONE_SIDED = "undecided, one side seen"
DOUBTS: Mapping[str | None, str] = MappingProxyType(
    {
        Doubt.CONTRADICTED.value: "own test against it",
        Doubt.CONFLICT.value: "in conflict",
        Doubt.BESIDE.value: "less evidence",
        Doubt.LARGER.value: "inside such a group",
    }
)
"""Why a group is undecided, in a cell."""

UNASSURED = "rejected, not assured"

VERDICT_NOTE = (
    "inputs: exact test of the law of X. relation: test of E[Y | X], level by simulation. overlap: what the inputs can "
    "say about it, 0 to 1. break seen: with probability .8, in standard deviations of the signal. tying: on rows kept "
    "apart, in % of the labels' variance."
)
"""The content of the columns."""

Grid = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Headings, and the cells of each row."""


def has_verdicts(rows: Sequence[SymmetryRow]) -> bool:
    """Return whether more than the law of (X, Y) was tested: the inputs alone, or the relation.

    Args:
        rows: Rows of a result.
    """
    return any(row.inputs is not None or row.relation is not None for row in rows)


def has_relation(rows: Sequence[SymmetryRow]) -> bool:
    """Return whether the relation was tested.

    Args:
        rows: Rows of a result.
    """
    return any(row.relation is not None for row in rows)


def verdict_table(rows: Sequence[SymmetryRow], shown: Sequence[SymmetryRow] | None = None) -> Grid:
    """The three verdicts of candidate groups, without columns that hold nothing.

    Args:
        rows: All rows of a result; they name the group inside which another one lies.
        shown: Rows that get a line; all where None.

    Returns:
        Headings and cells.
    """
    cells = [verdict_cells(row, rows) for row in (rows if shown is None else shown)]
    kept = [k for k in range(len(VERDICT_HEADINGS)) if k == 0 or any(line[k] != NOTHING for line in cells)]
    return tuple(VERDICT_HEADINGS[k] for k in kept), [tuple(line[k] for k in kept) for line in cells]


def verdict_cells(row: SymmetryRow, rows: Sequence[SymmetryRow]) -> tuple[str, ...]:
    """Return the cells of a candidate group under `VERDICT_HEADINGS`.

    Args:
        row: The group.
        rows: All groups.
    """
    inputs, relation = row.inputs, row.relation
    seen = None if relation is None else relation.detectable
    return (
        row.group,
        order(row.order),
        number(None if inputs is None else inputs.p_value),
        NOTHING if inputs is None else inputs.verdict if inputs.p_value is not None else _inside(row, rows, "inputs"),
        number(None if relation is None else relation.p_value),
        NOTHING if relation is None or relation.overlap is None else f"{relation.overlap:.2f}",
        NOTHING if relation is None else _relation_words(relation) or _inside(row, rows, "relation"),
        NOTHING if seen is None else f"{seen:.2g} sd",
        NOTHING if row.price is None else price_words(row.price),
    )


def _relation_words(found: RelationRow) -> str:
    """The verdict; "" where the group has no test of its own."""
    if found.p_value is None:
        return ""
    if found.one_sided:
        return ONE_SIDED
    if found.doubt in DOUBTS:
        return f"{found.verdict}, {DOUBTS[found.doubt]}"
    return UNASSURED if found.verdict == "rejected" and not found.level_assured else found.verdict


def _inside(row: SymmetryRow, rows: Sequence[SymmetryRow], side: str) -> str:
    """Why a group has no test of its own: it lies inside one that was not rejected."""
    own = getattr(row, side)
    homes = [other.group for other in rows if _may_hold(other, row, getattr(other, side), own)]
    return f"inside {homes[0]}" if len(homes) == 1 else "inside another"


def _may_hold(
    outer: SymmetryRow,
    inner: SymmetryRow,
    tested: InputLawRow | RelationRow | None,
    own: InputLawRow | RelationRow,
) -> bool:
    """Whether an untested group can lie inside a tested one: by orders, and by the p-value that it has from there."""
    if tested is None or tested.p_value is None or tested.verdict == "rejected":
        return False
    is_larger = outer.order is None or (inner.order is not None and outer.order % inner.order == 0)
    return is_larger and outer.group != inner.group and tested.p_adjusted == own.p_adjusted


def price_words(price: PriceRow) -> str:
    """Return the cost of tying in % of the variance of the labels: "loses 0.8 % [0.3, 1.2]", or "gains" where it helps.

    Args:
        price: Price of a group.
    """
    if not price.fits:
        return "not known: poor fit"
    low, high = price.interval
    is_gain = price.gap < 0
    values = (-price.gap, -high, -low) if is_gain else (price.gap, low, high)
    gap, first, last = _percents(values)
    return f"{'gains' if is_gain else 'loses'} {gap} % [{first}, {last}]"


def _percents(values: Sequence[float], most_digits: int = 3) -> tuple[str, ...]:
    """Percentages, to the digits that an interval of their width deserves."""
    percents = [100 * v for v in values]
    width = max(percents) - min(percents)
    digits = most_digits if width <= 0 else min(max(-math.floor(math.log10(width / 3)), 0), most_digits)
    while digits < most_digits and any(v and not round(v, digits) for v in percents):
        digits += 1  # on which side of 0 an end lies must be seen
    return tuple(f"{round(v, digits) + 0.0:.{digits}f}" for v in percents)


def likeliest_words(found: LikeliestGroup, tested: str, maximal: Sequence[str], least: float = 0.01) -> str:
    """Return the likeliest group beside the tested answer; short where both are the same.

    Args:
        found: The shares of groups.
        tested: The tested answer in words, such as "D4 not rejected".
        maximal: The largest groups that were accepted; none where no group was.
        least: Smallest share that is listed.
    """
    likeliest = f"{_name(found.name)}, share {share(found.share)}"
    others = [(n, s) for n, s in found.shares.items() if n != found.name and s >= least]
    rest = "".join(f", {_name(n)} {share(s)}" for n, s in sorted(others, key=lambda item: -item[1])[:3])
    if found.name in maximal or (not found.name and not maximal and tested == EVERY_REJECTED):
        split = rest if any(s > found.share for _, s in others) else ""
        return f"{likeliest}{split}, as tested (a share has no error rate)"
    exactly = "ask what holds exactly, and " if tested.endswith(BY_DISTANCE) else ""
    return f"{likeliest}{rest}; tested: {tested} (shares {exactly}have no error rate)"


EVERY_REJECTED = "every group rejected"
BY_DISTANCE = "by its distance"
"""Ends the tested answer where a tolerance, or a rule that compares distances, accepted a group that tests did not."""


def answer_words(
    maximal: Sequence[str],
    undecided: Sequence[str],
    rejected: Sequence[str],
    accepted: Sequence[str] = (),
    most: int = 3,
) -> str:
    """Return the tested answer in a few words.

    Args:
        maximal: The largest groups that were accepted.
        undecided: Groups that are undecided, the largest first.
        rejected: Groups that were rejected.
        accepted: All groups that were accepted, the largest first.
        most: Most groups that are named.
    """
    if maximal:
        return f"{', '.join(maximal[:most])} not rejected"
    if accepted:
        return f"{accepted[0]} {BY_DISTANCE}"
    if undecided:
        return f"{undecided[0]} undecided"
    return EVERY_REJECTED if rejected else "nothing"


def _name(group: str) -> str:
    return group or "no symmetry"
