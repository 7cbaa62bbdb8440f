"""Losses and penalties: slopes, convexity, invariance where it is claimed, and a counterexample where it is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import ConfigError, UnitError
from sharefind.groups import FiniteGroup, Representation, from_matrices, named_group, natural, parse_representation
from sharefind.meanfield import (
    CROSS_ENTROPY,
    LOGISTIC_LOSS,
    RIDGE,
    SMOOTH_NORM,
    SQUARED,
    Loss,
    Penalty,
    build_loss,
    build_penalty,
    haar_rule,
    huber,
    smooth_l1,
)
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.objectives.losses import loss_of
from sharefind.testing import random_groups, random_units

LOSSES = (SQUARED, huber(0.5), huber(2.0), LOGISTIC_LOSS, CROSS_ENTROPY)
PENALTIES = (RIDGE, SMOOTH_NORM, smooth_l1(0.1), smooth_l1(1.0))
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Absolute errors of losses and penalties of order ten, declared for each precision."""


def labels(loss: Loss, rng: np.random.Generator, shape: tuple[int, ...]) -> torch.Tensor:
    y = torch.from_numpy(rng.normal(size=shape))
    if loss is LOGISTIC_LOSS:
        return torch.sign(y)
    return torch.softmax(y, -1) if loss is CROSS_ENTROPY else y


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_slopes_of_losses_and_convexity(loss: Loss) -> None:
    rng = np.random.default_rng(0)
    y = labels(loss, rng, (50, 3))
    p, q = (torch.from_numpy(rng.normal(0, 2, size=(50, 3))) for _ in range(2))
    leaf = p.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss.value(leaf, y).sum(), leaf)
    torch.testing.assert_close(loss.slope(p, y), slope, rtol=0, atol=1e-12)
    middle = loss.value((p + q) / 2, y)
    assert bool((middle <= (loss.value(p, y) + loss.value(q, y)) / 2 + 1e-12).all())


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.name)
def test_slopes_of_penalties_and_convexity(penalty: Penalty) -> None:
    rng = np.random.default_rng(1)
    a, b = (torch.from_numpy(rng.normal(0, 2, size=(2, 4, 5))) for _ in range(2))
    leaf = a.clone().requires_grad_()
    (slope,) = torch.autograd.grad(penalty.value(leaf).sum(), leaf)
    torch.testing.assert_close(penalty.slope(a), slope, rtol=0, atol=1e-12)
    assert bool((penalty.value((a + b) / 2) <= (penalty.value(a) + penalty.value(b)) / 2 + 1e-12).all())
    assert float(penalty.value(torch.zeros(1, 4, 1))) == 0.0


def refused(check: Loss | Penalty, rep: Representation) -> bool:
    try:
        check.refuse_unless_invariant(rep)
    except UnitError:
        return True
    return False


def largest_change(loss: Loss, rep: Representation, dtype: torch.dtype = torch.float64) -> float:
    """max_g |l(g p, g y) - l(p, y)| over random points."""
    rng = np.random.default_rng(2)
    p, y = torch.from_numpy(rng.normal(size=(40, rep.dim))), torch.from_numpy(rng.normal(size=(40, rep.dim)))
    p, y = p.to(dtype), y.to(dtype)
    changes = [
        loss.value(p @ m.t(), y @ m.t()) - loss.value(p, y) for m in torch.from_numpy(rep.float_matrices()).to(dtype)
    ]
    return float(torch.stack(changes).abs().max())


@settings(max_examples=60)
@given(
    random_groups(),
    st.sampled_from(["natural", "natural+sign", "regular", "trivial:2", "natural*natural"]),
    st.sampled_from(LOSSES),
    st.sampled_from([torch.float64, torch.float32]),
)
def test_losses_are_invariant_or_refused(group: FiniteGroup, text: str, loss: Loss, dtype: torch.dtype) -> None:
    """The decision on generators is the truth on all elements, found numerically."""
    rep = parse_representation(text, group)
    if refused(loss, rep):
        assert largest_change(loss, rep) > 1e-3
    else:
        assert largest_change(loss, rep, dtype) < TOLERANCE[dtype]


@pytest.mark.parametrize("name", ["R3", "R5"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_rotations(name: str, loss: Loss) -> None:
    rep = natural(named_group(name))
    expected = loss in (LOGISTIC_LOSS, CROSS_ENTROPY)
    assert refused(loss, rep) is expected
    assert (largest_change(loss, rep) > 1e-3) is expected


@settings(max_examples=40)
@given(random_units(hidden=False), st.sampled_from(PENALTIES), st.sampled_from([torch.float64, torch.float32]))
def test_penalties_are_invariant(unit: object, penalty: Penalty, dtype: torch.dtype) -> None:
    rule = haar_rule(unit)  # type: ignore[arg-type]
    theta = torch.from_numpy(np.random.default_rng(3).normal(size=(1, rule.on_z.shape[1], 6))).to(dtype)
    penalty.refuse_unless_invariant(unit.space.action)  # type: ignore[attr-defined]
    images = rule.images(theta)[0].permute(1, 0, 2)
    expected = penalty.value(theta).expand(len(rule), -1)
    torch.testing.assert_close(penalty.value(images), expected, rtol=0, atol=TOLERANCE[dtype])


def test_penalties_of_coordinates_refuse_rotations() -> None:
    rep = natural(named_group("R3"))
    with pytest.raises(UnitError, match=r"smooth-l1:0.1 penalty is not invariant: generator 0 of R3"):
        smooth_l1(0.1).refuse_unless_invariant(rep)
    turned = torch.from_numpy(rep.float_matrices()[1]) @ torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    straight = torch.tensor([[[1.0], [0.0]]], dtype=torch.float64)
    assert abs(float(smooth_l1(0.1).value(turned[None]) - smooth_l1(0.1).value(straight))) > 0.1
    RIDGE.refuse_unless_invariant(rep)
    with pytest.raises(UnitError, match="ridge penalty is not invariant: generator 0 of C2"):
        RIDGE.refuse_unless_invariant(from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "skewed"))
    with pytest.raises(UnitError, match="the Lie algebra of SO2"):
        smooth_l1().refuse_unless_invariant(natural(named_group("SO2")))


def test_refusals_name_the_generator() -> None:
    with pytest.raises(
        UnitError, match=r"cross-entropy loss is not invariant: generator 1 of B2 acts on Y \(natural\)"
    ):
        CROSS_ENTROPY.refuse_unless_invariant(natural(named_group("B2")))
    with pytest.raises(UnitError, match="squared loss is not invariant: generator 0 of C2"):
        SQUARED.refuse_unless_invariant(from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "skewed"))


def test_names() -> None:
    assert [build_loss(loss.name).name for loss in LOSSES] == [loss.name for loss in LOSSES]
    assert [build_penalty(p.name).name for p in PENALTIES] == [p.name for p in PENALTIES]
    for wrong in ("hinge", "huber:0", "huber:x", "huber:-1"):
        with pytest.raises(ConfigError):
            build_loss(wrong)
    for wrong in ("lasso", "smooth-l1:0", "smooth-l1:x"):
        with pytest.raises(ConfigError):
            build_penalty(wrong)


def test_huber_is_quadratic_inside_and_linear_outside() -> None:
    y = torch.zeros(2, 2, dtype=torch.float64)
    p = torch.tensor([[0.3, 0.4], [3.0, 4.0]], dtype=torch.float64)
    torch.testing.assert_close(huber(1.0).value(p, y), torch.tensor([0.125, 4.5], dtype=torch.float64))


def test_cross_entropy_against_torch() -> None:
    rng = np.random.default_rng(4)
    logits, classes = torch.from_numpy(rng.normal(size=(20, 5))), torch.from_numpy(rng.integers(5, size=20))
    ours = CROSS_ENTROPY.value(logits, torch.nn.functional.one_hot(classes, 5).double())
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(logits, classes, reduction="none"))


@pytest.mark.parametrize("scale", [0.5, 2.0, 16.0])
def test_the_loss_of_classes_is_the_cross_entropy_of_their_logits(scale: float) -> None:
    rng = np.random.default_rng(8)
    change = Standardisation(np.eye(2), rng.normal(size=4), scale, has_classes=True)
    loss = loss_of(change)
    y = torch.from_numpy(np.eye(4)[rng.integers(4, size=50)])
    p, q = (torch.from_numpy(rng.normal(size=(50, 4))) for _ in range(2))
    leaf = p.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss.value(leaf, y).sum(), leaf)
    torch.testing.assert_close(loss.slope(p, y), slope, rtol=0, atol=1e-12)
    logits = torch.from_numpy(change.shift) + scale * p
    expected = torch.nn.functional.cross_entropy(logits, y.argmax(1), reduction="none")
    torch.testing.assert_close(loss.value(p, y), expected)
    middle = loss.value((p + q) / 2, y)
    assert bool((middle <= (loss.value(p, y) + loss.value(q, y)) / 2 + 1e-12).all())
    with pytest.raises(UnitError, match="permutations"):
        loss.refuse_unless_invariant(natural(named_group("B4")))


def test_the_curvature_of_classes_bounds_the_second_derivatives_on_average() -> None:
    """Where predictions have the classes' shares on average, whatever they are row by row."""
    rng = np.random.default_rng(9)
    shares = np.array([0.6, 0.3, 0.1])
    loss = loss_of(Standardisation(np.eye(2), np.log(shares), 2.0, has_classes=True))
    p = np.eye(3)[rng.choice(3, p=shares, size=4000)]
    for sure in (0.0, 0.5, 0.9):
        predicted = torch.from_numpy(np.log(sure * p + (1 - sure) * shares) - np.log(shares)) / 2
        hessian = torch.stack(
            [
                torch.autograd.functional.hessian(lambda v: loss.value(v, torch.from_numpy(shares)), row)
                for row in predicted[:200]
            ]
        )
        largest = float(torch.linalg.eigvalsh(hessian.mean(0))[-1])
        assert largest <= loss.curvature * 1.1
    assert loss_of(Standardisation(np.eye(2), np.zeros(3), 1.0)) is SQUARED
