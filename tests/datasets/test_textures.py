"""Textures: the layout of the rows, and how near the least-squares filters are to each symmetry."""

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sharefind.datasets import load_task, texture_task
from sharefind.datasets.textures import patches, standardise
from sharefind.errors import DataError
from sharefind.groups import named_group, parse_representation

Isometry = Callable[[np.ndarray], np.ndarray]
HALF_TURN: tuple[Isometry, ...] = (lambda w: w, lambda w: w[::-1, ::-1])
MIRRORS: tuple[Isometry, ...] = (*HALF_TURN, lambda w: w[::-1], lambda w: w[:, ::-1])
SQUARE: tuple[Isometry, ...] = (*MIRRORS, *(lambda w, f=f: f(w).T for f in MIRRORS))


def _filter(task_name: str) -> np.ndarray:
    """The least-squares filter as a 5 x 5 window with a zero centre."""
    x, y = load_task(task_name).arrays()
    weights = np.linalg.solve(x.T @ x, x.T @ y[:, 0])
    return np.insert(weights, 12, 0.0).reshape(5, 5)


def _relative_distance(window: np.ndarray, isometries: tuple[Isometry, ...]) -> float:
    mean = np.mean([isometry(window) for isometry in isometries], axis=0)
    return float(np.linalg.norm(window - mean) / np.linalg.norm(window))


@pytest.mark.parametrize(
    ("texture", "square", "mirrors"),
    [("gravel", 0.035, None), ("brick", 0.252, 0.051), ("grass", 0.608, 0.417)],
)
def test_distances_of_the_least_squares_filters(texture: str, square: float, mirrors: float | None) -> None:
    pytest.importorskip("skimage")
    window = _filter(f"texture:{texture}")
    assert _relative_distance(window, SQUARE) == pytest.approx(square, abs=5e-4)
    if mirrors is not None:
        assert _relative_distance(window, MIRRORS) == pytest.approx(mirrors, abs=5e-4)
    assert _relative_distance(window, HALF_TURN) == pytest.approx(0.001, abs=5e-4)


def test_the_columns_are_those_of_the_representation_patch() -> None:
    group = named_group("D4")
    images = parse_representation("patch:5", group).float_matrices()
    rng = np.random.default_rng(0)
    window = rng.standard_normal((5, 5))
    ours = {_without_centre(isometry(window)).tobytes() for isometry in SQUARE}
    theirs = {(image @ _without_centre(window)).tobytes() for image in images}
    assert len(ours) == 8 and ours == theirs


def _without_centre(window: np.ndarray) -> np.ndarray:
    return np.delete(window.ravel(), 12)


def test_patches_run_through_the_windows_row_by_row() -> None:
    image = np.arange(42.0).reshape(6, 7)
    x, y = patches(image)
    assert x.shape == (6, 24) and y.shape == (6, 1)
    np.testing.assert_array_equal(y[:, 0], [16, 17, 18, 23, 24, 25])
    np.testing.assert_array_equal(x[4], np.delete(image[1:6, 1:6].ravel(), 12))


def test_pixels_have_mean_zero_and_deviation_one_third() -> None:
    pixels = standardise(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8))
    assert pixels.mean() == pytest.approx(0.0, abs=1e-12)
    assert pixels.std() == pytest.approx(1 / 3, abs=1e-12)


def test_targets_lie_in_the_range_of_tanh() -> None:
    pytest.importorskip("skimage")
    task = load_task("texture:brick")
    _, y = task.arrays()
    assert (task.n, task.d_in, task.d_out) == (508 * 508, 24, 1)
    assert (task.in_rep, task.out_rep) == ("patch:5", "trivial")
    assert np.mean(np.abs(y) < 1) > 0.99


def test_unknown_textures_and_a_missing_library_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"^no texture 'wood'; use one of gravel, brick, grass$"):
        texture_task("wood")  # type: ignore[arg-type]
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("skimage"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DataError, match=r"^[^\n]*sharefind\[textures\]'$"):
        texture_task("gravel")
