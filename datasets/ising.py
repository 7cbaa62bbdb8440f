"""The Ising model on a 4 x 4 torus: the energy of 16 spins, which has more symmetries than the lattice shows.

Nothing is read: spins are drawn when the task is loaded.
"""

import math

import numpy as np

from sharefind.datasets.task import GivenAction, Task, finite_task
from sharefind.datasets.tetrahedral import representation
from sharefind.groups import FiniteGroup, natural, trivial
from sharefind.typing import FloatArray, IntArray

SIDE = 4
"""Cells in a row of the torus. Rings of four are squares, so that the torus is the four-dimensional cube's graph."""


def ising_task(samples: int = 3000, noise: float = 0.1, seed: int = 0) -> Task:
    """Return the task `ising:4x4`: spins x (3000, 16), each 1 or -1, to their energy y (3000, 1), with noise.

    The energy is minus the sum of s_i s_j over the 32 pairs of neighbours; spins are independent and fair. The torus
    has 384 automorphisms, three times those of its rows and columns. They keep the energy, and so does the exchange of
    all spins' signs: 768 signed permutations (`ising_action`).

    Args:
        samples: Number of rows.
        noise: Standard deviation of the noise on the energy, as a share of the energy's own, sqrt(32).
        seed: Seed of all draws.
    """
    rng = np.random.default_rng(seed)
    x = rng.choice([-1.0, 1.0], size=(samples, SIDE**2))
    pairs = neighbours()
    y = energy(x) + noise * math.sqrt(len(pairs)) * rng.standard_normal((samples, 1))
    return finite_task(
        "ising:4x4",
        x,
        y,
        description="16 spins on a 4 x 4 torus: their energy, with noise (simulated)",
        unit="matrix+bias:tanh",
        action=ising_action(),
        inputs=tuple(f"spin_{row}_{column}" for row in range(SIDE) for column in range(SIDE)),
        outputs=("energy",),
    )


def energy(x: FloatArray) -> FloatArray:
    """Return the energies of spins, without noise; the coupling is 1.

    Args:
        x: Spins, shape (n, 16).

    Returns:
        Shape (n, 1).
    """
    first, second = neighbours().T
    return np.asarray(-(x[:, first] * x[:, second]).sum(axis=1, keepdims=True))


def neighbours() -> IntArray:
    """Return the pairs of neighbouring cells, int64 (32, 2), cells counted row by row."""
    cells = np.arange(SIDE**2).reshape(SIDE, SIDE)
    return np.concatenate([np.stack([cells, np.roll(cells, -1, axis)], axis=-1).reshape(-1, 2) for axis in (0, 1)])


def ising_action(has_flip: bool = False) -> GivenAction:
    """Return the automorphisms of the torus, of order 384; together with the flip of all spins, of order 768.

    Args:
        has_flip: Whether the flip is among them.
    """
    moves = (_moved((0, 1, 3, 2)), _moved((1, 2, 3, 0)), _moved((0, 1, 2, 3), flipped=1))
    order = 2**SIDE * math.factorial(SIDE)
    if not has_flip:
        group = FiniteGroup("torus", SIDE**2, moves, known_order=order)
        return GivenAction(group, natural(group), trivial(group))
    # Points 16 and 17 are exchanged by the flip alone.
    flip = (*range(SIDE**2), SIDE**2 + 1, SIDE**2)
    kept = tuple((*move, SIDE**2, SIDE**2 + 1) for move in moves)
    group = FiniteGroup("torus-and-flip", SIDE**2 + 2, (*kept, flip), known_order=2 * order)
    return GivenAction(group, representation(group, _flipped, "spins"), trivial(group))


def _flipped(permutation: tuple[int, ...]) -> IntArray:
    """The signed permutation of the spins, int64 (16, 16), of a permutation of 18 points."""
    sign = 1 if permutation[SIDE**2] == SIDE**2 else -1
    matrix = np.zeros((SIDE**2, SIDE**2), dtype=np.int64)
    matrix[list(permutation[: SIDE**2]), np.arange(SIDE**2)] = sign
    return matrix


def _moved(bits: tuple[int, ...], flipped: int = 0) -> tuple[int, ...]:
    """The action of a symmetry of the four-dimensional cube on the cells.

    Args:
        bits: The image of each of four coordinates.
        flipped: Bits that are exchanged afterwards.
    """
    names = [_cube_corner(cell) for cell in range(SIDE**2)]
    images = [sum((name >> k & 1) << bits[k] for k in range(SIDE)) ^ flipped for name in names]
    return tuple(names.index(image) for image in images)


def _cube_corner(cell: int) -> int:
    """The corner of the four-dimensional cube, as four bits, that a cell is: two bits a coordinate, in Gray's order."""
    row, column = divmod(cell, SIDE)
    return (row ^ row >> 1) << 2 | (column ^ column >> 1)
