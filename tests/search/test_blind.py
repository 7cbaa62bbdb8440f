"""A search without a candidate, from data to result: what is proposed is tested, and left where it does not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.datasets import teacher_student
from sharefind.datasets.task import Task, finite_task
from sharefind.errors import ConfigError, InputError
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.search import Engine, Problem, build_problem, search_config
from sharefind.search.blind import tying_p_value
from sharefind.search.result_record import result_record

FloatArray = NDArray[np.float64]
NOBODY = FiniteGroup("C1", 1, ())


def problem_of(x: FloatArray, y: FloatArray, **settings: Any) -> Problem:
    return build_problem(search_config(blind=True, **settings), finite_task("data", x, y), NOBODY)


def result_of(x: FloatArray, y: FloatArray, **settings: Any) -> dict[str, Any]:
    return result_record(Engine(problem_of(x, y, **settings)).run(), None, "run", 0.0, "lattice.json").to_json()


def teacher(name: str, n: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    rep, rng = natural(named_group(name)), np.random.default_rng([11, seed])
    return teacher_student(rep, rep, "wi", rng, noise=0.05).sample(rng, n)


def radial_samples(n: int, rotates: bool, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """z x / (1 + |z x|^2)^{1/2} of five particles, which rotations of the plane commute with or not; noise .05."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), np.zeros((n, 2))
    for _ in range(5):
        a, b, c, d = rng.normal(size=4)
        u = x @ np.array([[a, -b], [b, a]] if rotates else [[a, b], [c, d]]).T
        y += u / np.sqrt(1 + (u**2).sum(axis=1, keepdims=True)) / 5
    return x, y + 0.05 * rng.normal(size=(n, 2))


def test_the_samples_that_propose_take_no_part_in_what_follows() -> None:
    x, y = teacher("C4", 400)
    problem = problem_of(x, y)
    assert problem.blind is not None and problem.blind.rows is not None
    assert problem.blind.finding.samples == round(0.75 * 400)
    assert problem.samples == len(problem.blind.rows) == 100
    # Those that are left decide nothing of the proposal: it is the same with other labels there.
    other = y.copy()
    other[problem.blind.rows] = 0
    again = problem_of(x, other)
    assert again.blind is not None
    np.testing.assert_array_equal(again.blind.rows, problem.blind.rows)
    assert again.blind.finding.labels.tolist() == problem.blind.finding.labels.tolist()
    assert again.blind.finding.share == problem.blind.finding.share


def test_the_record_of_a_group() -> None:
    result = result_of(*teacher("S3xS2", 1000))
    assert [row["decision"] for row in result["chain"]] == ["grow", "stay"]
    assert (result["group"]["name"], result["group"]["order"]) == ("S3xS2", 12)
    assert result["e_star"]["stabiliser"]["name"] == "S3xS2" and result["e_star"]["dim"] == 6 + 2
    assert "S3xS2" in result["accepted"] and result["rejected"] == []
    blind = result["blind"]
    assert (blind["status"], blind["name"], blind["is_group"], blind["dim"]) == ("decided", "S3xS2", True, 6)
    assert len(blind["weights"]) == 6 and all(w["error"] > 0 for w in blind["weights"])
    assert np.array(blind["tying"]).tolist() == result["e_star"]["tying"][0]


def test_a_proposal_that_does_not_hold_is_left_for_its_subgroups() -> None:
    # The linear part knows D_4, and only what is even under it and cubic breaks the reflections; the test sees that.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 4))
    shift = np.roll(x, -1, axis=1)
    y = x + 0.3 * (shift + np.roll(x, 1, axis=1)) + 0.05 * rng.normal(size=x.shape)
    problem = problem_of(x, y + 0.5 * np.sin(3 * shift) * np.sin(3 * np.roll(x, 1, axis=1)) ** 2)
    result = result_record(Engine(problem).run(), None, "run", 0.0, "lattice.json").to_json()
    assert result["group"]["name"] in ("D4", "C4")
    assert result["e_star"]["stabiliser"]["name"] == "C4" and result["e_star"]["dim"] == 4 + 1


def test_inputs_that_are_not_invariant() -> None:
    x, y = teacher("C4", 1000)
    scales = np.array([1.0, 2.0, 3.0, 4.0])
    result = result_of(x * scales, y)
    assert result["blind"]["name"] == "no sharing" and result["e_star"]["dim"] == 16 + 4
    assert result["accepted"] == []


def test_no_signal_ends_at_zero_and_is_undecided() -> None:
    rng = np.random.default_rng(0)
    result = result_of(rng.normal(size=(400, 3)), rng.normal(size=(400, 3)))
    assert result["e_star"]["dim"] == 0 and result["blind"]["status"] == "undecided"


@pytest.mark.slow
def test_a_tying_without_a_group() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 12))
    y = np.stack([x[:, i : i + 3] @ [0.5, -0.3, 0.2] for i in range(10)], axis=1)
    y += 0.05 * rng.normal(size=y.shape)
    result = result_of(x, y, unit="matrix")
    assert result["blind"]["name"] == "translation (filter of width 3 at offset 0), a tying without a group"
    assert result["e_star"]["stabiliser"] is None and result["e_star"]["candidate"] is None
    assert [row["dim"] for row in result["chain"]] == [0, 3] and result["chain"][1]["p_value"] > 0.01
    assert "translation" in result["chain"][1]["reason"]
    # The bias of the default unit is one number.
    with_bias = result_of(x, y)
    assert with_bias["e_star"]["dim"] == 4 and set(with_bias["e_star"]["tying"][1]) == {4}


def test_ties_that_do_not_hold_are_refused() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 12))
    weights = np.zeros((10, 12))
    for i in range(10):
        weights[i, i : i + 3] = [0.5, -0.3, 0.2]
    noise = 0.05 * rng.normal(size=(800, 10))
    found = problem_of(x, x @ weights.T + noise)
    assert found.blind is not None
    p = [tying_p_value(found.blind.finding, x[:200], x[:200] @ w.T + noise[:200]) for w in (weights, weights + 0.02)]
    assert p[0] > 0.01 > p[1]


@pytest.mark.slow
def test_ties_that_hold_are_refused_no_more_often_than_the_level() -> None:
    rng = np.random.default_rng(3)
    weights = np.zeros((6, 8))
    for i in range(6):
        weights[i, i : i + 3] = [0.5, -0.3, 0.2]

    def draw(n: int) -> tuple[FloatArray, FloatArray]:
        x = rng.normal(size=(n, 8))
        return x, x @ weights.T + 0.1 * rng.normal(size=(n, 6))

    found = problem_of(*draw(800))
    assert found.blind is not None
    p = np.array([tying_p_value(found.blind.finding, *draw(200)) for _ in range(120)])
    # HC3 errs on the side of large variances, so that p-values are a little large.
    assert 0.4 < p.mean() < 0.8 and (p <= 0.05).mean() <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_rotations_of_the_plane(seed: int) -> None:
    result = result_of(*radial_samples(1200, True, seed), unit="radial")
    assert result["e_star"]["stabiliser"]["name"] == "SO2" and result["e_star"]["dim"] == 2
    assert result["e_star"]["tying"] in ([[[1, 2], [-2, 1]]], [[[1, -2], [2, 1]]])
    assert result["blind"]["lie_algebra"] == {"name": "so(2)", "dim": 1}
    free = result_of(*radial_samples(1200, False, seed), unit="radial")
    assert free["e_star"]["dim"] == 4 and free["blind"]["lie_algebra"]["dim"] == 0


@pytest.mark.slow
def test_a_group_too_large_to_list() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 9))
    y = np.tanh(x + 0.5 * x.mean(axis=1, keepdims=True)) + 0.05 * rng.normal(size=x.shape)
    result = result_of(x, y, copies=99)
    assert result["e_star"]["stabiliser"]["name"] == "S9" and result["e_star"]["dim"] == 2 + 1
    assert result["accepted"][0] == "S9" and result["rejected"] == []


def test_signs_need_an_odd_unit() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    y = np.tanh(x) + 0.05 * rng.normal(size=x.shape)
    assert problem_of(x, y).unit.name == "matrix+bias:tanh"
    assert problem_of(x, y).candidate.group.name == "B3"
    named = problem_of(x, y, unit="matrix")
    assert named.candidate.group.name == "S3" and named.unit.name == "matrix:logistic"


@pytest.mark.slow
def test_two_layers_find_the_same_group() -> None:
    result = result_of(*teacher("C4", 1000), unit="two-layer")
    assert result["e_star"]["stabiliser"]["name"] == "C4"


def test_a_mean_of_samples_without_inputs() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(100, 5)) + np.array([0, 3, 3, 0, 0])
    result = result_of(np.ones((100, 1)), y, unit="matrix")
    assert result["e_star"]["tying"] == [[[1], [2], [2], [1], [1]]]
    assert [round(w["value"]) for w in result["blind"]["weights"]] == [0, 3]


def test_the_same_twice() -> None:
    x, y = teacher("D4", 300)
    first, second = (result_of(x, y, seed=3, copies=99) for _ in range(2))
    for record in (first, second):
        record.pop("versions")
    assert first == second


def test_the_resolved_configuration_builds_the_same_problem() -> None:
    x, y = teacher("C4", 400)
    task: Task = finite_task("data", x, y)
    first = build_problem(search_config(blind=True), task, NOBODY)
    second = build_problem(first.resolved, task, NOBODY)
    assert second.resolved == first.resolved and second.candidate.group == first.candidate.group


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"growth": "mean"}, "give delta, the largest distance"),
        ({"in_rep": "natural"}, "drop in_rep"),
        ({"scheme": "da"}, "drop scheme"),
    ],
)
def test_what_does_not_go_with_blind(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search_config(blind=True, **settings)


def test_too_few_samples() -> None:
    with pytest.raises(InputError, match="too few for a search without a group"):
        problem_of(*teacher("C4", 10))


@pytest.mark.slow
def test_a_group_with_the_space_of_a_larger_one_is_what_the_tests_accept() -> None:
    # Products of neighbours on a ring of four: D_4. On one output its weights are those of S_4, which is rejected.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 4))
    y = (x * np.roll(x, -1, axis=1)).sum(axis=1, keepdims=True) + 0.05 * rng.normal(size=(1000, 1))
    result = result_of(x, y, unit="matrix", statistic="correlogram")
    assert result["e_star"]["dim"] == 1 and "S4" in result["rejected"]
    assert result["maximal"][0].startswith("D4") and result["maximal"][0] in result["accepted"]
