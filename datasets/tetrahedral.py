"""The symmetry group of the regular tetrahedron, acting on vectors and on symmetric tensors by signed permutations.

`molecule` and `elasticity` make the data of a molecule and of a crystal.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, Representation, from_matrices, named_group

IntMatrix = NDArray[np.int64]

CORNERS: tuple[tuple[int, int, int], ...] = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Four corners of the cube [-1, 1]^3 that span a regular tetrahedron."""

TENSOR_PLANES = ((1, 2), (0, 2), (0, 1))
"""Index pairs of the last three Mandel coordinates: 23, 13, 12."""


def tetrahedral_group(name: str) -> FiniteGroup:
    """Return T_d under another name, order 24: all permutations of the four corners.

    Args:
        name: The name.
    """
    return FiniteGroup(name, len(CORNERS), _all_permutations().generators, known_order=math.factorial(len(CORNERS)))


def _all_permutations() -> FiniteGroup:
    group = named_group("S4")
    if not isinstance(group, FiniteGroup):
        raise TypeError(f"{group.name} is not finite")
    return group


def vector_matrix(permutation: tuple[int, ...]) -> IntMatrix:
    """Return the isometry that moves the corners as the permutation does: a signed permutation matrix, int64 (3, 3).

    Args:
        permutation: The image of each corner.
    """
    corners = np.array(CORNERS)
    # Sum over corners of c c^T = 4 I, so R = sum over corners of (image of c) c^T / 4.
    matrix: IntMatrix = corners[list(permutation)].T @ corners // len(CORNERS)
    return matrix


def atom_matrix(permutation: tuple[int, ...]) -> IntMatrix:
    """Return the action on displacements (15,) of a centre and four corners: atoms are moved, and their vectors turned.

    Args:
        permutation: The image of each corner.

    Returns:
        Shape (15, 15), int64.
    """
    atoms = np.zeros((len(CORNERS) + 1,) * 2, dtype=np.int64)
    atoms[0, 0] = 1
    atoms[1 + np.array(permutation), 1 + np.arange(len(CORNERS))] = 1
    return np.kron(atoms, vector_matrix(permutation))


def mandel_matrix(permutation: tuple[int, ...]) -> IntMatrix:
    """Return the action e -> R e R^T on symmetric tensors in Mandel coordinates: a signed permutation matrix, int64 (6,
    6).

    Args:
        permutation: The image of each corner.
    """
    turn = vector_matrix(permutation)
    columns = [mandel(turn @ tensor(unit) @ turn.T) for unit in np.eye(6)]
    return np.rint(np.stack(columns, axis=1)).astype(np.int64)


def mandel(tensors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return symmetric tensors in Mandel coordinates: 11, 22, 33, and 23, 13, 12 times sqrt 2, so that lengths agree.

    Source: Mandel 1965; Mehrabadi & Cowin 1990.

    Args:
        tensors: Shape (..., 3, 3).

    Returns:
        Shape (..., 6).
    """
    diagonal = [tensors[..., i, i] for i in range(3)]
    return np.stack([*diagonal, *(np.sqrt(2) * tensors[..., i, j] for i, j in TENSOR_PLANES)], axis=-1)


def tensor(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return symmetric tensors from Mandel coordinates: the inverse of `mandel`.

    Args:
        coordinates: Shape (..., 6).

    Returns:
        Shape (..., 3, 3).
    """
    tensors = np.zeros((*coordinates.shape[:-1], 3, 3))
    for i in range(3):
        tensors[..., i, i] = coordinates[..., i]
    for k, (i, j) in enumerate(TENSOR_PLANES):
        tensors[..., i, j] = tensors[..., j, i] = coordinates[..., 3 + k] / np.sqrt(2)
    return tensors


def representation(group: FiniteGroup, matrix: Any, name: str) -> Representation:
    """Return the representation by one of the matrices above, after a check that it is a representation.

    Args:
        group: The group of permutations of the corners.
        matrix: Function from a permutation to its matrix.
        name: Name of the representation.
    """
    return from_matrices(group, [matrix(generator).tolist() for generator in group.generators], name)
