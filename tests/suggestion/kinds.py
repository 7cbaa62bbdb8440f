"""Small data sets of the kinds that people have, made afresh, each with the group that is right for it."""

import numpy as np
from numpy.typing import NDArray

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def ring(n: int, size: int, *, both_ways: bool = True, common: float = 0.0, noise: float = 1.0, seed: int = 0) -> Pair:
    """Sensors on a ring, in kelvin; each value goes on to its neighbours."""
    rng = np.random.default_rng(seed)
    x = 300 + common * rng.normal(size=(n, 1)) + 10 * rng.normal(size=(n, size))
    after, before = (0.2, 0.2) if both_ways else (0.3, 0.05)
    y = 0.6 * x + after * np.roll(x, 1, axis=1) + before * np.roll(x, -1, axis=1)
    return x, y + noise * rng.normal(size=(n, size))


def total(n: int, size: int, seed: int = 0) -> Pair:
    """The sum of temperatures."""
    rng = np.random.default_rng(seed)
    x = 300 + 15 * rng.normal(size=(n, size))
    return x, x.sum(axis=1, keepdims=True) + 4 * rng.normal(size=(n, 1))


def largest(n: int, size: int, seed: int = 0) -> Pair:
    """The largest of lognormal values."""
    x = np.random.default_rng(seed).lognormal(0, 0.6, size=(n, size))
    return x, x.max(axis=1, keepdims=True)


def particles(n: int, points: int, dims: int, seed: int = 0, *, mass: bool = True) -> Pair:
    """The energy of particles that attract each other, with their positions and masses point by point."""
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(n, points, dims))
    weight = rng.uniform(1, 3, size=(n, points)) if mass else np.ones((n, points))
    gap = np.sqrt(((place[:, :, None] - place[:, None]) ** 2).sum(axis=-1) + 0.3)
    pairs = weight[:, :, None] * weight[:, None] / gap
    energy = -np.triu(pairs, 1).sum(axis=(1, 2)) if points > 1 else pairs[:, 0, 0]
    row = np.concatenate([place, weight[:, :, None]], axis=2) if mass else place
    return row.reshape(n, -1), np.asarray(energy)[:, None]


def by_channel(x: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    """The same columns channel by channel."""
    return x.reshape(len(x), points, -1).swapaxes(1, 2).reshape(len(x), -1)


def ring_classes(n: int, size: int, kinds: int = 3, seed: int = 0) -> Pair:
    """Classes by how neighbours on a ring agree."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, size))
    score = (x * np.roll(x, 1, axis=1)).sum(axis=1) + 0.3 * rng.normal(size=n)
    return x, np.digitize(score, np.quantile(score, np.linspace(0, 1, kinds + 1)[1:-1]))[:, None].astype(float)


def windows(n: int, width: int, seed: int = 0) -> Pair:
    """A series cut into rows, and what a causal filter makes of it."""
    rng = np.random.default_rng(seed)
    series = np.zeros(n * width + 2)
    for k in range(1, len(series)):
        series[k] = 0.7 * series[k - 1] + rng.normal()
    out = 0.5 * series[2:] + 0.3 * series[1:-1] + 0.2 * series[:-2] + 0.05 * rng.normal(size=n * width)
    return series[2:].reshape(n, width), out.reshape(n, width)


def glyphs(n: int, side: int, kinds: int = 4, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Blurred upright pictures of a few kinds, which no turn leaves in their kind."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(kinds, size=n)
    rows, columns = np.mgrid[:side, :side] / (side - 1)
    place = np.random.default_rng(99).uniform(0.15, 0.85, size=(kinds, 3, 2))
    x = np.zeros((n, side, side))
    for stroke in range(3):
        centre = place[kind, stroke] + 0.06 * rng.normal(size=(n, 2))
        apart = (rows - centre[:, :1, None]) ** 2 + (columns - centre[:, 1:, None]) ** 2
        x += np.exp(-apart / 0.05)
    return (x + 0.1 * rng.normal(size=x.shape)).reshape(n, -1), kind


def patches(n: int, side: int, seed: int = 0) -> Pair:
    """Windows of a smooth random field without their centres, and the centres."""
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(n, side + 4, side + 4))
    smooth = sum(np.roll(np.roll(field, i, 1), j, 2) for i in (-1, 0, 1) for j in (-1, 0, 1))
    window = np.asarray(smooth)[:, 2 : side + 2, 2 : side + 2].reshape(n, -1)
    centre = side * side // 2
    return np.delete(window, centre, axis=1), window[:, [centre]]


def noise(n: int, d_in: int, d_out: int, seed: int = 0) -> Pair:
    """Labels that have nothing to do with the inputs."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d_in)), rng.normal(size=(n, d_out))
