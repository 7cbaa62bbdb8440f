"""A finished node as a line of evidence.jsonl, and back; a run folder may come from a stranger.

Whether what a line says can be true of the search at hand, the engine decides.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat

from sharefind.search.engine import NodeRecord
from sharefind.search.evidence import Evidence
from sharefind.search.growth import Proposal
from sharefind.search.lattice import Growth, SearchNode
from sharefind.search.record import Size, Word
from sharefind.spaces import Subspace


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class _Proposal(_Part):
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


class _Line(_Part):
    key: Word
    evidence: dict[str, Any]
    proposals: list[_Proposal]


def to_line(record: NodeRecord) -> dict[str, Any]:
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


def from_line(line: dict[str, Any]) -> NodeRecord:
    """The inverse of `to_line`; further keys are left alone.

    Raises:
        ValueError: it holds anything that `to_line` does not write.
    """
    read = _Line.model_validate(line)
    return NodeRecord(read.key, Evidence.from_json(read.evidence), tuple(p.as_proposal() for p in read.proposals))
