"""Fits a cloud of particles on a subspace in few passes over all rows: L-BFGS with rows held out to stop it early.

It serves to compare spaces, not to follow the dynamics of the theory, which `sgd` and `flow` do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import scipy
import torch
from torch import Tensor

from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.units import SearchedUnit
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class FitSettings:
    """When a fit ends.

    Attributes:
        memory: Steps whose curvature L-BFGS remembers.
        patience: Iterations without a smaller loss on the rows held out after which a fit ends.
        gain: Relative decrease of that loss below which an iteration counts as none.
        flat: Largest entry of the gradient of a fit that has converged.
    """

    memory: int = 10
    patience: int = 8
    gain: float = 1e-3
    flat: float = 1e-9


@dataclass(frozen=True)
class CloudFit:
    """A fitted cloud.

    Attributes:
        theta: Particles with the smallest loss on the rows held out, shape (1, D, N), float64.
        has_converged: Whether more iterations would not have helped, as far as the rows held out show.
    """

    theta: Tensor
    has_converged: bool


@dataclass
class _Fit:
    """One fit under way."""

    unit: SearchedUnit
    project: Projector
    shape: tuple[int, int]
    rows: tuple[Tensor, Tensor]
    held: tuple[Tensor, Tensor]
    on_step: Callable[[], None]
    settings: FitSettings
    loss: Loss = SQUARED
    best: FloatArray | None = None
    lowest: float = float("inf")
    waited: int = 0

    def cloud(self, flat: FloatArray) -> Tensor:
        return torch.from_numpy(flat.reshape(1, *self.shape))

    def risk(self, flat: FloatArray) -> tuple[float, FloatArray]:
        """Half the mean loss and its gradient, which stays in the space."""
        self.on_step()
        x, y = self.rows
        values, pullback = self.unit.linearise(x[None], self.cloud(flat))
        predicted = values.mean(-1).transpose(1, 2)
        descent = self.loss.slope(predicted, y[None]).transpose(1, 2) / 2
        slope = self.project(pullback(descent) / self.shape[1])
        return float(self.loss.value(predicted, y[None]).mean()) / 2, slope.reshape(-1).numpy()

    def look(self, flat: FloatArray) -> None:
        """Keep the best state; end where patience is over."""
        x, y = self.held
        loss = float(self.loss.value(predict(self.unit, x[None], self.cloud(flat))[0], y).mean())
        self.waited = 0 if loss < (1 - self.settings.gain) * self.lowest else self.waited + 1
        if loss < self.lowest:
            self.lowest, self.best = loss, flat.copy()
        if self.waited >= self.settings.patience:
            raise StopIteration  # which SciPy takes as the end


def fit_cloud(
    unit: SearchedUnit,
    space: Subspace,
    start: Tensor,
    rows: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    iterations: int,
    on_step: Callable[[], None] = lambda: None,
    settings: FitSettings = FitSettings(),
    loss: Loss = SQUARED,
) -> CloudFit:
    """Minimise the loss of a cloud whose particles stay on a space.

    Args:
        unit: The unit.
        space: Where the particles stay.
        start: Particles on the space, shape (1, D, N), float64.
        rows: x (n, d_in) and y (n, d_out) that are fitted, float64.
        held: x (m, d_in) and y (m, d_out) that say when to stop, float64.
        iterations: The most that are made.
        on_step: Called before every evaluation; what it raises ends the fit.
        settings: When the fit ends.
        loss: Loss of a prediction.

    Returns:
        The cloud with the smallest loss on the rows held out.
    """
    fit = _Fit(unit, Projector(space), (start.shape[1], start.shape[2]), rows, held, on_step, settings, loss)
    first = start.reshape(-1).numpy().copy()
    fit.look(first)
    options = {"maxiter": iterations, "maxcor": settings.memory, "gtol": settings.flat, "ftol": 0.0}
    found = scipy.optimize.minimize(fit.risk, first, jac=True, method="L-BFGS-B", callback=fit.look, options=options)
    is_done = fit.waited >= settings.patience or int(found.nit) < iterations
    return CloudFit(fit.cloud(first if fit.best is None else fit.best), is_done)
