"""`Subspace` to and from JSON-ready values: exact entries travel as strings, floats as JSON numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from sharefind.errors import GroupError, SpaceError, one_line, quoted
from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import sparse_matrix
from sharefind.exact.numbers import exact_domain, parse_element
from sharefind.spaces.subspace import Subspace

# Largest ambient dimension that is read from a file, so that a short hostile text cannot ask for terabytes.
MAX_AMBIENT = 100_000_000

LARGEST_ENTRY = 1e100
"""Largest number in the rows of a numerical subspace that is read: products of two must stay finite."""


def subspace_to_json(space: Subspace) -> dict[str, Any]:
    """{"ambient", "kind", ...}: "tying" with labels, "basis" with sparse rows of strings, or "numerical"."""
    head = {"ambient": space.ambient}
    if space.labels is not None:
        return head | {"kind": "tying", "labels": space.labels.tolist()}
    if space.floats is not None:
        return head | {"kind": "numerical", "tolerance": space.tolerance, "rows": space.floats.tolist()}
    rows = linear.row_strings(space.exact_rows())
    return head | {"kind": "basis", "rows": [{str(j): text for j, text in row.items()} for row in rows]}


def subspace_from_json(data: Any) -> Subspace:
    """The subspace described by `data`.

    Raises:
        SpaceError: anything that `subspace_to_json` cannot have written.
    """
    try:
        return _read(data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, SpaceError):
            raise
        reason = one_line(error)
        raise SpaceError(f"not the description of a subspace ({reason}); write one with Subspace.to_json") from error


def _read(data: Any) -> Subspace:
    ambient = int(data["ambient"])
    if not 1 <= ambient <= MAX_AMBIENT:
        raise SpaceError(
            f"ambient dimension {quoted(ambient)} is not in 1..{MAX_AMBIENT}, a hard limit; correct the description"
        )
    match data["kind"]:
        case "tying":
            space = Subspace.from_tying([_whole(label) for label in data["labels"]])
        case "basis":
            space = _read_basis(data["rows"], ambient)
        case "numerical":
            space = _read_numerical(data, ambient)
        case kind:
            raise SpaceError(f"kind {quoted(kind)} is not tying, basis or numerical; write it with Subspace.to_json")
    if space.ambient != ambient:
        raise SpaceError(f"vectors of length {space.ambient} in a space of dimension {ambient}; correct one of them")
    return space


def _whole(label: Any) -> int:
    if isinstance(label, bool) or not isinstance(label, int):
        raise SpaceError(f"tying label {quoted(label)} is not an integer; write it with Subspace.to_json")
    return label


def _read_basis(rows: list[dict[str, str]], ambient: int) -> Subspace:
    entries = [{int(j): text for j, text in row.items()} for row in rows]
    if any(not 0 <= j < ambient for row in entries for j in row):
        raise SpaceError(f"a basis entry has a column outside 0..{ambient - 1}; correct the description")
    try:
        field = exact_domain(text for row in entries for text in row.values())
        exact = {i: {j: parse_element(text, field) for j, text in row.items()} for i, row in enumerate(entries)}
    except GroupError as error:
        raise SpaceError(str(error)) from error
    nonzero = {i: {j: value for j, value in row.items() if value} for i, row in exact.items()}
    return Subspace.from_basis(sparse_matrix(nonzero, (len(entries), ambient), field))


def _read_numerical(data: dict[str, Any], ambient: int) -> Subspace:
    floats = np.asarray(data["rows"], dtype=np.float64).reshape(-1, ambient)
    if not (np.abs(floats) <= LARGEST_ENTRY).all():
        raise SpaceError(f"the rows hold numbers above {LARGEST_ENTRY:g} or that are not finite; write it with to_json")
    fresh = Subspace.numerical(floats, float(data["tolerance"]))
    if fresh.dim != len(floats) or fresh.is_exact:
        raise SpaceError("the rows of a numerical subspace are dependent or span everything; write it with to_json")
    if not np.allclose(floats @ floats.T, np.eye(len(floats)), atol=1e-8):
        return fresh
    # Rows that are orthonormal already are kept bit for bit, so that a round trip gives an equal subspace.
    floats.setflags(write=False)
    return Subspace(ambient, floats=floats, tolerance=fresh.tolerance)
