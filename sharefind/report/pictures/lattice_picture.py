"""The search lattice as a picture: positions of its nodes, and the drawing of nodes, growths and names."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from sharefind.report.pictures.palette import COLOURS, FAINT, INK, MARKERS, PAPER, decision_of
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.text.runs import RunView
from sharefind.search import Decision, SearchNode
from sharefind.written import number, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_lattice(axes: Axes, view: RunView, chosen: SearchNode | None = None) -> dict[str, str]:
    """Draw the nodes by dimension from bottom to top, coloured by decision and sized by dimension, with the chain in
    bold.

    Args:
        axes: Where to draw.
        view: The run.
        chosen: A node to highlight.

    Returns:
        Tooltips of the nodes, by the id of their drawing.
    """
    named = named_nodes(view)
    places, width = layout(view, named)
    _draw_growths(axes, view, places, named)
    nodes = list(view.lattice.nodes())
    chain = {node.key for node in view.chain}
    for k, node in enumerate(nodes):
        axes.scatter(
            *places[node.key], s=_area(node, view, named), c=COLOURS[decision_of(node)], zorder=2,
            marker=MARKERS[decision_of(node)], edgecolors=INK if node.key in chain or node == chosen else PAPER,
            linewidths=3.0 if node == chosen else 1.4, gid=f"node-{k}",
        )  # fmt: skip
    length = int(SIZES.lattice_width * SIZES.named_width / width / SIZES.character) - 5
    _name_nodes(
        axes, [n for n in nodes if n.key in named], places, max(SIZES.shortest_name, min(SIZES.longest_name, length))
    )
    _dress(axes, view, places)
    return {f"node-{k}": node_title(node) for k, node in enumerate(nodes)}


def node_title(node: SearchNode) -> str:
    """Return a node in one line.

    Args:
        node: The node.
    """
    if node.evidence is None:
        return f"{printable(node.label)}, dimension {node.space.dim}: proposed, never visited"
    evidence = node.evidence
    values = f"dist^2 {number(evidence.dist2)}, delta {number(evidence.delta)}, p {number(evidence.p_value)}"
    return f"{node.number} {printable(node.label)}, dimension {node.space.dim}: {values}: {evidence.decision.value}"


def named_nodes(view: RunView) -> set[str]:
    """Return the keys of the nodes whose names are drawn: all of them if they fit, else the visited ones.

    Args:
        view: The run.
    """
    nodes = list(view.lattice.nodes())
    widest = max(Counter(node.space.dim for node in nodes).values())
    return {node.key for node in nodes if widest <= SIZES.named_nodes or node.evidence is not None}


def rows_of(view: RunView) -> int:
    """Return the number of rows of the picture, one for each dimension that occurs.

    Args:
        view: The run.
    """
    return len({node.space.dim for node in view.lattice.nodes()})


def layout(view: RunView, named: set[str]) -> tuple[dict[str, tuple[float, float]], float]:
    """Return a position for each node, and the width of the widest row.

    Rows are ordered by dimension from bottom to top and evenly spaced; visited nodes are in the middle of their row.

    Args:
        view: The run.
        named: Keys of the nodes whose names are drawn.
    """
    rows: dict[int, list[SearchNode]] = {}
    for node in view.lattice.nodes():
        rows.setdefault(node.space.dim, []).append(node)
    places: dict[str, tuple[float, float]] = {}
    widest = 0.0
    for height, dim in enumerate(sorted(rows)):
        row = _visited_in_the_middle(rows[dim])
        widths = [SIZES.named_width if node.key in named else SIZES.plain_width for node in row]
        # The chain runs through the middle: a row without a node of the chain leaves the middle free.
        aside = widths[len(row) // 2] if len(row) % 2 and not any(n.evidence for n in row) else 0.0
        ends = np.cumsum([0.0, *widths]) - sum(widths) / 2 + aside / 2
        places |= {node.key: (float(x), float(height)) for node, x in zip(row, ends, strict=False)}
        widest = max(widest, sum(widths) + aside / 2)
    return places, widest


def plain(text: str) -> str:
    """Return text that matplotlib does not read as a formula, with characters that an SVG can contain.

    Args:
        text: Any text.
    """
    return printable(text).replace("$", r"\$")


def printable(text: str) -> str:
    """Return text without control characters and halves of surrogate pairs, which an SVG cannot contain.

    Args:
        text: Any text.
    """
    return "".join(c if c.isprintable() else "?" for c in text)


def _visited_in_the_middle(row: list[SearchNode]) -> list[SearchNode]:
    ordered = sorted(row, key=lambda n: (n.number is None, n.number or 0, n.key))
    arranged: list[SearchNode] = []
    for k, node in enumerate(ordered):
        arranged.insert(len(arranged) if k % 2 else 0, node)
    return arranged


def _area(node: SearchNode, view: RunView, named: set[str]) -> float:
    return SIZES.node_area + SIZES.dim_area * node.space.dim / view.ambient if node.key in named else SIZES.plain_area


def _draw_growths(axes: Axes, view: RunView, places: dict[str, tuple[float, float]], named: set[str]) -> None:
    graph = view.lattice.graph
    chain = list(pairwise(node.key for node in view.chain))
    thin = [edge for edge in graph.edges if edge not in chain]
    nodes = list(view.lattice.nodes())
    sizes = {"nodelist": [n.key for n in nodes], "node_size": [_area(n, view, named) for n in nodes]}
    common = {"ax": axes, "arrows": True, **sizes}
    nx.draw_networkx_edges(graph, places, thin, edge_color=FAINT, width=0.8, arrowstyle="-", **common)
    nx.draw_networkx_edges(graph, places, chain, edge_color=INK, width=2, arrowsize=14, **common)


def _name_nodes(axes: Axes, nodes: list[SearchNode], places: dict[str, tuple[float, float]], length: int) -> None:
    """Write numbers, names and p-values to the right of the nodes."""
    for node in nodes:
        p = None if node.evidence is None else node.evidence.p_value
        name = node.label if node.number is None else f"{node.number}: {node.label}"
        text = plain(shortened(name, length)) + ("" if p is None else f"\np = {number(p)}")
        box = {"boxstyle": "round,pad=0.1", "fc": PAPER, "ec": "none", "alpha": 0.75}
        axes.annotate(
            text, places[node.key], xytext=(13, 0), textcoords="offset points", ha="left", va="center",
            fontsize=8, color=INK, bbox=box, zorder=1.5,
        )  # fmt: skip


def _dress(axes: Axes, view: RunView, places: dict[str, tuple[float, float]]) -> None:
    from matplotlib.lines import Line2D

    heights = {int(places[node.key][1]): node.space.dim for node in view.lattice.nodes()}
    axes.set_yticks(sorted(heights), [str(heights[h]) for h in sorted(heights)])
    axes.tick_params(left=True, labelleft=True, bottom=False, labelbottom=False)
    axes.set_ylabel("dimension")
    axes.set_title(plain(f"search lattice, candidate {shortened(view.result.group.name, 40)}"))
    left, right = (end(x for x, _ in places.values()) for end in (min, max))
    axes.set_xlim(min(left - 0.8, -SIZES.named_width), right + SIZES.named_width)
    axes.margins(y=0.1)
    axes.set_frame_on(False)
    words = (("stay", Decision.STAY), ("grow", Decision.GROW), ("not visited", None))
    marks = [
        Line2D([], [], marker=MARKERS[decision], ls="", color=COLOURS[decision], label=word) for word, decision in words
    ]
    axes.legend(handles=marks, frameon=False, fontsize=8.5, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.02))
