"""The record of a training: its epochs and its result, and how a callback or a divergence ends it."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.errors import NotConvergedError


class DivergedError(NotConvergedError):
    """A training diverged.

    Args:
        message: The fault and the remedy.

    Attributes:
        lr: A smaller step that was tried and did not diverge; None where none was found.
    """

    def __init__(self, message: str, lr: float | None = None) -> None:
        super().__init__(message)
        self.lr = lr


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows.

    Attributes:
        number: Number of the pass, from 1; 0 is the state before training.
        steps: Gradient steps so far.
        train_loss: Mean over the minibatches, each before its step; for number 0 over all training rows.
        validation_loss: Loss on the held-out rows after the pass, None where there are none.
    """

    number: int
    steps: int
    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class FitResult:
    """The result of a training.

    Attributes:
        history: Every epoch, the start first.
        best_epoch: The epoch whose state the module has now: that of the smallest validation loss, the last where no
            rows were held out.
        train_loss: Loss of that state on all training rows, in eval mode.
        validation_loss: Loss of that state on the held-out rows, in eval mode.
        has_stopped_early: Whether `patience` or a callback ended the training.
        seconds: Wall time.
        parameters: Number of trained numbers.
    """

    history: tuple[Epoch, ...]
    best_epoch: int
    train_loss: float
    validation_loss: float | None
    has_stopped_early: bool
    seconds: float
    parameters: int


class StopTraining(Exception):
    """Raised by a callback to end a training; the best state so far is restored as at any other end."""
