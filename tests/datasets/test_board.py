"""Tic-tac-toe: the counts that everybody finds, and the square's symmetry of the table."""

from collections import Counter
from itertools import product

import numpy as np

from sharefind.datasets import load_task
from sharefind.datasets.board import is_over, is_won, position_values
from sharefind.groups import named_group, parse_representation
from tests.datasets.burnside import fixed_dimension, least_squares, relative_distance

CELLS = np.arange(9).reshape(3, 3)
TURNS = [np.rot90(board, k) for board in (CELLS, CELLS.T) for k in range(4)]
SQUARE = [np.eye(9)[turn.ravel()] for turn in TURNS]


def test_known_counts() -> None:
    values = position_values()
    over = [p for p in values if is_over(p)]
    assert (len(values), len(over), len(values) - len(over)) == (5478, 958, 4520)
    # Who has just moved has won: the first side after an odd number of moves, the second after an even one.
    won = Counter(9 - p.count(0) for p in over if is_won(p))
    first, second = (sum(n for moves, n in won.items() if moves % 2 == odd) for odd in (1, 0))
    assert (first, second, sum(not is_won(p) for p in over)) == (626, 316, 16)
    assert len({min(tuple(p[c] for c in turn.ravel()) for turn in TURNS) for p in values}) == 765
    assert values[(0,) * 9] == 0  # a draw with best play


def test_positions_are_those_that_play_allows() -> None:
    """Counted differently: boards with at most one move more for the first side, and no two winners."""
    lines = [*CELLS, *CELLS.T, CELLS.diagonal(), CELLS[::-1].diagonal()]
    count = 0
    for board in product((1, -1, 0), repeat=9):
        ahead = sum(board)
        wins = {side for line in lines for side in (1, -1) if all(board[c] == side for c in line)}
        count += (wins == set() and ahead in (0, 1)) or (wins == {1} and ahead == 1) or (wins == {-1} and ahead == 0)
    assert count == 5478


def test_values_of_moves() -> None:
    task = load_task("tic-tac-toe")
    x, y = task.arrays()
    assert x.shape == y.shape == (4520, 9) and set(np.unique(x)) == set(np.unique(y)) == {-1.0, 0.0, 1.0}
    assert (y[x != 0] == -1).all()
    table = {tuple(row): values for row, values in zip(x.astype(int).tolist(), y, strict=True)}
    np.testing.assert_array_equal(table[(0,) * 9], np.zeros(9))  # every opening draws
    corner = (-1, 0, 0, 0, 0, 0, 0, 0, 0)
    np.testing.assert_array_equal(np.flatnonzero(table[corner] == 0), [4])  # only the centre answers a corner
    win = (1, 1, 0, -1, -1, 0, 0, 0, 0)
    assert table[win][2] == 1 and table[win][5] == 0


def test_the_table_is_a_square_s() -> None:
    """Exactly: the rows are permuted by the turns, and the least-squares matrix lies in E^{D4}, dimension 15."""
    x, y = load_task("tic-tac-toe").arrays()
    rows = {(a.tobytes(), b.tobytes()) for a, b in zip(x, y, strict=True)}
    for image in SQUARE:
        assert {(a.tobytes(), b.tobytes()) for a, b in zip(x @ image.T, y @ image.T, strict=True)} == rows
    assert fixed_dimension(SQUARE) == 15
    assert relative_distance(least_squares(x, y), SQUARE) < 1e-12
    ours = {image.tobytes() for image in parse_representation("grid:3", named_group("D4")).float_matrices()}
    assert ours == {image.tobytes() for image in SQUARE}
