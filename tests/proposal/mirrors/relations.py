"""Relations with known maps, and a robot on two legs whose left and right are mirror images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sharefind.proposal.mirrors.mirror_finding import mirror_group
from sharefind.proposal.mirrors.signed_map import SignedMap, from_points, mirror_layout

FloatArray = NDArray[np.float64]

INPUTS = ("roll", "pitch", "hip_l", "hip_r", "knee_l", "knee_r", "torque_l", "torque_r", "battery_V")
OUTPUTS = ("roll_acc", "pitch_acc", "hip_l_acc", "hip_r_acc")


def biped_mirror() -> SignedMap:
    """Left and right exchanged: roll, hips and torques change sign, pitch and knees do not."""
    return SignedMap(
        np.array([0, 1, 3, 2]),
        np.array([-1, 1, -1, -1]),
        np.array([0, 1, 3, 2, 5, 4, 7, 6, 8]),
        np.array([-1, 1, -1, -1, 1, 1, -1, -1, 1]),
    )


def biped(n: int, seed: int = 0, noise: float = 0.02, shift: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Rows of the robot; the battery does nothing, and knees are bent, so that their angles are about 50 degrees.

    shift: Of the roll, to one side; the left hip swings further by this share.
    """
    rng = np.random.default_rng([31, seed])
    x = rng.normal(size=(n, 9))
    x[:, 0] += shift
    x[:, 2] *= 1 + shift
    x[:, 4:6] = rng.uniform(30, 70, size=(n, 2))
    x[:, 8] = 24 + 0.1 * rng.normal(size=n)

    def half(roll: FloatArray, pitch: FloatArray, hip: FloatArray, knee: FloatArray, u: FloatArray) -> list[FloatArray]:
        bend = np.sin(np.radians(knee))
        side = u * bend + 0.6 * hip
        down = 0.7 * u * hip + 0.4 * pitch * bend
        return [side, down, 2 * u - 0.8 * hip * bend + 0.9 * roll + 0.5 * hip**2 + 0.4 * u * pitch]

    left = half(x[:, 0], x[:, 1], x[:, 2], x[:, 4], x[:, 6])
    right = half(-x[:, 0], x[:, 1], -x[:, 3], x[:, 5], -x[:, 7])
    y = np.stack([left[0] - right[0] + 0.5 * x[:, 0], left[1] + right[1] + 0.3 * x[:, 1], left[2], -right[2]], axis=1)
    return x, y + noise * y.std(axis=0) * rng.normal(size=y.shape)


def random_map(d_out: int, d_in: int, rng: np.random.Generator) -> SignedMap:
    """An involution that moves and turns columns at random."""
    return SignedMap(*_involution(d_out, rng), *_involution(d_in, rng))


def _involution(size: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order, images = rng.permutation(size), np.arange(size)
    pairs = order[: 2 * (size // 3)].reshape(2, -1)
    images[pairs[0]], images[pairs[1]] = pairs[1], pairs[0]
    signs = rng.choice([-1, 1], size=size)
    return images, np.where(images > np.arange(size), signs[images], signs)


def symmetrised(
    maps: Sequence[SignedMap], d_out: int, d_in: int, n: int, rng: np.random.Generator, noise: float = 0.05
) -> tuple[FloatArray, FloatArray]:
    """Rows of a random quadratic relation, averaged over the group that maps generate; inputs are normal."""
    layout = mirror_layout(d_out, d_in)
    linear, products = rng.normal(size=(d_in, d_out)), rng.normal(size=(d_out, d_in, d_in)) / d_in
    x, y = rng.normal(size=(n, d_in)), np.zeros((n, d_out))
    elements = mirror_group(maps, layout).elements()
    for points in elements:
        g = from_points(points, layout)
        moved = np.empty_like(x)
        moved[:, g.in_images] = x * g.in_signs
        labels = moved @ linear + np.einsum("na,jab,nb->nj", moved, products, moved)
        y += labels[:, g.out_images] * g.out_signs / len(elements)
    return x, y + noise * rng.normal(size=y.shape)


Relation = Callable[[FloatArray], FloatArray]


def cubic_relation(
    maps: Sequence[SignedMap], d_out: int, d_in: int, rng: np.random.Generator, triples: int, pairs: int = 0
) -> Relation:
    """Some products of three inputs and of two for each label, averaged over the group that maps generate."""
    layout = mirror_layout(d_out, d_in)
    elements = [from_points(points, layout) for points in mirror_group(maps, layout).elements()]
    factors = [rng.integers(d_in, size=k) for k in (3,) * triples * d_out + (2,) * pairs * d_out]
    sizes = rng.choice([-1, 1], size=len(factors)) * rng.uniform(0.7, 2, size=len(factors))

    def labels(x: FloatArray) -> FloatArray:
        y = np.zeros((len(x), d_out))
        for g in elements:
            moved, own = moved_inputs(g, x), np.zeros_like(y)
            for k, (columns, size) in enumerate(zip(factors, sizes, strict=True)):
                own[:, k % d_out] += size * np.prod(moved[:, columns], axis=1)
            y += own[:, g.out_images] * g.out_signs / len(elements)
        return y

    return labels


def moved_inputs(g: SignedMap, x: FloatArray) -> FloatArray:
    """g x of rows x (n, d_in)."""
    moved = np.empty_like(x)
    moved[:, g.in_images] = x * g.in_signs
    return moved


def keeps(g: SignedMap, relation: Relation, x: FloatArray) -> bool:
    """Whether f(g x) = g f(x)."""
    there, y = np.empty((len(x), len(g.out_images))), relation(x)
    there[:, g.out_images] = y * g.out_signs
    return bool(np.allclose(relation(moved_inputs(g, x)), there))
