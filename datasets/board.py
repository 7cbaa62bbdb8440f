"""Tic-tac-toe: the value of every move in every position that play can reach, by minimax.

Nothing is read: the positions are enumerated when the task is loaded.
"""

import numpy as np

from sharefind.datasets.task import Task, finite_task

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))

Position = tuple[int, ...]
"""Nine cells, row by row: 1 for who is to move, -1 for who has just moved, 0 for empty."""


def tic_tac_toe_task() -> Task:
    """Return the task `tic-tac-toe`: a position x (4520, 9) to the value y (4520, 9) of a move to each cell.

    Values are 1 (won with best play on both sides), 0 (drawn) and -1 (lost, or the cell is occupied), for the side to
    move. The rows are the positions of `position_values` in which the game goes on. D_4 moves the cells (`grid:3`) on
    both sides.
    """
    values = position_values()
    open_positions = sorted(position for position in values if not is_over(position))
    x = np.array(open_positions, dtype=np.float64)
    y = np.array([move_values(position, values) for position in open_positions], dtype=np.float64)
    return finite_task(
        "tic-tac-toe",
        x,
        y,
        description="tic-tac-toe: the value of each move in all 4,520 open positions (enumerated)",
        in_rep="grid:3",
        out_rep="grid:3",
        unit="matrix:tanh",
        group="D4",
    )


def is_won(position: Position) -> bool:
    """Return whether the side that has just moved has a line.

    Args:
        position: The nine cells: 1 of the side to move, -1 of the other, 0 empty.
    """
    return any(all(position[cell] == -1 for cell in line) for line in LINES)


def is_over(position: Position) -> bool:
    """Return whether the game has ended: a line, or no empty cell.

    Args:
        position: As in `is_won`.
    """
    return is_won(position) or 0 not in position


def after(position: Position, cell: int) -> Position:
    """Return the position after a move to an empty cell, seen by the other side.

    Args:
        position: As in `is_won`.
        cell: Number of the cell.
    """
    return tuple(-1 if k == cell else -value for k, value in enumerate(position))


def position_values() -> dict[Position, int]:
    """Return all 5,478 positions that play can reach, each with its value for the side to move: 1, 0 or -1."""
    values: dict[Position, int] = {}

    def value(position: Position) -> int:
        if position not in values:
            if is_over(position):
                values[position] = -1 if is_won(position) else 0
            else:
                values[position] = max(-value(after(position, c)) for c, held in enumerate(position) if held == 0)
        return values[position]

    value((0,) * 9)
    return values


def move_values(position: Position, values: dict[Position, int]) -> tuple[int, ...]:
    """Return the value of a move to each cell; a move to an occupied cell counts as lost.

    Args:
        position: As in `is_won`.
        values: The values of all positions.
    """
    return tuple(-values[after(position, c)] if held == 0 else -1 for c, held in enumerate(position))
