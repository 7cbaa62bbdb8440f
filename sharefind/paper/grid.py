"""Grids of independent cells: stored ones are reused, the others are computed by one or several processes.

Only the calling process writes. Each cell uses random streams named after itself. Therefore neither the number of
processes nor an interruption changes a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from sharefind.paper.context import Cell, Context, Request


@dataclass(frozen=True)
class Piece:
    """One cell that any process can compute by itself.

    Attributes:
        identity: Everything on which its value depends.
        compute: A module-level function, since workers import it by name; called with the request and the arguments.
        arguments: Its arguments after the request.
        cost: Cost relative to the other pieces, for the progress.
    """

    identity: Mapping[str, Any]
    compute: Callable[..., Cell]
    arguments: tuple[Any, ...] = field(default=())
    cost: float = 1.0


def compute_cells(context: Context, what: str, pieces: Sequence[Piece], steps: int = 1000) -> list[Cell]:
    """Return the cells of all pieces, in their order; finished ones are not computed again.

    Args:
        context: Its store saves every cell as soon as it is finished; its request has the number of processes.
        what: The current work, for the progress.
        pieces: The pieces, in the order in which they are started.
        steps: Number of progress steps into which the cost of the grid is divided.
    """
    stored = {k: context.cells.load(piece.identity) for k, piece in enumerate(pieces)}
    cells = {k: cell for k, cell in stored.items() if cell is not None}
    whole = sum(piece.cost for piece in pieces)

    def report() -> None:
        done = sum(pieces[k].cost for k in cells)
        context.progress(what, steps if whole <= 0 else min(steps, round(steps * done / whole)), steps)

    report()
    for k, cell in _computed(context.request, pieces, [k for k in stored if k not in cells]):
        context.cells.save(pieces[k].identity, cell)
        cells[k] = cell
        report()
    return [cells[k] for k in stored]


def _computed(request: Request, pieces: Sequence[Piece], missing: Sequence[int]) -> Iterator[tuple[int, Cell]]:
    """Yield the missing cells as they finish, in any order."""
    if request.jobs == 1 or len(missing) <= 1:
        for place in missing:
            yield place, pieces[place].compute(request, *pieces[place].arguments)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=request.jobs, return_as="generator_unordered", batch_size=1)
    yield from pool(delayed(_in_worker)(request, place, pieces[place]) for place in missing)


def _in_worker(request: Request, place: int, piece: Piece) -> tuple[int, Cell]:
    """Compute one cell in a worker process with one torch thread; several threads would wait for each other."""
    torch.set_num_threads(1)
    return place, piece.compute(request, *piece.arguments)
