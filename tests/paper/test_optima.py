"""Theorem 2, Propositions 4 and 5 as demonstrations: they hold for several groups and fail where they should."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import EmpiricalLaw, HaarRule, Risk, haar_rule
from sharefind.paper import optima
from sharefind.paper.context import Context, Request
from sharefind.paper.demonstration import Outcome
from sharefind.paper.worked_example import worked_example

DEMONSTRATIONS = [optima.thm_2, optima.prop_4, optima.prop_5]


@pytest.mark.parametrize("demonstration", DEMONSTRATIONS, ids=lambda d: d.__name__)
def test_the_statements_hold_for_every_default_group(demonstration: Callable[[Context], Outcome]) -> None:
    outcome = demonstration(Context(Request(quick=True)))
    assert outcome.holds, [check for check in outcome.checks if not check.passed]
    assert {row["group"] for row in outcome.rows} == set(optima.GROUPS)


@pytest.mark.parametrize(
    "group",
    ["C5", "A4", pytest.param("S4", marks=pytest.mark.slow), pytest.param("B3", marks=pytest.mark.slow), "C2xC3"],
)
@pytest.mark.parametrize("demonstration", DEMONSTRATIONS, ids=lambda d: d.__name__)
def test_other_groups_by_their_names(demonstration: Callable[[Context], Outcome], group: str) -> None:
    outcome = demonstration(Context(Request(quick=True, group=group, seed=3)))
    assert outcome.holds, [check for check in outcome.checks if not check.passed]


@pytest.mark.parametrize("name", ["C2", "C4", "S4", "B2", "R5"])
def test_the_worked_example_from_first_principles(name: str) -> None:
    """The law is invariant, the WI measure fits it, and no strongly invariant cloud beats (a - b)^2 / 4."""
    group = named_group(name)
    example = worked_example(natural(group))
    law = example.law()
    assert set(np.round(law.y.numpy(), 12).ravel()) == {round(example.a, 12), round(example.b, 12)}
    for matrix in natural(group).float_matrices():
        moved = law.x.numpy() @ matrix.T
        np.testing.assert_allclose(example.label(moved), law.y.numpy(), atol=1e-12)
        key = np.lexsort(np.round(moved, 9).T), np.lexsort(np.round(law.x.numpy(), 9).T)
        np.testing.assert_allclose(moved[key[0]], law.x.numpy()[key[1]], atol=1e-9)
    risk = Risk(example.unit, law)
    assert float(risk.value(example.weakly_invariant())) < 1e-28
    lower, upper = example.certified_gap()
    assert lower <= example.strict_gap <= upper
    rng = np.random.default_rng(0)
    mean = natural(group).float_matrices().mean(0)
    for _ in range(200):
        inner = mean @ rng.normal(0, 3, size=(example.in_rep.dim, 4))
        cloud = torch.from_numpy(np.vstack([inner, rng.normal(0, 2, size=(1, 4))])).unsqueeze(0)
        assert float(risk.value(cloud)) >= lower - 1e-12


def test_actions_that_move_nothing_have_no_example() -> None:
    with pytest.raises(ConfigError, match="moves nothing on X"):
        worked_example(parse_representation("trivial:3", named_group("C2")))


def test_prop_5_needs_an_equivariant_law(monkeypatch: pytest.MonkeyPatch) -> None:
    original = EmpiricalLaw.symmetrised

    def crooked(law: EmpiricalLaw, rule: HaarRule) -> EmpiricalLaw:
        moved = original(law, rule)
        y = moved.y.clone()
        y[0] += 0.5
        return EmpiricalLaw(moved.x, y)

    monkeypatch.setattr(EmpiricalLaw, "symmetrised", crooked)
    outcome = optima.prop_5(Context(Request(quick=True, group="C3")))
    assert not next(c for c in outcome.checks if c.name.startswith("C3, noisy, hidden regular: best")).passed


def test_theorem_2_needs_the_group_to_act_on_the_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HaarRule, "images", lambda rule, theta: theta.unsqueeze(2).expand(-1, -1, len(rule), -1))
    outcome = optima.thm_2(Context(Request(quick=True, group="C3")))
    assert not outcome.checks[0].passed


def test_the_irreducible_error_is_what_it_says() -> None:
    """R_* = E |Y - E[Y|X]|^2, from the samples themselves."""
    group = named_group("C3")
    unit = optima.build_unit("two-layer:tanh", natural(group), natural(group), natural(group))
    noisy = optima.noisy_law(unit, haar_rule(unit), np.random.default_rng(0))
    half = len(noisy.law) // 2
    torch.testing.assert_close(noisy.law.x[:half], noisy.law.x[half:])
    mean = (noisy.law.y[:half] + noisy.law.y[half:]) / 2
    spread = ((noisy.law.y[:half] - mean) ** 2).sum(1).mean()
    assert abs(float(spread) - noisy.least) < 1e-12
