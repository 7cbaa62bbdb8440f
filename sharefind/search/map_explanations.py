"""Why maps of columns that somebody gave are wrong: rows that look at them, and others that test what is nearest."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from sharefind.exact.matrices import signed_permutation_matrix
from sharefind.groups import FiniteGroup, GeneratorFile
from sharefind.groups.column_maps import ColumnMap, column_maps, map_table
from sharefind.groups.files import group_of_matrices
from sharefind.inference import Candidate, CandidateFamily, FamilyTest, Verdict
from sharefind.inference.maps.map_explanation import MapExplanation, MapTest, explain_map
from sharefind.inference.row_blocks import renumbered
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.rng import named_stream
from sharefind.search.experiments import StageProgress
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.law_tests import law_test, relation_rows
from sharefind.search.memory import MAP, Memory, NoMemory
from sharefind.search.problem import Problem
from sharefind.search.relation_groups import has_relation_test
from sharefind.search.relations import relations_of
from sharefind.search.search_outcome import SearchOutcome

ANSWERS = {Verdict.ACCEPTED: "accepted", Verdict.REJECTED: "rejected", Verdict.UNDECIDED: "undecided"}
"""Verdicts as a `MapTest` has them."""


def map_explanations(
    problem: TestedProblem, memory: Memory, progress: StageProgress, most_generators: int = 6
) -> tuple[MapExplanation, ...]:
    """What is wrong with maps of columns: the generators of a candidate that was given, and was not accepted.

    Half of the rows show where a map misfits and what is nearest to it. That is tested on the others, by the tests of
    the search; its p-value is its own, since those rows had no part in choosing it.

    Args:
        problem: What was searched.
        memory: Explanations that were finished before.
        progress: Called before each map.
        most_generators: Generators that are looked at.

    Returns:
        One for each generator whose own group was not accepted; none where a group has a name, was proposed or is a
        recommendation of the data, or does more than move columns and change their signs.
    """
    maps = _given_maps(problem)
    if maps is None or problem.family is None or not problem.settings.stopping.decides_by_tests:
        return ()
    wrong = [k for k, one in enumerate(maps) if one.period > 1 and not _holds(problem, k)][:most_generators]
    found = list[MapExplanation]()
    for done, k in enumerate(wrong):
        key = f"generator {k}"
        known = memory.get(MAP, key)
        if known is None:
            progress(f"explanation of map {k + 1}", done, len(wrong))
            known = replace(_explained(problem, maps[k], k), generator=k)
            memory.put(MAP, key, known)
        found.append(known)
    return tuple(found)


def _given_maps(problem: Problem) -> tuple[ColumnMap, ...] | None:
    """The generators of a candidate that somebody gave by what it does to columns."""
    config, action = problem.settings.config, getattr(problem.task, "action", None)
    is_file = config.generators is not None or config.map is not None
    is_candidate = config.group is None and not config.blind and action is None
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
    other = _with_rows(problem, x[second], y[second], None if units is None else renumbered(units[second]))
    if other is None:
        return MapExplanation(given, missing="the samples cannot be split")

    def test(near: ColumnMap) -> MapTest:
        return _tested(other, near)

    own = None if units is None else units[first].numpy()
    return explain_map(x[first].numpy(), y[first].numpy(), given, rng, own, laws=_laws(problem), test=test)


def _laws(problem: Problem) -> tuple[bool, ...]:
    """Whether the law of X must be kept by the nearest map, in the order in which that is tried."""
    asked = problem.settings.symmetry
    if asked == "relation":
        return (False,)
    return (True, False) if asked == "auto" and has_relation_test(problem.candidate.group) else (True,)


def _halves(n: int, units: Tensor | None, rng: np.random.Generator, most: int = 6_000) -> tuple[Tensor, Tensor]:
    """Rows that look, at most so many, and rows that test; units stay together."""
    number = torch.arange(n) if units is None else units
    count = int(number.max()) + 1
    looks = torch.zeros(count, dtype=torch.bool)
    looks[torch.from_numpy(rng.permutation(count)[: count // 2])] = True
    first = torch.nonzero(looks[number]).ravel()
    return first[:most], torch.nonzero(~looks[number]).ravel()


def _with_rows(problem: TestedProblem, x: Tensor, y: Tensor, units: Tensor | None) -> Problem | None:
    """The problem with other rows; None where its task is not a value of which a copy can be made."""
    if not is_dataclass(problem.task):
        return None
    task: Any = replace(cast("Any", problem.task), x=x.numpy(), y=y.numpy(), units=None, sampler=None)
    return replace(problem, task=task, units=units, x=x, y=y)


def _tested(problem: Problem, near: ColumnMap) -> MapTest:
    """The tests of the search, of the group that one map generates."""
    file = group_of(near, "nearest map", problem)
    action = JointAction(file.in_rep, file.out_rep)
    family = CandidateFamily(
        (Candidate(file.group.name, action, file.group.order, file.group),), np.zeros((1, 1), bool)
    )
    memory, quiet = NoMemory(), _quiet
    rows = 0 if problem.task.x is None else len(problem.task.x)
    law = None if problem.settings.symmetry == "relation" else law_test(problem, family, memory, quiet)
    found = relations_of(problem, family, law, None, memory, quiet)
    relation = None if found.relation is None else found.relation.family
    decided: FamilyTest | None = law if found.decided_by == "law" else relation
    if decided is None:
        return MapTest("undecided", None, found.decided_by, rows)
    test = decided.tests.get(file.group.name)
    verdict = decided.verdicts[file.group.name]
    answer = "undecided" if file.group.name in decided.open else ANSWERS[verdict]
    return MapTest(cast("Any", answer), None if test is None else test.p_value, found.decided_by, rows)


def group_of(near: ColumnMap, name: str, problem: Problem) -> GeneratorFile:
    """The group that a map generates, with its action on inputs and on outputs.

    Args:
        near: The map.
        name: Of the group.
        problem: Has the limits.
    """
    ins, outs = (signed_permutation_matrix(s.images, s.signs.astype(np.int8)) for s in (near.inputs, near.outputs))
    return group_of_matrices(name, name, [ins], [outs], problem.settings.config.limits)


def nearest_table(outcome: SearchOutcome) -> str:
    """The candidate's maps with the nearest one in the place of each that is wrong, as a table; "" where none is known.

    Args:
        outcome: Of a search.
    """
    maps, nearest = _given_maps(outcome.problem), {found.generator: found.nearest for found in outcome.maps}
    if maps is None or not any(nearest.values()):
        return ""
    task = outcome.problem.task
    return map_table([nearest.get(k) or one for k, one in enumerate(maps)], task.inputs, task.outputs)


def _quiet(stage: str, done: int, total: int) -> None:
    """Tell nothing: the map as a whole is one stage."""
