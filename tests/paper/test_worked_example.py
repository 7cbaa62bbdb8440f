"""The worked example of Propositions 4 and 5, from first principles."""

import numpy as np
import pytest
import torch

from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import Risk
from sharefind.paper.worked_example import worked_example


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
