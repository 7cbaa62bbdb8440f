"""The record of mirror maps: the object under `mirror` in `sharefind.result/1`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from sharefind.column_names import kept_names
from sharefind.groups import FiniteGroup
from sharefind.groups.enumeration import enumerate_elements
from sharefind.inference import Verdict
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.map_explanations import ANSWERS
from sharefind.search.mirror_parts import MirrorMap, MirrorRow, MirrorStatus, MirrorTests, MovedColumn, OpenColumn
from sharefind.search.mirror_start import kept_columns
from sharefind.search.search_outcome import SearchOutcome
from sharefind.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from sharefind.proposal.mirrors.propose_mirrors import MirrorProposal
    from sharefind.proposal.mirrors.settling import ImagesLeft
    from sharefind.proposal.mirrors.signed_map import SignedMap


def mirror_row(outcome: SearchOutcome) -> MirrorRow | None:
    """Return the maps that hold, or the proposed maps where none does; None for a search for anything else.

    Args:
        outcome: The search.
    """
    problem = outcome.problem
    if problem.blind is None or problem.blind.maps is None:
        return None
    from sharefind.proposal.mirrors.settling import images_left

    found, group = problem.blind.maps, _shown(outcome)
    names = list(kept_names(problem.task.inputs, "x")), list(kept_names(problem.task.outputs, "y"))
    floor = _Floor.of(problem, found)
    maps = [] if group is None else generating_maps(group, *found.terms.linear[0].shape)
    left = [_open(one, found) for one in images_left(maps, found.terms)] if maps else []
    generators = [_mirror_map(g, names, floor.residual(g), one) for g, one in zip(maps, left, strict=True)]
    return MirrorRow(
        status=_status(problem, group, found, generators),
        group=None if group is None else group.name,
        order=None if group is None else group.order,
        generators=generators,
        tests=None if group is None else _tests(problem, group),
        inputs_aside=[names[0][a] for a in found.aside_inputs],
        outputs_aside=[names[1][j] for j in found.aside_outputs],
        inputs_one_sided=[names[0][a] for a in found.one_sided],
        products=len(found.terms.entered),
        r2=floor.r2,
        rows=floor.rows,
        log_odds=found.log_odds if found.maps else None,
        exhaustive=found.is_exhaustive,
    )


def _shown(outcome: SearchOutcome) -> FiniteGroup | None:
    """The group of E_*, or the candidate where E_* has none; None where no map was proposed."""
    problem = outcome.problem
    candidate = problem.candidate.group
    if not isinstance(candidate, FiniteGroup) or candidate.order == 1:
        return None
    place = problem.lattice_node(outcome.e_star)
    held = place.group if place is not None and place.groups else None
    if not isinstance(held, FiniteGroup) or held.order == 1 or outcome.e_star.space.is_zero:
        return candidate
    return candidate if held == candidate else held


def _status(
    problem: TestedProblem, group: FiniteGroup | None, found: MirrorProposal, maps: Sequence[MirrorMap]
) -> MirrorStatus:
    symmetries = problem.symmetries
    if group is None:
        return "none" if found.is_exhaustive else "undecided"
    if symmetries is None or symmetries.family is None:
        return "undecided"
    verdict = symmetries.family.verdicts.get(problem.label_of(group))
    is_open = any(g.inputs_open or g.outputs_open for g in maps)
    if verdict is None or (verdict is Verdict.ACCEPTED and is_open):
        return "undecided"
    return ANSWERS[verdict]


OpenImages = tuple[dict[int, list[int]], dict[int, list[int]]]
"""Columns of x and of y that are not settled, each with what it may get: positions from 1, with signs."""


def _open(left: ImagesLeft, found: MirrorProposal) -> OpenImages:
    """The images that the coefficients do not settle, except the ones set aside."""
    return _sources(left.inputs, found.aside_inputs), _sources(left.outputs, found.aside_outputs)


def _sources(left: BoolArray, aside: Sequence[int]) -> dict[int, list[int]]:
    several = np.flatnonzero(left.sum(axis=(0, 1)) != 1)
    signed = ((b, np.argwhere(left[:, :, b])) for b in several.tolist() if b not in aside)
    return {b: [int(-a - 1 if turned else a + 1) for turned, a in found] for b, found in signed}


def _tests(problem: TestedProblem, group: FiniteGroup) -> MirrorTests | None:
    """The p-values of the group."""
    symmetries, name = problem.symmetries, problem.label_of(group)
    if symmetries is None or symmetries.family is None:
        return None
    relation = None if symmetries.relation is None else symmetries.relation.family
    return MirrorTests(
        decided_by=symmetries.decided_by,
        law_p=_p_value(symmetries.law, name),
        inputs_p=_p_value(symmetries.inputs, name),
        relation_p=_p_value(relation, name),
    )


def _p_value(family: Any, name: str) -> float | None:
    return None if family is None else family.p_adjusted.get(name)


class _Floor:
    """The fitted polynomial on rows that took no part in the fit."""

    def __init__(self, x: FloatArray, y: FloatArray, found: MirrorProposal) -> None:
        self.x, self.found = x, found
        self.predicted = found.terms.predict(x)
        self.noise = np.sqrt(np.mean((y - self.predicted) ** 2, axis=0))
        self.spread = float(np.sum((y - y.mean(axis=0)) ** 2 / np.maximum(y.var(axis=0), np.finfo(float).tiny)))
        self.rows = len(x)
        varies = y.var(axis=0) > 0
        self.r2 = float(np.mean(1 - self.noise[varies] ** 2 / y.var(axis=0)[varies])) if varies.any() else None

    @classmethod
    def of(cls, problem: TestedProblem, found: MirrorProposal) -> _Floor:
        rows = slice(None) if problem.blind is None or problem.blind.rows is None else problem.blind.rows
        if problem.task.x is None or problem.task.y is None:
            raise TypeError("maps are found in finite data")
        x = kept_columns(problem.task.x[rows], found.aside_inputs)
        return cls(x, problem.task.y[rows], found)

    def residual(self, g: SignedMap) -> float | None:
        """Root mean square of f(g x) - g f(x), in units of the residuals of the label it belongs to."""
        moved, there = np.empty_like(self.x), np.empty_like(self.predicted)
        moved[:, g.in_images] = self.x * g.in_signs
        there[:, g.out_images] = self.predicted * g.out_signs
        known = self.noise > 0
        if not known.any():
            return None
        gap = np.mean((self.found.terms.predict(moved) - there) ** 2, axis=0)[known]
        return float(np.sqrt(np.mean(gap / self.noise[known] ** 2)))


def _mirror_map(
    g: SignedMap, names: tuple[list[str], list[str]], residual: float | None, left: OpenImages
) -> MirrorMap:
    on_x, on_y = (
        [OpenColumn(column=side[b], sources=sources) for b, sources in one.items()]
        for side, one in zip(names, left, strict=True)
    )
    return MirrorMap(
        order=_order(g),
        inputs=_moved(g.in_images, g.in_signs, names[0]),
        outputs=_moved(g.out_images, g.out_signs, names[1]),
        on_inputs=[int((k + 1) * s) for k, s in zip(g.in_images, g.in_signs, strict=True)],
        on_outputs=[int((k + 1) * s) for k, s in zip(g.out_images, g.out_signs, strict=True)],
        residual=residual,
        inputs_open=on_x,
        outputs_open=on_y,
    )


def _moved(images: IntArray, signs: IntArray, names: Sequence[str]) -> list[MovedColumn]:
    """The columns that move, in their order, each with what it gets."""
    source = np.argsort(images)
    return [
        MovedColumn(column=names[k], source=names[source[k]], sign=1 if signs[source[k]] > 0 else -1)
        for k in range(len(images))
        if source[k] != k or signs[source[k]] < 0
    ]


def _order(g: SignedMap) -> int:
    points = np.array(g.points())
    power, order = points, 1
    while not np.array_equal(power, np.arange(len(points))):
        power, order = points[power], order + 1
    return order


def generating_maps(group: FiniteGroup, d_out: int, d_in: int, most: int = 40) -> list[SignedMap]:
    """Few elements that generate a group, those of small order that leave most columns in place first.

    Args:
        group: The group on the points of `mirror_layout`.
        d_out: Number of labels.
        d_in: Number of inputs.
        most: Elements that are looked at; a larger group is given by its own generators.

    Returns:
        The maps.
    """
    from sharefind.proposal.mirrors.signed_map import from_points, mirror_layout

    layout = mirror_layout(d_out, d_in)
    if not group.is_listable:
        return [from_points(g, layout) for g in group.generators]
    elements = [from_points(g, layout) for g in group.elements()[1:]]
    ranked = sorted(elements, key=lambda g: (_order(g), *_places(g), g.points()))[:most]
    for count in (1, 2, 3):
        for chosen in combinations(ranked, count):
            if _generated(chosen) == group.order:
                return list(chosen)
    return [from_points(g, layout) for g in group.generators]


def _places(g: SignedMap) -> tuple[int, int]:
    """How many labels and inputs leave their place, and how many change."""
    out, on = np.arange(len(g.out_images)), np.arange(len(g.in_images))
    left = int((g.out_images != out).sum() + (g.in_images != on).sum())
    return left, int(g.moved_outputs.sum() + g.moved_inputs.sum())


def _generated(maps: Sequence[SignedMap], most: int = 20_000) -> int:
    listed = enumerate_elements(np.array([g.points() for g in maps], dtype=np.int64), most)
    return 0 if listed is None else len(listed.elements)
