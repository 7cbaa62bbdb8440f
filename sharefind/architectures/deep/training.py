"""Trains several deep networks at once by Adam in orthonormal coordinates, and watches held-out rows along the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.architectures.deep.batch import DeepBatch
from sharefind.architectures.deep.evidence_plan import EvidencePlan
from sharefind.architectures.deep.network import Matrices
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.temperature import best_temperature
from sharefind.errors import NotConvergedError
from sharefind.groups import Representation
from sharefind.meanfield.units import DeepUnit
from sharefind.rng import named_stream
from sharefind.typing import FloatArray

Told = Callable[[int, int], None]
"""Hears of (steps done, most steps)."""


@dataclass(frozen=True)
class Plan:
    """How networks are trained.

    Attributes:
        steps: Steps of Adam; its step falls along a cosine to `floor` of itself.
        stop: Step after which a training ends that holds nothing out; None for the last one.
        fewest: Steps before which training is not ended early.
        every: Steps between looks at held-out rows.
        patience: Looks without a smaller held-out risk after which training ends.
        lr: First step of Adam for an entry of the weights; see `DeepBatch.step_groups`.
        floor: Last step relative to the first.
        weight_decay: Decay of weights by AdamW, relative to its step; biases do not decay.
        batch: Most rows of a minibatch.
        most_rows: Rows of all networks together that are evaluated at a time; it affects memory alone.
        evidence: How small networks are trained by evidence; None to train all by Adam.
    """

    steps: int = 2_000
    stop: int | None = None
    fewest: int = 1_000
    every: int = 50
    patience: int = 8
    lr: float = 0.01
    floor: float = 0.02
    weight_decay: float = 0.0
    batch: int = 512
    most_rows: int = 16_384
    evidence: EvidencePlan | None = field(default_factory=EvidencePlan)

    def factor(self, step: int) -> float:
        """Return the step of Adam relative to the first one.

        Args:
            step: Steps that were made.
        """
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(1.0, step / self.steps))) / 2

    def with_adam(self, lr: float | None, weight_decay: float | None) -> Plan:
        """Return the plan with settings of AdamW, by which all networks are trained then; the same plan without any.

        Args:
            lr: First step; None for the usual one.
            weight_decay: Decay of weights; None for the usual one.
        """
        if lr is None and weight_decay is None:
            return self
        step, decay = self.lr if lr is None else lr, self.weight_decay if weight_decay is None else weight_decay
        return replace(self, lr=step, weight_decay=decay, evidence=None)


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks after a training.

    Attributes:
        networks: W and b of each layer of each network, on scaled rows, at the step of the smallest mean held-out risk;
            of the last step where no rows are held out.
        step: This step.
        losses: Held-out loss of each row that was held out, at this step, shape (n,); not a number for other rows.
        predictions: Predictions for held-out rows, shape (n, d_out), scaled.
        seconds: Wall time.
        evidence: Log evidence of each network, where it was trained by evidence; empty otherwise.
        temperature: Divisor of the logits in the losses of classes: the best for the held-out rows; else 1.
    """

    networks: tuple[Matrices, ...]
    step: int
    losses: FloatArray
    predictions: FloatArray
    seconds: float
    evidence: tuple[float, ...] = ()
    temperature: float = 1.0


@dataclass(frozen=True)
class Augmentation:
    """Moves every row of a minibatch by a random element of a group, and averages predictions over the group.

    Attributes:
        rows: The rows, whose group it is.
        most: Elements that predictions are averaged over; drawn where the group has more.
    """

    rows: DeepRows
    most: int = 64

    def moved(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return moved rows, shapes (R, B, d_in) and (R, B, d_out).

        Args:
            x: Shape (R, B, d_in).
            y: Shape (R, B, d_out).
            rng: Source of the elements.
        """
        drawn = rng.integers(self.rows.group.order, size=x.shape[0] * x.shape[1])
        return _acted(self.rows.in_rep, drawn, x), _acted(self.rows.out_rep, drawn, y)

    def averaged(self, model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Return the mean over elements g of g^-1 f(g x), shape (R, B, d_out).

        Args:
            model: f.
            x: Shape (R, B, d_in).
        """
        order = self.rows.group.order
        chosen = np.arange(order) if order <= self.most else named_stream(0, "deep", "mean").permutation(order)
        table = self.rows.group.multiplication_table()
        inverse = np.argmin(table, axis=1)
        total: Tensor | None = None
        for element in chosen[: self.most].tolist():
            count = x.shape[0] * x.shape[1]
            value = model(_acted(self.rows.in_rep, np.full(count, element), x))
            back = _acted(self.rows.out_rep, np.full(count, inverse[element]), value)
            total = back if total is None else total + back
        if total is None:
            return model(x)
        return total / min(order, self.most)


def _acted(rep: Representation, drawn: NDArray[np.integer], rows: Tensor) -> Tensor:
    flat = rows.reshape(-1, rows.shape[-1]).numpy()
    return torch.from_numpy(rep.act_float(drawn, flat)).reshape(rows.shape)


def row_losses(prediction: Tensor, y: Tensor, is_class: bool) -> Tensor:
    """Return the loss of each row: squared error summed over outputs, over their number; cross-entropy for classes.

    Args:
        prediction: Shape (..., d_out).
        y: Same shape.
        is_class: Whether outputs are logits of classes.
    """
    if is_class:
        return -(y * torch.log_softmax(prediction, -1)).sum(-1)
    return (prediction - y).square().mean(-1)


def adam_steps(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    plan: Plan,
    last: int,
    minibatch: Callable[[], tuple[Tensor, Tensor]],
    *,
    is_class: bool,
) -> Iterator[int]:
    """Train networks side by side, a step at a time along the cosine of the plan.

    Args:
        model: Outputs of R networks, shape (R, B, d_out), from their inputs.
        optimiser: AdamW on its coordinates.
        plan: How the step falls.
        last: Number of steps.
        minibatch: Returns inputs and outputs for each network.
        is_class: Whether outputs are logits of classes.

    Yields:
        The number of each step after it was made, from 1.

    Raises:
        NotConvergedError: The loss is not finite.
    """
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, plan.factor)
    for step in range(1, last + 1):
        optimiser.zero_grad(set_to_none=True)
        x, y = minibatch()
        loss = row_losses(model(x), y, is_class).mean(-1).sum()
        if not math.isfinite(loss.item()):
            raise NotConvergedError(f"training diverged in step {step}; bring inputs and outputs to unit scale")
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        yield step


def train(
    unit: DeepUnit,
    rows: DeepRows,
    held: Sequence[NDArray[np.int64]],
    plan: Plan,
    seed: int,
    told: Told | None = None,
    augmentation: Augmentation | None = None,
) -> Trained:
    """Return one network for each set of held-out rows, trained on all other rows.

    Args:
        unit: The unit of the networks.
        rows: The rows.
        held: Rows that each network does not see; one empty array for a network that sees all rows, up to `plan.stop`.
        plan: How.
        seed: Seed of first weights and minibatches.
        told: Hears of the progress.
        augmentation: Moves rows by a group, where the unit does not have its symmetry; None for none.

    Raises:
        NotConvergedError: The loss is not finite.
    """
    return _Run(unit, rows, held, plan, seed, augmentation).finished(told)


class _Run:
    """One training: data of all networks, and what is best so far."""

    def __init__(
        self,
        unit: DeepUnit,
        rows: DeepRows,
        held: Sequence[NDArray[np.int64]],
        plan: Plan,
        seed: int,
        augmentation: Augmentation | None,
    ) -> None:
        self.plan, self.rows, self.augmentation = plan, rows, augmentation
        self.rng = named_stream(seed, "deep", "minibatches")
        self.model = DeepBatch(unit, len(held), int(named_stream(seed, "deep", "start").integers(2**62)))
        self.x, self.y = (torch.from_numpy(part).float() for part in (rows.scaled_x, rows.scaled_y))
        self.held = list(held)
        n = len(self.x)
        self.seen = [np.setdiff1d(np.arange(n), part) for part in held]
        self.best, self.best_step, self.best_state = math.inf, 0, self._state()
        self.started = time.monotonic()

    def finished(self, told: Told | None) -> Trained:
        plan = self.plan
        optimiser = torch.optim.AdamW(self.model.step_groups(plan.lr, plan.weight_decay))
        watches = any(len(part) for part in self.held)
        last = plan.steps if watches or plan.stop is None else plan.stop
        for step in adam_steps(self.model, optimiser, plan, last, self._minibatch, is_class=bool(self.rows.classes)):
            if step % plan.every == 0 or step == last:
                if told is not None:
                    told(step, last)
                if watches and self._is_over(step):
                    break
        if not watches:
            self.best_step, self.best_state = last, self._state()
        return self._result()

    def _minibatch(self) -> tuple[Tensor, Tensor]:
        """Rows of each network, as many for each: all that it sees in random order, or a part of them."""
        count = min(self.plan.batch, max(len(part) for part in self.seen))
        drawn = np.stack([self._drawn(part, count) for part in self.seen])
        x, y = self.x[drawn], self.y[drawn]
        return (x, y) if self.augmentation is None else self.augmentation.moved(x, y, self.rng)

    def _drawn(self, seen: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        if count <= len(seen):
            return seen if count == len(seen) else self.rng.choice(seen, count, replace=False)
        return np.concatenate([seen, self.rng.choice(seen, count - len(seen))])

    def _is_over(self, step: int) -> bool:
        risk = float(np.nanmean(self._held_out()[0]))
        if risk < self.best:
            self.best, self.best_step, self.best_state = risk, step, self._state()
        waited = (step - self.best_step) // self.plan.every
        return step >= self.plan.fewest and waited >= self.plan.patience

    def _state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    @torch.no_grad()
    def _held_out(self) -> tuple[FloatArray, FloatArray, float]:
        """Losses (n,) and predictions (n, d_out) of all rows by the networks that did not see them; the temperature."""
        n, d_out = self.y.shape
        losses, predictions = np.full(n, np.nan), np.full((n, d_out), np.nan)
        longest = max(len(part) for part in self.held)
        padded = np.stack([np.resize(part, longest) for part in self.held])
        pieces = np.array_split(padded, -(-padded.size // self.plan.most_rows), axis=1)
        values = torch.cat([self._values(self.x[piece]) for piece in pieces], dim=1)
        temperature = 1.0
        if self.rows.classes:
            is_own = torch.from_numpy(np.stack([np.arange(longest) < len(part) for part in self.held]))
            temperature = best_temperature(values[is_own], self.y[padded][is_own])
            values = values / temperature
        found = row_losses(values, self.y[padded], bool(self.rows.classes))
        for part, loss, value in zip(self.held, found.double().numpy(), values.double().numpy(), strict=True):
            losses[part], predictions[part] = loss[: len(part)], value[: len(part)]
        return losses, predictions, temperature

    def _values(self, x: Tensor) -> Tensor:
        model: Callable[[Tensor], Tensor] = self.model
        return model(x) if self.augmentation is None else self.augmentation.averaged(model, x)

    def _result(self) -> Trained:
        self.model.load_state_dict(self.best_state)
        n, d_out = self.y.shape
        nothing = np.full(n, np.nan), np.full((n, d_out), np.nan), 1.0
        losses, predictions, temperature = self._held_out() if any(len(part) for part in self.held) else nothing
        networks = tuple(self.model.arrays(number) for number in range(len(self.held)))
        seconds = time.monotonic() - self.started
        return Trained(networks, self.best_step, losses, predictions, seconds, temperature=temperature)
