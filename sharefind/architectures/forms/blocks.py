"""Layers of small groups in coordinates in which their matrix is block-diagonal.

Inputs and outputs are unions of orbits. Each orbit is written as a function on the group: g -> the point to which g
takes the first one; a point with a stabiliser is then written several times. There are coordinates of these functions,
the same for all orbits, in which every tied matrix acts on each kind of coordinates by one block, and by the same block
for each repeat of the kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.form import TiedLayer, Work
from sharefind.architectures.forms.irreducible import Kind, Kinds
from sharefind.architectures.forms.moves import Moves, Places
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Blocks:
    """A block-diagonal matrix.

    Attributes:
        name: The name by which a user chooses it.
        inputs: The input to which each group element takes the first one of each orbit, shape (order, orbits).
        outputs: The output to which each group element takes the first one of each orbit, shape (order, orbits).
        basis: The coordinates by rows: kind by kind, repeat by repeat, shape (order, order).
        kinds: Kinds of one size: how many there are, how often the block of each acts, and on how many coordinates.
        differences: The element g^-1 h for each g and h, shape (order, order); element 0 is 1.
    """

    name: ClassVar[str] = "blocks"
    inputs: Places
    outputs: Places
    basis: FloatArray
    kinds: list[tuple[int, int, int]]
    differences: NDArray[np.int64]

    def work(self, batch: int) -> Work:
        """Return the number of operations of a step of training.

        Args:
            batch: Rows of the minibatch.
        """
        order, start, end = len(self.inputs), self.inputs.shape[1], self.outputs.shape[1]
        inner = start * end * sum(count * repeats * width**2 for count, repeats, width in self.kinds)
        entries = start * end * sum(count * width**2 for count, _, width in self.kinds)
        turned = order**2 * (start + end)
        products = 3.0 * batch * (inner + turned) + 2.0 * order * entries
        numbers = 4.0 * batch * order * (start + end) + 2.0 * entries
        return Work(products, numbers, float(order * start * end), 18 + 8 * len(self.kinds))


def find_blocks(layer: TiedLayer, most: int = 48, widest: int = 2**13) -> Blocks | None:
    """Return the blocks of a layer; None where its labels do not show a group of 2 to `most` elements.

    Args:
        layer: Its labels.
        most: Largest order of a group.
        widest: Largest number of inputs, or outputs, of a layer that is examined.
    """
    if max(layer.weight.shape) > widest:
        return None
    moves = Moves(layer.weight)
    if not 2 <= len(moves.images) <= most:
        return None
    group = sorted(moves, key=lambda move: bool((move.inputs != np.arange(len(move.inputs))).any()))
    if len(group) < 2:
        return None
    inputs, outputs = (np.array([getattr(move, side) for move in group]) for side in ("inputs", "outputs"))
    products = _products(np.concatenate([inputs, inputs.shape[1] + outputs], axis=1))
    kinds = sorted(Kinds(products).found, key=_size)
    basis = np.concatenate([kind.rows() for kind in kinds])
    inverse = (products == 0).argmax(axis=1)
    runs = [(len(list(run)), *size) for size, run in groupby(kinds, _size)]
    found = Blocks(_orbits(inputs), _orbits(outputs), basis, runs, products[inverse])
    return found if _is_block_diagonal(found) else None


def _size(kind: Kind) -> tuple[int, int]:
    return kind.repeats, kind.width


def _products(moves: Places) -> NDArray[np.int64]:
    """The multiplication table of a group of permutations (order, points); g h first moves by h."""
    numbers = {move.tobytes(): number for number, move in enumerate(moves)}
    return np.array([[numbers[np.ascontiguousarray(g[h]).tobytes()] for h in moves] for g in moves])


def _orbits(moves: Places) -> Places:
    """Where each element takes the first point of each orbit, (order, orbits)."""
    firsts = np.flatnonzero(moves.min(axis=0) == np.arange(moves.shape[1]))
    return np.ascontiguousarray(moves[:, firsts])


def _is_block_diagonal(blocks: Blocks, tolerance: float = 1e-10) -> bool:
    """Whether all tied maps between functions on the group are block-diagonal in the coordinates."""
    for number in range(len(blocks.basis)):
        matrix = (blocks.differences == number).astype(np.float64)
        turned = blocks.basis @ matrix @ blocks.basis.T
        if abs(_repeated(turned, blocks.kinds) - turned).max() > tolerance:
            return False
    return bool(abs(blocks.basis @ blocks.basis.T - np.eye(len(blocks.basis))).max() <= tolerance)


def _repeated(turned: FloatArray, kinds: list[tuple[int, int, int]]) -> FloatArray:
    """The block-diagonal matrix that repeats the first block of each kind."""
    found, place = np.zeros_like(turned), 0
    for count, repeats, width in kinds:
        for _ in range(count):
            block = turned[place : place + width, place : place + width]
            for _ in range(repeats):
                found[place : place + width, place : place + width] = block
                place += width
    return found
