"""The entropy H_lambda(mu) = int log(dmu/dlambda) dmu of an empirical cloud, by two stated estimators.

It is minus the differential entropy, the sign of R^{tau,beta} (Maass & Fontbona 2024). `entropy_knn` estimates the
value; `KernelEntropy` is smooth, with the intrinsic derivative that a gradient flow needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, SpaceError
from sharefind.meanfield.clouds.measures import refuse_diverged


def entropy_knn(theta: Tensor, k: int = 4, basis: Tensor | None = None) -> Tensor:
    """H_lambda by nearest neighbours: minus (psi(N) - psi(k) + log V_d + d mean log r_k), r_k to the k-th neighbour.

    Kozachenko & Leonenko 1987; Kraskov, Stoegbauer & Grassberger 2004, eq. 20. Consistent for a density, with a bias
    that grows with the dimension.

    Args:
        theta: Particles, shape (R, D, N).
        k: Which neighbour.
        basis: Orthonormal rows, shape (m, D). The entropy is then that of the measure projected on their span, with
            respect to Lebesgue measure there. A cloud on a subspace needs it: its entropy on Z is infinite, and no
            finite cloud shows that.

    Returns:
        Shape (R,), float64.

    Raises:
        SpaceError: There are fewer than k + 1 particles, two particles coincide (an atom has no density), a value is
            not finite, or the basis belongs to another space.
        ConfigError: The rows of the basis are not orthonormal.
    """
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    _refuse_unless_orthonormal(basis)
    refuse_diverged(theta)
    points = _coordinates(theta.detach(), basis)
    d, n = points.shape[1], points.shape[2]
    if n <= k or k < 1:
        raise SpaceError(f"{n} particles have no {k}-th neighbours; give more than {k} particles or a smaller k")
    clouds = points.transpose(1, 2).double().cpu().numpy()
    # The first answer is the point itself, or one that coincides with it.
    nearest, radii = np.stack([cKDTree(cloud).query(cloud, k=[2, k + 1])[0].T for cloud in clouds], axis=2)
    if not (nearest > 0).all():
        raise SpaceError(
            "particles coincide: their measure has no density, and its entropy is infinite; move them apart"
        )
    volume = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    entropy = digamma(n) - digamma(k) + volume + d * np.log(radii).mean(0)
    return torch.from_numpy(np.asarray(-entropy, dtype=np.float64))


def _refuse_unless_orthonormal(basis: Tensor | None, rounding: float = 1e-6) -> None:
    """ConfigError unless the rows of basis (m, D) are orthonormal; `rounding` is right for float32 too."""
    if basis is None:
        return
    gram = basis @ basis.t()
    if not torch.allclose(gram, torch.eye(len(gram)).to(gram), rtol=0, atol=rounding):
        raise ConfigError("entropy on a subspace: the rows of basis are not orthonormal; give an orthonormal basis")


def _coordinates(theta: Tensor, basis: Tensor | None) -> Tensor:
    """Coordinates in basis (m, D), or those of Z: theta (R, D, N) -> (R, m or D, N)."""
    if basis is None:
        return theta
    if basis.shape[1] != theta.shape[1]:
        raise SpaceError(f"a basis in R^{basis.shape[1]} does not fit particles in R^{theta.shape[1]}; give (m, D)")
    return torch.matmul(basis.to(theta), theta)


def silverman_bandwidth(theta: Tensor) -> float:
    """Return Silverman's bandwidth of a cloud, sigma (4 / ((D + 2) N))^(1 / (D + 4)), sigma the standard deviation an
    axis.

    Args:
        theta: Particles, shape (R, D, N).
    """
    d, n = theta.shape[1], theta.shape[2]
    spread = float(theta.var(2, correction=0).mean().sqrt())
    return float(spread * (4 / ((d + 2) * n)) ** (1 / (d + 4)))


@dataclass(frozen=True, eq=False)
class KernelEntropy:
    """H_eps(mu) = int log(K_eps * mu) dmu with a Gaussian kernel of standard deviation eps.

    The blob method (Carrillo, Craig & Patacchini 2019): its Wasserstein gradient flow on empirical measures is an ODE
    that approaches the heat flow as N grows and eps falls. The kernel is isotropic: H_eps(M_g#mu) = H_eps(mu) for
    every orthogonal M_g, and the flow keeps invariant measures invariant exactly.

    Attributes:
        bandwidth: eps.
        basis: Orthonormal rows, shape (m, D); the entropy is then that of the measure projected on their span,
            H_{lambda_E}(mu^E), and its derivative lies in the span.
        held: Kernel entries held at a time (256 MiB of float64); it bounds memory and changes no value.

    Raises:
        ConfigError: The bandwidth is not positive and finite, or the rows are not orthonormal.
        SpaceError: A method gets particles of another space than that of the basis.
    """

    bandwidth: float
    basis: Tensor | None = None
    held: int = 2**25

    def __post_init__(self) -> None:
        if not 0 < self.bandwidth < math.inf:
            raise ConfigError(f"kernel entropy: bandwidth is {self.bandwidth}; give a positive, finite number")
        _refuse_unless_orthonormal(self.basis)

    def value(self, theta: Tensor) -> Tensor:
        """Return H_eps(nu).

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R,).
        """
        points = _coordinates(theta, self.basis)
        return self._log_density(points, points).mean(-1)

    def first_variation(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return dH/dmu(nu)(z) = log (K * nu)(z) + (K * (nu / (K * nu)))(z).

        Args:
            theta: Particles, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, M).
        """
        points = _coordinates(theta, self.basis)
        places = points if at is None else _coordinates(at, self.basis)
        inverse = -self._log_density(points, points)
        kernels = (self._log_kernel(part, points) for part in self._parts(places, points))
        chunks = [torch.logsumexp(kernel + inverse.unsqueeze(1), 2).exp() / points.shape[2] for kernel in kernels]
        return self._log_density(points, places) + torch.cat(chunks, dim=1)

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        """Return D_mu H(nu, z) = -(1/eps^2) sum_j (p_j(z) + q_j(z)) (z - theta_j).

        p_j = K(z - theta_j) / sum_k K(z - theta_k), and q_j = K(z - theta_j) / (N (K * nu)(theta_j)).

        Args:
            theta: Particles, shape (R, D, N).
            at: Points z, shape (R, D, M); the particles by default.

        Returns:
            Shape (R, D, M).
        """
        points = _coordinates(theta, self.basis)
        places = points if at is None else _coordinates(at, self.basis)
        inverse = -self._log_density(points, points) - math.log(points.shape[2])
        chunks = []
        for part in self._parts(places, points):
            log_kernel = self._log_kernel(part, points)
            weights = torch.softmax(log_kernel, 2) + (log_kernel + inverse.unsqueeze(1)).exp()
            pulled = torch.einsum("rmn,rdn->rdm", weights, points)
            chunks.append((pulled - weights.sum(2).unsqueeze(1) * part) / self.bandwidth**2)
        slope = torch.cat(chunks, dim=2)
        return slope if self.basis is None else torch.matmul(self.basis.to(slope).t(), slope)

    def _log_density(self, points: Tensor, places: Tensor) -> Tensor:
        """log (K * nu)(z) at places (R, d, M): (R, M)."""
        parts = [torch.logsumexp(self._log_kernel(part, points), 2) for part in self._parts(places, points)]
        return torch.cat(parts, dim=1) - math.log(points.shape[2])

    def _log_kernel(self, places: Tensor, points: Tensor) -> Tensor:
        """log K(z_m - theta_n): places (R, d, M), points (R, d, N) -> (R, M, N)."""
        d = points.shape[1]
        squared = ((places.unsqueeze(3) - points.unsqueeze(2)) ** 2).sum(1)
        return -squared / (2 * self.bandwidth**2) - d * math.log(self.bandwidth * math.sqrt(2 * math.pi))

    def _parts(self, places: Tensor, points: Tensor) -> Sequence[Tensor]:
        """Places in pieces whose differences to all points fit `held`."""
        return torch.split(places, max(1, self.held // points.numel()), dim=2)
