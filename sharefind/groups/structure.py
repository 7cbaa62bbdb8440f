"""What a finite group is called: its isomorphism type where that has a name, its label in a larger group.

Names are proven by an explicit isomorphism, not guessed from element orders; `subgroups` lists subgroups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sympy import factorint

from sharefind.errors import GroupError
from sharefind.groups.catalogue import named_group
from sharefind.groups.group import MAX_TABLE_ORDER, FiniteGroup, cycle_notation
from sharefind.groups.templates import templates


def structure_name(group: FiniteGroup) -> str:
    """The isomorphism type: "C6", "V4", "C4xC2", "S3", "D4", "Q8", "A5", "F20", ..., else "order 48".

    Abelian groups are written by invariant factors, the largest first; S3 is preferred to D3, V4 to C2xC2.
    """
    if group.order > MAX_TABLE_ORDER:
        return f"order {group.order}"
    table = group.multiplication_table()
    orders = element_orders(table)
    if np.array_equal(table, table.T):
        return _abelian_name(orders)
    if _is_dihedral(table, orders):
        return "S3" if group.order == 6 else f"D{group.order // 2}"
    for template in templates(group.order):
        if _isomorphic(template, table, orders):
            return template.name
    return f"order {group.order}"


def subgroup_label(subgroup: FiniteGroup, parent: FiniteGroup, siblings: Sequence[FiniteGroup] | None = None) -> str:
    """A name for a subgroup that no other subgroup of the parent has.

    The parent's own name for the whole; the bare structure name for the only subgroup of that structure and
    for the catalogue's standard copy; otherwise structure and generators, "C4:<(0 2 1 3)>".

    Args:
        subgroup: a subgroup of `parent`, on the same points.
        parent: the group around it.
        siblings: all subgroups of the parent, as `subgroups` returns them; listed anew when None.

    Raises:
        GroupError: not a subgroup of the parent.
    """
    if siblings is None:
        from sharefind.groups.subgroups import subgroups

        siblings = subgroups(parent, max_order=parent.order)
    if not subgroup.is_subgroup_of(parent):
        raise GroupError(f"{subgroup.name} is not a subgroup of {parent.name}; use the same points for both")
    name = structure_name(subgroup)
    return _label(subgroup, name, parent, sum(other.name == name for other in siblings) == 1)


def subgroup_labels(siblings: Sequence[FiniteGroup], parent: FiniteGroup) -> tuple[str, ...]:
    """`subgroup_label` of all subgroups of the parent at once; their structure names must be their names.

    Args:
        siblings: what `subgroups(parent)` returned.
        parent: the group around them.
    """
    counts = Counter(subgroup.name for subgroup in siblings)
    return tuple(_label(s, s.name, parent, counts[s.name] == 1) for s in siblings)


def element_orders(table: NDArray[np.int32]) -> NDArray[np.int64]:
    """The order of each element, int64 (order,), from a Cayley table (order, order)."""
    n = len(table)
    orders, power = np.ones(n, dtype=np.int64), np.arange(n, dtype=np.int32)
    running = power != 0
    while running.any():
        orders[running] += 1
        power = table[power, np.arange(n)]
        running &= power != 0
    return orders


def element_kinds(group: FiniteGroup) -> list[tuple[int, int, int]]:
    """For each element its order and how many commute with it and have it as their square: kept by isomorphisms.

    Raises:
        GroupError: the order is above `MAX_TABLE_ORDER`.
    """
    table = group.multiplication_table()
    return _kinds(table, element_orders(table))


def _label(subgroup: FiniteGroup, name: str, parent: FiniteGroup, alone: bool) -> str:
    if subgroup.order == parent.order:
        return parent.name
    if name != parent.name and (alone or _is_standard(subgroup, name)):
        return name
    return f"{name}:<{', '.join(cycle_notation(g) for g in subgroup.generators)}>"


def _is_standard(subgroup: FiniteGroup, name: str) -> bool:
    try:
        standard = named_group(name)
    except GroupError:
        return False
    return subgroup == standard


def _abelian_name(orders: NDArray[np.int64]) -> str:
    """Invariant factors from element counts: |{x : x^(p^k) = 1}| = p^(sum_i min(e_i, k))."""
    factors: list[int] = []
    for prime, power in factorint(len(orders)).items():
        ranks, previous = [], 0
        for k in range(1, power + 1):
            count = int((prime**k % orders == 0).sum())
            total = round(np.log(count) / np.log(prime))
            ranks.append(total - previous)
            previous = total
        largest_first = [prime ** sum(rank > i for rank in ranks) for i in range(ranks[0])]
        factors += [1] * (len(largest_first) - len(factors))
        factors = [f * (largest_first[i] if i < len(largest_first) else 1) for i, f in enumerate(factors)]
    if factors == [2, 2]:
        return "V4"
    return "x".join(f"C{f}" for f in factors) or "C1"


def _is_dihedral(table: NDArray[np.int32], orders: NDArray[np.int64]) -> bool:
    """A cyclic subgroup of index 2 outside which every element is an involution."""
    half = len(table) // 2
    candidates = np.flatnonzero(orders == half)
    if len(table) % 2 or not len(candidates):
        return False
    # Beyond the Klein group a dihedral group has one cyclic subgroup of index 2, so any candidate will do.
    inside, power = np.zeros(len(table), dtype=bool), 0
    for _ in range(half):
        inside[power] = True
        power = int(table[power, candidates[0]])
    return bool((orders[~inside] == 2).all())


def _isomorphic(template: FiniteGroup, table: NDArray[np.int32], orders: NDArray[np.int64]) -> bool:
    """Whether some choice of images of the template's generators extends to an isomorphism."""
    model_table = template.multiplication_table()
    model, kinds = _kinds(model_table, element_orders(model_table)), _kinds(table, orders)
    if Counter(model) != Counter(kinds):
        return False
    choices = [[x for x, kind in enumerate(kinds) if kind == model[template.index(g)]] for g in template.generators]
    return any(_extends(template, table, images) for images in product(*choices))


def _kinds(table: NDArray[np.int32], orders: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """For each element its order and how many commute with it and have it as their square: kept by isomorphisms."""
    commuting = (table == table.T).sum(axis=1)
    roots = np.bincount(np.diagonal(table), minlength=len(table))
    return list(zip(orders.tolist(), commuting.tolist(), roots.tolist(), strict=True))


def _extends(template: FiniteGroup, table: NDArray[np.int32], images: tuple[int, ...]) -> bool:
    listed, steps = template.enumeration(), np.array(images)
    image = np.zeros(len(table), dtype=np.int64)
    for k in range(1, len(table)):
        image[k] = table[image[listed.parent[k]], steps[listed.generator[k]]]
    compatible = np.array_equal(image[listed.right], table[image[:, None], steps])
    return compatible and len(set(image.tolist())) == len(table)
