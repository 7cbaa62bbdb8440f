"""Real images of textures as data: predict a pixel from its neighbourhood.

The images ship inside scikit-image (the extra `textures`), so nothing is downloaded when a task is loaded.
"""

from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from sharefind.datasets.task import Task, finite_task, needs
from sharefind.errors import DataError
from sharefind.typing import FloatArray

Texture = Literal["gravel", "brick", "grass"]
TEXTURES: tuple[Texture, ...] = get_args(Texture)


def texture_task(texture: Texture, window: int = 5, tolerance: float = 0.12) -> Task:
    """Return the task `texture:<texture>`: the centre pixel of a 5 x 5 window from its 24 neighbours.

    x is (n, 24), y is (n, 1), float64, n = (height - 4)(width - 4) = 258,064; `patches` has the layout, `standardise`
    the units. Subgroups of D4 act by `patch:5` on X and trivially on Y.

    Args:
        texture: The image.
        window: Pixels along a side of the window, an odd number.
        tolerance: An image is symmetric only up to sampling and light. The least-squares filters lie .035 (gravel, D4)
            and .051 (brick, mirrors) from the spaces that fit them and .25 or more from other spaces.

    Raises:
        DataError: The texture is unknown or scikit-image is missing.
    """
    if texture not in TEXTURES:
        raise DataError(f"no texture {texture!r}; use one of {', '.join(TEXTURES)}")
    x, y = patches(standardise(_image(texture)), window)
    return finite_task(
        f"texture:{texture}",
        x,
        y,
        description=f"{texture}: the centre pixel of a {window}x{window} window from its {x.shape[1]} neighbours "
        "(real data, CC0)",
        in_rep=f"patch:{window}",
        out_rep="trivial",
        unit="matrix:tanh",
        tolerance=tolerance,
        group="D4",
    )


def standardise(image: ArrayLike, deviations: float = 3.0) -> FloatArray:
    """Return grey values as floats of mean 0 and standard deviation 1/3.

    Args:
        image: The grey values, shape (height, width).
        deviations: Standard deviations that become 1, so that nearly all pixels lie in the range of tanh.
    """
    pixels = np.asarray(image, dtype=np.float64)
    return np.asarray((pixels - pixels.mean()) / (deviations * pixels.std()))


def patches(image: FloatArray, window: int = 5) -> tuple[FloatArray, FloatArray]:
    """Return all 5 x 5 windows inside an image: neighbours x (n, 24) and centres y (n, 1).

    n = (height - 4)(width - 4). The rows follow the windows in row-major order; the columns are the pixels of a window
    in row-major order without the centre (index 12 of 25).

    Args:
        image: Shape (height, width).
        window: Pixels along a side of the window.
    """
    windows = sliding_window_view(image, (window, window)).reshape(-1, window * window)
    centre = window * window // 2
    return np.delete(windows, centre, axis=1), windows[:, [centre]]


def _image(texture: Texture) -> ArrayLike:
    with needs(f"texture:{texture}", "scikit-image", "textures"):
        from skimage import data
    image: ArrayLike = getattr(data, texture)()
    return image
