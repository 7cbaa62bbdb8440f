"""Finished work as lines of a run's journals, and back; a run folder may come from a stranger.

`recalled_nodes` decides whether a line about a node can belong to the present search. That a test was made,
and gave what its line says, is believed: only doing it again would show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, FiniteFloat, model_validator

from sharefind.inference import Diagnosis, RandomisationTest, RiskGap
from sharefind.inference.maps.map_explanation import MapExplanation
from sharefind.inference.relation.group_shares import GroupShares
from sharefind.search.json_fields import Part, Size, Word
from sharefind.search.map_rows import MapRow
from sharefind.search.memory import DIAGNOSIS, MAP, RELATION, SHARES, TEST, Kind
from sharefind.search.node_evidence import Bounded, NodeEvidence, NonNegative
from sharefind.search.node_record import NODE, NodeRecord
from sharefind.search.rules.growth import Proposal
from sharefind.search.search_lattice import Growth, SearchNode, SnapRow, snap_json
from sharefind.spaces import Subspace

if TYPE_CHECKING:
    from sharefind.inference.relation.relation_test import RelationTest


class _Proposal(Part):
    key: Word
    label: Word
    candidate: Size | None
    space: dict[str, Any]
    source: Word
    rule: Word
    explained: FiniteFloat
    direction: list[FiniteFloat]
    snap: SnapRow | None = None

    def value(self) -> Proposal:
        snap = None if self.snap is None else self.snap.value()
        return Proposal(
            SearchNode(self.key, Subspace.from_json(self.space), self.candidate, self.label),
            Growth(self.source, self.key, self.rule, self.explained, tuple(self.direction), snap),
        )


class _Node(Part):
    key: Word
    evidence: dict[str, Any]
    proposals: list[_Proposal]

    def value(self) -> NodeRecord:
        proposals = tuple(p.value() for p in self.proposals)
        return NodeRecord(self.key, NodeEvidence.from_json(self.evidence), proposals)


class _Test(Part):
    p_value: Annotated[float, Field(gt=0, le=1)]
    statistic: Word
    copies: Annotated[int, Field(ge=1)]
    exceeding: Size
    z: Bounded
    seconds: NonNegative
    is_open: bool = False
    shared: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _counts(self) -> _Test:
        if self.exceeding > self.copies:
            raise ValueError(f"{self.exceeding} of {self.copies} copies exceed the data")
        return self

    def value(self) -> RandomisationTest:
        return RandomisationTest(**_fields(self, RandomisationTest))


class _Name(Part):
    name: Word


class _NamedTest(_Test):
    name: Word


class _Relation(Part):
    name: Word
    test: _Test
    overlap: Bounded
    detectable: NonNegative | None = None

    def value(self) -> RelationTest:
        from sharefind.inference.relation.relation_test import RelationTest

        return RelationTest(self.test.value(), self.overlap, self.detectable)


class _Shares(Part):
    name: Word
    log_evidence: dict[Word, FiniteFloat]
    shares: dict[Word, Annotated[float, Field(ge=0, le=1)]]
    rows: Size
    noise: FiniteFloat
    as_likely: Word | None = None

    @model_validator(mode="after")
    def _names(self) -> _Shares:
        if not self.shares or self.shares.keys() != self.log_evidence.keys():
            raise ValueError("shares and log_evidence are not of the same groups")
        if self.as_likely is not None and self.as_likely not in self.shares:
            raise ValueError("as_likely has no share")
        return self

    def value(self) -> GroupShares:
        return GroupShares(**_fields(self, GroupShares))


class _Risk(Part):
    gap: Bounded
    low: Bounded
    high: Bounded
    free_r2: Annotated[Bounded, Field(le=1)]
    tied_r2: Annotated[Bounded, Field(le=1)]
    free_low: Annotated[Bounded, Field(le=1)]
    free_accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    tied_accuracy: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _order(self) -> _Risk:
        if not self.low <= self.gap <= self.high:
            raise ValueError("the interval does not hold the gap")
        if self.free_low > self.free_r2:
            raise ValueError("free_low is above free_r2")
        return self


class _Diagnosis(Part):
    name: Word
    inputs: _Test | None
    risk: _Risk
    alpha: Annotated[float, Field(gt=0, lt=1)]
    are_inputs_broken: bool | None = None
    is_relation_broken: bool | None = None

    def value(self) -> Diagnosis:
        inputs, risk = None if self.inputs is None else self.inputs.value(), RiskGap(**_fields(self.risk, RiskGap))
        return Diagnosis(inputs, risk, self.alpha, self.are_inputs_broken, self.is_relation_broken)


def _fields(part: Part, made: type[Any]) -> dict[str, Any]:
    """The fields of a dataclass; further ones that the part keeps are left out."""
    return {field.name: getattr(part, field.name) for field in fields(made)}


@dataclass(frozen=True)
class Codec:
    """How a kind of work is kept.

    Attributes:
        file: The journal's name in the run folder.
        line: A JSON object of what is kept under a name.
        value: The inverse, which gives the name too; further keys are left alone. It raises ValueError where the object
            holds anything that `line` does not write.
    """

    file: str
    line: Callable[[str, Any], dict[str, Any]]
    value: Callable[[dict[str, Any]], tuple[str, Any]]


def _node_line(key: str, record: NodeRecord) -> dict[str, Any]:
    """Exact subspaces are exact strings."""
    return {
        "key": key,
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
                **snap_json(p.growth),
            }
            for p in record.proposals
        ],
    }


def _node(line: dict[str, Any]) -> tuple[str, NodeRecord]:
    record = _Node.model_validate(line).value()
    return record.key, record


def _named_line(name: str, found: RandomisationTest | RelationTest | GroupShares | Diagnosis) -> dict[str, Any]:
    return {"name": name, **asdict(found)}


def _test(line: dict[str, Any]) -> tuple[str, RandomisationTest]:
    read = _NamedTest.model_validate(line)
    return read.name, read.value()


def _relation(line: dict[str, Any]) -> tuple[str, RelationTest]:
    read = _Relation.model_validate(line)
    return read.name, read.value()


def _shares(line: dict[str, Any]) -> tuple[str, GroupShares]:
    read = _Shares.model_validate(line)
    return read.name, read.value()


def _diagnosis(line: dict[str, Any]) -> tuple[str, Diagnosis]:
    read = _Diagnosis.model_validate(line)
    return read.name, read.value()


def _map_line(name: str, found: MapExplanation) -> dict[str, Any]:
    return {"name": name, **MapRow.of(found).to_json()}


def _map(line: dict[str, Any]) -> tuple[str, MapExplanation]:
    return _Name.model_validate(line).name, MapRow.model_validate(line).value


CODECS: dict[Kind[Any], Codec] = {
    NODE: Codec("evidence.jsonl", _node_line, _node),
    TEST: Codec("tests.jsonl", _named_line, _test),
    RELATION: Codec("relations.jsonl", _named_line, _relation),
    SHARES: Codec("shares.jsonl", _named_line, _shares),
    DIAGNOSIS: Codec("diagnoses.jsonl", _named_line, _diagnosis),
    MAP: Codec("maps.jsonl", _map_line, _map),
}
"""Every kind of work that a run keeps."""
