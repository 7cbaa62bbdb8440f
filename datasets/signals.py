"""MNIST-1D: ten shapes as signals of 40 values, stretched, shifted and sheared at random, with noise.

The generator of S. Greydanus and D. Kobak, "Scaling down deep learning with MNIST-1D" (arXiv 2011.14439), written anew
from its description; the ten shapes are those of the package mnist1d (Apache 2.0). Nothing is read.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sharefind.datasets.task import Task, finite_task
from sharefind.groups.axes import INPUT_AXES, read_axes
from sharefind.typing import FloatArray, IntArray

SHAPES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
"""Heights of the ten shapes, which end where they start."""

LENGTH = 40
"""Values of a signal."""

TRAINING = 4000
"""Rows of the task; the other ones of `signal_rows` are for tests."""


def signal_task(*, shuffled: bool = False) -> Task:
    """Return the task `mnist1d`: a signal x (4000, 40) to the columns y (4000, 10) of its class.

    C40 shifts the positions around a ring. The law of the signals is not invariant, since a slope ends where the ring
    closes; the relation nearly is.

    Args:
        shuffled: Whether the positions stand in an order drawn once (`mnist1d:shuffled`).
    """
    x, labels = signal_rows()
    order = np.random.default_rng(1).permutation(LENGTH) if shuffled else np.arange(LENGTH)
    name = "mnist1d:shuffled" if shuffled else "mnist1d"
    words = ", positions in an unknown order" if shuffled else ""
    return finite_task(
        name,
        x[:TRAINING, order],
        np.eye(len(SHAPES))[labels[:TRAINING]],
        description=f"MNIST-1D: ten shapes in signals of {LENGTH} values{words} (simulated)",
        classes=tuple(map(str, range(len(SHAPES)))),
        in_axes=None if shuffled else read_axes("position", None, (LENGTH,), INPUT_AXES),
        group=None if shuffled else f"C{LENGTH}",
        in_rep=None if shuffled else "natural",
        out_rep=f"{len(SHAPES)}*trivial",
    )


def signal_rows(samples: int = 5000, seed: int = 42) -> tuple[FloatArray, IntArray]:
    """Return signals x (samples, 40), of mean 0 and deviation 1 in all, and their classes (samples,).

    By default they are the rows that `make_dataset` of the package mnist1d gives, its training rows first.

    Args:
        samples: Number of rows, a multiple of ten: each class has as many.
        seed: Seed of all draws.
    """
    rng = np.random.RandomState(seed)
    shapes = np.array(SHAPES, dtype=np.float64)
    shapes = (shapes - shapes.mean(axis=1, keepdims=True)) / shapes.std(axis=1, keepdims=True)
    shapes = (shapes - shapes[:, :1]) / 6
    labels = np.repeat(np.arange(len(SHAPES)), samples // len(SHAPES))
    x = np.stack([_signal(shapes[label], rng) for label in labels])
    order = rng.permutation(len(labels))
    return ((x - x.mean()) / x.std())[order], labels[order]


def _signal(
    shape: FloatArray,
    rng: np.random.RandomState,
    padding: tuple[int, int] = (36, 60),
    shifts: int = 48,
    scale: float = 0.4,
    shear: float = 0.75,
    noise: tuple[float, float] = (0.25, 0.02),
) -> FloatArray:
    """One signal: the shape stretched by zeros behind it, scaled, shifted around, with noise, and on a slope.

    Args:
        shape: Shape (12,).
        rng: Source of the draws.
        padding: Fewest and most zeros behind the shape.
        shifts: Number of shifts that are drawn from.
        scale: Range of the scales about 1.
        shear: Range of the slopes about 0.
        noise: Deviation of the smooth noise where the shape is not, before it is smoothed; that of the noise of values.
    """
    zeros = np.zeros(padding[0] + int(rng.rand() * (padding[1] - padding[0] + 1)))
    count = len(shape) + padding[1]
    # A small offset tells the zeros of a shape from those behind it.
    signal = _resampled(np.concatenate([shape + 1e-8, zeros]), count) * (1 + scale * (rng.rand() - 0.5))
    signal = np.roll(signal, rng.choice(shifts))
    smooth = gaussian_filter1d(noise[0] * rng.randn(count), 2)
    signal = np.where(signal != 0, signal, smooth) + noise[1] * rng.randn(count)
    slope = shear * (rng.rand() - 0.5) * np.linspace(-0.5, 0.5, count)
    return _resampled(signal - slope, LENGTH)


def _resampled(values: FloatArray, count: int) -> FloatArray:
    """Values at equal steps along the same line, by linear interpolation."""
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(values)), values)
