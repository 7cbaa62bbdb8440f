"""The break that a test would have seen: the search, the breaks themselves, and what a test makes of such a break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from sharefind.groups import named_group, natural, trivial
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.relation.detectable import BreakSearch, critical_value
from sharefind.inference.relation.relation_test import RelationTest, relation_test
from sharefind.inference.relation.tied_evidence import EvidenceSettings, KernelEvidence
from sharefind.meanfield import JointAction

pytestmark = pytest.mark.usefixtures("independent_rows")


def moves(*, labels_move: bool = False) -> JointAction:
    group = named_group("S3")
    return JointAction(natural(group), natural(group) if labels_move else trivial(group))


def data(rng: np.random.Generator, n: int, noise: float = 0.3, *, is_sorted: bool = False) -> tuple[Tensor, Tensor]:
    """A smooth invariant function of three inputs."""
    x = rng.normal(size=(n, 3))
    x = np.sort(x, axis=1) if is_sorted else x
    y = np.tanh(x).sum(1) + 0.5 * np.sin(x.prod(1)) + noise * rng.normal(size=n)
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("copies", [19, 99, 199])
def test_the_critical_value_is_that_of_the_p_value(alpha: float, copies: int) -> None:
    values = torch.from_numpy(np.random.default_rng(0).normal(size=copies))
    critical = critical_value(values, alpha)
    for observed in [*values.tolist(), -9.0, 9.0]:
        p_value = (1 + int((values >= observed).sum())) / (copies + 1)
        assert (observed > critical) == (p_value <= alpha + 1e-12)


@pytest.mark.parametrize("size", [0.05, 0.3, 0.5, 2.0, 7.0])
def test_the_search_finds_where_the_power_passes(size: float) -> None:
    """Of a power that grows like a normal distribution function."""
    found = BreakSearch().smallest(lambda s: float(norm.cdf(np.log(s / size) + norm.ppf(0.8))))
    assert found == pytest.approx(size, rel=0.03)


def test_a_break_out_of_reach_is_none_and_one_that_is_always_seen_is_the_smallest_tried() -> None:
    assert BreakSearch().smallest(lambda size: 0.1) is None
    assert BreakSearch().smallest(lambda size: 1.0) == 0.5 / 16


@pytest.mark.parametrize("labels_move", [False, True])
def test_breaks_vanish_when_they_are_tied(labels_move: bool) -> None:
    """Rows are whole orbits: the mean of rho(h)^-1 b(h x) over each is 0."""
    rng, action = np.random.default_rng(0), moves(labels_move=labels_move)
    on_x, on_y = (torch.from_numpy(rep.float_matrices()).double() for rep in (action.in_rep, action.out_rep))
    x = torch.einsum("gab,nb->nga", on_x, torch.from_numpy(rng.normal(size=(8, 3)))).flatten(0, 1)
    y = torch.tanh(x) if labels_move else torch.tanh(x).sum(1, keepdim=True)
    evidence = KernelEvidence.of(x, y + 0.1 * torch.randn_like(y), action, rng, EvidenceSettings())
    breaks = evidence.breaks(rng, 5)
    assert breaks is not None
    each = breaks.reshape(5, 8, len(on_x), -1)
    assert float(torch.einsum("gba,rngb->rna", on_y, each).abs().max()) < 1e-6 * float(breaks.abs().max())
    sizes = (breaks**2).mean((1, 2)).sqrt()
    assert torch.allclose(sizes, sizes[:1].expand(5)) and 0.5 < float(sizes[0]) < 1.5


def looked_at(seed: int, n: int, noise: float = 0.3, *, is_sorted: bool = False) -> RelationTest:
    rng = np.random.default_rng(seed)
    return relation_test(*data(rng, n, noise, is_sorted=is_sorted), moves(), rng, 59, alpha=0.05)


def test_more_rows_see_smaller_breaks_and_one_side_shows_none() -> None:
    many, few = (looked_at(0, n).detectable or 16 for n in (90, 30))
    hidden = looked_at(0, 40, is_sorted=True).detectable
    assert many < few
    assert hidden is None or hidden > 2 * many
    assert relation_test(*data(np.random.default_rng(0), 20), moves(), np.random.default_rng(0), 19).detectable is None


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_a_break_of_that_size_is_seen_about_as_often(noise: float, sets: int = 80) -> None:
    seen, tried = 0, 0
    with rows_looked_at():
        for seed in range(sets):
            rng = np.random.default_rng([5, seed])
            x, y = data(rng, 60, noise)
            found = relation_test(x, y, moves(), rng, 99, alpha=0.05).detectable
            if found is None:
                continue
            evidence = KernelEvidence.of(x, y, moves(), rng, EvidenceSettings())
            (part,) = evidence.breaks(rng, 1)  # type: ignore[misc]
            truth = data(rng, 60, 0.0)[1]
            broken = y + found * truth.std() * part / (part**2).mean().sqrt()
            seen, tried = seen + (relation_test(x, broken, moves(), rng, 99).p_value <= 0.05), tried + 1
    print(f"power at the detectable break, noise {noise}: {seen / tried} of {tried}")
    assert 0.65 <= seen / tried <= 0.95
