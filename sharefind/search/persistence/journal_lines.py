"""Finished work as lines of a run's journals, and back; a run folder may come from a stranger.

Whether what a line says of a node can be true of the search at hand, the engine decides. That a test was made, and gave
what its line says, is believed: only doing it again would show.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field, FiniteFloat, model_validator

from sharefind.inference import Diagnosis, RandomisationTest, RiskGap
from sharefind.search.engine import NodeRecord
from sharefind.search.json_fields import Part, Size, Word
from sharefind.search.node_evidence import Bounded, Evidence, NonNegative
from sharefind.search.rules.growth import Proposal
from sharefind.search.search_lattice import Growth, SearchNode
from sharefind.spaces import Subspace


class _Proposal(Part):
    key: Word
    label: Word
    candidate: Size | None
    space: dict[str, Any]
    source: Word
    rule: Word
    explained: FiniteFloat
    direction: list[FiniteFloat]

    def as_proposal(self) -> Proposal:
        return Proposal(
            SearchNode(self.key, Subspace.from_json(self.space), self.candidate, self.label),
            Growth(self.source, self.key, self.rule, self.explained, tuple(self.direction)),
        )


class _Line(Part):
    key: Word
    evidence: dict[str, Any]
    proposals: list[_Proposal]


class _Test(Part):
    p_value: Annotated[float, Field(gt=0, le=1)]
    statistic: Word
    copies: Annotated[int, Field(ge=1)]
    exceeding: Size
    z: Bounded
    seconds: NonNegative
    is_open: bool = False

    @model_validator(mode="after")
    def _counts(self) -> _Test:
        if self.exceeding > self.copies:
            raise ValueError(f"{self.exceeding} of {self.copies} copies exceed the data")
        return self

    def as_test(self) -> RandomisationTest:
        return RandomisationTest(
            self.p_value, self.statistic, self.copies, self.exceeding, self.z, self.seconds, self.is_open
        )


class _NamedTest(_Test):
    name: Word


class _Risk(Part):
    gap: Bounded
    low: Bounded
    high: Bounded
    free_r2: Annotated[Bounded, Field(le=1)]
    tied_r2: Annotated[Bounded, Field(le=1)]
    free_low: Annotated[Bounded, Field(le=1)]

    @model_validator(mode="after")
    def _order(self) -> _Risk:
        if not self.low <= self.gap <= self.high:
            raise ValueError("the interval does not hold the gap")
        if self.free_low > self.free_r2:
            raise ValueError("free_low is above free_r2")
        return self


class _Diagnosis(Part):
    name: Word
    inputs: _Test
    risk: _Risk
    alpha: Annotated[float, Field(gt=0, lt=1)]


def node_line(record: NodeRecord) -> dict[str, Any]:
    """A JSON object; exact subspaces as exact strings."""
    return {
        "key": record.key,
        "evidence": record.evidence.to_json(),
        "proposals": [
            {
                "key": p.node.key,
                "label": p.node.label,
                "candidate": p.node.candidate,
                "space": p.node.space.to_json(),
                "source": p.growth.source,
                "rule": p.growth.rule,
                "explained": p.growth.explained,
                "direction": list(p.growth.direction),
            }
            for p in record.proposals
        ],
    }


def node_of(line: dict[str, Any]) -> NodeRecord:
    """The inverse of `node_line`; further keys are left alone.

    Raises:
        ValueError: it holds anything that `node_line` does not write.
    """
    read = _Line.model_validate(line)
    return NodeRecord(read.key, Evidence.from_json(read.evidence), tuple(p.as_proposal() for p in read.proposals))


def named_line(name: str, found: RandomisationTest | Diagnosis) -> dict[str, Any]:
    """A JSON object of a test or a diagnosis and the name under which it is kept."""
    return {"name": name, **asdict(found)}


def test_of(line: dict[str, Any]) -> tuple[str, RandomisationTest]:
    """The inverse of `named_line` for a test; further keys are left alone.

    Raises:
        ValueError: it holds anything that no test gives.
    """
    read = _NamedTest.model_validate(line)
    return read.name, read.as_test()


def diagnosis_of(line: dict[str, Any]) -> tuple[str, Diagnosis]:
    """The inverse of `named_line` for a diagnosis; further keys are left alone.

    Raises:
        ValueError: it holds anything that no diagnosis gives.
    """
    read = _Diagnosis.model_validate(line)
    risk = RiskGap(**{name: getattr(read.risk, name) for name in RiskGap.__dataclass_fields__})
    return read.name, Diagnosis(read.inputs.as_test(), risk, read.alpha)
