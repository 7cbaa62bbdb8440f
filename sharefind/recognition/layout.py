"""The index sets of the parameters and the moves they allow: the ambient group of a recognition.

An axis is an index set (inputs, outputs, hidden units). A block of parameters has one or two axes. If both axes of a
block are the same one, they move together: one permutation acts on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sharefind.errors import SpaceError
from sharefind.groups import NaturalBlock
from sharefind.typing import IntArray

MoveKind = Literal["permutations", "signed", "none"]

MOVES: tuple[MoveKind, ...] = ("permutations", "signed", "none")


@dataclass(frozen=True)
class Axis:
    """One index set.

    Attributes:
        name: Its name, such as "in".
        size: Number of indices.
        moves: "permutations", "signed" (permutations with signs, the group B_size) or "none" (every index is fixed).

    Raises:
        SpaceError: The size is below 1, or `moves` is unknown.
    """

    name: str
    size: int
    moves: MoveKind = "permutations"

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
        """Number of points that represent the axis: point i for index i and, if signed, point i + size for its
        negative.
        """
        return 2 * self.size if self.is_signed else self.size


@dataclass(frozen=True)
class Layout:
    """The parameters z: blocks one after another, each with one or two axes and flattened row by row.

    Attributes:
        axes: The index sets; their points follow each other in this order.
        blocks: For each block the positions of its axes: (rows, columns) for a matrix, (indices,) for a vector.

    Raises:
        SpaceError: There is no block; a block has no axis, more than two or an unknown one; or two axes share a name.
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
        """The point of -e_i for the point of e_i, shape (points,), int64; a point of an unsigned axis is its own
        antipode.
        """
        own = [np.arange(axis.points) for axis in self.axes]
        turned = [np.roll(o, axis.size) if axis.is_signed else o for o, axis in zip(own, self.axes, strict=True)]
        return np.concatenate([start + t for start, t in zip(self.starts, turned, strict=True)])

    @property
    def natural_blocks(self) -> tuple[NaturalBlock, ...]:
        """How the points of each axis act on R^size, as groups of moves need it."""
        return tuple(
            NaturalBlock("signed" if axis.is_signed else "points", start, axis.points)
            for start, axis in zip(self.starts, self.axes, strict=True)
        )

    @property
    def swaps(self) -> list[IntArray]:
        """Swaps of neighbouring indices of every axis that moves, shape (points,), int64 each; they generate all
        permutations.
        """
        moves = []
        for start, axis in zip(self.starts, self.axes, strict=True):
            for k in range(axis.size - 1) if axis.moves != "none" else ():
                swap = np.arange(self.points)
                for first in range(start, start + axis.points, axis.size):
                    swap[[first + k, first + k + 1]] = first + k + 1, first + k
                moves.append(swap)
        return moves

    def shape(self, block: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a block, (rows, columns) or (indices,).

        Args:
            block: An element of `blocks`.
        """
        return tuple(self.axes[k].size for k in block)

    def position(self, name: str) -> int:
        """Return the position of an axis.

        Args:
            name: Name of the axis.

        Raises:
            SpaceError: No axis has this name.
        """
        names = [axis.name for axis in self.axes]
        if name not in names:
            raise SpaceError(f"there is no axis {name!r}; use one of {', '.join(names)}")
        return names.index(name)

    def signed_move(self, permutation: Sequence[int] | IntArray, axis: int) -> tuple[IntArray, IntArray]:
        """Return how a permutation of the points moves one axis: its images and signs, shape (size,), int64 each.

        Args:
            permutation: Shape (points,), integers.
            axis: Position of the axis.
        """
        start, size = self.starts[axis], self.axes[axis].size
        images = np.asarray(permutation, dtype=np.int64)[start : start + size] - start
        return images % size, np.where(images < size, 1, -1)

    def parameter_move(self, permutation: Sequence[int] | IntArray) -> tuple[IntArray, IntArray]:
        """Return M_g on z for a permutation g of the points: M_g e_i = signs[i] e_targets[i].

        Args:
            permutation: Shape (points,), integers.

        Returns:
            Targets and signs, shape (dim,), int64 each.
        """
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
    shape: tuple[int, int], bias: bool = False, together: bool | None = None, moves: MoveKind = "permutations"
) -> Layout:
    """Return the layout of a weight (d_out, d_in), with or without a bias (d_out,), as in
    `sharefind.spaces.matrix_space`.

    Args:
        shape: The pair (d_out, d_in).
        bias: Whether a bias follows the weight.
        together: Whether one permutation acts on inputs and outputs. Its axis is called "both"; independent axes are
            called "out" and "in". None means: if d_out = d_in.
        moves: The moves of the axes.

    Raises:
        SpaceError: `together` is true and the widths differ.
    """
    rows, columns = shape
    joint = rows == columns if together is None else together
    if joint and rows != columns:
        raise SpaceError(f"{rows} outputs and {columns} inputs cannot move together; pass together=False")
    axes = (Axis("both", rows, moves),) if joint else (Axis("out", rows, moves), Axis("in", columns, moves))
    weight = (0, 0) if joint else (0, 1)
    return Layout(axes, (weight, (0,)) if bias else (weight,))


def vector_layout(size: int, moves: MoveKind = "permutations") -> Layout:
    """Return the layout of a vector of parameters; its axis is called "parameters".

    Args:
        size: Number of parameters K.
        moves: The moves of the axis.
    """
    return Layout((Axis("parameters", size, moves),), ((0,),))
