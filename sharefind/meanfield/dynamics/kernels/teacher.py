"""Labels of a teacher, a shallow model with known particles: its mean over particles in one call, on one core.

Samples take the place that particles have in trainings: every inner loop runs along a stretch of them.
"""

from __future__ import annotations

import numpy as np

from sharefind.meanfield.dynamics.kernels.compiling import compiled
from sharefind.meanfield.dynamics.kernels.numbers import sigmoid
from sharefind.meanfield.dynamics.kernels.rows import combine

_u = np.uint64


@compiled(nogil=True)
def mean_activations(x, particles, biases, is_odd, means, stretch):
    """Set means to the mean over particles of sigma(z x + b).

    Args:
        x: Points, shape (n, d_in), float64.
        particles: The z of all particles by rows, shape (N d_out, d_in), float64.
        biases: The b of all particles, shape (N d_out,), float64.
        is_odd: Whether the activation is tanh; otherwise it is logistic.
        means: Shape (n, d_out), float64, written.
        stretch: Number of points that are worked on at a time.
    """
    n, d_in = x.shape
    d_out = means.shape[1]
    count = particles.shape[0] // d_out
    odd = 1.0 if is_odd else 0.0
    columns = np.empty((d_in, stretch))
    inner = np.empty((1, stretch))
    totals = np.empty(stretch)
    for start in range(0, n, stretch):
        size = min(stretch, n - start)
        low, high = _u(0), _u(size)
        for s in range(size):
            for i in range(d_in):
                columns[i, s] = x[start + s, i]
        for o in range(d_out):
            for s in range(low, high):
                totals[s] = 0.0
            for p in range(count):
                row = p * d_out + o
                shift = biases[row]
                for s in range(low, high):
                    inner[0, s] = shift
                combine(inner, 0, columns, 0, d_in, particles, row, low, high)
                for s in range(low, high):
                    value, _ = sigmoid(inner[0, s], odd)
                    totals[s] += value
            for s in range(size):
                means[start + s, o] = totals[s] / count
