"""Statistics that train particles: exact levels by simulation, power, and identities against the plain training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from sharefind.errors import ConfigError, GroupError, InputError, NotConvergedError, RepresentationError
from sharefind.groups import FiniteGroup, from_matrices, named_group, natural, parse_representation, regular, trivial
from sharefind.inference import (
    CrossDisplacement,
    Displacement,
    HeldOutGap,
    ParticleTraining,
    Statistic,
    UnitFactory,
    axis_rotations,
    neuron_unit,
    randomisation_test,
    regular_unit,
)
from sharefind.inference.statistics.held_out_gap import weakly_invariant_start
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.surrogate_training import RowTrainer, first_step, halves, minibatches
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.measures import dist2
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.sgd import gaussian_start, train
from sharefind.meanfield.objectives.schemes import Scheme, scheme_gradient
from sharefind.meanfield.objectives.sources import Batch
from sharefind.meanfield.units import build_unit
from sharefind.spaces import Subspace, fixed_space
from tests.inference.test_validity import COPIES, LEVEL, SURE, Law, laws, tensors, three_errors

pytestmark = pytest.mark.usefixtures("independent_rows")

Array = NDArray[np.float64]
TINY = ParticleTraining(particles=8, steps=6, batch=4, checkpoints=(0.5, 1.0))
STATISTICS: dict[str, type[Displacement] | type[CrossDisplacement] | type[HeldOutGap]] = {
    "displacement": Displacement,
    "cross-displacement": CrossDisplacement,
    "held-out-gap": HeldOutGap,
}
EACH = pytest.mark.parametrize("kind", STATISTICS)
MATRIX = partial(build_unit, "matrix+bias:tanh")


def small(kind: str, **settings: int) -> Statistic:
    tiny = replace(TINY, **settings)
    return HeldOutGap(training=tiny, splits=1) if kind == "held-out-gap" else STATISTICS[kind](training=tiny)


def hits(statistic: Statistic, law: Law, count: int, seed: int) -> int:
    """Data sets with p <= LEVEL."""
    moves, rng = JointAction(law.in_rep, law.out_rep), np.random.default_rng(seed)
    found = [randomisation_test(*tensors(*law.draw(rng)), moves, statistic, rng, COPIES).p_value for _ in range(count)]
    return int(np.sum(np.array(found) <= LEVEL))


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("name", ["C4", "mirrors"])
def test_the_level_in_few_data_sets(kind: str, name: str) -> None:
    sets = 120
    found = hits(small(kind), laws()[name], sets, seed=31)
    assert stats.binomtest(found, sets, LEVEL).pvalue > SURE, found / sets


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("name", ["C4", "mirrors", "SO2"])
def test_the_level(kind: str, name: str) -> None:
    share = hits(small(kind), laws()[name], 2000, seed=32) / 2000
    print(f"{kind}, {name}: P(p <= {LEVEL}) = {share}")
    assert abs(share - LEVEL) <= three_errors(2000), share


def shifts(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """R^4 -> R^4 with the symmetry C_4 and no other permutation."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return tensors(x, np.tanh(x - np.roll(x, 1, axis=1)) + 0.1 * rng.normal(size=x.shape))


def plane(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Even in x_1, whatever x_2 is: quarter turns do not hold, reflections of the axes do."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, np.sqrt(2), size=(n, 2))
    return tensors(x, (np.exp(-np.abs(x[:, 0])) + 0.05 * rng.normal(size=n))[:, None])


def p_values(statistic: Statistic, moves: JointAction, samples: list[tuple[Tensor, Tensor]]) -> list[float]:
    rng = np.random.default_rng(0)
    return [randomisation_test(x, y, moves, statistic, rng, COPIES).p_value for x, y in samples]


@pytest.mark.slow
@EACH
def test_a_broken_symmetry_of_invariant_labels_is_seen(kind: str) -> None:
    """Quarter turns: 20 data sets."""
    turns = natural(named_group("R4"))
    action = JointAction(turns, trivial(turns.group))
    found = p_values(STATISTICS[kind](), action, [plane(40, seed) for seed in range(20)])
    assert np.mean(np.array(found) <= LEVEL) >= 0.8, found


@pytest.mark.slow
@EACH
def test_a_broken_symmetry_of_equivariant_labels_is_seen(kind: str) -> None:
    """All permutations where only shifts hold."""
    rep = natural(named_group("S4"))
    found = p_values(STATISTICS[kind](), JointAction(rep, rep), [shifts(40, seed) for seed in range(4)])
    assert max(found) <= LEVEL, found


@EACH
def test_a_broken_rotation_is_seen(kind: str) -> None:
    """SO(2), where labels follow x_1."""
    rng = np.random.default_rng(3)
    turns = natural(named_group("SO2"))
    x = rng.normal(size=(40, 2))
    samples = tensors(x, np.tanh(x[:, :1]) + 0.1 * rng.normal(size=(40, 1)))
    assert p_values(STATISTICS[kind](), JointAction(turns, trivial(turns.group)), [samples])[0] <= LEVEL


def rows(moves: JointAction, x: Tensor, y: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    elements = moves.draw((count, len(x)), np.random.default_rng(seed))
    return moves.move(elements, x.unsqueeze(0), y.unsqueeze(0))


@EACH
@pytest.mark.parametrize("name", ["C4", "mirrors", "SO2"])
def test_each_row_stands_on_its_own(kind: str, name: str) -> None:
    law = laws()[name]
    moves = JointAction(law.in_rep, law.out_rep)
    x, y = tensors(*law.draw(np.random.default_rng(1)))
    bound = small(kind).bind(moves, x, y, np.random.default_rng(2))
    many = rows(moves, bound.inputs, bound.labels, 5, seed=3)
    together = bound.evaluate(*many)
    assert together.shape == (5, 2)
    single = torch.cat([bound.evaluate(a[None], b[None]) for a, b in zip(*many, strict=True)])
    torch.testing.assert_close(together, single)
    alone = small(kind, cache_bytes=1).bind(moves, x, y, np.random.default_rng(2))
    torch.testing.assert_close(together, alone.evaluate(*many))


@EACH
def test_equal_rows_have_equal_values(kind: str) -> None:
    x, y = shifts(12, seed=4)
    moves = JointAction(natural(named_group("C4")), natural(named_group("C4")))
    bound = small(kind).bind(moves, x, y, np.random.default_rng(2))
    values = bound.evaluate(bound.inputs.expand(3, -1, -1), bound.labels.expand(3, -1, -1))
    torch.testing.assert_close(values, values[:1].expand(3, -1), rtol=1e-12, atol=0)


@EACH
def test_a_group_that_moves_nothing_gives_ties(kind: str) -> None:
    still = trivial(named_group("C4"), 2)
    x, y = plane(20, seed=5)
    found = randomisation_test(x, y, JointAction(still, trivial(still.group)), small(kind), np.random.default_rng(0), 9)
    assert found.p_value == 1.0


@pytest.mark.parametrize("batch", [4, 100])
@pytest.mark.parametrize("factory", [regular_unit, neuron_unit, MATRIX], ids=["regular", "neuron", "matrix"])
def test_the_displacement_is_that_of_the_plain_training(factory: UnitFactory, batch: int) -> None:
    """The same start, minibatches and data through `meanfield.sgd.train`."""
    settings = replace(TINY, batch=batch)
    rep = natural(named_group("C4"))
    moves, (x, y) = JointAction(rep, rep), shifts(12, seed=6)
    found = Displacement(factory, settings).bind(moves, x, y, np.random.default_rng(7)).observed(x)

    rng, unit = np.random.default_rng(7), factory(rep, rep)
    space = fixed_space(unit.space.action)
    start = gaussian_start(space, settings.particles, settings.std, rng)
    step = settings.rate * first_step(unit, start, rng)
    order = minibatches(torch.arange(12)[None], settings, rng)[0]
    scaled_x, scaled_y = orbit_scale(moves, x, y, rng)(x, y)

    class Source:
        def batch(self, number: int) -> Batch:
            return Batch(scaled_x[order[number]][None], scaled_y[order[number]][None])

    sgd = settings.sgd(settings.particles, step)
    assert sgd.steps == settings.steps
    assert sgd.step_size == pytest.approx(step)
    path = train(scheme_gradient(Scheme.VANILLA, unit), start, Source(), sgd, rng, checkpoints=settings.checkpoints)
    expected = torch.stack([dist2(cloud, Projector(space)) for cloud in path.clouds], dim=1)
    torch.testing.assert_close(found, expected)


def test_the_gap_is_that_of_losses_at_moved_samples() -> None:
    """A loop over folds and elements, for equivariant labels."""
    rep = natural(named_group("C4"))
    moves, (x, y) = JointAction(rep, rep), shifts(13, seed=8)
    found = HeldOutGap(training=TINY, splits=2).bind(moves, x, y, np.random.default_rng(9)).observed(x)

    rng, unit = np.random.default_rng(9), neuron_unit(rep, rep)
    start = weakly_invariant_start(unit.space.action, TINY, rng)
    folds = torch.cat([halves(13, rng, "gap"), halves(13, rng, "gap")])
    step = TINY.rate * first_step(unit, start, rng)
    order = minibatches(folds, TINY, rng)
    x, y = orbit_scale(moves, x, y, rng)(x, y)
    total = torch.zeros(2, dtype=torch.float64)
    for seen, judged in ((0, 1), (1, 0), (2, 3), (3, 2)):

        class Source:
            def batch(self, number: int, fold: int = seen) -> Batch:
                return Batch(x[order[fold, number]][None], y[order[fold, number]][None])

        gradient, sgd = scheme_gradient(Scheme.VANILLA, unit), TINY.sgd(start.shape[-1], step)
        path = train(gradient, start, Source(), sgd, rng, checkpoints=TINY.checkpoints)
        for place, cloud in enumerate(path.clouds):
            losses = [
                ((predict(unit, x[folds[judged]].roll(k, 1)[None], cloud)[0] - y[folds[judged]].roll(k, 1)) ** 2)
                .sum(-1)
                .mean()
                for k in range(4)
            ]
            total[place] += (torch.stack(losses).mean() - losses[0]) / 4
    torch.testing.assert_close(found[0], total)


@pytest.mark.parametrize("name", ["C4", "S4", "S5", "SO3"])
def test_the_start_is_made_of_images(name: str) -> None:
    """Of every element up to `listed`, so that sums over the cloud are fixed; of draws beyond."""
    rep = natural(named_group(name))
    unit = neuron_unit(rep, rep)
    start = weakly_invariant_start(unit.space.action, ParticleTraining(particles=40), np.random.default_rng(0))
    listed = HeldOutGap().listed
    images = rep.group.order if isinstance(rep.group, FiniteGroup) and rep.group.order <= listed else listed
    assert start.shape == (1, unit.space.dim, -(-40 // images) * images)
    lengths = start[0].norm(dim=0).reshape(images, -1)
    torch.testing.assert_close(lengths, lengths[:1].expand(images, -1))
    if images < listed:
        mean = start[0].mean(-1).numpy()
        np.testing.assert_allclose(fixed_space(unit.space.action).project(mean), mean, atol=1e-12)


def test_scales_are_the_same_for_all_copies() -> None:
    rep = parse_representation("natural+trivial:2", named_group("C4"))
    moves = JointAction(rep, natural(named_group("C4")))
    rng = np.random.default_rng(1)
    x, y = torch.from_numpy(rng.lognormal(size=(9, 6)) * 5), torch.from_numpy(rng.normal(3, 2, size=(9, 4)))
    scale = orbit_scale(moves, x, y, rng)
    assert scale.moved.tolist() == [True] * 4 + [False] * 2
    scaled_x, scaled_y = scale(x, y)
    torch.testing.assert_close(scaled_y, (y - y.mean()) / y.std(correction=0))
    shifts = torch.stack([x[:, :4].roll(k, dims=1) - x[:, :4].mean() for k in range(4)]).reshape(-1, 4)
    for before, after in ((shifts, scaled_x[:, :4]), (x[:, 4:] - x[:, 4:].mean(0), scaled_x[:, 4:])):
        d = before.shape[1]
        before = before / (before**2).mean(0).sqrt()  # the four coordinates have one spread over all shifts
        eigenvalues, shrunk = torch.linalg.eigvalsh(before.T @ before / len(before)), d / (9 + d)
        whitened = (eigenvalues / ((1 - shrunk) * eigenvalues + shrunk)).mean()
        torch.testing.assert_close((after**2).mean(), whitened)
        torch.testing.assert_close(after.mean(), torch.zeros_like(whitened))
    for a, b in zip(*rows(moves, x, y, 4, seed=2), strict=True):
        other = orbit_scale(moves, a, b, rng)
        torch.testing.assert_close(other.x_shift, scale.x_shift)
        torch.testing.assert_close(other.x_matrix, scale.x_matrix)
        torch.testing.assert_close(other.y_shift, scale.y_shift)
        torch.testing.assert_close(other.y_scale, scale.y_scale)


def test_labels_that_do_not_vary_are_left_as_they_are() -> None:
    rep = natural(named_group("C4"))
    x, _ = shifts(8, seed=1)
    moves = JointAction(rep, trivial(rep.group))
    assert orbit_scale(moves, x, torch.ones(8, 1), np.random.default_rng(0)).y_scale.tolist() == [1.0]


def test_minibatches_run_through_every_fold_in_epochs() -> None:
    folds = torch.tensor([[0, 2, 4, 6], [1, 3, 5, 7]])
    order = minibatches(folds, ParticleTraining(steps=5, batch=2), np.random.default_rng(0))
    assert order.shape == (2, 5, 2)
    for fold, steps in zip(folds, order, strict=True):
        for epoch in (steps[:2], steps[2:4]):
            assert sorted(epoch.flatten().tolist()) == fold.tolist()
    assert minibatches(folds, ParticleTraining(steps=3, batch=50), np.random.default_rng(0)).shape == (2, 3, 4)


def test_a_ridge_shrinks_the_input_weights_of_coordinates_that_are_left_alone() -> None:
    """A step of the largest ridge, on one sample, leaves their gradient alone; the other weights see none of it."""
    rep = parse_representation("natural+trivial:2", named_group("R4"))
    moves, rng = JointAction(rep, trivial(rep.group)), np.random.default_rng(1)
    x, y = torch.from_numpy(rng.normal(size=(8, 4))), torch.from_numpy(rng.normal(size=(8, 1)))
    scale, unit = orbit_scale(moves, x, y, rng), neuron_unit(rep, trivial(rep.group))
    start = gaussian_start(Subspace.full(unit.space.dim), 5, 1.0, rng)
    order = torch.arange(8)[None, None]
    plain, shrunk = (
        RowTrainer(
            unit, ParticleTraining(5, 1, 8, 0.5, checkpoints=(1.0,), unmoved=tau), start, 0.5, order, scale.moved
        )
        for tau in (0.0, 2.0)
    )
    samples = tuple(part[None] for part in scale(x, y))
    difference = (plain.clouds(*samples)[0] - shrunk.clouds(*samples)[0])[0, 0]
    expected = torch.zeros_like(difference)
    expected[3:5] = start[0, 3:5]  # output (1, 1), weight (1, 4), bias (1,)
    torch.testing.assert_close(difference, expected)


@pytest.mark.parametrize("n", [1, 3])
def test_the_first_step_is_one_over_the_mean_squared_gradient(n: int) -> None:
    """Of linear neurons in disguise: tanh at 0 with A = a, W = 0, b = 0 has the gradient (0, a x, a)."""
    group = named_group("C1")
    unit = neuron_unit(trivial(group, n), trivial(group))
    start = torch.zeros(1, unit.space.dim, 2, dtype=torch.float64)
    start[:, 0] = torch.tensor([1.0, 2.0])
    probes = np.random.default_rng(0).normal(size=(64, 1, n))
    kappa = 2.5 * (1 + (probes**2).sum(-1).mean())
    assert first_step(unit, start, np.random.default_rng(0)) == pytest.approx(1 / kappa)
    assert first_step(unit, 0 * start, np.random.default_rng(0)) == 1.0


@EACH
def test_refusals(kind: str) -> None:
    x, y = plane(10, seed=0)
    statistic, rng = small(kind), np.random.default_rng(0)
    with pytest.raises(GroupError, match="give a JointAction"):
        statistic.bind(axis_rotations((0, 0, 1)), x, y, rng)
    group = FiniteGroup("C2", 2, ((1, 0),))
    shear = from_matrices(group, [[[1, 1], [0, -1]]], "shear")
    with pytest.raises(GroupError, match="change the basis"):
        statistic.bind(JointAction(shear, trivial(group)), x, y, rng)
    turns = natural(named_group("R4"))
    action = JointAction(turns, trivial(turns.group))
    wild = STATISTICS[kind](training=replace(TINY, rate=1e9, steps=200))
    with pytest.raises(NotConvergedError, match=r"ParticleTraining\(rate=1e\+09\); try rate="):
        wild.bind(action, x, y, rng).observed(x)
    if kind != "displacement":
        with pytest.raises(InputError, match="at least 4"):
            statistic.bind(action, x[:3], y[:3], rng)


def test_infinite_groups_have_no_regular_unit() -> None:
    turns = natural(named_group("SO2"))
    with pytest.raises(RepresentationError, match="infinite"):
        regular_unit(turns, trivial(turns.group))
    assert regular_unit(natural(named_group("C4")), trivial(named_group("C4"))).space.dim == regular(
        named_group("C4")
    ).dim * (1 + 4 + 1)


def test_no_splits() -> None:
    with pytest.raises(ConfigError, match="splits=0"):
        HeldOutGap(splits=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"particles": 0},
        {"steps": 0},
        {"batch": 0},
        {"rate": 0.0},
        {"std": float("nan")},
        {"unmoved": -1.0},
        {"checkpoints": ()},
        {"checkpoints": (0.5,)},
        {"checkpoints": (0.5, 0.5, 1.0)},
        {"checkpoints": (0.0, 1.0)},
    ],
    ids=str,
)
def test_settings_out_of_range(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="particle training"):
        replace(ParticleTraining(), **settings)  # type: ignore[arg-type]
