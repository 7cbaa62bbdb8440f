"""Finite permutation groups and compact matrix groups, exact and without any catalogue of names.

`representation` has the actions of groups on vector spaces, `catalogue` the groups that have names.

Conventions, stated once. A permutation g is stored in image form, g[i] = g(i); the product is composition,
(g h)(i) = g(h(i)), which is `g[h]` in numpy; a representation satisfies rho(g h) = rho(g) rho(h); the
permutation matrix of g sends e_i to e_{g(i)}.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError
from sharefind.groups.cycles import cycle_notation, permutation_sign
from sharefind.groups.enumeration import Enumeration, enumerate_elements
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.limits import LARGEST_ORDER
from sharefind.typing import IntArray

if TYPE_CHECKING:
    from sympy.combinatorics import PermutationGroup

MAX_ORDER = LARGEST_ORDER
"""Default limit on the order of a group that `FiniteGroup.elements` lists."""

MAX_TABLE_ORDER = 6_000
"""Largest order for which a multiplication table is built; order^2 entries of four bytes are 144 MB here."""


class Group(ABC):
    """A candidate symmetry group.

    Attributes:
        name: Its name.
    """

    name: str

    @property
    @abstractmethod
    def order(self) -> int | None:
        """Number of elements; None for an infinite group."""

    @property
    def is_finite(self) -> bool:
        """Whether the group has finitely many elements."""
        return self.order is not None


@dataclass(frozen=True)
class NaturalBlock:
    """How a range of points acts on a vector space; natural representations are direct sums of such blocks.

    Attributes:
        kind: "points" (e_i -> e_{g(i)}, dimension `size`), "signed" (points i and i + size/2 are e_i and -e_i,
            dimension size/2) or "rotation" (the shift i -> i + 1 is the rotation by 2 pi / size, dimension 2).
        start: First point of the range.
        size: Number of points.
    """

    kind: Literal["points", "signed", "rotation"]
    start: int
    size: int

    @property
    def dim(self) -> int:
        """Dimension of the space on which the block acts."""
        return {"points": self.size, "signed": self.size // 2, "rotation": 2}[self.kind]


@dataclass(frozen=True, eq=False)
class FiniteGroup(Group):
    """A permutation group of range(degree), given by generators.

    Two groups are equal if they have the same degree and the same set of permutations; names, generators and natural
    representations may differ.

    Attributes:
        name: Its name; `structure_name` computes structure names.
        degree: Number of points.
        generators: Permutations of range(degree) in image form, g[i] = g(i). The identity is dropped, so the trivial
            group has no generators.
        natural_blocks: How the points act on the natural space; empty means by permuting coordinates.
        known_order: The order, if it is known by construction; this avoids a Schreier-Sims computation.
        factors: Factors of a direct product, whose points follow each other in this order; empty for other groups.

    Raises:
        GroupError: There are no points, or a generator is not a permutation of range(degree).
    """

    name: str
    degree: int
    generators: tuple[tuple[int, ...], ...] = field(repr=False)
    natural_blocks: tuple[NaturalBlock, ...] = field(default=(), repr=False)
    known_order: int | None = field(default=None, repr=False)
    factors: tuple[FiniteGroup, ...] = field(default=(), repr=False)

    most_entries: ClassVar[int] = 50_000_000
    """Largest order x degree of a list of elements; eight bytes each, 400 MB here."""

    most_at_once: ClassVar[int] = 5_000
    """Largest order up to which elements are listed by default; beyond it, a stabiliser chain is faster."""

    most_unlisted: ClassVar[int] = 10**30
    """Largest order of a group that is searched, sampled or read without a list of elements, unless it has a name."""

    def __post_init__(self) -> None:
        if self.degree < 1:
            raise GroupError(f"group {self.name} has no points; give at least one")
        identity = tuple(range(self.degree))
        images = [tuple(map(int, generator)) for generator in self.generators]
        for position, generator in enumerate(images):
            if sorted(generator) != list(identity):
                raise GroupError(
                    f"generator {position} of group {self.name} is not a permutation of 0..{self.degree - 1}; "
                    "list the image of every point once"
                )
        object.__setattr__(self, "generators", tuple(g for g in images if g != identity))

    @property
    def blocks(self) -> tuple[NaturalBlock, ...]:
        """The `natural_blocks`, or one block of all points if there are none."""
        return self.natural_blocks or (NaturalBlock("points", 0, self.degree),)

    @cached_property
    def order(self) -> int:
        """Number of elements: known by construction, else counted by listing if there are few, else by
        Schreier-Sims.
        """
        if self.known_order is not None:
            return self.known_order
        listed = enumerate_elements(self.generator_array, min(self.most_at_once, self._most_listed))
        return self.chain.order if listed is None else len(listed.elements)

    @cached_property
    def chain(self) -> StabiliserChain:
        """A base and strong generating set, computed without listing elements."""
        return StabiliserChain.of(self.generator_array, self.degree, known_order=self.known_order)

    @cached_property
    def sympy(self) -> PermutationGroup:
        """The same group as a sympy `PermutationGroup`; note that sympy composes left to right."""
        from sympy.combinatorics import Permutation, PermutationGroup

        generators = self.generators or (tuple(range(self.degree)),)
        return PermutationGroup([Permutation(list(g), size=self.degree) for g in generators])

    @cached_property
    def generator_array(self) -> IntArray:
        """Generators, shape (n_generators, degree), int64."""
        return np.asarray(self.generators, dtype=np.int64).reshape(len(self.generators), self.degree)

    @cached_property
    def _listed(self) -> Enumeration | None:
        if self.order > self._most_listed:
            return None
        return enumerate_elements(self.generator_array, self._most_listed)

    @property
    def _most_listed(self) -> int:
        return min(MAX_ORDER, self.most_entries // self.degree)

    @cached_property
    def _listed_beyond(self) -> Enumeration | None:
        return enumerate_elements(self.generator_array, self.order)

    @property
    def is_listable(self) -> bool:
        """Whether the group is small enough to be listed within the default limits."""
        return self.order <= self._most_listed

    @property
    def is_small(self) -> bool:
        """Whether the group is small enough that listing its elements is the faster method."""
        return self.order <= min(self.most_at_once, self._most_listed)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields only; derived values are computed again after unpickling."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def enumeration(self, max_order: int = MAX_ORDER) -> Enumeration:
        """Return every element with its word in the generators, breadth first, so that the order is deterministic.

        Args:
            max_order: Largest order.

        Raises:
            GroupError: The order exceeds `max_order`, the list would be too large, or `known_order` is wrong.
        """
        if self.order > max_order:
            count = str(self.order) if self.order < 10**12 else "more than 10^12"
            raise GroupError(
                f"group {self.name} has {count} elements, above the limit of {max_order}; "
                "take a smaller group, or in Python pass a larger max_order"
            )
        if self.order * self.degree > self.most_entries:
            raise GroupError(
                f"listing {self.name} needs {self.order} x {self.degree} entries, above the limit of "
                f"{self.most_entries}, a hard one; take a smaller group"
            )
        listed = self._listed if self._listed is not None else self._listed_beyond
        if listed is None or len(listed.elements) != self.order:
            raise GroupError(f"group {self.name} does not have the known_order={self.order} given; correct it")
        return listed

    def elements(self, max_order: int = MAX_ORDER) -> IntArray:
        """Return every element, shape (order, degree), int64, breadth first; row 0 is the identity.

        Args:
            max_order: Largest order.

        Raises:
            GroupError: The order exceeds `max_order`.
        """
        return self.enumeration(max_order).elements

    def words(self, max_order: int = MAX_ORDER) -> tuple[IntArray, IntArray]:
        """Return the tree of words: (parent, generator), shape (order,), int64 each; both are -1 at the identity.

        elements[k] = elements[parent[k]] o generators[generator[k]], and parent[k] < k. Therefore one pass in ascending
        k builds the image of every element.

        Args:
            max_order: Largest order.
        """
        listed = self.enumeration(max_order)
        return listed.parent, listed.generator

    def word(self, index: int) -> tuple[int, ...]:
        """Return generators (w_1, ..., w_r) with elements[index] = g_{w_1} o ... o g_{w_r}; () for the identity.

        Args:
            index: Row of the element in `elements()`.
        """
        parent, generator = self.words()
        letters: list[int] = []
        while index > 0:
            letters.append(int(generator[index]))
            index = int(parent[index])
        return tuple(reversed(letters))

    def index(self, permutation: Sequence[int] | IntArray) -> int:
        """Return the row of `elements()` that holds a permutation.

        Args:
            permutation: Shape (degree,), integers.

        Raises:
            GroupError: The permutation is not in the group.
        """
        key = np.asarray(permutation, dtype=np.int64).tobytes()
        position = self.enumeration().positions.get(key)
        if position is None:
            raise GroupError(f"{cycle_notation(permutation)} is not an element of {self.name}")
        return position

    def contains(self, permutation: Sequence[int]) -> bool:
        """Return whether a permutation is an element; S<n> and A<n> need no list.

        Args:
            permutation: Permutation of range(degree) in image form.
        """
        if len(permutation) != self.degree:
            return False
        whole = math.factorial(self.degree)
        if self.order == whole:
            return True
        if 2 * self.order == whole:
            return permutation_sign(permutation) == 1
        if self.is_small:
            return np.asarray(permutation, dtype=np.int64).tobytes() in self.enumeration().positions
        return bool(self.chain.contains(np.asarray(permutation)[None])[0])

    def is_subgroup_of(self, other: FiniteGroup) -> bool:
        """Return whether every element of this group is an element of another one, as permutations of the same points.

        Args:
            other: The other group.
        """
        return self.degree == other.degree and all(other.contains(g) for g in self.generators)

    def sample(self, rng: np.random.Generator, size: int) -> IntArray:
        """Return uniform draws of rows of `elements()`, shape (size,), int64.

        Args:
            rng: Source of the draws.
            size: Number of draws.

        Raises:
            GroupError: The group is too large to list.
        """
        self.enumeration()
        return rng.integers(self.order, size=size, dtype=np.int64)

    def sample_permutations(self, rng: np.random.Generator, size: int) -> IntArray:
        """Return uniform draws as permutations, shape (size, degree), int64, also for a group that is too large to
        list.

        Each element is, in exactly one way, a product of one member of each transversal of a stabiliser chain (Sims
        1970).

        Args:
            rng: Source of the draws.
            size: Number of draws.
        """
        if self.is_small:
            return self.elements()[self.sample(rng, size)]
        if self.order == math.factorial(self.degree):
            return rng.permuted(np.tile(np.arange(self.degree, dtype=np.int64), (size, 1)), axis=1)
        return self.chain.sample(rng, size).astype(np.int64)

    def multiplication_table(self, max_order: int = MAX_TABLE_ORDER) -> NDArray[np.int32]:
        """Return the Cayley table, shape (order, order), int32: elements[table[a, b]] = elements[a] o elements[b].

        Args:
            max_order: Largest order.

        Raises:
            GroupError: The order exceeds `max_order`.
        """
        return self.enumeration(max_order).table()

    @cached_property
    def canonical(self) -> bytes:
        """The sorted elements as bytes; groups of one degree are equal exactly if these are."""
        rows = np.ascontiguousarray(self.elements(), dtype=">u4")
        return np.sort(rows.view(np.dtype((np.void, rows.shape[1] * 4))).ravel()).tobytes()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FiniteGroup):
            return NotImplemented
        if self is other:
            return True
        if self.degree != other.degree or self.order != other.order:
            return False
        if self.is_small:
            return self.canonical == other.canonical
        return self.is_subgroup_of(other)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.degree, self.canonical if self.is_small else self.order))


@dataclass(frozen=True, eq=False)
class CompactGroup(Group):
    """SO(n) or O(n), given by its Lie algebra, one element of each further component, and its Haar measure.

    Attributes:
        name: Its name: "SO3", "O2", ...
        n: Size of the matrices.
        lie_algebra: A basis of so(n): exact skew matrices over QQ, shape (n, n) each.
        discrete: () for SO(n), one reflection for O(n); exact, shape (n, n).
    """

    name: str
    n: int
    lie_algebra: tuple[DomainMatrix, ...] = field(repr=False)
    discrete: tuple[DomainMatrix, ...] = field(repr=False)

    @property
    def order(self) -> int | None:
        """None, since the group is infinite. Subclasses may be finite."""
        return None

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Return Haar draws, shape (size, n, n), float64, by scipy (Stewart 1980; Mezzadri 2007).

        Args:
            rng: Source of the draws.
            size: Number of draws.
        """
        from scipy.stats import ortho_group, special_ortho_group

        law: Any = ortho_group if self.discrete else special_ortho_group
        draws = law.rvs(self.n, size=size, random_state=rng) if size else np.empty(0)
        return np.asarray(draws, dtype=np.float64).reshape(size, self.n, self.n)

    def __eq__(self, other: object) -> bool:
        if type(other) is not CompactGroup:
            return NotImplemented
        return self.n == other.n and len(self.discrete) == len(other.discrete)

    def __hash__(self) -> int:
        return hash((self.n, len(self.discrete)))
