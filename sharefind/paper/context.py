"""What a demonstration runs in: the request, random streams, stored cells and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sharefind.rng import named_stream

Item = TypeVar("Item")

Progress = Callable[[str, int, int], None]
"""(what is being done, steps done, steps in all)."""


def no_progress(what: str, done: int, total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Request:
    """What the user asked for; None leaves a choice to the demonstration.

    Attributes:
        group: Name of the group, such as "C3".
        in_rep: Expression of the representation on inputs.
        out_rep: Expression of the representation on outputs.
        unit: Unit expression.
        quick: Smaller grids: minutes for everything.
        largest: N at which the grids of fig-si and fig-wi end.
        horizon: T of their students.
        seed: Seed of all random numbers.
        jobs: Parallel processes.
    """

    group: str | None = None
    in_rep: str | None = None
    out_rep: str | None = None
    unit: str | None = None
    quick: bool = False
    largest: int | None = None
    horizon: float | None = None
    seed: int = 0
    jobs: int = 1

    def groups(self, default: tuple[str, ...]) -> tuple[str, ...]:
        """The group that was asked for, else the default ones."""
        return (self.group,) if self.group else default


@dataclass(frozen=True)
class Cell:
    """A finished piece of a demonstration: numbers and arrays, as they are stored."""

    numbers: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class CellStore(Protocol):
    """Where finished cells are kept, so that an interrupted grid goes on."""

    def load(self, identity: Mapping[str, Any]) -> Cell | None:
        """The stored cell of this identity, or None."""
        ...

    def save(self, identity: Mapping[str, Any], cell: Cell) -> None:
        """Keep a cell, at once and whole."""
        ...


class MemoryStore:
    """Cells that live as long as this object: for use from Python and in tests."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}

    def load(self, identity: Mapping[str, Any]) -> Cell | None:
        """The stored cell of this identity, or None."""
        return self._cells.get(repr(sorted(identity.items())))

    def save(self, identity: Mapping[str, Any], cell: Cell) -> None:
        """Keep a cell."""
        self._cells[repr(sorted(identity.items()))] = cell


@dataclass(frozen=True)
class Context:
    """What a demonstration runs in."""

    request: Request
    cells: CellStore = field(default_factory=MemoryStore)
    progress: Progress = no_progress

    def rng(self, *identity: str) -> np.random.Generator:
        """The random stream of a named purpose, independent of the order in which purposes come."""
        return named_stream(self.request.seed, *identity)

    def cell(self, identity: Mapping[str, Any], compute: Callable[[], Cell]) -> Cell:
        """The stored cell of an identity (everything that its value depends on), computed and kept if there is none."""
        stored = self.cells.load(identity)
        if stored is None:
            stored = compute()
            self.cells.save(identity, stored)
        return stored

    def steps(self, what: str, items: Sequence[Item]) -> Iterator[Item]:
        """The items in turn; when the work on one is done, the progress of `what` is reported."""
        for done, item in enumerate(items, 1):
            yield item
            self.progress(what, done, len(items))
