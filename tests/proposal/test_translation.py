"""Filters whose border outputs are not those of the filter: zero, mirrored or unknown beyond the window."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.proposal import Finding, propose

FloatArray = NDArray[np.float64]

MODES = {"reflected": "reflect", "repeated": "edge"}


def filtered(x: FloatArray, taps: FloatArray, left: int, mode: str) -> FloatArray:
    """y_i = sum_k taps_k x_{i - left + k}, (n, d) -> (n, d); mode: "zero", "reflected", "repeated" or "free"."""
    width, d = len(taps), x.shape[1]
    right = width - 1 - left
    if mode == "zero":
        padded = np.pad(x, ((0, 0), (left, right)))
    elif mode in MODES:
        padded = np.pad(x, ((0, 0), (left, right)), mode=MODES[mode])  # type: ignore[call-overload]
    else:
        beyond = np.random.default_rng(5).normal(size=(len(x), width - 1))
        padded = np.hstack([beyond[:, :left], x, beyond[:, left:]])
    return np.stack([padded[:, i : i + width] @ taps for i in range(d)], axis=1)


def proposed(width: int, d: int, left: int, mode: str, n: int = 500, seed: int = 0) -> Finding:
    rng = np.random.default_rng([seed, width, d, left])
    taps = rng.normal(size=width) + np.sign(rng.normal(size=width))
    x = rng.normal(size=(n, d))
    return propose(x, filtered(x, taps, left, mode) + 0.1 * rng.normal(size=(n, d)), signed=False, seed=seed)


def is_filter(found: Finding, width: int, left: int) -> bool:
    """Whether the outputs that see the whole filter have it, and nothing else."""
    labels = found.labels.reshape(found.shape)
    d = len(labels)
    inner = labels[left : d - (width - 1 - left)]
    taps = inner[0, :width]
    expected = np.zeros_like(inner)
    for i in range(len(inner)):
        expected[i, i : i + width] = taps
    return len(set(taps.tolist())) == width and 0 not in taps and bool(np.array_equal(inner, expected))


@pytest.mark.parametrize(
    ("width", "d", "left", "mode", "free"),
    [
        (3, 10, 2, "reflected", "outputs 0 and 1 free"),
        (3, 10, 1, "reflected", "outputs 0 and 9 free"),
        (2, 8, 1, "repeated", "output 0 free"),
        (3, 12, 0, "repeated", "outputs 10 and 11 free"),
        (5, 12, 2, "reflected", "outputs 0, 1, 10 and 11 free"),
        (3, 10, 1, "zero", "cut off at the border"),
    ],
)
def test_a_filter_with_borders(width: int, d: int, left: int, mode: str, free: str) -> None:
    found = proposed(width, d, left, mode)
    assert not found.is_group and is_filter(found, width, left)
    assert f"filter of width {width} at offset {-left}, {free}" in found.name


def test_what_is_beyond_the_window_may_be_seen_in_all_of_it() -> None:
    # A walk: what came before the window is guessed from all of it, so that output 0 has other weights.
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(800, 18))
    walk = np.zeros_like(steps)
    for k in range(18):
        walk[:, k] = steps[:, k] + (0.8 * walk[:, k - 1] if k else 0) - (0.5 * walk[:, k - 2] if k > 1 else 0)
    y = walk[:, 2:] - 0.6 * walk[:, 1:-1] + 0.4 * walk[:, :-2]
    found = propose(walk[:, 4:], y[:, 2:] + 0.05 * rng.normal(size=(800, 14)), signed=False)
    assert is_filter(found, 3, 2) and "outputs 0 and 1 free" in found.name


@pytest.mark.slow
@pytest.mark.parametrize("width", range(2, 8))
@pytest.mark.parametrize("d", [16, 40, 70])
def test_filters_of_every_width(width: int, d: int) -> None:
    for left, mode in ((width - 1, "reflected"), ((width - 1) // 2, "reflected"), (0, "zero")):
        found = proposed(width, d, left, mode, n=1200)
        assert is_filter(found, width, left), (left, mode, found.name)
