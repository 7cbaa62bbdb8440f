"""An honest training loop for any module: held-out rows, early stopping, the best state restored, all from one seed.

Nothing is standardised here: x and y go to the module as they are. What a search did to its labels is undone inside
`SharedShallowNetwork`; other modules get what the caller gives.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sharefind.architectures.layers.row_checks import row_tensor
from sharefind.architectures.layers.training_record import DivergedError, Epoch, FitResult, StopTraining
from sharefind.datasets.row_keys import unit_numbers
from sharefind.errors import ConfigError, DataError, NotConvergedError
from sharefind.inference.row_blocks import held_units
from sharefind.meanfield.objectives.losses import Loss, build_loss
from sharefind.rng import named_stream

LossLike = str | Loss | Callable[[Tensor, Tensor], Tensor]
"""A name or a loss of `sharefind.meanfield.objectives.losses`, or a function of (prediction, y): a mean over rows."""


@dataclass(frozen=True)
class _Plan:
    """The settings of a training, checked.

    Attributes:
        divergence: A training diverges when its loss exceeds that of the start, and the mean of |y|^2, by this factor.
        drop: Factor by which Adam's step shrinks where a training goes on after its patience.
        rows: Rows that are evaluated at a time while nothing is learned: memory alone depends on it.
    """

    epochs: int
    steps: int | None
    lr: float
    batch: int | None
    weight_decay: float
    validation: float
    patience: int | None
    drops: int
    seed: int
    divergence: float = 1e6
    drop: float = 4.0
    rows: int = 4096

    def __post_init__(self) -> None:
        for name, value, smallest in (
            ("epochs", self.epochs, 1), ("steps", self.steps, 1), ("batch", self.batch, 1),
            ("patience", self.patience, 1), ("drops", self.drops, 0), ("seed", self.seed, 0),
        ):  # fmt: skip
            if value is not None and value < smallest:
                raise ConfigError(f"{name} is {value}; give {smallest} or more")
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise ConfigError(f"lr is {self.lr}; give a positive step, such as 0.01")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise ConfigError(f"weight_decay is {self.weight_decay}; give 0 or more")
        if not 0 <= self.validation < 1:
            raise ConfigError(f"validation is {self.validation}; give the share of rows held out, from 0 to below 1")


def fit(
    module: nn.Module,
    x: ArrayLike | Tensor,
    y: ArrayLike | Tensor,
    *,
    loss: LossLike = "squared",
    epochs: int = 200,
    steps: int | None = None,
    lr: float = 0.01,
    batch: int | None = 64,
    weight_decay: float = 0.0,
    validation: float = 0.2,
    patience: int | None = 20,
    drops: int = 0,
    seed: int = 0,
    callback: Callable[[Epoch], object] | None = None,
    groups: ArrayLike | None = None,
) -> FitResult:
    """Train a module in place with Adam (decoupled weight decay), from its current state.

    The same module, data and settings give the same numbers: held-out rows, minibatches and dropout derive from `seed`,
    and the caller's random numbers are not used. The modes of the module are restored at the end.

    Args:
        module: Any module; x and y take device and floating type of its first parameter.
        x: Inputs, shape (n, ...).
        y: Labels, shape (n, ...).
        loss: Name of a loss, or a function of (prediction, y).
        epochs: Most passes.
        steps: Most gradient steps, None for no bound.
        lr: Adam's step.
        batch: Rows of a minibatch, None for all.
        weight_decay: Weight decay of the parameters; for shared layers these are the coefficients.
        validation: Share of the rows that is held out, drawn at random. With 0 no row is held out, and the last state
            is kept.
        patience: Epochs without a smaller validation loss after which training ends, None for never.
        drops: How often training goes on from its best state with a quarter of the step, when patience runs out, before
            it ends.
        seed: Seed of everything random.
        callback: Called with every epoch, the start included; it may raise `StopTraining`.
        groups: Values of any kind, shape (n,); rows with one value are held out together. None where rows are
            independent.

    Returns:
        The result; the module has the best state.

    Raises:
        ConfigError: A setting is out of range.
        DataError: Rows do not fit, are too few or not finite.
        NotConvergedError: The loss diverged; the message names a step that was tried and works. The module has its best
            state so far.
    """
    plan = _Plan(epochs, steps, lr, batch, weight_decay, validation, patience, drops, seed)
    training = _Training(module, plan, _mean_loss(loss), *_split(module, x, y, plan, groups))
    with _own_randomness(training.x.device, plan.seed), _modes_kept(module):
        return training.run(callback)


@dataclass(frozen=True)
class _StepSearch:
    """How a step that works is looked for after a divergence.

    Attributes:
        factor: Factor between the steps that are tried.
        trials: Largest number of steps that are tried; a step that is far too large shows it at once.
        margin: A step is recommended when a step larger by this factor works.
        fewest: Least gradient steps of a trial, twice as many as led to the divergence within the bounds.
        most: Most gradient steps of a trial.
    """

    factor: float = 10.0
    trials: int = 40
    margin: float = 2.0
    fewest: int = 50
    most: int = 1000


@dataclass
class _Training:
    """One training under way: x, y are trained on, held_x, held_y are held out (both empty where nothing is)."""

    module: nn.Module
    plan: _Plan
    loss: Callable[[Tensor, Tensor], Tensor]
    x: Tensor
    y: Tensor
    held_x: Tensor
    held_y: Tensor
    search: _StepSearch = _StepSearch()
    history: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    best_state: dict[str, Any] = field(default_factory=dict)
    limit: float = math.inf
    done: int = 0
    first_loss: float = math.inf
    first_state: dict[str, Any] = field(default_factory=dict)
    drops: int = 0
    dropped: int = 0

    @property
    def learnt(self) -> list[nn.Parameter]:
        """The network to train."""
        return [p for p in self.module.parameters() if p.requires_grad]

    def run(self, callback: Callable[[Epoch], object] | None) -> FitResult:
        started = time.monotonic()
        if not self.learnt:
            raise ConfigError("the module has no parameter that takes gradients; there is nothing to train")
        optimiser = self._optimiser(self.plan.lr)
        self.first_state = copy.deepcopy(self.module.state_dict())
        try:
            has_stopped = self._epochs(optimiser, callback)
        finally:
            optimiser.zero_grad(set_to_none=True)
            if self.best_state:
                self.module.load_state_dict(self.best_state)
        losses = self._evaluate(self.x, self.y), self._validate()
        best, count = 0 if self.best is None else self.best.number, sum(p.numel() for p in self.learnt)
        return FitResult(tuple(self.history), best, *losses, has_stopped, time.monotonic() - started, count)

    def _optimiser(self, lr: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.learnt, lr=lr, weight_decay=self.plan.weight_decay)

    def _epochs(self, optimiser: torch.optim.Optimizer, callback: Callable[[Epoch], object] | None) -> bool:
        """All passes; whether they ended before the last that was allowed."""
        plan, order = self.plan, named_stream(self.plan.seed, "fit", "batches")
        try:
            self._record(0, self._start(), callback)
            for number in range(1, plan.epochs + 1):
                self._record(number, self._pass(optimiser, order, number), callback)
                if plan.steps is not None and self.done >= plan.steps:
                    return False
                if self._is_patience_over(number):
                    if self.drops == plan.drops:
                        return True
                    self._drop(optimiser, number)
        except StopTraining:
            return True
        return False

    def _start(self) -> float:
        """Return the loss before training, with which a divergence is recognised."""
        loss = self._evaluate(self.x, self.y)
        if not math.isfinite(loss):
            raise NotConvergedError(f"the loss is {loss} before training; scale x or y, or start from smaller weights")
        energy = float(self.y.double().square().flatten(1).sum(1).mean()) if self.y.is_floating_point() else 0.0
        self.limit = self.plan.divergence * max(loss, energy) if max(loss, energy) > 0 else math.inf
        self.first_loss = loss
        return loss

    def _pass(self, optimiser: torch.optim.Optimizer, order: np.random.Generator, number: int) -> float:
        """One pass over the training rows, or what the bound on steps leaves of it: the mean loss."""
        self.module.train()
        rows = torch.from_numpy(order.permutation(len(self.x))).to(self.x.device)
        total, count = 0.0, 0
        for part in torch.split(rows, self.plan.batch or len(rows)):
            if self.plan.steps is not None and self.done >= self.plan.steps:
                break
            loss = self._step(optimiser, part)
            self._refuse_divergence(loss, number)
            self.done += 1
            total, count = total + loss * len(part), count + len(part)
        return total / count

    def _step(self, optimiser: torch.optim.Optimizer, part: Tensor) -> float:
        """The loss of a minibatch before the step that is taken where it is fine."""
        optimiser.zero_grad(set_to_none=True)
        value = self.loss(self.module(self.x[part]), self.y[part])
        loss = value.item()
        if self._is_fine(loss):
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return loss

    def _record(self, number: int, train_loss: float, callback: Callable[[Epoch], object] | None) -> None:
        validation = self._validate()
        if validation is not None:
            self._refuse_divergence(validation, number)
        epoch = Epoch(number, self.done, train_loss, validation)
        self.history.append(epoch)
        # Without held-out rows the latest state is taken: the smallest training loss would only be luckier.
        known = None if self.best is None else self.best.validation_loss
        if validation is None or known is None or validation < known:
            self.best, self.best_state = epoch, copy.deepcopy(self.module.state_dict())
        if callback is not None:
            callback(epoch)

    def _is_patience_over(self, number: int) -> bool:
        best, patience = self.best, self.plan.patience
        return best is not None and patience is not None and number - max(best.number, self.dropped) >= patience

    def _drop(self, optimiser: torch.optim.Optimizer, number: int) -> None:
        """Go on from the best state with a smaller step."""
        self.drops, self.dropped = self.drops + 1, number
        self.module.load_state_dict(self.best_state)
        optimiser.state.clear()
        for group in optimiser.param_groups:
            group["lr"] /= self.plan.drop

    def _validate(self) -> float | None:
        return self._evaluate(self.held_x, self.held_y) if len(self.held_x) else None

    @torch.no_grad()
    def _evaluate(self, x: Tensor, y: Tensor) -> float:
        """Mean loss in eval mode."""
        self.module.eval()
        parts = zip(torch.split(x, self.plan.rows), torch.split(y, self.plan.rows), strict=True)
        return sum(self.loss(self.module(xs), ys).item() * len(xs) for xs, ys in parts) / len(x)

    def _refuse_divergence(self, loss: float, number: int) -> None:
        if self._is_fine(loss):
            return
        message = f"training diverged: the loss is {loss:.3g} in epoch {number} with lr = {self.plan.lr:g}"
        tried = (self.plan.lr * self.search.factor**-k for k in range(1, self.search.trials + 1))
        lr = next((lr for lr in tried if self._learns(self.search.margin * lr)), None)
        if lr is None:
            raise DivergedError(f"{message}, and no smaller lr does better; bring x and y to unit scale")
        raise DivergedError(f"{message}; try lr = {lr:g}, which did not, or bring x and y to unit scale", lr)

    def _is_fine(self, loss: float) -> bool:
        return math.isfinite(loss) and loss <= self.limit

    def _learns(self, lr: float) -> bool:
        """Whether some steps with `lr` leave the loss bounded, and in the later half no larger than before."""
        self.module.load_state_dict(self.first_state)
        optimiser, order = self._optimiser(lr), named_stream(self.plan.seed, "fit", "trial")
        self.module.train()
        losses = list[float]()
        for _ in range(min(self.search.most, max(self.search.fewest, 2 * self.done))):
            rows = torch.from_numpy(order.permutation(len(self.x))).to(self.x.device)
            losses.append(self._step(optimiser, rows[: self.plan.batch]))
            if not self._is_fine(losses[-1]):
                return False
        later = losses[len(losses) // 2 :]
        return max(sum(later) / len(later), self._evaluate(self.x, self.y)) <= self.first_loss


def _mean_loss(loss: LossLike) -> Callable[[Tensor, Tensor], Tensor]:
    """(prediction, y) -> mean over rows."""
    if not isinstance(loss, (str, Loss)):
        return loss
    found = build_loss(loss) if isinstance(loss, str) else loss

    def mean(prediction: Tensor, y: Tensor) -> Tensor:
        if prediction.shape != y.shape:
            raise DataError(
                f"the module gives {tuple(prediction.shape)} where y is {tuple(y.shape)}; "
                "reshape y, or change the module's outputs"
            )
        return found.value(prediction, y.to(prediction)).mean()

    return mean


def _split(
    module: nn.Module, x: ArrayLike | Tensor, y: ArrayLike | Tensor, plan: _Plan, groups: ArrayLike | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rows to train on and rows held out, x and y each."""
    like = next(module.parameters(), torch.empty(0))
    xs, ys = row_tensor(x, "x", like), row_tensor(y, "y", like)
    if len(xs) != len(ys):
        raise DataError(f"x has {len(xs)} rows but y has {len(ys)}; give one row of y for each row of x")
    rng = named_stream(plan.seed, "fit", "validation")
    if groups is not None and plan.validation > 0:
        units = torch.from_numpy(np.array(unit_numbers(groups, len(xs), "groups")))
        kept, apart = (rows.to(xs.device) for rows in held_units(units, plan.validation, rng))
        return xs[kept], ys[kept], xs[apart], ys[apart]
    order, held = rng.permutation(len(xs)), round(plan.validation * len(xs))
    if len(xs) == held or (plan.validation > 0 and held == 0):
        raise DataError(
            f"{len(xs)} rows cannot be split with validation = {plan.validation:g}; give more rows, or validation = 0"
        )
    parts = [torch.from_numpy(np.sort(rows)).to(xs.device) for rows in (order[held:], order[:held])]
    return xs[parts[0]], ys[parts[0]], xs[parts[1]], ys[parts[1]]


@contextmanager
def _own_randomness(device: torch.device, seed: int) -> Iterator[None]:
    """Dropout and the like draw from the seed; what the caller draws afterwards is what it would have drawn."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(int(named_stream(seed, "fit", "module").integers(2**63)))
        yield


@contextmanager
def _modes_kept(module: nn.Module) -> Iterator[None]:
    """Training flags as they were, of every part."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
