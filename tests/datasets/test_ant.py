"""The Ant robot: its symmetries hold exactly on the simulator, in the air and on the ground, and signs follow the axes.

What needs the extra `robots` is skipped without it.
"""

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import ant_action, ant_gait_task, ant_ground_task, ant_task, load_task, mirror_action
from sharefind.datasets.ant import common_deviations
from sharefind.datasets.ant_gait import Gait
from sharefind.datasets.ant_robot import AntRobot, turn_about_z, upright_from
from sharefind.datasets.ant_symmetry import MIRROR, input_matrix, input_names, joint_matrix, label_matrix, label_names
from sharefind.datasets.task import Task
from sharefind.errors import DataError
from sharefind.groups import load_generators
from sharefind.typing import FloatArray

simulated = pytest.mark.skipif(
    find_spec("mujoco") is None or find_spec("gymnasium") is None,
    reason="mujoco and gymnasium are not installed (extra robots)",
)
QUARTER = (1, 2, 3, 0)
MAKERS = {
    "air": lambda noise=0.0: ant_task(samples=40, noise=noise),
    "ground": lambda noise=0.0: ant_ground_task(samples=40, noise=noise),
    "gait": lambda noise=0.0: ant_gait_task(episodes=4, rows=10, noise=noise),
}


def _rows(task: Task) -> tuple[FloatArray, FloatArray]:
    return task.arrays()


@pytest.mark.parametrize(("has_height", "width"), [(False, 33), (True, 34)])
def test_the_group_is_that_of_a_square(has_height: bool, width: int) -> None:
    action = ant_action(has_height)
    assert (action.group.order, action.in_rep.dim, action.out_rep.dim) == (8, width, 14)
    assert len(input_names(has_height)) == width and len(label_names()) == 14
    assert mirror_action(has_height).group.order == 2


def test_the_mirror_by_name() -> None:
    """Left and right are exchanged: polar vectors change y, axial ones x and z, hips their sign, ankles do not."""

    def images(matrix: np.ndarray, names: tuple[str, ...]) -> dict[str, str]:
        places = np.abs(matrix).argmax(axis=1)
        signs = matrix[np.arange(len(names)), places]
        return {names[a]: ("-" if signs[a] < 0 else "") + names[b] for a, b in enumerate(places)}

    found = images(input_matrix(MIRROR, has_height=True), input_names(True))
    assert found["height"] == "height" and found["hip_1"] == "-hip_4" and found["hip_2_torque"] == "-hip_3_torque"
    assert found["ankle_1"] == "ankle_4" and found["ankle_3_speed"] == "ankle_2_speed"
    assert [found[f"velocity_{axis}"] for axis in "xyz"] == ["velocity_x", "-velocity_y", "velocity_z"]
    assert [found[f"turn_{axis}"] for axis in "xyz"] == ["-turn_x", "turn_y", "-turn_z"]
    labels = images(label_matrix(MIRROR), label_names())
    assert labels["acceleration_y"] == "-acceleration_y" and labels["ankle_1_acceleration"] == "ankle_4_acceleration"


def test_a_quarter_turn_changes_the_signs_of_two_ankles() -> None:
    """Ankles of neighbouring legs are bent by angles of opposite signs where their axes say so."""
    assert np.diag(joint_matrix(QUARTER) @ joint_matrix(QUARTER).T).tolist() == [1] * 8
    assert [int(joint_matrix(QUARTER)[2 * QUARTER[k] + 1, 2 * k + 1]) for k in range(4)] == [-1, 1, -1, 1]


@pytest.mark.parametrize("has_height", [False, True])
def test_the_generators_go_to_a_file_and_back(tmp_path: Path, has_height: bool) -> None:
    action, path = ant_action(has_height), tmp_path / "d4.json"
    path.write_text(json.dumps(action.to_json()))
    read = load_generators(path)
    assert read.group.order == 8
    for first, second in ((action.in_rep, read.in_rep), (action.out_rep, read.out_rep)):
        assert first.generator_matrices == second.generator_matrices


@simulated
@pytest.mark.parametrize("kind", list(MAKERS))
@pytest.mark.parametrize("legs", [QUARTER, MIRROR], ids=["quarter turn", "mirror"])
def test_the_symmetry_is_exact_on_the_simulator(kind: str, legs: tuple[int, ...]) -> None:
    x, y = _rows(MAKERS[kind]())
    on_ground = kind != "air"
    moved = AntRobot(on_ground).accelerations(x @ input_matrix(legs, on_ground).T)
    np.testing.assert_allclose(moved, y @ label_matrix(legs).T, atol=1e-8 if on_ground else 1e-10)


@simulated
@pytest.mark.parametrize("kind", list(MAKERS))
def test_labels_are_a_function_of_the_inputs_whatever_the_heading(kind: str) -> None:
    x, y = _rows(MAKERS[kind]())
    headings = np.random.default_rng(1).uniform(0, 2 * np.pi, len(x))
    np.testing.assert_allclose(AntRobot(kind != "air").accelerations(x, headings), y, atol=1e-8)


@simulated
def test_a_wrong_sign_is_no_symmetry() -> None:
    """The check above can fail: the mirror with the sign of one pair of ankles wrong."""
    x, y = _rows(MAKERS["air"]())
    wrong = input_matrix(MIRROR)
    for start in (9, 17, 25):
        wrong[start + 1, start + 7] *= -1
        wrong[start + 7, start + 1] *= -1
    assert np.abs(AntRobot(on_ground=False).accelerations(x @ wrong.T) - y @ label_matrix(MIRROR).T).max() > 1


@simulated
@pytest.mark.parametrize("kind", list(MAKERS))
def test_logs_can_be_repeated_and_noise_is_that_asked_for(kind: str) -> None:
    clean, noisy, again = (MAKERS[kind](noise) for noise in (0.0, 0.1, 0.1))
    for first, second in zip(_rows(noisy), _rows(again), strict=True):
        np.testing.assert_array_equal(first, second)
    (x, y), (same, z) = _rows(clean), _rows(noisy)
    np.testing.assert_array_equal(x, same)
    relative = (z - y) / common_deviations(y, ant_action(kind != "air"))
    assert relative.std() == pytest.approx(0.1, rel=0.15)


@simulated
def test_noise_has_one_size_for_labels_that_are_exchanged() -> None:
    _, y = _rows(MAKERS["ground"]())
    sizes = common_deviations(y, ant_action(True))
    np.testing.assert_allclose(np.abs(ant_action(True).out_rep.float_matrices()) @ sizes, np.tile(sizes, (8, 1)))


@simulated
def test_it_walks_forwards_in_a_curve_to_the_left() -> None:
    task = ant_gait_task(episodes=4, rows=30)
    x, _ = _rows(task)
    means = dict(zip(task.inputs, x.mean(axis=0), strict=True))
    assert means["velocity_x"] > 0.2 and means["turn_z"] > 0.05 and means["gravity_z"] < -0.9
    assert task.units is not None and np.bincount(task.units).tolist() == [30] * 4
    straight, _ = _rows(ant_gait_task(episodes=4, rows=30, gait=Gait(curve=0.0)))
    assert abs(straight[:, task.inputs.index("turn_z")].mean()) < means["turn_z"]


@simulated
def test_what_a_dropped_robot_touches() -> None:
    """Contacts matter: with the floor out of reach, the same states are accelerated otherwise."""
    x, y = _rows(MAKERS["ground"]())
    far = x.copy()
    far[:, 0] += 50
    differs = np.abs(AntRobot(on_ground=True).accelerations(far) - y).max(axis=1) > 1
    assert 0.2 < differs.mean() < 1


def test_rotations_from_gravity() -> None:
    rng = np.random.default_rng(0)
    for gravity in rng.standard_normal((5, 3)):
        down = gravity / np.linalg.norm(gravity)
        turns = turn_about_z(rng.uniform(0, 6)) @ upright_from(down)
        np.testing.assert_allclose(turns @ turns.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(turns @ down, [0, 0, -1], atol=1e-12)
        assert np.linalg.det(turns) == pytest.approx(1)


@pytest.mark.parametrize("name", ["robot:ant", "robot:ant-ground", "robot:ant-gait"])
def test_a_missing_simulator_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(DataError, match=r"mujoco.*sharefind\[robots\]") as caught:
        load_task(name)
    assert "\n" not in str(caught.value)


@simulated
@pytest.mark.parametrize("found", [lambda _: None, lambda _: find_spec("json")], ids=["no gymnasium", "no Ant in it"])
def test_a_missing_model_is_named(found: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sharefind.datasets.ant_robot.find_spec", found)
    with pytest.raises(DataError, match=r"sharefind\[robots\]"):
        load_task("robot:ant")
