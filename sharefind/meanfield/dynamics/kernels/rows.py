"""Steps along the particles, which come last: sums of rows, and what the penalty and the noise do to a particle."""

from __future__ import annotations

import numpy as np

from sharefind.meanfield.dynamics.kernels.compiling import INLINED, INNER, compiled
from sharefind.meanfield.dynamics.kernels.numbers import fill_gaussians

_u = np.uint64


@compiled(**INLINED)
def combine(out, to, rows, first, count, weights, b, low, high):
    """out[to] += sum_j weights[b, j] rows[first + j] from low to high; eight rows a pass: `out` moves little."""
    j, f = 0, first
    while j + 8 <= count:
        c0, c1, c2, c3 = weights[b, j], weights[b, j + 1], weights[b, j + 2], weights[b, j + 3]
        c4, c5, c6, c7 = weights[b, j + 4], weights[b, j + 5], weights[b, j + 6], weights[b, j + 7]
        for n in range(low, high):
            left = c0 * rows[f, n] + c1 * rows[f + 1, n] + c2 * rows[f + 2, n] + c3 * rows[f + 3, n]
            right = c4 * rows[f + 4, n] + c5 * rows[f + 5, n] + c6 * rows[f + 6, n] + c7 * rows[f + 7, n]
            out[to, n] += left + right
        j, f = j + 8, f + 8
    if j + 4 <= count:
        c0, c1, c2, c3 = weights[b, j], weights[b, j + 1], weights[b, j + 2], weights[b, j + 3]
        for n in range(low, high):
            out[to, n] += c0 * rows[f, n] + c1 * rows[f + 1, n] + c2 * rows[f + 2, n] + c3 * rows[f + 3, n]
        j, f = j + 4, f + 4
    while j < count:
        c0 = weights[b, j]
        for n in range(low, high):
            out[to, n] += c0 * rows[f, n]
        j, f = j + 1, f + 1


@compiled(**INNER)
def _stir(weights, shrink, spread, zeta, place, length, mixing, low, high):
    """weights (D, N) <- shrink weights + spread noise from low to high; see `disturb` for the noise."""
    for row in range(weights.shape[0]):
        if place.shape[0] > 0:
            source, scale = place[row], spread * length[row]
            for n in range(low, high):
                weights[row, n] = weights[row, n] * shrink + scale * zeta[source, n]
        else:
            for n in range(low, high):
                weights[row, n] *= shrink
            combine(weights, row, zeta, 0 * row, zeta.shape[0], mixing, row, low, high)


@compiled(**INLINED)
def affine(weights, x, b, first, count, bias, out, low, high):
    """out[0] = the sum over i < count of x[b, i] weights[first + i], plus row `bias` where it is not negative."""
    if bias >= 0:
        for n in range(low, high):
            out[0, n] = weights[bias, n]
    else:
        for n in range(low, high):
            out[0, n] = 0
    combine(out, 0 * first, weights, first, count, x, b, low, high)


@compiled(**INNER)
def disturb(weights, shrink, spread, place, length, basis, mixing, numbers, seed, step, replicate):
    """weights (D, N) <- shrink weights + spread noise: what the penalty and the noise do in one step.

    The noise is made of `rank` standard Gaussians a particle, rows of `numbers` (rank, N) and more: row i is length[i]
    times number place[i], or basis (D, rank) times the numbers where `place` is empty. mixing (D, rank): scratch.
    """
    particles = _u(weights.shape[1])
    fill_gaussians(numbers, seed & _u(0xFFFFFFFF), seed >> _u(32), _u(step), _u(replicate))
    rank = mixing.shape[1]
    zeta = numbers[: rank * weights.shape[1]].reshape(rank, weights.shape[1])
    for i in range(basis.shape[0]):
        for j in range(rank):
            mixing[i, j] = spread * basis[i, j]
    _stir(weights, shrink, spread, zeta, place, length, mixing, _u(0), particles)


@compiled(**INNER)
def residual(means, labels, covector):
    """The mean squared error of predictions (B, d_out), and its slopes in covector (d_out, B)."""
    batch, error = means.shape[0], 0.0
    for b in range(batch):
        for o in range(means.shape[1]):
            gap = means[b, o] - labels[b, o]
            error += gap * gap / batch
            covector[o, b] = 2 * gap / batch
    return error
