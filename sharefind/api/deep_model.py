"""A deep network on the group that an estimator found: `deep_network` of a fitted search returns it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from numpy.typing import ArrayLike

from sharefind.architectures.deep.choice_budget import ChoiceBudget
from sharefind.architectures.deep.choice_settings import WIDTHS, ChoiceSettings
from sharefind.architectures.deep.choosing import choose_network
from sharefind.architectures.deep.files import write_deep
from sharefind.architectures.deep.found_rows import finished_rows
from sharefind.architectures.deep.kept import kept_in
from sharefind.architectures.deep.module import deep_module
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.record import Choice
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.standalone import SharedDeepNetwork
from sharefind.architectures.deep.training import Plan
from sharefind.errors import ConfigError, one_line
from sharefind.progress import StageProgress
from sharefind.report.card.card_path import card_path
from sharefind.report.card.deep_card import deep_card
from sharefind.report.text.runs import RunView
from sharefind.search import SearchOutcome
from sharefind.search.observer import StopSearch
from sharefind.storage import refuse_unwritable
from sharefind.typing import FloatArray, IntArray

TRAININGS = Path("deep", "trainings")
"""Where trainings are kept in the folder of a run."""


@dataclass(frozen=True)
class DeepParameters:
    """How a deep network is chosen and trained; the parameters of `deep_network`.

    Attributes:
        unit: "deep" or "deep-residual", with ":tanh" (the default), ":logistic", ":relu" or ":gelu".
        layers: Numbers of hidden layers that are tried; None for what suits the rows: three, and one to three for
            classes.
        widths: Widths of hidden layers that are tried.
        lr: First step of AdamW for an entry of the weights; all networks are trained by AdamW then. None to train small
            networks by evidence and others with a step of .01.
        weight_decay: Decay of weights by AdamW, which trains all networks then; biases do not decay. None as for `lr`.
        restarts: Starts of the chosen network; the best on a held-out fold is kept.
        max_seconds: Seconds after which nothing more is tried; None for no bound. The training of the chosen network on
            all rows comes after them.
        seed: Seed of folds, first weights and minibatches; None for that of the search.
    """

    unit: str = "deep"
    layers: Sequence[int] | None = None
    widths: Sequence[int] = WIDTHS
    lr: float | None = None
    weight_decay: float | None = None
    restarts: int = 1
    max_seconds: float | None = None
    seed: int | None = None

    def settings(self, seed: int) -> ChoiceSettings:
        """Return what is tried.

        Args:
            seed: Seed of the search.

        Raises:
            ConfigError: A parameter is out of range.
        """
        layers = (1,) if self.layers is None else self.layers
        for name, values in (("layers", layers), ("widths", self.widths), ("restarts", (self.restarts,))):
            if not values or min(values) < 1:
                raise ConfigError(f"{name} is {values!r}; give whole numbers, 1 or more")
        plan = Plan().with_adam(self.lr, self.weight_decay)
        if not (0 < plan.lr < math.inf and 0 <= plan.weight_decay < math.inf):
            raise ConfigError(f"lr is {self.lr!r} and weight_decay {self.weight_decay!r}; give a positive lr")
        chosen = seed if self.seed is None else self.seed
        depths = () if self.layers is None else tuple(self.layers)
        return ChoiceSettings(self.unit, depths, tuple(self.widths), plan, seed=chosen, restarts=self.restarts)

    def budget(self) -> ChoiceBudget:
        """Return the time of the choice, which begins now."""
        return ChoiceBudget.of(time.monotonic(), self.max_seconds)


@dataclass(frozen=True, eq=False)
class DeepModel:
    """A deep network with tied weights, on the group that a search found.

    Attributes:
        network: The network, for X and y in the user's units.
        choice: How its types, width and depth were chosen, with the evidence of each network that was tried.
    """

    network: DeepNetwork
    choice: Choice
    _rows: DeepRows
    _name: str
    _seed: int
    _view: Callable[[], RunView]
    _inputs: Callable[[ArrayLike], FloatArray]

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the outputs of the network, shape (n, d_out); for classes their logits.

        Args:
            X: Rows as in `fit`.
        """
        return self.network.predict(self._inputs(X))

    def to_module(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> SharedDeepNetwork:
        """Return the network as a torch module, (..., d_in) -> (..., d_out), with tied weights.

        Args:
            device: Device of the parameters; None for torch's default.
            dtype: Type of the parameters; None for torch's default.
        """
        return deep_module(self.network, device, dtype)

    def export(self, path: str | Path, format: str | None = None) -> Path:
        """Write the network to a file; weights and graphs have a model card beside them.

        Args:
            path: A new file.
            format: "safetensors", "onnx", "torch" or "escnn"; None chooses it by the ending: .safetensors, .onnx or
                .py.

        Returns:
            The path.

        Raises:
            ConfigError: The format or the ending is unknown, or the library onnx is missing.
            ExportError: escnn does not have the group.
            RunFolderError: The file, or its card, exists or cannot be written.
        """
        target = Path(path)
        has_card = target.suffix.lower() != ".py"
        for one in (target, *([card_path(target)] if has_card else [])):
            refuse_unwritable(one)
        certificate = write_deep(self.network, target, self._seed, format)
        if has_card:
            deep_card(self._view(), self._name, self._rows, self.choice, certificate, target).write(target)
        return target


class Fitted(Protocol):
    """Parts of a fitted estimator that a deep network needs."""

    @property
    def run_dir_(self) -> Path:
        """Folder of the run."""

    def _view(self) -> RunView:
        """Return the run."""

    def _inputs(self, X: ArrayLike) -> FloatArray:
        """Return rows as models take them, shape (n, d_in)."""


def deep_model(
    found: Fitted,
    outcome: SearchOutcome,
    units: IntArray | None,
    parameters: DeepParameters,
    told: StageProgress | None,
) -> DeepModel:
    """Return the deep network of a fitted search, chosen on its rows.

    Args:
        found: The estimator.
        outcome: Outcome of its search.
        units: The unit of each row; None where rows are independent.
        parameters: How it is chosen and trained.
        told: Hears of each training.

    Raises:
        ConfigError: A parameter is out of range, nothing was found, or the time was over before one network was tried.
        UnitError: The unit is unknown.
        ExportError: No space holds, the group is infinite, or the mirror maps are not determined.
        RunFolderError: Another process trains in the folder of the run.
    """
    task, seed = outcome.problem.task, outcome.problem.settings.seed
    settings = parameters.settings(seed)
    rows = finished_rows(outcome, task.x, task.y, units)
    try:
        with kept_in(found.run_dir_ / TRAININGS) as kept:
            network, choice = choose_network(rows, settings, told, kept=kept, budget=parameters.budget())
    except StopSearch as late:
        raise ConfigError(f"{one_line(late)}; no network was tried before, give more max_seconds") from None
    return DeepModel(network, choice, rows, task.name, settings.seed, found._view, found._inputs)
