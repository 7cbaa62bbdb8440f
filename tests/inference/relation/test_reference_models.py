"""The free and the tied model of a risk gap, and what their comparison is worth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import InputError
from sharefind.groups import Representation, named_group, natural, trivial
from sharefind.inference import risk_gap
from sharefind.inference.relation.reference_models import ReferenceModels, _inverse_root, _root_of_few
from sharefind.inference.relation.risk_gap import CrossValidation, free_fit
from sharefind.inference.tied_kernels import ListedGroup, matern_five_halves
from sharefind.meanfield import JointAction

ONE = ReferenceModels(lengths=(0.7,), floors=(None,), ridges=(1e-3,))
LINEAR = ReferenceModels(lengths=(None,), floors=(None,), landmarks=16, tasted_landmarks=16)


def _action(name: str, labels: str) -> JointAction:
    group = named_group(name)
    outputs: dict[str, Representation] = {"stay": trivial(group, 2), "move": natural(group)}
    return JointAction(natural(group), outputs[labels])


def _data(n: int, moves: JointAction, seed: int = 0) -> tuple[Tensor, Tensor]:
    """An equivariant relation."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, moves.in_rep.dim))
    y = np.tanh(2 * x) + 0.5 * x.sum(1, keepdims=True) ** 2
    if moves.out_rep.dim != moves.in_rep.dim:
        y = np.stack([np.sin(x).sum(1), (x**2).sum(1)], axis=1)
    return torch.from_numpy(x), torch.from_numpy(y + 0.2 * rng.normal(size=y.shape))


def _dense_errors(x: Tensor, y: Tensor, group: ListedGroup, folds: NDArray[np.int64], ridge: float) -> Tensor:
    """Kernel ridge regression with K_H and a constant that the group fixes, from whole matrices."""
    points = x - group.on_x.mean(0) @ x.mean(0)
    spread = float((points**2).sum(1).mean())
    images = torch.einsum("gab,nb->gna", group.on_x, points)
    kernels = torch.einsum("na,gma->gnm", points, images) / spread
    kernels = kernels + matern_five_halves(torch.cat(list(group.distances(points))), 0.7 * (2 * spread) ** 0.5)
    n, q = y.shape
    whole = torch.einsum("gnm,gab->namb", kernels, group.on_y).reshape(n * q, n * q) / len(kernels)
    values, vectors = torch.linalg.eigh(group.on_y.mean(0))
    fixed = vectors[:, values > 0.5].repeat(n, 1)
    flat, of_row = y.flatten(), torch.from_numpy(folds).repeat_interleave(q)
    predicted = torch.empty(n * q, dtype=torch.float64)
    for k in range(int(folds.max()) + 1):
        rest, held = of_row != k, of_row == k
        count = int(rest.sum())
        matrix = whole[rest][:, rest] + ridge * (count / q) * torch.eye(count).double()
        side = fixed[rest]
        zero = torch.zeros(side.shape[1], side.shape[1]).double()
        system = torch.cat([torch.cat([matrix, side], 1), torch.cat([side.t(), zero], 1)])
        solved = torch.linalg.solve(system, torch.cat([flat[rest], torch.zeros(side.shape[1]).double()]))
        predicted[held] = whole[held][:, rest] @ solved[:count] + fixed[held] @ solved[count:]
    return ((predicted - flat).reshape(n, q) ** 2).sum(1)


@pytest.mark.parametrize(("name", "labels"), [("C4", "stay"), ("C4", "move"), ("S3", "move"), ("D4", "stay")])
def test_models_are_exact_kernel_regression_where_there_are_as_many_landmarks_as_rows(name: str, labels: str) -> None:
    moves = _action(name, labels)
    x, y = _data(30, moves)
    folds, rng = np.arange(30) % 3, np.random.default_rng(0)
    tied = ONE.tied(x, y, moves, folds, rng).errors
    assert tied == pytest.approx(_dense_errors(x, y, ListedGroup.of(moves), folds, 1e-3).numpy(), rel=1e-4, abs=1e-7)
    units = (torch.eye(v.shape[1]).double().unsqueeze(0) for v in (x, y))
    free = ONE.free(x, y, folds, rng).errors
    assert free == pytest.approx(_dense_errors(x, y, ListedGroup(*units), folds, 1e-3).numpy(), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(("name", "labels"), [("C4", "stay"), ("S3", "move"), ("D4", "move")])
def test_tying_helps_where_the_relation_has_the_symmetry(name: str, labels: str) -> None:
    moves = _action(name, labels)
    gaps = [risk_gap(*_data(40, moves, seed), moves, np.random.default_rng(0)).gap for seed in range(3)]
    assert np.median(gaps) < -0.02


def test_fewer_landmarks_than_rows_handicap_no_group() -> None:
    """With 24 landmarks for 120 rows, a group of order 8 still has 24 features: tying gains."""
    moves = _action("D4", "stay")
    settings = CrossValidation(models=ReferenceModels(landmarks=24, tasted_landmarks=24))
    assert risk_gap(*_data(120, moves), moves, np.random.default_rng(0), settings=settings).high < 0


def test_intervals_hold_the_price_where_it_is_known() -> None:
    """A linear relation, of which the swap breaks a share; the rest of its price is below .002."""
    moves, settings = _action("C2", "stay"), CrossValidation(models=LINEAR)
    held = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(400, 2))
        signal = x.sum(1) + 0.4 * (x[:, 0] - x[:, 1])
        y = np.stack([signal, signal], axis=1) + 0.5 * rng.normal(size=(400, 2))
        found = risk_gap(*map(torch.from_numpy, (x, y)), moves, np.random.default_rng(seed), settings=settings)
        price = 2 * 0.32 / (2 * (2 + 0.32 + 0.25))
        held += found.low <= price <= found.high
    assert 26 <= held <= 30


def test_images_stand_in_for_a_group_that_is_not_listed() -> None:
    moves = _action("C4", "move")
    x, y = _data(150, moves)
    models = (ReferenceModels(closed_order=most, lengths=(0.7,), floors=(1.0,)) for most in (96, 1))
    both = (CrossValidation(models=m) for m in models)
    listed, imaged = (risk_gap(x, y, moves, np.random.default_rng(0), settings=settings) for settings in both)
    assert imaged.free_r2 == listed.free_r2 and imaged.tied_r2 == pytest.approx(listed.tied_r2, abs=0.02)


def test_the_free_model_is_fitted_once_for_all_groups() -> None:
    x, y = _data(60, _action("C4", "move"))
    free = free_fit(x, y, np.random.default_rng(3))
    found = [risk_gap(x, y, _action(n, "move"), np.random.default_rng(0), free=free) for n in ("C4", "D4")]
    assert found[0].free_r2 == found[1].free_r2 and found[0].tied_r2 != found[1].tied_r2
    with pytest.raises(InputError, match="fitted to 60 rows, and here are 59"):
        risk_gap(x[1:], y[1:], _action("C4", "move"), np.random.default_rng(0), free=free)


def test_accuracies_are_given_where_labels_are_classes() -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(120, 4)))
    first = (x[:, 0] > 0).double()
    y, moves = torch.stack([first, 1 - first], dim=1), _action("C4", "stay")
    found = risk_gap(x, y, moves, np.random.default_rng(0), has_classes=True)
    assert found.free_accuracy is not None and found.tied_accuracy is not None
    assert found.free_accuracy > 0.85 and found.tied_accuracy < 0.75 and found.low > 0.1
    assert risk_gap(x, y, moves, np.random.default_rng(0)).free_accuracy is None


def test_roots_of_kernels_with_few_directions_and_with_all() -> None:
    """Both give the kernel that eigenvectors give, the first by as many features as there are directions."""
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.normal(size=(40, 3)))
    linear, smooth = points @ points.t(), matern_five_halves(torch.cdist(points, points) ** 2, 1.0)
    for gram, features in ((linear, 3), (smooth, 40)):
        root = _inverse_root(gram, 1e-10)
        assert root.shape == (40, features)
        torch.testing.assert_close(gram @ root @ root.t() @ gram, gram, rtol=0, atol=1e-10)
    assert _root_of_few(smooth, 1e-10) is None
    steep = torch.diag(torch.logspace(0, -12, 40, dtype=torch.float64))
    assert _root_of_few(steep, 1e-3) is None
    assert _inverse_root(steep, 1e-10).shape == (40, int((steep.diagonal() > 1e-10).sum()))
