"""Why the user's maps of columns are wrong: some rows examine them, and the others test the nearest maps."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import InputError, one_line
from sharefind.groups import FiniteGroup
from sharefind.groups.column_maps import ColumnMap, column_maps, generated, map_table
from sharefind.inference import FamilyTest, Verdict
from sharefind.inference.maps.map_explanation import Answer, MapExplanation, MapTest, explain_map
from sharefind.inference.row_blocks import renumbered
from sharefind.progress import StageProgress
from sharefind.rng import named_stream
from sharefind.search.building import build_problem
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.law_tests import candidate_family, law_test, relation_rows
from sharefind.search.memory import MAP, Memory, NoMemory
from sharefind.search.problem import ActingGroup, Problem
from sharefind.search.relation_groups import has_relation_test
from sharefind.search.relations import relations_of
from sharefind.search.search_outcome import SearchOutcome

ANSWERS: dict[Verdict, Answer] = {
    Verdict.ACCEPTED: "accepted",
    Verdict.REJECTED: "rejected",
    Verdict.UNDECIDED: "undecided",
}
"""Verdicts as a `MapTest` has them."""


OWN = ("block_length", "unit", "hidden_rep", "replicates")
"""Settings that another map chooses for itself."""


def map_explanations(
    problem: TestedProblem, memory: Memory, progress: StageProgress, most_generators: int = 6
) -> tuple[MapExplanation, ...]:
    """The faults of maps of columns: the generators of the user's candidate, which was not accepted.

    Half of the rows show where a map misfits and what is nearest to it. That is tested on the others, by the tests of
    the search; its p-value is its own, since those rows had no part in choosing it.

    Args:
        problem: The problem of the search.
        memory: Explanations that were finished before.
        progress: Called before each map.
        most_generators: Generators that are looked at.

    Returns:
        One for each generator whose own group was not accepted; none where a group has a name, was proposed or is a
        recommendation of the data, or does more than move columns and change their signs.
    """
    maps, task = _given_maps(problem), cast("Any", problem.task)
    decides = problem.family is not None and problem.settings.stopping.decides_by_tests
    if maps is None or not decides or not is_dataclass(task):
        return ()
    wrong = [k for k, one in enumerate(maps) if one.period > 1 and not _holds(problem, k)][:most_generators]
    found = list[MapExplanation]()
    for done, k in enumerate(wrong):
        key = f"generator {k}"
        known = memory.get(MAP, key)
        if known is None:
            progress(f"explanation of map {k + 1}", done, len(wrong))
            try:
                known = replace(_explained(problem, maps[k], k), generator=k)
            except InputError as error:
                known = MapExplanation(maps[k], k, missing=one_line(error))
            memory.put(MAP, key, known)
        found.append(known)
    return tuple(found)


def _given_maps(problem: Problem) -> tuple[ColumnMap, ...] | None:
    """The generators of a candidate that the user gave by its action on columns."""
    config, action = problem.settings.config, getattr(problem.task, "action", None)
    is_file = config.generators is not None or config.map is not None
    is_recommended = action is not None and problem.candidate.in_rep is action.in_rep
    is_candidate = config.group is None and not config.blind and not is_recommended
    if not (is_file or is_candidate) or not isinstance(problem.candidate.group, FiniteGroup):
        return None
    return column_maps(problem.candidate.in_rep, problem.candidate.out_rep)


def _holds(problem: TestedProblem, generator: int) -> bool:
    """Whether the group that one generator generates was accepted."""
    group, family = problem.candidate.group, problem.family
    if family is None or not isinstance(group, FiniteGroup):
        return False
    alone = FiniteGroup("one generator", group.degree, (group.generators[generator],))
    names = (name for name, verdict in family.verdicts.items() if verdict is Verdict.ACCEPTED)
    named = {label: g for g, label in problem.labels.items()}
    return any(isinstance(g := named.get(name), FiniteGroup) and alone.is_subgroup_of(g) for name in names)


def _explained(problem: TestedProblem, given: ColumnMap, generator: int) -> MapExplanation:
    x, y, units = relation_rows(problem)
    rng = named_stream(problem.settings.seed, "map", f"generator {generator}")
    first, second = _halves(len(x), units, rng)
    few = 2 * (x.shape[1] + 1)
    if len(first) <= few or len(second) <= few:
        half = min(len(first), len(second))
        return MapExplanation(
            given,
            missing=f"half of the rows, {half}, are too few to look at {x.shape[1]} inputs; more than {few} are needed",
        )
    units_of_second = None if units is None else renumbered(units[second])

    def test(near: ColumnMap) -> MapTest:
        return _tested(problem, near, (x[second], y[second], units_of_second))

    own = None if units is None else units[first].numpy()
    data, classes = (x[first].numpy(), y[first].numpy()), bool(problem.task.classes)
    return explain_map(*data, given, rng, own, laws=_laws(problem), test=test, has_classes=classes)


def _laws(problem: Problem) -> tuple[bool, ...]:
    """Whether the law of X must be kept by the nearest map, in the order in which that is tried."""
    asked = problem.settings.symmetry
    if asked == "relation":
        return (False,)
    return (True, False) if asked == "auto" and has_relation_test(problem.candidate.group) else (True,)


def _halves(n: int, units: Tensor | None, rng: np.random.Generator, most: int = 6_000) -> tuple[Tensor, Tensor]:
    """Return rows that look, `most` at most, and rows that test; units stay together."""
    number = torch.arange(n) if units is None else units
    count = int(number.max()) + 1
    looks = torch.zeros(count, dtype=torch.bool)
    looks[torch.from_numpy(rng.permutation(count)[: count // 2])] = True
    first = torch.nonzero(looks[number]).ravel()
    return first[:most], torch.nonzero(~looks[number]).ravel()


def _tested(problem: Problem, near: ColumnMap, rows: tuple[Tensor, Tensor, Tensor | None]) -> MapTest:
    """The tests of the search, of the group that one map generates.

    Args:
        problem: The problem of the search.
        near: The map.
        rows: Inputs, labels and units that have not proposed it.
    """
    x, y, units = rows
    file = generated(near, "nearest map", problem.settings.config.limits)
    # Units are numbered already; another unit, since the given one need not commute with the signs of this map.
    config = problem.settings.config.model_copy(update=dict.fromkeys(OWN))
    numbers = None if units is None else units.numpy()
    task: Any = replace(cast("Any", problem.task), x=x.numpy(), y=y.numpy(), units=numbers, sampler=None, unit=None)
    other = build_problem(config, task, ActingGroup(file.group, file.in_rep, file.out_rep))
    other = replace(other, settings=replace(other.settings, workers=problem.settings.workers))
    family = candidate_family(other, whole=True)
    if family is None:
        return MapTest("undecided", None, "law", len(x))
    law = None if problem.settings.symmetry == "relation" else law_test(other, family, NoMemory(), _quiet)
    found = relations_of(other, family, law, None, NoMemory(), _quiet)
    relation = None if found.relation is None else found.relation.family
    decided: FamilyTest | None = law if found.decided_by == "law" else relation
    (name,) = (one.name for one in family.candidates)
    if decided is None:
        return MapTest("undecided", None, found.decided_by, len(x))
    test = decided.tests.get(name)
    answer = Verdict.UNDECIDED if name in decided.open else decided.verdicts[name]
    return MapTest(ANSWERS[answer], None if test is None else test.p_value, found.decided_by, len(x))


def nearest_table(outcome: SearchOutcome) -> str:
    """Return the candidate's maps as a table, each wrong map replaced by the nearest one; "" where none is known.

    Args:
        outcome: The outcome of a search.
    """
    maps, nearest = _given_maps(outcome.problem), {found.generator: found.nearest for found in outcome.maps}
    if maps is None or not any(nearest.values()):
        return ""
    task = outcome.problem.task
    return map_table([nearest.get(k) or one for k, one in enumerate(maps)], task.inputs, task.outputs)


def _quiet(stage: str, done: int, total: int) -> None:
    """Tell nothing: the map as a whole is one stage."""
