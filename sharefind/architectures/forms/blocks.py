"""Layers of small groups in coordinates in which their matrix is block-diagonal.

Inputs and outputs are orbits of a few types. In an orthogonal basis of each type, sparse on the whole, every tied
matrix acts on each kind of parts by one block, alike for each of its repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.form import TiedLayer, Work
from sharefind.architectures.forms.irreducible import Parts
from sharefind.architectures.forms.moves import Moves, Places
from sharefind.architectures.forms.orbit_types import OrbitType, orbit_types, pair_orbits
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Side:
    """Orbits of one type among the inputs, or among the outputs.

    Attributes:
        points: The points of each orbit, shape (points of an orbit, orbits).
        basis: Coordinates by rows: kind by kind, repeat by repeat, shape (coordinates, points of an orbit).
        widths: How many coordinates each repeat of each kind has.
    """

    points: Places
    basis: FloatArray
    widths: list[int]


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix as blocks.

    Attributes:
        inputs: The types of the inputs.
        outputs: The types of the outputs.
        repeats: How often the block of each kind acts.
        pairs: For each type of outputs and each of inputs, which pairs of points are tied, from 0: (points, points).
    """

    name: ClassVar[str] = "blocks"
    inputs: list[Side]
    outputs: list[Side]
    repeats: list[int]
    pairs: list[list[NDArray[np.int64]]]

    def work(self, batch: int) -> Work:
        """Return what a step asks for."""
        turned = sum(side.basis.size * side.points.shape[1] for side in [*self.inputs, *self.outputs])
        sizes = [_sizes(sides) for sides in (self.inputs, self.outputs)]
        inner = sum(n * p * q for n, p, q in zip(self.repeats, *sizes, strict=True))
        entries = sum(p * q for p, q in zip(*sizes, strict=True))
        points = sum(side.points.size for side in [*self.inputs, *self.outputs])
        products, reads, made = 3.0 * batch * (turned + inner), 0.0, 0.0
        for end, row in zip(self.outputs, self.pairs, strict=True):
            for start, pairs in zip(self.inputs, row, strict=True):
                read = (1.0 + pairs.max()) * end.points.shape[1] * start.points.shape[1]
                reads += read
                made += 2 * read * sum(a * b for a, b in zip(end.widths, start.widths, strict=True))
        types = len(self.inputs) * len(self.outputs)
        calls = len(self.repeats) * (3 + types) + 2 * types + 3 * (len(self.inputs) + len(self.outputs)) + 3
        return Work(products + made, 4.0 * batch * points + 2 * entries, reads / 2, calls / 2)


def _sizes(sides: list[Side]) -> list[int]:
    """Coordinates of each repeat of each kind, over all types."""
    widths = [[width * side.points.shape[1] for width in side.widths] for side in sides]
    return [sum(column) for column in zip(*widths, strict=True)]


def find_blocks(layer: TiedLayer, most: int = 48, widest: int = 2**13) -> Blocks | None:
    """Return the blocks of a layer; None where its labels do not show a group of 2 to `most` elements.

    Args:
        layer: Its labels.
        most: Largest order of a group.
        widest: Most inputs, or outputs, of layers that are looked at.
    """
    if max(layer.weight.shape) > widest:
        return None
    moves = Moves(layer.weight)
    if not 2 <= len(moves.images) <= most:
        return None
    group = list(moves)
    if len(group) < 2:
        return None
    starts = orbit_types(np.array([move.inputs for move in group]))
    ends = orbit_types(np.array([move.outputs for move in group]))
    parts = Parts({**starts, **ends})
    shared = [kind for kind in range(len(parts.kinds)) if all(_has(parts, types, kind) for types in (starts, ends))]
    inputs = [_side(parts, key, kind, shared) for key, kind in starts.items()]
    outputs = [_side(parts, key, kind, shared) for key, kind in ends.items()]
    pairs = [[pair_orbits(end, start) for start in starts.values()] for end in ends.values()]
    found = Blocks(inputs, outputs, [parts.kinds[kind].repeats for kind in shared], pairs)
    return found if _is_block_diagonal(found) else None


def _has(parts: Parts, types: dict[int, OrbitType], kind: int) -> bool:
    """Whether orbits of some types have parts of a kind."""
    return any(kind in parts.bases[key] for key in types)


def _side(parts: Parts, key: int, orbits: OrbitType, kinds: list[int]) -> Side:
    """The orbits of one type with their coordinates."""
    rows, widths = [np.zeros((0, orbits.length))], []
    for number in kinds:
        kind, bases = parts.kinds[number], parts.bases[key].get(number, [])
        for k in range(kind.repeats):
            rows += [basis[:, k * kind.numbers : (k + 1) * kind.numbers].T for basis in bases]
        widths.append(len(bases) * kind.numbers)
    return Side(orbits.points, np.concatenate(rows), widths)


def _is_block_diagonal(blocks: Blocks, tolerance: float = 1e-10) -> bool:
    """Whether all tied maps between orbits are what they should be in their coordinates."""
    for end, row in zip(blocks.outputs, blocks.pairs, strict=True):
        for start, pairs in zip(blocks.inputs, row, strict=True):
            for number in range(int(pairs.max()) + 1):
                matrix = (pairs == number).astype(np.float64)
                turned = end.basis @ matrix @ start.basis.T
                if abs(end.basis.T @ _repeated(turned, end, start, blocks.repeats) @ start.basis - matrix).max() > (
                    tolerance
                ):
                    return False
    return True


def _repeated(turned: FloatArray, end: Side, start: Side, repeats: list[int]) -> FloatArray:
    """A matrix of which only the block of the first repeat of each kind is kept, and repeated."""
    found, row, column = np.zeros_like(turned), 0, 0
    for repeat, height, width in zip(repeats, end.widths, start.widths, strict=True):
        block = turned[row : row + height, column : column + width]
        for _ in range(repeat):
            found[row : row + height, column : column + width] = block
            row, column = row + height, column + width
    return found
