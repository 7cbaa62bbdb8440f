"""Columns that belong together by their names: `well_a_m, well_b_m, well_c_m`, or `p0_x, p0_y, p1_x, p1_y`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

TOKEN = re.compile(r"[^\W\d_]+|\d+|[\W_]+")


@dataclass(frozen=True)
class NameBlock:
    """Points with channels, found in column names.

    Attributes:
        columns: Positions of the columns: one tuple per point, with one position per channel.
        points: The part of the name that distinguishes the points: ("a", "b", "c").
        words: One of the names, with a star where the points differ.
    """

    columns: tuple[tuple[int, ...], ...]
    points: tuple[str, ...]
    words: str

    @property
    def channels(self) -> int:
        """Number of columns per point."""
        return len(self.columns[0])

    @property
    def flat(self) -> tuple[int, ...]:
        """Positions of the columns, point by point."""
        return tuple(k for point in self.columns for k in point)


def name_blocks(names: Sequence[str]) -> list[NameBlock]:
    """Return all blocks of names that differ in one place only, largest blocks first.

    Args:
        names: Names of the columns.
    """
    families: dict[tuple[object, ...], dict[str, int]] = defaultdict(dict)
    for position, name in enumerate(names):
        tokens = tuple(TOKEN.findall(name))
        for place, token in enumerate(tokens):
            if token.isalnum():
                rest = (*tokens[:place], None, *tokens[place + 1 :])
                families[(place, *rest)].setdefault(token, position)
    joined: dict[tuple[object, ...], list[tuple[tuple[object, ...], dict[str, int]]]] = defaultdict(list)
    for key, members in families.items():
        if len(members) > 1 and _is_index(key, members):
            joined[(key[0], *sorted(members))].append((key, members))
    blocks = [_block(found) for found in joined.values()]
    return sorted(blocks, key=lambda block: (-len(block.flat), -len(block.points)))


def _is_index(key: tuple[object, ...], members: dict[str, int]) -> bool:
    """Return whether the differing parts distinguish points: numbers, letters, or words if the rest of the name has
    words.
    """
    if all(token.isdigit() for token in members) or all(len(token) == 1 for token in members):
        return True
    return any(isinstance(token, str) and token.isalpha() and len(token) > 1 for token in key[1:])


def _block(found: list[tuple[tuple[object, ...], dict[str, int]]]) -> NameBlock:
    tokens = _ordered(found[0][1])
    channels = sorted((members for _, members in found), key=lambda members: min(members.values()))
    columns = tuple(tuple(members[token] for members in channels) for token in tokens)
    words = "".join("*" if token is None else str(token) for token in found[0][0][1:])
    return NameBlock(columns, tuple(tokens), words)


def _ordered(members: dict[str, int]) -> list[str]:
    """Sort numbers and letters; keep words in the order of the file."""
    if all(token.isdigit() for token in members):
        return sorted(members, key=int)
    return sorted(members) if all(len(token) == 1 for token in members) else sorted(members, key=members.__getitem__)
