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

PROGRESS_STEPS = 1000
"""Steps into which the cost of a grid is divided when progress is told."""


@dataclass(frozen=True)
class Piece:
    """One cell that can be computed by itself, in any process.

    Attributes:
        identity: everything that its value depends on. compute: a function of a module (it travels to workers by its
            name), given the request and `arguments`. cost: relative to the other pieces, for the progress.
    """

    identity: Mapping[str, Any]
    compute: Callable[..., Cell]
    arguments: tuple[Any, ...] = field(default=())
    cost: float = 1.0


def compute_cells(context: Context, what: str, pieces: Sequence[Piece]) -> list[Cell]:
    """The cells of all pieces, in their order; finished ones are not computed again.

    Args:
        context: its store keeps every cell as soon as it is done; its request says how many processes work.
        what: the words of the progress. pieces: in the order in which they are begun.
    """
    cells: dict[int, Cell] = {}
    missing: list[int] = []
    for place, piece in enumerate(pieces):
        stored = context.cells.load(piece.identity)
        if stored is None:
            missing.append(place)
        else:
            cells[place] = stored
    whole = sum(piece.cost for piece in pieces)
    done = sum(pieces[place].cost for place in cells)
    _tell(context, what, done, whole)
    for place, cell in _computed(context.request, pieces, missing):
        context.cells.save(pieces[place].identity, cell)
        cells[place] = cell
        done += pieces[place].cost
        _tell(context, what, done, whole)
    return [cells[place] for place in range(len(pieces))]


def _tell(context: Context, what: str, done: float, whole: float) -> None:
    steps = PROGRESS_STEPS if whole <= 0 else round(PROGRESS_STEPS * done / whole)
    context.progress(what, min(PROGRESS_STEPS, steps), PROGRESS_STEPS)


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
