"""Is Y independent of X at all? The question before every symmetry: without a relation there is nothing to share."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.marginal_likelihood import matern, squared_distances
from sharefind.inference.randomisation import BLOCK_BYTES, TIE, RandomisationTest, found_test
from sharefind.inference.samples import refuse_bad_samples
from sharefind.inference.units import refuse_unpermutable, renumbered, subsample, unit_count, unit_orders
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
) -> RandomisationTest:
    """Test that Y is independent of X, by permuting labels: tr(Y^T K Y) for centred Y, the biased HSIC statistic.

    K is the linear kernel or a Matern one of three lengths, on all coordinates and on those in focus, components that
    are looked at together (Gretton et al. 2008, "A kernel statistical test of independence"). Exact by the permutation
    argument.

    Args:
        x: (n, d_in). y: (n, d_out). rng: of the permutations. copies: m.
        focus: (d_in,), coordinates that are looked at on their own too: those that a candidate group moves.
        workers: whose deadline holds; this process does all of it.
        units: (n,), int64, numbered from 0: labels of whole units are exchanged, among units of equal size; None where
            rows are independent.

    Raises:
        ConfigError: no copies. InputError: the samples are empty, do not match or are not finite, or no two units have
            the same number of rows.
    """
    if copies < 1:
        raise ConfigError(f"independence test: copies={copies}; give 1 or more")
    refuse_bad_samples(x, y, units)
    if units is not None:
        unit_count(units, len(x))
        refuse_unpermutable(units)
    started, workers = time.perf_counter(), workers or Workers()
    kept = _kept(len(x), units, rng)
    inputs, labels = x[kept].double(), y[kept].double()
    kernels = _kernels(inputs)
    if focus is not None and focus.any() and not focus.all():
        kernels = torch.cat([kernels, _kernels(inputs[:, torch.from_numpy(focus)])])
    centred = labels - labels.mean(0)
    size = max(1, BLOCK_BYTES // (3 * 8 * centred.numel()))
    rows = [_alignments(kernels, centred.unsqueeze(0))]
    for first in range(0, copies, size):
        workers.refuse_late()
        orders = _orders(len(kept), None if units is None else renumbered(units[kept]), min(size, copies - first), rng)
        rows.append(_alignments(kernels, centred[orders]))
    return found_test("independence", torch.cat(rows).numpy(), time.perf_counter() - started)


def _kept(n: int, units: Tensor | None, rng: np.random.Generator) -> Tensor:
    """At most `LARGEST` rows, whole units or alike rows of each where there are units."""
    return torch.from_numpy(rng.permutation(n)[:LARGEST]) if units is None else subsample(units, LARGEST, rng)


def _orders(n: int, units: Tensor | None, copies: int, rng: np.random.Generator) -> Tensor:
    """Orders (copies, n) of the labels."""
    if units is not None:
        return unit_orders(units, copies, rng)
    return torch.from_numpy(np.stack([rng.permutation(n) for _ in range(copies)]))


def _alignments(kernels: Tensor, labels: Tensor) -> Tensor:
    """tr(Y^T K Y) for each kernel (k, n, n): labels (R, n, q) -> (R, k)."""
    side_by_side = labels.transpose(0, 1).flatten(1)
    products = [(side_by_side * (kernel @ side_by_side)).sum(0) for kernel in kernels]
    return torch.stack(products, dim=1).reshape(len(labels), -1, len(kernels)).sum(1)


def _kernels(x: Tensor) -> Tensor:
    """(4, n, n) on columns of spread 1."""
    centred = x - x.mean(0)
    spread = centred.std(0, correction=0)
    scaled = centred / torch.where(spread > TIE * x.abs().amax(0), spread, torch.inf)
    distances = squared_distances(scaled.unsqueeze(0))[0]
    widths = [w / x.shape[1] ** 0.5 for w in INVERSE_LENGTHS]
    return torch.stack([scaled @ scaled.t() / x.shape[1], *(matern(distances, w) for w in widths)])
