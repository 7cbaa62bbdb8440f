"""Trains the discovered architecture beside the same network without sharing, and scores both on rows kept apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.errors import ConfigError, DataError, NotConvergedError
from sharefind.export import SharingSpec
from sharefind.nn.network import SharedShallowNetwork
from sharefind.nn.training import DivergedError, Epoch, FitResult, fit
from sharefind.search.yardstick import LEAST_SQUARES, Scored, kept_apart, least_squares, spread_of
from sharefind.spaces import Subspace
from sharefind.streams import named_stream

FloatArray = NDArray[np.float64]

SMALL_LABELS = 0.25
"""Root mean square of labels, in units of the range of sigma, below which networks start smaller."""


@dataclass(frozen=True)
class Score:
    """A trained network and how well it predicts rows that it never saw.

    Attributes:
        name: what it is. r2: 1 - mean squared error / variance of those labels, summed over the outputs.
    """

    name: str
    network: SharedShallowNetwork
    fitted: FitResult
    r2: float


@dataclass(frozen=True)
class TrainingPlan:
    """How networks are trained.

    Attributes:
        width: particles, as in the search where None. epochs: most passes over the rows. batch: rows of a minibatch.
        lr: Adam's step over the root mean square of the starting coefficients, so that it suits inputs of any unit.
        seed: of everything random.
    """

    width: int | None = None
    epochs: int = 400
    batch: int = 64
    lr: float = 0.05
    seed: int = 0


def untied(spec: SharingSpec) -> SharingSpec:
    """The same unit with all of Z: every entry is free, and no group is claimed."""
    return replace(
        spec,
        name=f"{spec.name}, untied",
        space=Subspace.full(spec.space.ambient),
        group_name="C1",
        group_order=1,
        generators=(),
        lie_generators=(),
    )


def compare(
    specs: dict[str, SharingSpec],
    x: FloatArray,
    y: FloatArray,
    plan: TrainingPlan,
    callback: Callable[[str, Epoch], object] | None = None,
    units: NDArray[np.int64] | None = None,
) -> list[Score]:
    """Train one network for each specification on the same rows, and score all on the same other rows.

    x (n, d_in), y (n, d_out): all rows; a fifth is kept apart. Networks are trained in double precision, each from its
    own start that keeps the variance of an untied one. callback: told the name of a network and each of its epochs.
    units: (n,), whose rows may depend on each other: whole units are kept apart and held out; None for single rows.

    Raises:
        DataError: too few rows, widths that do not fit, or labels on the rows kept apart that do not vary.
        NotConvergedError: a training diverged.
    """
    train, test = kept_apart(len(x), plan.seed, units)
    named = None if units is None else units[train]
    rows = (x[train], y[train]), (x[test], y[test])
    return [_score(name, spec, *rows, plan, callback, named) for name, spec in specs.items()]


def beside_least_squares(
    networks: Mapping[str, torch.nn.Module],
    x: FloatArray,
    y: FloatArray,
    seed: int,
    units: NDArray[np.int64] | None = None,
) -> tuple[Scored, int]:
    """Networks that `compare` trained beside least squares: squared errors of the same rows kept apart, their number.

    Args:
        networks: By name.
        x: All rows, shape (n, d_in).
        y: Their labels, shape (n, d_out).
        seed: Of the plan that the networks were trained with.
        units: As there.

    Raises:
        DataError: Too few rows, or labels of the rows kept apart that do not vary.
    """
    train, test = kept_apart(len(x), seed, units)
    linear = least_squares(x[train], y[train], x[test])
    predicted = {} if linear is None else {LEAST_SQUARES: linear}
    asked = torch.from_numpy(np.array(x[test], dtype=np.float64))
    with torch.no_grad():
        predicted |= {name: network(asked).numpy() for name, network in networks.items()}
    errors = {name: ((values - y[test]) ** 2).sum(1) for name, values in predicted.items()}
    return Scored(errors, spread_of(y[test]), (np.arange(len(x)) if units is None else units)[test]), len(test)


def _score(
    name: str,
    spec: SharingSpec,
    train: tuple[FloatArray, FloatArray],
    test: tuple[FloatArray, FloatArray],
    plan: TrainingPlan,
    callback: Callable[[str, Epoch], object] | None,
    units: NDArray[np.int64] | None,
) -> Score:
    network = start_network(spec, plan.width, plan.seed)
    told = None if callback is None else lambda epoch: callback(name, epoch)
    fitted = fit_network(network, network, *train, plan, told, units)
    return Score(name, network, fitted, r2(network, *test))


def fit_network(
    network: SharedShallowNetwork,
    module: torch.nn.Module,
    x: FloatArray,
    y: FloatArray,
    plan: TrainingPlan,
    callback: Callable[[Epoch], object] | None = None,
    units: NDArray[np.int64] | None = None,
) -> FitResult:
    """`fit` a module that trains a network, the network itself or one around it, with the step that suits it.

    Raises:
        DataError: rows that do not fit. NotConvergedError: the training diverged.
    """
    _start_like(network, y)
    step = plan.lr * float(network.coefficient.detach().square().mean().sqrt())
    try:
        return fit(
            module, x, y, epochs=plan.epochs, batch=plan.batch, lr=step, seed=plan.seed, callback=callback, groups=units
        )
    except DivergedError as error:
        advice = "bring x and y to unit scale" if error.lr is None else f"try {plan.lr * error.lr / step:g}"
        raise NotConvergedError(f"training diverged with lr = {plan.lr:g}; {advice}") from None


@torch.no_grad()
def _start_like(network: SharedShallowNetwork, y: FloatArray) -> None:
    """Let the first outputs be no larger than labels y (n, d_out): small labels would take long to come down to."""
    change = network.spec.change
    size = float(np.sqrt(np.mean(((y - change.shift) / change.scale) ** 2)))
    if size < SMALL_LABELS:
        # A sigma(W x) is of second order in the coefficients where it is small.
        network.coefficient.mul_((size / SMALL_LABELS) ** (0.5 if network.spec.has_hidden else 1.0))


def start_network(spec: SharingSpec, width: int | None, seed: int) -> SharedShallowNetwork:
    """A float64 network whose start depends on the seed and its specification alone.

    Raises:
        ConfigError: the width is below 1.
    """
    if width is not None and width < 1:
        raise ConfigError(f"width is {width}; give 1 particle or more")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(named_stream(seed, "comparison", "start").integers(2**63 - 1)))
        return SharedShallowNetwork(spec, width, dtype=torch.float64)


@torch.no_grad()
def r2(network: torch.nn.Module, x: FloatArray, y: FloatArray) -> float:
    """1 - mean squared error / variance of y, summed over outputs; x (n, d_in), y (n, d_out).

    Raises:
        DataError: y does not vary.
    """
    spread = float(((y - y.mean(0)) ** 2).sum())
    if spread == 0:
        raise DataError("the labels of the rows kept apart do not vary; give more rows")
    error = network(torch.from_numpy(np.array(x, dtype=np.float64))).numpy() - y
    return 1 - float((error**2).sum()) / spread
