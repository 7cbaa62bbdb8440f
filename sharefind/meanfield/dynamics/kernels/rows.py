"""Steps along the particles, which come last: sums of rows, and what the penalty and the noise do to a particle."""

from __future__ import annotations

import numpy as np

from sharefind.meanfield.dynamics.kernels.compiling import INLINED, INNER, compiled
from sharefind.meanfield.dynamics.kernels.numbers import fill_gaussians

_u = np.uint64


@compiled(**INLINED)
def combine(out, to, rows, first, count, weights, b, low, high):
    """Add a combination of rows to a row: out[to] += sum_j weights[b, j] rows[first + j].

    Eight rows are added in a pass, so that `out` is read and written seldom.

    Args:
        out: Rows of particles, shape (rows, N), written.
        to: The row that is written.
        rows: Rows of particles, shape (rows, N).
        first: The first row that is added.
        count: Number of rows that are added.
        weights: Shape (B, count).
        b: The row of `weights`.
        low: First particle, uint64.
        high: Particle after the last, uint64.
    """
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
    """Set out[0] to the sum over i < count of x[b, i] weights[first + i], plus a row `bias`.

    Args:
        weights: Particles, shape (D, N).
        x: Inputs, shape (B, d_in).
        b: The sample.
        first: The row of the first input.
        count: Number of inputs.
        bias: The row of the bias; negative for none.
        out: Shape (1, N), written.
        low: First particle, uint64.
        high: Particle after the last, uint64.
    """
    if bias >= 0:
        for n in range(low, high):
            out[0, n] = weights[bias, n]
    else:
        for n in range(low, high):
            out[0, n] = 0
    combine(out, 0 * first, weights, first, count, x, b, low, high)


@compiled(**INNER)
def disturb(weights, shrink, spread, place, length, basis, mixing, numbers, seed, step, replicate):
    """Shrink the particles and add noise, as the penalty and the noise do in one step.

    The noise is made of `rank` standard Gaussians a particle: row i is length[i] times number place[i], or basis times
    the numbers where `place` is empty.

    Args:
        weights: Particles, shape (D, N), written.
        shrink: Factor of the particles.
        spread: Factor of the noise.
        place: Shape (D,), or empty.
        length: Shape (D,), or empty.
        basis: Shape (D, rank), or empty.
        mixing: Scratch, shape (D, rank), or (0, rank) where `basis` is empty.
        numbers: Scratch of rank N numbers and more, padded to whole vector instructions.
        seed: Seed of the noise, uint64.
        step: Number of the step.
        replicate: Number of the replicate.
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
    """Return the mean squared error of predictions.

    Args:
        means: Predictions, shape (B, d_out).
        labels: Shape (B, d_out).
        covector: Slopes of the error, shape (d_out, B), written.
    """
    batch, error = means.shape[0], 0.0
    for b in range(batch):
        for o in range(means.shape[1]):
            gap = means[b, o] - labels[b, o]
            error += gap * gap / batch
            covector[o, b] = 2 * gap / batch
    return error
