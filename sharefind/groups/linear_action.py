"""A homomorphism from a group to matrices, given by the images of its generators.

`representation` has sums, products and restrictions of such actions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import is_orthogonal_matrix, trace
from sharefind.groups import images as _images
from sharefind.groups.group import CompactGroup, FiniteGroup, Group
from sharefind.groups.images import Matrices, PermArray, SignArray, SparseImages

Kind = Literal["permutation", "signed", "matrix"]


@dataclass(frozen=True, eq=False)
class LinearAction:
    """A homomorphism rho from a group to invertible matrices of R^dim.

    Attributes:
        group: The group that acts.
        dim: Dimension of the space.
        name: The expression of the action, such as "2*natural+trivial".
        kind: "permutation", "signed" or "matrix". An infinite group always has "matrix".
        perms: Shape (n_generators, dim), integers, for the kinds "permutation" and "signed": rho(g) e_i = signs[i]
            e_{perms[i]}.
        signs: Shape (n_generators, dim), int8: 1 or -1; all 1 for "permutation".
        matrices: One exact sparse matrix per generator, shape (dim, dim), over one field; for "matrix" and finite
            groups.
        lie: d rho of the basis of the Lie algebra, exact, shape (dim, dim) each, for a compact group.
        discrete: rho of the discrete generators, exact, shape (dim, dim) each, for a compact group.
    """

    group: Group
    dim: int
    name: str
    kind: Kind
    perms: PermArray | None = field(default=None, repr=False)
    signs: SignArray | None = field(default=None, repr=False)
    matrices: Matrices | None = field(default=None, repr=False)
    lie: Matrices = field(default=(), repr=False)
    discrete: Matrices = field(default=(), repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields only; images are computed again after unpickling."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def is_sparse(self) -> bool:
        """Whether every element acts by a signed permutation of the coordinates."""
        return self.kind != "matrix"

    @cached_property
    def is_orthogonal(self) -> bool:
        """Whether every rho(g) is orthogonal, decided exactly from the generators."""
        if self.is_sparse:
            return True
        skew = all((x + x.transpose()).is_zero_matrix for x in self.lie)
        return skew and all(is_orthogonal_matrix(m) for m in (self.matrices or ()) + self.discrete)

    @cached_property
    def _sparse_images(self) -> SparseImages:
        return _images.sparse_images(self.finite_group, *self.sparse_generators)

    @cached_property
    def _matrix_images(self) -> Matrices:
        return _images.matrix_images(self.finite_group, self.generator_matrices, self.dim)

    @property
    def finite_group(self) -> FiniteGroup:
        """The group, if it is finite.

        Raises:
            RepresentationError: The group is infinite.
        """
        if not isinstance(self.group, FiniteGroup):
            raise RepresentationError(
                f"{self.group.name} is infinite: {self.name} has no list of images; sample it instead"
            )
        return self.group

    @property
    def compact_group(self) -> CompactGroup:
        """The group, if it is a group of matrices: SO(n), O(n), a product with them, or a subgroup of these.

        Raises:
            RepresentationError: The group is finite.
        """
        if not isinstance(self.group, CompactGroup):
            raise RepresentationError(f"{self.group.name} is finite; its images are listed, not sampled")
        return self.group

    @property
    def sparse_generators(self) -> SparseImages:
        """The pair (perms, signs) of the generators, shape (n_generators, dim) each.

        Raises:
            RepresentationError: The action is of kind "matrix".
        """
        if self.perms is None or self.signs is None:
            raise RepresentationError(
                f"{self.name} does not act by signed permutations; use generator_matrices instead"
            )
        return self.perms, self.signs

    @property
    def generator_matrices(self) -> Matrices:
        """Sparse exact matrices of the generators of a finite group, for every kind, shape (dim, dim) each.

        Raises:
            RepresentationError: The group is infinite.
        """
        if self.matrices is not None:
            return self.matrices
        if self.group.is_finite and not isinstance(self.group, FiniteGroup):
            return self.discrete
        if not self.is_sparse:
            raise RepresentationError(f"{self.group.name} is infinite; use .lie and .discrete of {self.name}")
        return _images.generator_matrices(*self.sparse_generators)

    @property
    def group_matrices(self) -> Matrices:
        """The `generator_matrices` of a finite group, or `discrete` of a compact one."""
        return self.generator_matrices if self.group.is_finite else self.discrete

    def images(self) -> SparseImages | Matrices:
        """Return the image of every element, in the order of `group.elements()`.

        Returns:
            The pair (perms, signs), shape (order, dim) each, for the kinds "permutation" and "signed"; else one exact
                matrix (dim, dim) per element.

        Raises:
            RepresentationError: The group is infinite, or the images exceed the limit of `images.check_size`.
        """
        return self._sparse_images if self.is_sparse else self._matrix_images

    def character(self) -> tuple[Expr, ...]:
        """Return tr rho(g), exact, length order, in the order of `group.elements()`."""
        if self.is_sparse:
            perms, signs = self._sparse_images
            traces = np.where(perms == np.arange(self.dim), signs, 0).sum(axis=1, dtype=np.int64)
            return tuple(map(Integer, traces.tolist()))
        return tuple(m.domain.to_sympy(trace(m)) for m in self._matrix_images)

    def float_matrices(self) -> NDArray[np.float64]:
        """Return every rho(g), shape (order, dim, dim), float64, in the order of `group.elements()`."""
        if self.is_sparse:
            return _images.dense_from_sparse(*self._sparse_images)
        return _images.float_images(self.finite_group, self.generator_matrices, self.dim)

    @cached_property
    def _float_matrices(self) -> NDArray[np.float64]:
        return self.float_matrices()

    def act_float(self, indices: NDArray[np.integer[Any]], x: NDArray[Any]) -> NDArray[Any]:
        """Return rho(g_k) x_k for a finite group, shape (n, dim), dtype of x; signed permutations need no dense
        matrices.

        Args:
            indices: Rows of `group.elements()`, shape (n,), integers.
            x: Shape (n, dim), floats.

        Raises:
            RepresentationError: The shapes do not fit.
        """
        if x.ndim != 2 or x.shape != (len(indices), self.dim):
            raise RepresentationError(
                f"{self.name} acts on arrays ({len(indices)}, {self.dim}), not {x.shape}; reshape the input"
            )
        if not self.is_sparse:
            acted = np.einsum("nij,nj->ni", self._float_matrices[indices], x)
            return np.asarray(acted.astype(x.dtype, copy=False))
        perms, signs = self._sparse_images
        moved = np.empty_like(x)
        np.put_along_axis(moved, perms[indices], signs[indices] * x, axis=1)
        return moved
