"""Symmetric evidence against dense normal densities, and that it knows the data through orbits alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special, stats
from sklearn.gaussian_process.kernels import Matern
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import (
    FiniteGroup,
    Representation,
    named_group,
    natural,
    parse_representation,
    subgroups,
    trivial,
)
from sharefind.inference import SymmetricEvidence, randomisation_test
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.testing import IN_TEXTS, random_groups

pytestmark = pytest.mark.usefixtures("independent_rows")

Array = NDArray[np.float64]
N = 8


def evidence(rep: Representation, out_rep: Representation, **settings: object) -> SymmetricEvidence:
    listed = tuple(g for g in subgroups(rep.finite_group) if g.order > 1)
    return SymmetricEvidence(rep, out_rep, listed or (rep.finite_group,), **settings)  # type: ignore[arg-type]


def samples(d_in: int, d_out: int, seed: int, n: int = N) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(1, 2, size=(n, d_in))), torch.from_numpy(rng.normal(1, 2, size=(n, d_out)))


def bound(statistic: SymmetricEvidence, moves: JointAction, x: Tensor, y: Tensor) -> FittedStatistic:
    return statistic.bind(moves, x, y, np.random.default_rng(0))


def profiled(kernel: Array, labels: Array, noise: float) -> float:
    """max over a of log N(labels; 0, a (kernel + noise I)), by numerical optimisation."""
    covariance = kernel + noise * np.eye(len(kernel))

    def negative(log_amplitude: float) -> float:
        return -float(
            stats.multivariate_normal(np.zeros(len(kernel)), np.exp(log_amplitude) * covariance).logpdf(labels)
        )

    best = -float(optimize.minimize_scalar(negative, bracket=(-2, 2), tol=1e-12).fun)
    return best - len(labels) / 2 * (np.log(len(labels) / (2 * np.pi)) - 1)


def averaged(kernel: Matern, points: Array, on_x: list[Array], on_y: list[Array]) -> Array:
    """mean over h of k(x_i, h x_j) rhohat_h, one block a pair of points."""
    return np.asarray(
        np.mean([np.kron(kernel(points, points @ h.T), rho) for h, rho in zip(on_x, on_y, strict=True)], 0)
    )


@pytest.mark.parametrize("moves_labels", [False, True])
def test_the_statistic_is_a_sum_of_dense_normal_densities(moves_labels: bool) -> None:
    """C_4 on R^4: its largest subgroup that does not contain it is the half turn, beside it the trivial group."""
    rep = natural(named_group("C4"))
    out_rep = rep if moves_labels else trivial(rep.group, 1)
    x, y = samples(4, out_rep.dim, seed=1)
    ready = bound(evidence(rep, out_rep, lengths=(0.4, 1.2), noises=(0.02, 0.2)), JointAction(rep, out_rep), x, y)
    found = float(ready.observed(x))
    turn = np.roll(np.eye(4), 1, axis=0)
    centred = x.numpy() - x.numpy().mean()
    centred /= np.sqrt((centred**2).mean())
    powers = [np.linalg.matrix_power(turn, k) for k in range(4)]
    moment = np.mean([p @ centred.T @ centred @ p.T / N for p in powers], 0)
    shrunk = (N * moment + 4 * np.trace(moment) / 4 * np.eye(4)) / (N + 4)
    values, vectors = np.linalg.eigh(shrunk)
    points = centred @ (vectors * values**-0.5) @ vectors.T
    labels = y.numpy() - y.numpy().mean()
    labels = (labels / np.sqrt((labels**2).mean())).ravel()
    identity = [np.eye(out_rep.dim)] * 2
    logs = []
    for on_x in ([np.eye(4)], [np.eye(4), turn @ turn]):
        on_y = on_x if moves_labels else identity[: len(on_x)]
        for length in (0.4, 1.2):
            kernel = Matern(length * np.sqrt(8), nu=2.5)
            logs += [profiled(averaged(kernel, points, on_x, on_y), labels, v) for v in (0.02, 0.2)]
    assert found == pytest.approx(special.logsumexp(logs), abs=1e-6)


@settings(max_examples=5)
@given(random_groups(), st.sampled_from(IN_TEXTS), st.booleans(), st.integers(0, 2**16))
def test_what_is_bound_depends_on_orbits_alone(group: FiniteGroup, text: str, moved: bool, seed: int) -> None:
    """Bound with samples that were moved one by one: the same as those moves of the statistic of the others.

    So it is too where one element moves all of them, which changes nothing.
    """
    rep = parse_representation(text, group)
    out_rep = rep if moved and rep.dim < 5 else trivial(group, 2)
    statistic, moves, rng = evidence(rep, out_rep, block=10), JointAction(rep, out_rep), np.random.default_rng(seed)
    x, y = samples(rep.dim, out_rep.dim, seed)
    elements = moves.draw((1, N), rng)
    other_x, other_y = (v.expand(1, -1, -1)[0] for v in moves.move(elements, x.unsqueeze(0), y.unsqueeze(0)))
    first, second = bound(statistic, moves, x, y), bound(statistic, moves, other_x, other_y)
    torch.testing.assert_close(first.of_copies(x, moves, elements), second.observed(other_x), rtol=1e-9, atol=1e-7)
    everywhere = first.of_copies(x, moves, elements[:, :1].expand(1, N))
    torch.testing.assert_close(everywhere, first.observed(x), rtol=1e-9, atol=1e-7)


def test_the_largest_subgroups_that_do_not_contain_the_hypothesis() -> None:
    rep = natural(named_group("D4"))
    statistic = evidence(rep, trivial(rep.group, 1))
    whole = rep.finite_group

    def orders(*generators: tuple[int, ...]) -> list[int]:
        null = FiniteGroup("null", 4, generators)
        found = statistic.alternatives(torch.tensor([whole.index(g) for g in null.elements()]))
        return sorted(found.sum(1).tolist())

    assert orders((1, 2, 3, 0), (3, 2, 1, 0)) == [1, 4, 4, 4], "the largest proper subgroups"
    assert orders((2, 3, 0, 1)) == [1, 2, 2, 2, 2], "the half turn: the mirrors, which are not largest in D_4"
    assert orders((3, 2, 1, 0)) == [1, 2, 4, 4], "a mirror: its conjugate, the quarter turn, the two other mirrors"
    assert orders() == [1], "nothing leaves out the trivial group but itself"


def test_kernels_that_are_computed_again_and_blocks() -> None:
    rep = parse_representation("natural+trivial:2", named_group("D4"))
    out_rep, moves = trivial(rep.group, 1), JointAction(rep, trivial(rep.group, 1))
    x, y = samples(6, 1, seed=3, n=23)
    elements = moves.draw((2, 23), np.random.default_rng(4))
    whole, cut = (bound(evidence(rep, out_rep, block=b), moves, x, y) for b in (8, 23))
    assert not torch.allclose(whole.of_copies(x, moves, elements), cut.of_copies(x, moves, elements))
    # 8 elements, 6 priors: 8^2 numbers of each fit, and 23 samples in three blocks do not.
    again = bound(evidence(rep, out_rep, block=8, kept_bytes=8 * 48 * 64), moves, x, y)
    torch.testing.assert_close(again.of_copies(x, moves, elements), whole.of_copies(x, moves, elements))
    assert again.row_bytes == whole.row_bytes


def test_a_false_group_is_rejected_and_a_true_one_is_not() -> None:
    """C_4 in D_4: x_1 x_2^2 and its turns, which mirrors change."""
    rep = natural(named_group("D4"))
    out_rep, turns = trivial(rep.group, 1), FiniteGroup("C4", 4, ((1, 2, 3, 0),))
    x = np.random.default_rng(5).normal(size=(60, 4))
    labels = (x * np.roll(x, 1, axis=1) ** 2).sum(1, keepdims=True)
    data, statistic = (torch.from_numpy(300 + 10 * x), torch.from_numpy(labels)), evidence(rep, out_rep)
    p_values = [
        randomisation_test(*data, moves, statistic, np.random.default_rng(6), 39).p_value
        for moves in (JointAction(rep, out_rep), JointAction(rep.restrict(turns), out_rep.restrict(turns)))
    ]
    assert p_values[0] == 1 / 40 and p_values[1] > 0.05


def test_labels_without_spread_have_a_statistic() -> None:
    rep = natural(named_group("C4"))
    x, _ = samples(4, 1, seed=7)
    y = torch.full((N, 1), 3.0, dtype=torch.float64)
    statistic, moves = evidence(rep, trivial(rep.group, 1)), JointAction(rep, trivial(rep.group, 1))
    assert np.isfinite(float(bound(statistic, moves, x, y).observed(x)))


@pytest.mark.parametrize(
    "settings", [{"lengths": ()}, {"noises": (0.0,)}, {"lengths": (float("inf"),)}, {"block": 1}], ids=str
)
def test_bad_settings(settings: dict[str, object]) -> None:
    rep = natural(named_group("C4"))
    with pytest.raises(ConfigError, match="symmetric evidence"):
        evidence(rep, trivial(rep.group, 1), **settings)


def test_groups_that_it_does_not_know() -> None:
    rep, other = natural(named_group("C4")), natural(named_group("S4"))
    with pytest.raises(ConfigError, match="finite group"):
        SymmetricEvidence(natural(named_group("SO2")), trivial(named_group("SO2"), 1), ())
    x, y = samples(4, 1, seed=8)
    with pytest.raises(GroupError, match="subgroups of the group"):
        bound(evidence(rep, trivial(rep.group, 1)), JointAction(other, trivial(other.group, 1)), x, y)
