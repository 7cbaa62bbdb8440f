"""Real images of textures as data: predict a pixel from its neighbourhood.

The images ship inside scikit-image (the extra `textures`), so nothing is downloaded when a task is loaded.
"""

from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from sharefind.datasets.task import FloatArray, Task, finite_task
from sharefind.errors import DataError

Texture = Literal["gravel", "brick", "grass"]
TEXTURES: tuple[Texture, ...] = get_args(Texture)

WINDOW = 5
CENTRE = WINDOW * WINDOW // 2
# Pixels are divided by this many standard deviations, so that nearly all targets lie in the range of tanh.
SCALE_IN_DEVIATIONS = 3.0
# An image is symmetric only up to sampling and light. The least-squares filters lie .035 (gravel, D4) and
# .051 (brick, mirrors) from the spaces that fit them and .25 or more from those that do not.
TOLERANCE = 0.12


def texture_task(texture: Texture) -> Task:
    """The task `texture:<texture>`: the centre pixel of a 5 x 5 window from its 24 neighbours.

    x is (n, 24), y is (n, 1), float64, n = (height - 4)(width - 4) = 258,064; `patches` has the layout,
    `standardise` the units. Subgroups of D4 act by `patch:5` on X and trivially on Y.

    Raises:
        DataError: the texture is unknown or scikit-image is missing.
    """
    if texture not in TEXTURES:
        raise DataError(f"no texture {texture!r}; use one of {', '.join(TEXTURES)}")
    x, y = patches(standardise(_image(texture)))
    return finite_task(
        f"texture:{texture}",
        x,
        y,
        description=f"{texture}: the centre pixel of a 5x5 window from its 24 neighbours (real data, CC0)",
        in_rep=f"patch:{WINDOW}",
        out_rep="trivial",
        unit="matrix:tanh",
        tolerance=TOLERANCE,
        group="D4",
    )


def standardise(image: ArrayLike) -> FloatArray:
    """Turn grey values (height, width) into floats of mean 0 and standard deviation 1/3."""
    pixels = np.asarray(image, dtype=np.float64)
    return np.asarray((pixels - pixels.mean()) / (SCALE_IN_DEVIATIONS * pixels.std()))


def patches(image: FloatArray) -> tuple[FloatArray, FloatArray]:
    """All 5 x 5 windows inside an image (height, width): neighbours x (n, 24) and centres y (n, 1).

    n = (height - 4)(width - 4); the rows follow the windows in row-major order, the columns the pixels of a
    window in row-major order without the centre (index 12 of 25).
    """
    windows = sliding_window_view(image, (WINDOW, WINDOW)).reshape(-1, WINDOW * WINDOW)
    return np.delete(windows, CENTRE, axis=1), windows[:, [CENTRE]]


def _image(texture: Texture) -> ArrayLike:
    try:
        from skimage import data
    except ImportError as error:
        raise DataError(
            f"texture:{texture} needs scikit-image; install it with pip install 'sharefind[textures]'"
        ) from error
    image: ArrayLike = getattr(data, texture)()
    return image
