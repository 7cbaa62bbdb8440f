"""Digits in one quadrant of a larger image: classes that do not depend on the quadrant, or classes that do.

The images ship inside scikit-learn, so nothing is downloaded when a task is loaded.
"""

from __future__ import annotations

import numpy as np

from sharefind.datasets.digits import SIDE, digit_images
from sharefind.datasets.task import GivenAction, Task, finite_task
from sharefind.groups import FiniteGroup, Representation, trivial
from sharefind.groups.images import ones
from sharefind.groups.representation import signed_permutations
from sharefind.typing import FloatArray, IntArray

PLACES = ("top left", "top right", "bottom left", "bottom right")
"""The quadrants."""


def quadrant_digits_task(has_position: bool = False) -> Task:
    """Return the task `quadrant-digits` or `quadrant-digits:position`: 16x16 pixels to 10 or 40 classes; 1,797 rows.

    Each 8x8 digit stands in a quadrant that is drawn for it, the other pixels are 0; grey values are 0 to 1. C2xC2
    moves the quadrants, by half of the image down and to the right, and leaves labels as they are. So it is a symmetry
    of the 10 digits, and none of the 40 pairs of a digit and its quadrant, for which the position matters.

    Args:
        has_position: Whether the quadrant is part of the class.
    """
    images, digits = digit_images()
    quadrants = np.random.default_rng(0).integers(len(PLACES), size=len(images))
    names = tuple(map(str, range(10)))
    if has_position:
        codes, names = (
            len(PLACES) * digits + quadrants,
            tuple(f"{digit} {place}" for digit in names for place in PLACES),
        )
    else:
        codes = digits
    group = _quadrant_group()
    return finite_task(
        "quadrant-digits:position" if has_position else "quadrant-digits",
        in_quadrants(images, quadrants),
        np.eye(len(names))[codes],
        description=f"8x8 digits in one quadrant of 16x16 pixels: {len(names)} classes (real data, CC BY 4.0)",
        action=GivenAction(group, halves_moved(group), trivial(group, len(names))),
        outputs=names,
        classes=names,
    )


def in_quadrants(images: FloatArray, quadrants: IntArray) -> FloatArray:
    """Return images of twice the side, each in a quadrant of its own, row by row: shape (n, 4 side^2).

    Args:
        images: Shape (n, side, side).
        quadrants: 0 to 3, in the order of `PLACES`, shape (n,).
    """
    n, side, _ = images.shape
    whole = np.zeros((n, 2, side, 2, side))
    whole[np.arange(n), quadrants // 2, :, quadrants % 2] = images
    return whole.reshape(n, -1)


def halves_moved(group: FiniteGroup, side: int = SIDE) -> Representation:
    """Return how C2xC2 moves the pixels of an image, row by row: by half of it downwards, and to the right.

    Args:
        group: C2xC2, with the generators that move down and to the right.
        side: Half the pixels along a side of the image.
    """
    pixels = np.arange(4 * side**2).reshape(2 * side, 2 * side)
    perms = np.stack([np.roll(pixels, -side, axis).ravel() for axis in (0, 1)])
    return signed_permutations(group, "halves", (perms, ones(*perms.shape)), "permutation")


def _quadrant_group() -> FiniteGroup:
    """C2xC2, whose generators move the image down and to the right."""
    return FiniteGroup("C2xC2", 4, ((1, 0, 2, 3), (0, 1, 3, 2)))
