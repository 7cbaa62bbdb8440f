"""The walking Ant: its inputs reject the law; the relation has the mirror, and no map with a wrong sign.

Labels are the accelerations of the ankles, which contacts disturb less than those of the torso.
"""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.datasets import GivenAction, ant_action, load_task, mirror_action
from sharefind.datasets.ant_symmetry import input_names, label_names

LABELS = tuple(name for name in label_names() if name.startswith("ankle"))
INPUTS = input_names(has_height=True)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("mujoco") is None or find_spec("gymnasium") is None,
        reason="mujoco and gymnasium are not installed (extra robots)",
    ),
]


def _file(action: GivenAction) -> dict[str, Any]:
    """The content of a file of generators, with the ankles' accelerations as labels."""
    kept = [label_names().index(name) for name in LABELS]
    content: dict[str, Any] = action.to_json()
    for generator in content["generators"]:
        generator["out"] = [[generator["out"][a][b] for b in kept] for a in kept]
    return content


def _wrong_torques() -> dict[str, Any]:
    """The mirror with a wrong sign of the torques of one pair of ankles."""
    content = _file(mirror_action(has_height=True))
    (generator,) = content["generators"]
    first, second = (INPUTS.index(f"ankle_{leg}_torque") for leg in (1, 4))
    for a, b in ((first, second), (second, first)):
        generator["in"][a][b] *= -1
    return content


@pytest.fixture
def searched(call: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Calls discover on the log, with generators."""

    def run(content: dict[str, Any]) -> dict[str, Any]:
        task = load_task("robot:ant-gait")
        x, y = task.arrays()
        assert task.units is not None
        labels = y[:, [task.outputs.index(name) for name in LABELS]]
        header = ",".join(("episode", *task.inputs, *LABELS))
        np.savetxt("gait.csv", np.column_stack([task.units, x, labels]), delimiter=",", header=header, comments="")
        Path("map.json").write_text(json.dumps(content))
        columns = ("--rows-of", "episode", "--outputs", ",".join(LABELS))
        ending = call("discover", "gait.csv", *columns, "--generators", "map.json", "--quiet", "--json")
        assert ending.status == 0, ending.err
        found: dict[str, Any] = json.loads(ending.out)
        return found

    return run


def test_the_mirror_is_accepted_though_the_law_rejects_it(searched) -> None:
    result = searched(_file(mirror_action(has_height=True)))
    (row,) = result["symmetries"]
    assert (row["verdict"], row["inputs"]["verdict"]) == ("rejected", "rejected")
    assert row["relation"]["verdict"] == "accepted" and row["relation"]["overlap"] > 0.25
    assert row["price"]["interval"][0] < 0.001, "tying costs nothing that can be seen"
    assert (result["decided_by"], result["accepted"], result["e_star"]["candidate"]) == (
        "relation",
        ["mirror"],
        "E^mirror",
    )


def test_a_wrong_sign_of_a_torque_is_rejected(searched) -> None:
    result = searched(_wrong_torques())
    (row,) = result["symmetries"]
    assert row["relation"]["verdict"] == "rejected" and row["price"]["gap"] > 0.1
    assert (result["decided_by"], result["accepted"], result["rejected"]) == ("relation", [], ["mirror"])


def test_no_subgroup_of_the_square_is_rejected_as_a_relation(searched) -> None:
    """The whole group holds; what the gait shows of one side only is undecided, and the left-right mirror is not."""
    result = searched(_file(ant_action(has_height=True)))
    assert result["decided_by"] == "relation" and result["rejected"] == []
