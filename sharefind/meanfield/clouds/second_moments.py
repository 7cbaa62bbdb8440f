"""Second moments averaged over a group, and their inverse roots: what whitening of inputs is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, Representation, hom
from sharefind.meanfield.clouds.actions import element_table
from sharefind.spaces import fixed_space


def averaged_moment(x: NDArray[np.float64], rep: Representation, most_listed: int = 0) -> NDArray[np.float64]:
    """int rho_g E[x x^T] rho_g^T dlambda_G.

    Args:
        x: Samples, shape (n, d).
        rep: How the group acts on them.
        most_listed: Largest group over whose elements the mean is taken one by one; the moments of others go through
            the exact projection on the fixed space of Hom(X, X).

    Returns:
        Symmetric, shape (d, d).
    """
    moment, group = x.T @ x / len(x), rep.group
    if isinstance(group, FiniteGroup) and group.is_listable and group.order <= most_listed:
        averaged = _listed_mean(moment, rep, group.order)
    else:
        projected = fixed_space(hom(rep, rep)).project(moment.reshape(-1))
        averaged = np.asarray(projected, dtype=np.float64).reshape(moment.shape)
    return np.asarray((averaged + averaged.T) / 2, dtype=np.float64)


def _listed_mean(moment: NDArray[np.float64], rep: Representation, order: int) -> NDArray[np.float64]:
    """The mean of g C g^T over all elements, C (d, d)."""
    table, rows = element_table(rep), torch.from_numpy(moment)
    total = torch.zeros_like(rows)
    for number in range(order):
        element = torch.full((1, 1), number)
        half = table.apply(element, rows.unsqueeze(0))[0]  # rows g c_i
        total += table.apply(element, half.t().unsqueeze(0))[0]
    return np.asarray((total / order).numpy())


def inverse_root(
    moment: NDArray[np.float64], bounded: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """C^{-1/2} of a symmetric matrix.

    Args:
        moment: C, shape (d, d).
        bounded: Function that bounds ascending eigenvalues (d,) away from 0.

    Returns:
        Symmetric, shape (d, d).
    """
    values, vectors = np.linalg.eigh(moment)
    return np.asarray((vectors / np.sqrt(bounded(values))) @ vectors.T, dtype=np.float64)
