"""Rows of the tables of a run as plain text: headings and cells, the same on a terminal and on a page.

`tables` and `page_parts` format them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from sharefind.column_names import name_words
from sharefind.report.text.move_words import point_words
from sharefind.report.text.relation_words import decides_by_relation
from sharefind.report.text.runs import RunView
from sharefind.report.text.subgroup_words import subgroup_words
from sharefind.report.text.verdict import proposal, stabiliser_sentence
from sharefind.search import Growth, NodeEvidence, SearchNode
from sharefind.search.result import Result
from sharefind.search.result_parts import ClassYardstick, DiagnosisRow, SymmetryRow
from sharefind.search.three_verdicts import answer_words, likeliest_words
from sharefind.written import NOTHING, number, order

NODE_HEADINGS = ("node", "space", "dim", "dist^2", "RMD^2", "delta", "p", "adj. p", "decision")
SYMMETRY_HEADINGS = ("group", "order", "p", "adj. p", "z", "seconds", "verdict")
DIAGNOSIS_HEADINGS = ("group", "broken", "p, inputs alone", "tied model loses (95 %)", "R^2 tied", "R^2 free")
OPEN_HEADINGS = ("space", "dim", "proposed from", "explained")


def node_cells(node: SearchNode, evidence: NodeEvidence, mark: str = "") -> tuple[str, ...]:
    """Return the cells of a visited node, under `NODE_HEADINGS`.

    Args:
        node: The node.
        evidence: Its evidence.
        mark: A mark after its number.
    """
    values = (evidence.dist2, evidence.rmd2, evidence.delta, evidence.p_value, evidence.p_adjusted)
    cells = (f"{node.number}{mark}", node.label, str(node.space.dim), *map(number, values))
    return (*cells, evidence.decision.value)


def symmetry_cells(row: SymmetryRow, seconds: float | None) -> tuple[str, ...]:
    """Return the cells of a candidate group, under `SYMMETRY_HEADINGS`.

    Args:
        row: The group.
        seconds: Duration of its test; None if it had no test of its own.
    """
    cost = NOTHING if seconds is None else f"{seconds:.2f}"
    numbers = map(number, (row.p_value, row.p_adjusted, row.z))
    return (row.group, order(row.order), *numbers, cost, row.verdict)


def nearest(rows: Sequence[SymmetryRow], alpha: float, most: int) -> list[SymmetryRow]:
    """Return the rows whose adjusted p-values are nearest to alpha, by ratio, in their order.

    Args:
        rows: The candidate groups.
        alpha: Level of the tests.
        most: Largest number of rows.
    """

    def distance(row: SymmetryRow) -> float:
        p = row.p_adjusted if row.p_adjusted is not None else row.p_value
        return math.inf if p is None else abs(math.log(max(p, sys.float_info.min) / alpha))

    kept = sorted(range(len(rows)), key=lambda k: distance(rows[k]))[:most]
    return [rows[k] for k in sorted(kept)]


def statistic_name(rows: Sequence[SymmetryRow]) -> str:
    """Return the name of the statistic of the exact tests, or several names if groups were decided by different ones.

    Args:
        rows: The candidate groups.
    """
    return " and ".join(dict.fromkeys(row.statistic for row in rows if row.statistic is not None)) or "none"


def diagnosis_cells(name: str, row: DiagnosisRow) -> tuple[str, ...]:
    """Return the cells of a rejected group, under `DIAGNOSIS_HEADINGS`.

    Args:
        name: Name of the group.
        row: Its diagnosis.
    """
    low, high = (f"{100 * v:.2g}" for v in row.risk_gap_interval)
    loss = f"{100 * row.risk_gap:.2g} % [{low}, {high}]" if row.reference_fits else "the reference model does not fit"
    return (name, row.cause, number(row.inputs_p_value), loss, f"{row.tied_r2:.3f}", f"{row.free_r2:.3f}")


def yardstick_rows(result: Result) -> list[tuple[str, str]]:
    """Return names and scores of the usual model, the unit on E_* and the free unit, under `yardstick_headings`.

    Args:
        result: The result of a search; without a comparison of models there are no rows.
    """
    found = result.yardstick
    if not found:
        return []
    no_space = "{0}: a constant" if result.e_star.dim == 0 else "no space holds"
    if found.classes is not None:
        return _class_rows(found.classes, no_space)
    rows = (
        ("least squares", found.least_squares, "not determined"),
        ("shared (E_*)", found.tied, no_space),
        ("untied (Z)", found.free, NOTHING),
    )
    return [(name, missing if value is None else f"{value:.3f}") for name, value, missing in rows]


def _class_rows(found: ClassYardstick, no_space: str) -> list[tuple[str, str]]:
    rows = (
        ("class shares", found.baseline, NOTHING),
        ("multinomial regression", found.regression, "one class"),
        ("shared (E_*)", found.tied, no_space),
        ("untied (Z)", found.free, NOTHING),
    )
    return [
        (name, missing if score is None else f"{score.accuracy:.3f}, {score.log_loss:.3f}")
        for name, score, missing in rows
    ]


def yardstick_headings(result: Result) -> tuple[str, str]:
    """Return the headings of `yardstick_rows`.

    Args:
        result: The result of a search.
    """
    has_classes = result.yardstick is not None and result.yardstick.classes is not None
    return ("model", f"{'accuracy, log loss' if has_classes else 'R^2'} on rows kept apart")


def _listed(names: Sequence[str], most: int = 12) -> str:
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])


def yardstick_note(result: Result) -> str:
    """Return the number of held-out rows, or why the models were not compared; "" if this was not requested.

    Args:
        result: The result of a search.
    """
    found, why = result.yardstick, result.yardstick_missing
    if found:
        names = [name_words(name) for name in result.classes]
        classes = f"{len(names)} classes: {_listed(names)}; " if names else ""
        return f"{classes}{found.rows:,} rows kept apart; networks fitted briefly, sharefind train trains in full"
    return f"No yardstick: {why}." if why else ""


def open_cells(view: RunView, node: SearchNode) -> tuple[str, ...]:
    """Return the cells of a node that was never visited, under `OPEN_HEADINGS`, with the growth that explains most.

    Args:
        view: The run.
        node: The node.
    """
    growths = view.growths_to(node)
    if not growths:  # the first node of a search that was stopped before its first visit
        return (node.label, str(node.space.dim), NOTHING, NOTHING)
    return (node.label, str(node.space.dim), view.lattice.node(growths[0].source).label, share(growths[0]))


def share(growth: Growth) -> str:
    """Return the share of the escape that a growth explains, in percent.

    Args:
        growth: The growth.
    """
    return f"{round(100 * growth.explained)} %"


def origin_cells(result: Result) -> dict[str, str]:
    """Return the origin of the symmetry found: the proposal, the candidate, its points, and the stabiliser.

    Args:
        result: The result of a search.
    """
    candidate, stabiliser = result.group, result.e_star.stabiliser
    cells = {"proposed": proposal(result.blind)} if result.blind else {}
    if result.subgroups:
        cells["proposed"] = subgroup_words(result)
    cells["candidate"] = f"{candidate.name}, order {order(candidate.order)}"
    points = point_words(result)
    if points:
        cells["points"] = points
    if stabiliser is not None:
        cells["stabiliser"] = stabiliser_sentence(stabiliser, result)
    if result.likeliest is not None:
        tested = answer_words(result.maximal, result.undecided, result.rejected, result.accepted)
        cells["likeliest"] = likeliest_words(result.likeliest, tested, result.maximal)
    return cells


def tests_title(result: Result) -> str:
    """Return a title for the tests of the candidate groups, in lower case.

    Args:
        result: The result of a search.
    """
    if result.symmetry == "relation":
        return "tests of the relation"
    return "exact tests of the law of (X, Y)" if decides_by_relation(result) else "exact tests"


def tests_name(result: Result) -> str:
    """Return a headline for all tests of the candidate groups.

    Args:
        result: The result of a search.
    """
    if result.symmetry == "relation":
        return "Tests of the relation"
    return "Tests of the law and of the relation" if decides_by_relation(result) else "Exact tests"


def verdict_rows(rows: Sequence[SymmetryRow], alpha: float, most: int) -> list[SymmetryRow]:
    """Return the most informative rows of the three verdicts, in their order: tested ones, nearest to alpha first.

    Args:
        rows: The candidate groups.
        alpha: Level of the tests.
        most: Largest number of rows.
    """

    def rank(row: SymmetryRow) -> tuple[bool, float]:
        p = None if row.relation is None else row.relation.p_value
        return p is None and row.price is None, math.inf if p is None else abs(math.log(max(p, 1e-300) / alpha))

    kept = sorted(range(len(rows)), key=lambda k: rank(rows[k]))[:most]
    return [rows[k] for k in sorted(kept)]
