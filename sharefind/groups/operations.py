"""Direct sums, tensor products, copies and duals of representations.

Sparse representations stay index arrays; each result remembers its recipe, for restriction and sampling.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact import matrices as _matrices
from sharefind.exact.fields import CosineField
from sharefind.groups.group import CompactGroup
from sharefind.groups.images import PermArray, SignArray
from sharefind.groups.recipes import Recipe
from sharefind.groups.representation import Kind, Representation

MAX_DIM = 30_000_000
"""Largest dimension of a sparse representation: 120 MB a generator."""

MAX_MATRIX_DIM = 20_000
"""Largest dimension of a representation by exact matrices."""

MAX_MATRIX_WORK = 2_500_000
"""Most rational numbers that the exact matrices of a tensor product may take, counted as `_cost` does: two seconds."""


@dataclass(frozen=True, eq=False)
class SparseTensorProduct(Representation):
    """A tensor product of two signed permutation actions: index arrays of its own are made when asked for.

    Its orbits are found from the two factors (`sharefind.spaces.permuted`); hom(R^5000, R^5000) takes no memory.
    """

    def __post_init__(self) -> None:
        if self.__dict__["perms"] is None:
            # A cached property gives way to the instance's own value.
            del self.__dict__["perms"], self.__dict__["signs"]

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self) if f.name not in ("perms", "signs")}

    @property
    def factors(self) -> tuple[Representation, Representation]:
        """The two representations of which this is the product."""
        if self.recipe is None:
            raise RepresentationError(f"{self.name} is a tensor product without its factors; make it with a * b")
        first, second = self.recipe.parts
        return first, second

    @cached_property  # type: ignore[misc]
    def perms(self) -> PermArray:
        """Index (i, j) -> i b.dim + j, integer (n_generators, dim); read-only."""
        second = self.factors[1]
        p, q = (as_index(part.sparse_generators[0], self.dim) for part in self.factors)
        perms = (p[:, :, None] * second.dim + q[:, None, :]).reshape(len(p), self.dim)
        perms.flags.writeable = False
        return perms

    @cached_property  # type: ignore[misc]
    def signs(self) -> SignArray:
        """Products of signs, int8 (n_generators, dim)."""
        s, t = (part.sparse_generators[1] for part in self.factors)
        if self.kind == "permutation":
            return ones(len(s), self.dim)
        return (s[:, :, None] * t[:, None, :]).reshape(len(s), self.dim)


def direct_sum(a: Representation, b: Representation) -> Representation:
    """The direct sum on R^(a.dim + b.dim), coordinates of `a` first.

    Raises:
        RepresentationError: different groups, or a dimension above the limit.
    """
    _require_same_group(a, b)
    name, dim = f"{a.name}+{b.name}", a.dim + b.dim
    recipe = Recipe("sum", (a, b))
    if a.is_sparse and b.is_sparse:
        check_dim(dim, sparse=True)
        (p, s), (q, t) = a.sparse_generators, b.sparse_generators
        perms = np.concatenate([as_index(p, dim), as_index(q, dim) + a.dim], axis=1).astype(index_type(dim))
        return sparse(a, name, perms, _join_signs(a, b, s, t), _joint_kind(a, b), recipe)
    check_dim(dim, sparse=False)
    if isinstance(a.group, CompactGroup):
        lie = [_matrices.direct_sum(x, y) for x, y in zip(a.lie, b.lie, strict=True)]
        discrete = [_matrices.direct_sum(x, y) for x, y in zip(a.discrete, b.discrete, strict=True)]
        return Representation(a.group, dim, name, "matrix", lie=tuple(lie), discrete=tuple(discrete), recipe=recipe)
    pairs = zip(a.generator_matrices, b.generator_matrices, strict=True)
    summed = _matrices.common_matrices([_matrices.direct_sum(x, y) for x, y in pairs])
    return Representation(a.group, dim, name, "matrix", matrices=summed, recipe=recipe)


def tensor_product(a: Representation, b: Representation) -> Representation:
    """The tensor product on R^(a.dim b.dim), index (i, j) -> i b.dim + j; Lie algebras by the Leibniz rule.

    Raises:
        RepresentationError: different groups, or a dimension above the limit.
    """
    _require_same_group(a, b)
    name, dim = f"{_factor(a)}*{_factor(b, right=True)}", a.dim * b.dim
    recipe = Recipe("tensor", (a, b))
    if a.is_sparse and b.is_sparse:
        check_dim(dim, sparse=True)
        return SparseTensorProduct(a.group, dim, name, _joint_kind(a, b), recipe=recipe)
    check_dim(dim, sparse=False)
    _check_work(a, b, name)
    if isinstance(a.group, CompactGroup):
        lie = [_matrices.leibniz(x, y) for x, y in zip(a.lie, b.lie, strict=True)]
        discrete = [_matrices.kronecker(x, y) for x, y in zip(a.discrete, b.discrete, strict=True)]
        return Representation(a.group, dim, name, "matrix", lie=tuple(lie), discrete=tuple(discrete), recipe=recipe)
    pairs = zip(a.generator_matrices, b.generator_matrices, strict=True)
    products = _matrices.common_matrices([_matrices.kronecker(x, y) for x, y in pairs])
    return Representation(a.group, dim, name, "matrix", matrices=products, recipe=recipe)


def _check_work(a: Representation, b: Representation, name: str) -> None:
    """Refuse a product whose exact matrices would take long to make.

    Raises:
        RepresentationError: their entries times the degree of their field are above `MAX_MATRIX_WORK`.
    """
    if isinstance(a.group, CompactGroup):
        sums = ((x.nnz() + a.dim) * b.dim + a.dim * y.nnz() for x, y in zip(a.lie, b.lie, strict=True))
        work = sum(sums) + sum(x.nnz() * y.nnz() for x, y in zip(a.discrete, b.discrete, strict=True))
    else:
        pairs = zip(a.generator_matrices, b.generator_matrices, strict=True)
        work = sum(x.nnz() * y.nnz() * max(_cost(x), _cost(y)) for x, y in pairs)
    if work > MAX_MATRIX_WORK:
        raise RepresentationError(
            f"{name} would take {work} steps of exact arithmetic, above the limit of {MAX_MATRIX_WORK}, a hard one; "
            "use fewer or smaller factors"
        )


def _cost(matrix: DomainMatrix) -> int:
    """What a product of two entries costs beside one of rational numbers: of a cosine field ten times its degree."""
    domain = matrix.domain
    return 10 * int(domain.mod.degree()) if isinstance(domain, CosineField) else 1


def copies(rep: Representation, count: int) -> Representation:
    """The direct sum of `count` copies.

    Raises:
        RepresentationError: a count below 1, or a dimension above the limit.
    """
    if count < 1:
        raise RepresentationError(f"{count}*{rep.name} has no coordinates; multiply by a positive integer")
    if count == 1:
        return rep
    dim = count * rep.dim
    check_dim(dim, sparse=rep.is_sparse)
    name, recipe = f"{count}*{_factor(rep)}", Recipe("copies", (rep,), count)
    if rep.is_sparse:
        p, s = rep.sparse_generators
        offsets = np.arange(count, dtype=index_type(dim))[:, None] * rep.dim
        perms = (as_index(p, dim)[:, None, :] + offsets).reshape(len(p), dim)
        signs = ones(len(p), dim) if rep.kind == "permutation" else np.tile(s, (1, count))
        return sparse(rep, name, perms, signs, rep.kind, recipe)
    return replace(_many_sum(rep, count), name=name, recipe=recipe)


def _many_sum(rep: Representation, count: int) -> Representation:
    """Copies by doubling, so that the matrices are built O(log count) times."""
    if count == 1:
        return rep
    half = _many_sum(rep, count // 2)
    double = direct_sum(half, half)
    return direct_sum(double, rep) if count % 2 else double


def dual(rep: Representation) -> Representation:
    """rho(g)^{-T}, and -X^T on a Lie algebra; orthogonal representations are returned as they are."""
    if rep.is_orthogonal:
        return rep
    name, recipe = f"dual({rep.name})", Recipe("dual", (rep,))
    if isinstance(rep.group, CompactGroup):
        lie = tuple(-x.transpose() for x in rep.lie)
        discrete = tuple(_inverse_transpose(m) for m in rep.discrete)
        return Representation(rep.group, rep.dim, name, "matrix", lie=lie, discrete=discrete, recipe=recipe)
    inverted = tuple(_inverse_transpose(m) for m in rep.generator_matrices)
    return Representation(rep.group, rep.dim, name, "matrix", matrices=inverted, recipe=recipe)


def hom(out_rep: Representation, in_rep: Representation) -> Representation:
    """The induced action on Z = R^{d_out x d_in}, row-major: M_g z = rhohat_g z rho_g^{-1} (dim d_out d_in).

    This is out * in.dual (Maass and Fontbona 2024, Section 2, for units sigma(z x)).
    """
    return tensor_product(out_rep, in_rep.dual)


def sparse(
    like: Representation, name: str, perms: PermArray, signs: SignArray, kind: Kind, recipe: Recipe | None
) -> Representation:
    """A sparse representation of the group of `like`; perms and signs are (n_generators, dim)."""
    perms.flags.writeable = False
    return Representation(like.group, perms.shape[1], name, kind, perms=perms, signs=signs, recipe=recipe)


def index_type(dim: int) -> type[np.signedinteger]:
    """The integer type that holds indices below `dim` at half the memory where it can."""
    return np.int32 if dim <= np.iinfo(np.int32).max else np.int64


def as_index(perms: PermArray, dim: int) -> PermArray:
    """The same indices in the type used for dimension `dim`."""
    return perms.astype(index_type(dim), copy=False)


def ones(n_generators: int, dim: int) -> SignArray:
    """Read-only signs +1, (n_generators, dim), that take no memory."""
    return np.broadcast_to(np.int8(1), (n_generators, dim))


def check_dim(dim: int, sparse: bool) -> None:
    """Refuse a dimension that would not fit.

    Raises:
        RepresentationError: above `MAX_DIM` (sparse kinds) or `MAX_MATRIX_DIM` (matrices).
    """
    limit = MAX_DIM if sparse else MAX_MATRIX_DIM
    if dim > limit:
        raise RepresentationError(
            f"the representation would have dimension {dim}, above the limit of {limit}, a hard one; use a smaller one"
        )


def _require_same_group(a: Representation, b: Representation) -> None:
    same = a.group is b.group or (
        a.group == b.group and getattr(a.group, "generators", ()) == getattr(b.group, "generators", ())
    )
    if not same:
        raise RepresentationError(
            f"{a.name} is of {a.group.name} and {b.name} of {b.group.name}; build both from the same group"
        )


def _joint_kind(a: Representation, b: Representation) -> Kind:
    return "permutation" if a.kind == b.kind == "permutation" else "signed"


def _join_signs(a: Representation, b: Representation, s: SignArray, t: SignArray) -> SignArray:
    if _joint_kind(a, b) == "permutation":
        return ones(len(s), a.dim + b.dim)
    return np.concatenate([s, t], axis=1)


def _factor(rep: Representation, right: bool = False) -> str:
    """The name as a factor, in parentheses when it is a sum, or on the right when it has a multiplicity."""
    depth, is_sum = 0, False
    for character in rep.name:
        depth += {"(": 1, ")": -1}.get(character, 0)
        is_sum = is_sum or (character == "+" and depth == 0)
    return f"({rep.name})" if is_sum or (right and rep.name[:1].isdigit()) else rep.name


def _inverse_transpose(matrix: DomainMatrix) -> DomainMatrix:
    return matrix.inv().transpose()
