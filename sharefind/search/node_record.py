"""A finished node: what was seen there and what was proposed from there, enough to go on without training again."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.search.memory import Kind
from sharefind.search.node_evidence import NodeEvidence
from sharefind.search.rules.growth import Proposal


@dataclass(frozen=True)
class NodeRecord:
    """A finished node.

    Attributes:
        key: The node's.
        evidence: The evidence at the node.
        proposals: Proposed next spaces.
    """

    key: str
    evidence: NodeEvidence
    proposals: tuple[Proposal, ...]


NODE = Kind[NodeRecord]("node")
"""Finished nodes, by their keys."""
