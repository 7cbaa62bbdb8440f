"""The environment of a demonstration: the request, random streams, stored cells and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sharefind.progress import StageProgress, unwatched
from sharefind.rng import named_stream

Item = TypeVar("Item")


@dataclass(frozen=True)
class Request:
    """The user's choices; None uses the demonstration's default.

    Attributes:
        group: Name of the group, such as "C3".
        in_rep: Representation expression on inputs.
        out_rep: Representation expression on outputs.
        unit: Unit expression.
        quick: Whether to use smaller grids, which take minutes.
        largest: Largest N in the grids of fig-si and fig-wi.
        horizon: Horizon T of the students in fig-si and fig-wi.
        seed: Seed of all random numbers.
        jobs: Number of parallel processes.
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
        """Return the requested group, or the default ones.

        Args:
            default: Names of the default groups.
        """
        return (self.group,) if self.group else default


@dataclass(frozen=True)
class Cell:
    """A finished piece of a demonstration, as it is stored.

    Attributes:
        numbers: JSON values by name.
        arrays: Arrays by name.
    """

    numbers: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class CellStore(Protocol):
    """Storage of finished cells, so that an interrupted grid can be resumed."""

    def load(self, identity: Mapping[str, Any]) -> Cell | None:
        """Return the stored cell of an identity, or None.

        Args:
            identity: Everything on which the value of the cell depends.
        """
        ...

    def save(self, identity: Mapping[str, Any], cell: Cell) -> None:
        """Store a cell, immediately and completely.

        Args:
            identity: Everything on which the value of the cell depends.
            cell: The cell.
        """
        ...


class MemoryStore:
    """Cells that exist as long as this object, for use from Python and in tests."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}

    def load(self, identity: Mapping[str, Any]) -> Cell | None:
        """Return the stored cell of an identity, or None.

        Args:
            identity: Everything on which the value of the cell depends.
        """
        return self._cells.get(repr(sorted(identity.items())))

    def save(self, identity: Mapping[str, Any], cell: Cell) -> None:
        """Store a cell.

        Args:
            identity: Everything on which the value of the cell depends.
            cell: The cell.
        """
        self._cells[repr(sorted(identity.items()))] = cell


@dataclass(frozen=True)
class Context:
    """The environment of a demonstration.

    Attributes:
        request: The user's choices.
        cells: Storage of finished cells.
        progress: Callback for progress.
    """

    request: Request
    cells: CellStore = field(default_factory=MemoryStore)
    progress: StageProgress = unwatched

    def rng(self, *identity: str) -> np.random.Generator:
        """Return the random stream of a named purpose; it does not depend on the order of the purposes.

        Args:
            *identity: The words that name the purpose.
        """
        return named_stream(self.request.seed, *identity)

    def cell(self, identity: Mapping[str, Any], compute: Callable[[], Cell]) -> Cell:
        """Return the stored cell of an identity; compute and store it if there is none.

        Args:
            identity: Everything on which the value of the cell depends.
            compute: Computes the cell.
        """
        stored = self.cells.load(identity)
        if stored is None:
            stored = compute()
            self.cells.save(identity, stored)
        return stored

    def steps(self, what: str, items: Sequence[Item]) -> Iterator[Item]:
        """Yield items in turn; after the work on each item, report progress.

        Args:
            what: The current work.
            items: The items.
        """
        for done, item in enumerate(items, 1):
            yield item
            self.progress(what, done, len(items))
