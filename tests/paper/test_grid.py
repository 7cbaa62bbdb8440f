"""Grids of cells: nothing that is finished is computed twice, and neither order nor a stop changes it."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from sharefind.paper.context import Cell, Context, MemoryStore, Request
from sharefind.paper.grid import Piece, compute_cells

STEPS = 1000
"""Of the progress of a grid."""

Compute = Callable[[Request, int], Cell]


def _pieces(compute: Compute, count: int = 6) -> list[Piece]:
    return [Piece({"number": k}, compute, (k,), cost=float(k + 1)) for k in range(count)]


def _square(request: Request, k: int) -> Cell:
    return Cell({"square": k * k}, {"row": np.full(3, float(k))})


def _squares(cells: list[Cell]) -> list[int]:
    return [cell.numbers["square"] for cell in cells]


def test_cells_come_in_the_order_of_their_pieces() -> None:
    assert _squares(compute_cells(Context(Request()), "squares", _pieces(_square))) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("stop", [RuntimeError("lost"), KeyboardInterrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("at", range(6))
def test_nothing_finished_is_computed_twice(stop: BaseException, at: int) -> None:
    calls: Counter[int] = Counter()
    is_broken = True

    def compute(request: Request, k: int) -> Cell:
        calls[k] += 1
        if is_broken and k == at:
            raise stop
        return _square(request, k)

    context = Context(Request(), MemoryStore())
    with pytest.raises(type(stop)):
        compute_cells(context, "squares", _pieces(compute))
    assert calls == Counter(range(at + 1))
    is_broken = False
    assert _squares(compute_cells(context, "squares", _pieces(compute))) == [0, 1, 4, 9, 16, 25]
    assert calls == Counter([*range(6), at])
    compute_cells(context, "squares", _pieces(compute))
    assert sum(calls.values()) == 7


def test_another_identity_is_another_cell() -> None:
    context = Context(Request(), MemoryStore())
    compute_cells(context, "squares", [Piece({"number": 2, "seed": 0}, _square, (2,))])
    (cell,) = compute_cells(context, "squares", [Piece({"number": 2, "seed": 1}, _square, (3,))])
    assert cell.numbers["square"] == 9


def test_progress_rises_to_the_whole_by_cost() -> None:
    told: list[tuple[str, int, int]] = []
    store = MemoryStore()
    pieces = _pieces(_square, 4)
    context = Context(Request(), store, lambda *one: told.append(one))
    compute_cells(context, "squares", pieces)
    assert told == [("squares", round(STEPS * s / 10), STEPS) for s in (0, 1, 3, 6, 10)]
    told.clear()
    compute_cells(context, "squares", pieces)
    assert told == [("squares", STEPS, STEPS)]


@pytest.mark.parametrize("costs", [(), (0.0, 0.0)])
def test_a_grid_without_cost_is_done(costs: tuple[float, ...]) -> None:
    told: list[int] = []
    pieces = [Piece({"number": k}, _square, (k,), cost) for k, cost in enumerate(costs)]
    cells = compute_cells(Context(Request(), progress=lambda _, done, __: told.append(done)), "squares", pieces)
    assert len(cells) == len(costs)
    assert set(told) == {STEPS}


def test_random_streams_depend_on_their_names_and_the_seed_only() -> None:
    first, again = Context(Request(seed=3)), Context(Request(seed=3, jobs=2, quick=True))
    first.rng("other").random(100)
    assert first.rng("a", "b").random() == again.rng("a", "b").random()
    drawn = {Context(Request(seed=seed)).rng(*names).random() for seed in (3, 4) for names in (("a", "b"), ("ab",))}
    assert len(drawn) == 4
