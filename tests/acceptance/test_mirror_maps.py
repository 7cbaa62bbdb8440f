"""The public Ant: a mirror with the wrong sign at two ankles is explained by them, and mended."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from sharefind.api.resolve import resolve_problem
from sharefind.datasets import Task, load_task, mirror_action
from sharefind.datasets.ant import ant_task
from sharefind.groups.column_maps import ColumnMap, SignedColumns, column_maps, generated
from sharefind.inference import Verdict
from sharefind.inference.maps.map_explanation import explain_map
from sharefind.proposal.mirrors.propose_mirrors import MirrorProposal
from sharefind.proposal.mirrors.settling import images_left
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.search import ActingGroup, hypotheses, search_config
from sharefind.search.map_explanations import map_explanations
from sharefind.search.memory import NoMemory
from sharefind.search.symmetries import symmetries

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("mujoco") is None or find_spec("gymnasium") is None,
        reason="mujoco and gymnasium are not installed (extra robots)",
    ),
]

ANKLES = ("ankle_1", "ankle_4")


def mirror_of(action) -> ColumnMap:
    (found,) = column_maps(action.in_rep, action.out_rep) or ()
    return found


def wrong_at(side: SignedColumns, names, wrong: list[str]) -> SignedColumns:
    """Other signs of these columns."""
    signs = side.signs.copy()
    signs[[names.index(name) for name in wrong]] *= -1
    return SignedColumns(side.images, signs)


def test_the_ankles_of_a_wrong_mirror_are_named_and_mended():
    task, mirror = load_task("robot:ant"), mirror_of(mirror_action(has_height=False))
    inputs = [f"{ankle}{what}" for ankle in ANKLES for what in ("", "_speed", "_torque")]
    outputs = [f"{ankle}_acceleration" for ankle in ANKLES]
    wrong = ColumnMap(wrong_at(mirror.inputs, task.inputs, inputs), wrong_at(mirror.outputs, task.outputs, outputs))
    file = generated(wrong, "wrong")
    problem = resolve_problem(search_config(symmetry="law"), task, ActingGroup(file.group, file.in_rep, file.out_rep))
    tested = hypotheses.TestedProblem.of(problem, symmetries(problem, NoMemory(), lambda *stage: None))
    (found,) = map_explanations(tested, NoMemory(), lambda *stage: None)
    named = {
        (side := f.side, (task.inputs if side == "input" else task.outputs)[c]) for f in found.faults for c in f.columns
    }
    assert named == {*(("input", name) for name in inputs), *(("output", name) for name in outputs)}
    assert found.changes == 4 and found.test is not None and found.test.verdict == "accepted"
    assert found.nearest is not None
    assert (found.nearest.inputs.image, found.nearest.outputs.image) == (mirror.inputs.image, mirror.outputs.image)


def test_the_torques_of_a_walk_are_named_whose_inputs_show_one_side():
    walk, mirror = load_task("robot:ant-gait"), mirror_of(mirror_action(has_height=True))
    x, y = walk.arrays()
    kept = [k for k, name in enumerate(walk.outputs) if name.startswith("ankle")]
    places = {k: place for place, k in enumerate(kept)}
    images = np.array([places[int(mirror.outputs.images[k])] for k in kept])
    outputs = SignedColumns(images, mirror.outputs.signs[kept])
    wrong = ColumnMap(wrong_at(mirror.inputs, walk.inputs, ["ankle_1_torque", "ankle_4_torque"]), outputs)
    rng = np.random.default_rng(0)
    found = explain_map(x, y[:, kept], wrong, rng, walk.units, laws=(False,))
    assert [[walk.inputs[c] for c in f.columns] for f in found.faults] == [["ankle_1_torque", "ankle_4_torque"]]
    assert found.nearest is not None and found.nearest.inputs.image == mirror.inputs.image
    right = explain_map(x, y[:, kept], ColumnMap(mirror.inputs, outputs), rng, walk.units, laws=(False,))
    assert right.faults == ()


def is_true(g: SignedMap, task: Task, found: MirrorProposal) -> bool:
    """Whether an element of D_4 moves all columns in the same way, but for those that were set aside."""
    sides = (
        (task.action.in_rep, g.in_images, g.in_signs, found.aside_inputs),
        (task.action.out_rep, g.out_images, g.out_signs, found.aside_outputs),
    )
    agree = np.ones(task.action.group.order, dtype=bool)
    for rep, images, signs, aside in sides:
        kept = [a for a in range(len(images)) if a not in aside]
        moved = np.zeros((len(images), len(images)))
        moved[images, np.arange(len(images))] = signs
        agree &= np.isclose(rep.float_matrices()[:, :, kept], moved[None][:, :, kept]).all(axis=(1, 2))
    return bool(agree.any())


@pytest.mark.parametrize("seed", [20, 21])
@pytest.mark.parametrize("rows", [3000, 1000, 500])
def test_maps_of_the_robot_are_found_by_name_and_never_wrong(rows: int, seed: int) -> None:
    """Rows propose and others test; few rows leave images open, which is undecided."""
    task = ant_task(samples=rows, seed=seed)
    blind = replace(task, action=None)
    problem = resolve_problem(search_config(blind=True, signs=True, seed=seed), blind)
    found = problem.blind.maps
    law = symmetries(problem, NoMemory(), lambda *stage: None).law
    left = images_left(found.maps, found.terms)
    on_inputs = [np.delete(one.inputs.sum(axis=(0, 1)), found.aside_inputs) for one in left]
    is_settled = all((count == 1).all() for count in (*on_inputs, *(one.outputs.sum(axis=(0, 1)) for one in left)))
    is_accepted = bool(found.maps) and law.verdicts[problem.label_of(problem.blind.group)] is Verdict.ACCEPTED
    if is_accepted and is_settled:
        assert all(is_true(g, task, found) for g in found.maps)
    if rows == 3000:
        assert is_accepted and is_settled and problem.blind.group.order == 8
        assert [task.inputs[k] for k in found.aside_inputs] == [f"velocity_{axis}" for axis in "xyz"]
