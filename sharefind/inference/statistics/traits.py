"""The properties that a statistic declares, and its view of the problem whose symmetries it tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.statistics.searched_particles import UnitFactory, richest_unit


@dataclass(frozen=True)
class ProblemTraits:
    """A problem as statistics see it.

    Attributes:
        in_rep: Action of the candidate on X.
        out_rep: Action of the candidate on Y.
        subgroups: Its nontrivial finite subgroups that are tested.
        samples: Number of rows of data; None for a task with fresh ones.
        unit: Builds the unit of statistics that train particles, from the hypothesis' representations.
    """

    in_rep: Representation
    out_rep: Representation
    subgroups: tuple[FiniteGroup, ...] = ()
    samples: int | None = None
    unit: UnitFactory = richest_unit

    @property
    def lists_subgroups(self) -> bool:
        """Whether all subgroups of the candidate are listed: it is finite and not too large."""
        group = self.in_rep.group
        return isinstance(group, FiniteGroup) and group.order <= MAX_SUBGROUP_ORDER

    @property
    def has_invariant_labels(self) -> bool:
        """Whether the candidate fixes the labels."""
        return not np.any(self.out_rep.float_matrices() - np.eye(self.out_rep.dim))

    @property
    def moved_inputs(self) -> int:
        """Number of coordinates of X that the candidate moves; the candidate must be listable."""
        return int(np.any(self.in_rep.float_matrices() - np.eye(self.in_rep.dim), axis=(0, 1)).sum())


class SearchStatistic(ABC):
    """A statistic with what a search must know about it. A custom statistic needs a name and `bind`.

    Attributes:
        name: Name in settings and records.
        most_samples: Largest number of rows used; further ones are left out at random.
    """

    name: ClassVar[str]
    most_samples: ClassVar[int] = 20_000

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """Return the statistic for a problem.

        Args:
            problem: The problem.
        """
        return cls()

    @classmethod
    def is_default(cls, problem: ProblemTraits) -> bool:
        """Return whether it has the most power for a problem, so that it is used if none is named.

        Args:
            problem: The problem.
        """
        return False

    @abstractmethod
    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for one hypothesis; see `Statistic`.

        Args:
            moves: The hypothesis.
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            rng: Source of random choices.
            units: Unit of each row, shape (n,), int64; None if each row is a unit.
        """
