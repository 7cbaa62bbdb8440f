"""The ready-made representations: natural, trivial, regular, sign, and pixel grids.

Sums, tensor products and duals of them are in `operations`, matrices in `given`, the text syntax in
`expressions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError, RepresentationError
from sharefind.exact.fields import CosineField, cosine_field
from sharefind.exact.matrices import identity_matrix, sparse_matrix, zero_matrix
from sharefind.groups import operations
from sharefind.groups.group import CompactGroup, FiniteGroup, Group, NaturalBlock, permutation_sign
from sharefind.groups.images import PermArray, SignArray
from sharefind.groups.recipes import Recipe
from sharefind.groups.representation import Kind, Representation


def natural(group: Group, blocks: tuple[NaturalBlock, ...] = ()) -> Representation:
    """The representation that a group is named for.

    Permutation groups permute coordinates (e_i -> e_{g(i)}), B<n> acts by signed permutations of n axes,
    R<n> by rotations of the plane, SO<n> and O<n> by their own matrices, and products by the direct sum of
    their factors'.

    Args:
        group: any group.
        blocks: how the points act; the group's own blocks by default. A subgroup takes its parent's.
    """
    if isinstance(group, CompactGroup):
        return Representation(
            group, group.n, "natural", "matrix", lie=group.lie_algebra, discrete=group.discrete,
            recipe=Recipe("natural"),
        )  # fmt: skip
    group = _finite(group)
    blocks = blocks or group.natural_blocks or (NaturalBlock("points", 0, group.degree),)
    summed = _block(group, blocks[0])
    for block in blocks[1:]:
        summed = operations.direct_sum(summed, _block(group, block))
    return replace(summed, name="natural", recipe=Recipe("natural", blocks=blocks))


def _block(group: FiniteGroup, block: NaturalBlock) -> Representation:
    local = group.generator_array[:, block.start : block.start + block.size] - block.start
    if block.kind == "rotation":
        return _rotation(group, [int(shift) for shift in local[:, 0]], block.size)
    if block.kind == "points":
        return _sparse(group, "natural", local, operations.ones(len(local), block.dim), "permutation")
    images = local[:, : block.dim]
    signs = np.where(images < block.dim, 1, -1).astype(np.int8)
    return _sparse(group, "natural", images % block.dim, signs, "signed")


def _rotation(group: FiniteGroup, shifts: list[int], size: int) -> Representation:
    """Plane rotations by 2 pi shift / size, exact in Q(2 cos(2 pi / lcm(4, size)))."""
    field = cosine_field(math.lcm(4, size))
    matrices = tuple(_rotation_matrix(Fraction(2 * shift, size), field) for shift in shifts)
    return Representation(group, 2, "natural", "matrix", matrices=matrices)


def _rotation_matrix(turns: Fraction, field: object) -> DomainMatrix:
    """The rotation by the angle pi turns, (2, 2)."""
    if isinstance(field, CosineField):
        c, s = field.cosine(turns), field.sine(turns)
        domain = field
    else:
        # cos(2 pi / n) and sin(2 pi / n) are both rational only for multiples of a quarter turn.
        quarter = int(turns * 2) % 4
        c, s = QQ((1, 0, -1, 0)[quarter]), QQ((0, 1, 0, -1)[quarter])
        domain = QQ
    rows = {0: {0: c, 1: -s}, 1: {0: s, 1: c}}
    return sparse_matrix({i: {j: v for j, v in row.items() if v} for i, row in rows.items()}, (2, 2), domain)


def trivial(group: Group, dim: int = 1) -> Representation:
    """Every element acts as the identity of R^dim.

    Raises:
        RepresentationError: dim below 1 or above the limit.
    """
    if dim < 1:
        raise RepresentationError(f"trivial:{dim} has no coordinates; the dimension must be at least 1")
    operations.check_dim(dim, sparse=isinstance(group, FiniteGroup))
    name, recipe = "trivial" if dim == 1 else f"trivial:{dim}", Recipe("trivial", count=dim)
    if isinstance(group, CompactGroup):
        lie = tuple(zero_matrix(dim) for _ in group.lie_algebra)
        discrete = tuple(identity_matrix(dim) for _ in group.discrete)
        return Representation(group, dim, name, "matrix", lie=lie, discrete=discrete, recipe=recipe)
    n_generators = len(_finite(group).generators)
    perms = np.tile(np.arange(dim, dtype=operations.index_type(dim)), (n_generators, 1))
    return _sparse(_finite(group), name, perms, operations.ones(n_generators, dim), "permutation", recipe)


def regular(group: Group) -> Representation:
    """The left regular representation on R^order: e_h -> e_{g h}, h numbered as in `group.elements()`.

    Raises:
        RepresentationError: the group is infinite.
    """
    if not isinstance(group, FiniteGroup):
        raise RepresentationError(f"{group.name} is infinite and has no regular representation; use natural")
    elements = group.elements()
    perms = np.array([[group.index(g[h]) for h in elements] for g in group.generator_array], dtype=np.int32)
    perms = perms.reshape(len(group.generators), group.order)
    return _sparse(group, "regular", perms, operations.ones(*perms.shape), "permutation")


def sign(group: Group, blocks: tuple[NaturalBlock, ...] = ()) -> Representation:
    """The one-dimensional sign: parity of the permutation of the points; the determinant for SO<n> and O<n>.

    For D<n> that is the parity on its n points. For B<n> it is the parity of the underlying permutation of
    the n axes, whatever the signs; factors of a product multiply.
    """
    if isinstance(group, CompactGroup):
        minus = tuple(-identity_matrix(1) for _ in group.discrete)
        lie = tuple(zero_matrix(1) for _ in group.lie_algebra)
        return Representation(group, 1, "sign", "matrix", lie=lie, discrete=minus, recipe=Recipe("sign"))
    group = _finite(group)
    blocks = blocks or group.natural_blocks or (NaturalBlock("points", 0, group.degree),)
    signs = np.array([_underlying_sign(g, blocks) for g in group.generator_array], dtype=np.int8)[:, None]
    perms = np.zeros(signs.shape, dtype=np.int32)
    return _sparse(group, "sign", perms, signs, "signed", Recipe("sign", blocks=blocks))


def _underlying_sign(permutation: NDArray[np.int64], blocks: tuple[NaturalBlock, ...]) -> int:
    total = 1
    for block in blocks:
        local = permutation[block.start : block.start + block.size] - block.start
        if block.kind == "signed":
            local = local[: block.dim] % block.dim
        total *= permutation_sign(local)
    return total


def grid(group: Group, k: int, centre: bool = True) -> Representation:
    """A group of isometries of the square, given on its 4 corners in cyclic order, acting on k x k pixels.

    Corner 0 is (row 0, column 0), corner 1 (0, k-1), corner 2 (k-1, k-1), corner 3 (k-1, 0); pixels are
    row-major.

    Args:
        group: a finite group on 4 points.
        k: pixels a side.
        centre: False leaves the centre pixel out (k odd); dimension k^2 or k^2 - 1.

    Raises:
        GroupError: the group does not act on 4 points by isometries of the square.
        RepresentationError: a size without pixels, or no centre pixel to leave out.
    """
    name = f"{'grid' if centre else 'patch'}:{k}"
    if k < 1 or (not centre and (k % 2 == 0 or k < 3)):
        raise RepresentationError(f"{name} has no such pixels; grid needs k >= 1, patch an odd k >= 3")
    operations.check_dim(k * k, sparse=True)
    if not isinstance(group, FiniteGroup) or group.degree != 4:
        raise GroupError(f"{name} needs a group on the 4 corners of a square, such as D4, not {group.name}")
    kept = np.array([p for p in range(k * k) if centre or p != k * k // 2])
    number = np.full(k * k, -1, dtype=np.int32)
    number[kept] = np.arange(len(kept))
    moved = [number[_pixel_images(_square_isometry(g, group.name), k)[kept]] for g in group.generators]
    perms = np.array(moved, dtype=np.int32).reshape(len(moved), len(kept))
    recipe = Recipe("grid", count=k, centre=centre)
    return _sparse(group, name, perms, operations.ones(*perms.shape), "permutation", recipe)


def _square_isometry(permutation: Sequence[int], name: str) -> NDArray[np.int64]:
    """The linear map, int (2, 2), that moves the corners (+-1, +-1) of the square as the permutation does."""
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    images = corners[list(permutation)]
    # Corners 0 and 1 span the plane: c0 + c1 = -2 e_row and c1 - c0 = 2 e_column.
    matrix = np.stack([-(images[0] + images[1]), images[1] - images[0]], axis=1) // 2
    if not np.array_equal(corners @ matrix.T, images):
        raise GroupError(
            f"{name} moves the corners by {tuple(permutation)}, which is not an isometry of the square; "
            "take a subgroup of D4"
        )
    return matrix


def _pixel_images(matrix: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Where an isometry sends each pixel, int64 (k*k,), in doubled coordinates from the centre."""
    rows, columns = np.divmod(np.arange(k * k), k)
    centred = np.stack([2 * rows - (k - 1), 2 * columns - (k - 1)])
    moved = (matrix @ centred + (k - 1)) // 2
    pixels: NDArray[np.int64] = moved[0] * k + moved[1]
    return pixels


def _finite(group: Group) -> FiniteGroup:
    if not isinstance(group, FiniteGroup):
        raise RepresentationError(f"{group.name} is no FiniteGroup or CompactGroup; use named_group")
    return group


def _sparse(
    group: FiniteGroup,
    name: str,
    perms: PermArray,
    signs: SignArray,
    kind: Kind,
    recipe: Recipe | None = None,
) -> Representation:
    dim = perms.shape[1]
    perms = np.ascontiguousarray(operations.as_index(perms, dim))
    return Representation(group, dim, name, kind, perms=perms, signs=signs, recipe=recipe)
