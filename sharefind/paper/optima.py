"""The common parts of Theorem 2 and Propositions 4 and 5: least risks with certificates, group by group."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sharefind.errors import ConfigError
from sharefind.groups import FiniteGroup, named_group
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row


@dataclass(frozen=True)
class LeastRisks(ABC):
    """A statement about least risks, demonstrated on one finite group after another.

    Attributes:
        groups: Default groups.
        rounding: Largest difference between two values of one number, beyond their certified gaps.
        control: Smallest difference of the controls, which are not equal.
        title: Short name of the statement.
        notes: Remarks on the measurement.
    """

    groups: tuple[str, ...] = ("C2", "C3", "C4", "D4", "S3", "B2")
    rounding: float = 1e-9
    control: float = 1e-4

    title: ClassVar[str]
    notes: ClassVar[tuple[str, ...]]

    def __call__(self, context: Context) -> Outcome:
        """The verdict on every group."""
        rows: list[Row] = []
        checks: list[Check] = []
        groups = context.request.groups(self.groups)
        for name in context.steps(self.title, groups):
            found = self.measured(context, name)
            rows += found
            checks += self.checks(name, found)
        return Outcome(rows, checks, (self.panel(rows, groups),), self.figure(rows, checks), self.notes)

    @abstractmethod
    def measured(self, context: Context, name: str) -> list[Row]:
        """Return the numbers of one group.

        Args:
            context: The environment, with the request.
            name: Name of the group.
        """

    @abstractmethod
    def checks(self, name: str, rows: Sequence[Row]) -> list[Check]:
        """Return the claims about one group.

        Args:
            name: Name of the group.
            rows: Its numbers.
        """

    @abstractmethod
    def panel(self, rows: Sequence[Row], groups: Sequence[str]) -> Panel:
        """Return the panel of all groups.

        Args:
            rows: All numbers.
            groups: Names of the groups.
        """

    @abstractmethod
    def figure(self, rows: Sequence[Row], checks: Sequence[Check]) -> str:
        """Return the main number obtained, in words.

        Args:
            rows: All numbers.
            checks: All checks.
        """


def finite_group(name: str) -> FiniteGroup:
    """Return a finite group.

    Args:
        name: Its name.

    Raises:
        ConfigError: The group is infinite.
    """
    group = named_group(name)
    if not isinstance(group, FiniteGroup):
        raise ConfigError(f"{name} is infinite; this demonstration needs a finite group, such as one of its subgroups")
    return group
