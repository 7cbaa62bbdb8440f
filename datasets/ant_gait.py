"""A trot of the Ant robot, forwards and in a curve: a log whose inputs are seen from one side.

`ant_robot` simulates, `ant` makes the task.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sharefind.datasets.ant_robot import AntRobot, Row, turn_about_z
from sharefind.datasets.ant_symmetry import LEGS
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Gait:
    """A trot: legs on a diagonal swing together; motors follow it, and explore.

    Attributes:
        frequency: Strides a second.
        stride: Amplitude of the hips, rad.
        curve: Share by which the strides of the right legs are longer than the mean, and of the left legs shorter: the
            robot walks in a curve to the left. 0: straight on.
        stance: Mean angle of the ankles, rad.
        lift: Angle by which they are raised in a swing, rad.
        stiffness: Torque per radian off the trot.
        damping: Torque per rad/s.
        exploration: Standard deviation of the random torque, drawn anew for every row.
        hold: Steps of 10 ms for which torques are held, and so between rows.
        start: Rows at the beginning that are not logged.
        speed: Initial speed of the robot forwards, m/s.
        height: Height of the torso's centre at the start, m.
    """

    frequency: float = 0.8
    stride: float = 0.3
    curve: float = 0.6
    stance: float = 0.9
    lift: float = 0.2
    stiffness: float = 0.5
    damping: float = 0.1
    exploration: float = 0.2
    hold: int = 5
    start: int = 20
    speed: float = 0.5
    height: float = 0.6


def walk(robot: AntRobot, rng: np.random.Generator, gait: Gait, rows: int) -> Iterator[Row]:
    """Yield the rows of an episode, which starts at a random phase of the trot and in a random direction.

    Args:
        robot: The robot.
        rng: Source of the draws.
        gait: How the robot walks.
        rows: Number of rows.
    """
    phase = rng.uniform(0, 2 * np.pi)
    angles, _ = _trot(robot, gait, phase)
    heading = turn_about_z(rng.uniform(0, 2 * np.pi))
    robot.place(heading, np.array([gait.speed, 0, 0]), np.zeros(3), angles, np.zeros(len(angles)), height=gait.height)
    for row in range(gait.start + rows):
        torques = _torques(robot, gait, phase, rng)
        logged = robot.logged(torques)
        if row >= gait.start:
            yield logged
        robot.step(gait.hold)
        phase += 2 * np.pi * gait.frequency * gait.hold * robot.time_step


def _trot(robot: AntRobot, gait: Gait, phase: float) -> tuple[FloatArray, FloatArray]:
    """Angles (8,) and speeds (8,) per radian of phase that a trot wants: leg by leg a hip and an ankle.

    Hips of the left legs swing forwards by negative angles, those of the right legs by positive ones.
    """
    bent = np.sign(robot.joint_ranges.mean(axis=1))[1::2]
    angles, speeds = [], []
    for leg, (_, side) in enumerate(LEGS):
        at = phase + np.pi * (leg % 2)
        stride = -side * gait.stride * (1 - side * gait.curve)
        bend = bent[leg]
        angles += [stride * np.sin(at), bend * (gait.stance - gait.lift * np.cos(at))]
        speeds += [stride * np.cos(at), bend * gait.lift * np.sin(at)]
    return np.array(angles), np.array(speeds)


def _torques(robot: AntRobot, gait: Gait, phase: float, rng: np.random.Generator) -> FloatArray:
    """Torques (8,) that follow the trot, and explore."""
    wanted, rates = _trot(robot, gait, phase)
    off, slow = wanted - robot.angles, 2 * np.pi * gait.frequency * rates - robot.speeds
    torques = gait.stiffness * off + gait.damping * slow + gait.exploration * rng.standard_normal(len(off))
    return np.clip(torques, -1, 1)
