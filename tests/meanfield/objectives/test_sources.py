"""Minibatches: epochs, folds and moved copies; and the exactness of ranks among copies of symmetric data."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from sharefind.errors import DataError
from sharefind.groups import named_group, natural, trivial
from sharefind.meanfield import (
    AugmentedSource,
    EpochSource,
    FoldSource,
    FreshSource,
    JointAction,
    PermutedCopies,
    RandomisedCopies,
)

CHUNK = FreshSource.__init__.__defaults__[-1]
SIMULATIONS = 2000
COPIES = 9
LEAST_P = 1e-3
"""A fixed-seed uniformity test passes above this p-value; the negative controls fall far below it."""


def numbered(n: int, width: int = 2) -> tuple[Tensor, Tensor]:
    """Data whose first coordinate is the number of the sample."""
    x = torch.arange(n, dtype=torch.float64).unsqueeze(1).repeat(1, width)
    return x, 100 + x


def gaussian(n: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, width))), torch.from_numpy(rng.normal(size=(n, width)))


def joint(name: str) -> JointAction:
    rep = natural(named_group(name))
    return JointAction(rep, rep)


def test_fresh_samples_are_new_each_step_and_reproducible() -> None:
    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 3))
        return x, x[:, :1]

    def draw(seed: int) -> list[Tensor]:
        source = FreshSource(sampler, 2, 4, np.random.default_rng(seed))
        batches = [source.batch(step) for step in range(2 * CHUNK + 3)]
        assert all(torch.equal(b.x[..., :1], b.y) and b.index is None for b in batches)
        return [b.x for b in batches]

    first = torch.stack(draw(0))
    assert first.shape == (2 * CHUNK + 3, 2, 4, 3)
    assert len(torch.unique(first)) == first.numel()
    assert torch.equal(first, torch.stack(draw(0)))
    assert not torch.equal(first, torch.stack(draw(1)))


@pytest.mark.parametrize(("n", "batch"), [(12, 4), (12, 12), (12, 1), (12, 50)])
def test_epochs_visit_each_sample_once(n: int, batch: int) -> None:
    x, y = numbered(n)
    source = EpochSource(x, y, batch, np.random.default_rng(0))
    per_epoch = n // min(n, batch)
    orders = []
    for epoch in range(3):
        batches = [source.batch(epoch * per_epoch + s) for s in range(per_epoch)]
        order = torch.cat([b.x[0, :, 0] for b in batches])
        assert torch.equal(order, torch.cat([b.index for b in batches]).double())
        assert torch.equal(torch.cat([b.y[0, :, 0] for b in batches]), 100 + order)
        assert sorted(order.tolist()) == list(range(n))
        orders.append(order.tolist())
    assert orders[0] != orders[1] != orders[2]


def test_an_epoch_that_does_not_divide_repeats_no_sample() -> None:
    source = EpochSource(*numbered(11), 4, np.random.default_rng(0))
    for epoch in range(20):
        seen = torch.cat([source.batch(2 * epoch + s).index for s in range(2)])
        assert len(torch.unique(seen)) == 8


@pytest.mark.parametrize(("n", "folds", "batch"), [(24, 3, 4), (25, 3, 8), (10, 5, 100)])
def test_folds_are_disjoint_and_visit_their_samples_once_an_epoch(n: int, folds: int, batch: int) -> None:
    x, y = numbered(n)
    source = FoldSource(x, y, folds, batch, np.random.default_rng(0))
    size = n // folds
    per_epoch = size // min(batch, size)
    epochs = []
    for epoch in range(2):
        batches = [source.batch(epoch * per_epoch + s) for s in range(per_epoch)]
        assert all(torch.equal(b.y, 100 + b.x) for b in batches)
        epochs.append(torch.cat([b.x[:, :, 0] for b in batches], dim=1))
    assert epochs[0].shape == (folds, size)
    assert len(torch.unique(epochs[0])) == folds * size
    assert torch.equal(epochs[0].sort(1).values, epochs[1].sort(1).values)
    assert not torch.equal(epochs[0], epochs[1])


def test_too_few_samples_for_the_folds() -> None:
    with pytest.raises(DataError, match=r"5 samples cannot be split into 3 folds.*fewer replicates"):
        FoldSource(*numbered(5), 3, 2, np.random.default_rng(0))


def element_of(matrices: np.ndarray, moved: tuple[Tensor, Tensor], plain: tuple[Tensor, Tensor]) -> int:
    """The element g with (x', y') = (rho_g x, rho_g y) for one sample, or -1."""
    (mx, my), (x, y) = moved, plain
    for g, m in enumerate(matrices):
        if np.allclose(m @ x.numpy(), mx.numpy()) and np.allclose(m @ y.numpy(), my.numpy()):
            return g
    return -1


@pytest.mark.parametrize("name", ["S3", "B2", "R5"])
def test_moved_samples_are_images_under_one_element_for_x_and_y(name: str) -> None:
    action = joint(name)
    matrices = action.in_rep.float_matrices()
    x, y = gaussian(30, action.in_rep.dim)
    sources = (
        AugmentedSource(EpochSource(x, y, 30, np.random.default_rng(1)), action, 3, np.random.default_rng(2)),
        RandomisedCopies(EpochSource(x, y, 30, np.random.default_rng(1)), action, 2, 30, np.random.default_rng(2)),
    )
    plain = EpochSource(x, y, 30, np.random.default_rng(1)).batch(0)
    for source in sources:
        batch = source.batch(0)
        assert batch.x.shape == (3, 30, action.in_rep.dim)
        found = [
            element_of(matrices, (batch.x[r, b], batch.y[r, b]), (plain.x[0, b], plain.y[0, b]))
            for r in range(3)
            for b in range(30)
        ]
        assert min(found) == 0
        assert len(set(found)) == len(matrices)


def test_augmentation_moves_anew_each_time_and_every_replicate_alone() -> None:
    x, y = gaussian(20, 3)
    source = AugmentedSource(EpochSource(x, y, 20, np.random.default_rng(0)), joint("S3"), 2, np.random.default_rng(1))
    first, second = source.batch(0), source.batch(1)
    assert not torch.equal(first.x[0], first.x[1])
    assert not torch.equal(first.x.sort(1).values, second.x.sort(1).values)


@pytest.mark.parametrize("name", ["S3", "B3", "SO3"])
def test_copies_fix_one_element_a_sample_and_leave_row_zero_alone(name: str) -> None:
    x, y = gaussian(12, 3)
    base = EpochSource(x, y, 4, np.random.default_rng(0))
    source = RandomisedCopies(base, joint(name), 5, 12, np.random.default_rng(1))
    twin = EpochSource(x, y, 4, np.random.default_rng(0))
    seen: dict[int, Tensor] = {}
    for step in range(9):
        batch, index = source.batch(step), twin.batch(step).index
        assert torch.equal(batch.x[0], x[index])
        assert torch.equal(batch.y[0], y[index])
        for place, sample in enumerate(index.tolist()):
            both = torch.cat([batch.x[:, place], batch.y[:, place]], dim=1)
            torch.testing.assert_close(seen.setdefault(sample, both), both, rtol=0, atol=0)
    assert len(seen) == 12
    assert len({tuple(v[1].tolist()) for v in seen.values()}) == 12


def test_a_block_of_copies_without_the_observed_data() -> None:
    x, y = gaussian(40, 3)
    base = EpochSource(x, y, 40, np.random.default_rng(0))
    source = RandomisedCopies(base, joint("S3"), 4, 40, np.random.default_rng(1), observed_first=False)
    batch, plain = source.batch(0), EpochSource(x, y, 40, np.random.default_rng(0)).batch(0)
    assert batch.x.shape[0] == 4
    assert all(not torch.equal(row, plain.x[0]) for row in batch.x)


def test_fresh_copies_move_every_batch_anew() -> None:
    constant = np.arange(3.0)

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return np.tile(constant, (n, 1)), np.tile(constant, (n, 1))

    base = FreshSource(sampler, 1, 20, np.random.default_rng(0))
    source = RandomisedCopies(base, joint("S3"), 2, None, np.random.default_rng(1))
    first, second = source.batch(0), source.batch(1)
    for batch in (first, second):
        assert torch.equal(batch.x[0], torch.from_numpy(np.tile(constant, (20, 1))))
        assert torch.equal(batch.x, batch.y)
    assert not torch.equal(first.x[1], second.x[1])


@pytest.mark.parametrize("finite", [True, False])
def test_permuted_copies_keep_the_labels_as_a_multiset(finite: bool) -> None:
    x, y = gaussian(15, 2)
    base = EpochSource(x, y, 15 if not finite else 5, np.random.default_rng(0))
    source = PermutedCopies(base, y if finite else None, 6, np.random.default_rng(1))
    twin = EpochSource(x, y, 15 if not finite else 5, np.random.default_rng(0))
    batches = [source.batch(s) for s in range(3 if finite else 1)]
    index = torch.cat([twin.batch(s).index for s in range(len(batches))])
    labels = torch.cat([b.y for b in batches], dim=1)
    inputs = torch.cat([b.x for b in batches], dim=1)
    assert labels.shape == (7, 15, 2)
    assert torch.equal(labels[0], y[index])
    assert torch.equal(inputs, x[index].expand(7, -1, -1))
    for row in labels[1:]:
        assert sorted(row[:, 0].tolist()) == sorted(y[:, 0].tolist())
        assert not torch.equal(row, labels[0])


def test_permuted_copies_keep_their_labels_over_epochs() -> None:
    x, y = gaussian(8, 2)
    source = PermutedCopies(EpochSource(x, y, 4, np.random.default_rng(0)), y, 3, np.random.default_rng(1))
    twin = EpochSource(x, y, 4, np.random.default_rng(0))
    seen: dict[int, Tensor] = {}
    for step in range(6):
        batch, index = source.batch(step), twin.batch(step).index
        for place, sample in enumerate(index.tolist()):
            assert torch.equal(seen.setdefault(sample, batch.y[:, place]), batch.y[:, place])


def rank_p(simulate: Callable[[np.random.Generator], Tensor], seed: int) -> float:
    """Chi^2 p-value of uniform ranks of row 0 among (copies + 1) statistics; ties are broken at random."""
    rng = np.random.default_rng(seed)
    ranks = []
    for _ in range(SIMULATIONS):
        values = simulate(rng).numpy()
        above, level = int((values[1:] > values[0]).sum()), int((values[1:] == values[0]).sum())
        ranks.append(above + int(rng.integers(level + 1)))
    return float(chisquare(np.bincount(ranks, minlength=COPIES + 1)).pvalue)


def statistic(x: Tensor, y: Tensor) -> Tensor:
    """Something without any symmetry: (R, B, d) twice -> (R,)."""
    return (x[..., 0] * y[..., 0]).sum(1) + (x[..., 1] ** 3).sum(1) + y[:, 0, 1]


def group_simulation(name: str, gap: float, batch: int, is_fresh: bool = False) -> Callable[..., Tensor]:
    """Data with Y = tanh(X) or X, and its first label shifted by `gap`, seen through `RandomisedCopies`."""
    action = joint(name)

    def data(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, action.in_rep.dim))
        y = x + 0.5 * rng.normal(size=x.shape)
        y[:, 0] += gap * x[:, 0]
        return x, y

    def simulate(rng: np.random.Generator) -> Tensor:
        base: EpochSource | FreshSource
        if is_fresh:
            base = FreshSource(lambda r, n: data(r, n), 1, 12, rng)
        else:
            base = EpochSource(*(torch.from_numpy(a) for a in data(rng, 12)), batch, rng)
        source = RandomisedCopies(base, action, COPIES, None if is_fresh else 12, rng)
        batches = [source.batch(s) for s in range(1 if is_fresh else 12 // batch)]
        return statistic(torch.cat([b.x for b in batches], 1), torch.cat([b.y for b in batches], 1))

    return simulate


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "batch", "is_fresh"),
    [("C2", 12, False), ("S3", 4, False), ("B2", 12, False), ("R5", 12, False), ("S3", 12, True)],
)
def test_ranks_of_symmetric_data_are_uniform(name: str, batch: int, is_fresh: bool) -> None:
    assert rank_p(group_simulation(name, 0.0, batch, is_fresh), 0) > LEAST_P


@pytest.mark.slow
def test_ranks_under_a_rotation_group_are_uniform() -> None:
    """SO(3) acts on Gaussian X and Y = X + noise; elements are Haar matrices."""
    assert rank_p(group_simulation("SO3", 0.0, 12), 1) > LEAST_P


def test_ranks_of_other_data_are_not() -> None:
    """The control: the same statistic sees a broken symmetry."""
    assert rank_p(group_simulation("S3", 2.0, 12), 2) < 1e-10


def label_simulation(signal: float, labels_given: bool) -> Callable[..., Tensor]:
    def simulate(rng: np.random.Generator) -> Tensor:
        x = torch.from_numpy(rng.normal(size=(12, 2)))
        y = torch.from_numpy(rng.exponential(size=(12, 2))) + signal * x
        base = EpochSource(x, y, 12, rng)
        batch = PermutedCopies(base, y if labels_given else None, COPIES, rng).batch(0)
        return statistic(batch.x, batch.y)

    return simulate


@pytest.mark.parametrize("labels_given", [True, False])
def test_ranks_of_independent_labels_are_uniform(labels_given: bool) -> None:
    assert rank_p(label_simulation(0.0, labels_given), 3) > LEAST_P


def test_ranks_of_dependent_labels_are_not() -> None:
    assert rank_p(label_simulation(1.0, True), 4) < 1e-10


def test_trivial_actions_move_nothing() -> None:
    group = named_group("S3")
    action = JointAction(trivial(group, 2), trivial(group, 2))
    x, y = gaussian(10, 2)
    batch = AugmentedSource(EpochSource(x, y, 10, np.random.default_rng(0)), action, 2, np.random.default_rng(1)).batch(
        0
    )
    assert torch.equal(batch.x[0], batch.x[1])
    assert sorted(batch.x[0, :, 0].tolist()) == sorted(x[:, 0].tolist())
