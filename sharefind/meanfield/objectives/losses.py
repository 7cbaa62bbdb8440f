"""Convex losses l: Y x Y -> R with their covectors grad_1 l, and the proof that each is invariant under an action.

Invariance, l(rhohat_g y, rhohat_g y') = l(y, y'), is what Assumption 1 of Maass & Fontbona 2024 asks of a loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from torch import Tensor
from torch.nn import functional

from sharefind.errors import ConfigError
from sharefind.groups import Representation
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.objectives.named_functions import build_named
from sharefind.meanfield.units.invariance import Invariance, refuse_unless_invariant


@dataclass(frozen=True)
class Loss:
    """l(prediction, y), convex in the prediction.

    Attributes:
        name: what configurations call it.
        value: prediction (..., d_out), y (..., d_out) -> (...,).
        slope: grad_1 l, the same arguments -> (..., d_out).
        invariance: the maps of Y under which the loss is invariant.
        curvature: largest second derivative in the prediction, on average over labels as many as there are; steps of
            gradient descent are inverse to it.
    """

    name: str
    value: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    invariance: Invariance
    curvature: float = 2.0

    def refuse_unless_invariant(self, out_rep: Representation) -> None:
        """Check l(rhohat_g y, rhohat_g y') = l(y, y') on the generators, which proves it for the group.

        Args:
            out_rep: Representation on the outputs.

        Raises:
            UnitError: A generator acts by a map under which this loss is not invariant; the message names it.
        """
        advice = (
            "change coordinates of Y by the square root of the invariant inner product"
            if self.invariance is Invariance.ORTHOGONAL
            else "use the squared loss, or a representation of that kind on Y"
        )
        refuse_unless_invariant(out_rep, self.invariance, f"{self.name} loss", f"Y ({out_rep.name})", advice)


SQUARED = Loss("squared", lambda p, y: ((p - y) ** 2).sum(-1), lambda p, y: 2 * (p - y), Invariance.ORTHOGONAL)
"""|p - y|^2, the paper's quadratic loss."""


def huber(width: float = 1.0) -> Loss:
    """Return the Huber loss of the distance d = |p - y|: d^2 / 2 up to `width`, then width (d - width / 2).

    It is invariant under all orthogonal maps, as d is.

    Args:
        width: Where the loss becomes linear.

    Raises:
        ConfigError: The width is not positive.
    """
    if not width > 0:
        raise ConfigError(f"huber: width is {width}; give a positive number")

    def value(p: Tensor, y: Tensor) -> Tensor:
        d = torch.linalg.vector_norm(p - y, dim=-1)
        return torch.where(d <= width, d**2 / 2, width * (d - width / 2))

    def slope(p: Tensor, y: Tensor) -> Tensor:
        d = torch.linalg.vector_norm(p - y, dim=-1, keepdim=True)
        scale: Tensor = width / d.clamp(min=width)
        return (p - y) * scale

    return Loss(f"huber:{width:g}", value, slope, Invariance.ORTHOGONAL, 1.0)


LOGISTIC_LOSS = Loss(
    "logistic",
    lambda p, y: functional.softplus(-y * p).sum(-1),
    lambda p, y: -y * torch.sigmoid(-y * p),
    Invariance.SIGNED_PERMUTATION,
    1 / 4,
)
"""sum_k log(1 + exp(-y_k p_k)) for labels y_k = +-1 and margins p_k: a sign flips both, so it changes nothing."""

CROSS_ENTROPY = Loss(
    "cross-entropy",
    lambda p, y: -(y * torch.log_softmax(p, dim=-1)).sum(-1),
    lambda p, y: torch.softmax(p, dim=-1) * y.sum(-1, keepdim=True) - y,
    Invariance.PERMUTATION,
    1 / 2,
)
"""-sum_k y_k log softmax(p)_k for class probabilities y and logits p."""


def loss_of(change: Standardisation) -> Loss:
    """Return the loss that is minimised on standardised data: the squared loss, or for classes the cross-entropy of
    shift + scale p.

    The group fixes the shift, so that this cross-entropy is as invariant as that of the logits themselves.

    Args:
        change: The change of data.
    """
    if not change.has_classes:
        return SQUARED
    shift, scale = torch.from_numpy(change.shift), change.scale

    def logits(p: Tensor) -> Tensor:
        return shift.to(p) + scale * p

    shares = scipy.special.softmax(change.shift)
    # E[diag(p) - p p^T] is at most diag(E p) - E p (E p)^T, and predictions are right on average.
    spread = float(np.linalg.eigvalsh(np.diag(shares) - np.outer(shares, shares))[-1])
    return Loss(
        CROSS_ENTROPY.name,
        lambda p, y: CROSS_ENTROPY.value(logits(p), y),
        lambda p, y: scale * CROSS_ENTROPY.slope(logits(p), y),
        Invariance.PERMUTATION,
        scale**2 * spread,
    )


def build_loss(name: str) -> Loss:
    """Return the loss with a name.

    Args:
        name: "squared", "logistic", "cross-entropy", "huber" or "huber:WIDTH".

    Raises:
        ConfigError: No loss has that name, or the width is no positive number.
    """
    plain, use = (SQUARED, LOGISTIC_LOSS, CROSS_ENTROPY), "squared, logistic, cross-entropy or huber:WIDTH"
    return build_named("loss", name, plain, {"huber": huber}, use, "huber:0.5")
