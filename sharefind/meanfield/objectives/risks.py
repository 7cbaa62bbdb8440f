"""Population risks R, R^DA, R^FA, R^EA of a measure, their derivatives, and the entropy-regularised R^{tau,beta}.

Each is written from its definition; the tests check what the propositions say about them. The measure is a cloud
of particles, the law has finite support. Minibatch gradients for training are in `schemes`, gradient flows in `flow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.meanfield.clouds.entropy import KernelEntropy
from sharefind.meanfield.clouds.haar import HaarRule
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.objectives.penalties import RIDGE, Penalty
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.meanfield.units import Unit


class Functional(Protocol):
    """F: P(Z) -> R with what a Wasserstein gradient flow needs of it. Clouds are (R, D, N), particles last."""

    def value(self, theta: Tensor) -> Tensor:
        """Return F(nu).

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R,).
        """
        ...

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return D_mu F(nu, z), the intrinsic derivative.

        Args:
            theta: Particles, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, D, M).
        """
        ...


@dataclass(frozen=True)
class Risk:
    """The risk R(mu) = E_pi l(Phi_mu(X), Y), or its symmetrised version under a scheme.

    Maass & Fontbona 2024, Section 2: R^DA(mu) = E int l(Phi_mu(rho_g X), rhohat_g Y) dlambda_G(g), R^FA(mu) = E l((Q_G
    Phi_mu)(X), Y) and R^EA(mu) = E l(Phi_{P#mu}(X), Y).

    Attributes:
        unit: The unit sigma*.
        law: The law pi of the data.
        loss: The loss l.
        scheme: Which risk.
        rule: The group elements (DA, FA).
        fixed: The projection on E^G (EA).

    Raises:
        ConfigError: The scheme needs a rule or a projection that is missing.
        UnitError: The loss is not invariant under the action on Y, which DA, FA and EA suppose (Assumption 1).
    """

    unit: Unit
    law: EmpiricalLaw
    loss: Loss = SQUARED
    scheme: Scheme = Scheme.VANILLA
    rule: HaarRule | None = None
    fixed: Projector | None = None

    def __post_init__(self) -> None:
        if self.scheme in (Scheme.DA, Scheme.FA) and self.rule is None:
            raise ConfigError(f"the risk under {self.scheme.value} integrates over a group; give rule=haar_rule(unit)")
        if self.scheme is Scheme.EA and self.fixed is None:
            raise ConfigError("the risk under ea projects on E^G; give fixed=Projector(fixed_space(unit.space.action))")
        if self.scheme is not Scheme.VANILLA:
            self.loss.refuse_unless_invariant(self.unit.out_rep)

    def value(self, theta: Tensor) -> Tensor:
        """Return the risk of a cloud.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R,).
        """
        _, y, w = self._points(theta)
        return (self.loss.value(self.predict(theta), y) * w).sum(-1)

    def predict(self, theta: Tensor) -> Tensor:
        """Return the predictions of the scheme's model at the support points.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, n', d_out), n' = m n under DA.
        """
        x, _, _ = self._points(theta)
        return self._pool(predict(self.unit, x, self._particles(theta)))

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return D_mu R(mu, z) = E[grad_z sigma*(X, z) . grad_1 l(Phi_mu(X), Y)], and its counterparts for the other
        schemes.

        Args:
            theta: The cloud mu, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, D, M).
        """
        x, _, _ = self._points(theta)
        if at is None:
            values, pullback = self.unit.linearise(x, self._particles(theta))
            slope = self._covector(theta, values.mean(-1).transpose(1, 2))
        else:
            slope = self._covector(theta, predict(self.unit, x, self._particles(theta)))
            _, pullback = self.unit.linearise(x, self._particles(at))
        return self._particles(pullback(slope.transpose(1, 2)))

    def first_variation(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return dR/dmu(mu)(z) = E[sigma*(X, z) . grad_1 l(Phi_mu(X), Y)].

        It is determined up to a constant; D_mu R is its gradient in z.

        Args:
            theta: The cloud mu, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, M).
        """
        x, _, _ = self._points(theta)
        slope = self._covector(theta, predict(self.unit, x, self._particles(theta)))
        values = self.unit.values(x, self._particles(theta if at is None else at))
        return torch.einsum("rpo,ropm->rm", slope, values) / x.shape[1]

    def _particles(self, theta: Tensor) -> Tensor:
        """P theta under EA, else theta; P is its own adjoint, so this also maps gradients back."""
        return self.fixed(theta) if self.scheme is Scheme.EA and self.fixed is not None else theta

    @cached_property
    def _effective_law(self) -> EmpiricalLaw:
        return self.law.symmetrised(self.rule) if self.scheme is Scheme.DA and self.rule is not None else self.law

    @cached_property
    def _averaged(self) -> HaarRule | None:
        return self.rule if self.scheme is Scheme.FA else None

    @cached_property
    def _inverse(self) -> Tensor:
        """rhohat_g^{-1} for Q_G."""
        return torch.linalg.inv(self.rule.on_y) if self.rule is not None else torch.empty(0)

    @cached_property
    def _evaluation_points(self) -> Tensor:
        """Where the unit is evaluated, (1, p, d_in): p = n, m n under DA, and all rho_g x under FA."""
        law = self._effective_law
        x = law.x if self._averaged is None else self._averaged.moved_inputs(law.x).flatten(0, 1)
        return x.unsqueeze(0)

    def _points(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Evaluation points (1, p, d_in), labels (1, n', d_out) and weights (n',) in the cloud's dtype."""
        law = self._effective_law
        return self._evaluation_points.to(theta), law.y.to(theta).unsqueeze(0), law.probabilities.to(theta)

    def _pool(self, values: Tensor) -> Tensor:
        """Q_G under FA, (R, m n, d_out) -> (R, n, d_out); else nothing."""
        if self._averaged is None:
            return values
        split = values.reshape(len(values), len(self._averaged), -1, values.shape[-1])
        return torch.einsum("gij,rgnj->rni", self._inverse.to(values), split) / len(self._averaged)

    def _covector(self, theta: Tensor, values: Tensor) -> Tensor:
        """The covector of the mean over evaluation points: values (R, p, d_out) -> (R, p, d_out)."""
        _, y, w = self._points(theta)
        slope = self.loss.slope(self._pool(values), y) * (w * len(w)).unsqueeze(-1)
        if self._averaged is None:
            return slope
        return torch.einsum("gji,rnj->rgni", self._inverse.to(slope), slope).flatten(1, 2)


@dataclass(frozen=True)
class RegularisedRisk:
    """The regularised risk R^{tau,beta}(mu) = R(mu) + tau int r dmu + beta H_lambda(mu), with the kernel estimate of H.

    With an entropy on a subspace this is R_{E^G}^{tau,beta}, whose entropy is H_{lambda_{E^G}}(mu^{E^G}) (Maass &
    Fontbona 2024, projected-noise SGD).

    Attributes:
        risk: The risk R, under any scheme.
        tau: Weight of the penalty.
        penalty: The penalty r.
        beta: Temperature.
        entropy: The entropy H.

    Raises:
        ConfigError: A weight is negative, or beta > 0 without an entropy.
    """

    risk: Risk
    tau: float = 0.0
    penalty: Penalty = RIDGE
    beta: float = 0.0
    entropy: KernelEntropy | None = None

    def __post_init__(self) -> None:
        if not (self.tau >= 0 and self.beta >= 0):
            raise ConfigError(f"tau = {self.tau} and beta = {self.beta} must not be negative")
        if self.beta > 0 and self.entropy is None:
            raise ConfigError("beta > 0 needs an estimate of the entropy; give entropy=KernelEntropy(bandwidth)")

    def value(self, theta: Tensor) -> Tensor:
        """Return R^{tau,beta} of a cloud.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R,).
        """
        total = self.risk.value(theta) + self.tau * self.penalty.value(theta).mean(-1)
        return total if self.entropy is None else total + self.beta * self.entropy.value(theta)

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return D_mu R(mu, z) + tau grad r(z) + beta D_mu H(mu, z).

        Args:
            theta: The cloud mu, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, D, M).
        """
        points = theta if at is None else at
        total = self.risk.derivative(theta, at) + self.tau * self.penalty.slope(points)
        return total if self.entropy is None else total + self.beta * self.entropy.derivative(theta, at)

    def first_variation(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return dR^{tau,beta}/dmu at z, up to a constant.

        Args:
            theta: The cloud mu, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, M).
        """
        points = theta if at is None else at
        total = self.risk.first_variation(theta, at) + self.tau * self.penalty.value(points)
        return total if self.entropy is None else total + self.beta * self.entropy.first_variation(theta, at)
