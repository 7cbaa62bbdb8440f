"""The test of a relation: its kernels and evidence against dense computations, and what it says at the edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal
from sklearn.gaussian_process.kernels import Matern
from torch import Tensor

from sharefind.errors import ConfigError, DataError, GroupError
from sharefind.groups import named_group, natural, sign, trivial
from sharefind.inference import RelationSettings, axis_rotations, relation_test
from sharefind.inference.relation.kernel_factors import Factors
from sharefind.inference.relation.label_copies import TiedFit
from sharefind.inference.relation.tied_evidence import EvidenceSettings, KernelEvidence
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.tied_kernels import ListedGroup, matern_five_halves
from sharefind.meanfield import JointAction

C2, C4 = named_group("C2"), named_group("C4")
FLIP = JointAction(sign(C2) + trivial(C2, 1), trivial(C2, 1))
TURN = JointAction(natural(C4), natural(C4))
CLASSES = JointAction(sign(C2) + trivial(C2, 1), trivial(C2, 3))


def _rows(n: int, broken: float = 0.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Labels of the size of 1 that an even function of the first column explains, but for a break."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = np.cos(2 * x[:, :1]) + x[:, 1:] + broken * x[:, :1] + 0.2 * rng.normal(size=(n, 1))
    return torch.from_numpy(x), torch.from_numpy(y)


def _turned(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return torch.from_numpy(x), torch.from_numpy(np.tanh(x) - 0.5 * np.roll(x, 1, 1) + 0.2 * rng.normal(size=(n, 4)))


def _p(x: Tensor, y: Tensor, moves: JointAction, units: Tensor | None = None, *, has_classes: bool = False) -> float:
    return relation_test(x, y, moves, np.random.default_rng(0), 99, units, has_classes=has_classes).p_value


@pytest.mark.parametrize("moves", [FLIP, TURN], ids=["labels stay", "labels move"])
def test_the_tied_kernel_is_the_mean_over_the_group(moves: JointAction) -> None:
    rng = np.random.default_rng(0)
    x, length = rng.normal(size=(7, moves.in_rep.dim)), 1.3
    on_x, on_y = moves.in_rep.float_matrices(), moves.out_rep.float_matrices()
    dense = np.mean([np.kron(Matern(length, nu=2.5)(x, x @ g.T), h) for g, h in zip(on_x, on_y, strict=True)], axis=0)
    group, points = ListedGroup.of(moves), torch.from_numpy(x)
    assert np.allclose(group.tied(points, [length])[0], dense)
    few_at_a_time = torch.cat(list(group.distances(points, most_bytes=1)))
    assert torch.allclose(few_at_a_time, torch.cat(list(group.distances(points))))
    free = np.kron(Matern(length, nu=2.5)(x), np.eye(moves.out_rep.dim if moves is TURN else 1))
    assert np.allclose(group.free(points, length), free)


def test_a_fit_with_the_tied_kernel_is_equivariant() -> None:
    x, y = _turned(20)
    group = ListedGroup.of(TURN)
    weights = torch.linalg.solve(group.tied(x, [1.0])[0] + 0.1 * torch.eye(80).double(), y.reshape(-1, 1))

    def fit(point: Tensor) -> Tensor:
        kernels = [matern_five_halves(((point - x @ g.t()) ** 2).sum(1), 1.0) for g in group.on_x]
        blocks = sum(torch.einsum("m,ab->amb", k, h) for k, h in zip(kernels, group.on_y, strict=True))
        return (blocks.reshape(4, 80) @ weights).flatten()

    point = torch.tensor([0.3, -1.0, 0.5, 0.2]).double()
    for on_x, on_y in zip(group.on_x, group.on_y, strict=True):
        assert torch.allclose(fit(on_x @ point), on_y @ fit(point))


def test_evidence_is_the_normal_density_at_the_best_amplitude() -> None:
    x, y = _rows(12)
    kernel = torch.from_numpy(Matern(1.0, nu=2.5)(x))
    factors = Factors.of(torch.stack([kernel, kernel @ kernel]), (0.1, 0.5))
    labels = torch.stack([torch.cat([y, x[:, :1]], dim=1), torch.cat([y, y**2], dim=1)])
    found = factors.evidence(labels)

    def best(values: Tensor, place: int, noise: float) -> float:
        covariance = np.asarray(factors.kernels[place] + noise * torch.eye(12))

        def density(log_amplitude: float) -> float:
            law = multivariate_normal(np.zeros(12), np.exp(log_amplitude) * covariance)
            return -float(np.sum(law.logpdf(values.t())))

        return -float(minimize_scalar(density, bracket=(-1, 1)).fun)

    dense = torch.from_numpy(np.array([[[best(v, k, s) for s in (0.1, 0.5)] for k in (0, 1)] for v in labels]))
    # The rest is a constant of the number of labels.
    assert torch.allclose((found - dense) - (found - dense)[0, 0, 0], torch.zeros(2, 2, 2).double(), atol=1e-6)


def test_labels_in_small_parts_have_the_same_evidence() -> None:
    x, y = _rows(12)
    factors = Factors.of(torch.from_numpy(Matern(1.0, nu=2.5)(x)).unsqueeze(0), (0.1,))
    labels = torch.stack([y, y**2, x[:, :1]])
    few = replace(factors, most_bytes=1)
    assert torch.allclose(few.evidence(labels), factors.evidence(labels))


@pytest.mark.parametrize("noise", [3e-4, 0.2])
@pytest.mark.parametrize("columns", [1, 3])
def test_eigenvectors_and_factors_give_the_same_evidence(columns: int, noise: float) -> None:
    """Of labels with hardly any noise, too, and in parts."""
    x, rng = np.random.default_rng(1).normal(size=(40, 2)), np.random.default_rng(2)
    kernels = torch.from_numpy(np.stack([Matern(length, nu=2.5)(x) for length in (0.5, 8.0)]))
    noisy = 1e-3 * rng.normal(size=(5, 40, columns))
    smooth = torch.from_numpy(np.sin(x).sum(1)[None, :, None] + noisy)
    factors = Factors.of(kernels, (noise, 3 * noise))
    solved = replace(factors, solved=torch.inf).evidence(smooth)
    assert torch.allclose(replace(factors, solved=0.0).evidence(smooth), solved, rtol=1e-10)
    assert torch.allclose(replace(factors, solved=0.0, most_bytes=1).evidence(smooth), solved, rtol=1e-10)


def test_many_labels_have_the_same_evidence_in_single_precision() -> None:
    """Far more closely than copies of the labels differ, in any unit of the labels, for many columns alone."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(320, 3))
    kernels = torch.from_numpy(np.stack([Matern(length, nu=2.5)(x) for length in (1.0, 4.0)]))
    smooth = np.sin(x @ rng.normal(size=(3, 5)))
    labels = 1e30 * torch.from_numpy(smooth + 0.05 * rng.normal(size=(20, 320, 5)))
    exact = Factors.of(kernels, (3e-4, 0.03)).evidence(labels)
    many = Factors.of(kernels, (3e-4, 0.03), columns=250)
    assert many.has_many and not Factors.of(kernels, (3e-4,), columns=50).has_many
    assert (many.evidence(labels) - exact).abs().max() < 1e-3 * exact.std(0).min()


@pytest.mark.parametrize("labels", [1, 2], ids=["one label a row", "two labels a row"])
def test_errors_of_units_are_residuals_over_the_root_of_their_covariance(labels: int) -> None:
    x, y = _rows(9 * labels)
    fit = TiedFit.of(torch.from_numpy(Matern(1.0, nu=2.5)(x)), y, 0.3, 9)
    covariance = fit.passed @ fit.passed
    units = torch.tensor([0, 1, 0, 2, 2, 2, 1, 0, 3])
    for numbers in (units, torch.arange(9)):
        for unit in range(int(numbers.max()) + 1):
            places = (numbers.repeat_interleave(labels) == unit).nonzero().flatten()
            root = np.linalg.inv(np.real_if_close(sqrtm(np.asarray(covariance[places][:, places]))))
            assert np.allclose(fit.errors(numbers)[places], root @ np.asarray(fit.residuals[places]))
    copies = fit.signed(units, np.random.default_rng(0), 50) - fit.values
    signs = (copies / fit.errors(units)).squeeze(2)[:, ::labels]
    assert torch.allclose(signs.abs(), torch.ones(50, 9).double())
    assert torch.allclose(signs[:, [0, 3, 1]], signs[:, [7, 5, 6]])
    assert not torch.allclose(signs[:, 0], signs[:, 1])


def test_classes_are_drawn_with_the_probabilities_of_the_fit() -> None:
    rng = np.random.default_rng(0)
    x, y = torch.from_numpy(rng.normal(size=(8, 2))), torch.eye(3).double()[rng.integers(3, size=8)]
    scale = orbit_scale(CLASSES, x, y, rng)
    labels = scale(x, y)[1]
    fit = TiedFit.of(torch.from_numpy(Matern(1.0, nu=2.5)(x)), labels, 0.5, 8)
    shares = (fit.values / scale.y_scale + scale.y_shift).clamp(0, 1)
    copies = fit.classes(scale, torch.arange(8), rng, 20000) / scale.y_scale + scale.y_shift
    assert torch.allclose(copies.sum(2), torch.ones(20000, 8).double())
    assert torch.allclose(copies.mean(0), shares / shares.sum(1, keepdim=True), atol=0.015)
    alike = TiedFit(fit.values[:1].expand(8, 3), fit.residuals, fit.passed, 8)
    one_unit = alike.classes(scale, torch.zeros(8, dtype=torch.int64), rng, 50)
    assert torch.equal(one_unit, one_unit[:, :1].expand(50, 8, 3))


def test_inputs_that_the_group_leaves_alone_say_nothing() -> None:
    x, y = _rows(30)
    x[:, 0] = 0
    assert _p(x, y, FLIP) == 1
    assert _p(300 + 10 * torch.zeros(30, 4).double() + x[:, 1:], torch.ones(30, 4).double(), TURN) == 1


@pytest.mark.parametrize("value", [0.0, 7.0, 300.1])
def test_constant_labels_say_nothing(value: float) -> None:
    x = _rows(30)[0]
    assert _p(x, torch.full((30, 1), value).double(), FLIP) == 1
    assert _p(x, torch.eye(3).double()[[1] * 30], CLASSES, has_classes=True) == 1


def test_a_constant_label_that_the_group_should_move_is_rejected() -> None:
    x = _turned(30)[0]
    assert _p(x, torch.eye(4).double()[[1] * 30], TURN, has_classes=True) == 0.01


def test_rows_with_all_their_images_speak_for_the_group() -> None:
    x, y = _rows(20)
    both = torch.cat([x, x * torch.tensor([-1, 1])])
    assert _p(both, torch.cat([y, y]), FLIP) == 1
    assert _p(both, torch.cat([y, y + x[:, :1]]), FLIP) == 0.01
    x, y = _turned(10)
    images = [torch.cat([v.roll(k, 1) for k in range(4)]) for v in (x, y)]
    assert _p(*images, TURN) == 1


@pytest.mark.parametrize("moves", [FLIP, TURN], ids=["labels stay", "labels move"])
def test_units_and_offsets_of_measurement_do_not_matter(moves: JointAction) -> None:
    x, y = _rows(40, 0.2) if moves is FLIP else _turned(40)
    shift = torch.tensor([0.0, 300.0]).double() if moves is FLIP else 300.0
    scale = torch.tensor([10.0, 1e4]).double() if moves is FLIP else 10.0
    assert _p(x * scale + shift, 300 + 10 * y, moves) == _p(x, y, moves)


@pytest.mark.parametrize("n", [2, 3, 12])
def test_few_rows(n: int) -> None:
    assert 0.01 <= _p(*_rows(n), FLIP) <= 1
    assert 0.01 <= _p(*_turned(n), TURN) <= 1


def test_nearly_collinear_inputs_are_tested_in_their_own_metric_too() -> None:
    """Two sets of 32 pixels, each nearly one number: whitening makes noise as large as what they have in common."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=(60, 2))
    x = torch.from_numpy(np.repeat(common, 32, axis=1) + 0.1 * rng.normal(size=(60, 64)))
    difference = torch.from_numpy(common[:, :1] - common[:, 1:])
    even = torch.cos(difference) + 0.1 * torch.from_numpy(rng.normal(size=(60, 1)))
    moves = JointAction(natural(C2) * trivial(C2, 32), trivial(C2, 1))
    white = RelationSettings(evidence=EvidenceSettings(floors=(1e-9,)))
    assert relation_test(x, even + 0.2 * difference, moves, rng, 99, settings=white).p_value > 0.1
    assert _p(x, even + 0.2 * difference, moves) <= 0.02
    assert _p(x, even, moves) > 0.05


def test_metrics_that_are_alike_are_one() -> None:
    x, y = _rows(60)
    moves = JointAction(sign(C2) + trivial(C2, 2), trivial(C2, 1))
    huge = torch.cat([x, 5000 + 1000 * torch.from_numpy(np.random.default_rng(1).normal(size=(60, 1)))], dim=1)
    assert KernelEvidence.of(huge, y, moves, np.random.default_rng(0), EvidenceSettings()).others == ()
    sheared = torch.cat([x, x[:, 1:] + 0.1 * x[:, :1] ** 2], dim=1)
    evidence = KernelEvidence.of(sheared, y, moves, np.random.default_rng(0), EvidenceSettings())
    assert len(evidence.others) == 1
    assert evidence.table().max() >= evidence.others[0].table().max()


def test_what_cannot_be_tested_is_refused() -> None:
    x, y = _rows(20)
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="copies=0"):
        relation_test(x, y, FLIP, rng, 0)
    with pytest.raises(GroupError, match="finite"):
        relation_test(torch.cat([x, x[:, :1]], dim=1), y, axis_rotations([0, 0, 1]), rng)
    with pytest.raises(DataError, match="repeats"):
        relation_test(torch.cat([x, x]), torch.cat([y, y]), FLIP, rng)
