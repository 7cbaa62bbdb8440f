"""The fixed-point subspace E^G = {z : M_g z = z for all g} of a representation, exactly.

Permutations and signed permutations are solved by orbits, without matrices. Every other action needs a sparse exact
nullspace. `inner_product` has the projections on E^G for actions that are not orthogonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Literal

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import SpaceError
from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import Rows, as_signed_permutation, identity_matrix, rows_of, sparse_matrix
from sharefind.groups import Group, Representation
from sharefind.spaces import tying
from sharefind.spaces.composed import composed_rows
from sharefind.spaces.permuted import product_orbits
from sharefind.spaces.subspace import Subspace
from sharefind.typing import IntArray

Backend = Literal["auto", "orbits", "nullspace"]


def fixed_space(rep: Representation, backend: Backend = "auto", by_rows: int = 20_000) -> Subspace:
    """Return E^G, the space of shared parameters of an action (Maass & Fontbona 2024, Section 2).

    "orbits" needs an action by signed permutations and takes time O(generators x dim). "nullspace" eliminates in the
    field of the action. "auto" uses orbits where possible.

    Args:
        rep: The action.
        backend: "auto", "orbits" or "nullspace".
        by_rows: Dimension from which the orbits of a tensor product are computed row by row. Below it, one graph search
            over all pairs is faster. It affects speed alone.

    Raises:
        SpaceError: The backend is unknown, or "orbits" was requested for an action by general matrices.
    """
    if backend not in ("auto", "orbits", "nullspace"):
        raise SpaceError(f"backend {backend!r} is unknown; use auto, orbits or nullspace")
    if backend == "auto" and not rep.is_sparse:
        return fixed_space_of(rep, rep.group)
    if backend == "nullspace":
        return Subspace.from_reduced(linear.kernel(fixed_equations(rep)))
    if not rep.is_sparse:
        raise SpaceError(f"{rep.name} does not act by signed permutations; use backend='nullspace'")
    return Subspace.from_pattern(_orbit_labels(rep, by_rows))


def fixed_space_of(rep: Representation, group: Group) -> Subspace:
    """Return what a subgroup of the acting group fixes, part by part where the action was composed.

    Args:
        rep: Representation of the whole group.
        group: The subgroup.
    """
    return Subspace.from_reduced(composed_rows(rep, group, _leaf_rows))


def _leaf_rows(parts: Sequence[Representation]) -> DomainMatrix:
    """Return the basis for a tensor product; parts that permute coordinates, with signs or without, go by orbits."""
    known = [image for image in map(_signed_images, parts) if image is not None]
    if len(known) < len(parts):
        return linear.kernel(fixed_equations(reduce(mul, parts)))
    perms, signs = reduce(_product_images, known)
    return Subspace.from_pattern(tying.tied(perms, signs)).exact_rows()


def _signed_images(rep: Representation) -> tuple[IntArray, IntArray] | None:
    """Signed permutations (generators, dim) each, where these are all that acts; None elsewhere."""
    if rep.is_sparse:
        perms, signs = rep.sparse_generators
        return perms.astype(np.int64), signs.astype(np.int64)
    signed = [as_signed_permutation(matrix) for matrix in rep.group_matrices]
    known = [image for image in signed if image is not None]
    if len(known) < len(signed) or any(rows_of(matrix) for matrix in rep.lie):
        return None
    both = np.array(known, dtype=np.int64).reshape(len(known), 2, rep.dim)
    return both[:, 0], both[:, 1]


def _product_images(first: tuple[IntArray, IntArray], second: tuple[IntArray, IntArray]) -> tuple[IntArray, IntArray]:
    (p, s), (q, t) = first, second
    shape = (len(p), p.shape[1] * q.shape[1])
    perms = p[:, :, None] * q.shape[1] + q[:, None, :]
    return perms.reshape(shape), (s[:, :, None] * t[:, None, :]).reshape(shape)


def _orbit_labels(rep: Representation, by_rows: int) -> tying.Labels:
    step = rep.construction
    if step is not None and step.operation in ("sum", "multiple"):
        return tying.side_by_side([_orbit_labels(part, by_rows) for part in step.parts] * step.count)
    if step is not None and step.operation == "tensor" and rep.kind == "permutation" and rep.dim >= by_rows:
        outer, inner = (part.sparse_generators[0] for part in step.parts)
        return product_orbits(outer, inner)
    return tying.tied(*rep.sparse_generators)


def fixed_equations(rep: Representation) -> DomainMatrix:
    """Return sparse linear equations (rows, dim) of E^G, exact.

    The rows are M_g - 1 for the generators g of the group, and dM_X for a basis of the Lie algebra.

    Args:
        rep: The action.
    """
    if rep.is_sparse:
        return _permutation_equations(rep)
    blocks = [matrix - identity_matrix(rep.dim, matrix.domain) for matrix in rep.group_matrices] + list(rep.lie)
    return linear.stacked(*blocks) if blocks else sparse_matrix({}, (0, rep.dim))


def _permutation_equations(rep: Representation) -> DomainMatrix:
    """Return z[perm(i)] = sign(i) z[i], one row for each generator and each coordinate that it does not fix."""
    rows: Rows = {}
    minus = {1: -QQ.one, -1: QQ.one}
    for perm, sign in zip(*rep.sparse_generators, strict=True):
        for i, (j, s) in enumerate(zip(perm.tolist(), sign.tolist(), strict=True)):
            if i != j:
                rows[len(rows)] = {j: QQ.one, i: minus[s]}
            elif s < 0:
                rows[len(rows)] = {i: QQ.one}
    return sparse_matrix(rows, (len(rows), rep.dim))
