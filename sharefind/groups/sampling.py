"""Matrices of permutations drawn from groups that are too large to list."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import RepresentationError
from sharefind.groups.images import block_diagonal
from sharefind.groups.representation import Construction, Representation, reordered


def evaluate_permutations(rep: Representation, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return rho of permutations of a finite group, shape (size, dim, dim), float64, without a list of elements.

    It supports natural representations on points or signed axes, trivial ones, their sums and tensor products,
    reorderings of these, and representations of the factors of a product.

    Args:
        rep: The representation.
        drawn: Permutations, shape (size, degree), int64.

    Raises:
        RepresentationError: The representation is of another kind.
    """
    step = rep.construction
    operation = None if step is None else step.operation
    if step is not None and operation in ("sum", "multiple"):
        return block_diagonal([evaluate_permutations(part, drawn) for part in step.parts] * step.count)
    if step is not None and operation in ("tensor", "reorder", "factor", "types", "pairs"):
        return _composed(step, drawn)
    if operation == "trivial":
        return np.broadcast_to(np.eye(rep.dim), (len(drawn), rep.dim, rep.dim)).copy()
    if step is None or operation != "natural" or any(block.kind == "rotation" for block in step.blocks):
        raise RepresentationError(
            f"{rep.group.name} is too large to list, and {rep.name} cannot be sampled without that; "
            "use natural and trivial representations, or a smaller group"
        )
    return block_diagonal([_block_matrices(drawn, block.start, block.dim) for block in step.blocks])


def _composed(step: Construction, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the matrices of a tensor product, a reordering, an action on types, or a factor of a product."""
    if step.inner is not None:
        return evaluate_permutations(
            step.inner, drawn[:, step.start : step.start + step.inner.finite_group.degree] - step.start
        )
    parts = [evaluate_permutations(part, drawn) for part in step.parts]
    if step.operation in ("reorder", "types", "pairs"):
        return reordered(step, parts[0])
    dim = math.prod(part.shape[1] for part in parts)
    return np.asarray(np.einsum("nij,nkl->nikjl", *parts).reshape(-1, dim, dim))


def _block_matrices(drawn: NDArray[np.int64], start: int, dim: int) -> NDArray[np.float64]:
    """Return e_i -> +-e_j for the points of one block, (size, dim, dim)."""
    images = drawn[:, start : start + dim] - start
    matrices = np.zeros((len(drawn), dim, dim))
    rows = np.arange(len(drawn))[:, None]
    matrices[rows, images % dim, np.arange(dim)] = np.where(images < dim, 1.0, -1.0)
    return matrices
