"""A pendulum in space, hung from a joint that turns freely: where its tip moves. Simulated when the task is loaded."""

from dataclasses import dataclass

import numpy as np

from sharefind.datasets.task import Task, finite_task
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Pendulum:
    """A point mass on a massless rod.

    Attributes:
        length: Length of the rod, in metres.
        gravity: Gravity along -z, in m/s^2.
        friction: Friction of the joint: the speed of the tip decays at this rate, in 1/s.
    """

    length: float = 1.0
    gravity: float = 9.81
    friction: float = 0.2

    def acceleration(self, position: FloatArray, velocity: FloatArray) -> FloatArray:
        """Return accelerations of tips: gravity less friction, with the pull of the rod.

        The rod pulls along itself so that the distance of the tip from the joint stays the same.

        Args:
            position: Positions of the tips, shape (n, 3).
            velocity: Velocities of the tips, shape (n, 3).

        Returns:
            Shape (n, 3).
        """
        pull = np.array([0.0, 0.0, -self.gravity]) - self.friction * velocity
        along = (pull * position).sum(axis=1) + (velocity**2).sum(axis=1)
        return np.asarray(pull - (along / self.length**2)[:, None] * position, dtype=np.float64)

    def after(
        self, position: FloatArray, velocity: FloatArray, seconds: float, steps: int = 400
    ) -> tuple[FloatArray, FloatArray]:
        """Return positions and velocities some seconds later, by the rule of Runge and Kutta (order 4).

        Args:
            position: Positions of the tips, shape (n, 3).
            velocity: Velocities of the tips, shape (n, 3).
            seconds: The time between.
            steps: Number of steps of the integration.

        Returns:
            Positions, shape (n, 3), and velocities, shape (n, 3).
        """
        h, state = seconds / steps, np.stack([position, velocity])
        for _ in range(steps):
            first = self._slope(state)
            second = self._slope(state + h / 2 * first)
            third = self._slope(state + h / 2 * second)
            state = state + h / 6 * (first + 2 * second + 2 * third + self._slope(state + h * third))
        return state[0], state[1]

    def _slope(self, state: FloatArray) -> FloatArray:
        return np.stack([state[1], self.acceleration(state[0], state[1])])


def pendulum_task(samples: int = 500, seconds: float = 0.3, speed: float = 2.0, noise: float = 0.005) -> Task:
    """Return the task `robot:pendulum`: position (m) and velocity (m/s) of the tip to its displacement (m) .3 s later.

    Each row is one look at a pendulum that is pushed about: the tip is anywhere on the lower half of the sphere about
    the joint, and its velocity is Gaussian along the sphere. Turns about the vertical, z, and reflections in planes
    that hold it change nothing: O(2), the group of the task. No other rotation of space has that property.

    Args:
        samples: Number of rows.
        seconds: Time between the two looks.
        speed: Standard deviation of both components of the velocity, in m/s.
        noise: Standard deviation of the noise of the second look, in m.
    """
    rng, pendulum = np.random.default_rng(0), Pendulum()
    position = rng.standard_normal((samples, 3))
    position[:, 2] = -np.abs(position[:, 2])
    position *= pendulum.length / np.linalg.norm(position, axis=1, keepdims=True)
    velocity = speed * rng.standard_normal((samples, 3))
    velocity -= (velocity * position).sum(axis=1, keepdims=True) * position / pendulum.length**2
    later = pendulum.after(position, velocity, seconds)[0]
    return finite_task(
        "robot:pendulum",
        np.hstack([position, velocity]),
        later - position + noise * rng.standard_normal((samples, 3)),
        description="a pendulum in space: how far its tip moves in .3 s (simulated)",
        group="O2",
        in_rep="2*(natural+trivial)",
        out_rep="natural+trivial",
        inputs=tuple(f"{what}_{axis}" for what in ("position", "velocity") for axis in "xyz"),
        outputs=tuple(f"displacement_{axis}" for axis in "xyz"),
    )
