"""A small simulated robot with a left-right mirror, and maps of its columns with one mistake or more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.groups.column_maps import ColumnMap, SignedColumns

INPUTS = (
    "roll", "forward_speed", "hip_left", "hip_right", "knee_left", "knee_right",
    "hip_left_torque", "hip_right_torque", "knee_left_torque", "knee_right_torque",
)  # fmt: skip
OUTPUTS = ("roll_acc", "forward_acc", "hip_left_acc", "hip_right_acc", "knee_left_acc", "knee_right_acc")

MIRROR = ColumnMap(
    SignedColumns.of_image([-1, 2, -4, -3, 6, 5, -8, -7, 10, 9]), SignedColumns.of_image([-1, 2, -4, -3, 6, 5])
)
"""Left and right change places; what turns sideways, the roll and the hips, changes its sign."""


@dataclass(frozen=True)
class Robot:
    """Rows of a robot.

    Attributes:
        x: Inputs, (n, 10).
        y: Outputs, (n, 6).
    """

    x: np.ndarray
    y: np.ndarray


def matrix(side: SignedColumns) -> np.ndarray:
    """The matrix of a signed permutation, which moves columns of column vectors."""
    found = np.zeros((len(side.images), len(side.images)))
    found[side.images, np.arange(len(side.images))] = side.signs
    return found


def robot(n: int, seed: int, mirror: ColumnMap = MIRROR, noise: float = 0.1, tails: float | None = None) -> Robot:
    """Rows whose relation is equivariant: a random smooth function, averaged over the group of the mirror.

    Args:
        n: Rows.
        seed: Of all numbers.
        mirror: The map that holds.
        noise: Standard deviation of the labels' errors.
        tails: Degrees of freedom of the inputs' Student law; normal where None.
    """
    rng = np.random.default_rng(seed)
    d, m = len(mirror.inputs.images), len(mirror.outputs.images)
    first, second, linear = rng.normal(size=(d, 12)) / np.sqrt(d), rng.normal(size=(12, m)), rng.normal(size=(d, m))
    x = rng.normal(size=(n, d)) if tails is None else rng.standard_t(tails, size=(n, d))

    def plain(rows: np.ndarray) -> np.ndarray:
        return rows @ linear + np.sin(rows @ first + 0.5) @ second

    on_inputs, on_outputs = matrix(mirror.inputs), matrix(mirror.outputs)
    moved, back, y = x, np.eye(m), np.zeros((n, m))
    for _ in range(mirror.period):
        y += plain(moved) @ back / mirror.period  # g^-1 f(g x), as rows
        moved, back = moved @ on_inputs.T, back @ on_outputs
    return Robot(x, y + noise * rng.normal(size=y.shape))


def changed(of: ColumnMap, inputs: dict[int, int] | None = None, outputs: dict[int, int] | None = None) -> ColumnMap:
    """The map with other entries of its one-line notation: column k (from 1) goes to +-j."""
    sides = []
    for side, entries in ((of.inputs, inputs), (of.outputs, outputs)):
        image = side.image
        for column, entry in (entries or {}).items():
            image[column - 1] = entry
        sides.append(SignedColumns.of_image(image))
    return ColumnMap(*sides)


def is_same(one: ColumnMap, other: ColumnMap) -> bool:
    """Whether two maps do the same."""
    return one.inputs.image == other.inputs.image and one.outputs.image == other.outputs.image
