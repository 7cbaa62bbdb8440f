"""Checked JSON descriptions of subspaces: exact entries are strings, floats are JSON numbers.

`subspace` turns what these functions read into a `Subspace`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError, SpaceError, one_line, quoted
from sharefind.exact.matrices import sparse_matrix
from sharefind.exact.numbers import exact_domain, parse_element


@dataclass(frozen=True)
class SubspaceBounds:
    """Size limits of a description, so that a short hostile text cannot request terabytes.

    Attributes:
        ambient: Largest dimension of the whole space.
        entry: Largest absolute value in the rows of a numerical subspace; products of two values must stay finite.
    """

    ambient: int = 100_000_000
    entry: float = 1e100


SUBSPACE_BOUNDS = SubspaceBounds()
"""Default limits."""


@contextmanager
def refusing_strangers() -> Iterator[None]:
    """Turn any error that a malformed description causes into a `SpaceError`.

    Yields:
        Nothing.

    Raises:
        SpaceError: The description was not written by `Subspace.to_json`.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, SpaceError):
            raise
        reason = one_line(error)
        raise SpaceError(f"not the description of a subspace ({reason}); write one with Subspace.to_json") from error


def read_ambient(data: Any, bounds: SubspaceBounds) -> int:
    """Return the dimension of the whole space.

    Args:
        data: The description.
        bounds: Size limits.

    Raises:
        SpaceError: The dimension is not in 1..`bounds.ambient`.
    """
    ambient = int(data["ambient"])
    if not 1 <= ambient <= bounds.ambient:
        raise SpaceError(
            f"ambient dimension {quoted(ambient)} is not in 1..{bounds.ambient}, a hard limit; correct the description"
        )
    return ambient


def read_labels(data: Any) -> list[int]:
    """Return the tying labels, a list of integers.

    Args:
        data: The description.

    Raises:
        SpaceError: A label is not an integer.
    """
    for label in data["labels"]:
        if isinstance(label, bool) or not isinstance(label, int):
            raise SpaceError(f"tying label {quoted(label)} is not an integer; write it with Subspace.to_json")
    return list(data["labels"])


def read_basis(data: Any, ambient: int) -> DomainMatrix:
    """Return the exact basis vectors as the rows of a matrix, shape (k, ambient).

    Args:
        data: The description.
        ambient: Dimension of the whole space.

    Raises:
        SpaceError: A column is out of range, or an entry is not an exact number.
    """
    entries = [{int(j): text for j, text in row.items()} for row in data["rows"]]
    if any(not 0 <= j < ambient for row in entries for j in row):
        raise SpaceError(f"a basis entry has a column outside 0..{ambient - 1}; correct the description")
    try:
        field = exact_domain(text for row in entries for text in row.values())
        exact = [{j: parse_element(text, field) for j, text in row.items()} for row in entries]
    except GroupError as error:
        raise SpaceError(str(error)) from error
    nonzero = {i: {j: value for j, value in row.items() if value} for i, row in enumerate(exact)}
    return sparse_matrix(nonzero, (len(entries), ambient), field)


def read_floats(data: Any, ambient: int, bounds: SubspaceBounds) -> NDArray[np.float64]:
    """Return the basis vectors of a numerical subspace, shape (k, ambient), float64.

    Args:
        data: The description.
        ambient: Dimension of the whole space.
        bounds: Size limits.

    Raises:
        SpaceError: An entry exceeds `bounds.entry` or is not finite.
    """
    floats = np.asarray(data["rows"], dtype=np.float64).reshape(-1, ambient)
    if not (np.abs(floats) <= bounds.entry).all():
        raise SpaceError(f"the rows hold numbers above {bounds.entry:g} or that are not finite; write it with to_json")
    return floats
