"""Randomisation p-values: their arithmetic, and that they are exact whatever the statistic."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import zscore
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.groups import named_group, sign, trivial
from sharefind.inference import AmbientMoves, FittedStatistic, RandomisationTest, SampledMoves, randomisation_test
from sharefind.inference.tests.p_values import combined, exceeding_rows
from sharefind.inference.tests.randomisation import TestSpec, randomisation_tests
from sharefind.meanfield.clouds.actions import JointAction

pytestmark = pytest.mark.usefixtures("independent_rows")


class Scripted:
    """Gives listed values: the first to the data, the rest to the copies in their order."""

    name = "scripted"

    def __init__(self, values: Sequence[float | Sequence[float]]) -> None:
        self.values = torch.tensor(values, dtype=torch.float64).reshape(len(values), -1)
        self.given = 0

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        def statistic(rows_x: Tensor, rows_y: Tensor) -> Tensor:
            self.given += len(rows_x)
            return self.values[self.given - len(rows_x) : self.given]

        return FittedStatistic(y, statistic)


class Averages:
    """Sample averages of x^power."""

    name = "averages"

    def __init__(self, *powers: int) -> None:
        self.powers = powers

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        return FittedStatistic(
            y, lambda rows_x, rows_y: torch.stack([(rows_x**k).mean((1, 2)) for k in self.powers], 1)
        )


def still(rng: np.random.Generator, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.ones((size, 1, 1)), np.ones((size, 1, 1))


def scripted(values: Sequence[float | Sequence[float]], enough: int | None = None) -> RandomisationTest:
    ones = torch.ones(3, 1)
    rng = np.random.default_rng(0)
    return randomisation_test(ones, ones, SampledMoves(still), Scripted(values), rng, len(values) - 1, enough)


def test_p_value_counts_the_copies_that_reach_the_data() -> None:
    found = scripted([3.0, 1.0, 2.0, 3.0, 5.0])
    assert (found.p_value, found.exceeding, found.copies, found.statistic) == (3 / 5, 2, 4, "scripted")
    assert scripted([9.0, 1.0, 2.0, 3.0]).p_value == 1 / 4
    assert scripted([9.0] * 8).p_value == 1.0


def test_copies_that_differ_by_rounding_are_tied() -> None:
    assert scripted([-5e3, -5e3 * (1 + 1e-13), -6e3]).p_value == pytest.approx(2 / 3)


def test_z_counts_deviations_of_the_copies() -> None:
    assert scripted([5.0, 1.0, 3.0]).z == pytest.approx(3.0)
    assert scripted([[0.0, 5.0], [1.0, 1.0], [2.0, 3.0]]).z == pytest.approx(3.0)
    assert scripted([5.0, 1.0, 1.0]).z == 0.0


@pytest.mark.parametrize("copy", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_copies_that_are_no_numbers_speak_against_a_rejection(copy: float) -> None:
    assert scripted([3.0, copy, 1.0, 2.0]).p_value == 2 / 4


@pytest.mark.parametrize("copy", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_components_that_are_no_numbers_are_left_out(copy: float) -> None:
    assert scripted([[9.0, 3.0], [0.0, copy], [1.0, 9.0], [2.0, 9.0]]).p_value == 1 / 4
    assert scripted([[9.0, 9.0], [copy, copy], [1.0, 2.0]]).p_value == 1.0


def test_more_copies_than_are_evaluated_at_a_time() -> None:
    values = [0.0, *np.linspace(-1, 1, 2 * TestSpec.block_rows + 3)]
    assert scripted(values).p_value == pytest.approx((1 + (TestSpec.block_rows + 2)) / (2 * TestSpec.block_rows + 4))


def test_a_clear_answer_ends_early() -> None:
    found = scripted([1.0, 0.0, 5.0, 0.0, 7.0, 8.0, 9.0], enough=2)
    assert (found.p_value, found.copies, found.exceeding) == (2 / 4, 4, 2)


def test_an_answer_that_is_clear_at_the_last_copy() -> None:
    assert scripted([1.0, 0.0, 5.0, 0.0, 7.0], enough=2).p_value == 2 / 4
    assert scripted([1.0, 0.0, 5.0, 0.0, 0.0], enough=2).p_value == 2 / 5


def test_several_components_are_read_whole() -> None:
    values = [[1.0, 1.0], [5.0, 5.0], [6.0, 6.0], [0.0, 2.0]]
    assert scripted(values, enough=1).copies == 3


class MovedLabels:
    """The sum of the labels, which are given in place of y."""

    name = "moved-labels"

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        return FittedStatistic(y - 1, lambda rows_x, rows_y: rows_y.sum((1, 2)).unsqueeze(1))


def test_labels_of_the_statistic_are_moved_in_place_of_y() -> None:
    def flip(rng: np.random.Generator, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.ones((size, 1, 1)), -np.ones((size, 1, 1))

    ones, rng = torch.ones(3, 1), np.random.default_rng(0)
    assert randomisation_test(ones, 3 * ones, SampledMoves(flip), MovedLabels(), rng, 4).p_value == 1 / 5
    assert randomisation_test(ones, ones, SampledMoves(flip), MovedLabels(), rng, 4).p_value == 1.0


def p_values(
    statistic: Averages, count: int, enough: int | None = None, block_bytes: int = TestSpec.block_bytes
) -> NDArray[np.float64]:
    """Of a skew statistic of symmetric data; copies coincide with probability 2^-25."""
    group = named_group("C2")
    moves, rng = JointAction(sign(group), trivial(group)), np.random.default_rng(1)
    found = []
    for _ in range(count):
        x = torch.from_numpy(rng.lognormal(size=(25, 1)) * rng.choice([-1.0, 1.0], size=(25, 1)))
        spec = TestSpec(moves, statistic, int(rng.integers(2**63)), 19, enough, block_bytes=block_bytes)
        found += [test.p_value for _, test in randomisation_tests(x, torch.zeros_like(x), [spec])]
    return np.array(found)


@pytest.mark.parametrize(
    ("statistic", "enough", "levels"),
    [
        (Averages(1), None, [k / 20 for k in range(1, 20)]),
        (Averages(1, 3, 5), None, [k / 20 for k in range(1, 20)]),
        (Averages(1), 3, [1 / 20, 2 / 20, 3 / 19, 3 / 12, 3 / 5, 3 / 4]),
    ],
    ids=["plain", "components", "early"],
)
def test_p_values_are_exact(statistic: Averages, enough: int | None, levels: list[float]) -> None:
    """P(p <= a) = a at every value that p takes; four standard errors, up to 19 comparisons."""
    found = p_values(statistic, 800, enough)
    shares = np.array([(found <= level + 1e-12).mean() for level in levels])
    wanted = np.array(levels)
    assert (np.abs(shares - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / len(found))).all(), shares


def component_rows() -> st.SearchStrategy[NDArray[np.float64]]:
    def rows(seed: int, count: int, components: int) -> NDArray[np.float64]:
        rng = np.random.default_rng(seed)
        return np.asarray(rng.standard_cauchy((count, components)) * rng.lognormal(sigma=3, size=components))

    return st.builds(rows, st.integers(0, 2**32), st.integers(3, 30), st.integers(1, 5))


@settings(max_examples=50)
@given(component_rows(), st.integers(0, 2**16))
def test_rows_stay_exchangeable_when_components_are_combined(rows: NDArray[np.float64], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    np.testing.assert_allclose(combined(rows[order]), combined(rows)[order], rtol=1e-9)
    copies = np.concatenate([rows[:1], rows[1:][::-1]])
    assert exceeding_rows(combined(copies)) == exceeding_rows(combined(rows))


@settings(max_examples=50)
@given(component_rows())
def test_components_are_studentised_over_all_rows(rows: NDArray[np.float64]) -> None:
    expected = rows[:, 0] if rows.shape[1] == 1 else zscore(rows, axis=0).max(1)
    np.testing.assert_allclose(combined(rows), expected, rtol=1e-9)
    constant = np.hstack([rows, np.full((len(rows), 1), 7.0)])
    assert exceeding_rows(combined(constant)) == exceeding_rows(combined(rows))


def test_constant_components_say_nothing() -> None:
    assert scripted([[1.0, 2.0, 3.0]] * 10).p_value == 1.0


ONES = torch.ones(4, 1)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.ones(4), ONES),
        (ONES, torch.ones(4)),
        (ONES, torch.ones(3, 1)),
        (torch.ones(0, 1), torch.ones(0, 1)),
        (torch.ones(4, 0), ONES),
        (ONES * float("nan"), ONES),
        (ONES, ONES * float("inf")),
    ],
    ids=["x-flat", "y-flat", "lengths", "empty", "no-inputs", "nan", "inf"],
)
def test_bad_samples(x: Tensor, y: Tensor) -> None:
    with pytest.raises(InputError):
        randomisation_test(x, y, SampledMoves(still), Averages(1), np.random.default_rng(0))


def test_a_statistic_that_is_no_number_on_the_data() -> None:
    with pytest.raises(InputError, match="scripted: the statistic of the data is not finite"):
        scripted([float("nan"), 1.0])


@pytest.mark.parametrize(("copies", "enough"), [(0, None), (-3, None), (19, 0)])
def test_bad_copies(copies: int, enough: int | None) -> None:
    with pytest.raises(ConfigError):
        randomisation_test(
            ONES,
            ONES,
            SampledMoves(still),
            Averages(1),
            np.random.default_rng(0),
            copies=copies,
            max_exceedances=enough,
        )


def test_blocks_hold_a_stated_number_of_bytes() -> None:
    """Eight bytes a number: elements, moved inputs and labels, and what the statistic asks for."""
    moves = JointAction(sign(named_group("C2")), trivial(named_group("C2")))
    x = torch.zeros(100, 1, dtype=torch.float64)
    plain, costly = FittedStatistic(x, lambda a, b: a), FittedStatistic(x, lambda a, b: a, row_bytes=7600)
    small, large = (TestSpec(moves, Averages(1), 0, 99, block_bytes=size) for size in (20_000, 10**9))
    assert (small.rows_at_once(plain, x), small.rows_at_once(costly, x)) == (8, 2)
    assert small.rows_at_once(FittedStatistic(x, lambda a, b: a, row_bytes=10**9), x) == 1
    assert large.rows_at_once(plain, x) == TestSpec.block_rows


@pytest.mark.slow
def test_p_values_of_costly_rows_are_exact() -> None:
    """Blocks of one row each, every one with a stream of its own; four standard errors."""
    found = p_values(Averages(1), 600, block_bytes=1)
    for level in (1 / 20, 5 / 20, 10 / 20):
        error = np.sqrt(level * (1 - level) / len(found))
        assert abs((found <= level + 1e-12).mean() - level) <= 4 * error
