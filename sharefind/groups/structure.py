"""The name of a finite group's isomorphism type, if it has a common one.

An explicit isomorphism proves each name; names are not guessed from element orders. `labels` names subgroups.
"""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sympy import factorint

from sharefind.groups.enumeration import closure, element_orders
from sharefind.groups.group import MAX_TABLE_ORDER, FiniteGroup
from sharefind.groups.templates import templates
from sharefind.typing import IntArray


def structure_name(group: FiniteGroup) -> str:
    """Return the isomorphism type: "C6", "V4", "C4xC2", "S3", "D4", "Q8", "A5", "F20", ..., else "order 48".

    Abelian groups are written by invariant factors, largest first. S3 is preferred to D3, V4 to C2xC2.

    Args:
        group: The group.
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


def element_kinds(group: FiniteGroup) -> list[tuple[int, int, int]]:
    """Return, for each element, its order, the number of elements that commute with it, and the number of its square
    roots.

    Isomorphisms preserve these numbers.

    Args:
        group: The group.

    Raises:
        GroupError: The order exceeds `MAX_TABLE_ORDER`.
    """
    table = group.multiplication_table()
    return _kinds(table, element_orders(table))


def _abelian_name(orders: NDArray[np.int64]) -> str:
    """Compute invariant factors from element counts: |{x : x^(p^k) = 1}| = p^(sum_i min(e_i, k))."""
    factors: list[int] = []
    for prime, power in factorint(len(orders)).items():
        counts = [int((prime**k % orders == 0).sum()) for k in range(power + 1)]
        ranks = np.diff(np.round(np.log(counts) / np.log(prime))).astype(int).tolist()
        largest_first = [prime ** sum(rank > i for rank in ranks) for i in range(ranks[0])]
        factors += [1] * (len(largest_first) - len(factors))
        factors = [f * (largest_first[i] if i < len(largest_first) else 1) for i, f in enumerate(factors)]
    if factors == [2, 2]:
        return "V4"
    return "x".join(f"C{f}" for f in factors) or "C1"


def _is_dihedral(table: NDArray[np.int32], orders: NDArray[np.int64]) -> bool:
    """Return whether there is a cyclic subgroup of index 2 outside which every element is an involution."""
    half = len(table) // 2
    candidates = np.flatnonzero(orders == half)
    if len(table) % 2 or not len(candidates):
        return False
    # Beyond the Klein group a dihedral group has one cyclic subgroup of index 2, so any candidate will do.
    return bool((orders[~closure(table, candidates[:1])] == 2).all())


def _isomorphic(template: FiniteGroup, table: NDArray[np.int32], orders: NDArray[np.int64]) -> bool:
    """Return whether some choice of images of the template's generators extends to an isomorphism."""
    model_table = template.multiplication_table()
    model, kinds = _kinds(model_table, element_orders(model_table)), _kinds(table, orders)
    if Counter(model) != Counter(kinds):
        return False
    choices = [[x for x, kind in enumerate(kinds) if kind == model[template.index(g)]] for g in template.generators]
    return any(extends(template, table, np.array(images)) for images in product(*choices))


def _kinds(table: NDArray[np.int32], orders: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return, for each element, its order, the number of elements that commute with it, and the number of its square
    roots.
    """
    commuting = (table == table.T).sum(axis=1)
    roots = np.bincount(np.diagonal(table), minlength=len(table))
    return list(zip(orders.tolist(), commuting.tolist(), roots.tolist(), strict=True))


def extends(named: FiniteGroup, table: NDArray[np.int32], images: IntArray) -> bool:
    """Return whether sending generators to given elements extends to an isomorphism onto the group.

    Args:
        named: The group of the generators.
        table: The Cayley table of the other group, shape (m, m), int32.
        images: Elements of the other group, one per generator.
    """
    listed = named.enumeration()
    image = np.zeros(named.order, dtype=np.int64)
    for k in range(1, named.order):
        image[k] = table[image[listed.parent[k]], images[listed.generator[k]]]
    compatible = np.array_equal(image[listed.right], table[image[:, None], images])
    return compatible and len(np.unique(image)) == len(table)
