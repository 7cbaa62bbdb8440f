"""Test of independence of X and Y. It comes before every symmetry: without a relation there is nothing to share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.kernels import matern, squared_distances
from sharefind.inference.row_blocks import refuse_unpermutable, renumbered, subsample, unit_count, unit_orders
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.p_values import RandomisationTest, found_test, grown_test
from sharefind.inference.tests.sequential import CopiesDesign
from sharefind.meanfield.clouds.standardise import varies
from sharefind.parallel import Workers
from sharefind.rng import named_stream


@warns_of_rows
def independence_test(
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    copies: int = 199,
    focus: NDArray[np.bool_] | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    alpha: float | None = None,
    views: Sequence[Tensor] = (),
    *,
    inverse_lengths: tuple[float, ...] = (0.2, 0.8, 3.2),
    most_samples: int = 1000,
    block_bytes: int = 2**26,
) -> RandomisationTest:
    """Return the test that Y is independent of X, by permuting labels: tr(Y^T K Y) for centred Y, the biased HSIC
    statistic.

    K is the linear kernel or a Matern kernel of one of three lengths, on all coordinates and on those in focus. These
    components are combined (Gretton et al. 2008, "A kernel statistical test of independence"). The test is exact by the
    permutation argument. If rows come in units, the labels of whole units are exchanged with those of units of the same
    size.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        rng: Source of the permutations.
        copies: Number m of permutations.
        focus: Coordinates that are also examined on their own, such as the ones a candidate group moves, shape
            (d_in,).
        workers: Their deadline applies; this process does all the work.
        units: Unit of each row, shape (n,), int64; None if each row is a unit.
        alpha: A level near which the number of permutations grows; None fixes the number.
        views: Further functions of the inputs that are examined, shape (n, anything) each.
        inverse_lengths: Inverse length scales of the kernel for inputs of spread 1, divided by the root of their
            number; from smooth to rough.
        most_samples: Largest number of samples used; more cost n^2 and add little.
        block_bytes: Memory in bytes of the permutations evaluated at a time.

    Returns:
        The test.

    Raises:
        ConfigError: The number of copies is below 1.
        InputError: The samples are empty, do not match or are not finite, or no two units have the same size.
    """
    if copies < 1:
        raise ConfigError(f"independence test: copies={copies}; give 1 or more")
    refuse_bad_samples(x, y, units)
    if units is not None:
        unit_count(units, len(x))
        refuse_unpermutable(units)
    started, workers = time.perf_counter(), workers or Workers()
    kept = _kept(len(x), units, most_samples)
    blocks = None if units is None else renumbered(units[kept])
    inputs, labels = x[kept].double(), y[kept].double()
    kernels = _kernels(inputs, inverse_lengths)
    if focus is not None and focus.any() and not focus.all():
        kernels += _kernels(inputs[:, torch.from_numpy(focus)], inverse_lengths)
    for view in views:
        kernels += _kernels(view[kept].double(), inverse_lengths)
    scaled = _standardised(labels)
    size = max(1, block_bytes // (3 * 8 * scaled.numel()))

    def rows(_: str, first: int, last: int) -> Iterator[NDArray[np.float64]]:
        for start in range(first, last, size):
            workers.refuse_late()
            orders = _orders(len(kept), blocks, min(size, last - start), rng)
            yield _alignments(kernels, scaled[orders]).numpy()

    observed = _alignments(kernels, scaled.unsqueeze(0)).numpy()
    if alpha is not None:
        found = grown_test("independence", observed, rows, CopiesDesign(alpha, copies))
        return replace(found, seconds=time.perf_counter() - started)
    everything = np.concatenate([observed, *rows("", 0, copies)])
    return found_test("independence", everything, time.perf_counter() - started)


def _kept(n: int, units: Tensor | None, most: int) -> Tensor:
    """Return a bounded number of rows, whole units or equal parts of units; the same for every seed."""
    rng = named_stream(0, "independence", "rows")
    return torch.from_numpy(rng.permutation(n)[:most]) if units is None else subsample(units, most, rng)


def _orders(n: int, units: Tensor | None, copies: int, rng: np.random.Generator) -> Tensor:
    """Return orders of the labels, (copies, n)."""
    if units is not None:
        return unit_orders(units, copies, rng)
    return torch.from_numpy(np.stack([rng.permutation(n) for _ in range(copies)]))


@dataclass(frozen=True)
class _Kernel:
    """A kernel on n rows: K itself, (n, n), or a root (n, r) with K = root root^T, where that is thinner."""

    matrix: Tensor
    is_root: bool = False

    def alignment(self, labels: Tensor) -> Tensor:
        """Return y^T K y of each column of labels (n, m)."""
        if self.is_root:
            return ((self.matrix.t() @ labels) ** 2).sum(0)
        return _quadratic(self.matrix, labels)


def _quadratic(matrix: Tensor, labels: Tensor, whole: int = 256) -> Tensor:
    """Return y^T K y of each column of labels (n, m), K symmetric: its blocks beside the diagonal are read once."""
    half = len(matrix) // 2
    if half < whole:
        return (labels * (matrix @ labels)).sum(0)
    upper, lower = labels[:half], labels[half:]
    between = (upper * (matrix[:half, half:] @ lower)).sum(0)
    return _quadratic(matrix[:half, :half], upper) + 2 * between + _quadratic(matrix[half:, half:], lower)


def _alignments(kernels: Sequence[_Kernel], labels: Tensor) -> Tensor:
    """Return tr(Y^T K Y) for each of k kernels: labels (R, n, q) -> (R, k)."""
    side_by_side = labels.transpose(0, 1).flatten(1)
    products = [kernel.alignment(side_by_side) for kernel in kernels]
    return torch.stack(products, dim=1).reshape(len(labels), -1, len(kernels)).sum(1)


def _kernels(x: Tensor, inverse_lengths: tuple[float, ...]) -> list[_Kernel]:
    """Return the kernels on columns of spread 1: the linear one, and one of each length."""
    scaled = _standardised(x)
    distances = squared_distances(scaled.unsqueeze(0))[0]
    root, widths = scaled / x.shape[1] ** 0.5, [w / x.shape[1] ** 0.5 for w in inverse_lengths]
    linear = _Kernel(root, is_root=True) if x.shape[1] < len(x) else _Kernel(root @ root.t())
    return [linear, *(_Kernel(matern(distances, width)) for width in widths)]


def _standardised(values: Tensor) -> Tensor:
    """Return columns with mean 0 and spread 1; 0 for columns that vary only by rounding."""
    centred = values - values.mean(0)
    is_constant = torch.from_numpy(~varies(values.numpy()))
    spread = centred.std(0, correction=0)
    return torch.where(is_constant, 0.0, centred / torch.where(spread > 0, spread, 1.0))
