"""Is Y independent of X at all? The question before every symmetry: without a relation there is nothing to share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.marginal_likelihood import matern, squared_distances
from sharefind.inference.p_values import RandomisationTest, found_test, grown_test
from sharefind.inference.randomisation import BLOCK_BYTES
from sharefind.inference.samples import refuse_bad_samples
from sharefind.inference.sequential import CopiesDesign
from sharefind.meanfield.standardise import varies
from sharefind.streams import named_stream
from sharefind.workers import Workers

INVERSE_LENGTHS = (0.2, 0.8, 3.2)
"""Inverse length scales of the kernel on inputs of spread 1, divided by the root of their number: smooth to rough."""

LARGEST = 1000
"""Most samples that are used: more cost n^2 and show nothing that these do not."""


def independence_test(
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    copies: int = 199,
    focus: NDArray[np.bool_] | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    alpha: float | None = None,
) -> RandomisationTest:
    """Test that Y is independent of X, by permuting labels: tr(Y^T K Y) for centred Y, the biased HSIC statistic.

    K is the linear kernel or a Matern one of three lengths, on all coordinates and on those in focus, components that
    are looked at together (Gretton et al. 2008, "A kernel statistical test of independence"). Exact by the permutation
    argument. Where rows come in units, the labels of whole units change places with those of units of the same size.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        rng: Of the permutations.
        copies: m, the number of permutations.
        focus: Coordinates that are looked at on their own too, those that a candidate group moves, shape (d_in,).
        workers: Whose deadline holds; this process does all of it.
        units: The unit of each row, shape (n,), int64; None where each row is one.
        alpha: A level near which the number of permutations grows; it is fixed where None.

    Returns:
        The test.

    Raises:
        ConfigError: There are no copies.
        InputError: The samples are empty, do not match or are not finite, or no two units have the same size.
    """
    if copies < 1:
        raise ConfigError(f"independence test: copies={copies}; give 1 or more")
    refuse_bad_samples(x, y)
    started, workers = time.perf_counter(), workers or Workers()
    kept = _kept(len(x), units)
    inputs, labels = x[kept].double(), y[kept].double()
    permuted = _permutations(len(kept), None if units is None else units[kept])
    kernels = _kernels(inputs)
    if focus is not None and focus.any() and not focus.all():
        kernels = torch.cat([kernels, _kernels(inputs[:, torch.from_numpy(focus)])])
    scaled = _standardised(labels)
    size = max(1, BLOCK_BYTES // (3 * 8 * scaled.numel()))

    def rows(_: str, first: int, last: int) -> Iterator[NDArray[np.float64]]:
        for start in range(first, last, size):
            workers.refuse_late()
            orders = np.stack([permuted(rng) for _ in range(min(size, last - start))])
            yield _alignments(kernels, scaled[torch.from_numpy(orders)]).numpy()

    observed = _alignments(kernels, scaled.unsqueeze(0)).numpy()
    if alpha is not None:
        found = grown_test("independence", observed, rows, CopiesDesign(alpha, copies))
        return replace(found, seconds=time.perf_counter() - started)
    everything = np.concatenate([observed, *rows("", 0, copies)])
    return found_test("independence", everything, time.perf_counter() - started)


def _kept(n: int, units: Tensor | None) -> Tensor:
    """Numbers of the rows that are used, the same for every seed: `LARGEST` of them, in whole units."""
    rng = named_stream(0, "independence", "rows")
    if units is None:
        return torch.from_numpy(rng.permutation(n)[:LARGEST])
    sizes = np.bincount(units.numpy())
    order = rng.permutation(len(sizes))
    chosen = order[: max(2, int(np.searchsorted(np.cumsum(sizes[order]), LARGEST, side="right")))]
    return torch.nonzero(torch.isin(units, torch.from_numpy(chosen))).flatten()


def _permutations(n: int, units: Tensor | None) -> Callable[[np.random.Generator], NDArray[np.int64]]:
    """Draws orders of n rows that leave the law of independent units alone.

    Raises:
        InputError: no two units have the same size, so that nothing can change places.
    """
    if units is None:
        return lambda rng: rng.permutation(n)
    _, places = np.unique(units.numpy(), return_inverse=True)
    rows = np.argsort(places, kind="stable")
    sizes = np.bincount(places)
    starts = np.cumsum(sizes) - sizes
    groups = [
        np.stack([rows[starts[u] : starts[u] + size] for u in np.flatnonzero(sizes == size)]) for size in set(sizes)
    ]
    if all(len(group) == 1 for group in groups):
        raise InputError(
            "no two units have the same number of rows, so that none can change places and independence cannot be "
            "tested; give units of equal size, for instance with --block-length"
        )

    def order(rng: np.random.Generator) -> NDArray[np.int64]:
        drawn = np.empty(n, dtype=np.int64)
        for group in groups:
            drawn[group] = group[rng.permutation(len(group))]
        return drawn

    return order


def _alignments(kernels: Tensor, labels: Tensor) -> Tensor:
    """tr(Y^T K Y) for each kernel (k, n, n): labels (R, n, q) -> (R, k)."""
    side_by_side = labels.transpose(0, 1).flatten(1)
    products = [(side_by_side * (kernel @ side_by_side)).sum(0) for kernel in kernels]
    return torch.stack(products, dim=1).reshape(len(labels), -1, len(kernels)).sum(1)


def _kernels(x: Tensor) -> Tensor:
    """(4, n, n) on columns of spread 1."""
    scaled = _standardised(x)
    distances = squared_distances(scaled.unsqueeze(0))[0]
    widths = [w / x.shape[1] ** 0.5 for w in INVERSE_LENGTHS]
    return torch.stack([scaled @ scaled.t() / x.shape[1], *(matern(distances, w) for w in widths)])


def _standardised(values: Tensor) -> Tensor:
    """Columns of mean 0 and spread 1; 0 for those in which nothing but rounding varies."""
    centred = values - values.mean(0)
    is_constant = torch.from_numpy(~varies(values.numpy()))
    spread = centred.std(0, correction=0)
    return torch.where(is_constant, 0.0, centred / torch.where(spread > 0, spread, 1.0))
