"""Exact representations of finite and compact groups on R^dim, by the images of the generators.

Permutation and signed-permutation representations stay index arrays through every operation; the text syntax
is in `expressions`, the ready-made representations in `constructors`, fixed subspaces in `sharefind.spaces`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import is_orthogonal_matrix, trace
from sharefind.groups import images as _images
from sharefind.groups.group import CompactGroup, FiniteGroup, Group
from sharefind.groups.images import PermArray, SignArray

if TYPE_CHECKING:
    from sharefind.groups.recipes import Recipe

Kind = Literal["permutation", "signed", "matrix"]


@dataclass(frozen=True, eq=False)
class Representation:
    """A homomorphism rho from a group to invertible matrices of R^dim, held by the images of its generators.

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
        recipe: how the representation was composed, which lets it be restricted and sampled; None when it was
            given by matrices.

    Build representations with `natural`, `trivial`, `regular`, `sign`, `grid`, `from_matrices`, `+`, `*` and
    `dual`: the constructor does not check that the images are a homomorphism.
    """

    group: Group
    dim: int
    name: str
    kind: Kind
    perms: PermArray | None = field(default=None, repr=False)
    signs: SignArray | None = field(default=None, repr=False)
    matrices: tuple[DomainMatrix, ...] | None = field(default=None, repr=False)
    lie: tuple[DomainMatrix, ...] = field(default=(), repr=False)
    discrete: tuple[DomainMatrix, ...] = field(default=(), repr=False)
    recipe: Recipe | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: images are computed again after unpickling."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def is_sparse(self) -> bool:
        """Whether every element acts by a permutation of the coordinates with signs."""
        return self.kind != "matrix"

    def __add__(self, other: Representation) -> Representation:
        """Direct sum on R^(dim + other.dim), this representation's coordinates first."""
        from sharefind.groups.operations import direct_sum

        return direct_sum(self, other)

    def __mul__(self, other: Representation | int) -> Representation:
        """Tensor product, index (i, j) -> i other.dim + j; with an integer, that many copies."""
        from sharefind.groups.operations import copies, tensor_product

        return copies(self, other) if isinstance(other, int) else tensor_product(self, other)

    def __rmul__(self, count: int) -> Representation:
        """Direct sum of `count` copies."""
        from sharefind.groups.operations import copies

        return copies(self, count)

    @property
    def dual(self) -> Representation:
        """rho(g)^{-T}; an orthogonal representation is its own dual."""
        from sharefind.groups.operations import dual

        return dual(self)

    def restrict(self, subgroup: FiniteGroup) -> Representation:
        """The same action of a subgroup, given on the same points by any generators.

        Raises:
            RepresentationError: not a subgroup of this representation's group.
        """
        from sharefind.groups.recipes import restrict

        return restrict(self, subgroup)

    @cached_property
    def is_orthogonal(self) -> bool:
        """Whether every rho(g) is orthogonal, decided exactly on the generators."""
        if self.is_sparse:
            return True
        skew = all((x + x.transpose()).is_zero_matrix for x in self.lie)
        return skew and all(is_orthogonal_matrix(m) for m in (self.matrices or ()) + self.discrete)

    @cached_property
    def _sparse_images(self) -> tuple[PermArray, SignArray]:
        return _images.sparse_images(self.finite_group, *self.sparse_generators)

    @cached_property
    def _matrix_images(self) -> tuple[DomainMatrix, ...]:
        return _images.matrix_images(self.finite_group, self.generator_matrices, self.dim)

    @property
    def finite_group(self) -> FiniteGroup:
        """The group, known to be finite.

        Raises:
            RepresentationError: the group is infinite.
        """
        if not isinstance(self.group, FiniteGroup):
            raise RepresentationError(
                f"{self.group.name} is infinite: {self.name} has no list of images; sample it instead"
            )
        return self.group

    @property
    def sparse_generators(self) -> tuple[PermArray, SignArray]:
        """(perms, signs) of the generators, (n_generators, dim) each.

        Raises:
            RepresentationError: the representation is of kind "matrix".
        """
        if self.perms is None or self.signs is None:
            raise RepresentationError(
                f"{self.name} does not act by signed permutations; use generator_matrices instead"
            )
        return self.perms, self.signs

    @property
    def generator_matrices(self) -> tuple[DomainMatrix, ...]:
        """Sparse exact matrices of the generators of a finite group, whatever the kind; (dim, dim) each."""
        if self.matrices is not None:
            return self.matrices
        if not self.is_sparse:
            raise RepresentationError(f"{self.group.name} is infinite; use .lie and .discrete of {self.name}")
        return _images.generator_matrices(*self.sparse_generators)

    def images(self) -> tuple[PermArray, SignArray] | tuple[DomainMatrix, ...]:
        """The image of every element, in the order of `group.elements()`.

        Returns:
            for the sparse kinds (perms (order, dim), signs (order, dim)), else one exact (dim, dim) matrix an
            element.

        Raises:
            RepresentationError: the group is infinite or the images do not fit `images.MAX_IMAGE_ENTRIES`.
        """
        return self._sparse_images if self.is_sparse else self._matrix_images

    def character(self) -> tuple[Expr, ...]:
        """tr rho(g), exact, (order,), in the order of `group.elements()`."""
        if self.is_sparse:
            values = _images.sparse_character(*self._sparse_images)
            return tuple(Integer(int(value)) for value in values)
        return tuple(m.domain.to_sympy(trace(m)) for m in self._matrix_images)

    def float_matrices(self) -> NDArray[np.float64]:
        """Every rho(g) as float64 (order, dim, dim), in the order of `group.elements()`."""
        if self.is_sparse:
            return _images.dense_from_sparse(*self._sparse_images)
        return _images.float_images(self.finite_group, self.generator_matrices, self.dim)

    def act_float(self, indices: NDArray[np.integer[Any]], x: NDArray[Any]) -> NDArray[Any]:
        """rho(g_k) x_k for finite groups, without dense matrices for the sparse kinds.

        Args:
            indices: rows of `group.elements()`, integer (n,).
            x: float (n, dim).

        Returns:
            (n, dim), dtype of x.

        Raises:
            RepresentationError: the shapes do not fit.
        """
        if x.ndim != 2 or x.shape != (len(indices), self.dim):
            raise RepresentationError(
                f"{self.name} acts on arrays ({len(indices)}, {self.dim}), not {x.shape}; reshape the input"
            )
        if self.is_sparse:
            return _images.act_sparse(*self._sparse_images, indices, x)
        moved = np.einsum("nij,nj->ni", self._float_matrices[indices], x)
        result: NDArray[Any] = moved.astype(x.dtype, copy=False)
        return result

    @cached_property
    def _float_matrices(self) -> NDArray[np.float64]:
        return self.float_matrices()

    def sample_matrices(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """rho of `size` Haar draws, float64 (size, dim, dim), for finite and compact groups."""
        if isinstance(self.group, FiniteGroup):
            return self._float_matrices[self.group.sample(rng, size)]
        from sharefind.groups.recipes import evaluate

        return evaluate(self, self.compact_group.sample(rng, size))

    @property
    def compact_group(self) -> CompactGroup:
        """The group, known to be SO(n) or O(n).

        Raises:
            RepresentationError: the group is finite.
        """
        if not isinstance(self.group, CompactGroup):
            raise RepresentationError(f"{self.group.name} is finite; its images are listed, not sampled")
        return self.group
