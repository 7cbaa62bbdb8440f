"""What a statistic declares, and what it may ask of the problem whose symmetries are tested with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.statistics.searched_particles import UnitFactory, richest_unit


@dataclass(frozen=True)
class ProblemTraits:
    """A problem as statistics see it.

    Attributes:
        in_rep: How the candidate acts on X.
        out_rep: How it acts on Y.
        subgroups: Its finite subgroups that are tested, without the trivial one.
        samples: Rows of data; None where a task gives fresh ones.
        unit: Of statistics that train particles, made from the hypothesis' representations.
    """

    in_rep: Representation
    out_rep: Representation
    subgroups: tuple[FiniteGroup, ...] = ()
    samples: int | None = None
    unit: UnitFactory = richest_unit

    @property
    def lists_subgroups(self) -> bool:
        """Whether all subgroups of the candidate are listed: it is finite, and not too large."""
        group = self.in_rep.group
        return isinstance(group, FiniteGroup) and group.order <= MAX_SUBGROUP_ORDER

    @property
    def has_invariant_labels(self) -> bool:
        """Whether the candidate leaves labels as they are."""
        return not np.any(self.out_rep.float_matrices() - np.eye(self.out_rep.dim))

    @property
    def moved_inputs(self) -> int:
        """Coordinates of X that the candidate, which can be listed, does not leave where they are."""
        return int(np.any(self.in_rep.float_matrices() - np.eye(self.in_rep.dim), axis=(0, 1)).sum())


class SearchStatistic(ABC):
    """A statistic with what a search must know of it. One's own needs a name and `bind`.

    Attributes:
        name: What settings and records call it.
        most_samples: Rows that it reads at most; further ones are left out, at random.
    """

    name: ClassVar[str]
    most_samples: ClassVar[int] = 20_000

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """The statistic for a problem."""
        return cls()

    @classmethod
    def is_default(cls, problem: ProblemTraits) -> bool:
        """Whether it has the most power for a problem, so that it is used where none is named."""
        return False

    @abstractmethod
    def bind(
        self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """The statistic for one hypothesis; see `Statistic`."""
