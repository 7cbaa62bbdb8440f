"""Tasks: what they hold, how they draw, and the arrays that they refuse."""

import numpy as np
import pytest

from sharefind.datasets import GivenAction, Task, check_arrays, finite_task, fresh_task
from sharefind.errors import DataError
from sharefind.groups import FiniteGroup, trivial
from sharefind.typing import FloatArray

ROWS = np.arange(12.0).reshape(6, 2)


def _one_line(caught: pytest.ExceptionInfo[DataError], *words: str) -> None:
    message = str(caught.value)
    assert "\n" not in message and message
    assert all(word in message for word in words), message


class _Constant:
    def sample(self, rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
        return np.zeros((n, 3)), np.ones((n, 1))


def test_finite_task_knows_its_widths_and_draws_its_own_rows() -> None:
    task = finite_task("pairs", ROWS, 2 * ROWS[:, :1], in_rep="natural", tolerance=0.5)
    assert (task.d_in, task.d_out, task.n, task.is_fresh, task.in_rep, task.tolerance) == (
        2,
        1,
        6,
        False,
        "natural",
        0.5,
    )
    x, y = task.sample(np.random.default_rng(0), 100)
    assert x.shape == (100, 2) and y.shape == (100, 1)
    np.testing.assert_array_equal(y, 2 * x[:, :1])
    assert {tuple(row) for row in x} == {tuple(row) for row in ROWS}


def test_fresh_task_draws_from_its_sampler_and_has_no_rows() -> None:
    task = fresh_task("constant", _Constant(), 3, 1)
    x, y = task.sample(np.random.default_rng(0), 4)
    assert task.is_fresh and task.n is None and x.shape == (4, 3) and y.shape == (4, 1)
    with pytest.raises(DataError) as caught:
        task.arrays()
    _one_line(caught, "constant", "sample")


def test_a_task_cannot_be_changed_and_copies_what_it_is_given() -> None:
    x = ROWS.copy()
    task = finite_task("pairs", x, ROWS)
    x[0, 0] = 99.0
    held, _ = task.arrays()
    assert held[0, 0] == ROWS[0, 0]
    with pytest.raises(ValueError, match="read-only"):
        held[0, 0] = 1.0
    with pytest.raises(AttributeError):
        task.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("n", [0, -1])
def test_sampling_nothing_is_refused(n: int) -> None:
    with pytest.raises(DataError) as caught:
        finite_task("pairs", ROWS, ROWS).sample(np.random.default_rng(0), n)
    _one_line(caught, "pairs", str(n))


def test_a_task_with_neither_rows_nor_law_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        Task("empty", 2, 2)
    _one_line(caught, "empty")


def _action(width: int) -> GivenAction:
    group = FiniteGroup("C2", 2, ((1, 0),))
    rep = trivial(group, width)
    return GivenAction(group, rep, rep)


def test_an_action_fits_its_task_and_says_everything() -> None:
    task = finite_task("pairs", ROWS, ROWS, action=_action(2))
    assert task.action is not None and task.action.group.order == 2
    with pytest.raises(DataError) as caught:
        finite_task("pairs", ROWS, ROWS, action=_action(3))
    _one_line(caught, "pairs", "widths 2 and 2", "3 and 3")
    with pytest.raises(DataError) as caught:
        finite_task("pairs", ROWS, ROWS, action=_action(2), in_rep="natural")
    _one_line(caught, "pairs", "drop group, in_rep and out_rep")


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.bool_])
def test_every_real_dtype_becomes_float64(dtype: type) -> None:
    x, y = check_arrays(np.ones((3, 2), dtype), np.ones((3, 1), dtype), "here")
    assert x.dtype == y.dtype == np.float64 and x.sum() == 6.0


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.ones((3, 2), complex), ROWS, ("x", "complex128")),
        (np.array([["a", "b"]]), ROWS, ("x", "<U1")),
        (np.array([[object()]]), ROWS, ("x", "object")),
        (np.ones(6), ROWS, ("x", "(6,)", "reshape")),
        (ROWS, np.ones(6), ("y", "(6,)", "reshape")),
        (np.ones((0, 2)), ROWS, ("x", "empty", "(0, 2)")),
        (ROWS, np.ones((6, 0)), ("y", "empty", "(6, 0)")),
        (ROWS, ROWS[:5], ("x has 6 rows", "y has 5")),
    ],
)
def test_unusable_arrays_are_refused(x: FloatArray, y: FloatArray, words: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        check_arrays(x, y, "here")
    _one_line(caught, "here", *words)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", ["x", "y"])
def test_values_that_are_not_finite_are_located(value: float, key: str) -> None:
    bad = ROWS.copy()
    bad[4, 1] = value
    arrays = {"x": ROWS, "y": ROWS, key: bad}
    with pytest.raises(DataError) as caught:
        check_arrays(arrays["x"], arrays["y"], "here")
    _one_line(caught, f"{key} is {value}", "row 4, column 1")


def test_float64_overflow_is_an_infinity() -> None:
    with pytest.raises(DataError) as caught:
        check_arrays(np.array([[np.longdouble("1e4000")]]), np.ones((1, 1)), "here")
    _one_line(caught, "row 0, column 0")
