"""What a diagnosis says is broken, and what tying costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sharefind.errors import InputError
from sharefind.groups import named_group, natural, trivial
from sharefind.inference import Cause, Diagnosis, RandomisationTest, RiskGap, diagnose, risk_gap
from sharefind.inference.relation.reference_models import ReferenceModels
from sharefind.inference.relation.risk_gap import CrossValidation
from sharefind.meanfield import JointAction

Data = tuple[NDArray[np.float64], NDArray[np.float64]]


def _moves(name: str) -> JointAction:
    rep = natural(named_group(name))
    return JointAction(rep, rep)


def _look(data: Data, name: str, copies: int = 99) -> Diagnosis:
    x, y = (torch.from_numpy(v) for v in data)
    return diagnose(x, y, _moves(name), np.random.default_rng(0), copies=copies)


def _ring(n: int, d: int, seed: int, shift: float = 0.0, turn: float = 0.0, noise: float = 0.1) -> Data:
    """A circulant relation, with one input shifted, or with a part that turns one way round."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    x[:, 0] += shift
    y = x + 0.5 * (np.roll(x, 1, 1) + np.roll(x, -1, 1)) + turn * (np.roll(x, 1, 1) - np.roll(x, -1, 1))
    return x, y + noise * rng.normal(size=(n, d))


def _least_squares_gap(data: Data, name: str, folds: int = 5) -> float:
    """The price of tying a linear map, cross-validated with the averaged normal equations."""
    x, y = (v - v.mean() for v in data)
    matrices = natural(named_group(name)).float_matrices()
    fold, errors = np.random.default_rng(1).permutation(len(x)) % folds, np.zeros((2, len(x)))
    for k in range(folds):
        rest, held = fold != k, fold == k
        second, cross = x[rest].T @ x[rest], x[rest].T @ y[rest]
        tied = [(np.mean([g @ m @ g.T for g in matrices], axis=0)) for m in (second, cross)]
        for row, (a, b) in enumerate(((second, cross), tied)):
            errors[row, held] = ((x[held] @ np.linalg.solve(a, b) - y[held]) ** 2).sum(1)
    free, both = errors.mean(axis=1)
    return float((both - free) / ((y - y.mean(0)) ** 2).sum(1).mean())


def test_inputs_that_alone_are_broken_are_named_with_all_rows() -> None:
    found = _look(_ring(3000, 4, 0, shift=0.15), "C4")
    assert found.inputs is not None and found.inputs.p_value <= 0.01 and found.cause is Cause.INPUTS


def test_a_relation_that_alone_is_broken_is_named() -> None:
    found = _look(_ring(400, 4, 1, turn=0.3), "D4")
    assert found.inputs is not None and found.inputs.p_value > 0.01 and found.cause is Cause.RELATION
    assert not found.is_approximate


def test_both_are_named() -> None:
    assert _look(_ring(1500, 4, 2, shift=0.3, turn=0.3), "D4").cause is Cause.BOTH


def test_where_neither_is_shown_the_cause_is_undetermined() -> None:
    found = _look(_ring(300, 4, 3), "D4")
    assert found.cause is Cause.UNDETERMINED and found.is_approximate


def test_labels_that_nothing_predicts_give_no_conclusion() -> None:
    rng = np.random.default_rng(4)
    found = _look((rng.normal(size=(200, 4)), rng.normal(size=(200, 4))), "C4")
    assert not found.risk.is_fitting and not found.is_approximate and found.cause is Cause.UNDETERMINED


def test_a_gap_in_a_model_that_does_not_fit_breaks_no_relation() -> None:
    """The interval above 0 is not enough: it compares two models that predict nothing."""
    accepted = RandomisationTest(0.5, "input-law", 99, 49, 0.0)
    poor = RiskGap(gap=0.05, low=0.01, high=0.09, free_r2=0.1, tied_r2=0.05, free_low=0.02)
    good = RiskGap(gap=0.05, low=0.01, high=0.09, free_r2=0.6, tied_r2=0.55, free_low=0.5)
    assert Diagnosis(accepted, poor, 0.01).cause is Cause.UNDETERMINED
    assert Diagnosis(accepted, good, 0.01).cause is Cause.RELATION


def test_what_was_tested_says_more_than_an_interval() -> None:
    """Inputs with a break that the price of tying shows too: the test of the relation settles what is broken."""
    rejected, accepted = (RandomisationTest(p, "input-law", 99, 0, 0.0) for p in (0.005, 0.5))
    dear = RiskGap(gap=0.05, low=0.01, high=0.09, free_r2=0.6, tied_r2=0.55, free_low=0.5)
    assert Diagnosis(rejected, dear, 0.01).cause is Cause.BOTH
    assert Diagnosis(rejected, dear, 0.01, is_relation_broken=False).cause is Cause.INPUTS
    assert Diagnosis(accepted, dear, 0.01, is_relation_broken=True).cause is Cause.RELATION
    assert Diagnosis(None, dear, 0.01, are_inputs_broken=True, is_relation_broken=False).cause is Cause.INPUTS
    assert (
        Diagnosis(accepted, dear, 0.01, are_inputs_broken=False, is_relation_broken=False).cause is Cause.UNDETERMINED
    )


@pytest.mark.parametrize("name", ["C8", pytest.param("D8", marks=pytest.mark.slow)])
def test_the_price_of_tying_is_that_of_least_squares_where_the_relation_is_linear(name: str) -> None:
    data, settings = _ring(1200, 8, 5, turn=0.1), CrossValidation(models=ReferenceModels(lengths=(None,)))
    gap = risk_gap(*(torch.from_numpy(v) for v in data), _moves(name), np.random.default_rng(0), settings=settings)
    assert gap.gap == pytest.approx(_least_squares_gap(data, name), abs=5e-4)


@pytest.mark.parametrize(
    ("offset", "scale"), [pytest.param(300.0, 1.0, marks=pytest.mark.slow), (1e5, 1e-6), (-1e5, 1e6)]
)
def test_neither_origin_nor_scale_changes_a_diagnosis(offset: float, scale: float) -> None:
    x, y = _ring(160, 4, 6, turn=0.2)
    near, far = _look((x, y), "D4"), _look((scale * (x + offset), (y + offset) / scale), "D4")
    assert near.inputs is not None and far.inputs is not None
    assert far.inputs.p_value == near.inputs.p_value and far.cause is near.cause
    for one, other in zip(vars(near.risk).values(), vars(far.risk).values(), strict=True):
        assert other is one is None or other == pytest.approx(one, abs=1e-5)


def test_huge_columns_do_not_hide_small_ones() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(400, 4)) * np.array([1.0, 1.0, 1e6, 1.0])
    y = x[:, :2] + 0.1 * rng.normal(size=(400, 2))
    group = named_group("C2")
    moves = JointAction(natural(group) + trivial(group, 2), natural(group))
    gap = risk_gap(torch.from_numpy(x), torch.from_numpy(y), moves, np.random.default_rng(0))
    assert gap.free_r2 > 0.95 and gap.tied_r2 > 0.95


def test_a_group_too_large_to_list_is_looked_at_by_images() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(400, 6))
    y = x.sum(1, keepdims=True) + 0.3 * rng.normal(size=(400, 1))
    group = named_group("S6")
    moves = JointAction(natural(group), trivial(group, 1))
    found = diagnose(torch.from_numpy(x), torch.from_numpy(y), moves, np.random.default_rng(0), copies=99)
    assert found.risk.tied_r2 > 0.9 and found.risk.low < 0.01 and found.cause is Cause.UNDETERMINED


def test_no_unit_is_split_between_folds() -> None:
    """Labels that belong to the unit and not to x: they are learned by heart where units are split, and else not."""
    rng = np.random.default_rng(9)
    units = np.repeat(np.arange(60), 5)
    x = rng.normal(size=(60, 4))[units] + 1e-3 * rng.normal(size=(300, 4))
    y = rng.normal(size=(60, 4))[units]
    tensors = torch.from_numpy(x), torch.from_numpy(y), _moves("C4")
    split = risk_gap(*tensors, np.random.default_rng(0))
    whole = risk_gap(*tensors, np.random.default_rng(0), torch.from_numpy(units))
    assert split.free_r2 > 0.5 and whole.free_r2 < 0.1
    with pytest.raises(InputError, match="at least 10 units"):
        risk_gap(*tensors, np.random.default_rng(0), torch.from_numpy(units // 10))
