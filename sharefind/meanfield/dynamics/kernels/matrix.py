"""SGD of the matrix unit: several steps of all replicates in one call, on one core.

The recursion of `sgd` for sigma(W x [+ b]) under the squared loss and the ridge, in closed form. A particle's row of
activations stays in cache between the pass that predicts and the pass that descends; every inner loop runs along
particles and writes few arrays, which is what LLVM turns into vector instructions. `stepping` says when it is used and
holds the same recursion in plain torch, which is what this is tested against.
"""

from __future__ import annotations

import numpy as np

from sharefind.meanfield.dynamics.kernels.compiling import INLINED, INNER, compiled
from sharefind.meanfield.dynamics.kernels.numbers import padded, sigmoid
from sharefind.meanfield.dynamics.kernels.rows import affine, combine, disturb, residual

_u = np.uint64


@compiled(**INLINED)
def _activate(u, odd, slopes, row, low, high):
    """Sum of sigma(u) over u[0, low:high]; sigma' goes to slopes[row, low:high]."""
    total = u.dtype.type(0)
    for n in range(low, high):
        value, slopes[row, n] = sigmoid(u[0, n], odd)
        total += value
    return total


@compiled(**INLINED)
def _activate_pair(rows, j, x, b, odd, slopes, row, low, high):
    """`_activate` of x[b, 0] rows[j] + x[b, 1] rows[j + 1], which is not stored, and the same for b + 1."""
    first, second = slopes.dtype.type(0), slopes.dtype.type(0)
    x0, x1, z0, z1 = x[b, 0], x[b, 1], x[b + 1, 0], x[b + 1, 1]
    for n in range(low, high):
        w0, w1 = rows[j, n], rows[j + 1, n]
        value, slopes[row, n] = sigmoid(x0 * w0 + x1 * w1, odd)
        first += value
        value, slopes[row + 1, n] = sigmoid(z0 * w0 + z1 * w1, odd)
        second += value
    return first, second


@compiled(inline="always", **INNER)
def _bias_row(o, d_in, d_out, has_bias):
    """The row of b_o in a particle (W, b), -1 where there is none."""
    return d_out * d_in + o if has_bias else -1


@compiled(**INNER)
def _predict(weights, x, odd, has_bias, slopes, scratch, stretch, means):
    """means (B, d_out) = mean over particles of sigma(W x_b + b), and sigma' in slopes (d_out B, N)."""
    batch, d_out = means.shape
    particles, d_in = weights.shape[1], x.shape[1]
    pairs = batch // 2 if d_in == 2 and not has_bias else 0
    for b in range(batch):
        for o in range(d_out):
            means[b, o] = 0.0
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for o in range(d_out):
            for b in range(0, 2 * pairs, 2):
                first, second = _activate_pair(weights, 2 * o, x, b, odd, slopes, o * batch + b, low, high)
                means[b, o] += first
                means[b + 1, o] += second
            for b in range(2 * pairs, batch):
                affine(weights, x, b, o * d_in, d_in, _bias_row(o, d_in, d_out, has_bias), scratch, low, high)
                means[b, o] += _activate(scratch, odd, slopes, o * batch + b, low, high)
    for b in range(batch):
        for o in range(d_out):
            means[b, o] /= particles


@compiled(**INNER)
def _pull_back(x, covector, size, pulled):
    """pulled (D, B): weights of the rows of slopes in the step of each row of the particles; covector (d_out, B)."""
    batch, d_in = x.shape
    d_out = covector.shape[0]
    for row in range(pulled.shape[0]):
        is_bias = row >= d_out * d_in
        o = row - d_out * d_in if is_bias else row // d_in
        for b in range(batch):
            pulled[row, b] = -size * covector[o, b]
            if not is_bias:
                pulled[row, b] *= x[b, row - o * d_in]


@compiled(**INNER)
def _descend(weights, d_in, d_out, slopes, pulled, stretch):
    """weights (D, N) += sum_b pulled slopes."""
    batch, particles = pulled.shape[1], slopes.shape[1]
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for row in range(weights.shape[0]):
            o = row - d_out * d_in if row >= d_out * d_in else row // d_in
            combine(weights, row, slopes, o * batch, batch, pulled, row, low, high)


@compiled(nogil=True)
def advance(
    theta, x, y, first, sizes, shrinks, spreads, is_odd, has_bias, seed, rank, place, length, basis, stretch,
    loss,
):  # fmt: skip
    """Take K steps of SGD, in place.

    Args:
        theta: Particles, shape (R, D, N), written.
        x: Inputs, shape (K, R or 1, B, d_in).
        y: Outputs, shape (K, R or 1, B, d_out).
        first: Number of the first step.
        sizes: Factors of the gradient, shape (K,).
        shrinks: Factors of the particles, 1 - size tau, shape (K,).
        spreads: Factors of the noise, shape (K,).
        is_odd: Whether the activation is tanh; otherwise it is logistic.
        has_bias: Whether Z has a bias block.
        seed: Seed of the noise, uint64.
        rank: Number k of Gaussian numbers a particle; 0 for no noise.
        place: Shape (D,); row i of the noise is length[i] times number place[i]. Empty where `basis` is used.
        length: Shape (D,), see `place`.
        basis: Shape (D, k); the noise is basis times the numbers where `place` is empty.
        stretch: Number of particles that are worked on at a time.
        loss: Shape (R,), float64; the mean squared loss of every minibatch before its update is added to it.
    """
    replicates, dim, particles = theta.shape
    steps, batch, d_out, d_in = y.shape[0], y.shape[2], y.shape[3], x.shape[3]
    odd = theta.dtype.type(1 if is_odd else 0)
    means = np.empty((batch, d_out), np.float64)
    covector = np.empty((d_out, batch), theta.dtype)
    pulled = np.empty((dim, batch), theta.dtype)
    slopes = np.empty((d_out * batch, particles), theta.dtype)
    scratch = np.empty((1, particles), theta.dtype)
    numbers = np.empty(padded(rank * particles, 64), theta.dtype)
    mixing = np.empty((basis.shape[0], rank), theta.dtype)
    for r in range(replicates):
        weights = theta[r]
        for k in range(steps):
            inputs, labels = x[k, min(r, x.shape[1] - 1)], y[k, min(r, y.shape[1] - 1)]
            _predict(weights, inputs, odd, has_bias, slopes, scratch, stretch, means)
            loss[r] += residual(means, labels, covector)
            _pull_back(inputs, covector, sizes[k], pulled)
            disturb(
                weights, shrinks[k], spreads[k], place, length, basis, mixing, numbers, seed, first + k, r
            )  # fmt: skip
            _descend(weights, d_in, d_out, slopes, pulled, stretch)
