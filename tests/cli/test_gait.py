"""A log of a robot that walks forwards and leans to one side: its mirror is a symmetry of the relation, not the inputs.

Columns are named; the mirror, from a file, exchanges left and right and turns the roll to its negative.
"""

import json
from pathlib import Path

import numpy as np
import pytest

INPUTS = (
    "left_hip", "left_knee", "left_hip_speed", "left_knee_speed", "roll",
    "right_hip", "right_knee", "right_hip_speed", "right_knee_speed", "roll_speed",
)  # fmt: skip
OUTPUTS = ("left_hip_acceleration", "right_hip_acceleration", "roll_acceleration")

BRIEF = ("--copies", "99", "--alpha", "0.05", "--training-copies", "19", "--particles", "8")


def _log(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a limping gait: legs half a period apart, the left one with the longer stride, the trunk leaning left."""
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, n)
    legs = []
    for shift, stride in ((0.0, 1.3), (np.pi, 1.0)):
        hip, knee = stride * np.sin(phase + shift), 0.6 * stride * (1 + np.cos(phase + shift))
        speeds = stride * np.cos(phase + shift), -0.6 * stride * np.sin(phase + shift)
        legs.append(np.stack([hip, knee, *speeds], axis=1) + 0.5 * rng.normal(size=(n, 4)))
    roll, roll_speed = 0.3 + 0.4 * np.sin(phase), 0.4 * np.cos(phase)
    roll, roll_speed = (v + 0.5 * rng.normal(size=n) for v in (roll, roll_speed))
    (left, right) = legs

    def hip(own: np.ndarray, other: np.ndarray, lean: np.ndarray) -> np.ndarray:
        return -2 * np.sin(own[:, 0]) - 0.5 * own[:, 2] + 0.8 * own[:, 1] - 0.4 * other[:, 0] + 1.2 * lean

    y = np.stack([hip(left, right, roll), hip(right, left, -roll), 0.7 * (left[:, 0] - right[:, 0]) - roll], axis=1)
    x = np.column_stack([left, roll, right, roll_speed])
    return x, y + 0.1 * rng.normal(size=y.shape)


def _mirror(turned: tuple[str, ...] = ("roll", "roll_speed")) -> dict[str, object]:
    """Exchanges left and right; columns of these names change their sign, and so does the acceleration of the roll."""

    def matrix(names: tuple[str, ...]) -> list[list[int]]:
        def image(name: str) -> str:
            return name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")

        return [[(-1 if b in turned else 1) * (image(b) == a) for b in names] for a in names]

    turned = (*turned, "roll_acceleration")
    return {"name": "mirror", "generators": [{"in": matrix(INPUTS), "out": matrix(OUTPUTS)}]}


@pytest.fixture
def searched(call):
    """Calls discover on the log, with a mirror."""
    table = np.column_stack(_log())
    header = ",".join((*INPUTS, *OUTPUTS))

    def run(mirror: dict[str, object], *options: str) -> dict[str, object]:
        np.savetxt("gait.csv", table, delimiter=",", header=header, comments="")
        Path("mirror.json").write_text(json.dumps(mirror))
        data = ("--data", "gait.csv", "--outputs", ",".join(OUTPUTS), "--generators", "mirror.json")
        ending = call("discover", *data, *BRIEF, *options, "--quiet", "--json")
        assert ending.status == 0, ending.err
        return json.loads(ending.out)

    return run


@pytest.mark.slow
@pytest.mark.ci
def test_the_mirror_is_found_in_the_relation_though_the_law_rejects_it(searched) -> None:
    result = searched(_mirror(), "--symmetry", "auto")
    (row,) = result["symmetries"]
    assert [row[key] for key in ("verdict",)] == ["rejected"] and row["inputs"]["verdict"] == "rejected"
    assert row["relation"]["verdict"] == "accepted" and row["relation"]["overlap"] > 0.25
    assert (result["decided_by"], result["accepted"]) == ("relation", ["mirror"])
    assert result["e_star"]["candidate"] == "E^mirror"
    assert result["inputs"] == list(INPUTS)


@pytest.mark.slow
def test_a_mirror_with_one_wrong_sign_is_rejected(searched) -> None:
    result = searched(_mirror(("roll_speed",)), "--symmetry", "auto")
    assert (result["decided_by"], result["accepted"], result["rejected"]) == ("relation", [], ["mirror"])


@pytest.mark.slow
def test_the_law_alone_finds_nothing_to_share(searched) -> None:
    result = searched(_mirror(), "--symmetry", "law")
    assert (result["decided_by"], result["rejected"], result["status"]) == ("law", ["mirror"], "found")
