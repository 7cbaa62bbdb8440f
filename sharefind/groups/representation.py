"""Exact representations of finite and compact groups on R^dim, given by the images of the generators.

Permutation and signed permutation representations remain index arrays in every operation. `expressions` has the text
syntax, `constructors` the predefined representations, `sharefind.spaces` fixed subspaces.
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
    "natural", "trivial", "sign", "grid", "sum", "tensor", "multiple", "dual", "factor", "reorder", "types", "pairs"
]


@dataclass(frozen=True, eq=False)
class Construction:
    """The last step in the construction of a representation, so that it can be repeated for a subgroup, or sampled.

    Attributes:
        operation: Kind of step.
        build: Performs it: builds the representation from the parts, or from the group if there are no parts.
        parts: The representations to which it applies.
        count: Dimension ("trivial"), multiplicity ("multiple") or side in pixels ("grid").
        blocks: How the points of the original group act ("natural", "sign"); kept for its subgroups.
        inner: The representation of the factor of a product ("factor").
        start: First point of this factor.
        order: Old positions of the new coordinates ("reorder"), or the labels of types ("types", "pairs").
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
        """Whether a library that knows sums, products and duals needs the matrices of this step."""
        return self.operation in ("natural", "sign", "grid", "factor", "reorder")


@dataclass(frozen=True, eq=False)
class Representation(LinearAction):
    """A homomorphism rho from a group to invertible matrices of R^dim, stored by the images of its generators.

    Build representations with `natural`, `trivial`, `regular`, `sign`, `grid`, `from_matrices`, `+`, `*` and `dual`.
    The constructor does not check that the images are a homomorphism.

    Attributes:
        group: The group that acts.
        dim: Dimension of the space.
        name: The expression of the representation, such as "2*natural+trivial".
        kind: "permutation", "signed" or "matrix". An infinite group always has "matrix".
        perms: Shape (n_generators, dim), integers, for the kinds "permutation" and "signed": rho(g) e_i = signs[i]
            e_{perms[i]}.
        signs: Shape (n_generators, dim), int8: 1 or -1; all 1 for "permutation".
        matrices: One exact sparse matrix per generator, shape (dim, dim), over one field; for "matrix" and finite
            groups.
        lie: d rho of the basis of the Lie algebra, exact, shape (dim, dim) each, for a compact group.
        discrete: rho of the discrete generators, exact, shape (dim, dim) each, for a compact group.
        construction: How the representation was built, so that it can be restricted and sampled; None if it was given
            by matrices.

    Examples:
        >>> group = named_group("S3")
        >>> (2 * natural(group) + trivial(group)).dim
        7
    """

    construction: Construction | None = field(default=None, repr=False)

    def __add__(self, other: Representation) -> Representation:
        """Return the direct sum on R^(dim + other.dim), with this representation's coordinates first.

        Raises:
            RepresentationError: The groups differ, or the dimension exceeds its limit.
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
        """Return the tensor product, with index (i, j) -> i other.dim + j; for an integer, the multiple.

        Lie algebras act by the Leibniz rule.

        Raises:
            RepresentationError: The groups differ, a count is below 1, or the dimension exceeds its limit.
        """
        if isinstance(other, int):
            return self._multiple(other)
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
        """Return the direct sum of this representation with itself, `count` times."""
        return self._multiple(count)

    def _multiple(self, count: int) -> Representation:
        if count < 1:
            raise RepresentationError(f"{count}*{self.name} has no coordinates; multiply by a positive integer")
        if count == 1:
            return self
        _images.check_dim(count * self.dim, self.is_sparse)
        step = Construction("multiple", partial(mul, count), (self,), count)
        name = f"{count}*{_factor(self)}"
        if self.is_sparse:
            images = _images.sparse_multiple(self.sparse_generators, count, self.kind == "signed")
            return signed_permutations(self.group, name, images, self.kind, step)
        return replace(self._summed(count), name=name, construction=step)

    def _summed(self, count: int) -> Representation:
        """Build a multiple by doubling, so that matrices are built O(log count) times."""
        if count == 1:
            return self
        half = self._summed(count // 2)
        return half + half + self if count % 2 else half + half

    @property
    def dual(self) -> Representation:
        """The dual rho(g)^{-T}, and -X^T on a Lie algebra; an orthogonal representation is its own dual."""
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
        """Combine both actions matrix by matrix."""
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
        """Return the same action of a subgroup, given on the same points by any generators.

        If the construction is known, it is repeated; otherwise images are products along words.

        Args:
            subgroup: The subgroup.

        Raises:
            RepresentationError: It is not a subgroup of this representation's group.
        """
        group = self.finite_group
        if not subgroup.is_subgroup_of(group):
            raise RepresentationError(
                f"{subgroup.name} ({subgroup.degree} points) is not a subgroup of {group.name} ({group.degree}); "
                f"take one of subgroups({group.name})"
            )
        return replace(self.rebuilt(subgroup), name=self.name)

    def rebuilt(self, subgroup: Group) -> Representation:
        """Return the same construction for a subgroup, without the check that `restrict` makes.

        Args:
            subgroup: The subgroup.

        Raises:
            RepresentationError: The representation was given by matrices and the subgroup is not finite.
        """
        step = self.construction
        if step is None:
            if not isinstance(subgroup, FiniteGroup):
                raise RepresentationError(f"{self.name} was given by matrices; only composed representations restrict")
            return self._along_words(subgroup)
        return step.build(*[part.rebuilt(subgroup) for part in step.parts]) if step.parts else step.build(subgroup)

    def _along_words(self, subgroup: FiniteGroup) -> Representation:
        """Return images of the subgroup's generators as exact products of the given images."""
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
        """Return rho of Haar draws, shape (size, dim, dim), float64, for finite and compact groups.

        Args:
            rng: Source of the draws.
            size: Number of draws.
        """
        if isinstance(self.group, FiniteGroup):
            return self._float_matrices[self.group.sample(rng, size)]
        return self.evaluate(self.compact_group.sample(rng, size))

    def evaluate(self, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rho of matrices of a compact group, shape (size, dim, dim), float64.

        Args:
            draws: Elements of the group, shape (size, n, n), float64.

        Raises:
            RepresentationError: The representation was given by matrices.
        """
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
            case "sum" | "multiple":
                return _images.block_diagonal(parts * step.count)
            case "dual":
                return np.asarray(np.linalg.inv(parts[0])).swapaxes(1, 2)
            case "reorder" | "types" | "pairs":
                return reordered(step, parts[0])
            case _:
                return np.asarray(np.einsum("nij,nkl->nikjl", *parts).reshape(-1, self.dim, self.dim))


@dataclass(frozen=True, eq=False)
class SparseTensorProduct(Representation):
    """A tensor product of two signed permutation actions whose index arrays are computed on demand.

    `sharefind.spaces.permuted` computes its orbits from the two factors; hom(R^5000, R^5000) takes no memory.
    """

    def __post_init__(self) -> None:
        if self.__dict__["perms"] is None:
            # The instance's own value would hide the cached property.
            del self.__dict__["perms"], self.__dict__["signs"]

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self) if f.name not in ("perms", "signs")}

    @property
    def factors(self) -> tuple[SparseImages, SparseImages]:
        """Signed permutations by which each generator acts on the two factors of this tensor product.

        Raises:
            RepresentationError: The factors are unknown.
        """
        if self.construction is None:
            raise RepresentationError(f"{self.name} is a tensor product without its factors; make it with a * b")
        first, second = self.construction.parts
        return first.sparse_generators, second.sparse_generators

    @cached_property  # type: ignore[misc]
    def perms(self) -> PermArray:
        """Permutations with index (i, j) -> i b.dim + j, shape (n_generators, dim), integers, read-only."""
        p, q = (_images.as_index(perms, self.dim) for perms, _ in self.factors)
        perms: PermArray = (p[:, :, None] * q.shape[1] + q[:, None, :]).reshape(len(p), self.dim)
        perms.flags.writeable = False
        return perms

    @cached_property  # type: ignore[misc]
    def signs(self) -> SignArray:
        """Products of signs, shape (n_generators, dim), int8."""
        (_, s), (_, t) = self.factors
        if self.kind == "permutation":
            return _images.ones(len(s), self.dim)
        return (s[:, :, None] * t[:, None, :]).reshape(len(s), self.dim)


def reordered(step: Construction, matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrices of coordinates in another order, of their types or of products of types.

    Args:
        step: Name of the operation ("reorder", "types" or "pairs").
        matrices: Matrices before the step, shape (size, dim, dim).

    Returns:
        Shape (size, new dim, new dim).
    """
    if step.operation == "types":
        return _images.permuted_types(matrices, step.order)
    if step.operation == "pairs":
        return _images.paired(matrices, step.order)
    return np.asarray(matrices[:, step.order, :][:, :, step.order])


def hom(out_rep: Representation, in_rep: Representation) -> Representation:
    """Return the induced action on Z = R^{d_out x d_in}, flattened row by row: M_g z = rhohat_g z rho_g^{-1}.

    This is out * in.dual (Maass and Fontbona 2024, Section 2, for units sigma(z x)).

    Args:
        out_rep: The representation rhohat on outputs, of dimension d_out.
        in_rep: The representation rho on inputs, of dimension d_in.
    """
    return out_rep * in_rep.dual


def signed_permutations(
    group: Group, name: str, images: SparseImages, kind: Kind, construction: Construction | None = None
) -> Representation:
    """Return the representation with given images of the generators.

    Args:
        group: The group.
        name: Name of the representation.
        images: The pair (perms, signs), shape (n_generators, dim) each.
        kind: "permutation" or "signed".
        construction: How it was built.
    """
    perms, signs = images
    dim = perms.shape[1]
    perms = np.ascontiguousarray(_images.as_index(perms, dim))
    perms.flags.writeable = False
    return Representation(group, dim, name, kind, perms=perms, signs=signs, construction=construction)


def _factor(rep: Representation, right: bool = False) -> str:
    """Return the name as a factor: in parentheses if it is a sum, or if it is on the right and has a multiplicity."""
    depth, is_sum = 0, False
    for character in rep.name:
        depth += {"(": 1, ")": -1}.get(character, 0)
        is_sum = is_sum or (character == "+" and depth == 0)
    return f"({rep.name})" if is_sum or (right and rep.name[:1].isdigit()) else rep.name
