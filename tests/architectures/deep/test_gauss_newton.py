"""Networks trained by evidence: derivatives, exact cases, fixed points, and what it gains over other trainings."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from sharefind.architectures.deep.batch import DeepBatch, deep_values
from sharefind.architectures.deep.coordinates import SpaceCoordinates
from sharefind.architectures.deep.evidence_plan import EvidencePlan
from sharefind.architectures.deep.gauss_newton import _Descent, _Fit, _lower_root, _Seen, _Trainer, train_by_evidence
from sharefind.architectures.deep.likelihoods import Classes
from sharefind.architectures.deep.network import DeepNetwork, Matrices
from sharefind.architectures.deep.proof import prove
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.trainers import fit_networks
from sharefind.architectures.deep.training import Augmentation, Plan
from sharefind.architectures.deep.tried_units import dense_unit
from sharefind.errors import NotConvergedError
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import build_unit
from sharefind.meanfield.units import DeepUnit
from sharefind.spaces import Subspace, fixed_space

NOTHING = [np.zeros(0, dtype=np.int64)]


def unit_of(kind: str, group: str, hidden: str, out: str = "natural") -> DeepUnit:
    g = named_group(group)
    found = build_unit(kind, natural(g), parse_representation(out, g), [parse_representation(hidden, g)] * 2)
    assert isinstance(found, DeepUnit)
    return found


def teacher(
    group: str, n: int, seed: int, hidden: str = "2*regular+natural"
) -> tuple[DeepRows, np.ndarray, np.ndarray]:
    """Rows of an equivariant teacher with noise of a tenth, and inputs and labels without noise."""
    unit = unit_of("deep:tanh", group, hidden)
    model = DeepBatch(unit, 1, seed, torch.float64)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n + 2000, unit.in_rep.dim))
    with torch.no_grad():
        for weight in model.weights:
            weight.mul_(1.5)
        y = model(torch.from_numpy(x)[None])[0].numpy()
    y = y / y.std()
    noisy = y[:n] + 0.1 * rng.standard_normal(y[:n].shape)
    return DeepRows("rows", unit.in_rep, unit.out_rep, 300 + 10 * x[:n], noisy), 300 + 10 * x[n:], y[n:]


def on_rows(rows: DeepRows, unit: DeepUnit, network: Matrices) -> DeepNetwork:
    return DeepNetwork.from_matrices("n", unit, rows.scaling.unscaled(network))


@pytest.mark.parametrize(
    ("kind", "hidden"),
    [("deep:tanh", "regular+coset(C2, sign)"), ("deep:gelu", "natural"), ("deep-residual:logistic", "2*natural")],
)
def test_the_jacobian_is_that_of_autograd(kind: str, hidden: str) -> None:
    unit = unit_of(kind, "S3", hidden)
    trainer = _Trainer(unit, False, EvidencePlan())
    rng = np.random.default_rng(0)
    theta, x = rng.standard_normal(trainer.dim), torch.from_numpy(rng.standard_normal((5, 3)))

    def outputs(coordinates: torch.Tensor) -> torch.Tensor:
        entries = [
            space.entries(coordinates[None, part]) for space, part in zip(trainer.spaces, trainer.slices, strict=True)
        ]
        shapes = [(target.dim, source.dim) for source, target in pairwise(unit.reps)]
        weights = [(w.reshape(1, *s), b) for w, b, s in zip(entries[::2], entries[1::2], shapes, strict=True)]
        return deep_values(unit, weights, x[None])[-1][0]

    values, jacobian = trainer.jacobian(theta, x)
    expected = torch.autograd.functional.jacobian(outputs, torch.from_numpy(theta)).numpy()
    np.testing.assert_allclose(jacobian, expected.transpose(2, 1, 0), atol=1e-12)
    np.testing.assert_allclose(values, outputs(torch.from_numpy(theta)).numpy(), atol=1e-12)
    np.testing.assert_allclose(values, trainer.values(theta, x), atol=1e-12)


@pytest.mark.parametrize("text", ["natural", "2*natural+trivial", "sign*natural"])
def test_projections_give_orthonormal_coordinates(text: str) -> None:
    rep = parse_representation(text, named_group("S3"))
    rng = np.random.default_rng(0)
    for space in (fixed_space(rep * rep), Subspace.from_basis([[1, 2, 0], [0, 0, 1]]), Subspace.zero(4)):
        coordinates = SpaceCoordinates(space)
        theta, vectors = rng.standard_normal(space.dim), rng.standard_normal((space.ambient, 4))
        vector = coordinates.vector(theta)
        np.testing.assert_allclose(coordinates.projected(vector[:, None])[:, 0], theta, atol=1e-12)
        np.testing.assert_allclose(vector, coordinates.entries(torch.from_numpy(theta)[None]).numpy()[0], atol=1e-12)
        again = np.stack([coordinates.vector(one) for one in coordinates.projected(vectors).T], axis=1)
        np.testing.assert_allclose(again, space.project(vectors.T).T, atol=1e-12)


class Linear(_Trainer):
    """f(x) = x theta: the evidence has a closed form."""

    def values(self, theta: np.ndarray, x: torch.Tensor) -> np.ndarray:
        return (x.numpy() @ theta)[:, None]

    def jacobian(self, theta: np.ndarray, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        return self.values(theta, x), np.ascontiguousarray(x.numpy().T)[:, None]


def test_the_evidence_of_a_linear_model_is_the_density_of_its_labels() -> None:
    trainer = Linear(unit_of("deep:tanh", "C2", "natural", "trivial"), False, EvidencePlan(iterations=200, gain=1e-9))
    rng = np.random.default_rng(1)
    x = rng.standard_normal((80, trainer.dim))
    y = x @ rng.standard_normal(trainer.dim) + 0.5 * rng.standard_normal(80)
    start = _Fit(np.zeros(trainer.dim), np.full(len(trainer.slices), 0.01), 1.0, -np.inf, 0)
    found = _Descent(trainer, _Seen(x, y[:, None]), start).ended()
    variance = 1 / found.decay[trainer.parts]
    covariance = x @ np.diag(variance) @ x.T + np.eye(80) / found.precision
    assert found.evidence == pytest.approx(multivariate_normal(np.zeros(80), covariance).logpdf(y), abs=1e-4)
    at = np.linalg.inv(found.precision * x.T @ x + np.diag(1 / variance))
    determined = np.bincount(trainer.parts, weights=1 - np.diag(at) / variance)
    sizes = np.bincount(trainer.parts, weights=found.theta**2)
    np.testing.assert_allclose(found.decay * sizes, determined, rtol=1e-3, atol=1e-4)
    squares = float(((x @ found.theta - y) ** 2).sum())
    assert found.precision * squares == pytest.approx(80 - determined.sum(), rel=1e-3)


def test_curvature_and_slope_of_classes_are_those_of_the_cross_entropy() -> None:
    rng = np.random.default_rng(2)
    y, design = np.eye(3)[rng.integers(3, size=6)], rng.standard_normal((6, 4))
    theta = rng.standard_normal((3, 4))
    likelihood = Classes(y, weight=0.5)

    def loss(coordinates: torch.Tensor) -> torch.Tensor:
        logits = torch.from_numpy(design) @ coordinates.reshape(3, 4).T
        return -0.5 * (torch.from_numpy(y) * torch.log_softmax(logits, 1)).sum()

    jacobian = np.einsum("kl,nj->ljkn", np.eye(3), design).reshape(12, 3, 6)
    outputs, at = design @ theta.T, torch.from_numpy(theta.reshape(-1))
    root = likelihood.roots(outputs, jacobian).reshape(12, -1)
    np.testing.assert_allclose(root @ root.T, torch.autograd.functional.hessian(loss, at).numpy(), atol=1e-12)
    slope = np.tensordot(jacobian, likelihood.slopes(outputs, slice(0, 6)).T, axes=2)
    np.testing.assert_allclose(slope, torch.autograd.functional.jacobian(loss, at).numpy(), atol=1e-12)
    assert likelihood.loss(outputs) == pytest.approx(float(loss(at)))


def test_repeated_rows_with_a_weight_count_once() -> None:
    rows, _, _ = teacher("S3", 40, 0)
    trainer = _Trainer(unit_of("deep:tanh", "S3", "natural"), False, EvidencePlan())
    x, y = rows.scaled_x, rows.scaled_y
    twice = _Seen(np.concatenate([x, x, x]), np.concatenate([y, y, y]), 1 / 3)
    rng = np.random.default_rng(0)
    theta = rng.standard_normal(trainer.dim)
    start = _Fit(theta, np.full(len(trainer.slices), 0.01), 1.0, -np.inf, 0)
    one, other = (_Descent(trainer, seen, start).ended() for seen in (_Seen(x, y), twice))
    assert other.evidence == pytest.approx(one.evidence, abs=1e-3)
    np.testing.assert_allclose(other.theta, one.theta, atol=1e-4)


def test_networks_are_equivariant_and_keep_the_scale_of_the_rows() -> None:
    rows, _, _ = teacher("D4", 60, 1)
    unit = unit_of("deep:tanh", "D4", "natural")
    folds = rows.folds(0)
    trained = fit_networks(unit, rows, folds, Plan(), 0)
    assert len(trained.evidence) == len(trained.networks) == len(folds)
    for matrices, held in zip(trained.networks, folds, strict=True):
        network = on_rows(rows, unit, matrices)
        assert prove(network).error < 1e-9
        expected = (network.predict(rows.x[held]) - rows.scaling.shift) / rows.scaling.size
        np.testing.assert_allclose(trained.predictions[held], expected, atol=1e-8)
        np.testing.assert_allclose(
            trained.losses[held], ((expected - rows.scaled_y[held]) ** 2).mean(axis=1), atol=1e-7
        )


def test_large_networks_are_trained_by_adam() -> None:
    rows, _, _ = teacher("S3", 40, 0)
    unit = unit_of("deep:tanh", "S3", "natural")
    plan = Plan(steps=20, fewest=10, every=10)
    assert not EvidencePlan(parameters=5).suits(unit, rows)
    assert not EvidencePlan(work=100.0).suits(unit, rows)
    assert not fit_networks(unit, rows, NOTHING, replace(plan, evidence=EvidencePlan(parameters=5)), 0).evidence
    assert not fit_networks(unit, rows, NOTHING, replace(plan, evidence=None), 0).evidence
    assert fit_networks(unit, rows, NOTHING, plan, 0).evidence


def test_the_parts_of_a_training_on_many_rows_agree() -> None:
    """A start on few rows, trained further on all, ends near one on all rows."""
    rows, x, y = teacher("S3", 400, 0, "regular")
    unit = unit_of("deep:tanh", "S3", "regular")
    errors = []
    for first in (300, 10_000):
        trained = train_by_evidence(unit, rows, NOTHING, EvidencePlan(first_residuals=first, final_starts=3), 0)
        errors.append(float(np.mean((on_rows(rows, unit, trained.networks[0]).predict(x) - y) ** 2)))
    assert max(errors) < 0.003


def test_rows_that_are_repeated_train_as_their_units() -> None:
    rows, x, y = teacher("S3", 40, 0)
    again = replace(
        rows, x=np.repeat(rows.x, 5, axis=0), y=np.repeat(rows.y, 5, axis=0), units=np.repeat(np.arange(40), 5)
    )
    unit = unit_of("deep:tanh", "S3", "4*regular")
    errors = []
    for one in (rows, again):
        network = train_by_evidence(unit, one, NOTHING, EvidencePlan(), 0).networks[0]
        errors.append(float(np.mean((on_rows(one, unit, network).predict(x) - y) ** 2)))
    assert errors[1] < 1.5 * errors[0]


def test_a_curvature_of_low_rank_has_a_root() -> None:
    half = np.random.default_rng(0).standard_normal((30, 3)) * 1e6
    matrix = half @ half.T + 1e-10 * np.eye(30)
    root = _lower_root(matrix)
    np.testing.assert_allclose(root @ root.T, matrix, atol=1e-7 * float(np.diagonal(matrix).max()))
    with pytest.raises(NotConvergedError, match="unit scale"):
        _lower_root(np.full((2, 2), -1.0))


class Diverged(Linear):
    """A model whose outputs are not finite."""

    def values(self, theta: np.ndarray, x: torch.Tensor) -> np.ndarray:
        return np.full((len(x), 1), np.inf)


def test_a_training_that_diverges_from_every_start_is_refused() -> None:
    trainer = Diverged(unit_of("deep:tanh", "C2", "natural", "trivial"), False, EvidencePlan())
    rng = np.random.default_rng(0)
    with pytest.raises(NotConvergedError, match="unit scale"):
        trainer.fitted(_Seen(rng.standard_normal((9, trainer.dim)), np.zeros((9, 1))), rng)


def test_noise_free_labels_end() -> None:
    """Without noise its precision would grow for ever; a limit ends that."""
    rows, x, y = teacher("S3", 60, 3, "natural")
    exact = replace(rows, x=x[:60], y=y[:60])
    unit = unit_of("deep:tanh", "S3", "natural")
    trained = train_by_evidence(unit, exact, NOTHING, EvidencePlan(), 0)
    assert np.mean((on_rows(exact, unit, trained.networks[0]).predict(x) - y) ** 2) < 1e-3


def dense_errors(rows: DeepRows, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, float]:
    """Test errors of a dense network, and of one that is trained on images and averaged over the group."""
    unit, plan = dense_unit("deep:tanh", rows, (24, 24)), EvidencePlan(final_starts=1)
    inputs, found = torch.from_numpy(x)[None], []
    for augmentation in (None, Augmentation(rows)):
        matrices = train_by_evidence(unit, rows, NOTHING, plan, seed, augmentation=augmentation).networks[0]
        pairs = rows.scaling.unscaled(matrices)
        weights = [(torch.from_numpy(weight)[None], torch.from_numpy(bias)[None]) for weight, bias in pairs]
        model = partial(last_layer, unit, weights)
        values = model(inputs) if augmentation is None else augmentation.averaged(model, inputs)
        found.append(float(np.mean((values[0].numpy() - y) ** 2)))
    return found[0], found[1]


def last_layer(unit: DeepUnit, weights: list[tuple[torch.Tensor, torch.Tensor]], x: torch.Tensor) -> torch.Tensor:
    return deep_values(unit, weights, x)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("group", ["S3", "D4", "C4"])
def test_shared_networks_beat_averaged_ones_by_the_same_trainer(group: str) -> None:
    """Mean over three teachers: half of the error of a dense network, and below the averaged dense network's."""
    shared, others = [], []
    for seed in range(3):
        rows, x, y = teacher(group, 400, seed)
        unit = unit_of("deep:tanh", group, "4*regular")
        trained = train_by_evidence(unit, rows, NOTHING, EvidencePlan(), seed)
        shared.append(np.mean((on_rows(rows, unit, trained.networks[0]).predict(x) - y) ** 2))
        others.append(dense_errors(rows, x, y, seed))
    dense, averaged = np.mean(others, axis=0)
    assert np.mean(shared) < 0.5 * dense
    assert np.mean(shared) < averaged
