"""The four training schemes: what the gradient of a particle is under vanilla, DA, FA and EA training.

DA changes the samples (see `sources.AugmentedSource`), so its gradient is the vanilla one; FA trains Q_G Phi and EA
trains <sigma*, P_{E^G}#nu>. Only vanilla training is evidence for a symmetry: the others impose it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor

from sharefind.errors import ConfigError, setting
from sharefind.meanfield.clouds.actions import ParticleAction
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.units import Unit

Gradient = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(x (R, B, d_in), y (R, B, d_out), theta (R, D, N)) -> (N x the risk's gradient (R, D, N), Phi(x) (R, B, d_out))."""


class Scheme(StrEnum):
    """How the symmetry enters training (Maass & Fontbona 2024, section 2)."""

    VANILLA = "vanilla"
    DA = "da"
    FA = "fa"
    EA = "ea"

    @property
    def is_evidence(self) -> bool:
        """Whether training under this scheme can speak for a symmetry of the data."""
        return self is Scheme.VANILLA


@dataclass(frozen=True)
class VanillaGradient:
    """grad_z sigma*(x, theta_i) . grad_1 l(Phi(x), y), averaged over the minibatch."""

    unit: Unit
    loss: Loss = SQUARED

    def __call__(self, x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """See `Gradient`."""
        values, pullback = self.unit.linearise(x, theta)
        prediction = values.mean(-1).transpose(1, 2)
        return pullback(self.loss.slope(prediction, y).transpose(1, 2)), prediction


def vanilla_gradient(unit: Unit, loss: Loss = SQUARED) -> Gradient:
    """The gradient of vanilla training, and of DA on moved samples."""
    return VanillaGradient(unit, loss)


def averaging_gradient(unit: Unit, action: ParticleAction, loss: Loss = SQUARED) -> Gradient:
    """Feature averaging: trains Q_G Phi_nu = Phi_{nu^G}, so particle i gets mean_g M_g^{-1} grad at M_g theta_i."""
    inner = vanilla_gradient(unit, loss)

    def gradient(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        cloud = action.images(theta)
        at_images, prediction = inner(x, y, cloud.flatten(2))
        return action.pull_back(at_images.reshape(cloud.shape)).mean(2), prediction

    return gradient


def projected_gradient(unit: Unit, projector: Projector, loss: Loss = SQUARED) -> Gradient:
    """Equivariant architecture: trains <sigma*, P#nu>, so particle i gets P applied to the gradient at P theta_i."""
    inner = vanilla_gradient(unit, loss)

    def gradient(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        at_projection, prediction = inner(x, y, projector(theta))
        return projector(at_projection), prediction

    return gradient


def scheme_gradient(
    scheme: Scheme,
    unit: Unit,
    action: ParticleAction | None = None,
    fixed: Projector | None = None,
    loss: Loss = SQUARED,
) -> Gradient:
    """The gradient of a scheme.

    Args:
        scheme: which one. unit: the unit. action: M on particles (FA). fixed: P_{E^G} (EA). loss: l.

    Raises:
        ConfigError: the scheme needs a group that was not given.
    """
    if scheme in (Scheme.VANILLA, Scheme.DA):
        return vanilla_gradient(unit, loss)
    if scheme is Scheme.FA and action is not None:
        return averaging_gradient(unit, action, loss)
    if scheme is Scheme.EA and fixed is not None:
        return projected_gradient(unit, fixed, loss)
    raise ConfigError(
        f"scheme {scheme.value} needs a group; give {setting('group')} or {setting('generators')}, or use "
        f"{setting('scheme')} vanilla"
    )
