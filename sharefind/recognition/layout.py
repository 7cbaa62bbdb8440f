"""Which index sets the parameters have, and what may move them: the ambient group of a recognition.

An axis is an index set (inputs, outputs, hidden units); a block of parameters runs over one or two of them. Two axes
of a block that are the same one move together, sigma on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sharefind.errors import SpaceError
from sharefind.groups import NaturalBlock
from sharefind.typing import IntArray

Moves = Literal["permutations", "signed", "none"]

MOVES: tuple[Moves, ...] = ("permutations", "signed", "none")


@dataclass(frozen=True)
class Axis:
    """One index set.

    name: what it is called, such as "in".
    size: number of indices.
    moves: "permutations", "signed" (permutations with signs: B_size) or "none" (every index stays).

    Raises:
        SpaceError: no index, or unknown moves.
    """

    name: str
    size: int
    moves: Moves = "permutations"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise SpaceError(f"axis {self.name} has {self.size} indices; give at least one")
        if self.moves not in MOVES:
            raise SpaceError(f"axis {self.name} has unknown moves {self.moves!r}; use one of {', '.join(MOVES)}")

    @property
    def is_signed(self) -> bool:
        """Whether indices may change sign."""
        return self.moves == "signed"

    @property
    def points(self) -> int:
        """Number of points that stand for the axis: index i is i, and i + size its negative where signed."""
        return 2 * self.size if self.is_signed else self.size


@dataclass(frozen=True)
class Layout:
    """The parameters z: blocks, one after another, each flattened row-major over one or two axes.

    axes: the index sets; their points stand side by side in this order.
    blocks: positions of the axes of each block, (rows, columns) for a matrix, (indices,) for a vector.

    Raises:
        SpaceError: no block, a block over no axis, over more than two or over an unknown one, or a repeated name.
    """

    axes: tuple[Axis, ...]
    blocks: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if len(set(names)) != len(names):
            raise SpaceError(f"axes {names} share a name; give each its own")
        if not self.blocks:
            raise SpaceError("a layout without blocks has no parameters; give at least one block")
        for position, block in enumerate(self.blocks):
            if not 1 <= len(block) <= 2 or not all(0 <= k < len(self.axes) for k in block):
                raise SpaceError(
                    f"block {position} runs over axes {block}; give one or two positions below {len(self.axes)}"
                )

    @property
    def dim(self) -> int:
        """Number of parameters."""
        return sum(int(np.prod(self.shape(block))) for block in self.blocks)

    @property
    def points(self) -> int:
        """Number of points of all axes together."""
        return sum(axis.points for axis in self.axes)

    @property
    def starts(self) -> tuple[int, ...]:
        """First point of each axis."""
        return tuple(sum(axis.points for axis in self.axes[:k]) for k in range(len(self.axes)))

    @property
    def antipodes(self) -> IntArray:
        """The point of -e_i for that of e_i, int64 (points,); a point of an axis without signs is its own."""
        own = [np.arange(axis.points) for axis in self.axes]
        turned = [np.roll(o, axis.size) if axis.is_signed else o for o, axis in zip(own, self.axes, strict=True)]
        return np.concatenate([start + t for start, t in zip(self.starts, turned, strict=True)])

    @property
    def natural_blocks(self) -> tuple[NaturalBlock, ...]:
        """How the points of each axis act on R^size, for groups of moves."""
        return tuple(
            NaturalBlock("signed" if axis.is_signed else "points", start, axis.points)
            for start, axis in zip(self.starts, self.axes, strict=True)
        )

    @property
    def swaps(self) -> list[IntArray]:
        """Swaps of neighbouring indices of every axis that may move, int64 (points,) each: all permutations."""
        moves = []
        for start, axis in zip(self.starts, self.axes, strict=True):
            for k in range(axis.size - 1) if axis.moves != "none" else ():
                swap = np.arange(self.points)
                for first in range(start, start + axis.points, axis.size):
                    swap[[first + k, first + k + 1]] = first + k + 1, first + k
                moves.append(swap)
        return moves

    def shape(self, block: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a block, (rows, columns) or (indices,)."""
        return tuple(self.axes[k].size for k in block)

    def position(self, name: str) -> int:
        """Position of the axis of this name.

        Raises:
            SpaceError: there is none.
        """
        names = [axis.name for axis in self.axes]
        if name not in names:
            raise SpaceError(f"there is no axis {name!r}; use one of {', '.join(names)}")
        return names.index(name)

    def signed_move(self, permutation: Sequence[int] | IntArray, axis: int) -> tuple[IntArray, IntArray]:
        """How a permutation of the points (points,) moves one axis: images and signs, int64 (size,) each."""
        start, size = self.starts[axis], self.axes[axis].size
        images = np.asarray(permutation, dtype=np.int64)[start : start + size] - start
        return images % size, np.where(images < size, 1, -1)

    def parameter_move(self, permutation: Sequence[int] | IntArray) -> tuple[IntArray, IntArray]:
        """M_g on z for a permutation g of the points (points,): e_i -> signs[i] e_targets[i], int64 (dim,) each."""
        moves = [self.signed_move(permutation, axis) for axis in range(len(self.axes))]
        targets, signs, start = [], [], 0
        for block in self.blocks:
            target, sign = moves[block[0]]
            for k in block[1:]:
                images, flips = moves[k]
                target = (target[:, None] * self.axes[k].size + images).ravel()
                sign = (sign[:, None] * flips).ravel()
            targets.append(start + target)
            signs.append(sign)
            start += target.size
        return np.concatenate(targets), np.concatenate(signs)


def matrix_layout(
    shape: tuple[int, int], bias: bool = False, together: bool | None = None, moves: Moves = "permutations"
) -> Layout:
    """Weight (d_out, d_in) [and bias (d_out,)], as `sharefind.spaces.matrix_space` has them.

    together: one permutation acts on inputs and outputs (natural -> natural); None: where d_out = d_in. Its axis is
        called "both", the independent ones "out" and "in".

    Raises:
        SpaceError: together, with different widths.
    """
    rows, columns = shape
    joint = rows == columns if together is None else together
    if joint and rows != columns:
        raise SpaceError(f"{rows} outputs and {columns} inputs cannot move together; pass together=False")
    axes = (Axis("both", rows, moves),) if joint else (Axis("out", rows, moves), Axis("in", columns, moves))
    weight = (0, 0) if joint else (0, 1)
    return Layout(axes, (weight, (0,)) if bias else (weight,))


def vector_layout(size: int, moves: Moves = "permutations") -> Layout:
    """K parameters, permuted [with signs]; the axis is called "parameters"."""
    return Layout((Axis("parameters", size, moves),), ((0,),))
