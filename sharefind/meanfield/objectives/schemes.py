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
    """How the symmetry enters training (Maass & Fontbona 2024, section 2).

    Attributes:
        VANILLA: Symmetry is not used.
        DA: Data augmentation: samples are moved by random group elements.
        FA: Feature averaging: predictions are averaged over the group.
        EA: Equivariant architecture: particles are projected on E^G.
    """

    VANILLA = "vanilla"
    DA = "da"
    FA = "fa"
    EA = "ea"

    @property
    def is_evidence(self) -> bool:
        """Whether training under this scheme can support a symmetry of the data."""
        return self is Scheme.VANILLA


@dataclass(frozen=True)
class VanillaGradient:
    """The gradient of vanilla training, grad_z sigma*(x, theta_i) . grad_1 l(Phi(x), y), averaged over the minibatch.

    Attributes:
        unit: The unit sigma*.
        loss: The loss l.
    """

    unit: Unit
    loss: Loss = SQUARED

    def __call__(self, x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """See `Gradient`."""
        values, pullback = self.unit.linearise(x, theta)
        prediction = values.mean(-1).transpose(1, 2)
        return pullback(self.loss.slope(prediction, y).transpose(1, 2)), prediction


def vanilla_gradient(unit: Unit, loss: Loss = SQUARED) -> Gradient:
    """Return the gradient of vanilla training, and of DA on moved samples.

    Args:
        unit: The unit sigma*.
        loss: The loss l.
    """
    return VanillaGradient(unit, loss)


def averaging_gradient(unit: Unit, action: ParticleAction, loss: Loss = SQUARED) -> Gradient:
    """Return the gradient of feature averaging, which trains Q_G Phi_nu = Phi_{nu^G}: particle i gets mean_g M_g^{-1}
    grad at M_g theta_i.

    Args:
        unit: The unit sigma*.
        action: The group's action on particles.
        loss: The loss l.
    """
    inner = vanilla_gradient(unit, loss)

    def gradient(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        cloud = action.images(theta)
        at_images, prediction = inner(x, y, cloud.flatten(2))
        return action.pull_back(at_images.reshape(cloud.shape)).mean(2), prediction

    return gradient


def projected_gradient(unit: Unit, projector: Projector, loss: Loss = SQUARED) -> Gradient:
    """Return the gradient of the equivariant architecture, which trains <sigma*, P#nu>: particle i gets P applied to
    the gradient at P theta_i.

    Args:
        unit: The unit sigma*.
        projector: The projection P.
        loss: The loss l.
    """
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
    """Return the gradient of a scheme.

    Args:
        scheme: The scheme.
        unit: The unit sigma*.
        action: The group's action on particles (FA).
        fixed: The projection on E^G (EA).
        loss: The loss l.

    Raises:
        ConfigError: The scheme needs a group, and none is given.
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
