"""Proposition 5 needs an equivariant law, and its irreducible error is what it says."""

import numpy as np
import pytest
import torch

from sharefind.groups import named_group, natural
from sharefind.meanfield import EmpiricalLaw, HaarRule, build_unit, haar_rule
from sharefind.paper.context import Context, Request
from sharefind.paper.proposition_5 import Proposition5


def test_prop_5_needs_an_equivariant_law(monkeypatch: pytest.MonkeyPatch) -> None:
    original = EmpiricalLaw.symmetrised

    def crooked(law: EmpiricalLaw, rule: HaarRule) -> EmpiricalLaw:
        moved = original(law, rule)
        y = moved.y.clone()
        y[0] += 0.5
        return EmpiricalLaw(moved.x, y)

    monkeypatch.setattr(EmpiricalLaw, "symmetrised", crooked)
    outcome = Proposition5()(Context(Request(group="C3")))
    assert not next(c for c in outcome.checks if c.name.startswith("C3, noisy, hidden regular: best")).passed


def test_the_irreducible_error_is_what_it_says() -> None:
    """R_* = E |Y - E[Y|X]|^2, from the samples themselves."""
    group = named_group("C3")
    unit = build_unit("two-layer:tanh", natural(group), natural(group), natural(group))
    noisy = Proposition5().noisy_law(unit, haar_rule(unit), np.random.default_rng(0))
    half = len(noisy.law) // 2
    torch.testing.assert_close(noisy.law.x[:half], noisy.law.x[half:])
    mean = (noisy.law.y[:half] + noisy.law.y[half:]) / 2
    spread = ((noisy.law.y[:half] - mean) ** 2).sum(1).mean()
    assert abs(float(spread) - noisy.least) < 1e-12
