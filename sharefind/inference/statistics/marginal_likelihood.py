"""The marginal likelihood as a test statistic: how well smooth models without the symmetry explain the data.

Given the orbits of the samples, positions on the orbits are uniform under the hypothesis. By the Neyman-Pearson lemma,
the test with the largest mean power over functions from a prior compares the probability of the labels under that
prior. The prior is a Gaussian process, the limit of wide two-layer networks (Neal 1996). Orthogonal groups do not
change its Matern kernel, so no way of breaking the symmetry is preferred.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.kernels import matern, squared_distances
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic


@dataclass(frozen=True)
class MarginalLikelihood(SearchStatistic):
    """Logarithm of the mean over priors of p(Y | X), each with its amplitude at the maximum.

    The mean is over length scales, noise variances and, if the group fixes coordinates, over their relevance: none, a
    little, or that of the others. For n samples, q centred outputs and the covariance K = k(x_i, x_j) + noise I,

        log p = -(n q / 2) log tr(Y^T K^-1 Y) - (q / 2) log det K + const.

    The grid was chosen on tasks with 1 to 10 inputs and 50 to 200 samples; p-values are exact for every grid. Each
    prior and copy costs one Cholesky factor of (n, n).

    Attributes:
        inverse_lengths: Inverse length scales of the kernel, for inputs of spread 1: smooth and rough functions.
        noises: Noise variances relative to the amplitude of the function, which is itself estimated.
        block: Largest number of samples for one Gaussian process; larger data sets are split into blocks whose
            logarithms add up.
        weak: Share of their inverse length that coordinates fixed by the group have in the prior of little relevance.
        isometry: Largest relative change of a norm that is a rounding error, also in single precision.
        matrices: Largest number of matrices (n, n) per row: three distances, kernel, root, factor and spare ones.
        cached_bytes: Memory in bytes of the matrices (n, n), one per row, that are processed at a time; data that stay
            in the cache take half the time.
        few_samples: Largest number of samples for which it is the default for invariant labels; for more, the
            correlogram costs less.
        few_moved: Largest number of moved inputs for which it is the default for invariant labels, if the candidate
            moves all inputs; for more, the correlogram has more power.
        name: Name in settings and records.
        most_samples: Largest number of rows used.

    Raises:
        ConfigError: The grid is empty, or a number is not positive.
    """

    name: ClassVar[str] = "marginal-likelihood"
    most_samples: ClassVar[int] = 2000  # the cost is 400^2 for each of them, prior and copy
    few_samples: ClassVar[int] = 800
    few_moved: ClassVar[int] = 3

    inverse_lengths: tuple[float, ...] = (0.4, 1.4)
    noises: tuple[float, ...] = (3e-3, 0.03, 0.3)
    block: int = 400
    weak: float = 0.3
    isometry: float = 1e-4
    matrices: int = 8
    cached_bytes: int = 2**20

    def __post_init__(self) -> None:
        numbers = (*self.inverse_lengths, *self.noises)
        if not self.inverse_lengths or not self.noises or self.block < 2 or not all(0 < v < math.inf for v in numbers):
            raise ConfigError(
                "marginal likelihood: give positive inverse lengths and noises, and a block of at least 2"
            )

    @classmethod
    def is_default(cls, problem: ProblemTraits) -> bool:
        """Return whether subgroups are not listed, or labels are invariant with few samples and few moved inputs.

        The thresholds follow from power curves (docs/benchmarks/exact-tests.md). They depend on numbers of samples and
        inputs, not on the data, so the choice does not affect the level.
        """
        if not problem.lists_subgroups:
            return True
        is_few = problem.samples is not None and problem.samples <= cls.few_samples
        if not is_few or not problem.has_invariant_labels:
            return False
        return problem.moved_inputs <= cls.few_moved or problem.moved_inputs < problem.in_rep.dim

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for one hypothesis; it uses the data only through sizes and scales that the group does
        not change.

        Raises:
            GroupError: The group does not act on X by orthogonal matrices.
        """
        self._refuse_not_orthogonal(moves, x, y, rng)
        scale = orbit_scale(moves, x, y, rng)
        order = np.array_split(rng.permutation(len(x)), math.ceil(len(x) / self.block))

        def statistic(rows_x: Tensor, rows_y: Tensor) -> Tensor:
            total = torch.zeros(len(rows_x), dtype=torch.float64)
            for index in order:
                part_x = rows_x[:, index]
                part_y = rows_y[:, index].expand(len(part_x), -1, -1)
                few = max(1, self.cached_bytes // (8 * len(index) ** 2))
                pieces = zip(torch.split(part_x, few), torch.split(part_y, few), strict=True)
                total += torch.cat([self._log_mean(piece_x, piece_y, scale.moved) for piece_x, piece_y in pieces])
            return total.unsqueeze(1)

        largest = max(len(index) for index in order)
        return scale.fitted(x, y, statistic, 8 * self.matrices * largest**2)

    def _log_mean(self, x: Tensor, y: Tensor, moved: NDArray[np.bool_]) -> Tensor:
        kernels = (matern(distances, w) for distances in self._distances(x, moved) for w in self.inverse_lengths)
        logs = [log for kernel in kernels for log in _log_evidence(kernel, y, self.noises)]
        return torch.logsumexp(torch.stack(logs), 0) - math.log(len(logs))

    def _refuse_not_orthogonal(self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator) -> None:
        """Refuse a group that changes lengths of X: x (n, d_in), y (n, d_out), moved at random."""
        images, _ = moves.move(moves.draw((1, len(x)), rng), x.unsqueeze(0), y.unsqueeze(0))
        norms = x.norm(dim=-1)
        if bool(((images.norm(dim=-1) - norms).abs() > self.isometry * norms.max()).any()):
            raise GroupError(
                "the marginal likelihood needs a group that acts on X by orthogonal matrices; change the basis"
            )

    def _distances(self, x: Tensor, moved: NDArray[np.bool_]) -> Iterator[Tensor]:
        """Yield squared distances (R, n, n), one for each assumption on the relevance of coordinates that the group
        fixes.
        """
        mask = torch.from_numpy(moved)
        if mask.all() or not mask.any():
            yield squared_distances(x)
            return
        near, rest = squared_distances(x[..., mask]), squared_distances(x[:1, :, ~mask])
        yield near
        yield near + self.weak**2 / int((~mask).sum()) * rest
        yield near + rest


def _log_evidence(kernel: Tensor, y: Tensor, noises: Sequence[float]) -> Iterator[Tensor]:
    """Yield log p(Y | X) at the best amplitude, up to a constant, for each noise: (R,).

    Args:
        kernel: Shape (R, n, n); its diagonal is overwritten.
        y: Shape (R, n, q).
        noises: Noise variances.
    """
    n, q = y.shape[1:]
    diagonal = kernel.diagonal(dim1=-2, dim2=-1)
    without = diagonal.clone()
    for noise in noises:
        torch.add(without, noise, out=diagonal)
        factor = torch.linalg.cholesky(kernel)
        residual = torch.linalg.solve_triangular(factor, y, upper=False)
        misfit = (residual**2).sum((-1, -2)).clamp_min(torch.finfo(torch.float64).tiny)
        half_log_det: Tensor = torch.diagonal(factor, dim1=-2, dim2=-1).log().sum(-1)
        yield -n * q / 2 * misfit.log() - q * half_log_det
