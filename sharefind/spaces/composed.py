"""Fixed spaces of composed representations from those of their parts: sums part by part, products factor by factor.

The fixed space of a sum is the sum of the fixed spaces of its parts. If K moves one factor of a tensor product and L
the other, (A x B)^(K x L) = A^K x B^L. Only small tensor products of single parts need elimination.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import Rows, common_matrices, kronecker_rows, rows_of, sparse_matrix
from sharefind.groups import Group, Representation
from sharefind.groups.compact_product import CompactProduct
from sharefind.groups.factors import factor_start
from sharefind.typing import IntArray

Leaf = Callable[[Sequence[Representation]], DomainMatrix]
"""Representations of one group -> reduced basis of the fixed space of their tensor product, (k, dim)."""


@dataclass(frozen=True, eq=False)
class _Piece:
    """A tensor product of parts among the coordinates of a sum.

    atoms: The parts. places: Where its coordinates stand, the last part's running fastest.
    """

    atoms: tuple[Representation, ...]
    places: IntArray


def composed_rows(rep: Representation, group: Group, leaf: Leaf) -> DomainMatrix:
    """Return a reduced basis, shape (k, dim), of what a subgroup of the group of a composed representation fixes.

    Args:
        rep: Representation of the whole group.
        group: The subgroup.
        leaf: Largest size of tensor products that are not taken apart.
    """
    known: dict[tuple[int, ...], DomainMatrix] = {}
    parts: list[DomainMatrix] = []
    for piece in _pieces(rep):
        key = tuple(id(atom) for atom in piece.atoms)
        if key not in known:
            known[key] = _of_atoms(piece.atoms, group, leaf)
        parts.append(_placed(known[key], piece.places, rep.dim))
    rows = [row for part in common_matrices(parts) for row in rows_of(part).values()]
    ordered = dict(enumerate(sorted(rows, key=min)))
    domain = common_matrices(parts)[0].domain if parts else QQ
    return linear.smallest_field(sparse_matrix(ordered, (len(rows), rep.dim), domain))


def _pieces(rep: Representation) -> list[_Piece]:
    step = rep.construction
    whole = np.arange(rep.dim, dtype=np.int64)
    if step is None:
        return [_Piece((rep,), whole)]
    match step.operation:
        case "trivial":
            return [_Piece((), whole[[k]]) for k in whole]
        case "sum" | "multiple":
            found, start = [], 0
            for part in step.parts * step.count:
                found += [_Piece(piece.atoms, piece.places + start) for piece in _pieces(part)]
                start += part.dim
            return found
        case "tensor":
            first, second = step.parts
            return [
                _Piece((*a.atoms, *b.atoms), (a.places[:, None] * second.dim + b.places).ravel())
                for a in _pieces(first)
                for b in _pieces(second)
            ]
        case "reorder":
            moved = np.argsort(np.array(step.order, dtype=np.int64))
            return [_Piece(piece.atoms, moved[piece.places]) for piece in _pieces(step.parts[0])]
        case _:
            return [_Piece((rep,), whole)]


def _of_atoms(atoms: tuple[Representation, ...], group: Group, leaf: Leaf) -> DomainMatrix:
    """Reduced basis of what the group fixes of a tensor product of parts."""
    if not atoms:
        return sparse_matrix({0: {0: QQ(1)}}, (1, 1))
    owners = [_owner(atom, group) for atom in atoms]
    if None in owners:
        return leaf([_restricted(atom, group) for atom in atoms])
    order = sorted(range(len(atoms)), key=lambda k: owners[k] or 0)
    found = []
    for owner in sorted(set(filter(None, owners))):
        own = [atoms[k].construction for k in order if owners[k] == owner]
        factor = group.factors[owner - 1] if isinstance(group, CompactProduct) else group
        found.append(leaf([_restricted(step.inner, factor) for step in own if step and step.inner]))
    rows = reduce(kronecker_rows, found)
    numbers = np.arange(rows.shape[1]).reshape([atoms[k].dim for k in order])
    # Coordinate i of the parts in their own order is coordinate back[i] of the parts sorted by factor.
    back = numbers.transpose(np.argsort(order)).ravel()
    return _placed(rows, np.argsort(back), rows.shape[1])


def _restricted(rep: Representation, group: Group) -> Representation:
    """A representation of a subgroup; itself for its own group, though it was given by matrices."""
    return rep if rep.group is group else rep.rebuilt(group)


def _owner(atom: Representation, group: Group) -> int | None:
    """The factor of a product that alone moves a part, counted from 1; None where others may."""
    step = atom.construction
    if not isinstance(group, CompactProduct) or step is None or step.operation != "factor" or step.inner is None:
        return None
    return next((k + 1 for k in range(len(group.factors)) if factor_start(group, k) == step.start), None)


def _placed(rows: DomainMatrix, places: IntArray, width: int) -> DomainMatrix:
    """A reduced basis with coordinate j at places[j] of `width` coordinates, reduced there."""
    moved: Rows = {i: {int(places[j]): value for j, value in row.items()} for i, row in rows_of(rows).items()}
    found = sparse_matrix(moved, (rows.shape[0], width), rows.domain)
    return found if bool((np.diff(places) > 0).all()) else linear.reduced(found)
