"""Data of any scale, type and rank: the answer that the same data at scale 1 have, or one line that says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.api import SharingSearch
from sharefind.cli import main
from sharefind.datasets import Task, finite_task, fresh_task
from sharefind.errors import ConfigError, DataError, InputError
from sharefind.groups import named_group
from sharefind.inference.sample_checks import RepeatedRows, refuse_repeated_rows
from sharefind.search import build_problem, search_config

Array = NDArray[np.float64]
QUICK: dict[str, Any] = {"alpha": 0.05, "copies": 39}
UNITS = ("matrix:logistic", "matrix:tanh", "two-layer:tanh", "radial:algebraic")


def half_shared(n: int = 120, seed: int = 0) -> tuple[Array, Array]:
    """x (n, 4) and y (n, 4) that C2 inside C4 moves together, and C4 does not."""
    rng = np.random.default_rng(seed)
    x, first, second = rng.normal(size=(n, 4)), np.array([1, -0.5, 0.25, 0.6]), np.array([1.2, 1.2, 0.5, -1])
    weight = np.stack([first, second, np.roll(first, 2), np.roll(second, 2)])
    return x, 1 / (1 + np.exp(-x @ weight.T)) + 0.02 * rng.normal(size=(n, 4))


def answer(x: Any, y: Any, **settings: Any) -> tuple[list[str], list[str], int, list[float | None]]:
    """Accepted and rejected groups, the dimension of E_*, and the p-values."""
    chosen = {"group": "C4", "unit": "matrix", **QUICK, **settings}
    found = SharingSearch(**chosen).fit(x, y)
    assert np.isfinite(found.predict(np.asarray(x, dtype=np.float64))).all()
    json.dumps(found.result_.to_json(), allow_nan=False)
    p_values = [e.p_value for e in found.result_.chain]
    return found.accepted_, found.rejected_, found.result_.e_star.dim, p_values


@pytest.fixture(scope="module")
def at_scale_one() -> tuple[list[str], list[str], int, list[float | None]]:
    found = answer(*half_shared())
    assert found[:3] == (["C2"], ["C4"], 8)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-99, 1e-8, 1e-4, 1e8, 1e99])
@pytest.mark.parametrize("which", ["x", "y", "both"])
def test_the_scale_of_the_data_changes_nothing(which: str, scale: float, at_scale_one: Any) -> None:
    x, y = half_shared()
    found = answer(x * (1 if which == "y" else scale), y * (1 if which == "x" else scale))
    assert found == at_scale_one


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", [pytest.param(unit, marks=[pytest.mark.ci] * (unit in ("matrix:tanh", "two-layer:tanh"))) for unit in UNITS]
)
def test_small_labels_are_learned_by_every_unit(unit: str) -> None:
    x, y = half_shared()
    small, usual = (answer(x, y * size, unit=unit) for size in (1e-8, 1.0))
    assert small == usual and small[0] == ["C2"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [pytest.param(1e-8, marks=pytest.mark.ci), 1e-4, 0.1])
def test_small_labels_leave_zero_where_nothing_is_tested(size: float) -> None:
    """Growth without exact tests: labels of 1e-4 end neither at {0} nor elsewhere than labels of 1e6 do."""
    x, y = half_shared()
    settings = {"growth": "escape", "stop": "calibrated"}
    assert answer(x, size * y, **settings)[2] == answer(x, 1e6 * y, **settings)[2] >= 1


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e-120, 1e120, 1e154, 1e300])
@pytest.mark.parametrize("which", ["x", "y"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"unit": "two-layer:tanh"}, {"stop": "calibrated"}, {"preset": "paper"}, {"group": None}],
    ids=["fast", "two-layer", "calibrated", "paper", "blind"],
)
def test_squares_that_overflow_or_vanish_are_refused(which: str, scale: float, settings: dict[str, Any]) -> None:
    x, y = half_shared(40)
    data = {"x": x, "y": y}
    data[which] = data[which] * scale
    with pytest.raises(InputError, match=rf"^{which} holds .*(overflow; divide|vanish; multiply) it by a constant"):
        answer(data["x"], data["y"], **settings)


@pytest.mark.parametrize(
    ("factors", "unit", "message"),
    [
        ((1e-8, 1), "matrix:logistic", "x spreads by .*divide it by .*standardises"),
        ((1e8, 1), "two-layer:tanh", "x spreads by .*divide it by .*standardises"),
    ],
)
def test_the_paper_preset_refuses_what_its_step_does_not_fit(
    factors: tuple[float, float], unit: str, message: str
) -> None:
    x, y = half_shared(40)
    with pytest.raises(DataError, match=message):
        answer(factors[0] * x, factors[1] * y, unit=unit, preset="paper")


TYPES = ("float16", "float32", ">f8", "longdouble", "int8", "int16", "int32", "int64", "uint8", "uint64", "bool")


@pytest.mark.parametrize("dtype", TYPES)
def test_types_of_numbers_give_what_their_values_give(dtype: str, tmp_path: Path) -> None:
    x, y = half_shared(80)
    # A common offset keeps unsigned numbers above 0.
    shifted = (x > 0, y > 0.5) if dtype == "bool" else (20 * x + (100 if dtype[0] == "u" else 0), 20 * y + 20)
    given = [values.astype(dtype) for values in shifted]
    task = finite_task("data", *given)
    assert task.x is not None and task.x.dtype == np.float64 and np.array_equal(task.x, given[0].astype(np.float64))
    np.savez(tmp_path / "data.npz", x=given[0], y=given[1])
    np.savez(tmp_path / "float.npz", x=given[0].astype(np.float64), y=given[1].astype(np.float64))
    read = [_problem_of(tmp_path / name) for name in ("data.npz", "float.npz")]
    assert all(np.array_equal(a, b) for a, b in zip(*read, strict=True))


def _problem_of(path: Path) -> tuple[Any, Any]:
    from sharefind.datasets import load_data

    problem = build_problem(search_config(group="C4"), load_data(str(path)), named_group("C4"))
    assert problem.x is not None and problem.y is not None
    return problem.x.numpy(), problem.y.numpy()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["x", "y"])
def test_the_first_value_that_is_no_number_is_named(
    which: str, value: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = half_shared(20)
    (x if which == "x" else y)[3, 2] = value
    np.savez(tmp_path / "data.npz", x=x, y=y)
    assert main(["discover", "--data", str(tmp_path / "data.npz"), "--group", "C4"]) == 2
    told = capsys.readouterr().err
    assert f"{which} is {value} at row 3, column 2" in told and len(told.splitlines()) == 1


def test_a_law_that_gives_no_numbers_is_named() -> None:
    class Broken:
        def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
            return np.full((n, 2), np.nan), np.zeros((n, 2))

    task: Task = fresh_task("broken", Broken(), 2, 2)
    with pytest.raises(DataError, match="task broken: a sample has x = nan; mend its sampler"):
        task.sample(np.random.default_rng(0), 5)


X, Y = half_shared()
COLUMNS = {
    "constant": np.c_[X[:, :3], np.full(len(X), 3.0)],
    "zero": np.c_[X[:, :3], np.zeros(len(X))],
    "duplicated": np.c_[X[:, :3], X[:, :1]],
    "mixed": X * np.array([1e-8, 1, 1e4, 1]),
    "far apart": X * np.array([1e-90, 1, 1e80, 1e-8]),
}
RANKS_IN_CI = [("mean", "constant"), ("mean", "far apart"), ("escape", "duplicated"), ("escape", "mixed")]


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("settings", [{}, {"stop": "calibrated"}], ids=["randomisation", "calibrated"])
def test_columns_that_no_group_keeps_break_all_groups(name: str, settings: dict[str, Any]) -> None:
    """The law of X is not invariant under a group that moves a constant, doubled or longer column: the right answer."""
    assert answer(COLUMNS[name], Y, **settings)[:3] == ([], ["C4", "C2"], 16)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("growth", "name"),
    [
        pytest.param(growth, name, id=f"{growth}-{name}", marks=[pytest.mark.ci] * ((growth, name) in RANKS_IN_CI))
        for growth in ("mean", "escape")
        for name in COLUMNS
    ],
)
def test_rank_deficient_inputs_grow_along_directions(name: str, growth: str) -> None:
    """Spaces that no group fixes hold after the change of inputs too: what starts there stays, or leaves by little."""
    found = SharingSearch("C4", growth=growth, stop="calibrated", alpha=0.05).fit(COLUMNS[name], Y)
    sizes = [e.dist2 for e in found.result_.chain]
    assert found.result_.e_star.dim >= 1 and max(sizes) == sizes[0]


def test_inputs_that_others_determine_are_refused_in_a_blind_search() -> None:
    for name in ("zero", "duplicated", "far apart"):
        with pytest.raises(InputError, match="an input of x is determined by the others"):
            answer(COLUMNS[name], Y, group=None)


@pytest.mark.parametrize("value", [0.0, *(pytest.param(v, marks=pytest.mark.slow) for v in (0.3, 7.0)), -1e9])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stop": "calibrated"},
        {"growth": "mean", "stop": "fixed", "delta": 1e-3},
        {"growth": "escape", "stop": "calibrated"},
        {"unit": "two-layer:tanh"},
        {"group": None},
    ],
    ids=["fast", "calibrated", "mean", "escape", "two-layer", "blind"],
)
def test_labels_that_never_change_need_no_parameter(value: float, settings: dict[str, Any]) -> None:
    assert answer(X, np.full_like(Y, value), **settings)[2] == 0


def test_inputs_that_never_change() -> None:
    with pytest.raises(DataError, match="all inputs x are zero"):
        answer(0 * X, Y)
    accepted, _, dim, _ = answer(0 * X + 1, Y)
    assert "C2" in accepted and dim in (4, 8)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_samples_are_refused(n: int) -> None:
    with pytest.raises((ConfigError, ValueError), match=r"at least 4 rows|minimum of"):
        answer(X[:n], Y[:n])
    with pytest.raises(InputError, match="too few"):
        answer(X[:n], Y[:n], group=None)


@pytest.mark.slow
@pytest.mark.ci
def test_fewer_samples_than_inputs_reject_nothing_without_evidence() -> None:
    """Six samples of sixteen inputs that are pure noise: everything is symmetric, in 38 of 40 draws or more."""
    rng = np.random.default_rng(5)
    kept = 0
    for _ in range(40):
        found = answer(rng.normal(size=(6, 16)), rng.normal(size=(6, 1)), group="C16", out_rep="trivial")
        kept += found[2] == 0 or not found[1]
    assert kept >= 34  # binomial(40, 0.95) is below 34 with probability 0.003


@pytest.mark.parametrize("which", ["x", "y"])
def test_a_row_that_hides_the_others_is_named(which: str) -> None:
    data = {"x": X.copy(), "y": Y.copy()}
    data[which][17] *= 1e20
    with pytest.raises(DataError, match=rf"{which} holds .* in row 17 .*correct that row or remove it"):
        answer(data["x"], data["y"])


@pytest.mark.parametrize("settings", [{}, {"stop": "calibrated"}, {"growth": "mean", "stop": "calibrated"}])
def test_repeated_rows_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"row 1 repeats row 0 .*80 of 120 rows.*drop the copies"):
        answer(np.repeat(X[:40], 3, axis=0), np.repeat(Y[:40], 3, axis=0), **settings)


def test_identical_rows_are_refused() -> None:
    with pytest.raises(DataError, match="119 of 120 rows"):
        answer(np.repeat(X[:1], 120, axis=0), np.repeat(Y[:1], 120, axis=0))


def test_a_few_repeated_rows_do_not_matter() -> None:
    few = int(RepeatedRows.most * 200)
    rows = np.r_[np.arange(200 - few), np.arange(few)]
    x, y = half_shared(200)
    assert answer(x[rows], y[rows])[0] == ["C2"]
    with pytest.raises(DataError, match=f"{few + 1} of 201 rows"):
        refuse_repeated_rows(x[np.r_[rows, 0]], y[np.r_[rows, 0]], "data")


def test_discrete_laws_with_a_symmetry_are_not_taken_for_copies() -> None:
    """Samples of laws that are invariant under signed permutations repeat by chance, and are never refused."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        width, points = int(rng.integers(2, 6)), int(rng.integers(1, 4))
        base = rng.normal(size=(points, width))
        x = np.stack([rng.permutation(base[k]) for k in rng.integers(points, size=60)])
        refuse_repeated_rows(x, x**2, "data")
        refuse_repeated_rows(rng.choice([-1.0, 1.0], size=(60, width)), np.zeros((60, 1)), "data")
