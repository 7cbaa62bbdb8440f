"""Laws with finite support: their symmetrisation, their samples, and what is no law."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import DataError
from sharefind.groups import named_group, natural
from sharefind.meanfield import EmpiricalLaw, Unit, build_unit, haar_rule
from sharefind.testing import random_units


def law_of(unit: Unit, seed: int, weighted: bool) -> EmpiricalLaw:
    rng = np.random.default_rng(seed)
    x, y = torch.from_numpy(rng.normal(size=(4, unit.d_in))), torch.from_numpy(rng.normal(size=(4, unit.d_out)))
    return EmpiricalLaw(x, y, torch.softmax(torch.from_numpy(rng.normal(size=4)), 0) if weighted else None)


@settings(max_examples=40)
@given(random_units(hidden=False), st.booleans(), st.integers(0, 99))
def test_symmetrised_laws_are_equivariant(unit: Unit, weighted: bool, seed: int) -> None:
    """Integrals of a test function do not change when every pair is moved by one element."""
    rule, law = haar_rule(unit), law_of(unit, seed, weighted)
    symmetric = law.symmetrised(rule)
    torch.testing.assert_close(symmetric.probabilities.sum(), torch.tensor(1.0, dtype=torch.float64))
    a, b = (torch.from_numpy(np.random.default_rng(seed).normal(size=d)) for d in (unit.d_in, unit.d_out))

    def integral(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (torch.cos(x @ a + (y @ b) ** 2) * symmetric.probabilities).sum(-1)

    moved = integral(rule.moved_inputs(symmetric.x), rule.moved_labels(symmetric.y))
    torch.testing.assert_close(moved, integral(symmetric.x, symmetric.y).expand(len(rule)), rtol=0, atol=1e-10)


def test_draws_follow_the_weights() -> None:
    x = torch.arange(3, dtype=torch.float64).unsqueeze(1)
    law = EmpiricalLaw(x, -x, torch.tensor([0.2, 0.0, 0.8], dtype=torch.float64))
    batch = law.source(4, 2500, np.random.default_rng(0)).batch(0)
    assert batch.x.shape == (4, 2500, 1)
    torch.testing.assert_close(batch.y, -batch.x)
    frequencies = [float((batch.x == k).double().mean()) for k in range(3)]
    # Five standard deviations of a binomial share of 10,000 draws.
    np.testing.assert_allclose(frequencies, [0.2, 0.0, 0.8], atol=5 * 0.4 / 100)


def test_full_batches_hold_everything() -> None:
    group = named_group("C2")
    law = law_of(build_unit("matrix", natural(group), natural(group)), 0, False)
    batch = law.full_batch().batch(7)
    torch.testing.assert_close(batch.x[0], law.x)
    with pytest.raises(DataError, match="equal weights"):
        law_of(build_unit("matrix", natural(group), natural(group)), 0, True).full_batch()


@pytest.mark.parametrize(
    ("x", "y", "w", "message"),
    [
        (torch.zeros(0, 2), torch.zeros(0, 1), None, "give"),
        (torch.zeros(3, 2), torch.zeros(2, 1), None, "do not fit"),
        (torch.zeros(3), torch.zeros(3, 1), None, "do not fit"),
        (torch.full((1, 2), torch.nan), torch.zeros(1, 1), None, "not finite"),
        (torch.zeros(2, 2), torch.zeros(2, 1), torch.tensor([0.5, 0.6]), "sum 1"),
        (torch.zeros(2, 2), torch.zeros(2, 1), torch.tensor([1.5, -0.5]), "nonnegative"),
        (torch.zeros(2, 2), torch.zeros(2, 1), torch.tensor([1.0]), "2 nonnegative"),
    ],
)
def test_what_is_no_law(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        EmpiricalLaw(x, y, w)
