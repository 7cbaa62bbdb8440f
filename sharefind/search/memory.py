"""Where finished work is kept, so that nothing computed is lost: what a search asks and tells, whatever keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sharefind.inference import Diagnosis, RandomisationTest
from sharefind.inference.relation.group_shares import GroupShares

if TYPE_CHECKING:
    from sharefind.inference.maps.map_explanation import MapExplanation
    from sharefind.inference.relation.relation_test import RelationTest

Value = TypeVar("Value")


@dataclass(frozen=True)
class Kind(Generic[Value]):
    """A kind of finished work that is kept; `Value` is the type of its results.

    Attributes:
        name: Name of the kind.
    """

    name: str


TEST = Kind[RandomisationTest]("test")
"""Exact tests, by the candidate."""

RELATION: Kind[RelationTest] = Kind("relation")
"""Tests of relations, by the candidate."""

SHARES = Kind[GroupShares]("shares")
"""Shares of the candidates, by how many these are."""

DIAGNOSIS = Kind[Diagnosis]("diagnosis")
"""Diagnoses, by the rejected group."""

MAP: Kind[MapExplanation] = Kind("map")
"""Explanations of maps of columns, by the generator."""


class Memory(Protocol):
    """Keeps finished work of this or an earlier run."""

    def get(self, kind: Kind[Value], key: str) -> Value | None:
        """Return what is kept of a kind under a key, or None.

        Args:
            kind: The kind.
            key: The key.
        """
        ...

    def put(self, kind: Kind[Value], key: str, value: Value) -> None:
        """Keep what has just been finished.

        Args:
            kind: The kind.
            key: The key.
            value: The finished work.
        """
        ...


class NoMemory:
    """Keeps nothing."""

    def get(self, kind: Kind[Value], key: str) -> Value | None:
        """Return None.

        Args:
            kind: Not used.
            key: Not used.
        """
        return None

    def put(self, kind: Kind[Value], key: str, value: Value) -> None:
        """Do nothing.

        Args:
            kind: Not used.
            key: Not used.
            value: Not used.
        """


@dataclass
class MemoryOfProposal:
    """A memory whose keys say to which proposal of a blind search they belong; the first one's are plain.

    What was put is known here too, so that nothing is done twice where no run is kept.

    Attributes:
        memory: The memory that keeps finished work.
        proposal: Number of the proposal, counted from 1.
        known: Values that were put, shared between the proposals of a search.
    """

    memory: Memory
    proposal: int
    known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def get(self, kind: Kind[Value], key: str) -> Value | None:
        """Return what is kept for this proposal.

        Args:
            kind: The kind.
            key: The key.
        """
        known: Value | None = self.known.get((kind.name, self._name(key)))
        return known or self.memory.get(kind, self._name(key))

    def put(self, kind: Kind[Value], key: str, value: Value) -> None:
        """Keep it for this proposal.

        Args:
            kind: The kind.
            key: The key.
            value: The finished work.
        """
        self.known[kind.name, self._name(key)] = value
        self.memory.put(kind, self._name(key), value)

    def _name(self, key: str) -> str:
        return key if self.proposal == 1 else f"proposal {self.proposal}: {key}"


@dataclass(frozen=True)
class KeptTests:
    """The tests of a memory as `sharefind.inference` asks for them.

    Attributes:
        memory: The memory that keeps finished work.
        prefix: Begins the names of tests that have others of the same candidates beside them.
    """

    memory: Memory
    prefix: str = ""

    def recall_test(self, name: str) -> RandomisationTest | None:
        """Return the test of a candidate, or None.

        Args:
            name: Name of the candidate.
        """
        return self.memory.get(TEST, f"{self.prefix}{name}")

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Keep a test.

        Args:
            name: Name of the candidate.
            test: The test.
        """
        self.memory.put(TEST, f"{self.prefix}{name}", test)

    def recall_relation(self, name: str) -> RelationTest | None:
        """Return the test of a relation, or None.

        Args:
            name: Name of the candidate.
        """
        return self.memory.get(RELATION, name)

    def keep_relation(self, name: str, test: RelationTest) -> None:
        """Keep a test of a relation.

        Args:
            name: Name of the candidate.
            test: The test.
        """
        self.memory.put(RELATION, name, test)
