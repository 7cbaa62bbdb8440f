"""The statistic of the test of independence, by its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.gaussian_process.kernels import Matern

from sharefind.inference.tests.independence import _alignments, _kernels, _quadratic


@pytest.mark.parametrize("columns", [2, 15], ids=["thin linear kernel", "whole linear kernel"])
def test_alignments_are_traces_with_whole_kernels(columns: int) -> None:
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(9, columns)), rng.normal(size=(3, 9, 2))
    scaled = (x - x.mean(0)) / x.std(0)
    linear = scaled @ scaled.T / columns
    smooth = [Matern(columns**0.5 / width, nu=1.5)(scaled) for width in (0.2, 3.2)]
    kernels = _kernels(torch.from_numpy(x), (0.2, 3.2))
    assert kernels[0].is_root == (columns == 2)
    found = _alignments(kernels, torch.from_numpy(labels)).numpy()
    expected = [[np.trace(y.T @ kernel @ y) for kernel in (linear, *smooth)] for y in labels]
    np.testing.assert_allclose(found[:, 0], np.array(expected)[:, 0], atol=1e-10)
    np.testing.assert_allclose(found, np.array(expected), atol=1e-5)


@pytest.mark.parametrize("rows", [3, 8, 21])
def test_quadratic_forms_by_blocks(rows: int) -> None:
    rng = np.random.default_rng(rows)
    root, labels = rng.normal(size=(rows, rows)), rng.normal(size=(rows, 4))
    found = _quadratic(torch.from_numpy(root @ root.T), torch.from_numpy(labels), whole=2).numpy()
    np.testing.assert_allclose(found, np.diagonal(labels.T @ root @ root.T @ labels), atol=1e-10)
