"""Exact representations of finite and compact groups on R^dim, by the images of the generators.

Permutation and signed-permutation representations stay index arrays through every operation; the text syntax
is in `expressions`, the ready-made representations in `constructors`, fixed subspaces in `sharefind.spaces`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial, reduce
from operator import add, attrgetter, mul
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import common_matrices, direct_sum, identity_matrix, kronecker, leibniz
from sharefind.groups import images as _images
from sharefind.groups.group import CompactGroup, FiniteGroup, Group, NaturalBlock
from sharefind.groups.images import Matrices, PermArray, SignArray, SparseImages
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.linear_action import Kind, LinearAction

Operation = Literal[
    "natural", "trivial", "sign", "grid", "sum", "tensor", "copies", "dual", "factor", "reorder", "types", "pairs"
]


@dataclass(frozen=True, eq=False)
class Construction:
    """The last step by which a representation was built, so that it can be built again for a subgroup, or sampled.

    Args:
        operation: What was done.
        build: Does it: makes the representation from the parts, or from the group where there are none.
        parts: The representations it was done to.
        count: Dimension ("trivial"), multiplicity ("copies") or side in pixels ("grid").
        blocks: How the points of the original group act ("natural", "sign"); kept for its subgroups.
        inner: The representation of the factor of a product ("factor").
        start: First point of this factor.
        order: Where the new coordinates were ("reorder"), or labels of types ("types", "pairs").
        evaluate: Its matrices at elements of a product of compact groups ("factor").
    """

    operation: Operation
    build: Callable[..., Representation] = field(repr=False)
    parts: tuple[Representation, ...] = ()
    count: int = 1
    blocks: tuple[NaturalBlock, ...] = ()
    inner: Representation | None = None
    start: int = 0
    order: tuple[int, ...] = ()
    evaluate: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = field(default=None, repr=False)

    @property
    def is_leaf(self) -> bool:
        """Whether a library that knows sums, products and duals has to be given the matrices."""
        return self.operation in ("natural", "sign", "grid", "factor", "reorder")


@dataclass(frozen=True, eq=False)
class Representation(LinearAction):
    """A homomorphism rho from a group to invertible matrices of R^dim, held by the images of its generators.

    Build representations with `natural`, `trivial`, `regular`, `sign`, `grid`, `from_matrices`, `+`, `*` and
    `dual`: the constructor does not check that the images are a homomorphism.

    Args:
        group: the group that acts.
        dim: dimension of the space.
        name: the expression it was made from, such as "2*natural+trivial".
        kind: "permutation", "signed" or "matrix". A compact group always has "matrix".
        perms: integer (n_generators, dim) for the sparse kinds: rho(g) e_i = signs[i] e_{perms[i]}.
        signs: int8 (n_generators, dim), +-1; all +1 for "permutation".
        matrices: one exact sparse (dim, dim) matrix a generator, over one field; "matrix" and finite groups.
        lie: d rho of the basis of the Lie algebra, exact (dim, dim) each, for a compact group.
        discrete: rho of the discrete generators, exact (dim, dim) each, for a compact group.
        construction: how the representation was built, which lets it be restricted and sampled; None when it was
            given by matrices.
    """

    construction: Construction | None = field(default=None, repr=False)

    def __add__(self, other: Representation) -> Representation:
        """Direct sum on R^(dim + other.dim), this representation's coordinates first.

        Raises:
            RepresentationError: different groups, or a dimension above the limit.
        """
        self._require_group_of(other)
        name, step = f"{self.name}+{other.name}", Construction("sum", add, (self, other))
        sparse = self.is_sparse and other.is_sparse
        _images.check_dim(self.dim + other.dim, sparse)
        if not sparse:
            return self._joined(other, name, step, direct_sum, direct_sum)
        kind = self._joint_kind(other)
        images = _images.sparse_sum(self.sparse_generators, other.sparse_generators, kind == "signed")
        return signed_permutations(self.group, name, images, kind, step)

    def __mul__(self, other: Representation | int) -> Representation:
        """Tensor product, index (i, j) -> i other.dim + j; with an integer, that many copies.

        Lie algebras act by the Leibniz rule.

        Raises:
            RepresentationError: different groups, a count below 1, or a dimension above the limit.
        """
        if isinstance(other, int):
            return self._copies(other)
        self._require_group_of(other)
        name, step = f"{_factor(self)}*{_factor(other, right=True)}", Construction("tensor", mul, (self, other))
        sparse = self.is_sparse and other.is_sparse
        _images.check_dim(self.dim * other.dim, sparse)
        if sparse:
            dim, kind = self.dim * other.dim, self._joint_kind(other)
            return SparseTensorProduct(self.group, dim, name, kind, construction=step)
        _images.check_product_work(name, (self.group_matrices, other.group_matrices), (self.lie, other.lie))
        return self._joined(other, name, step, kronecker, leibniz)

    def __rmul__(self, count: int) -> Representation:
        """Direct sum of `count` copies."""
        return self._copies(count)

    def _copies(self, count: int) -> Representation:
        if count < 1:
            raise RepresentationError(f"{count}*{self.name} has no coordinates; multiply by a positive integer")
        if count == 1:
            return self
        _images.check_dim(count * self.dim, self.is_sparse)
        step = Construction("copies", partial(mul, count), (self,), count)
        name = f"{count}*{_factor(self)}"
        if self.is_sparse:
            images = _images.sparse_copies(self.sparse_generators, count, self.kind == "signed")
            return signed_permutations(self.group, name, images, self.kind, step)
        return replace(self._summed(count), name=name, construction=step)

    def _summed(self, count: int) -> Representation:
        """Copies by doubling, so that the matrices are built O(log count) times."""
        if count == 1:
            return self
        half = self._summed(count // 2)
        return half + half + self if count % 2 else half + half

    @property
    def dual(self) -> Representation:
        """rho(g)^{-T}, and -X^T on a Lie algebra; orthogonal representations are their own duals."""
        if self.is_orthogonal:
            return self
        inverted = tuple(m.inv().transpose() for m in self.group_matrices)
        step = Construction("dual", attrgetter("dual"), (self,))
        return self._by_matrices(
            self.dim, f"dual({self.name})", step, inverted, tuple(-x.transpose() for x in self.lie)
        )

    def _joined(
        self,
        other: Representation,
        name: str,
        step: Construction,
        on_group: Callable[[DomainMatrix, DomainMatrix], DomainMatrix],
        on_algebra: Callable[[DomainMatrix, DomainMatrix], DomainMatrix],
    ) -> Representation:
        """Both actions, joined matrix by matrix."""
        joined = [on_group(x, y) for x, y in zip(self.group_matrices, other.group_matrices, strict=True)]
        lie = tuple(on_algebra(x, y) for x, y in zip(self.lie, other.lie, strict=True))
        dim = self.dim + other.dim if step.operation == "sum" else self.dim * other.dim
        return self._by_matrices(dim, name, step, common_matrices(joined), lie)

    def _by_matrices(
        self, dim: int, name: str, step: Construction, group_part: Matrices, lie: Matrices
    ) -> Representation:
        if isinstance(self.group, CompactGroup):
            return Representation(self.group, dim, name, "matrix", lie=lie, discrete=group_part, construction=step)
        return Representation(self.group, dim, name, "matrix", matrices=group_part, construction=step)

    def _require_group_of(self, other: Representation) -> None:
        one, two = self.group, other.group
        if one is not two and (one != two or getattr(one, "generators", ()) != getattr(two, "generators", ())):
            raise RepresentationError(
                f"{self.name} is of {one.name} and {other.name} of {two.name}; build both from the same group"
            )

    def _joint_kind(self, other: Representation) -> Kind:
        return "permutation" if self.kind == other.kind == "permutation" else "signed"

    def restrict(self, subgroup: FiniteGroup) -> Representation:
        """The same action of a subgroup, given on the same points by any generators.

        It is built again where the construction is known; else images are products along words.

        Raises:
            RepresentationError: not a subgroup of this representation's group.
        """
        group = self.finite_group
        if not subgroup.is_subgroup_of(group):
            raise RepresentationError(
                f"{subgroup.name} ({subgroup.degree} points) is not a subgroup of {group.name} ({group.degree}); "
                f"take one of subgroups({group.name})"
            )
        return replace(self.rebuilt(subgroup), name=self.name)

    def rebuilt(self, subgroup: Group) -> Representation:
        """The same construction for a subgroup, which is not checked to be one; `restrict` does."""
        step = self.construction
        if step is None:
            if not isinstance(subgroup, FiniteGroup):
                raise RepresentationError(f"{self.name} was given by matrices; only composed representations restrict")
            return self._along_words(subgroup)
        return step.build(*[part.rebuilt(subgroup) for part in step.parts]) if step.parts else step.build(subgroup)

    def _along_words(self, subgroup: FiniteGroup) -> Representation:
        """Images of the subgroup's generators as products of the given images, exactly."""
        group = self.finite_group
        if self.is_sparse and not group.is_small:
            perms, signs = JointPoints.of([self]).sparse(subgroup.generator_array, 0)
            return Representation(subgroup, self.dim, self.name, self.kind, perms=perms, signs=signs)
        words = [group.word(group.index(g)) for g in subgroup.generators]
        if self.is_sparse:
            images = [_images.sparse_word(self.sparse_generators, word) for word in words]
            perms = np.array([p for p, _ in images], dtype=np.int64).reshape(len(words), self.dim)
            signs = np.array([s for _, s in images], dtype=np.int8).reshape(len(words), self.dim)
            return Representation(subgroup, self.dim, self.name, self.kind, perms=perms, signs=signs)
        matrices = self.generator_matrices
        identity = identity_matrix(self.dim, matrices[0].domain) if matrices else identity_matrix(self.dim)
        products = tuple(reduce(lambda m, letter: m * matrices[letter], word, identity) for word in words)
        return Representation(subgroup, self.dim, self.name, "matrix", matrices=products)

    def sample_matrices(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """rho of `size` Haar draws, float64 (size, dim, dim), for finite and compact groups."""
        if isinstance(self.group, FiniteGroup):
            return self._float_matrices[self.group.sample(rng, size)]
        return self.evaluate(self.compact_group.sample(rng, size))

    def evaluate(self, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """rho of matrices of a compact group: draws float64 (size, n, n), result float64 (size, dim, dim)."""
        step = self.construction
        if step is None:
            raise RepresentationError(
                f"{self.name} was given by matrices; only composed representations can be sampled"
            )
        if step.evaluate is not None:
            return step.evaluate(draws)
        parts = [part.evaluate(draws) for part in step.parts]
        match step.operation:
            case "natural":
                return draws
            case "trivial":
                return np.broadcast_to(np.eye(self.dim), (len(draws), self.dim, self.dim)).copy()
            case "sign":
                return np.asarray(np.sign(np.linalg.det(draws)).reshape(-1, 1, 1))
            case "sum" | "copies":
                return _images.block_diagonal(parts * step.count)
            case "dual":
                return np.asarray(np.linalg.inv(parts[0])).swapaxes(1, 2)
            case "reorder" | "types" | "pairs":
                return reordered(step, parts[0])
            case _:
                return np.asarray(np.einsum("nij,nkl->nikjl", *parts).reshape(-1, self.dim, self.dim))


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
    def factors(self) -> tuple[SparseImages, SparseImages]:
        """Signed permutations of the generators in the two representations of which this is the product."""
        if self.construction is None:
            raise RepresentationError(f"{self.name} is a tensor product without its factors; make it with a * b")
        first, second = self.construction.parts
        return first.sparse_generators, second.sparse_generators

    @cached_property  # type: ignore[misc]
    def perms(self) -> PermArray:
        """Index (i, j) -> i b.dim + j, integer (n_generators, dim); read-only."""
        p, q = (_images.as_index(perms, self.dim) for perms, _ in self.factors)
        perms: PermArray = (p[:, :, None] * q.shape[1] + q[:, None, :]).reshape(len(p), self.dim)
        perms.flags.writeable = False
        return perms

    @cached_property  # type: ignore[misc]
    def signs(self) -> SignArray:
        """Products of signs, int8 (n_generators, dim)."""
        (_, s), (_, t) = self.factors
        if self.kind == "permutation":
            return _images.ones(len(s), self.dim)
        return (s[:, :, None] * t[:, None, :]).reshape(len(s), self.dim)


def reordered(step: Construction, matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrices of coordinates in another order, of their types or of products of types.

    Args:
        step: What was done ("reorder", "types" or "pairs").
        matrices: Of what it was done to, shape (size, dim, dim).

    Returns:
        Shape (size, new dim, new dim).
    """
    if step.operation == "types":
        return _images.permuted_types(matrices, step.order)
    if step.operation == "pairs":
        return _images.paired(matrices, step.order)
    return np.asarray(matrices[:, step.order, :][:, :, step.order])


def hom(out_rep: Representation, in_rep: Representation) -> Representation:
    """The induced action on Z = R^{d_out x d_in}, row-major: M_g z = rhohat_g z rho_g^{-1} (dim d_out d_in).

    This is out * in.dual (Maass and Fontbona 2024, Section 2, for units sigma(z x)).
    """
    return out_rep * in_rep.dual


def signed_permutations(
    group: Group, name: str, images: SparseImages, kind: Kind, construction: Construction | None = None
) -> Representation:
    """The representation with these images of the generators, (n_generators, dim) each."""
    perms, signs = images
    dim = perms.shape[1]
    perms = np.ascontiguousarray(_images.as_index(perms, dim))
    perms.flags.writeable = False
    return Representation(group, dim, name, kind, perms=perms, signs=signs, construction=construction)


def _factor(rep: Representation, right: bool = False) -> str:
    """The name as a factor, in parentheses when it is a sum, or on the right when it has a multiplicity."""
    depth, is_sum = 0, False
    for character in rep.name:
        depth += {"(": 1, ")": -1}.get(character, 0)
        is_sum = is_sum or (character == "+" and depth == 0)
    return f"({rep.name})" if is_sum or (right and rep.name[:1].isdigit()) else rep.name
