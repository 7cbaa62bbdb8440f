"""Exactness by simulation: data that have the symmetry are rejected in a share of alpha, on whole families too."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from sharefind.groups import FiniteGroup, Representation, named_group, natural, subgroups, trivial
from sharefind.inference import (
    CandidateFamily,
    Correlogram,
    MarginalLikelihood,
    family_test,
    independence_test,
    randomisation_test,
    subgroup_family,
)
from sharefind.inference.statistics.registry import statistic_of
from sharefind.inference.statistics.traits import ProblemTraits
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.spaces import fixed_space

pytestmark = pytest.mark.usefixtures("independent_rows")

LEVEL, COPIES = 0.05, 19
SURE = 1e-3
"""Probability with which a quick simulation of an exact test may fail; the slow ones allow three standard errors."""

Array = NDArray[np.float64]
Sampler = Callable[[np.random.Generator], tuple[Array, Array]]


@dataclass(frozen=True)
class Law:
    """A law with a symmetry: the group's action and how data are drawn."""

    in_rep: Representation
    out_rep: Representation
    draw: Sampler


def shifted(rng: np.random.Generator) -> tuple[Array, Array]:
    """C_4 on R^4: X skew and moved by random shifts, Y an equivariant function of it with noise."""
    x = rng.lognormal(size=(8, 4)) * np.array([1.0, 2.0, 3.0, 4.0])
    turns = rng.integers(4, size=8)
    x = np.stack([np.roll(row, turn) for row, turn in zip(x, turns, strict=True)])
    return x, np.tanh(x - 2 * np.roll(x, 1, axis=1)) + 0.1 * rng.normal(size=x.shape)


def reflected(rng: np.random.Generator) -> tuple[Array, Array]:
    """Both reflections of the plane."""
    x = rng.normal(size=(15, 2)) * np.array([1.0, 3.0])
    return x, (np.exp(-np.abs(x[:, 0])) + np.cos(x[:, 1]) + 0.1 * rng.normal(size=15))[:, None]


def turned(rng: np.random.Generator) -> tuple[Array, Array]:
    """SO(2) on R^2, labels that depend on the radius, with noise that does too."""
    radius, angle = rng.lognormal(size=8), rng.uniform(0, 2 * np.pi, size=8)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x, (np.sin(radius) + 0.2 * radius * rng.normal(size=8))[:, None]


def laws() -> dict[str, Law]:
    c4, so2 = natural(named_group("C4")), natural(named_group("SO2"))
    signs = FiniteGroup("V4", 4, ((2, 1, 0, 3), (0, 3, 2, 1)))
    mirrors = natural(named_group("B2")).restrict(signs)
    return {
        "C4": Law(c4, c4, shifted),
        "mirrors": Law(mirrors, trivial(mirrors.group), reflected),
        "SO2": Law(so2, trivial(so2.group), turned),
    }


def tensors(x: Array, y: Array) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(x), torch.from_numpy(y)


def listed(rep: Representation) -> tuple[FiniteGroup, ...]:
    """All subgroups of a finite group that are not trivial; none of an infinite one."""
    return tuple(g for g in subgroups(rep.group) if g.order > 1) if isinstance(rep.group, FiniteGroup) else ()


def scores(in_rep: Representation, out_rep: Representation) -> Correlogram:
    """The correlogram of all subgroups of a finite group that are not trivial."""
    return Correlogram(in_rep, out_rep, listed(in_rep))


def hits(law: Law, count: int, seed: int, kind: str = "marginal-likelihood", offset: float = 0) -> int:
    """Data sets with p <= LEVEL, inputs and labels moved by a vector that the group fixes."""
    moves, rng = JointAction(law.in_rep, law.out_rep), np.random.default_rng(seed)
    statistic = statistic_of(ProblemTraits(law.in_rep, law.out_rep, listed(law.in_rep)), kind)
    shift_x, shift_y = (fixed_space(rep).project(np.full(rep.dim, offset)) for rep in (law.in_rep, law.out_rep))

    def p_value() -> float:
        x, y = law.draw(rng)
        return randomisation_test(*tensors(x + shift_x, y + shift_y), moves, statistic, rng, COPIES).p_value

    return int(np.sum(np.array([p_value() for _ in range(count)]) <= LEVEL))


def early_hits(law: Law, count: int, seed: int) -> int:
    """The same with blocks of samples and tests that end early."""
    moves, statistic, rng = (
        JointAction(law.in_rep, law.out_rep),
        MarginalLikelihood(block=5),
        np.random.default_rng(seed),
    )
    found = [
        randomisation_test(*tensors(*law.draw(rng)), moves, statistic, rng, COPIES, max_exceedances=4).p_value
        for _ in range(count)
    ]
    return int(np.sum(np.array(found) <= 4 / COPIES))


def three_errors(count: int) -> float:
    return 3 * float(np.sqrt(LEVEL * (1 - LEVEL) / count))


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("name", ["C4", "mirrors"])
def test_the_level_in_few_data_sets(name: str) -> None:
    sets = 300
    found = hits(laws()[name], sets, seed=11, offset=300)
    assert stats.binomtest(found, sets, LEVEL).pvalue > SURE, found / sets


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C4", "mirrors", "SO2"])
def test_the_level(name: str) -> None:
    """Reached from both sides: 20 p-values without ties are uniform on 1/20, ..., 1."""
    share = hits(laws()[name], 2000, seed=12, offset=300) / 2000
    print(f"{name}: P(p <= {LEVEL}) = {share}")
    assert abs(share - LEVEL) <= three_errors(2000), share


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C4", "mirrors"])
def test_the_level_of_the_correlogram(name: str) -> None:
    share = hits(laws()[name], 2000, seed=14, kind="correlogram", offset=300) / 2000
    print(f"correlogram, {name}: P(p <= {LEVEL}) = {share}")
    assert abs(share - LEVEL) <= three_errors(2000), share


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C4", "mirrors"])
def test_the_level_of_symmetric_evidence(name: str) -> None:
    share = hits(laws()[name], 600, seed=16, kind="symmetric-evidence", offset=300) / 600
    print(f"symmetric evidence, {name}: P(p <= {LEVEL}) = {share}")
    assert abs(share - LEVEL) <= three_errors(600), share


@pytest.mark.slow
@pytest.mark.ci
def test_the_level_of_independence() -> None:
    """Unequal spreads and heavy tails in X and Y, which have nothing to do with each other."""
    rng, found = np.random.default_rng(15), 0
    for _ in range(2000):
        x, y = rng.standard_t(2, size=(12, 3)) * np.array([1.0, 5.0, 0.2]), rng.lognormal(size=(12, 2))
        found += independence_test(*tensors(x, y), rng, COPIES).p_value <= LEVEL
    assert abs(found / 2000 - LEVEL) <= three_errors(2000), found / 2000


@pytest.mark.slow
def test_the_level_of_tests_that_end_early() -> None:
    """P(p <= h / l) = h / l for a test that ends at the h-th copy above the data, here the l-th and last."""
    level, share = 4 / COPIES, early_hits(laws()["C4"], 2000, seed=13) / 2000
    print(f"early end: P(p <= {level:.4f}) = {share}")
    assert abs(share - level) <= 3 * np.sqrt(level * (1 - level) / 2000), share


def s4_family() -> CandidateFamily:
    group = named_group("S4")
    return subgroup_family(natural(group), trivial(group))


def symmetric(rng: np.random.Generator) -> tuple[Array, Array]:
    """All of S_4."""
    x = rng.normal(size=(10, 4))
    return x, np.sin((x**3).sum(1, keepdims=True)) + 0.1 * rng.normal(size=(10, 1))


def paired(rng: np.random.Generator) -> tuple[Array, Array]:
    """The group of the square, of order 8, that keeps the pairing {0, 1}, {2, 3}."""
    x = rng.normal(size=(10, 4))
    return x, x[:, [0]] * x[:, [1]] + x[:, [2]] * x[:, [3]] + 0.1 * rng.normal(size=(10, 1))


PAIRING = FiniteGroup("D4", 4, ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)))


def permuted(rng: np.random.Generator) -> tuple[Array, Array]:
    """Several outputs that all of S_4 permutes with the inputs."""
    x = rng.lognormal(size=(10, 4))
    return x, np.tanh(x) - x.mean(1, keepdims=True) + 0.3 * rng.normal(size=(10, 4))


@pytest.mark.slow
def test_the_family_wise_error_of_the_correlogram() -> None:
    rep, wrong, count = natural(named_group("S4")), 0, 1000
    family, statistic = subgroup_family(rep, rep), scores(rep, rep)
    for run in range(count):
        x, y = tensors(*permuted(np.random.default_rng([23, run])))
        wrong += bool(family_test(x, y, family, statistic, alpha=LEVEL, copies=COPIES, seed=run).rejected)
    print(f"correlogram, S4: family-wise error {wrong / count}")
    assert wrong / count <= LEVEL + three_errors(count), wrong / count


def wrong_runs(draw: Sampler, truth: FiniteGroup, count: int, seed: int) -> int:
    """Runs in which some group that holds is rejected."""
    family, wrong = s4_family(), 0
    true = {c.name for c in family.candidates if c.group is not None and c.group.is_subgroup_of(truth)}
    for run in range(count):
        x, y = tensors(*draw(np.random.default_rng([seed, run])))
        found = family_test(x, y, family, MarginalLikelihood(), alpha=LEVEL, copies=COPIES, seed=run)
        wrong += bool(true & set(found.rejected))
    return wrong


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(("draw", "truth"), [(symmetric, named_group("S4")), (paired, PAIRING)], ids=["S4", "D4"])
def test_the_family_wise_error_in_few_runs(draw: Sampler, truth: FiniteGroup) -> None:
    wrong = wrong_runs(draw, truth, 120, seed=21)
    assert wrong / 120 <= LEVEL + three_errors(120), wrong / 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "truth", "count"),
    [(symmetric, named_group("S4"), 1000), (paired, PAIRING, 400)],
    ids=["S4", "D4"],
)
def test_the_family_wise_error(draw: Sampler, truth: FiniteGroup, count: int) -> None:
    share = wrong_runs(draw, truth, count, seed=22) / count
    print(f"{truth.name} within S4: family-wise error {share}")
    assert share <= LEVEL + three_errors(count), share
