"""Layers that are convolutions over a commuting group of moves, computed by its Fourier transform.

Inputs are copies of a periodic grid, and so are outputs; an entry depends on the difference of two places of the grid.
This holds for cyclic groups, tori and all groups that contain such moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.form import Labels, TiedLayer, Work
from sharefind.architectures.forms.moves import Move, Moves, Places, order_of


@dataclass(frozen=True, eq=False)
class Fourier:
    """A convolution over a periodic grid.

    Attributes:
        name: The name by which a user chooses it.
        grid: The lengths of the grid.
        inputs: The input at each place of each copy, shape (copies, places).
        outputs: The output at each place of each copy, shape (copies, places).
        kernel: The label of each output of a copy with the first input of a copy, shape (copies of outputs, copies of
            inputs, places).
    """

    name: ClassVar[str] = "fft"
    grid: tuple[int, ...]
    inputs: Places
    outputs: Places
    kernel: Labels

    def work(self, batch: int, transform: float = 1.5) -> Work:
        """Return the number of operations of a step of training.

        Args:
            batch: Rows of the minibatch.
            transform: Cost of a transform for each doubling of its length, in passes over the numbers.
        """
        places = math.prod(self.grid)
        to, start = len(self.outputs), len(self.inputs)
        doublings = math.log2(places) * (1 if max(map(_largest_factor, self.grid)) <= 13 else 4)
        numbers = (batch * (start + to) + start * to) * places * transform * doublings / 4
        products = 0.0 if start == to == 1 else 12.0 * batch * to * start * places / 2
        passes = batch * places * (6.0 * min(start, to) + 2 * (start + to))
        return Work(products, numbers + passes, float(self.kernel.size), 20)


def find_fourier(layer: TiedLayer, least: int = 32, most: int = 2**12) -> Fourier | None:
    """Return a layer as a convolution; None where it is not a convolution over a grid of `least` places or more.

    Args:
        layer: Its labels.
        least: Fewest places of a grid that is worth a transform.
        most: Largest number of inputs, or outputs, of a layer that is examined.
    """
    if max(layer.weight.shape) > most or min(layer.weight.shape) < least:
        return None
    steps = _steps(Moves(layer.weight), least)
    if math.prod(order for _, order in steps) < least:
        return None
    grid = tuple(order for _, order in steps)
    inputs = _copies([move.inputs for move, _ in steps], grid)
    outputs = _copies([move.outputs for move, _ in steps], grid)
    kernel = layer.weight[outputs[:, None, :], inputs[None, :, :1]]
    return Fourier(grid, inputs, outputs, kernel)


def _steps(moves: Moves, least: int) -> list[tuple[Move, int]]:
    """Commuting moves and their orders, the longest first; no product of them has a fixed point."""
    found: list[tuple[Move, int]] = []
    if len(moves.images) < least:
        return found
    for order, image in _by_order(moves):
        if order * math.prod(each for _, each in found) > len(moves.images):
            continue
        move = moves.move(image)
        if move is not None and _goes_along(move, order, found):
            found.append((move, order))
    return found


def _by_order(moves: Moves, most: int = 2**26) -> list[tuple[int, int]]:
    """Orders of possible moves with the images that they lead to, the longest first.

    Args:
        moves: The moves of the labels.
        most: How many numbers are examined; in large groups this leaves some moves out.
    """
    found, spent = [], 0
    for image in map(int, np.random.default_rng(0).permutation(moves.images)):
        columns = moves.columns(image)
        order = order_of(columns)
        spent += max(order, 1) * len(columns)
        if order > 1:
            found.append((order, image))
        if order == len(moves.images) or spent > most:
            break
    return sorted(found, reverse=True)


def _goes_along(move: Move, order: int, found: list[tuple[Move, int]]) -> bool:
    """Whether a move commutes with others, and no product of them has a fixed point."""
    sides = [("inputs", len(move.inputs)), ("outputs", len(move.outputs))]
    for side, count in sides:
        steps = [getattr(each, side) for each, _ in found]
        new = getattr(move, side)
        if any(not np.array_equal(new[step], step[new]) for step in steps):
            return False
        grid = (*(length for _, length in found), order)
        if count % math.prod(grid) or order_of(new) != order:
            return False
        if _copies([*steps, new], grid).size != count:
            return False
    return True


def _copies(steps: list[Places], grid: tuple[int, ...]) -> NDArray[np.int64]:
    """Points as copies of a grid along steps: (copies, places)."""
    count = len(steps[0])
    left, found = np.ones(count, dtype=bool), []
    while left.any():
        places = np.array([int(left.argmax())])
        for step, length in zip(steps, grid, strict=True):
            rows = [places]
            for _ in range(length - 1):
                rows.append(step[rows[-1]])
            places = np.stack(rows, axis=-1).reshape(-1)
        left[places] = False
        found.append(places)
    return np.array(found)


def _largest_factor(number: int) -> int:
    """The largest prime factor."""
    largest, factor = 1, 2
    while number > 1:
        while number % factor == 0:
            number, largest = number // factor, factor
        factor = number if factor * factor > number else factor + 1
    return largest
