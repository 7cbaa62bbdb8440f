"""Rows relative to the mean of their points: exact, said, and refused where axes do not fit."""

import numpy as np
import pytest

from sharefind.datasets import finite_task, load_data
from sharefind.errors import DataError
from sharefind.groups.axes import Axes
from sharefind.search.relative_rows import relative_task, relative_to_mean, relative_words

POINTS = Axes(("points", "coords"), (3, 4))


def test_coordinates_are_relative_to_the_mean_of_the_points() -> None:
    x = np.random.default_rng(0).normal(300.0, 10.0, (7, 12))
    found = relative_to_mean(x, POINTS, "coords").reshape(7, 3, 4)
    np.testing.assert_allclose(found.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(found[:, 0] - found[:, 2], (x[:, :4] - x[:, 8:]), atol=1e-12)
    some = relative_to_mean(x, POINTS, "coords:3").reshape(7, 3, 4)
    np.testing.assert_array_equal(some[..., 3], x.reshape(7, 3, 4)[..., 3])
    np.testing.assert_array_equal(some[..., :3], found[..., :3])
    other = relative_to_mean(x, Axes(("coords", "points"), (4, 3)), "coords").reshape(7, 4, 3)
    np.testing.assert_allclose(other.mean(axis=2), 0.0, atol=1e-12)
    deep = relative_to_mean(x, Axes(("points", "coords", "times"), (2, 3, 2)), "coords").reshape(7, 2, 3, 2)
    np.testing.assert_allclose(deep.mean(axis=(1, 3)), 0.0, atol=1e-12)


def test_what_was_done_is_said() -> None:
    assert relative_words(POINTS, "coords") == (
        "inputs: coords relative to their mean over points of the row; moving all points alike changes nothing"
    )
    assert relative_words(POINTS, "coords:3").startswith(
        "inputs: the first 3 coords relative to their mean over points"
    )


@pytest.mark.parametrize(
    ("axes", "said", "expected"),
    [
        (None, "coords", 'the axes of a row are not known; give axes "points coords"'),
        (Axes(("points", "coords"), ()), "coords", "the axes of a row are not known; give shape"),
        (POINTS, "xyz", "rows of x have the axes points, coords; name one of them"),
        (POINTS, "coords:0", "name one of them"),
        (POINTS, "coords:5", "the axis coords has length 4; take no more"),
        (Axes(("coords",), (12,)), "coords", "no other axis to take the mean over"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes: Axes | None, said: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        relative_to_mean(np.zeros((2, 12)), axes, said)


def test_samples_that_are_drawn_cannot_be_relative() -> None:
    with pytest.raises(DataError, match="draws its samples; give rows"):
        relative_task(load_data("c2-wi"), "coords")
    task = finite_task("points", np.ones((3, 12)), np.ones((3, 1)), in_axes=POINTS)
    assert relative_task(task, None) is task
