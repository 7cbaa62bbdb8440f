"""Logs of the Ant robot: in the air, on the ground, and walking forwards; labels are accelerations.

Everything is simulated when a task is loaded (the extra `robots`). The robot's mirror and quarter turns hold exactly;
the gait shows its inputs from one side.
"""

from dataclasses import dataclass

import numpy as np

from sharefind.datasets.ant_gait import Gait, walk
from sharefind.datasets.ant_robot import AntRobot, Row, turn_about_z
from sharefind.datasets.ant_symmetry import LEGS, ant_action, input_names, label_names
from sharefind.datasets.task import GivenAction, Task, finite_task
from sharefind.typing import FloatArray, IntArray

ORIGIN = "simulated by mujoco, Apache 2.0; gymnasium's model, MIT"
"""The end of a description."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of states that are drawn at random.

    Attributes:
        velocity: Standard deviation of the velocity of the torso, m/s.
        turn: Standard deviation of its angular velocity, rad/s.
        speed: Standard deviation of the speeds of the joints, rad/s.
        tilt: Standard deviation of each component of the torso's tilt, rad.
    """

    velocity: float = 1.0
    turn: float = 2.0
    speed: float = 2.0
    tilt: float = 0.4


@dataclass(frozen=True)
class Drop:
    """How the robot comes to the ground.

    Attributes:
        clearance: Least and largest distance of its lowest point from the floor at the start, m.
        steps: Least and largest number of steps of 10 ms before a row is logged.
        effort: Largest torque meanwhile; the torques that are logged go up to 1.
        hold: Steps of 10 ms for which torques are held.
    """

    clearance: tuple[float, float] = (0.0, 0.1)
    steps: tuple[int, int] = (10, 40)
    effort: float = 0.1
    hold: int = 5


def ant_task(samples: int = 3000, noise: float = 0.02, seed: int = 0, spread: Spread = Spread()) -> Task:
    """Return the task `robot:ant`: the robot in the air, x (3000, 33) to y (3000, 14), independent rows.

    x has the direction of gravity (a unit vector), the velocity (m/s) and the angular velocity (`turn_`, rad/s) of the
    torso in its own frame, and angles (rad), speeds (rad/s) and torques (shares of 150 N m) of eight joints. y has the
    accelerations (m/s^2, rad/s^2). The velocity has no effect there. D_4 acts by signed permutations of both, and keeps
    the law of x.

    Args:
        samples: Number of rows.
        noise: Standard deviation of the noise on the labels, as a share of their own; labels that the group exchanges
            get the same noise.
        seed: Seed of all draws.
        spread: How far the states vary.

    Raises:
        DataError: mujoco or gymnasium is missing.
    """
    rng = np.random.default_rng(seed)
    robot = AntRobot(on_ground=False)
    rows = [_row_in_the_air(robot, rng, spread) for _ in range(samples)]
    return _task("robot:ant", "the Ant robot in the air: accelerations", rows, noise, rng)


def ant_ground_task(
    samples: int = 2000,
    noise: float = 0.02,
    seed: int = 0,
    spread: Spread = Spread(velocity=0.3, turn=1.0),
    drop: Drop = Drop(),
) -> Task:
    """Return the task `robot:ant-ground`: dropped and left to settle, x (2000, 34) to y (2000, 14), independent rows.

    As `robot:ant`, with the height of the torso (m) before the other inputs. Contacts make kinks and large
    accelerations; the law still has D_4.

    Args:
        samples: Number of rows.
        noise: As in `ant_task`.
        seed: Seed of all draws.
        spread: How far the states at the start vary.
        drop: How the robot comes to the ground.

    Raises:
        DataError: mujoco or gymnasium is missing.
    """
    rng = np.random.default_rng(seed)
    robot = AntRobot(on_ground=True)
    rows = [_row_on_the_ground(robot, rng, spread, drop) for _ in range(samples)]
    return _task("robot:ant-ground", "the Ant robot dropped to the ground: accelerations", rows, noise, rng)


def ant_gait_task(
    episodes: int = 40, rows: int = 25, noise: float = 0.02, seed: int = 0, gait: Gait | None = None
) -> Task:
    """Return the task `robot:ant-gait`: a walk forwards in a curve to the left, x (1000, 34) to y (1000, 14).

    Columns as in `robot:ant-ground`. Rows are in the order of time, episode after episode; an episode is a unit. The
    relation has D_4; the law of x has neither its turns nor its mirrors.

    Args:
        episodes: Number of walks.
        rows: Number of rows logged in each walk.
        noise: As in `ant_task`.
        seed: Seed of all draws.
        gait: How the robot walks; None for `Gait()`.

    Raises:
        DataError: mujoco or gymnasium is missing.
    """
    rng = np.random.default_rng(seed)
    robot = AntRobot(on_ground=True)
    log = [row for _ in range(episodes) for row in walk(robot, rng, gait or Gait(), rows)]
    units = np.repeat(np.arange(episodes), rows)
    return _task("robot:ant-gait", "the Ant robot walking in a curve: accelerations", log, noise, rng, units)


def _row_in_the_air(robot: AntRobot, rng: np.random.Generator, spread: Spread) -> Row:
    robot.place(_orientation(rng), *_motion(robot, rng, spread))
    return robot.logged(rng.uniform(-1, 1, 2 * len(LEGS)))


def _row_on_the_ground(robot: AntRobot, rng: np.random.Generator, spread: Spread, drop: Drop) -> Row:
    robot.place(_tilted(rng, spread.tilt), *_motion(robot, rng, spread))
    robot.lower(rng.uniform(*drop.clearance))
    for _ in range(rng.integers(*drop.steps, endpoint=True) // drop.hold):
        robot.push(drop.effort * rng.uniform(-1, 1, 2 * len(LEGS)))
        robot.step(drop.hold)
    return robot.logged(rng.uniform(-1, 1, 2 * len(LEGS)))


def _motion(
    robot: AntRobot, rng: np.random.Generator, spread: Spread
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Velocity (3,), angular velocity (3,), angles (8,) and speeds (8,) of joints, drawn at random."""
    lowest, highest = robot.joint_ranges.T
    return (
        spread.velocity * rng.standard_normal(3),
        spread.turn * rng.standard_normal(3),
        rng.uniform(lowest, highest),
        spread.speed * rng.standard_normal(len(lowest)),
    )


def _orientation(rng: np.random.Generator) -> FloatArray:
    """A rotation (3, 3), uniform."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_quat(rng.standard_normal(4)).as_matrix())


def _tilted(rng: np.random.Generator, tilt: float) -> FloatArray:
    """A rotation (3, 3) by any heading and a small tilt."""
    from scipy.spatial.transform import Rotation

    axis = np.append(tilt * rng.standard_normal(2), 0.0)
    return np.asarray(turn_about_z(rng.uniform(0, 2 * np.pi)) @ Rotation.from_rotvec(axis).as_matrix())


def _task(
    name: str, what: str, rows: list[Row], noise: float, rng: np.random.Generator, units: IntArray | None = None
) -> Task:
    """The task of logged rows, with noise."""
    x, y = (np.array(side) for side in zip(*rows, strict=True))
    has_height = x.shape[1] == len(input_names(True))
    action = ant_action(has_height)
    y = y + noise * common_deviations(y, action) * rng.standard_normal(y.shape)
    return finite_task(
        name,
        x,
        y,
        units=units,
        description=f"{what} ({ORIGIN})",
        unit="matrix:tanh",
        action=action,
        inputs=input_names(has_height),
        outputs=label_names(),
    )


def common_deviations(y: FloatArray, action: GivenAction) -> FloatArray:
    """Return standard deviations of labels, the same for all that the group exchanges: noise of that size keeps the
    symmetry.

    Args:
        y: Labels, shape (n, 14).
        action: The group's action on inputs and labels.

    Returns:
        Shape (14,).
    """
    images = np.abs(action.out_rep.float_matrices()).mean(axis=0)
    return np.asarray(np.sqrt(images @ y.var(axis=0)))
