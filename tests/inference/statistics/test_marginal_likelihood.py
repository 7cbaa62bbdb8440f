"""The marginal likelihood against multivariate normal densities, and that it knows the data through orbits alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import linalg, optimize, special, stats
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
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.testing import IN_TEXTS, random_groups

pytestmark = pytest.mark.usefixtures("independent_rows")

Array = NDArray[np.float64]
N = 9


def joint(rep: Representation, d_out: int = 1) -> JointAction:
    return JointAction(rep, trivial(rep.group, d_out))


def samples(d_in: int, d_out: int, seed: int, n: int = N) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(1, 2, size=(n, d_in))), torch.from_numpy(rng.normal(1, 2, size=(n, d_out)))


def value(statistic: MarginalLikelihood, moves: JointAction, x: Tensor, y: Tensor) -> float:
    bound = statistic.bind(moves, x, y, np.random.default_rng(0))
    return float(bound.observed(x).squeeze())


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
    points, labels = x.numpy() / np.sqrt((x.numpy() ** 2).mean()), stats.zscore(y.numpy())
    logs = [profiled(points, labels, w, v) for w in grid[0] for v in grid[1]]
    expected = special.logsumexp(logs) - np.log(len(logs)) - constant(N * d_out)
    assert found == pytest.approx(expected, abs=1e-6)


def test_coordinates_that_are_left_alone_matter_not_a_little_or_as_much() -> None:
    x, y = samples(4, 1, seed=5)
    rep = parse_representation("natural+trivial:2", named_group("B2"))
    found = value(MarginalLikelihood((0.7,), (0.1,)), joint(rep), x, y)
    near = x.numpy()[:, :2] / np.sqrt((x.numpy()[:, :2] ** 2).mean())
    rest = stats.zscore(x.numpy()[:, 2:])
    shrunk = (N * rest.T @ rest / N + 2 * np.eye(2)) / (N + 2)
    rest = rest @ np.linalg.inv(np.real(linalg.sqrtm(shrunk)))
    logs = [
        profiled(np.hstack([near, share * rest]), stats.zscore(y.numpy()), 0.7, 0.1)
        for share in (0, MarginalLikelihood.weak / np.sqrt(2), 1)
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
    moved = bound.of_copies(x, moves, everywhere)
    own = bound.observed(x).expand(3, 1)
    torch.testing.assert_close(moved, own, rtol=1e-9, atol=1e-7)


def test_no_rotation_of_all_samples_is_preferred() -> None:
    """Nor one outside the group, where the group moves all coordinates."""
    x, y = samples(4, 1, seed=2)
    bound = MarginalLikelihood().bind(joint(natural(named_group("C4"))), x, y, np.random.default_rng(0))
    turned = bound.inputs @ torch.from_numpy(stats.ortho_group.rvs(4, random_state=3))
    both = bound.evaluate(torch.stack([bound.inputs, turned]), torch.stack([bound.labels] * 2))
    torch.testing.assert_close(both[0], both[1], rtol=1e-9, atol=1e-7)


@settings(max_examples=30)
@given(random_groups(), st.sampled_from(IN_TEXTS), st.integers(0, 2**16))
def test_what_is_bound_depends_on_orbits_alone(group: FiniteGroup, text: str, seed: int) -> None:
    """Bound with data whose samples were moved one by one, and the same stream: the same function of moved samples."""
    rep = parse_representation(text, group)
    moves, rng = joint(rep), np.random.default_rng(seed)
    x, y = samples(rep.dim, 1, seed)
    elements = moves.draw((1, N), rng)
    other_x, other_y = (v[0] for v in moves.move(elements, x.unsqueeze(0), y.unsqueeze(0)))
    first, second = (
        MarginalLikelihood(block=5).bind(moves, *data, np.random.default_rng(seed))
        for data in ((x, y), (other_x, other_y))
    )
    torch.testing.assert_close(first.of_copies(x, moves, elements), second.observed(other_x), rtol=1e-9, atol=1e-7)
    moved = moves.move(elements, first.inputs.unsqueeze(0), first.labels.unsqueeze(0))
    torch.testing.assert_close(moved[0][0], second.inputs, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(moved[1].expand(1, N, 1)[0], second.labels, rtol=1e-9, atol=1e-9)


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
    torch.testing.assert_close(labels, ((y - y.mean()) / y.std(correction=0)).flatten().sort().values)


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
    found = bound.observed(x.float())
    assert found.dtype == torch.float64
    precise = MarginalLikelihood().bind(moves, x, y, np.random.default_rng(0))
    torch.testing.assert_close(found, precise.observed(x), rtol=1e-4, atol=1e-3)


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
