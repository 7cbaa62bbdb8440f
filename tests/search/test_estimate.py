"""Estimates before a search: sizes, rates of the code that will run, and no trace in the result."""

import time

import numpy as np
import pytest

from sharefind.datasets import finite_task
from sharefind.groups import named_group
from sharefind.search import Problem, SearchNode, search_config
from sharefind.search.building import build_problem
from sharefind.search.engine import Engine
from sharefind.search.estimate import Probe, estimate, sizes_of
from sharefind.search.forecast import Forecast
from sharefind.search.search_lattice import ZERO
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray


def _samples(rows: int, width: int, breaks: float) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, width))
    return x, x.sum(1, keepdims=True) + breaks * x[:, :1] + 0.1 * rng.normal(size=(rows, 1))


def _problem(rows: int, breaks: float = 0.0, **settings: object) -> Problem:
    task = finite_task("sums", *_samples(rows, 4, breaks), in_rep="natural", out_rep="trivial")
    return build_problem(search_config(group="S4", out_rep="trivial", **settings), task, named_group("S4"))


def test_sizes_follow_from_the_problem() -> None:
    problem = _problem(200, copies=99, training_copies=20)
    sizes = sizes_of(problem)
    assert (sizes.rows, sizes.d_in, sizes.d_out, sizes.order) == (200, 4, 1, 24)
    assert sizes.subgroups == 29  # all but the trivial one
    assert (sizes.copies, sizes.rejected_after, sizes.trained) == (99, 1, 21)
    assert sizes.nodes[0] == 2 < sizes.nodes[1]


def test_groups_that_may_be_proposed_are_counted() -> None:
    x = np.random.default_rng(0).normal(size=(200, 6))
    task = finite_task("lengths", x, (x**2).sum(1, keepdims=True), in_rep="2*natural", out_rep="trivial")
    problem = build_problem(search_config(group="O3", out_rep="trivial"), task, named_group("O3"))
    sizes = sizes_of(problem)
    assert sizes.statistic == "vector-score" and sizes.subgroups > 7, "an axis alone has seven groups"
    assert estimate(problem).part("tests").fewest == 1 < estimate(problem).part("tests").most


def test_a_scheme_that_imposes_the_symmetry_tests_nothing() -> None:
    assert sizes_of(_problem(200, scheme="da")).subgroups == 0
    assert estimate(_problem(200, scheme="da")).part("tests").most == 0


@pytest.mark.parametrize(("breaks", "holds"), [(0.0, True), (3.0, False)])
def test_a_first_look_tells_clear_cases_apart(breaks: float, holds: bool) -> None:
    """On a clock that stands still there is time for all rows and copies."""
    found = estimate(_problem(80, breaks), probe=Probe(worth=0.0, clock=lambda: 0.0))
    assert found.holds is holds


def test_a_short_search_is_not_measured() -> None:
    def never() -> float:
        raise AssertionError("measured")

    problem = _problem(30, copies=99, training_copies=9)
    assert estimate(problem, probe=Probe(clock=never, worth=1e9)).high > 0


def test_the_estimate_and_the_time_of_a_search_are_alike_and_the_result_is_the_same() -> None:
    task = finite_task("pair", *_samples(60, 2, 0.0), in_rep="natural", out_rep="trivial")
    config = search_config(group="C2", copies=99, training_copies=9, particles=8, unit="matrix", out_rep="trivial")
    problem, clock = build_problem(config, task, named_group("C2")), time.process_time
    before = Engine(problem).run()
    found = estimate(problem, probe=Probe(worth=0.0, clock=clock))
    forecast = Forecast(found)
    started = clock()
    after = Engine(problem, observer=forecast).run()
    # Without the yardstick, which is no part of the engine; 4: the machine does other things.
    assert found.low / 4 < clock() - started < 4 * found.high
    assert [n.evidence for n in after.chain] == [n.evidence for n in before.chain]
    assert forecast.part == "trainings"


def test_the_forecast_follows_a_search() -> None:
    now = [0.0]
    problem = _problem(60, copies=99)
    found = estimate(problem, probe=Probe(worth=1e9))
    forecast = Forecast(found, clock=lambda: now[0])
    zero = SearchNode(ZERO, Subspace.zero(problem.space.dim), None, ZERO)
    assert forecast.share == 0.0
    assert "if the candidate holds, up to" in forecast.words()
    forecast.on_progress(zero, "in test of S4: marginal-likelihood, 25 copies", 0, 29)
    assert forecast.doing == "test of S4: marginal-likelihood, 25 copies"
    now[0] = 40.0
    forecast.on_progress(zero, "test of A4", 10, 29)
    left = forecast.remaining
    assert left is not None
    rest = sum(found.part(name).high for name in ("trainings", "diagnosis", "yardstick"))
    assert left == pytest.approx((76 + rest, 76 + rest))
    assert forecast.share == pytest.approx(40 / (116 + rest))
    assert forecast.words().startswith("40 s, about ")
    forecast.on_progress(zero, "escape", 10, 20)
    assert (forecast.part, forecast.doing) == ("trainings", "{0}: escape")
    forecast.on_progress(zero, "diagnosis of S4", 0, 2)
    forecast.on_progress(zero, "yardstick", 0, 1)
    assert forecast.part == "yardstick"


def test_without_an_estimate_only_the_past_is_known() -> None:
    assert Forecast(clock=lambda: 0.0).words() == "0 s"
