"""A closer look at rejected groups: what is broken, and by how much; of relations, at what is left standing too."""

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
from sharefind.inference import Diagnosis, FamilyTest, diagnose
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.relation.risk_gap import CrossValidation
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.parallel import Workers
from sharefind.rng import named_stream
from sharefind.search.experiments import StageProgress
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.law_tests import is_inside, tested_samples
from sharefind.search.memory import DIAGNOSIS, Memory


def diagnoses(
    problem: TestedProblem,
    memory: Memory,
    progress: StageProgress,
    most: int = 4,
    fewest_samples: int = 20,
    constant: float = 1e-10,
) -> dict[str, Diagnosis]:
    """A closer look at the rejected groups nearest to what holds, and at the candidate itself when it is rejected.

    Where the relation decides, also at what tying by the accepted group and by the largest undecided one costs. The
    largest groups come first; none where there are too few samples or units for a risk gap, or where all labels are
    equal and nothing can be predicted.

    Args:
        problem: What was searched.
        memory: Diagnoses that were finished before.
        progress: Called before each.
        most: Groups that are looked at; each costs seconds.
        fewest_samples: Of a risk gap by cross-validation.
        constant: Relative difference of labels that is rounding.

    Returns:
        Diagnoses by the name of the group.
    """
    family, settings = problem.family, problem.settings
    nodes = () if problem.lattice is None else problem.lattice.nodes
    groups = {problem.label_of(g): g for node in nodes for g in node.groups}
    if family is None or not (family.rejected or problem.by_relation):
        return {}
    x, y = tested_samples(problem)
    few = problem.units is not None and int(problem.units.max()) + 1 < 2 * CrossValidation.folds
    if few or len(x) < fewest_samples or bool(((y - y[0]).abs() <= constant * y.abs().max()).all()):
        return {}
    chosen = [*(_left_standing(problem, family) if problem.by_relation else []), *_nearest_rejected(family, groups)]
    chosen = chosen[:most]
    known = {name: memory.get(DIAGNOSIS, name) for name in chosen}
    found = {name: diagnosis for name, diagnosis in known.items() if diagnosis is not None}
    missing = [name for name in chosen if name not in found]
    common = settings.seed, settings.alpha, settings.copies, settings.workers.alone, problem.units
    looks = [_Look((x.numpy(), y.numpy()), problem.joint_action(groups[name]), name, *common) for name in missing]

    def report() -> None:
        left = next((name for name in chosen if name not in found), None)
        if left is not None:
            progress(f"diagnosis of {left}", len(found), len(chosen))

    report()
    with closing(settings.workers.map(_look_closely, looks)) as results:
        for place, diagnosis in results:
            memory.put(DIAGNOSIS, missing[place], diagnosis)
            found[missing[place]] = diagnosis
            report()
    return {name: found[name] for name in chosen}


@dataclass(frozen=True)
class _Look:
    """A diagnosis that is to be made; data: x (n, d_in) and y (n, d_out)."""

    data: tuple[NDArray[np.float64], NDArray[np.float64]]
    moves: JointAction
    name: str
    seed: int
    alpha: float
    copies: int
    worker: Workers
    units: Tensor | None


def _look_closely(look: _Look) -> Diagnosis:
    x, y = (torch.tensor(v) for v in look.data)
    rng = named_stream(look.seed, "diagnosis", look.name)
    with rows_looked_at():  # this may be a process of its own
        return diagnose(x, y, look.moves, rng, look.alpha, look.copies, look.worker, look.units)


def _left_standing(problem: TestedProblem, family: FamilyTest) -> list[str]:
    """The accepted group and the largest undecided one."""
    orders = {} if problem.symmetries is None else problem.symmetries.orders
    undecided = sorted(family.undecided, key=lambda name: -(orders.get(name) or 0))
    return [*family.maximal, *undecided[:1]]


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
