"""How a representation was composed, so that it can be restricted to a subgroup or evaluated on samples.

A recipe is plain data, so it can be pickled; the operations are in `operations` and `constructors`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import identity_matrix
from sharefind.groups.group import FiniteGroup, NaturalBlock
from sharefind.groups.images import PermArray, SignArray
from sharefind.groups.representation import Representation

Operation = Literal["natural", "trivial", "sign", "grid", "sum", "tensor", "copies", "dual"]


@dataclass(frozen=True, eq=False)
class Recipe:
    """One step of the construction of a representation.

    Args:
        operation: what was done.
        parts: the representations it was done to.
        count: dimension ("trivial"), multiplicity ("copies") or side in pixels ("grid").
        centre: whether a grid keeps its centre pixel.
        blocks: how the points of the original group act ("natural", "sign"); kept for its subgroups.
    """

    operation: Operation
    parts: tuple[Representation, ...] = ()
    count: int = 1
    centre: bool = True
    blocks: tuple[NaturalBlock, ...] = ()


def restrict(rep: Representation, subgroup: FiniteGroup) -> Representation:
    """The action of a subgroup on the same points: composed again where there is a recipe, else along words.

    Raises:
        RepresentationError: not a subgroup of the representation's group.
    """
    group = rep.finite_group
    if not subgroup.is_subgroup_of(group):
        raise RepresentationError(
            f"{subgroup.name} ({subgroup.degree} points) is not a subgroup of {group.name} ({group.degree}); "
            f"take one of subgroups({group.name})"
        )
    return replace(_rebuild(rep, subgroup), name=rep.name)


def _rebuild(rep: Representation, subgroup: FiniteGroup) -> Representation:
    if rep.recipe is None:
        return _along_words(rep, subgroup)
    recipe = rep.recipe
    parts = [_rebuild(part, subgroup) for part in recipe.parts]
    return _compose(recipe, parts) if parts else _leaf(recipe, subgroup)


def _leaf(recipe: Recipe, group: FiniteGroup) -> Representation:
    from sharefind.groups import constructors

    match recipe.operation:
        case "trivial":
            return constructors.trivial(group, recipe.count)
        case "sign":
            return constructors.sign(group, recipe.blocks)
        case "grid":
            return constructors.grid(group, recipe.count, recipe.centre)
        case _:
            return constructors.natural(group, recipe.blocks)


def _compose(recipe: Recipe, parts: list[Representation]) -> Representation:
    from sharefind.groups import operations

    match recipe.operation:
        case "sum":
            return operations.direct_sum(*parts)
        case "tensor":
            return operations.tensor_product(*parts)
        case "copies":
            return operations.copies(parts[0], recipe.count)
        case _:
            return operations.dual(parts[0])


def _along_words(rep: Representation, subgroup: FiniteGroup) -> Representation:
    """Images of the subgroup's generators as products of the given images, exactly."""
    group = rep.finite_group
    words = [group.word(group.index(g)) for g in subgroup.generators]
    if rep.is_sparse:
        images = [_sparse_product(rep, word) for word in words]
        perms = np.stack([p for p, _ in images]) if images else np.empty((0, rep.dim), dtype=np.int64)
        signs = np.stack([s for _, s in images]) if images else np.empty((0, rep.dim), dtype=np.int8)
        return Representation(subgroup, rep.dim, rep.name, rep.kind, perms=perms, signs=signs)
    matrices = rep.generator_matrices
    identity = identity_matrix(rep.dim, matrices[0].domain) if matrices else identity_matrix(rep.dim)
    products = tuple(reduce(lambda m, letter: m * matrices[letter], word, identity) for word in words)
    return Representation(subgroup, rep.dim, rep.name, "matrix", matrices=products)


def _sparse_product(rep: Representation, word: tuple[int, ...]) -> tuple[PermArray, SignArray]:
    perms, signs = rep.sparse_generators
    perm: PermArray = np.arange(rep.dim, dtype=perms.dtype)
    sign: SignArray = np.ones(rep.dim, dtype=np.int8)
    for letter in word:
        perm, sign = perm[perms[letter]], sign[perms[letter]] * signs[letter]
    return perm, sign


def evaluate(rep: Representation, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """rho of matrices of a compact group: draws float64 (size, n, n), result float64 (size, dim, dim)."""
    recipe = rep.recipe
    if recipe is None:
        raise RepresentationError(f"{rep.name} was given by matrices; only composed representations can be sampled")
    size = len(draws)
    parts = [evaluate(part, draws) for part in recipe.parts]
    match recipe.operation:
        case "natural":
            return draws
        case "trivial":
            return np.broadcast_to(np.eye(rep.dim), (size, rep.dim, rep.dim)).copy()
        case "sign":
            signs: NDArray[np.float64] = np.sign(np.linalg.det(draws)).reshape(size, 1, 1)
            return signs
        case "sum":
            return _block_diagonal(parts)
        case "copies":
            return _block_diagonal(parts * recipe.count)
        case "dual":
            inverses = np.asarray(np.linalg.inv(parts[0]), dtype=np.float64)
            return inverses.swapaxes(1, 2)
        case _:
            products: NDArray[np.float64] = np.einsum("nij,nkl->nikjl", *parts)
            return products.reshape(size, rep.dim, rep.dim)


def evaluate_permutations(rep: Representation, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """rho of permutations of a finite group: drawn int64 (size, degree), result float64 (size, dim, dim).

    Needs no list of elements, so that it serves the largest groups; natural representations on points or signed axes,
    trivial ones, and sums of these.

    Raises:
        RepresentationError: another representation.
    """
    recipe = rep.recipe
    if recipe is not None and recipe.operation in ("sum", "copies"):
        parts = [evaluate_permutations(part, drawn) for part in recipe.parts]
        return _block_diagonal(parts * (recipe.count if recipe.operation == "copies" else 1))
    size = len(drawn)
    if recipe is not None and recipe.operation == "trivial":
        return np.broadcast_to(np.eye(rep.dim), (size, rep.dim, rep.dim)).copy()
    blocks = () if recipe is None or recipe.operation != "natural" else recipe.blocks
    blocks = blocks or rep.finite_group.natural_blocks
    if recipe is None or recipe.operation != "natural" or any(b.kind == "rotation" for b in blocks):
        raise RepresentationError(
            f"{rep.group.name} is too large to list, and {rep.name} cannot be sampled without that; "
            "use natural and trivial representations, or a smaller group"
        )
    return _block_diagonal([_block_matrices(drawn, b.start, b.dim) for b in blocks or (_all_points(rep),)])


def _all_points(rep: Representation) -> NaturalBlock:
    return NaturalBlock("points", 0, rep.finite_group.degree)


def _block_matrices(drawn: NDArray[np.int64], start: int, dim: int) -> NDArray[np.float64]:
    """e_i -> +-e_j for the points of one block, (size, dim, dim)."""
    images = drawn[:, start : start + dim] - start
    matrices = np.zeros((len(drawn), dim, dim))
    rows = np.arange(len(drawn))[:, None]
    matrices[rows, images % dim, np.arange(dim)] = np.where(images < dim, 1.0, -1.0)
    return matrices


def _block_diagonal(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    dim = sum(part.shape[1] for part in parts)
    blocks = np.zeros((len(parts[0]), dim, dim))
    start = 0
    for part in parts:
        stop = start + part.shape[1]
        blocks[:, start:stop, start:stop] = part
        start = stop
    return blocks
