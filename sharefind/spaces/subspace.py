"""One type for every linear subspace of Z = R^n: {0}, Z, the fixed spaces E^G, and numerically grown ones.

Exact subspaces have one canonical form: tying labels where possible, else a reduced basis. Therefore `==`, `<=` and
`hash` are exact. `fixed`, `isotypic` and `inclusions` compute subspaces from a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sympy import Matrix
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import SpaceError, quoted
from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import to_float
from sharefind.spaces import numerical, serialisation
from sharefind.spaces import tying as _tying
from sharefind.typing import FloatArray

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True, eq=False, repr=False)
class Subspace:
    """A linear subspace of R^ambient. Use the class methods below, which bring it to canonical form.

    Exactly one of `labels`, `rows` and `floats` is set.

    Attributes:
        ambient: Dimension of the whole space.
        labels: Shape (ambient,), int32: the tying pattern (0 = zero, k or -k = class k with sign).
        rows: Shape (dim, ambient), sparse and exact: the reduced row echelon basis, where no tying pattern exists.
        floats: Shape (dim, ambient), float64: an orthonormal basis of a numerical subspace.
        tolerance: Accuracy up to which a numerical subspace is known; 0 for an exact one.

    Examples:
        >>> space = Subspace.from_tying([1, 2, 1])  # the first and the third coordinate are equal
        >>> space.project([1.0, 5.0, 3.0])
        array([2., 5., 2.])
    """

    ambient: int
    labels: _tying.Labels | None = None
    rows: DomainMatrix | None = None
    floats: FloatArray | None = None
    tolerance: float = 0.0

    @classmethod
    def zero(cls, ambient: int) -> Subspace:
        """Return the subspace {0}.

        Args:
            ambient: Dimension of the whole space.
        """
        return cls.from_tying(np.zeros(_checked_ambient(ambient), dtype=np.int32))

    @classmethod
    def full(cls, ambient: int) -> Subspace:
        """Return the whole space.

        Args:
            ambient: Dimension of the whole space.
        """
        return cls.from_tying(np.arange(1, _checked_ambient(ambient) + 1, dtype=np.int32))

    @classmethod
    def from_tying(cls, labels: Sequence[int] | NDArray[np.integer]) -> Subspace:
        """Return the subspace of a tying pattern.

        Args:
            labels: Shape (ambient,), integers: 0 = zero, k or -k = class k with sign; the classes may have any numbers.

        Raises:
            SpaceError: The labels are not a non-empty one-dimensional array of integers, or do not fit into int32.
        """
        array = np.asarray(labels)
        if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
            raise SpaceError(f"tying labels must be integers of shape (ambient,), not {array.dtype} {array.shape}")
        _checked_ambient(array.size)
        largest = np.iinfo(np.int32).max  # labels are stored as int32
        if max(-int(array.min()), int(array.max())) > largest:
            raise SpaceError(f"tying labels must lie between -{largest} and {largest}; number the classes from 1")
        return cls.from_pattern(_tying.canonical(array.astype(np.int64, copy=False)))

    @classmethod
    def from_pattern(cls, labels: _tying.Labels) -> Subspace:
        """Return the subspace of canonical labels, without a check.

        Args:
            labels: Shape (ambient,), int32, from `tying.canonical`.
        """
        return cls(labels.size, labels=_frozen(labels))

    @classmethod
    def from_basis(cls, vectors: DomainMatrix | Sequence[Any]) -> Subspace:
        """Return the span of exact vectors, which may be dependent.

        Args:
            vectors: A matrix (k, ambient) whose rows span the space, or a list of k >= 1 vectors. Entries of a list are
                ints, fractions, exact strings such as "sqrt(2)/2", or sympy numbers.

        Raises:
            SpaceError: The vectors have different lengths or are not exact.
        """
        matrix = vectors if isinstance(vectors, DomainMatrix) else linear.matrix_from_vectors(vectors)
        return cls.from_reduced(linear.reduced(matrix))

    @classmethod
    def from_reduced(cls, rows: DomainMatrix) -> Subspace:
        """Return the span of a basis that is already in reduced row echelon form, without a check.

        Args:
            rows: Shape (dim, ambient).
        """
        ambient = _checked_ambient(rows.shape[1])
        labels = _tying.from_rows(rows)
        return cls(ambient, rows=rows) if labels is None else cls.from_pattern(labels)

    @classmethod
    def numerical(cls, vectors: Any, tolerance: float = 1e-10) -> Subspace:
        """Return the span of float vectors, known up to a tolerance; its `is_exact` is False.

        If no direction remains, the result is the exact {0}; if all `ambient` directions remain, it is the exact whole
        space. These two do not change under small perturbations.

        Args:
            vectors: Shape (k, ambient), floats.
            tolerance: Directions whose singular value is below this multiple of the largest one are dropped. The
                default is about the rounding error of a product of two float64 matrices of moderate size, far below any
                statistical error.

        Raises:
            SpaceError: The shape is wrong, or an entry is not finite.
        """
        floats = numerical.orthonormal_rows(np.asarray(vectors, dtype=np.float64), tolerance)
        rank, ambient = floats.shape
        if rank in (0, ambient):
            return cls.full(ambient) if rank else cls.zero(ambient)
        return cls(ambient, floats=_frozen(floats), tolerance=float(tolerance))

    @property
    def dim(self) -> int:
        """Dimension of the subspace."""
        if self.labels is not None:
            return self._label_dim
        return int(self.rows.shape[0] if self.rows is not None else self._orthonormal.shape[0])

    @cached_property
    def _label_dim(self) -> int:
        return 0 if self.labels is None else _tying.dimension(self.labels)

    @property
    def is_exact(self) -> bool:
        """Whether the subspace is exact; False if it was grown from floating-point directions."""
        return self.floats is None

    @property
    def is_zero(self) -> bool:
        """Whether this is {0}."""
        return self.dim == 0

    @property
    def is_full(self) -> bool:
        """Whether this is the whole space."""
        return self.dim == self.ambient

    @property
    def tying(self) -> _tying.Labels | None:
        """The tying pattern, shape (ambient,), int32, read-only; None if the subspace has none."""
        return self.labels

    def __repr__(self) -> str:
        """Dimensions and kind, never the entries."""
        kind = "tying" if self.labels is not None else "exact" if self.is_exact else "numerical"
        return f"Subspace(dim={self.dim}, ambient={self.ambient}, {kind})"

    def __eq__(self, other: object) -> bool:
        """Exact equality of subspaces. A numerical subspace equals only a bit-for-bit copy of itself."""
        if not isinstance(other, Subspace):
            return NotImplemented
        if self.ambient != other.ambient or self.dim != other.dim:
            return False
        if self.labels is not None and other.labels is not None:
            return bool(np.array_equal(self.labels, other.labels))
        if self.rows is not None and other.rows is not None:
            return linear.same_rows(self.rows, other.rows)
        if self.floats is not None and other.floats is not None:
            return bool(np.array_equal(self.floats, other.floats))
        return False

    def __hash__(self) -> int:
        """Hash that depends on the subspace only, not on the field of its basis."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        if self.labels is not None:
            return hash((self.ambient, self.labels.tobytes()))
        if self.rows is not None:
            return hash((self.ambient, linear.support(self.rows)))
        return hash((self.ambient, self._orthonormal.tobytes()))

    def __le__(self, other: Subspace) -> bool:
        """Inclusion."""
        return other.contains(self)

    def __lt__(self, other: Subspace) -> bool:
        """Strict inclusion."""
        return self.dim < other.dim and other.contains(self)

    def __ge__(self, other: Subspace) -> bool:
        """Inclusion of `other`."""
        return self.contains(other)

    def __gt__(self, other: Subspace) -> bool:
        """Strict inclusion of `other`."""
        return other < self

    def contains(self, other: Subspace | Sequence[Any]) -> bool:
        """Return whether another subspace or one vector lies in this subspace.

        The answer is exact if both are exact. Otherwise unit vectors may lie off by the larger of the two tolerances.

        Args:
            other: A subspace, or one exact vector of length `ambient`.

        Raises:
            SpaceError: The ambient dimensions differ.
        """
        inner = other if isinstance(other, Subspace) else Subspace.from_basis([other])
        self._check_ambient(inner)
        if inner.dim > self.dim:
            return False
        if not (self.is_exact and inner.is_exact):
            tolerance = max(self.tolerance, inner.tolerance)
            return numerical.lies_in(inner.orthonormal(), self.orthonormal(), tolerance)
        if self.labels is not None and inner.labels is not None:
            return _tying.contains(self.labels, inner.labels)
        return linear.in_row_space(self.exact_rows(), inner.exact_rows())

    def join(self, other: Subspace) -> Subspace:
        """Return the sum of two subspaces; numerical if one of them is, unless one contains the other.

        Args:
            other: The other subspace.
        """
        if self.contains(other):
            return self
        if other.contains(self):
            return other
        if self.is_exact and other.is_exact:
            return Subspace.from_reduced(linear.row_sum(self.exact_rows(), other.exact_rows()))
        tolerance = max(self.tolerance, other.tolerance)
        return Subspace.numerical(np.concatenate([self.orthonormal(), other.orthonormal()]), tolerance)

    def meet(self, other: Subspace) -> Subspace:
        """Return the intersection of two subspaces; numerical if one of them is, unless one contains the other.

        Args:
            other: The other subspace.
        """
        if self.contains(other):
            return other
        if other.contains(self):
            return self
        if self.labels is not None and other.labels is not None:
            return Subspace.from_pattern(_tying.meet(self.labels, other.labels))
        if self.is_exact and other.is_exact:
            return Subspace.from_reduced(linear.row_meet(self.exact_rows(), other.exact_rows()))
        tolerance = max(self.tolerance, other.tolerance)
        return Subspace.numerical(numerical.meet(self.orthonormal(), other.orthonormal(), tolerance), tolerance)

    def exact_rows(self) -> DomainMatrix:
        """Return the reduced row echelon basis, shape (dim, ambient), sparse and exact.

        Raises:
            SpaceError: The subspace is numerical.
        """
        if self.labels is not None:
            return _tying.to_rows(self.labels)
        if self.rows is None:
            raise SpaceError(
                "this subspace is numerical and has no exact basis; snap it to an invariant subspace first"
            )
        return self.rows

    def basis(self) -> list[Matrix]:
        """Return the reduced basis as `dim` exact sympy columns of shape (ambient, 1).

        Raises:
            SpaceError: The subspace is numerical.
        """
        rows = self.exact_rows()
        return [rows.extract([k], range(self.ambient)).transpose().to_Matrix() for k in range(self.dim)]

    def basis_strings(self) -> list[list[str]]:
        """Return the reduced basis as exact strings, shape (dim, ambient).

        Raises:
            SpaceError: The subspace is numerical.
        """
        rows = linear.row_strings(self.exact_rows())
        return [[row.get(j, "0") for j in range(self.ambient)] for row in rows]

    def orthonormal(self) -> FloatArray:
        """Return an orthonormal basis in the Euclidean product, shape (dim, ambient), float64, dense and read-only."""
        return self._orthonormal

    @cached_property
    def _orthonormal(self) -> FloatArray:
        if self.floats is not None:
            return self.floats
        if self.labels is not None:
            return _frozen(_tying.orthonormal(self.labels))
        return _frozen(numerical.orthonormal_frame(to_float(self.exact_rows())))

    def project(self, vectors: Any) -> NDArray[np.floating]:
        """Return the orthogonal projection P_E of vectors on the subspace.

        A tying subspace needs no dense matrix: O(ambient) per vector. The inner product is the Euclidean one. For an
        action that is not orthogonal, `inner_product.projection` has P_{E^G} (Maass & Fontbona 2024, Section 2).

        Args:
            vectors: Shape (..., ambient), numbers.

        Returns:
            Same shape; the dtype of `vectors` if that is a float type, else float64.
        """
        array = np.asarray(vectors)
        flat = self._rows_of_vectors(array)
        if self.labels is not None:
            projected = _tying.project(self.labels, flat)
        else:
            projected = (flat @ self._orthonormal.T) @ self._orthonormal
        kind = array.dtype if np.issubdtype(array.dtype, np.floating) else np.float64
        return projected.reshape(array.shape).astype(kind, copy=False)

    def distance2(self, vectors: Any) -> FloatArray:
        """Return the squared Euclidean distance of vectors to the subspace, shape (...), float64.

        Args:
            vectors: Shape (..., ambient), numbers.
        """
        array = np.asarray(vectors, dtype=np.float64)
        return np.asarray(np.sum((array - self.project(array)) ** 2, axis=-1))

    def projection_matrix_exact(self) -> DomainMatrix:
        """Return the exact orthogonal projection, shape (ambient, ambient), sparse.

        For a tying subspace the cost is the sum of the squared class sizes; otherwise a (dim, dim) matrix is inverted.

        Raises:
            SpaceError: The subspace is numerical.
        """
        if self.labels is not None:
            return _tying.projection_rows(self.labels)
        return linear.orthogonal_projection(self.exact_rows())

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready description, from which `from_json` restores an equal subspace."""
        head = {"ambient": self.ambient}
        if self.labels is not None:
            return head | {"kind": "tying", "labels": self.labels.tolist()}
        if self.floats is not None:
            return head | {"kind": "numerical", "tolerance": self.tolerance, "rows": self.floats.tolist()}
        rows = linear.row_strings(self.exact_rows())
        return head | {"kind": "basis", "rows": [{str(j): text for j, text in row.items()} for row in rows]}

    @classmethod
    def from_json(cls, data: Any, bounds: serialisation.SubspaceBounds = serialisation.SUBSPACE_BOUNDS) -> Subspace:
        """Return the subspace that `to_json` described.

        Args:
            data: The description.
            bounds: Size limits of a description.

        Raises:
            SpaceError: The description is malformed or too large.
        """
        with serialisation.refusing_strangers():
            ambient = serialisation.read_ambient(data, bounds)
            match data["kind"]:
                case "tying":
                    space = cls.from_tying(serialisation.read_labels(data))
                case "basis":
                    space = cls.from_basis(serialisation.read_basis(data, ambient))
                case "numerical":
                    space = cls._kept_numerical(serialisation.read_floats(data, ambient, bounds), data["tolerance"])
                case kind:
                    raise SpaceError(
                        f"kind {quoted(kind)} is not tying, basis or numerical; write it with Subspace.to_json"
                    )
            if space.ambient != ambient:
                raise SpaceError(
                    f"vectors of length {space.ambient} in a space of dimension {ambient}; correct one of them"
                )
            return space

    @classmethod
    def _kept_numerical(cls, floats: FloatArray, tolerance: Any) -> Subspace:
        """Return a numerical subspace that keeps its rows bit for bit if they are orthonormal, so that it equals the
        one written.
        """
        fresh = cls.numerical(floats, float(tolerance))
        if fresh.dim != len(floats) or fresh.is_exact:
            raise SpaceError("the rows of a numerical subspace are dependent or span everything; write it with to_json")
        if not np.allclose(floats @ floats.T, np.eye(len(floats)), atol=1e-8):
            return fresh
        return cls(floats.shape[1], floats=_frozen(floats), tolerance=fresh.tolerance)

    def _check_ambient(self, other: Subspace) -> None:
        if self.ambient != other.ambient:
            raise SpaceError(
                f"R^{self.ambient} and R^{other.ambient} have no subspaces in common; use one parameter space"
            )

    def _rows_of_vectors(self, array: NDArray[Any]) -> FloatArray:
        if array.ndim == 0 or array.shape[-1] != self.ambient:
            raise SpaceError(f"vectors of shape {array.shape} do not end in the ambient dimension {self.ambient}")
        return array.reshape(-1, self.ambient).astype(np.float64, copy=False)


def _checked_ambient(ambient: int) -> int:
    if ambient < 1:
        raise SpaceError(f"a subspace needs an ambient dimension of at least 1, not {ambient}")
    return int(ambient)


def _frozen(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    array.setflags(write=False)
    return array
