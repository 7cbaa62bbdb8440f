"""The pendulum in space: a mechanical system by its conservation laws, and what moves its rows."""

import numpy as np

from sharefind.datasets.pendulum import Pendulum, pendulum_task
from sharefind.groups import named_group, parse_representation


def states(count: int) -> tuple[np.ndarray, np.ndarray]:
    x = pendulum_task(samples=count).arrays()[0]
    return x[:, :3], x[:, 3:]


def test_energy_and_the_vertical_angular_momentum_stay_without_friction() -> None:
    pendulum, (position, velocity) = Pendulum(friction=0.0), states(20)
    later = pendulum.after(position, velocity, 1.0)

    def energy(r: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.asarray((v**2).sum(axis=1) / 2 + pendulum.gravity * r[:, 2])

    np.testing.assert_allclose(energy(*later), energy(position, velocity), atol=1e-6)
    spin = [np.cross(r, v)[:, 2] for r, v in ((position, velocity), later)]
    np.testing.assert_allclose(spin[1], spin[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(later[0], axis=1), 1.0, atol=1e-6)
    assert np.abs(later[0] - position).max() > 0.1


def test_small_swings_have_the_period_of_a_textbook() -> None:
    pendulum = Pendulum(length=2.0, friction=0.0)
    start = np.array([[0.01, 0.0, -np.sqrt(4 - 1e-4)]])
    period = 2 * np.pi * np.sqrt(pendulum.length / pendulum.gravity)
    there, _ = pendulum.after(start, np.zeros((1, 3)), period / 4)
    assert abs(there[0, 0]) < 1e-6


def test_turns_about_the_vertical_commute_and_others_do_not() -> None:
    pendulum, (position, velocity) = Pendulum(), states(20)
    after = pendulum.after(position, velocity, 0.3)[0]
    rng = np.random.default_rng(1)
    for group, text, is_kept in (("O2", "natural+trivial", True), ("O3", "natural", False)):
        turn = parse_representation(text, named_group(group)).sample_matrices(rng, 1)[0]
        there = pendulum.after(position @ turn.T, velocity @ turn.T, 0.3)[0]
        assert (np.abs(there - after @ turn.T).max() < 1e-9) == is_kept
