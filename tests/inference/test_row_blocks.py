"""Units of rows: elements, exchanges, folds and subsamples of whole units."""

import math

import numpy as np
import pytest
import torch

from sharefind.errors import ConfigError, InputError
from sharefind.groups import named_group, natural
from sharefind.inference import Correlogram, diagnose, independence_test, randomisation_test, rotation_test
from sharefind.inference.row_blocks import (
    draw_elements,
    held_units,
    of_rows,
    rearrangements,
    subsample,
    unit_count,
    unit_orders,
)
from sharefind.meanfield import JointAction
from sharefind.meanfield.objectives.row_units import dealt_folds
from tests.acceptance.dependent_rows import rejected, repeated

UNITS = torch.tensor([2, 0, 0, 1, 2, 1, 3])


def test_rows_of_a_unit_get_one_element() -> None:
    for name in ("C4", "SO3"):
        rep = natural(named_group(name))
        drawn = draw_elements(JointAction(rep, rep), 50, 7, UNITS, np.random.default_rng(0))
        for part in drawn if isinstance(drawn, tuple) else (drawn,):
            assert torch.equal(part[:, 0], part[:, 4]) and torch.equal(part[:, 1], part[:, 2])
            assert not torch.equal(part[:, 0], part[:, 6])
    with pytest.raises(ConfigError):
        of_rows({"a": 1}, UNITS)


def test_units_are_exchanged_whole_among_equal_sizes() -> None:
    orders = unit_orders(UNITS, 400, np.random.default_rng(0)).numpy()
    assert (np.sort(orders, axis=1) == np.arange(7)).all() and (orders[:, 6] == 6).all()
    rows = {(0, 4), (1, 2), (3, 5)}
    for order in orders:
        assert {(order[a], order[b]) for a, b in rows} == rows
    assert len({tuple(order) for order in orders}) == rearrangements(UNITS) == math.factorial(3)


def test_what_cannot_be_exchanged_is_refused() -> None:
    units = torch.tensor([0, 1, 1, 2, 2, 2])
    x = torch.randn(6, 2, dtype=torch.float64)
    with pytest.raises(InputError, match="--block-length"):
        independence_test(x, x, np.random.default_rng(0), 19, units=units)


@pytest.mark.parametrize("units", [torch.zeros(4, dtype=torch.int64), torch.tensor([0.0, 1, 1, 2]), torch.arange(3)])
def test_units_that_are_none_are_refused(units: torch.Tensor) -> None:
    with pytest.raises(InputError):
        unit_count(units, 4)


def test_folds_and_shares_hold_whole_units() -> None:
    rng = np.random.default_rng(0)
    units = torch.from_numpy(np.repeat(np.arange(40), rng.integers(1, 9, size=40)))
    folds = [torch.from_numpy(rows) for rows in dealt_folds(units.numpy(), 5, rng)]
    assert torch.equal(torch.cat(folds).sort().values, torch.arange(len(units)))
    assert sum(len(set(units[f].tolist())) for f in folds) == 40
    assert max(map(len, folds)) - min(map(len, folds)) <= 8
    kept, apart = held_units(units, 0.2, rng)
    assert not set(units[kept].tolist()) & set(units[apart].tolist())
    assert abs(len(apart) - 0.2 * len(units)) <= 8


def test_subsamples_are_whole_units_or_alike_parts() -> None:
    rng = np.random.default_rng(0)
    small = torch.arange(5000) // 5
    kept = small[subsample(small, 1000, rng)]
    assert len(kept) == 1000 and (torch.bincount(kept)[kept.unique()] == 5).all()
    large = torch.arange(50_000) // 5000
    kept = large[subsample(large, 1000, rng)]
    assert len(kept.unique()) == 10 and (torch.bincount(kept) == 100).all()


@pytest.mark.slow
def test_the_level_holds_for_repeats() -> None:
    assert rejected(repeated(60, 1e-6), np.arange(60) // 5, 60) <= 0.15
    assert rejected(repeated(60, 1e-6), None, 60) > 0.15


def test_every_row_a_unit_is_no_unit() -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(40, 4)))
    rep = natural(named_group("C4"))
    moves, statistic = JointAction(rep, rep), Correlogram(rep, rep, (rep.group,))
    found = [
        randomisation_test(x, x.tanh(), moves, statistic, np.random.default_rng(1), 49, units=u)
        for u in (None, torch.arange(40))
    ]
    assert found[0] == found[1]


def test_diagnosis_and_rotations_take_units() -> None:
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(40, 2)), 3, axis=0) + 1e-6 * rng.normal(size=(120, 2))
    y = torch.from_numpy((x**2).sum(1, keepdims=True))
    units = torch.arange(120) // 3
    (plane,) = rotation_test(torch.from_numpy(x), y, alpha=0.05, units=units).planes
    assert plane.name == "SO2"
    rep, stays = natural(named_group("C2")), natural(named_group("C2"))
    moves = JointAction(rep, stays)
    found = diagnose(torch.from_numpy(x), torch.from_numpy(x), moves, rng, 0.05, 19, units=units)
    assert found.risk.low <= found.risk.gap <= found.risk.high
    with pytest.raises(InputError, match="10 units"):
        diagnose(torch.from_numpy(x), torch.from_numpy(x), moves, rng, 0.05, 19, units=torch.arange(120) // 60)
