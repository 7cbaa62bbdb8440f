"""The predefined representations: natural, trivial, regular, sign, and pixel grids.

`representation` has their sums, tensor products and duals, `from_matrices` representations given by matrices, and
`expressions` the text syntax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial, reduce
from operator import add, mul

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError, RepresentationError
from sharefind.exact.fields import CosineField, cosine_field
from sharefind.exact.matrices import identity_matrix, zero_matrix
from sharefind.groups.compact_product import CompactProduct
from sharefind.groups.cycles import permutation_sign
from sharefind.groups.factors import factor_start, of_factor, qualifiers
from sharefind.groups.group import CompactGroup, FiniteGroup, Group, NaturalBlock
from sharefind.groups.images import Matrices, check_dim, index_type, ones
from sharefind.groups.representation import Construction, Representation, signed_permutations


def natural(group: Group, blocks: tuple[NaturalBlock, ...] = ()) -> Representation:
    """Return the representation by which a group is usually known.

    Permutation groups permute coordinates (e_i -> e_{g(i)}), B<n> acts by signed permutations of n axes, R<n> by
    rotations of the plane, SO<n> and O<n> by their own matrices, and products by the direct sum of the natural
    representations of their factors.

    Args:
        group: Any group.
        blocks: How the points act; the group's own blocks by default. A subgroup uses the blocks of its parent.
    """
    if isinstance(group, CompactProduct):
        return replace(reduce(add, _of_factors(group, natural)), name="natural")
    if isinstance(group, CompactGroup):
        return _compact(group, "natural", group.lie_algebra, group.discrete, Construction("natural", natural))
    group = _finite(group)
    blocks = blocks or group.blocks
    step = Construction("natural", partial(natural, blocks=blocks), blocks=blocks)
    return replace(reduce(add, [_block(group, block) for block in blocks]), name="natural", construction=step)


def _block(group: FiniteGroup, block: NaturalBlock) -> Representation:
    local = group.generator_array[:, block.start : block.start + block.size] - block.start
    if block.kind == "rotation":
        return _rotation(group, [int(shift) for shift in local[:, 0]], block.size)
    if block.kind == "points":
        return signed_permutations(group, "natural", (local, ones(*local.shape)), "permutation")
    images = local[:, : block.dim]
    signs = np.where(images < block.dim, 1, -1).astype(np.int8)
    return signed_permutations(group, "natural", (images % block.dim, signs), "signed")


def _rotation(group: FiniteGroup, shifts: list[int], size: int) -> Representation:
    """Return plane rotations by 2 pi shift / size, exact in Q(2 cos(2 pi / lcm(4, size)))."""
    field = cosine_field(math.lcm(4, size))
    matrices = tuple(plane_rotation(Fraction(2 * shift, size), field) for shift in shifts)
    return Representation(group, 2, "natural", "matrix", matrices=matrices)


def plane_rotation(turns: Fraction, field: object = None) -> DomainMatrix:
    """Return the rotation by the angle pi turns, shape (2, 2), exact.

    Args:
        turns: The angle in units of pi.
        field: The field of the entries; None for the smallest cosine field that contains them.
    """
    field = cosine_field(math.lcm(4, (turns / 2).denominator)) if field is None else field
    domain = field if isinstance(field, CosineField) else QQ
    if isinstance(field, CosineField):
        c, s = field.cosine(turns), field.sine(turns)
    else:
        # cos(2 pi / n) and sin(2 pi / n) are both rational only for multiples of a quarter turn.
        quarter = int(turns * 2) % 4
        c, s = QQ((1, 0, -1, 0)[quarter]), QQ((0, 1, 0, -1)[quarter])
    return DomainMatrix([[c, -s], [s, c]], (2, 2), domain).to_sparse()


def trivial(group: Group, dim: int = 1) -> Representation:
    """Return the representation by which every element acts as the identity of R^dim.

    Args:
        group: Any group.
        dim: The dimension.

    Raises:
        RepresentationError: The dimension is below 1 or above the limit.
    """
    if dim < 1:
        raise RepresentationError(f"trivial:{dim} has no coordinates; the dimension must be at least 1")
    check_dim(dim, sparse=isinstance(group, FiniteGroup))
    name = "trivial" if dim == 1 else f"trivial:{dim}"
    step = Construction("trivial", partial(trivial, dim=dim), count=dim)
    if isinstance(group, CompactGroup):
        lie = tuple(zero_matrix(dim) for _ in group.lie_algebra)
        return _compact(group, name, lie, tuple(identity_matrix(dim) for _ in group.discrete), step)
    n_generators = len(_finite(group).generators)
    perms = np.tile(np.arange(dim, dtype=index_type(dim)), (n_generators, 1))
    return signed_permutations(group, name, (perms, ones(n_generators, dim)), "permutation", step)


def unmoved(dim: int) -> Representation:
    """Return the representation of the trivial group on R^dim, where no symmetry is claimed.

    Args:
        dim: The dimension.

    Raises:
        RepresentationError: As in `trivial`.
    """
    return trivial(FiniteGroup("C1", 1, ()), dim)


def regular(group: Group) -> Representation:
    """Return the left regular representation on R^order: e_h -> e_{g h}, with h numbered as in `group.elements()`.

    Args:
        group: A finite group.

    Raises:
        RepresentationError: The group is infinite.
    """
    if not isinstance(group, FiniteGroup):
        raise RepresentationError(f"{group.name} is infinite and has no regular representation; use natural")
    elements = group.elements()
    perms = np.array([[group.index(g[h]) for h in elements] for g in group.generator_array], dtype=np.int32)
    perms = perms.reshape(len(group.generators), group.order)
    return signed_permutations(group, "regular", (perms, ones(*perms.shape)), "permutation")


def sign(group: Group, blocks: tuple[NaturalBlock, ...] = ()) -> Representation:
    """Return the one-dimensional sign: parity of the permutation of the points; the determinant for SO<n> and O<n>.

    For D<n> it is the parity on its n points. For B<n> it is the parity of the underlying permutation of the n axes,
    without regard to signs. The signs of the factors of a product multiply.

    Args:
        group: Any group.
        blocks: How the points act; the group's own blocks by default.
    """
    if isinstance(group, CompactProduct):
        return replace(reduce(mul, _of_factors(group, sign)), name="sign")
    if isinstance(group, CompactGroup):
        turned = tuple(identity_matrix(1) * QQ(_determinant(matrix)) for matrix in group.discrete)
        lie = tuple(zero_matrix(1) for _ in group.lie_algebra)
        return _compact(group, "sign", lie, turned, Construction("sign", sign))
    group = _finite(group)
    blocks = blocks or group.blocks
    signs = np.array([_underlying_sign(g, blocks) for g in group.generator_array], dtype=np.int8)[:, None]
    perms = np.zeros(signs.shape, dtype=np.int32)
    step = Construction("sign", partial(sign, blocks=blocks), blocks=blocks)
    return signed_permutations(group, "sign", (perms, signs), "signed", step)


def _determinant(matrix: DomainMatrix) -> int:
    """Return the determinant, 1 or -1, of an exact orthogonal matrix."""
    dense = matrix.to_dense()
    return 1 if dense.det() == dense.domain.one else -1


def _underlying_sign(permutation: NDArray[np.int64], blocks: tuple[NaturalBlock, ...]) -> int:
    total = 1
    for block in blocks:
        local = permutation[block.start : block.start + block.size] - block.start
        if block.kind == "signed":
            local = local[: block.dim] % block.dim
        total *= permutation_sign(local)
    return total


def grid(group: Group, k: int, centre: bool = True) -> Representation:
    """Return the action of a group of isometries of the square, given on its 4 corners in cyclic order, on k x k
    pixels.

    Corner 0 is (row 0, column 0), corner 1 (0, k-1), corner 2 (k-1, k-1), corner 3 (k-1, 0). Pixels are numbered row by
    row.

    Args:
        group: A finite group on 4 points.
        k: Number of pixels per side.
        centre: False omits the centre pixel, for odd k. The dimension is k^2 or k^2 - 1.

    Raises:
        GroupError: The group does not act on 4 points by isometries of the square.
        RepresentationError: There are no pixels, or there is no centre pixel to omit.
    """
    name = f"{'grid' if centre else 'patch'}:{k}"
    if k < 1 or (not centre and (k % 2 == 0 or k < 3)):
        raise RepresentationError(f"{name} has no such pixels; grid needs k >= 1, patch an odd k >= 3")
    check_dim(k * k, sparse=True)
    if not isinstance(group, FiniteGroup) or group.degree != 4:
        raise GroupError(f"{name} needs a group on the 4 corners of a square, such as D4, not {group.name}")
    kept = np.array([p for p in range(k * k) if centre or p != k * k // 2])
    number = np.full(k * k, -1, dtype=np.int32)
    number[kept] = np.arange(len(kept))
    moved = [number[_pixel_images(_square_isometry(g, group.name), k)[kept]] for g in group.generators]
    perms = np.array(moved, dtype=np.int32).reshape(len(moved), len(kept))
    step = Construction("grid", partial(grid, k=k, centre=centre), count=k)
    return signed_permutations(group, name, (perms, ones(*perms.shape)), "permutation", step)


def _square_isometry(permutation: Sequence[int], name: str) -> NDArray[np.int64]:
    """Return the linear map, int (2, 2), that moves the corners (+-1, +-1) of the square as the permutation does."""
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
    """Return the image of each pixel under an isometry, int64 (k*k,), in doubled coordinates from the centre."""
    rows, columns = np.divmod(np.arange(k * k), k)
    centred = np.stack([2 * rows - (k - 1), 2 * columns - (k - 1)])
    moved = (matrix @ centred + (k - 1)) // 2
    pixels: NDArray[np.int64] = moved[0] * k + moved[1]
    return pixels


def _of_factors(product: CompactProduct, build: Callable[[Group], Representation]) -> list[Representation]:
    """Return a representation of each factor, on which the others act trivially."""
    words = qualifiers(product)
    return [
        of_factor(product, build(factor), factor_start(product, k), f"{words[k]}.{build(factor).name}")
        for k, factor in enumerate(product.factors)
    ]


def _finite(group: Group) -> FiniteGroup:
    if not isinstance(group, FiniteGroup):
        raise RepresentationError(f"{group.name} is not a FiniteGroup or CompactGroup; use named_group")
    return group


def _compact(group: CompactGroup, name: str, lie: Matrices, discrete: Matrices, step: Construction) -> Representation:
    dim = next(
        (matrix.shape[0] for matrix in (*lie, *discrete)), group.n if step.operation == "natural" else step.count
    )
    return Representation(group, dim, name, "matrix", lie=lie, discrete=discrete, construction=step)
