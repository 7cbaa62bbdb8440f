"""Grids of independent cells: what is stored is taken, the rest is computed by one process or many, and kept at once.

Only the calling process writes. Every cell draws from streams named after itself, so neither the number of processes
nor an interruption changes a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from sharefind.paper.context import Cell, Context, Request


@dataclass(frozen=True)
class Piece:
    """One cell that can be computed by itself, in any process.

    Attributes:
        identity: Everything that its value depends on.
        compute: A function of a module (it travels to workers by its name), called with the request and the arguments.
        arguments: What it is called with beside the request.
        cost: Relative to the other pieces, for the progress.
    """

    identity: Mapping[str, Any]
    compute: Callable[..., Cell]
    arguments: tuple[Any, ...] = field(default=())
    cost: float = 1.0


def compute_cells(context: Context, what: str, pieces: Sequence[Piece], steps: int = 1000) -> list[Cell]:
    """The cells of all pieces, in their order; finished ones are not computed again.

    Args:
        context: Its store keeps every cell as soon as it is done; its request says how many processes work.
        what: The words of the progress.
        pieces: In the order in which they are begun.
        steps: Steps into which the cost of the grid is divided when progress is reported.

    Returns:
        One cell a piece.
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
    """The missing cells as they get done, in whatever order."""
    if request.jobs == 1 or len(missing) <= 1:
        for place in missing:
            yield place, pieces[place].compute(request, *pieces[place].arguments)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=request.jobs, return_as="generator_unordered", batch_size=1)
    yield from pool(delayed(_in_worker)(request, place, pieces[place]) for place in missing)


def _in_worker(request: Request, place: int, piece: Piece) -> tuple[int, Cell]:
    """One cell in a worker process, on one torch thread: more would wait for each other."""
    torch.set_num_threads(1)
    return place, piece.compute(request, *piece.arguments)
