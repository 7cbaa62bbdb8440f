"""The search lattice: every node visited with its evidence and every growth with its rule, as a networkx graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import networkx as nx
from pydantic import Field, FiniteFloat, ValidationError

from sharefind import html
from sharefind.errors import RunFolderError, one_line
from sharefind.search.json_fields import Part, Size, Word, first_fault
from sharefind.search.node_evidence import NodeEvidence
from sharefind.spaces import Subspace
from sharefind.written import NOTHING, number, plural

ZERO = "{0}"
"""Key and label of the first node of every search, whatever group fixes it."""

EDGE_KEY = "edges"
"""Name of the edge list in node-link JSON, given explicitly because networkx changed its default."""


LATTICE_HEADINGS = ("node", "space", "dim", "dist^2", "delta", "p", "decision", "proposed from", "explained")
"""Headings of the table of a lattice in a notebook."""


@dataclass(frozen=True)
class SearchNode:
    """A subspace E_j of Z as a place in the search.

    Attributes:
        key: Its identity, from which its random numbers derive ("E^C4", "mean:2").
        space: The space E_j.
        candidate: Number of the node in the candidate's invariant lattice, or None.
        label: Its name for people.
        evidence: The evidence there, None before the visit.
        number: Order of the visit, or None.
    """

    key: str
    space: Subspace
    candidate: int | None
    label: str
    evidence: NodeEvidence | None = None
    number: int | None = None


@dataclass(frozen=True)
class Snap:
    """How far the directions of an escape are off the exact space that they were snapped to.

    Attributes:
        outside: share of the cross-fitted escape energy that lies outside the space.
        errors: the same in standard errors of what noise alone gives.
        p_value: of "nothing but noise lies outside".
    """

    outside: float
    errors: float
    p_value: float


@dataclass(frozen=True)
class Growth:
    """An expansion of E_j that a growth rule proposed.

    Attributes:
        source: Key of the node that is left.
        target: Key of the node that is proposed.
        rule: Name of the growth rule.
        explained: Share of the cross-fitted escape energy from the source that the target contains (noise may carry it
            out of [0, 1]).
        direction: The direction that was added, (D,) as a tuple, or () where a whole exact space was.
        snap: How far the escape is off the target, where its directions were snapped to it; None elsewhere.
    """

    source: str
    target: str
    rule: str
    explained: float
    direction: tuple[float, ...] = ()
    snap: Snap | None = None


class SnapRow(Part):
    """A `Snap` in a record.

    Attributes:
        outside: As in `Snap`.
        errors: As in `Snap`.
        p_value: As in `Snap`.
    """

    outside: FiniteFloat
    errors: FiniteFloat
    p_value: Annotated[float, Field(gt=0, le=1)]

    def value(self) -> Snap:
        """Return the snap that was written."""
        return Snap(self.outside, self.errors, self.p_value)


def snap_json(growth: Growth) -> dict[str, Any]:
    """Return the field `snap` of a growth's record, where it has one.

    Args:
        growth: The growth.
    """
    return {} if growth.snap is None else {"snap": asdict(growth.snap)}


class _Node(Part):
    id: Word
    number: Size | None
    label: Word
    candidate: Size | None
    space: dict[str, Any]
    evidence: dict[str, Any] | None

    def as_node(self) -> SearchNode:
        evidence = None if self.evidence is None else NodeEvidence.from_json(self.evidence)
        return SearchNode(self.id, Subspace.from_json(self.space), self.candidate, self.label, evidence, self.number)


class _Edge(Part):
    source: Word
    target: Word
    rule: Word
    explained: FiniteFloat
    direction: list[FiniteFloat]
    snap: SnapRow | None = None

    def as_growth(self) -> Growth:
        snap = None if self.snap is None else self.snap.value()
        return Growth(self.source, self.target, self.rule, self.explained, tuple(self.direction), snap)


class _Record(Part):
    nodes: list[_Node]
    edges: list[_Edge]


class SearchLattice:
    """Nodes and growths of one search; a thin, typed view on `graph`, a networkx DiGraph keyed by node keys.

    Attributes:
        graph: The graph.
    """

    def __init__(self) -> None:
        self.graph: nx.DiGraph[str] = nx.DiGraph()

    def __repr__(self) -> str:
        return f"<SearchLattice: {self._size}>"

    def _repr_html_(self, most: int = 60) -> str:
        """A table of the nodes for a notebook.

        Args:
            most: Nodes that are shown, the visited ones before the others.
        """
        left = [node for node in self.nodes() if node.evidence is None]
        shown = [*self.visited(), *left][:most]
        note = f"The first {most} nodes." if len(shown) < len(self.graph) else ""
        return html.notebook(html.table(html.Grid(self._size, LATTICE_HEADINGS, tuple(map(self._cells, shown)), note)))

    @property
    def _size(self) -> str:
        nodes, growths = self.graph.number_of_nodes(), self.graph.number_of_edges()
        return f"{plural(nodes, 'node')}, {len(self.visited())} visited, {plural(growths, 'growth')}"

    def _cells(self, node: SearchNode) -> tuple[str, ...]:
        """A node under `LATTICE_HEADINGS`, with the growth that explains most."""
        growths = [data["growth"] for _, _, data in self.graph.in_edges(node.key, data=True)]
        best = max(growths, key=lambda g: (g.explained, g.source), default=None)
        origin = (NOTHING, NOTHING) if best is None else (self.node(best.source).label, f"{100 * best.explained:.0f} %")
        evidence = node.evidence
        values = (None,) * 3 if evidence is None else (evidence.dist2, evidence.delta, evidence.p_value)
        decision = "not visited" if evidence is None else evidence.decision.value
        place = NOTHING if node.number is None else str(node.number)
        return (place, node.label, str(node.space.dim), *map(number, values), decision, *origin)

    def add(self, node: SearchNode) -> None:
        """Add a node, or replace it by its newer state.

        Args:
            node: The node.
        """
        self.graph.add_node(node.key, node=node)

    def connect(self, growth: Growth) -> None:
        """Record a growth; both nodes must be known.

        Args:
            growth: The growth.
        """
        self.graph.add_edge(growth.source, growth.target, growth=growth)

    def node(self, key: str) -> SearchNode:
        """Return the node of a key.

        Args:
            key: The key.
        """
        found: SearchNode = self.graph.nodes[key]["node"]
        return found

    def __contains__(self, key: str) -> bool:
        return key in self.graph

    def nodes(self) -> Iterator[SearchNode]:
        """Return all nodes, in the order in which they were proposed."""
        return (data["node"] for _, data in self.graph.nodes(data=True))

    def visited(self) -> list[SearchNode]:
        """Return nodes with evidence, in the order of their visits."""
        return sorted((n for n in self.nodes() if n.evidence is not None), key=lambda n: n.number or 0)

    def growths(self) -> Iterator[Growth]:
        """Return all growths."""
        return (data["growth"] for _, _, data in self.graph.edges(data=True))

    def open_growths(self) -> list[Growth]:
        """Return growths to nodes that have not been visited."""
        return [g for g in self.growths() if self.node(g.target).evidence is None]

    def mark(self, key: str, evidence: NodeEvidence, number: int) -> SearchNode:
        """Attach the evidence of a visit.

        Args:
            key: Key of the node.
            evidence: The evidence.
            number: Order of the visit.

        Returns:
            The node with its evidence.
        """
        node = replace(self.node(key), evidence=evidence, number=number)
        self.add(node)
        return node

    def path_to(self, key: str) -> list[SearchNode]:
        """Return the chain E_0 -> ... -> E_j to a node: at each node back along the growth that explained most.

        Args:
            key: Key of the node.
        """
        path = [self.node(key)]
        while growths := [data["growth"] for _, _, data in self.graph.in_edges(path[0].key, data=True)]:
            best = max(growths, key=lambda g: (g.explained, g.source))
            path.insert(0, self.node(best.source))
        return path

    def to_json(self) -> dict[str, Any]:
        """Return node-link JSON (networkx's format with the edge key `edges`); exact subspaces as exact strings."""
        plain: nx.DiGraph[str] = nx.DiGraph()
        for node in self.nodes():
            plain.add_node(
                node.key,
                number=node.number,
                label=node.label,
                dim=node.space.dim,
                candidate=node.candidate,
                space=node.space.to_json(),
                evidence=None if node.evidence is None else node.evidence.to_json(),
            )
        for g in self.growths():
            plain.add_edge(
                g.source, g.target, rule=g.rule, explained=g.explained, direction=list(g.direction), **snap_json(g)
            )
        record: dict[str, Any] = nx.node_link_data(plain, edges=EDGE_KEY)
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SearchLattice:
        """Return the lattice of a JSON object; the inverse of `to_json`.

        Args:
            record: The object.

        Raises:
            RunFolderError: The record is not a search lattice.
        """
        try:
            read = _Record.model_validate(record)
            lattice = cls()
            for node in read.nodes:
                lattice.add(node.as_node())
            for edge in read.edges:
                lattice.connect(edge.as_growth())
            lattice._check(len(read.nodes), len(read.edges))
        except ValueError as error:
            reason = first_fault(error) if isinstance(error, ValidationError) else one_line(error)
            raise RunFolderError(f"lattice.json is not a search lattice ({reason}); run the search again") from None
        return lattice

    def _check(self, nodes: int, edges: int) -> None:
        """Refuse a graph in which a search cannot have gone from smaller spaces to larger ones.

        nodes, edges: how many were added.
        """
        if any("node" not in data for _, data in self.graph.nodes(data=True)):
            raise ValueError("a growth is from or to a node that is not there")
        if (self.graph.number_of_nodes(), self.graph.number_of_edges()) != (nodes, edges):
            raise ValueError("a node or a growth is given twice")
        if not nx.is_directed_acyclic_graph(self.graph):
            raise ValueError("its growths go in a circle")

    def to_graphml(self) -> str:
        """Return GraphML with scalar attributes only, for graph viewers."""
        plain: nx.DiGraph[str] = nx.DiGraph()
        for node in self.nodes():
            evidence = {} if node.evidence is None else node.evidence.to_json()
            scalars = {k: v for k, v in evidence.items() if isinstance(v, (int, float, str))}
            visit = {} if node.number is None else {"number": node.number}
            plain.add_node(node.key, label=node.label, dim=node.space.dim, **visit, **scalars)
        for g in self.growths():
            plain.add_edge(g.source, g.target, rule=g.rule, explained=float(g.explained))
        return "\n".join(nx.generate_graphml(plain))

    def dumps(self) -> str:
        """Return `to_json` as text."""
        return json.dumps(self.to_json(), indent=1)
