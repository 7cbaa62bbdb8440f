"""A closer look at groups: what is broken where one was rejected, and what tying costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import Group
from sharefind.inference import Diagnosis, FamilyTest, RandomisationTest, Verdict, diagnose, risk_gap
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.relation.risk_gap import CrossValidation, FreeFit, free_fit
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.parallel import Workers
from sharefind.progress import StageProgress
from sharefind.rng import named_stream
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.law_tests import is_inside, tested_samples
from sharefind.search.memory import DIAGNOSIS, Memory
from sharefind.search.symmetries import Symmetries


def diagnoses(
    problem: TestedProblem,
    memory: Memory,
    progress: StageProgress,
    most: int = 4,
    most_related: int = 12,
    fewest_samples: int = 20,
    constant: float = 1e-10,
) -> dict[str, Diagnosis]:
    """A closer look at groups, the largest first.

    Where the law decides, these are the rejected groups nearest to what holds, and the candidate itself when it is
    rejected; where the relation does, all candidates. Where the relation was tested, so that prices are shown, the
    accepted group is one of them. None where there are too few samples or units for a risk gap, or where all labels are
    equal and nothing can be predicted.

    Args:
        problem: The problem of the search.
        memory: Diagnoses that were finished before.
        progress: Called before each.
        most: Rejected groups that are looked at where the law decides; each costs seconds.
        most_related: Groups that are looked at where the relation decides.
        fewest_samples: Fewest samples of a risk gap by cross-validation.
        constant: Relative difference of labels that is rounding.

    Returns:
        Diagnoses by the name of the group.
    """
    found, settings = problem.symmetries, problem.settings
    nodes = () if problem.lattice is None else problem.lattice.nodes
    groups = {problem.label_of(g): g for node in nodes for g in node.groups}
    if found is None or found.family is None:
        return {}
    related = found.decided_by == "relation"
    chosen = (
        _largest(found.family, groups)[:most_related] if related else _nearest_rejected(found.family, groups)[:most]
    )
    if not chosen:
        return {}
    x, y = tested_samples(problem)
    few = problem.units is not None and int(problem.units.max()) + 1 < 2 * CrossValidation.folds
    if few or len(x) < fewest_samples or bool(((y - y[0]).abs() <= constant * y.abs().max()).all()):
        return {}
    if found.relation is not None:
        chosen += [n for n in found.family.maximal[:1] if n in groups and n not in chosen]
    kept = {name: memory.get(DIAGNOSIS, name) for name in chosen}
    done = {name: diagnosis for name, diagnosis in kept.items() if diagnosis is not None}
    missing = [name for name in chosen if name not in done]

    def report() -> None:
        left = next((name for name in chosen if name not in done), None)
        if left is not None:
            progress(f"diagnosis of {left}", len(done), len(chosen))

    if missing:
        progress("diagnosis of the free model", len(done), len(chosen))
    looks = _looks(problem, found, {name: groups[name] for name in missing}, (x, y))
    report()
    with closing(settings.workers.map(_look_closely, looks)) as results:
        for place, diagnosis in results:
            memory.put(DIAGNOSIS, missing[place], diagnosis)
            done[missing[place]] = diagnosis
            report()
    return {name: done[name] for name in chosen}


def _looks(
    problem: TestedProblem, found: Symmetries, groups: Mapping[str, Group], data: tuple[Tensor, Tensor]
) -> list[_Look]:
    if not groups:
        return []
    common = _Common.of(problem, *data)
    return [_Look(common, problem.joint_action(g), name, _Known.of(found, name)) for name, g in groups.items()]


@dataclass(frozen=True)
class _Common:
    """The common arguments of all looks of a search; data: x (n, d_in) and y (n, d_out)."""

    data: tuple[NDArray[np.float64], NDArray[np.float64]]
    seed: int
    alpha: float
    copies: int
    worker: Workers
    units: Tensor | None
    has_classes: bool
    free: FreeFit

    @classmethod
    def of(cls, problem: TestedProblem, x: Tensor, y: Tensor) -> _Common:
        settings = problem.settings
        with rows_looked_at():
            free = free_fit(x, y, named_stream(settings.seed, "diagnosis", "free"), problem.units)
        data, alone, has_classes = (x.numpy(), y.numpy()), settings.workers.alone, bool(problem.task.classes)
        return cls(data, settings.seed, settings.alpha, settings.copies, alone, problem.units, has_classes, free)


@dataclass(frozen=True)
class _Known:
    """The results of earlier tests of a group; `is_settled`: its inputs need no further test."""

    is_settled: bool
    inputs: RandomisationTest | None
    are_inputs_broken: bool | None
    is_relation_broken: bool | None

    @classmethod
    def of(cls, found: Symmetries, name: str) -> _Known:
        inputs, relation = (
            None if family is None or name not in family.verdicts else family.verdicts[name] is Verdict.REJECTED
            for family in (found.inputs, None if found.relation is None else found.relation.family)
        )
        test = None if found.inputs is None else found.inputs.tests.get(name)
        is_rejected = found.family is not None and found.family.verdicts.get(name) is Verdict.REJECTED
        return cls(inputs is not None or not is_rejected, test, inputs, relation)


@dataclass(frozen=True)
class _Look:
    """A diagnosis that is to be made."""

    common: _Common
    moves: JointAction
    name: str
    known: _Known


def _look_closely(look: _Look) -> Diagnosis:
    common, known = look.common, look.known
    x, y = (torch.tensor(v) for v in common.data)
    rng = named_stream(common.seed, "diagnosis", look.name)
    classes, free = common.has_classes, common.free
    with rows_looked_at():  # this may be a process of its own
        if known.is_settled:
            risk = risk_gap(x, y, look.moves, rng, has_classes=classes, free=free)
            return Diagnosis(known.inputs, risk, common.alpha, known.are_inputs_broken, known.is_relation_broken)
        return diagnose(
            *(x, y, look.moves, rng, common.alpha, common.copies, common.worker, common.units),
            has_classes=classes,
            free=free,
        )


def _largest(family: FamilyTest, groups: Mapping[str, Group]) -> list[str]:
    """All groups of a family, the largest first."""
    return sorted((n for n in family.verdicts if n in groups), key=lambda n: (-(groups[n].order or math.inf), n))


def _nearest_rejected(family: FamilyTest, groups: Mapping[str, Group]) -> list[str]:
    """Rejected groups that contain what is accepted and no smaller rejected one that does; the largest of all first."""
    rejected = [n for n in family.rejected if n in groups]
    order = {n: math.inf if groups[n].order is None else float(groups[n].order or 0) for n in rejected}
    kept = [groups[n] for n in family.maximal if n in groups]
    above = [n for n in rejected if all(is_inside(k, groups[n]) for k in kept)]
    least = [n for n in above if not any(is_inside(groups[m], groups[n]) for m in above)]
    if not rejected:
        return []
    largest = max(rejected, key=lambda n: order[n])
    return [largest, *sorted((n for n in least if n != largest), key=lambda n: (-order[n], n))]
