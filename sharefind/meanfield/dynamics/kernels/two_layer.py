"""SGD of the two-layer unit A sigma(W x + b): several steps of all replicates in one call, on one core.

The recursion of `sgd` under the squared loss and the ridge, in closed form; `matrix` does the same for one layer. A
particle is (A, W, b), with rows A (d_out, h), W (h, d_in) and b (h).
"""

from __future__ import annotations

import numpy as np

from sharefind.meanfield.dynamics.kernels.compiling import INLINED, INNER, compiled
from sharefind.meanfield.dynamics.kernels.numbers import padded, sigmoid
from sharefind.meanfield.dynamics.kernels.rows import affine, combine, disturb, residual

_u = np.uint64


@compiled(**INLINED)
def _activate(u, odd, out, row, low, high):
    """out[row] = sigma(u[0]) from low to high."""
    for n in range(low, high):
        out[row, n], _ = sigmoid(u[0, n], odd)


@compiled(**INLINED)
def _dots(rows, first, step, count, right, j, other, means, b, low, high):
    """means[b, i] and means[b + 1, i] += the sums of rows[first + i step] times right[j] and right[other]."""
    zero = right.dtype.type(0)
    for i in range(0, count, 4):
        f0, f1 = first + i * step, first + min(i + 1, count - 1) * step
        f2, f3 = first + min(i + 2, count - 1) * step, first + min(i + 3, count - 1) * step
        s0, s1, s2, s3 = zero, zero, zero, zero
        t0, t1, t2, t3 = zero, zero, zero, zero
        for n in range(low, high):
            value, following = right[j, n], right[other, n]
            r0, r1, r2, r3 = rows[f0, n], rows[f1, n], rows[f2, n], rows[f3, n]
            s0 += r0 * value
            s1 += r1 * value
            s2 += r2 * value
            s3 += r3 * value
            t0 += r0 * following
            t1 += r1 * following
            t2 += r2 * following
            t3 += r3 * following
        _spread(means, b, i, count, s0, s1, s2, s3)
        if other > j:
            _spread(means, b + 1, i, count, t0, t1, t2, t3)


@compiled(inline="always", **INNER)
def _spread(means, b, i, count, t0, t1, t2, t3):
    """means[b, i], means[b, i + 1], ... += four numbers, below `count`."""
    means[b, i] += t0
    if i + 1 < count:
        means[b, i + 1] += t1
    if i + 2 < count:
        means[b, i + 2] += t2
    if i + 3 < count:
        means[b, i + 3] += t3


@compiled(**INNER)
def _predict(weights, x, odd, width, hidden, scratch, stretch, means):
    """means (B, d_out) = mean over particles of A sigma(W x_b + b), and sigma in hidden (h B, N)."""
    batch, d_out = means.shape
    particles, d_in = weights.shape[1], x.shape[1]
    inner, bias = d_out * width, (d_out + d_in) * width
    means[:] = 0.0
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for j in range(width):
            for b in range(batch):
                affine(weights, x, b, inner + j * d_in, d_in, bias + j, scratch, low, high)
                _activate(scratch, odd, hidden, j * batch + b, low, high)
            for b in range(0, batch, 2):
                row, other = j * batch + b, j * batch + min(b + 1, batch - 1)
                _dots(weights, j, width, d_out, hidden, row, other, means, b, low, high)
    for b in range(batch):
        for o in range(d_out):
            means[b, o] /= particles


@compiled(**INLINED)
def _carry_back(rows, first, step, weights, b, count, odd, hidden, row, out, low, high):
    """out[row] += the sum over o < count of weights[o, b] rows[first + o step], times sigma' from hidden[row]."""
    for i in range(0, count, 4):
        w0 = weights[i, b]
        w1 = weights[i + 1, b] if i + 1 < count else 0 * w0
        w2 = weights[i + 2, b] if i + 2 < count else 0 * w0
        w3 = weights[i + 3, b] if i + 3 < count else 0 * w0
        f0, f1 = first + i * step, first + min(i + 1, count - 1) * step
        f2, f3 = first + min(i + 2, count - 1) * step, first + min(i + 3, count - 1) * step
        for n in range(low, high):
            value = hidden[row, n]
            slope = odd + (value - odd * value) - value * value
            u = (w0 * rows[f0, n] + w1 * rows[f1, n]) + (w2 * rows[f2, n] + w3 * rows[f3, n])
            out[row, n] = u * slope if i == 0 else out[row, n] + u * slope


@compiled(**INNER)
def _pull_back(weights, pulled, odd, width, hidden, slopes, stretch):
    """slopes (h B, N) = sigma' of the sum over outputs of pulled[o, b] A[o]: what moves W x_b + b in a step."""
    d_out, batch = pulled.shape
    particles = weights.shape[1]
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for j in range(width):
            for b in range(batch):
                _carry_back(weights, j, width, pulled, b, d_out, odd, hidden, j * batch + b, slopes, low, high)


@compiled(**INNER)
def _descend(weights, pulled, x, width, hidden, slopes, stretch):
    """A += pulled hidden, W += slopes x, b += the sum of slopes; x (d_in + 1, B), the last row of ones."""
    d_out, batch = pulled.shape
    d_in, particles = x.shape[0] - 1, weights.shape[1]
    first, bias = d_out * width, (d_out + d_in) * width
    for start in range(0, particles, stretch):
        low, high = _u(start), _u(min(particles, start + stretch))
        for j in range(width):
            for o in range(d_out):
                combine(weights, o * width + j, hidden, j * batch, batch, pulled, o, low, high)
            for i in range(d_in + 1):
                row = bias + j if i == d_in else first + j * d_in + i
                combine(weights, row, slopes, j * batch, batch, x, i, low, high)


@compiled(nogil=True)
def advance(
    theta, x, y, first, sizes, shrinks, spreads, is_odd, width, seed, rank, place, length, basis, stretch, loss,
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
        width: Width h of the hidden space.
        seed: Seed of the noise, uint64.
        rank: Number k of Gaussian numbers a particle; 0 for no noise.
        place: Shape (D,); row i of the noise is length[i] times number place[i]. Empty where `basis` is used.
        length: Shape (D,), see `place`.
        basis: Shape (D, k); the noise is basis times the numbers where `place` is empty.
        stretch: Number of particles that are worked on at a time.
        loss: Shape (R,), float64; the mean squared loss of every minibatch before its update is added to it.
    """
    replicates, _, particles = theta.shape
    steps, batch, d_out, d_in = y.shape[0], y.shape[2], y.shape[3], x.shape[3]
    odd = theta.dtype.type(1 if is_odd else 0)
    means = np.empty((batch, d_out), np.float64)
    pulled = np.empty((d_out, batch), theta.dtype)
    carried = np.ones((d_in + 1, batch), theta.dtype)
    hidden = np.empty((width * batch, particles), theta.dtype)
    slopes = np.empty((width * batch, particles), theta.dtype)
    scratch = np.empty((1, particles), theta.dtype)
    numbers = np.empty(padded(rank * particles, 64), theta.dtype)
    mixing = np.empty((basis.shape[0], rank), theta.dtype)
    for r in range(replicates):
        weights = theta[r]
        for k in range(steps):
            inputs, labels = x[k, min(r, x.shape[1] - 1)], y[k, min(r, y.shape[1] - 1)]
            _predict(weights, inputs, odd, width, hidden, scratch, stretch, means)
            loss[r] += residual(means, labels, pulled)
            for b in range(batch):
                for o in range(d_out):
                    pulled[o, b] *= -sizes[k]
                for i in range(d_in):
                    carried[i, b] = inputs[b, i]
            _pull_back(weights, pulled, odd, width, hidden, slopes, stretch)
            disturb(weights, shrinks[k], spreads[k], place, length, basis, mixing, numbers, seed, first + k, r)
            _descend(weights, pulled, carried, width, hidden, slopes, stretch)
