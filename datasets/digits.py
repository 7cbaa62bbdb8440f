"""Handwritten digits of 8 x 8 pixels, each turned by its own number of quarter turns: the symmetry C4, and no mirror.

The images ship inside scikit-learn (UCI, "Optical recognition of handwritten digits", CC BY 4.0).
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sharefind.datasets.task import Task, finite_task
from sharefind.errors import DataError
from sharefind.groups.axes import INPUT_AXES, read_axes
from sharefind.typing import FloatArray, IntArray

SIDE, CLASSES = 8, 10


def turned_digit_task(seed: int = 0) -> Task:
    """Return the task `digits:turned`: pixels x (1797, 64), 0 to 1, to the columns y (1797, 10) of the digit.

    Each image is turned by a number of quarter turns of its own, so that the law of the rows has exactly the symmetry
    C4 of the square; mirror images of most digits are none. The candidate is D4, in which C4 is found.

    Args:
        seed: Seed of the turns and of the order of the rows.
    """
    x, labels = turned_digit_rows(seed)
    return finite_task(
        "digits:turned",
        x,
        np.eye(CLASSES)[labels],
        description="handwritten digits, 8 x 8 pixels, each turned by quarter turns of its own (real data, CC BY 4.0)",
        classes=tuple(map(str, range(CLASSES))),
        in_axes=read_axes("rows cols", f"{SIDE}x{SIDE}", (SIDE**2,), INPUT_AXES),
        group="D4",
        in_rep=f"grid:{SIDE}",
        out_rep=f"{CLASSES}*trivial",
    )


def turned_digit_rows(seed: int = 0) -> tuple[FloatArray, IntArray]:
    """Return the pixels of turned digits (1797, 64), 0 to 1, and the digits (1797,), in random order.

    Args:
        seed: Seed of the turns and of the order.
    """
    images, labels = digit_images()
    rng = np.random.default_rng(seed)
    turns, order = rng.integers(4, size=len(labels)), rng.permutation(len(labels))
    pixels = np.stack([np.rot90(image, turn) for image, turn in zip(images, turns, strict=True)])
    return pixels.reshape(len(pixels), -1)[order], labels[order]


def digit_images() -> tuple[FloatArray, IntArray]:
    """Return grey values from 0 to 1, shape (1797, 8, 8), and the digits (1797,), in the order of scikit-learn.

    Raises:
        DataError: scikit-learn's file of digits is missing.
    """
    table = np.loadtxt(_file(), delimiter=",")
    return table[:, :-1].reshape(-1, SIDE, SIDE) / 16, table[:, -1].astype(np.int64)


def _file() -> Path:
    """The file inside scikit-learn, which is slow to import and is found without."""
    spec = find_spec("sklearn")
    places = () if spec is None else spec.submodule_search_locations or ()
    for place in places:
        return Path(place) / "datasets" / "data" / "digits.csv.gz"
    raise DataError("the digits need scikit-learn, which sharefind depends on; install it again")
