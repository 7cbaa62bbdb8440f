"""The evidence of tied Gaussian processes for all subgroups of a lattice at once, by Cholesky factors.

Kernels k(x_i, h x_j) are formed once for all subgroups; the covariance of each falls into the irreducible parts of the
labels. Constants that a group leaves alone have a prior of their own, so that origins of the labels cost little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.label_parts import LabelPart, label_parts
from sharefind.inference.relation.listed_lattice import ListedLattice, Members
from sharefind.inference.relation.share_kernels import SHARE_KERNELS, OrbitProducts, ShareKernel
from sharefind.inference.statistics.training_blocks import TrainingBlock, in_blocks
from sharefind.parallel import Workers

StepProgress = Callable[[int, int], None]
"""(steps done, steps in all)."""


@dataclass(frozen=True)
class ShareSettings:
    """The Gaussian processes that are compared, and the work allowed.

    Attributes:
        kernels: Names in `SHARE_KERNELS`.
        widths: Lengths of the kernel, in medians of the distance between rows.
        bias: A constant input, in the same units, from which units of the network kernel have their biases.
        noises: Noise variances, relative to the mean variance of the tied function.
        constants: Prior variances of a constant that the group fixes, relative to the same.
        temperature: Logarithms of evidence are divided by it before they become shares; chosen by simulation, on other
            data sets than those on which shares were found to be calibrated.
        alike: Part of the largest share that a larger group needs in order to count as equally likely.
        most_rows: Most rows that are read.
        most_order: Largest group whose subgroups are compared.
        most_entries: Most distances that are held at once: order x rows^2.
        most_work: Most floating-point operations of all Cholesky factors: rows are cut into blocks whose logarithms add
            up, at common hyperparameters, until they cost less.
        least_block: Least rows of a block; where even these cost more, fewer rows are read.
        least_rows: Smallest number of rows from which shares are computed.
    """

    kernels: tuple[str, ...] = ("matern", "network")
    widths: tuple[float, ...] = (0.5, 1.2, 3.0)
    bias: float = 0.3
    noises: tuple[float, ...] = (3e-3, 0.03, 0.3, 2.0)
    constants: tuple[float, ...] = (1.0, 1e3, 1e6)
    temperature: float = 1.2
    alike: float = 0.9
    most_rows: int = 500
    most_order: int = 200
    most_entries: int = 20_000_000
    most_work: float = 1e10
    least_block: int = 25
    least_rows: int = 10

    def __post_init__(self) -> None:
        grids = (self.widths, self.noises, self.constants)
        numbers = [*self.widths, *self.noises, *self.constants, self.temperature, self.bias]
        if not self.kernels or not set(self.kernels) <= set(SHARE_KERNELS):
            raise ConfigError(f"shares: kernels {list(self.kernels)}: give some of {', '.join(SHARE_KERNELS)}")
        if not all(grids) or not all(0 < v < math.inf for v in numbers):
            raise ConfigError("shares: give positive widths, noises, constants, bias and temperature")


@dataclass(frozen=True, eq=False)
class TiedProcesses:
    """The processes of all subgroups of a lattice.

    Attributes:
        lattice: The subgroups.
        settings: Widths, noises, constants.
    """

    lattice: ListedLattice
    settings: ShareSettings

    @cached_property
    def distinct(self) -> dict[bytes, Members]:
        """The subgroups that act in different ways."""
        return {members.tobytes(): members for members in self.lattice.members.values()}

    @cached_property
    def parts(self) -> dict[bytes, list[LabelPart]]:
        """The parts of the labels that each mixes within itself."""
        rng = np.random.default_rng(0)  # of the search for parts, which are the same whatever is drawn
        return {key: label_parts(self.lattice.on_y[members], rng) for key, members in self.distinct.items()}

    def block_rows(self, rows: int) -> int:
        """Return the number of rows of a block such that all blocks cost at most `most_work`; 0 where no number does.

        Args:
            rows: Number of rows that are cut into blocks.
        """
        settings = self.settings
        factors = len(settings.kernels) * len(settings.widths) * len(settings.noises)
        cubes = factors * sum(p.matrices.shape[1] ** 3 for parts in self.parts.values() for p in parts) / 3
        least = min(settings.least_block, rows)
        if rows * least**2 * cubes > settings.most_work:
            return 0
        held = math.isqrt(settings.most_entries // len(self.lattice.on_x))
        return min(rows, held, math.isqrt(int(settings.most_work / (rows * cubes))))

    def readable_rows(self, rows: int) -> int:
        """Return the number of rows that can be read; 0 where they are too few.

        Args:
            rows: Number of rows that there are.
        """
        found = min(rows, self.settings.most_rows)
        while found >= self.settings.least_rows and self.block_rows(found) == 0:
            found = found * 3 // 4
        return found if found >= self.settings.least_rows else 0

    def log_evidence(
        self,
        x: Tensor,
        y: Tensor,
        parts: Sequence[NDArray[np.int64]],
        progress: StepProgress | None = None,
        workers: Workers | None = None,
    ) -> dict[str, float]:
        """Logarithms of the mean of p(Y | X) over the hyperparameters, up to one constant.

        Args:
            x: Scaled inputs, shape (n, d_in), not all the same.
            y: Scaled labels, shape (n, d_out).
            parts: Blocks of rows whose logarithms add up.
            progress: Called before each step; with several workers when some are done.
            workers: Share the steps, with the same result; this process alone if None.

        Returns:
            One for each subgroup.
        """
        settings = self.settings
        products = OrbitProducts.of(x, self.lattice.on_x, settings.bias)
        cells = list(product(settings.kernels, settings.widths))
        steps = _Steps(self, products, y, list(product(parts, cells)))
        sums = in_blocks(steps, [TrainingBlock(k, k, 1) for k in range(len(steps.places))], workers, progress)
        shape = (len(cells), len(settings.noises), len(settings.constants))
        misfits, log_dets = torch.zeros(2, len(self.distinct), *shape, dtype=torch.float64)
        for number, (misfit, log_det) in enumerate(sums):
            misfits[:, number % len(cells)] += misfit
            log_dets[:, number % len(cells)] += log_det
        logs = {key: _log_mean(misfits[k], log_dets[k], y.numel()) for k, key in enumerate(self.distinct)}
        return {name: logs[members.tobytes()] for name, members in self.lattice.members.items()}

    def noise_evidence(self, y: Tensor, parts: Sequence[NDArray[np.int64]]) -> float:
        """Return the evidence that labels are constants of the largest group and noise, and nothing else.

        Args:
            y: Labels, shape (n, d_out).
            parts: Rows of each block.
        """
        constants = torch.tensor(self.settings.constants, dtype=torch.float64)
        largest = max(self.distinct, key=lambda key: len(self.distinct[key]))
        misfit, log_det = torch.zeros_like(constants) + (y**2).sum(), torch.zeros_like(constants)
        for part in parts:
            grown = 1 + constants * len(part)
            for fixed in (each for each in self.parts[largest] if each.is_fixed):
                sums = fixed.coordinates(y[part]).sum(0)
                misfit = misfit - constants / grown * (sums**2).sum()
                log_det = log_det + sums.numel() * grown.log() / 2
        return _log_mean(misfit, log_det, y.numel())

    def sums(
        self, products: OrbitProducts, y: Tensor, part: NDArray[np.int64], kernel: ShareKernel, width: float
    ) -> tuple[Tensor, Tensor]:
        """tr(Y^T K^-1 Y) and (r / 2) log det K of some rows, for one kernel and every subgroup that acts by itself.

        Args:
            products: Products of all inputs.
            y: Scaled labels of the rows, shape (m, d_out).
            part: Numbers of the rows, shape (m,).
            kernel: The kernel.
            width: Its length.

        Returns:
            Two of shape (subgroups, noises, constants).
        """
        kernels, variance = products.between(part, kernel, width), self._variances(products.own(kernel, width))
        found = [self._sums(kernels[m] / variance[key], y, self.parts[key]) for key, m in self.distinct.items()]
        return torch.stack([misfit for misfit, _ in found]), torch.stack([log_det for _, log_det in found])

    def _variances(self, own: Tensor, rounding: float = 1e-12) -> dict[bytes, float]:
        """Mean variance of an output of each tied process, from the mean of k(x, h x), shape (g,).

        1 of a process that is 0, as where a sign of the labels leaves inputs alone: there is nothing to scale.
        """
        traces = self.lattice.on_y.diagonal(dim1=1, dim2=2).mean(1) * own
        found = {key: float(traces[members].mean()) for key, members in self.distinct.items()}
        return {key: variance if variance > rounding else 1.0 for key, variance in found.items()}

    def _sums(self, kernels: Tensor, y: Tensor, parts: Sequence[LabelPart]) -> tuple[Tensor, Tensor]:
        noises, constants = (
            torch.tensor(v, dtype=torch.float64) for v in (self.settings.noises, self.settings.constants)
        )
        sums = []
        for part in parts:
            labels = part.coordinates(y).flatten(0, 1)
            basis = torch.ones(len(labels), int(part.is_fixed), dtype=labels.dtype)
            sums.append(factored_sums(part.covariance(kernels), labels, basis, noises, constants))
        return torch.stack([s[0] for s in sums]).sum(0), torch.stack([s[1] for s in sums]).sum(0)


@dataclass(frozen=True, eq=False)
class _Steps:
    """Data of a process for the sums of some steps; `places` has the rows and the kernel of each step."""

    processes: TiedProcesses
    products: OrbitProducts
    y: Tensor
    places: Sequence[tuple[NDArray[np.int64], tuple[str, float]]]

    def __call__(self, block: TrainingBlock, progress: StepProgress | None = None) -> tuple[Tensor, Tensor]:
        """Return the sums of one step."""
        if progress is not None:
            progress(0, 1)
        part, (kernel, width) = self.places[block.number]
        return self.processes.sums(self.products, self.y[part], part, SHARE_KERNELS[kernel], width)


def factored_sums(
    covariance: Tensor, labels: Tensor, basis: Tensor, noises: Tensor, constants: Tensor
) -> tuple[Tensor, Tensor]:
    """tr(Y^T K^-1 Y) and (r / 2) log det K of K = covariance + noise I + constant basis basis^T.

    The constants are of low rank: they cost nothing beside the Cholesky factor of the rest.

    Args:
        covariance: Shape (m, m).
        labels: Y, shape (m, r).
        basis: Shape (m, f).
        noises: Shape (N,).
        constants: Shape (C,).

    Returns:
        Two of shape (N, C).
    """
    whole = covariance.expand(len(noises), -1, -1).clone()
    whole.diagonal(dim1=-2, dim2=-1).add_(noises.unsqueeze(1))
    factor = torch.linalg.cholesky(whole)
    both = torch.cat([labels, basis], dim=1).expand(len(noises), -1, -1)
    solved = torch.linalg.solve_triangular(factor, both, upper=False)
    count = labels.shape[1]
    solved_labels, solved_basis = solved[..., :count], solved[..., count:]
    misfit = (solved_labels**2).sum((1, 2)).unsqueeze(1).expand(-1, len(constants))
    half_log_det = factor.diagonal(dim1=-2, dim2=-1).log().sum(1).unsqueeze(1).expand(-1, len(constants))
    if basis.shape[1] == 0:
        return misfit, count * half_log_det
    values, vectors = torch.linalg.eigh(solved_basis.mT @ solved_basis)
    explained = ((vectors.mT @ solved_basis.mT @ solved_labels) ** 2).sum(2)
    grown = 1 + constants[:, None] * values.clamp_min(0).unsqueeze(1)
    misfit = misfit - (constants[:, None] / grown * explained.unsqueeze(1)).sum(2)
    return misfit, count * (half_log_det + grown.log().sum(2) / 2)


def _log_mean(misfit: Tensor, log_det: Tensor, count: int) -> float:
    logs = -count / 2 * misfit.clamp_min(torch.finfo(torch.float64).tiny).log() - log_det
    return float(torch.logsumexp(logs.flatten(), 0)) - math.log(logs.numel())
