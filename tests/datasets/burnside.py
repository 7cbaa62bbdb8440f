"""Dimensions of fixed spaces by counting, independent of `sharefind.spaces`: the mean of the squared characters."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def fixed_dimension(images: Iterable[NDArray[np.float64]]) -> int:
    """dim (R^{d x d})^G for a group given by all its matrices (d, d): mean of trace(g)^2 over the group."""
    squares = [float(np.trace(image)) ** 2 for image in images]
    mean = sum(squares) / len(squares)
    assert abs(mean - round(mean)) < 1e-9
    return round(mean)


def relative_distance(matrix: NDArray[np.float64], images: Iterable[NDArray[np.float64]]) -> float:
    """|M - mean of g M g^-1| / |M| for orthogonal images (d, d)."""
    mean = np.mean([g @ matrix @ g.T for g in images], axis=0)
    return float(np.linalg.norm(matrix - mean) / np.linalg.norm(matrix))


def closure(generators: Iterable[NDArray[np.int64]]) -> list[NDArray[np.float64]]:
    """All products of integer matrices that generate a finite group."""
    steps = [np.asarray(g) for g in generators]
    found = {np.eye(len(steps[0]), dtype=np.int64).tobytes(): np.eye(len(steps[0]), dtype=np.int64)}
    frontier = list(found.values())
    while frontier:
        products = [a @ b for a in frontier for b in steps]
        frontier = []
        for product in products:
            if product.tobytes() not in found:
                found[product.tobytes()] = product
                frontier.append(product)
    return [matrix.astype(np.float64) for matrix in found.values()]


def least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix M (d_out, d_in) with y ~ M x."""
    return np.linalg.lstsq(x, y, rcond=None)[0].T
