"""Exact tests and partitions under bad numbers: the p-values of scale 1, or one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sharefind.errors import InputError
from sharefind.groups import named_group, natural
from sharefind.inference import (
    Correlogram,
    CrossDisplacement,
    Displacement,
    HeldOutGap,
    MarginalLikelihood,
    SmoothFit,
    SymmetricEvidence,
    diagnose,
    independence_test,
    lie_algebra_test,
    mean_partition,
    randomisation_test,
    risk_gap,
    rotation_test,
    weight_partition,
)
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.measures import rmd2, w2_squared
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.clouds.symmetry_tests import si_test, wi_test
from sharefind.proposal.propose import propose
from sharefind.spaces import fixed_space

GROUP = named_group("C4")
REP = natural(GROUP)
MOVES = JointAction(REP, REP)
FEW: dict[str, Any] = {"copies": 19}
NETWORKS = SmoothFit(width=16, steps=100, batch=50)


def samples(n: int = 60) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    return torch.from_numpy(x), torch.from_numpy(np.tanh(x * [1, 2, 3, 4]) + 0.1 * rng.normal(size=(n, 4)))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def _randomisation(statistic: Any) -> Callable[[Tensor, Tensor], Any]:
    return lambda x, y: randomisation_test(x, y, MOVES, statistic, rng(), **FEW).p_value


def _diagnosis(x: Tensor, y: Tensor) -> Any:
    found = diagnose(x, y, MOVES, rng(), copies=199)
    return None if found.inputs is None else found.inputs.p_value, found.cause


TESTS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "correlogram": _randomisation(Correlogram(REP, REP, (GROUP,))),
    "marginal-likelihood": _randomisation(MarginalLikelihood()),
    "symmetric-evidence": _randomisation(SymmetricEvidence(REP, REP, (GROUP,))),
    "held-out-gap": _randomisation(HeldOutGap()),
    "displacement": _randomisation(Displacement()),
    "cross-displacement": _randomisation(CrossDisplacement()),
    "independence": lambda x, y: independence_test(x, y, rng(), **FEW).p_value,
    "diagnosis": _diagnosis,
    "risk-gap": lambda x, y: round(risk_gap(x, y, MOVES, rng()).gap, 6),
    "rotations": lambda x, y: rotation_test(x, y, [(0, 1)], largest=6, alpha=0.1).found,
    "lie-algebra": lambda x, y: lie_algebra_test(x, y, fit=NETWORKS).name,
}


@pytest.fixture(scope="module", params=TESTS)
def case(request: pytest.FixtureRequest) -> tuple[Callable[[Tensor, Tensor], Any], Any]:
    test = TESTS[request.param]
    return test, test(*samples())


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-60, 1e-8, 1e8, 1e60])
def test_scales_change_no_test(case: Any, scale: float) -> None:
    (test, usual), (x, y) = case, samples()
    assert test(scale * x, y) == usual
    assert test(x, scale * y) == usual


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e160, 1e300])
def test_squares_that_overflow_or_vanish_are_refused(case: Any, scale: float) -> None:
    (test, _), (x, y) = case, samples()
    for name, data in (("x", (scale * x, y)), ("y", (x, scale * y))):
        with pytest.raises(InputError, match=rf"{name} holds .*(overflow; divide|vanish; multiply) it by a constant"):
            test(*data)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_values_that_are_no_numbers_are_refused(case: Any, bad: float) -> None:
    (test, _), (x, y) = case, samples()
    for data in ((x.clone(), y), (x, y.clone())):
        data[0 if data[1] is y else 1][5, 1] = bad
        with pytest.raises(InputError, match="not finite"):
            test(*data)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.int8, torch.int64, torch.uint8, torch.bool])
def test_types_give_what_their_values_give(case: Any, dtype: torch.dtype) -> None:
    (test, _), (x, y) = case, samples()
    given = (20 * x + 100).to(dtype) if dtype is torch.uint8 else (20 * x).to(dtype), (20 * y + 40).to(dtype)
    if dtype is torch.bool:
        given = x > 0, y > 0.5
    assert test(*given) == test(*(v.double() for v in given))


def test_copies_of_rows_are_refused(case: Any) -> None:
    (test, _), (x, y) = case, samples()
    with pytest.raises(InputError, match="40 of 60 rows are such copies"):
        test(x[:20].repeat(3, 1), y[:20].repeat(3, 1))


@pytest.mark.parametrize("name", TESTS)
def test_few_samples_reject_nothing_or_are_refused(name: str) -> None:
    for n in (1, 2, 3):
        x, y = samples(n)
        try:
            found = TESTS[name](x, y)
        except InputError as error:
            assert len(str(error).splitlines()) == 1 and ("at least" in str(error))
        else:
            assert found == {(0, 1): "SO2"} if name == "rotations" else found > 0.05


SPREAD = np.random.default_rng(3).normal(size=(100, 3))
ANSWER = SPREAD @ [1, 1, -2.0] + 0.1 * np.random.default_rng(4).normal(size=100)


@pytest.mark.parametrize("scale", [1e-99, 1e-8, 1.0, 1e8, 1e90])
def test_scales_change_no_partition(scale: float) -> None:
    shifted = SPREAD + np.array([9, 9, 0])
    assert mean_partition(scale * shifted, zeros=True).labels.tolist() == [1, 1, 0]
    assert weight_partition(scale * SPREAD, ANSWER, signed=True).labels.tolist() == [1, 1, 2]
    assert weight_partition(SPREAD, scale * ANSWER).labels.tolist() == [1, 1, 2]


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e160, 1e300])
def test_partitions_refuse_squares_that_overflow_or_vanish(scale: float) -> None:
    for call in (
        lambda: mean_partition(scale * SPREAD),
        lambda: weight_partition(scale * SPREAD, ANSWER),
        lambda: weight_partition(SPREAD, scale * ANSWER),
        lambda: propose(scale * SPREAD, ANSWER[:, None]),
    ):
        with pytest.raises(InputError, match="constant"):
            call()


def test_labels_that_never_change_tie_all_weights() -> None:
    assert weight_partition(SPREAD, 0 * ANSWER, zeros=True).labels.tolist() == [0, 0, 0]
    assert weight_partition(SPREAD, 0 * ANSWER + 5, intercept=True, zeros=True).labels.tolist() == [0, 0, 0]
    assert mean_partition(0 * SPREAD, zeros=True).labels.tolist() == [0, 0, 0]
    found = mean_partition(0 * SPREAD + 2, zeros=True)
    assert found.labels.tolist() == [1, 1, 1] and np.isfinite(found.p_value)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.c_[SPREAD, SPREAD[:, 0]], "determined by other columns"),
        (np.c_[SPREAD, np.zeros(100)], "determined by other columns"),
        (SPREAD * [1e-20, 1, 1e20], "similar sizes"),
        (SPREAD[:3], "n above 3"),
        (SPREAD[:1], "n above 3"),
    ],
)
def test_rank_deficient_inputs_have_no_weights(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        weight_partition(x, ANSWER[: len(x)])


def test_a_proposal_from_labels_that_are_zero_is_finite() -> None:
    found = propose(SPREAD, np.zeros((100, 1)))
    assert not found.has_signal and np.isfinite(found.values).all() and np.isfinite(found.errors).all()


CLOUD = torch.from_numpy(np.random.default_rng(6).normal(size=(4, 40)))


@pytest.mark.parametrize("scale", [1e-90, 1e-8, 1e-3, 1e8, 1e90])
@pytest.mark.parametrize("statistic", ["energy", "w2"])
def test_clouds_of_every_size_are_as_invariant(scale: float, statistic: Any) -> None:
    usual, found = (wi_test(CLOUD * size, REP, rng(), statistic, copies=19) for size in (1.0, scale))
    assert found.p_value == usual.p_value and found.relative == pytest.approx(usual.relative, rel=1e-9)
    projector = Projector(fixed_space(REP))
    clouds = CLOUD.reshape(4, 5, 8).transpose(0, 1).contiguous()
    usual, found = (si_test(clouds * size, projector, rng()) for size in (1.0, scale))
    assert found.p_value == usual.p_value and found.relative == pytest.approx(usual.relative, rel=1e-9)
    assert float(rmd2(clouds * scale, projector)[0]) == pytest.approx(float(rmd2(clouds, projector)[0]), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e160, 1e300])
def test_clouds_whose_squares_overflow_or_vanish_are_refused(scale: float) -> None:
    for statistic in ("energy", "w2"):
        with pytest.raises(InputError, match=r"the cloud holds .*constant"):
            wi_test(CLOUD * scale, REP, rng(), statistic)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"the cloud holds .*constant"):
        si_test(CLOUD.expand(3, -1, -1) * scale, Projector(fixed_space(REP)), rng())


def test_transport_costs_have_no_smallest_unit() -> None:
    a, b = CLOUD.t().numpy(), CLOUD.flip(0).t().numpy()
    assert w2_squared(1e-8 * a, 1e-8 * b) == pytest.approx(1e-16 * w2_squared(a, b), rel=1e-9)
