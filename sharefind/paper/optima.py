"""What Theorem 2 and Propositions 4 and 5 have in common: least risks with certificates, group by group."""

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
    """A statement about least risks, shown on one finite group after another.

    Attributes:
        groups: Groups unless one is asked for.
        rounding: What two values of one number may differ by besides their gaps.
        control: Least difference of the controls, which are not equal.
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
        """The numbers of one group."""

    @abstractmethod
    def checks(self, name: str, rows: Sequence[Row]) -> list[Check]:
        """The claims about one group."""

    @abstractmethod
    def panel(self, rows: Sequence[Row], groups: Sequence[str]) -> Panel:
        """The picture of all groups."""

    @abstractmethod
    def figure(self, rows: Sequence[Row], checks: Sequence[Check]) -> str:
        """The figure obtained."""


def finite_group(name: str) -> FiniteGroup:
    """The group of this name.

    Raises:
        ConfigError: It is infinite.
    """
    group = named_group(name)
    if not isinstance(group, FiniteGroup):
        raise ConfigError(f"{name} is infinite; this demonstration needs a finite group, such as one of its subgroups")
    return group
