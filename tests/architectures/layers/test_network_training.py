"""The training loop: deterministic, honest about held-out rows, restoring the best state, refusing to diverge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sharefind.architectures import SharingSpec
from sharefind.architectures.layers import Epoch, SharedShallowNetwork, StopTraining, fit
from sharefind.errors import ConfigError, DataError, NotConvergedError

BuildSpec = Callable[[str], SharingSpec]


def linear_rows(n: int = 120, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n, 3), y (n, 2) of a linear map, and the map."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((2, 3))
    x = rng.standard_normal((n, 3))
    return x, x @ w.T + noise * rng.standard_normal((n, 2)), w


def plain(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.2), nn.Tanh(), nn.Linear(16, 2)).double()


def mean_squared(module: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    with torch.no_grad():
        found = module(torch.from_numpy(x)) - torch.from_numpy(y)
    return float(found.square().sum(-1).mean())


def test_a_linear_layer_finds_least_squares() -> None:
    x, y, _ = linear_rows()
    layer = nn.Linear(3, 2, bias=False).double()
    result = fit(layer, x, y, batch=None, epochs=800, lr=0.02, validation=0)
    best = np.linalg.lstsq(x, y, rcond=None)[0].T
    assert np.abs(layer.weight.detach().numpy() - best).max() < 1e-6
    assert result.train_loss == pytest.approx(((y - x @ best.T) ** 2).sum(1).mean(), rel=1e-9)
    assert (result.validation_loss, result.best_epoch, result.parameters) == (None, 800, 6)
    assert not result.has_stopped_early
    assert [e.number for e in result.history] == list(range(801))
    assert result.history[-1].steps == 800


def test_everything_follows_from_the_seed_and_nothing_else_is_touched() -> None:
    x, y, _ = linear_rows()

    def run(seed: int) -> tuple[list[Epoch], torch.Tensor, torch.Tensor]:
        module = plain()
        torch.manual_seed(99)
        result = fit(module, x, y, epochs=5, seed=seed)
        return list(result.history), module[0].weight.detach(), torch.rand(1)

    (history, weight, after), (again, same, _), (other, _, _) = run(0), run(0), run(1)
    torch.manual_seed(99)
    assert torch.equal(after, torch.rand(1))
    assert history == again and torch.equal(weight, same)
    assert history != other


def test_the_best_state_is_restored_and_reported() -> None:
    # A large step after few epochs makes the validation loss rise and fall.
    x, y, _ = linear_rows(40, noise=2.0)
    module = plain().eval()
    module[1].train()
    result = fit(module, x, y, epochs=60, lr=0.1, patience=8, batch=8, validation=0.5)
    losses = [e.validation_loss for e in result.history]
    assert result.best_epoch == int(np.argmin(losses)) < result.history[-1].number
    assert result.validation_loss == min(losses)
    assert result.has_stopped_early and result.history[-1].number == result.best_epoch + 8
    assert [part.training for part in module.modules()] == [False, False, True, False, False]
    assert all(p.grad is None for p in module.parameters())
    rest = [mean_squared(module.eval(), x, y), 0.5 * (result.train_loss + result.validation_loss)]
    assert rest[0] == pytest.approx(rest[1], rel=1e-12)


def test_held_out_rows_are_never_trained_on() -> None:
    x, y, _ = linear_rows()
    seen: list[int] = []

    class Spy(nn.Linear):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            if torch.is_grad_enabled():
                seen.extend(rows[:, 0].tolist())
            return super().forward(rows)

    fit(Spy(3, 2).double(), x, y, epochs=3, batch=7, validation=0.25)
    assert len(set(seen)) == 90 and len(seen) == 270
    assert set(seen) < set(x[:, 0].tolist())


@pytest.mark.parametrize("name", ["c4", "r5_basis", "two_c4", "c2_rescaled"])
def test_networks_learn_a_teacher_of_their_own_kind(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    torch.manual_seed(0)
    teacher, pupil = SharedShallowNetwork(spec, 3), SharedShallowNetwork(spec, 20)
    with torch.no_grad():
        teacher.coefficient.mul_(2)
    x = torch.randn(400, spec.d_in)
    y = teacher(x).detach()
    result = fit(pupil, x, y, epochs=120, lr=0.03, patience=None)
    assert result.validation_loss < 0.1 * float((y - y.mean(0)).square().sum(1).mean())
    assert result.parameters == 20 * spec.space.dim
    if spec.group_name == "C4":
        assert torch.allclose(pupil(x.roll(1, 1)), pupil(x).roll(1, 1), atol=1e-5)


def test_steps_bound_the_training_and_callbacks_end_it() -> None:
    x, y, _ = linear_rows()
    assert fit(plain(), x, y, steps=5, batch=10, validation=0).history[-1].steps == 5

    def stop(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise StopTraining

    result = fit(plain(), x, y, callback=stop)
    assert result.has_stopped_early and len(result.history) == 3


def test_other_losses_and_class_labels() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    classes = (x[:, 0] > 0).astype(int)
    for loss, y in (("cross-entropy", np.eye(2)[classes]), (nn.functional.cross_entropy, classes)):
        torch.manual_seed(0)
        module = nn.Linear(3, 2).double()
        result = fit(module, x, y, loss=loss, epochs=100, lr=0.05)
        assert result.validation_loss < 0.3
    signs = 2.0 * classes[:, None] - 1
    assert fit(nn.Linear(3, 1).double(), x, signs, loss="logistic", epochs=60, lr=0.05).train_loss < 0.4


def test_weight_decay_shrinks_decoupled() -> None:
    # With x = 0 there is no gradient, so that each step multiplies the weights by 1 - lr weight_decay.
    layer = nn.Linear(3, 2, bias=False).double()
    before = layer.weight.detach().clone()
    fit(layer, np.zeros((10, 3)), np.zeros((10, 2)), epochs=4, batch=5, lr=0.1, weight_decay=0.5, validation=0)
    assert torch.allclose(layer.weight, before * 0.95**8, rtol=1e-12)


def test_divergence_names_the_step_to_try_and_keeps_the_best_state() -> None:
    x, y, _ = linear_rows()
    layer = nn.Linear(3, 2).double()
    before = mean_squared(layer, x, y)
    with pytest.raises(NotConvergedError, match=r"lr = 1e\+06; try lr = \S+, which did not"):
        fit(layer, x, y, lr=1e6)
    assert mean_squared(layer, x, y) <= before * 1.5
    with pytest.raises(NotConvergedError, match="before training"):
        fit(nn.Linear(3, 2), 1e30 * x, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"lr": 0.0}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"batch": 0}, "batch"),
        ({"validation": 1.0}, "validation"),
        ({"patience": 0}, "patience"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"loss": "cubic"}, "cubic"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    x, y, _ = linear_rows()
    with pytest.raises(ConfigError, match=message):
        fit(nn.Linear(3, 2).double(), x, y, **change)


def test_rows_that_do_not_fit_are_refused() -> None:
    x, y, _ = linear_rows()
    layer = nn.Linear(3, 2).double()
    for bad_x, bad_y, message in (
        (x[:-1], y, "119 rows but y has 120"),
        (x, y[:, 0], "reshape y"),
        (x[:2], y[:2], "cannot be split"),
        (np.where(np.arange(120)[:, None] == 7, np.nan, x), y, "x is not finite in row 7"),
        (x.astype(object), y, "dtype object"),
        (x[:0], y[:0], "at least one row"),
    ):
        with pytest.raises(DataError, match=message):
            fit(layer, bad_x, bad_y)
    with pytest.raises(ConfigError, match="nothing to train"):
        fit(nn.Identity(), x, x)


def test_a_space_without_freedom_trains_to_nothing(spec_of: BuildSpec) -> None:
    x = np.random.default_rng(0).standard_normal((50, 2))
    result = fit(SharedShallowNetwork(spec_of("zero"), dtype=torch.float64), x, np.zeros((50, 2)), epochs=3)
    assert result.parameters == 0
    assert result.train_loss == pytest.approx(2 * 0.5**2)
