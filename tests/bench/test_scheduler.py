"""The simulated scheduler where the answer is known."""

import pytest

from tests.bench.scheduler import scaled_waves, simulated


def test_without_overhead_equal_tasks_fill_the_cores() -> None:
    plan = simulated([[1.0] * 12, [1.0] * 8], cores=4, overhead=0.0)
    assert (plan.makespan, plan.efficiency) == (5.0, 1.0)


def test_a_wave_waits_for_the_one_before() -> None:
    assert simulated([[3.0, 1.0], [1.0]], cores=2, overhead=0.0).makespan == 4.0


def test_more_cores_than_the_scheduler_can_feed_stand_still() -> None:
    """Tasks of 1 s, one handed out each .1 s: ten cores are busy, whatever there are."""
    plan = simulated([[1.0] * 1000], cores=100, overhead=0.1)
    assert plan.makespan == pytest.approx(101.0)
    assert plan.efficiency == pytest.approx(1000 / (100 * 101.0))


def test_a_planned_lattice_has_its_nodes_and_their_cost() -> None:
    import numpy as np

    waves = scaled_waves([1, 10, 30, 4], [0.1], 10_000, 2.0, np.random.default_rng(0))
    assert len(waves) == 4 and len(waves[0]) == 1
    assert sum(map(sum, waves)) == pytest.approx(10_000 * 0.2, rel=1e-3)
