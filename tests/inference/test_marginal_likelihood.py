"""The marginal likelihood against multivariate normal densities, and that it knows the data through orbits alone."""

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
    from_matrices,
    named_group,
    natural,
    parse_representation,
    trivial,
)
from sharefind.inference import MarginalLikelihood, axis_rotations
from sharefind.inference.marginal_likelihood import WEAK
from sharefind.meanfield.actions import JointAction
from sharefind.testing import IN_TEXTS, random_groups

Array = NDArray[np.float64]
N = 9


def joint(rep: Representation, d_out: int = 1) -> JointAction:
    return JointAction(rep, trivial(rep.group, d_out))


def samples(d_in: int, d_out: int, seed: int, n: int = N) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(1, 2, size=(n, d_in))), torch.from_numpy(rng.normal(1, 2, size=(n, d_out)))


def value(statistic: MarginalLikelihood, moves: JointAction, x: Tensor, y: Tensor) -> float:
    bound = statistic.bind(moves, x, y, np.random.default_rng(0))
    return float(bound.evaluate(x.unsqueeze(0), bound.labels.unsqueeze(0)).squeeze())


def profiled(points: Array, labels: Array, inverse_length: float, noise: float) -> float:
    """max over a of log N(y; 0, a (K + noise I)), summed over outputs, by numerical optimisation."""
    covariance = Matern(1 / inverse_length, nu=1.5)(points) + noise * np.eye(len(points))

    def negative(log_amplitude: float) -> float:
        normal = stats.multivariate_normal(np.zeros(len(points)), np.exp(log_amplitude) * covariance)
        return -float(sum(normal.logpdf(column) for column in labels.T))

    return -float(optimize.minimize_scalar(negative, bracket=(-2, 2), tol=1e-12).fun)


def constant(count: int) -> float:
    """What -(count / 2) log(misfit) leaves out of the profiled density of `count` numbers."""
    return count / 2 * (np.log(count / (2 * np.pi)) - 1)


@pytest.mark.parametrize("d_out", [1, 2])
@pytest.mark.parametrize("grid", [((0.7,), (0.1,)), ((0.4, 1.4), (0.03, 0.3))], ids=["one", "four"])
def test_the_statistic_is_a_mean_of_profiled_normal_densities(
    d_out: int, grid: tuple[tuple[float, ...], tuple[float, ...]]
) -> None:
    x, y = samples(2, d_out, seed=d_out)
    found = value(MarginalLikelihood(*grid), joint(natural(named_group("R4")), d_out), x, y)
    points, labels = x.numpy() / np.sqrt((x.numpy() ** 2).mean()), y.numpy() - y.numpy().mean(0)
    logs = [profiled(points, labels, w, v) for w in grid[0] for v in grid[1]]
    expected = special.logsumexp(logs) - np.log(len(logs)) - constant(N * d_out)
    assert found == pytest.approx(expected, abs=1e-6)


def test_coordinates_that_are_left_alone_matter_not_a_little_or_as_much() -> None:
    x, y = samples(4, 1, seed=5)
    rep = parse_representation("natural+trivial:2", named_group("B2"))
    found = value(MarginalLikelihood((0.7,), (0.1,)), joint(rep), x, y)
    near = x.numpy()[:, :2] / np.sqrt((x.numpy()[:, :2] ** 2).mean())
    rest = stats.zscore(x.numpy()[:, 2:])
    logs = [
        profiled(np.hstack([near, share * rest]), y.numpy() - y.numpy().mean(0), 0.7, 0.1)
        for share in (0, WEAK / np.sqrt(2), 1)
    ]
    assert found == pytest.approx(special.logsumexp(logs) - np.log(3) - constant(N), abs=1e-6)


@settings(max_examples=30)
@given(random_groups(), st.sampled_from(IN_TEXTS), st.integers(0, 2**16))
def test_one_element_that_moves_all_samples_changes_nothing(group: FiniteGroup, text: str, seed: int) -> None:
    rep = parse_representation(text, group)
    x, y = samples(rep.dim, 2, seed)
    moves = joint(rep, 2)
    bound = MarginalLikelihood().bind(moves, x, y, np.random.default_rng(seed))
    everywhere = moves.draw((3, 1), np.random.default_rng(seed)).expand(3, N)
    moved = bound.evaluate(*moves.move(everywhere, x.unsqueeze(0), y.unsqueeze(0)))
    own = bound.evaluate(x.unsqueeze(0), y.unsqueeze(0)).expand(3, 1)
    torch.testing.assert_close(moved, own, rtol=1e-9, atol=1e-7)


def test_no_rotation_of_all_samples_is_preferred() -> None:
    """Nor one outside the group, where the group moves all coordinates."""
    x, y = samples(4, 1, seed=2)
    bound = MarginalLikelihood().bind(joint(natural(named_group("C4"))), x, y, np.random.default_rng(0))
    turned = x @ torch.from_numpy(stats.ortho_group.rvs(4, random_state=3))
    both = bound.evaluate(torch.stack([x, turned]), torch.stack([y, y]))
    torch.testing.assert_close(both[0], both[1], rtol=1e-9, atol=1e-7)


@settings(max_examples=30)
@given(random_groups(), st.sampled_from(IN_TEXTS), st.integers(0, 2**16))
def test_what_is_bound_depends_on_orbits_alone(group: FiniteGroup, text: str, seed: int) -> None:
    """Bound with data whose samples were moved one by one, and the same stream: the same function."""
    rep = parse_representation(text, group)
    moves, rng = joint(rep), np.random.default_rng(seed)
    x, y = samples(rep.dim, 1, seed)
    other_x, other_y = (v[0] for v in moves.move(moves.draw((1, N), rng), x.unsqueeze(0), y.unsqueeze(0)))
    probes = moves.move(moves.draw((4, N), rng), x.unsqueeze(0), y.unsqueeze(0))
    first, second = (
        MarginalLikelihood(block=5).bind(moves, *data, np.random.default_rng(seed)).evaluate(*probes)
        for data in ((x, y), (other_x, other_y))
    )
    torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-7)


def test_the_centre_has_one_law_on_an_orbit() -> None:
    """Labels that the group moves: the centre is random, and from moved data it has the same law."""
    rep, rng = natural(named_group("C4")), np.random.default_rng(0)
    moves, statistic = JointAction(rep, rep), MarginalLikelihood((1.0,), (0.1,))
    x, y = samples(4, 4, seed=1)
    other_x, other_y = (v[0] for v in moves.move(moves.draw((1, N), rng), x.unsqueeze(0), y.unsqueeze(0)))

    def values(data_x: Tensor, data_y: Tensor, seed: int) -> list[float]:
        streams = (np.random.default_rng([seed, k]) for k in range(400))
        rows = x.unsqueeze(0), y.unsqueeze(0)
        return [float(statistic.bind(moves, data_x, data_y, s).evaluate(*rows)) for s in streams]

    assert stats.ks_2samp(values(x, y, 1), values(other_x, other_y, 2)).pvalue > 1e-3


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sample lies in one block, all have nearly the same size, and their logarithms are summed."""
    moves, n = joint(natural(named_group("C4"))), 23
    x, y = samples(4, 1, seed=3, n=n)
    parts: list[tuple[Tensor, float]] = []
    original = MarginalLikelihood._log_mean

    def seen(self: MarginalLikelihood, part_x: Tensor, part_y: Tensor, moved: NDArray[np.bool_]) -> Tensor:
        result = original(self, part_x, part_y, moved)
        parts.append((part_y, float(result)))
        return result

    monkeypatch.setattr(MarginalLikelihood, "_log_mean", seen)
    total = value(MarginalLikelihood(block=8), moves, x, y)
    assert [part.shape[1] for part, _ in parts] == [8, 8, 7]
    assert total == pytest.approx(sum(log for _, log in parts))
    labels = torch.cat([part.flatten() for part, _ in parts]).sort().values
    torch.testing.assert_close(labels, (y - y.mean()).flatten().sort().values)


def test_rows_stand_on_their_own() -> None:
    moves = joint(parse_representation("natural+trivial", named_group("B2")))
    x, y = samples(3, 1, seed=4)
    bound, rng = MarginalLikelihood().bind(moves, x, y, np.random.default_rng(0)), np.random.default_rng(1)
    rows_x, rows_y = moves.move(moves.draw((5, N), rng), x.unsqueeze(0), y.unsqueeze(0))
    single = torch.cat([bound.evaluate(rows_x[k : k + 1], rows_y[k : k + 1]) for k in range(5)])
    torch.testing.assert_close(bound.evaluate(rows_x, rows_y), single)


def test_data_in_single_precision() -> None:
    x, y = samples(3, 1, seed=6)
    moves = axis_rotations((0, 0, 1))
    bound = MarginalLikelihood().bind(moves, x.float(), y.float(), np.random.default_rng(0))
    found = bound.evaluate(x.float().unsqueeze(0), y.float().unsqueeze(0))
    assert found.dtype == torch.float64
    precise = MarginalLikelihood().bind(moves, x, y, np.random.default_rng(0))
    torch.testing.assert_close(found, precise.evaluate(x.unsqueeze(0), y.unsqueeze(0)), rtol=1e-4, atol=1e-3)


def test_labels_without_spread_say_nothing() -> None:
    x, _ = samples(4, 1, seed=7)
    y = torch.full((N, 1), 3.0, dtype=torch.float64)
    assert np.isfinite(value(MarginalLikelihood(), joint(natural(named_group("C4"))), x, y))


def test_actions_that_are_not_orthogonal_are_refused() -> None:
    """Neither scale nor kernel is theirs: the p-value would not be exact."""
    rep = from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "shear")
    assert not rep.is_orthogonal
    x, y = samples(2, 1, seed=8)
    with pytest.raises(GroupError, match="orthogonal"):
        MarginalLikelihood().bind(joint(rep), x, y, np.random.default_rng(0))


@pytest.mark.parametrize(
    "settings",
    [
        {"inverse_lengths": ()},
        {"noises": ()},
        {"inverse_lengths": (0.4, 0.0)},
        {"noises": (-0.1,)},
        {"noises": (float("nan"),)},
        {"inverse_lengths": (float("inf"),)},
        {"block": 1},
    ],
    ids=str,
)
def test_bad_grids(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="marginal likelihood"):
        MarginalLikelihood(**settings)
