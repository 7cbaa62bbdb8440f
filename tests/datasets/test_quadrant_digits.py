"""Digits in one quadrant of a larger image."""

import numpy as np
import pytest

from sharefind.datasets import load_task
from sharefind.datasets.quadrant_digits import PLACES, halves_moved, in_quadrants
from sharefind.groups import named_group


def test_moving_quadrants_moves_images() -> None:
    rng = np.random.default_rng(0)
    images, quadrants = rng.uniform(0.1, 1.0, (20, 3, 3)), rng.integers(4, size=20)
    group = named_group("C2xC2")
    rep, whole = halves_moved(group, side=3), in_quadrants(images, quadrants)
    for generator, moved in zip(group.generators, (quadrants ^ 2, quadrants ^ 1), strict=True):
        found = rep.act_float(np.full(20, group.index(generator)), whole)
        np.testing.assert_array_equal(found, in_quadrants(images, moved))
    np.testing.assert_array_equal(whole.reshape(20, 2, 3, 2, 3).sum(axis=(1, 3)), images)


@pytest.mark.parametrize("name", ["quadrant-digits", "quadrant-digits:position"])
def test_classes_are_digits_and_places(name: str) -> None:
    task = load_task(name)
    x, y = task.arrays()
    assert task.action is not None and task.action.group.order == 4
    sums = x.reshape(-1, 2, 8, 2, 8).sum(axis=(2, 4)).reshape(-1, 4)
    assert ((sums > 0).sum(axis=1) == 1).all()
    for row, label in zip(sums, y.argmax(axis=1), strict=True):
        assert task.classes[label].endswith(PLACES[row.argmax()] if name.endswith("position") else "")
    digits = np.array([int(task.classes[label].split()[0]) for label in y.argmax(axis=1)])
    assert np.bincount(digits).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
