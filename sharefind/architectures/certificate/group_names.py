"""Whether the group that generators generate is the one that a specification names.

A name of the catalogue, of a model group or an order is compared with the generated group; what cannot be decided, and
what is no such name, is said to be unchecked. That the generators fix the space is proven in `proof`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sympy.combinatorics import Permutation

from sharefind.errors import GroupError
from sharefind.groups import CompactGroup, FiniteGroup, Group, named_group, structure_name
from sharefind.groups.enumeration import element_orders
from sharefind.groups.group import MAX_TABLE_ORDER
from sharefind.groups.structure import element_kinds, extends
from sharefind.groups.templates import model_group
from sharefind.spaces.tying import connected
from sharefind.typing import IntArray

MAX_STEPS = 5_000_000
"""Most images of elements that are computed in a search for a homomorphism; beyond, a name is unchecked."""

MAX_CHAIN_DEGREE = 30
"""Most points of a group too large to list whose order and derived subgroup are computed."""

ORDER_NAME = re.compile(r"order ([1-9][0-9]*)")
"""A name that claims an order and nothing else."""

CYCLE_TEXT = re.compile(r"(\([0-9 ]*\))+")
"""A permutation as its cycles."""

CYCLES = ":<"
"""The separator between a name and the generators of a subgroup, as cycles of the points of the larger group."""


class Naming(StrEnum):
    """The status of a name.

    Attributes:
        PROVEN: The generated group is isomorphic to the named one.
        IMAGE: It is a proper homomorphic image, as where the named group acts with a kernel.
        UNCHECKED: Neither was shown.
    """

    PROVEN = "proven"
    IMAGE = "image"
    UNCHECKED = "unchecked"


class WrongNameError(Exception):
    """The generators generate another group; the message is the end of a sentence about the name."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A name taken apart.

    Attributes:
        base: The name without the cycles of a subgroup.
        cycles: The text of these cycles, "" where there are none.
        group: The group of that name, None where no catalogue has it.
        order: The order that the name implies; None for infinite groups and where it says nothing.
    """

    base: str
    cycles: str
    group: Group | None
    order: int | None


def claim_of(name: str) -> Claim:
    """Return the claim of a name such as "C4", "C4:<(0 2 1 3)>", "Q8", "C3:C4" or "order 48".

    Args:
        name: The name.
    """
    base, found, rest = name.partition(CYCLES)
    group = _known(base)
    match = ORDER_NAME.fullmatch(base)
    order = int(match[1]) if match else None if group is None else group.order
    return Claim(base, rest.removesuffix(">") if found else "", group, order)


def _known(base: str) -> Group | None:
    try:
        return model_group(base) or named_group(base)
    except GroupError:
        return None


def shown(name: str) -> str:
    """Return a name for places where no generators were examined: a name that no catalogue has is marked as unchecked.

    Args:
        name: The name.
    """
    claim = claim_of(name)
    return name if claim.group is not None or claim.order is not None else f"{name} (not checked)"


def finite_naming(claim: Claim, group: FiniteGroup) -> Naming:
    """Return how a name relates to the finite group that the generators generate.

    Args:
        claim: The name.
        group: The generated group, faithful, generators in the order of the specification.

    Raises:
        WrongNameError: It is the name of no group that acts like this.
    """
    named = claim.group
    if isinstance(named, CompactGroup):
        raise WrongNameError(f"which is infinite, and the generators generate a group of order {group.order}")
    if not isinstance(named, FiniteGroup):
        return Naming.PROVEN if claim.order == group.order else Naming.UNCHECKED
    if named.order % group.order:
        raise WrongNameError(
            f"which has order {named.order}, and the generators generate a group of order {group.order}"
        )
    if group.order == named.order:
        return _isomorphism(named, group)
    return _image(named, group)


def _isomorphism(named: FiniteGroup, group: FiniteGroup) -> Naming:
    if (_giant(named) is not None and _giant(named) == _giant(group)) or _corresponds(named, group):
        return Naming.PROVEN
    if group.order <= MAX_TABLE_ORDER:
        found, said = structure_name(group), structure_name(named)
        if found != said:
            raise WrongNameError(f"and the generators generate {found}")
        if found != f"order {group.order}":
            return Naming.PROVEN
        if sorted(element_kinds(group)) != sorted(element_kinds(named)):
            raise WrongNameError(f"and the generators generate another group of {found}")
    _refuse_derived(named, group)
    if group.order > MAX_TABLE_ORDER:
        return Naming.UNCHECKED
    return _searched(named, group, Naming.PROVEN)


def _image(named: FiniteGroup, group: FiniteGroup) -> Naming:
    """Whether a smaller group is an image of the named one."""
    if group.order == 1 or _corresponds(named, group):
        return Naming.IMAGE
    giant = _giant(named)
    # From n = 5 on A_n is simple, so that S_n has no images but itself, C2 and the trivial group.
    if giant is not None and giant[0] >= 5 and not (giant[1] == "S" and group.order == 2):
        raise WrongNameError(f"and the generators generate {_described(group)}, which is no image of it")
    _refuse_derived(named, group)
    if max(named.order, group.order) > MAX_TABLE_ORDER:
        return Naming.UNCHECKED
    return _searched(named, group, Naming.IMAGE)


def _described(group: FiniteGroup) -> str:
    name = structure_name(group)
    return f"a group of {name}" if ORDER_NAME.fullmatch(name) else name


def _giant(group: FiniteGroup) -> tuple[int, str] | None:
    """(n, "S" or "A") where a group is all even or all permutations of its n points, by its order alone."""
    whole = math.factorial(group.degree)
    return (group.degree, "S") if group.order == whole else (group.degree, "A") if 2 * group.order == whole else None


def _corresponds(named: FiniteGroup, group: FiniteGroup) -> bool:
    """Whether generator by generator the named group maps onto the other.

    It does when the pairs (g, h) of generators generate a group no larger than the named one: the graph of the map.
    """
    degree = named.degree + group.degree
    if len(named.generators) != len(group.generators):
        return False
    if _same_orbits(named, group):
        return True
    if max(named.order, group.order) > MAX_TABLE_ORDER and degree > MAX_CHAIN_DEGREE:
        return False
    pairs = zip(named.generators, group.generators, strict=True)
    both = tuple((*g, *(named.degree + i for i in h)) for g, h in pairs)
    return FiniteGroup("graph", degree, both).order == named.order


def _same_orbits(named: FiniteGroup, group: FiniteGroup) -> bool:
    """Whether each orbit of one is an orbit of the other, point by point under each generator: then so are the groups.

    Needs no list of elements and no stabiliser chain.
    """
    ours, theirs = (marked_orbits(g.generator_array) for g in (named, group))
    return all(any(_marked_map(a, b) for b in theirs) for a in ours) and all(
        any(_marked_map(a, b) for a in ours) for b in theirs
    )


def marked_orbits(generators: IntArray) -> list[IntArray]:
    """Return the generators on each orbit of two points or more, with its points numbered anew: (generators, points)
    each.

    Args:
        generators: Permutations, shape (generators, points).
    """
    label = connected(np.tile(np.arange(generators.shape[1]), len(generators)), generators.ravel(), generators.shape[1])
    orbits = [np.flatnonzero(label == k) for k in range(int(label.max()) + 1)]
    return [np.searchsorted(points, generators[:, points]) for points in orbits if len(points) > 1]


def _marked_map(one: IntArray, other: IntArray) -> bool:
    """Whether some bijection of points takes each generator of a transitive action to that of the other."""
    if one.shape != other.shape or len(one) * one.shape[1] ** 2 > MAX_STEPS:
        return False
    return any(_follows(one, other, start) for start in range(other.shape[1]))


def _follows(one: IntArray, other: IntArray, start: int) -> bool:
    """Whether the map that takes point 0 to `start` is such a bijection; all of it follows from that."""
    image = [-1] * one.shape[1]
    image[0], pending = start, [0]
    while pending:
        point = pending.pop()
        for g, h in zip(one, other, strict=True):
            here, there = int(g[point]), int(h[image[point]])
            if image[here] < 0:
                image[here] = there
                pending.append(here)
            elif image[here] != there:
                return False
    return len(set(image)) == len(image)


def _refuse_derived(named: FiniteGroup, group: FiniteGroup) -> None:
    """Refuse an image whose largest abelian image is no image of the named group's.

    Raises:
        WrongNameError: As said.
    """
    if max(named.degree, group.degree) > MAX_CHAIN_DEGREE:
        return
    theirs, ours = (g.order // int(g.sympy.derived_subgroup().order()) for g in (named, group))
    if theirs % ours or (named.order == group.order and theirs != ours):
        raise WrongNameError(f"and the generators generate {_described(group)}, which is no image of it")


def _searched(named: FiniteGroup, group: FiniteGroup, kind: Naming) -> Naming:
    """Try all images of the named group's generators, as far as they are few.

    Raises:
        WrongNameError: None of them extends to a homomorphism onto the group.
    """
    table, orders = group.multiplication_table(), element_orders(group.multiplication_table())
    periods = [int(Permutation(list(g)).order()) for g in named.generators]
    same = kind is Naming.PROVEN
    choices = [np.flatnonzero(orders == p if same else p % orders == 0).tolist() for p in periods]
    if math.prod(map(len, choices)) * named.order > MAX_STEPS:
        return Naming.UNCHECKED
    if any(extends(named, table, np.array(images)) for images in product(*choices)):
        return kind
    raise WrongNameError(f"and the generators generate {_described(group)}, which is no image of it")


def cycles_hold(cycles: str, permutations: NDArray[np.int64]) -> bool | None:
    """Return whether cycles such as "(0 2)(1 3), (0 1)" generate the group of some permutations.

    Args:
        cycles: The cycles.
        permutations: The permutations, shape (generators, points).

    Returns:
        None where they are no cycles of these points.
    """
    degree = permutations.shape[1]
    try:
        written = tuple(_permutation(text, degree) for text in cycles.split(", "))
        said = FiniteGroup("said", degree, written)
    except (GroupError, ValueError):
        return None
    group = FiniteGroup("generated", degree, tuple(map(tuple, permutations.tolist())))
    return bool(said == group)


def _permutation(text: str, degree: int) -> tuple[int, ...]:
    if not CYCLE_TEXT.fullmatch(text):
        raise ValueError(f"{text} is no permutation in cycles")
    images = list(range(degree))
    for cycle in re.findall(r"\(([0-9 ]*)\)", text):
        points = [int(point) for point in cycle.split()]
        if any(point >= degree for point in points):
            raise ValueError(f"({cycle}) is no cycle of {degree} points")
        for point, following in zip(points, [*points[1:], *points[:1]], strict=True):
            images[point] = following
    return tuple(images)
