"""Trains the discovered architecture beside the same network without sharing, and scores both on rows kept apart.

Networks are trained in standardised coordinates, of the inputs and of the labels, so that no score depends on their
units or on where zero is; what they learned is carried back to the user's coordinates exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.architectures import SharingSpec
from sharefind.architectures.initial_values import network_start
from sharefind.architectures.input_changes import seen_inputs
from sharefind.architectures.layers.coordinates import compose, suited
from sharefind.architectures.layers.network_training import fit
from sharefind.architectures.layers.shared_layers import SharedShallowNetwork
from sharefind.architectures.layers.training_record import DivergedError, Epoch, FitResult
from sharefind.architectures.scaling import STATISTICS, statistics
from sharefind.errors import ConfigError, DataError, NotConvergedError
from sharefind.meanfield.clouds.standardise import identity_standardisation
from sharefind.meanfield.objectives.losses import loss_of
from sharefind.meanfield.units import read_unit
from sharefind.parallel import one_thread
from sharefind.rng import named_stream
from sharefind.search.scores import Scored, Split, scores_of
from sharefind.search.yardstick import kept_apart
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Score:
    """A trained network with its score on rows that it never saw.

    Attributes:
        name: Name of the network.
        network: The network.
        fitted: How its training went.
        r2: 1 - mean squared error / variance of these labels, summed over the outputs; None for classes, whose scores
            are those of `beside_usual`.
    """

    name: str
    network: SharedShallowNetwork
    fitted: FitResult
    r2: float | None


@dataclass(frozen=True)
class TrainingPlan:
    """How networks are trained.

    Attributes:
        width: Particles, as in the search where None.
        epochs: Most passes over the rows.
        batch: Rows of a minibatch.
        lr: Adam's step over the root mean square of the starting coefficients, in standardised coordinates.
        seed: Seed of everything random.
        drops: Times that the step shrinks before training ends: then the rest that could be learned is below its noise.
        restarts: Starts of each network; the best one on held-out rows is kept. The default suits the unit.
        small_labels: Root mean square of labels, in units of the range of sigma, below which networks start smaller.
    """

    width: int | None = None
    epochs: int = 400
    batch: int = 64
    lr: float = 0.05
    seed: int = 0
    drops: int = 2
    restarts: int | None = None
    small_labels: float = 0.25


def untied(spec: SharingSpec) -> SharingSpec:
    """Return the same unit with all of Z: every entry is free, and no group is claimed.

    Args:
        spec: The specification.
    """
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

    Networks are trained in double precision, each in the coordinates that suit the training rows and its own group,
    from a start that keeps the variance of an untied one.

    Args:
        specs: Specifications by name; each score's network has the change of data of its own training.
        x: All inputs, shape (n, d_in); a fifth of the rows is kept apart.
        y: All labels, shape (n, d_out).
        plan: How they are trained.
        callback: Called with the name of a network and each of its epochs.
        units: Which unit a row belongs to, shape (n,): whole units are kept apart and held out; None for single rows.

    Returns:
        One score for each specification.

    Raises:
        DataError: too few rows, widths that do not fit, or labels on the rows kept apart that do not vary.
        NotConvergedError: a training diverged.
    """
    train, test = kept_apart(len(x), plan.seed, units)
    named = None if units is None else units[train]
    scores = []
    for name, spec in specs.items():
        on_progress = None if callback is None else partial(callback, name)
        network, fitted = best_of_starts(suited(spec, x[train], y[train]), x[train], y[train], plan, on_progress, named)
        scores.append(Score(name, network, fitted, None if spec.classes else r2(network, x[test], y[test])))
    return scores


def best_of_starts(
    spec: SharingSpec,
    x: FloatArray,
    y: FloatArray,
    plan: TrainingPlan,
    callback: Callable[[Epoch], object] | None = None,
    units: NDArray[np.int64] | None = None,
) -> tuple[SharedShallowNetwork, FitResult]:
    """Train from several starts, and keep the network with the smallest loss on the held-out rows, the same for all.

    Args:
        spec: The architecture, with the change of data that suits the rows.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        plan: How networks are trained, and how often.
        callback: Called with each epoch of each training.
        units: Which unit a row belongs to, shape (n,); None for single rows.

    Returns:
        The network, and how its training went, with the seconds of all.

    Raises:
        ConfigError: There is no start.
        DataError: Rows that do not fit.
        NotConvergedError: A training diverged.
    """
    starts = read_unit(spec.unit).kind.restarts if plan.restarts is None else plan.restarts
    if starts < 1:
        raise ConfigError(f"restarts is {starts}; give 1 start or more")
    found = []
    for number in range(starts):
        network = start_network(spec, plan.width, plan.seed, number)
        found.append((network, fit_network(network, network, x, y, plan, callback, units)))
    network, fitted = min(found, key=lambda pair: _held_loss(pair[1]))
    return network, replace(fitted, seconds=sum(each.seconds for _, each in found))


def _held_loss(fitted: FitResult) -> float:
    """The loss on held-out rows; on all where nothing was held out."""
    return fitted.train_loss if fitted.validation_loss is None else fitted.validation_loss


def beside_usual(
    networks: Mapping[str, torch.nn.Module],
    x: FloatArray,
    y: FloatArray,
    seed: int,
    units: NDArray[np.int64] | None = None,
    has_classes: bool = False,
) -> Scored:
    """Return scores of networks that `compare` trained beside least squares, or multinomial regression, on the same
    held-out rows.

    Args:
        networks: Networks by name.
        x: All rows, shape (n, d_in).
        y: Their labels, shape (n, d_out).
        seed: Seed of the plan that the networks were trained with.
        units: As in `compare`.
        has_classes: Whether labels are classes, and the networks give their logits.

    Raises:
        DataError: Too few rows, or labels of the rows kept apart that do not vary.
    """
    train, test = kept_apart(len(x), seed, units)
    asked = torch.from_numpy(np.array(x[test], dtype=np.float64))
    with torch.no_grad():
        predicted = {name: network(asked).numpy() for name, network in networks.items()}
    places = (np.arange(len(x)) if units is None else units)[test]
    return scores_of(predicted, Split(x[train], y[train], x[test], y[test], places), has_classes)


def fit_network(
    network: SharedShallowNetwork,
    module: torch.nn.Module,
    x: FloatArray,
    y: FloatArray,
    plan: TrainingPlan,
    callback: Callable[[Epoch], object] | None = None,
    units: NDArray[np.int64] | None = None,
) -> FitResult:
    """`fit` a module that trains a network, the network itself or one around it, in standardised coordinates.

    These are the coordinates of the network's own change of data: the module sees inputs that are centred and white and
    labels without shift and scale. Afterwards the network computes in the user's coordinates again. For classes the
    cross-entropy is minimised, else the squared loss.

    Args:
        network: The network to train; its centre, shift and scale stay unchanged.
        module: The network, or a module that calls it.
        x: Inputs, shape (n, d_in), in the user's coordinates.
        y: Labels, shape (n, d_out).
        plan: How it is trained.
        callback: Called with each epoch.
        units: Which unit a row belongs to, shape (n,): whole units are held out; None for single rows.

    Returns:
        How it went, with losses of standardised labels.

    Raises:
        DataError: Rows that do not fit.
        NotConvergedError: The training diverged.
    """
    change = network.change
    with _standardised(network), one_thread():
        inputs, labels = change.apply(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        if not change.has_classes:
            _start_like(network, labels, plan.small_labels)
        step = plan.lr * float(network.coefficient.detach().square().mean().sqrt())
        try:
            fitted = fit(
                module, inputs, labels, loss=loss_of(change), epochs=plan.epochs, batch=plan.batch, lr=step,
                drops=plan.drops, seed=plan.seed, callback=callback, groups=units,
            )  # fmt: skip
        except DivergedError as error:
            advice = "bring x and y to unit scale" if error.lr is None else f"try {plan.lr * error.lr / step:g}"
            raise NotConvergedError(f"training diverged with lr = {plan.lr:g}; {advice}") from None
    seen = seen_inputs(network.spec, np.asarray(x, dtype=np.float64))
    if seen is not None:
        compose(network, seen)
    return fitted


@contextmanager
def _standardised(network: SharedShallowNetwork) -> Iterator[None]:
    """Inside, a network works on standardised inputs and labels; its weights follow, there and back."""
    change = network.change
    kept = {name: getattr(network, name).clone() for name in STATISTICS}
    compose(network, np.asarray(np.linalg.inv(change.matrix), dtype=np.float64))
    _set(network, statistics(identity_standardisation(network.spec.d_in, network.spec.d_out)))
    try:
        yield
    finally:
        compose(network, change.matrix)
        _set(network, kept)


@torch.no_grad()
def _set(network: SharedShallowNetwork, values: Mapping[str, FloatArray | torch.Tensor]) -> None:
    """Give a network another centre, shift and scale."""
    for name, value in values.items():
        getattr(network, name).copy_(torch.as_tensor(value, device="cpu"))


@torch.no_grad()
def _start_like(network: SharedShallowNetwork, labels: FloatArray, small: float) -> None:
    """Let the first outputs be no larger than standardised labels (n, d_out): small ones take long to be reached."""
    size = float(np.sqrt(np.mean(labels**2)))
    if size < small:
        # Where it is small, A sigma(W x) is of second order in the coefficients.
        network.coefficient.mul_((size / small) ** (1 / len(network.spec.maps)))


def start_network(spec: SharingSpec, width: int | None, seed: int, number: int = 0) -> SharedShallowNetwork:
    """Return a float64 network whose start depends on the seed, its number and its specification alone.

    In the coordinates of the specification's change of data its coefficients are independent, and W u has variance 1 on
    average.

    Args:
        spec: The specification.
        width: Number of particles, or None for that of the search.
        seed: Seed of the start.
        number: Number of the start.

    Raises:
        ConfigError: The width is below 1.
    """
    if width is not None and width < 1:
        raise ConfigError(f"width is {width}; give 1 particle or more")
    with torch.random.fork_rng(devices=[]):
        purpose = ("start",) if number == 0 else ("start", str(number))
        torch.manual_seed(int(named_stream(seed, "comparison", *purpose).integers(2**63 - 1)))
        network = SharedShallowNetwork(spec, width, device="cpu", dtype=torch.float64)
    white = replace(spec, change=identity_standardisation(spec.d_in, spec.d_out), classes=())
    with torch.no_grad():
        network.coefficient.mul_(torch.from_numpy(network_start(white) / network.start))
    compose(network, spec.change.matrix)
    return network


@torch.no_grad()
def r2(network: torch.nn.Module, x: FloatArray, y: FloatArray) -> float:
    """Return 1 - mean squared error / variance of y, summed over outputs.

    Args:
        network: The network.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).

    Raises:
        DataError: y does not vary.
    """
    spread = float(((y - y.mean(0)) ** 2).sum())
    if spread == 0:
        raise DataError("the labels of the rows kept apart do not vary; give more rows")
    error = network(torch.from_numpy(np.array(x, dtype=np.float64))).numpy() - y
    return 1 - float((error**2).sum()) / spread
