"""The evidence of smooth functions that are symmetric under subgroups that do not contain the hypothesis.

The marginal likelihood compares with functions without symmetry. With many inputs and few samples such a function is
hard to detect. A function that a large subgroup K still ties is seen |K| times as well. Therefore the prior of the
alternative is a mixture: Gaussian processes averaged over each such K, and one without symmetry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import FiniteGroup, Representation
from sharefind.inference.ambient_moves import AmbientMoves, moved_coordinates
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.statistics.listed_subgroups import members_of, membership
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.inference.tied_kernels import ListedGroup, matern_five_halves
from sharefind.meanfield.clouds.actions import JointAction


@dataclass(frozen=True)
class SymmetricEvidence(SearchStatistic):
    """Logarithm of the sum over priors of p(Y | X), each prior symmetric under a subgroup K that does not contain H.

    K runs over the largest subgroups that do not contain the hypothesis H, and the trivial group. The prior of K is a
    Gaussian process averaged over it, with kernel

        k_K(x, x') = mean over h in K of k(x, h x') rhohat_h,

    where k is a Matern kernel of smoothness 5/2. The sum also runs over lengths, noises and the relevance of
    coordinates that the group fixes. The amplitude is at its maximum: log p = -(N / 2) log tr(Y^T C^-1 Y) - (1 / 2) log
    det C.

    Moving samples by g_i and g_j turns k(x_i, h x_j) into k(x_i, g_i^{-1} h g_j x_j). Kernels of all elements are
    computed once, and copies read them in another order. Origin and scale of the samples depend only on orbits. A copy
    costs one Cholesky factor of (n, n) per prior, or of (n q, n q) if labels move.

    Attributes:
        in_rep: Action of the whole group on X, orthogonal.
        out_rep: Action of the whole group on Y, orthogonal.
        subgroups: The subgroups K, such as those of a family.
        lengths: Lengths of the kernel, in root mean square distances of two samples.
        noises: Noise variances relative to the amplitude of the function, which is itself estimated.
        weak: Share of their weight that coordinates fixed by the whole group have in the prior of little relevance.
        block: Largest number of values (samples, times outputs if labels move) for one Gaussian process; larger data
            sets are split into blocks whose logarithms add up.
        kept_bytes: Memory in bytes of kernels that are kept for all copies. Larger ones are computed again for every
            block of copies, and blocks of samples are made smaller.
        membership: Shape (K + 1, |G|), bool: the elements of each subgroup by number, the trivial group last.
        whole: Action of the whole group on samples.
        name: Name in settings and records.
        most_samples: Largest number of rows used.

    Raises:
        GroupError: The group does not act orthogonally, or is too large to list.
        ConfigError: The group is infinite, there are no subgroups, or a number is not positive.
    """

    name: ClassVar[str] = "symmetric-evidence"
    most_samples: ClassVar[int] = 2000  # the cost is 400^2 for each of them, prior and copy

    in_rep: Representation
    out_rep: Representation
    subgroups: tuple[FiniteGroup, ...]
    lengths: tuple[float, ...] = (0.4, 1.2)
    noises: tuple[float, ...] = (0.01, 0.1)
    weak: float = 0.3
    block: int = 400
    kept_bytes: int = 2**28
    membership: Tensor = field(init=False, repr=False, compare=False)
    whole: JointAction = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = (*self.lengths, *self.noises)
        if not self.lengths or not self.noises or self.block < 2 or not all(0 < v < math.inf for v in numbers):
            raise ConfigError("symmetric evidence: give positive lengths and noises, and a block of at least 2")
        if not isinstance(self.in_rep.group, FiniteGroup) or not self.subgroups:
            raise ConfigError("symmetric evidence compares subgroups of a finite group; give at least one")
        if not (self.in_rep.is_orthogonal and self.out_rep.is_orthogonal):
            raise GroupError(f"{self.in_rep.group.name} must act on X and Y by orthogonal matrices")
        # Listed once, because each copy of a statistic in a worker would otherwise list every subgroup again.
        object.__setattr__(self, "membership", membership(self.in_rep.finite_group, self.subgroups))
        object.__setattr__(self, "whole", JointAction(self.in_rep, self.out_rep))

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """Return the evidence of all subgroups of the problem."""
        return cls(problem.in_rep, problem.out_rep, problem.subgroups)

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the evidence against one hypothesis, which must be a subgroup with the action of the whole group.

        Raises:
            GroupError: `moves` is not the action of a subgroup on the same points.
        """
        members = members_of(moves, self.in_rep.finite_group, "symmetric evidence")
        scale = orbit_scale(moves, x, y, rng, self.whole)
        inputs, labels = scale(x, y)
        moved = moved_coordinates(self.whole, x.shape[1], y.shape[1], rng)
        kernels = _MovedKernels(self, inputs, torch.from_numpy(moved), self.alternatives(members), rng)

        def evidence(elements: Tensor) -> Tensor:
            logs = sum(kernels.logs(block, members[elements], labels) for block in range(len(kernels.blocks)))
            return torch.logsumexp(torch.as_tensor(logs), 1, keepdim=True)

        row_bytes = kernels.row_bytes(len(x))
        return FittedStatistic(labels, of_moves=evidence, row_bytes=row_bytes, resolution=scale.resolution)

    def alternatives(self, members: Tensor) -> Tensor:
        """Return the largest subgroups that do not contain the hypothesis, and the trivial group, shape (A, |G|), bool.

        The trivial group is included even if it is the hypothesis.

        Args:
            members: The elements of the hypothesis, shape (|H|,), int64.
        """
        listed, trivial = self.membership[:-1], self.membership[-1:]
        others = listed[~listed[:, members].all(1)]
        numbers = others.double()
        sizes = numbers.sum(1)
        # Row i, column j: subgroup i lies inside j, and j is larger.
        inside = (numbers @ numbers.t() == sizes.unsqueeze(1)) & (sizes.unsqueeze(1) < sizes)
        return torch.cat([others[~inside.any(1)], trivial])


class _MovedKernels:
    """The kernels k(x_i, g x_j) for all elements g, in blocks of samples, and the evidence of moved samples."""

    def __init__(
        self, model: SymmetricEvidence, x: Tensor, moved: Tensor, alternatives: Tensor, rng: np.random.Generator
    ) -> None:
        self.model, self.x, self.moved, self.alternatives = model, x, moved, alternatives
        self.group = ListedGroup.of(model.whole)
        table = model.in_rep.finite_group.multiplication_table().astype(np.int64)
        self.table = torch.from_numpy(table)
        self.inverse = self.table.argmin(1)
        self.priors = len(model.lengths) * len(self._relevances())
        self.outputs = self.group.row_width
        element_bytes = 8 * len(self.table) * self.priors
        most = max(2, min(model.block // self.outputs, math.isqrt(model.kept_bytes // element_bytes)))
        order = np.array_split(rng.permutation(len(x)), math.ceil(len(x) / most))
        self.blocks = [torch.from_numpy(np.sort(rows)) for rows in order]
        fits = element_bytes * sum(len(rows) ** 2 for rows in self.blocks) <= model.kept_bytes
        self.kept = [self._kernels(rows) for rows in self.blocks] if fits else []

    def _relevances(self) -> list[float]:
        """Return weights of the squared distance along coordinates that the whole group fixes."""
        still = int((~self.moved).sum())
        if still in {0, len(self.moved)}:
            return [0.0]
        return [0.0, self.model.weak**2 / still, 1.0]

    def _kernels(self, rows: Tensor) -> Tensor:
        """Return k(x_i, g x_j) of one block's rows (m,), one matrix per element and prior: (P, |G|, m, m)."""
        near = self.x[rows].clone()
        near[:, ~self.moved] = 0
        if not self.moved.any():
            near = self.x[rows]
        distances = torch.cat(list(self.group.distances(near)))
        still = self.x[rows][:, ~self.moved]
        apart = torch.cdist(still, still) ** 2 if len(self._relevances()) > 1 else torch.zeros(1)
        found = []
        for weight in self._relevances():
            dim = max(1, int(self.moved.sum())) + weight * int((~self.moved).sum())
            for length in self.model.lengths:
                found.append(matern_five_halves(distances + weight * apart, length * math.sqrt(2 * dim)))
        return torch.stack(found)

    def logs(self, block: int, elements: Tensor, labels: Tensor) -> Tensor:
        """Return the log evidence of each prior: elements (R, n), numbers in the whole group, labels (n, q) -> (R, A P
        noises).

        `block` is the number of the block of samples.
        """
        rows = self.blocks[block]
        kernels = self.kept[block] if self.kept else self._kernels(rows)
        part = labels[rows].reshape(-1, 1) if self.group.moves_labels else labels[rows]
        return torch.stack([self._logs(kernels, part, row) for row in elements[:, rows]])

    def _logs(self, kernels: Tensor, y: Tensor, elements: Tensor) -> Tensor:
        """Return the log evidence of one row of a block: kernels (P, |G|, m, m), y (N, c), elements (m,) -> (A P
        noises,).
        """
        averaged = self._averaged(kernels, elements)
        n, columns = y.shape
        found = []
        for noise in self.model.noises:
            covariance = averaged.clone()
            covariance.diagonal(dim1=1, dim2=2).add_(noise)
            factor = torch.linalg.cholesky(covariance)
            residual = torch.linalg.solve_triangular(factor, y.expand(len(factor), -1, -1), upper=False)
            misfit = (residual**2).sum((1, 2)).clamp_min(torch.finfo(torch.float64).tiny)
            half_log_det = torch.diagonal(factor, dim1=1, dim2=2).log().sum(1)
            found.append(-n * columns / 2 * misfit.log() - columns * half_log_det)
        return torch.cat(found)

    def _averaged(self, kernels: Tensor, elements: Tensor) -> Tensor:
        """Return k_K between samples moved by elements (m,), in their original coordinates, (A P, m q, m q).

        In these coordinates labels stay, and a block is the mean over h in K of k(x_i, u x_j) rhohat_u, u = g_i^{-1} h
        g_j.
        """
        priors, order, m = kernels.shape[:3]
        size = m * self.outputs
        flat = kernels.reshape(priors, order * m * m)
        pairs = torch.arange(m * m).reshape(m, m)
        steps = self.table[self.inverse[elements]]
        total = torch.zeros(len(self.alternatives), priors, size, size, dtype=torch.float64)
        for h in torch.nonzero(self.alternatives.any(0)).flatten():
            turns = self.table[steps[:, h]][:, elements]
            kernel = flat.index_select(1, (turns * (m * m) + pairs).flatten()).reshape(priors, m, m)
            if self.group.moves_labels:
                kernel = torch.einsum("pij,ijab->piajb", kernel, self.group.on_y[turns]).reshape(priors, size, size)
            for k in torch.nonzero(self.alternatives[:, h]).flatten():
                total[k] += kernel
        total /= self.alternatives.sum(1).reshape(-1, 1, 1, 1)
        return total.flatten(0, 1)

    def row_bytes(self, n: int) -> int:
        """Return the memory in bytes of one row of n samples: averaged kernels, covariance, factor, and temporaries."""
        largest = max(len(rows) for rows in self.blocks)
        return 8 * ((3 * len(self.alternatives) + 4) * self.priors * (largest * self.outputs) ** 2 + n)
