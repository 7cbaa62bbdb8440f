"""Turned digits and signals of MNIST-1D: their laws, and which moves of their columns keep them."""

import numpy as np
from scipy.stats import ks_2samp
from sklearn.datasets import load_digits

from sharefind.datasets import load_task
from sharefind.datasets.digits import turned_digit_rows
from sharefind.datasets.signals import LENGTH, SHAPES, signal_rows
from sharefind.groups import named_group, parse_representation


def test_turned_digits_are_the_digits() -> None:
    """Each row is a quarter turn of an image of its class, and all turns are as frequent."""
    x, labels = turned_digit_rows(3)
    digits = load_digits()
    known = {(image / 16).tobytes(): digit for image, digit in zip(digits.images, digits.target, strict=True)}
    turns = []
    for row, label in zip(x, labels, strict=True):
        images = [np.ascontiguousarray(np.rot90(row.reshape(8, 8), -turn)) for turn in range(4)]
        found = [turn for turn, image in enumerate(images) if known.get(image.tobytes()) == label]
        assert found
        turns.append(found[0])
    assert (np.abs(np.bincount(turns) / len(x) - 0.25) < 0.05).all()


def test_quarter_turns_move_the_pixels() -> None:
    task = load_task("digits:turned")
    rep = parse_representation(task.in_rep, named_group("C4"))
    moved = rep.act_float(np.full(len(task.x), 1), task.x).reshape(-1, 8, 8)
    turned = [np.rot90(task.x.reshape(-1, 8, 8), turn, axes=(1, 2)) for turn in (1, 3)]
    assert any(np.array_equal(moved, each) for each in turned)


def test_signals_have_the_law_of_the_generator() -> None:
    """Without noise and slope a signal is its shape, stretched between 52/72 and 1 / (72/48), scaled and shifted."""
    x, labels = signal_rows(2000, seed=1)
    assert x.shape == (2000, LENGTH) and (np.bincount(labels) == 200).all()
    assert abs(x.mean()) < 1e-12 and abs(x.std() - 1) < 1e-12
    other, _ = signal_rows(2000, seed=2)
    assert ks_2samp(x.ravel()[::97], other.ravel()[::97]).pvalue > 0.001
    # The slope is symmetric about 0, and as large as .75 / 2 in units before the scaling.
    rising = x[:, -5:].mean(axis=1) - x[:, :5].mean(axis=1)
    assert abs(rising.mean()) < 4 * rising.std() / np.sqrt(len(rising))
    # Shapes turned upside down are other classes: 0 and 6, 2 and 8, with their signs exchanged.
    shapes = np.array(SHAPES) - 5
    np.testing.assert_allclose(shapes[0], -shapes[6])


def test_the_shuffled_signals_are_the_signals() -> None:
    plain, shuffled = load_task("mnist1d"), load_task("mnist1d:shuffled")
    np.testing.assert_array_equal(plain.y, shuffled.y)
    np.testing.assert_array_equal(np.sort(plain.x, axis=1), np.sort(shuffled.x, axis=1))
    assert not np.array_equal(plain.x, shuffled.x)
    assert shuffled.group is None and plain.group == "C40"
