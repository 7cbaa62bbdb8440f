"""The symmetry group of the Ant robot: a square's, which moves the four legs and turns vectors.

`ant_robot` simulates the robot, `ant` makes its logs. Signs follow from the geometry of the joints; none is typed in.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.task import GivenAction
from sharefind.datasets.tetrahedral import representation
from sharefind.groups import FiniteGroup, named_group

IntMatrix = NDArray[np.int64]

AXES = ("x", "y", "z")
"""Axes of the torso: x forwards, y to the left, z upwards."""

LEGS = ((1, 1), (-1, 1), (-1, -1), (1, -1))
"""Directions in which legs 1 to 4 point, seen from above: front left, back left, back right, front right."""

ANKLES = ((-1, 1), (1, 1), (-1, 1), (1, 1))
"""Axes about which their ankles turn; all hips turn about z."""

MIRROR = (3, 2, 1, 0)
"""The image of legs 0 to 3 under the mirror of left and right."""

JOINTS = tuple(f"{joint}_{leg + 1}" for leg in range(len(LEGS)) for joint in ("hip", "ankle"))


def input_names(has_height: bool) -> tuple[str, ...]:
    """Return names of the 33 inputs of the robot in the air, or of the 34 near the ground.

    Args:
        has_height: Whether the height of the torso is among them.
    """
    vectors = tuple(f"{vector}_{axis}" for vector in ("gravity", "velocity", "turn") for axis in AXES)
    joints = (*JOINTS, *(f"{joint}_{what}" for what in ("speed", "torque") for joint in JOINTS))
    return (("height",) if has_height else ()) + vectors + joints


def label_names() -> tuple[str, ...]:
    """Return names of the 14 labels."""
    vectors = tuple(f"{vector}_{axis}" for vector in ("acceleration", "turn_acceleration") for axis in AXES)
    return (*vectors, *(f"{joint}_acceleration" for joint in JOINTS))


def ant_action(has_height: bool, group: FiniteGroup | None = None) -> GivenAction:
    """Return how a group of permutations of the legs acts on inputs and labels.

    Args:
        has_height: Whether the height of the torso is among the inputs; the group does not change it.
        group: Permutations of 4 points that a square has; the whole D_4, of order 8, by default.
    """
    group = group or _square()
    return GivenAction(
        group,
        representation(group, partial(input_matrix, has_height=has_height), "ant:inputs"),
        representation(group, label_matrix, "ant:accelerations"),
    )


def mirror_action(has_height: bool) -> GivenAction:
    """Return the mirror of left and right alone, order 2.

    Args:
        has_height: As in `ant_action`.
    """
    return ant_action(has_height, FiniteGroup("mirror", len(LEGS), (MIRROR,), known_order=2))


def input_matrix(legs: tuple[int, ...], has_height: bool = False) -> IntMatrix:
    """Return the signed permutation of the inputs that moves the legs as a permutation does.

    Gravity and velocity turn as vectors, the angular velocity as an axial vector; angles, speeds and torques of joints
    move alike.

    Args:
        legs: The image of each leg.
        has_height: As in `ant_action`.

    Returns:
        Shape (33, 33) or (34, 34), int64.
    """
    plane = isometry(legs)
    joints = joint_matrix(legs)
    height = (np.eye(1, dtype=np.int64),) if has_height else ()
    return _blocks(*height, plane, plane, axial(plane), joints, joints, joints)


def label_matrix(legs: tuple[int, ...]) -> IntMatrix:
    """Return the signed permutation of the accelerations.

    Args:
        legs: The image of each leg.

    Returns:
        Shape (14, 14), int64.
    """
    plane = isometry(legs)
    return _blocks(plane, axial(plane), joint_matrix(legs))


def isometry(legs: tuple[int, ...]) -> IntMatrix:
    """Return the isometry of space that keeps upwards and moves the legs as the permutation does.

    Args:
        legs: The image of each leg.

    Returns:
        Shape (3, 3), int64.
    """
    matrix = np.eye(3, dtype=np.int64)
    directions = np.array(LEGS)
    # Sum over legs of c c^T = 4 I, so R = sum over legs of (image of c) c^T / 4.
    matrix[:2, :2] = directions[list(legs)].T @ directions // len(LEGS)
    return matrix


def axial(isometry: IntMatrix) -> IntMatrix:
    """Return the action of an isometry on angular velocities: a mirror also reverses the sense of a turn.

    Args:
        isometry: Shape (3, 3), int64.

    Returns:
        Shape (3, 3), int64.
    """
    return _determinant(isometry) * isometry


def joint_matrix(legs: tuple[int, ...]) -> IntMatrix:
    """Return the signed permutation of the joints hip_1, ankle_1, ..., ankle_4.

    A joint gets a sign where the image of its axis, an axial vector, is opposite to the axis of the joint's image.

    Args:
        legs: The image of each leg.

    Returns:
        Shape (8, 8), int64.
    """
    turns = axial(isometry(legs))
    matrix = np.zeros((2 * len(LEGS),) * 2, dtype=np.int64)
    for leg, image in enumerate(legs):
        matrix[2 * image, 2 * leg] = turns[2, 2]
        matrix[2 * image + 1, 2 * leg + 1] = (turns[:2, :2] @ ANKLES[leg]) @ ANKLES[image] // 2
    return matrix


def _determinant(isometry: IntMatrix) -> int:
    return int(isometry[0, 0] * isometry[1, 1] - isometry[0, 1] * isometry[1, 0])


def _blocks(*blocks: IntMatrix) -> IntMatrix:
    """The matrix with these blocks on its diagonal."""
    whole = np.zeros((sum(map(len, blocks)),) * 2, dtype=np.int64)
    start = 0
    for block in blocks:
        whole[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return whole


def _square() -> FiniteGroup:
    group = named_group("D4")
    if not isinstance(group, FiniteGroup):
        raise TypeError(f"{group.name} is not finite")
    return group
