"""Finite permutation groups and compact matrix groups, exact and without any catalogue of names.

What a group does to a vector space is left to `representation`, which groups have names to `catalogue`.

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
from sharefind.groups.enumeration import Enumeration, enumerate_elements
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.limits import LARGEST_ORDER
from sharefind.typing import IntArray

if TYPE_CHECKING:
    from sympy.combinatorics import PermutationGroup

MAX_ORDER = LARGEST_ORDER
"""Largest order that `FiniteGroup.elements` lists unless a larger limit is passed."""

MAX_TABLE_ORDER = 6_000
"""Largest order whose multiplication table is built: order^2 entries of four bytes, 144 MB here."""


class Group(ABC):
    """What every candidate symmetry group has: a name and an order, None when it is infinite."""

    name: str

    @property
    @abstractmethod
    def order(self) -> int | None:
        """Number of elements, None when infinite."""

    @property
    def is_finite(self) -> bool:
        """Whether the group has finitely many elements."""
        return self.order is not None


@dataclass(frozen=True)
class NaturalBlock:
    """How one run of points acts on a vector space; natural representations are direct sums of such blocks.

    kind: "points" (e_i -> e_{g(i)}, dimension `size`), "signed" (points i and i + size/2 are e_i and -e_i,
    dimension size/2) or "rotation" (the shift i -> i + 1 is the rotation by 2 pi / size, dimension 2).
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
    """A permutation group of range(degree), given by generators in image form.

    Two groups are equal when they have the same degree and the same set of permutations, whatever their
    names, generators and natural representations.

    Args:
        name: what to call it; structure names come from `structure_name`.
        degree: number of points.
        generators: permutations of range(degree), g[i] = g(i); the identity is dropped, so the trivial group
            has no generators.
        natural_blocks: how the points act on the natural space; empty means by permuting coordinates.
        known_order: the order where it is known by construction, which spares a Schreier-Sims run.
        factors: of a direct product, the groups whose points stand side by side, in this order; else empty.

    Raises:
        GroupError: no points, or a generator that is not a permutation of range(degree).
    """

    name: str
    degree: int
    generators: tuple[tuple[int, ...], ...] = field(repr=False)
    natural_blocks: tuple[NaturalBlock, ...] = field(default=(), repr=False)
    known_order: int | None = field(default=None, repr=False)
    factors: tuple[FiniteGroup, ...] = field(default=(), repr=False)

    most_entries: ClassVar[int] = 50_000_000
    """Largest order x degree of a listing: eight bytes each, 400 MB here."""

    most_at_once: ClassVar[int] = 5_000
    """Largest order that is listed without being asked: beyond, a stabiliser chain is faster."""

    most_unlisted: ClassVar[int] = 10**30
    """Largest order of a group that is searched, drawn from or read without being listed, unless it is named."""

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
        """`natural_blocks`, or one block of all points where there are none."""
        return self.natural_blocks or (NaturalBlock("points", 0, self.degree),)

    @cached_property
    def order(self) -> int:
        """Number of elements: known by construction, else by listing where they are few, else by Schreier-Sims."""
        if self.known_order is not None:
            return self.known_order
        listed = enumerate_elements(self.generator_array, min(self.most_at_once, self._most_listed))
        return self.chain.order if listed is None else len(listed.elements)

    @cached_property
    def chain(self) -> StabiliserChain:
        """A base and strong generating set; nothing is listed."""
        return StabiliserChain.of(self.generator_array, self.degree, known_order=self.known_order)

    @cached_property
    def sympy(self) -> PermutationGroup:
        """The same group as a sympy `PermutationGroup` (note that sympy composes left to right)."""
        from sympy.combinatorics import Permutation, PermutationGroup

        generators = self.generators or (tuple(range(self.degree)),)
        return PermutationGroup([Permutation(list(g), size=self.degree) for g in generators])

    @cached_property
    def generator_array(self) -> IntArray:
        """Generators, int64 (n_generators, degree)."""
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
        """Whether the group is small enough to be listed without lifting a limit."""
        return self.order <= self._most_listed

    @property
    def is_small(self) -> bool:
        """Whether its elements are listed wherever that is the shorter way."""
        return self.order <= min(self.most_at_once, self._most_listed)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what was computed from them is computed again after unpickling."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def enumeration(self, max_order: int = MAX_ORDER) -> Enumeration:
        """Every element with its word in the generators; breadth first, so the order is deterministic.

        Raises:
            GroupError: the order is above `max_order`.
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
        """Every element, int64 (order, degree), row 0 the identity, breadth first over the generators.

        Raises:
            GroupError: the order is above `max_order`.
        """
        return self.enumeration(max_order).elements

    def words(self, max_order: int = MAX_ORDER) -> tuple[IntArray, IntArray]:
        """The tree of words: (parent, generator), int64 (order,) each; both are -1 at the identity.

        elements[k] = elements[parent[k]] o generators[generator[k]], and parent[k] < k, so one pass in
        ascending k builds the image of every element.
        """
        listed = self.enumeration(max_order)
        return listed.parent, listed.generator

    def word(self, index: int) -> tuple[int, ...]:
        """Generators (w_1, ..., w_r) with elements[index] = g_{w_1} o ... o g_{w_r}; () for the identity."""
        parent, generator = self.words()
        letters: list[int] = []
        while index > 0:
            letters.append(int(generator[index]))
            index = int(parent[index])
        return tuple(reversed(letters))

    def index(self, permutation: Sequence[int] | IntArray) -> int:
        """Row of `elements()` that holds this permutation (degree,).

        Raises:
            GroupError: the permutation is not in the group.
        """
        key = np.asarray(permutation, dtype=np.int64).tobytes()
        position = self.enumeration().positions.get(key)
        if position is None:
            raise GroupError(f"{cycle_notation(permutation)} is not an element of {self.name}")
        return position

    def contains(self, permutation: Sequence[int]) -> bool:
        """Whether a permutation of range(degree) is an element; S<n> and A<n> need no listing."""
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
        """Whether every element of this group is one of `other`, as permutations of the same points."""
        return self.degree == other.degree and all(other.contains(g) for g in self.generators)

    def sample(self, rng: np.random.Generator, size: int) -> IntArray:
        """Haar draws, int64 (size,): uniform rows of `elements()`.

        Raises:
            GroupError: the group is too large to be listed.
        """
        self.enumeration()
        return rng.integers(self.order, size=size, dtype=np.int64)

    def sample_permutations(self, rng: np.random.Generator, size: int) -> IntArray:
        """Haar draws as permutations, int64 (size, degree), also of a group too large to be listed.

        Each element is a product of one member of each transversal of a stabiliser chain in one way (Sims 1970).
        """
        if self.is_small:
            return self.elements()[self.sample(rng, size)]
        if self.order == math.factorial(self.degree):
            return rng.permuted(np.tile(np.arange(self.degree, dtype=np.int64), (size, 1)), axis=1)
        return self.chain.sample(rng, size).astype(np.int64)

    def multiplication_table(self, max_order: int = MAX_TABLE_ORDER) -> NDArray[np.int32]:
        """Cayley table, int32 (order, order): elements[table[a, b]] = elements[a] o elements[b].

        Raises:
            GroupError: the order is above `max_order`.
        """
        return self.enumeration(max_order).table()

    @cached_property
    def canonical(self) -> bytes:
        """The sorted elements as bytes: equal groups, and only they, share it (with the degree)."""
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
    """SO(n) or O(n), by its Lie algebra, one element of each further component, and its Haar measure.

    Args:
        name: "SO3", "O2", ...
        n: size of the matrices.
        lie_algebra: a basis of so(n), exact skew matrices over QQ, (n, n) each.
        discrete: () for SO(n), one reflection for O(n); exact, (n, n).
    """

    name: str
    n: int
    lie_algebra: tuple[DomainMatrix, ...] = field(repr=False)
    discrete: tuple[DomainMatrix, ...] = field(repr=False)

    @property
    def order(self) -> int | None:
        """None: the group is infinite. Subclasses may be finite."""
        return None

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Haar draws, float64 (size, n, n), by scipy (Stewart 1980; Mezzadri 2007)."""
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


def cycles(permutation: Sequence[int] | IntArray) -> list[list[int]]:
    """The disjoint cycles of a permutation (degree,), fixed points included, in the order of their first points."""
    seen: set[int] = set()
    found = []
    for start in range(len(permutation)):
        if start not in seen:
            cycle = [start]
            while (following := int(permutation[cycle[-1]])) != start:
                cycle.append(following)
            seen.update(cycle)
            found.append(cycle)
    return found


def cycle_notation(permutation: Sequence[int] | IntArray) -> str:
    """A permutation (degree,) as disjoint cycles of its points, "(0 2)(1 3)"; "()" for the identity."""
    return "".join(f"({' '.join(map(str, cycle))})" for cycle in cycles(permutation) if len(cycle) > 1) or "()"


def permutation_sign(permutation: Sequence[int] | IntArray) -> int:
    """+1 for an even permutation (degree,), -1 for an odd one."""
    return 1 if (len(permutation) - len(cycles(permutation))) % 2 == 0 else -1
