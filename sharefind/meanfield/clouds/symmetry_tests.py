"""Is a cloud weakly or strongly invariant? Randomisation tests of both, with exact p-values under stated hypotheses.

The theory's public face, for clouds that the reader trained; no search calls it. The distances are in `energy` and
`measures`; whether *data* are symmetric is asked in `sharefind.search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import FiniteGroup, Representation
from sharefind.meanfield.clouds.actions import ParticleAction
from sharefind.meanfield.clouds.energy import energy_to_symmetrisation, mean_distance
from sharefind.meanfield.clouds.measures import refuse_diverged, second_moment, w2_squared
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.clouds.standardise import refuse_magnitude
from sharefind.typing import FloatArray

Statistic = Literal["energy", "w2"]


@dataclass(frozen=True)
class SymmetryTest:
    """The result of a symmetry test.

    Attributes:
        statistic: The statistic of the cloud.
        p_value: The p-value of the hypothesis that the cloud is invariant.
        copies: Number of randomised clouds that it was compared with.
        relative: the size of the asymmetry, free of scale: the statistic over 2 E|Z|^2 + 2 E|Z'|^2 as in RMD^2, Z' from
            the symmetrisation or the projection; for "energy", over 2 E|Z - Z^G|, which lies in [0, 1/2] (Szekely &
            Rizzo 2013). 0 where the statistic is negative.
        monte_carlo_error: standard error of the statistic where Haar draws stand for the group, else 0. For "w2" it is
            read from batches of the draws and leaves out the bias.
    """

    statistic: float
    p_value: float
    copies: int
    relative: float
    monte_carlo_error: float


def wi_test(
    theta: Tensor,
    action: Representation,
    rng: np.random.Generator,
    statistic: Statistic = "energy",
    copies: int = 199,
    draws: int = 200,
    batches: int = 10,
) -> SymmetryTest:
    """Test H_0: the particles are independent draws from a weakly invariant measure, mu = mu^G.

    Under H_0 the cloud has the same law as one in which every particle is moved by its own independent Haar element, so
    the rank of its distance to its symmetrisation among those of `copies` such clouds gives an exact p-value (Hemerik &
    Goeman 2018). A WI start made of particles *and their images* is not an independent sample: test one particle of
    each orbit, or read its distance itself.

    With Haar draws in place of an infinite group the p-value stays exact, for the cloud and all copies share them. The
    energy distance is then unbiased; W2^2 is too large on average, for it is convex in the measure.

    Args:
        theta: The cloud, shape (D, N).
        action: M on Z, orthogonal.
        rng: Source of the randomised clouds.
        statistic: Squared distance to the symmetrisation, "energy" (N^2 a copy) or "w2" (exact transport to |G| N or
            `draws` N particles a copy).
        copies: Randomised copies that the cloud is compared with.
        draws: Haar elements that stand for an infinite group, at least 2.
        batches: Batches of these draws, whose spread gives the Monte Carlo error of W2^2.

    Returns:
        The statistic, its p-value and the relative size of the asymmetry.

    Raises:
        ConfigError: No copies, too few draws, an unknown statistic, or a cloud that does not fit.
        SpaceError: It holds no particles or values that are not finite.
        DataError: Squares overflow or vanish.
        GroupError: M is not orthogonal.
    """
    if copies < 1 or statistic not in ("energy", "w2"):
        raise ConfigError(f"wi_test: copies={copies}, statistic={statistic!r}; give 1 or more, and energy or w2")
    if theta.ndim != 2 or theta.shape[0] != action.dim:
        raise ConfigError(
            f"wi_test: a cloud of shape {tuple(theta.shape)} does not fit Z = R^{action.dim}; give (D, N)"
        )
    refuse_diverged(theta)
    cloud = theta.detach().double().cpu()
    refuse_magnitude(cloud.numpy(), "the cloud")
    mover = _Mover(action, draws, rng)
    moved = [mover.move(cloud, rng) for _ in range(copies)]
    return _by_energy(cloud, moved, mover) if statistic == "energy" else _by_w2(cloud, moved, mover, batches)


def _by_energy(cloud: Tensor, moved: list[Tensor], mover: _Mover) -> SymmetryTest:
    estimate = energy_to_symmetrisation(cloud, mover.images(cloud))
    observed, error = float(estimate.value), 0.0 if mover.is_exact else float(estimate.standard_error)
    # int E|A - M_g A'| is the same for the cloud and all copies: only E|A - A'| tells them apart.
    between = observed + mean_distance(cloud, cloud)
    others = [between - mean_distance(copy, copy) for copy in moved]
    relative = max(0.0, observed) / (2 * between) if between > 0 else 0.0
    return SymmetryTest(observed, _p_value(observed, others), len(others), relative, error)


def _by_w2(cloud: Tensor, moved: list[Tensor], mover: _Mover, batches: int) -> SymmetryTest:
    images = mover.images(cloud)
    observed, others = _w2(cloud, images), [_w2(copy, mover.images(copy)) for copy in moved]
    error = 0.0 if mover.is_exact else _batch_error(cloud, images, batches)
    # M_g is orthogonal: E|Z^G|^2 = E|Z|^2.
    scale = 4 * float(second_moment(cloud.unsqueeze(0)))
    relative = observed / scale if scale > 0 else 0.0
    return SymmetryTest(observed, _p_value(observed, others), len(others), relative, error)


def _batch_error(cloud: Tensor, images: Tensor, batches: int) -> float:
    """Standard error of W2^2 over Haar draws, from its values in batches of images (D, m, N)."""
    values = [_w2(cloud, part) for part in torch.tensor_split(images, min(batches, images.shape[1]), dim=1)]
    return float(np.std(values, ddof=1) / len(values) ** 0.5)


def _p_value(observed: float, others: Sequence[float], tie: float = 1e-9) -> float:
    """The rank of a statistic; a copy that moved nothing differs only by rounding, and ties up to `tie`, relative."""
    slack = tie * max(abs(observed), max(map(abs, others)))
    return (1 + sum(other >= observed - slack for other in others)) / (1 + len(others))


class _Mover:
    """Images of a cloud, and clouds whose particles are each moved by their own Haar element."""

    def __init__(self, action: Representation, draws: int, rng: np.random.Generator) -> None:
        self.is_exact = isinstance(action.group, FiniteGroup)
        if not action.is_orthogonal:
            raise GroupError(f"the action of {action.group.name} on Z is not orthogonal; give orthogonal matrices")
        if not self.is_exact and draws < 2:
            raise ConfigError(f"wi_test: draws={draws} cannot stand for {action.group.name}; give 2 or more")
        self._action = action
        self._finite = ParticleAction(action) if self.is_exact else None
        self._drawn = torch.empty(0) if self.is_exact else torch.from_numpy(action.sample_matrices(rng, draws))

    def images(self, cloud: Tensor) -> Tensor:
        """(D, N) -> (D, m, N)."""
        if self._finite is not None:
            return self._finite.images(cloud.unsqueeze(0))[0]
        return torch.einsum("gde,en->dgn", self._drawn, cloud)

    def move(self, cloud: Tensor, rng: np.random.Generator) -> Tensor:
        """(D, N) -> (D, N), particle i moved by an independent g_i."""
        count = cloud.shape[1]
        if isinstance(self._action.group, FiniteGroup):
            elements = np.asarray(self._action.group.sample(rng, count))
            return torch.from_numpy(self._action.act_float(elements, cloud.t().numpy())).t()
        return torch.einsum("nde,en->dn", torch.from_numpy(self._action.sample_matrices(rng, count)), cloud)


def _w2(cloud: Tensor, images: Tensor) -> float:
    """W2^2 of the cloud (D, N) to all its images (D, m, N) together."""
    return max(0.0, w2_squared(cloud.t().numpy(), images.flatten(1).t().numpy()))


def si_test(
    theta: Tensor, projector: Projector, rng: np.random.Generator, copies: int = 4095, all_up_to: int = 12
) -> SymmetryTest:
    """Test H_0: training keeps a strongly invariant start on E^G on average, mu(E^G) = 1 up to symmetric noise.

    R replicates start from the same particles of E^G and see independent samples. Under H_0 their residuals
    r_a = theta_a - P theta_a are independent noise, symmetric about 0, so that signs may be flipped replicate by
    replicate; the statistic sum_{a != b} <r_a, r_b> / (N R (R - 1)) is the squared drift off E^G, cross-fitted. With R
    replicates no p-value is below 2^(1 - R).

    Args:
        theta: Trained clouds, shape (R, D, N), R at least 2.
        projector: P_{E^G}.
        rng: Source of the signs, for many replicates.
        copies: Patterns drawn when there are more than `all_up_to` replicates.
        all_up_to: Up to this many replicates every pattern of signs is tried.

    Returns:
        The statistic, its p-value and the relative size of the drift.

    Raises:
        ConfigError: Fewer than two replicates, no particles, no copies, or clouds that do not fit the projector.
        SpaceError: The clouds hold values that are not finite.
        DataError: Squares of them overflow or vanish.
    """
    ambient = projector.space.ambient
    if theta.ndim != 3 or len(theta) < 2 or theta.shape[1] != ambient or theta.shape[2] < 1 or copies < 1:
        raise ConfigError(
            f"si_test: clouds of shape {tuple(theta.shape)} and copies={copies}; give (R, {ambient}, N) with R of at "
            "least 2 and N of at least 1, and a copy"
        )
    refuse_diverged(theta)
    clouds = theta.detach().double().cpu()
    refuse_magnitude(clouds.numpy(), "the cloud")
    replicates, _, particles = clouds.shape
    residual = projector.residual(clouds).flatten(1)
    gram = (residual @ residual.t()).numpy()
    signs = _signs(replicates, copies if replicates > all_up_to else None, rng)
    pairs = particles * replicates * (replicates - 1)
    values = (np.einsum("ka,ab,kb->k", signs, gram, signs) - np.trace(gram)) / pairs
    observed, *others = values.tolist()
    scale = 2 * float((second_moment(clouds) + second_moment(projector(clouds))).mean())
    relative = max(0.0, observed) / scale if scale > 0 else 0.0
    return SymmetryTest(observed, _p_value(observed, others), len(others), relative, 0.0)


def _signs(replicates: int, copies: int | None, rng: np.random.Generator) -> FloatArray:
    """Patterns of signs (K, R), all + first; the first sign is + throughout, for a common sign changes nothing.

    copies: drawn; None for all patterns.
    """
    if copies is None:
        rest = np.array(list(product((1.0, -1.0), repeat=replicates - 1)))
    else:
        rest = np.vstack([np.ones(replicates - 1), rng.choice([1.0, -1.0], size=(copies, replicates - 1))])
    return np.hstack([np.ones((len(rest), 1)), rest])


def is_strongly_invariant(theta: Tensor, projector: Projector, tolerance: float) -> Tensor:
    """Return whether all particles lie on E^G: |theta_i - P theta_i| <= tolerance max_j |theta_j|.

    Args:
        theta: Particles, shape (R, D, N).
        projector: The projection P on E^G.
        tolerance: Largest distance from E^G, relative to the longest particle.

    Returns:
        Shape (R,), bool.
    """
    largest = (theta**2).sum(1).sqrt().amax(-1)
    off = (projector.residual(theta) ** 2).sum(1).sqrt().amax(-1)
    return off <= tolerance * largest
