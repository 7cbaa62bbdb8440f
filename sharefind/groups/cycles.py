"""Single permutations: their cycles, written as text, and their sign."""

from __future__ import annotations

from collections.abc import Sequence

from sharefind.typing import IntArray


def cycles(permutation: Sequence[int] | IntArray) -> list[list[int]]:
    """Return the disjoint cycles of a permutation, including fixed points, in the order of their first points.

    Args:
        permutation: Shape (degree,), integers.
    """
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
    """Return a permutation as disjoint cycles of its points, "(0 2)(1 3)"; "()" for the identity.

    Args:
        permutation: Shape (degree,), integers.
    """
    return "".join(f"({' '.join(map(str, cycle))})" for cycle in cycles(permutation) if len(cycle) > 1) or "()"


def permutation_sign(permutation: Sequence[int] | IntArray) -> int:
    """Return 1 for an even permutation, -1 for an odd one.

    Args:
        permutation: Shape (degree,), integers.
    """
    return 1 if (len(permutation) - len(cycles(permutation))) % 2 == 0 else -1
