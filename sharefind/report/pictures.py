"""Pictures of a run: lattice, distances, particles. matplotlib is loaded only when one is drawn."""

from __future__ import annotations

import io
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from sharefind.errors import ConfigError
from sharefind.report.numbers import number, shortened
from sharefind.report.runs import RunView
from sharefind.search import Decision, SearchNode
from sharefind.search.run_folder import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
"""Kinds of pictures that are written."""

DPI = 150

COLOURS = {Decision.STAY: "#2a9d5c", Decision.GROW: "#e08e2b", None: "#c9ced6"}
"""Fill of a node by its decision; None: never visited."""

INK = "#1f2933"
START_COLOUR, FINAL_COLOUR = "#9aa5b1", "#1769aa"

NODE_AREA, SMALL_NODE_AREA = 260, 70
"""Areas of nodes, in square points; the small one for nodes without a name."""

MAX_NAMED = 5
"""Most nodes in a row that are all named; in a picture with a longer row only the visited ones are."""

NAMED_WIDTH, PLAIN_WIDTH = 3.0, 0.6
"""Widths of a node with and without a name, in units of the picture."""

MAX_NAME, MIN_NAME = 28, 12
"""Longest name in a picture, in characters, and the length to which any may grow."""

WIDTH, LATTICE_WIDTH = 12.5, 6.5
"""Inches of a picture and of the lattice in it."""

ROW_HEIGHT, MIN_HEIGHT = 0.8, 5.2
"""Inches of a row of the lattice, and of the whole picture at least."""

CHARACTER = 0.066
"""Inches of a character in a node's name, on average."""


RANK_TOLERANCE = 1e-9
"""Share of the largest singular value of a cloud up to which a direction is a rounding error."""


def check_picture(path: Path) -> None:
    """Refuse a picture that could not be drawn or written.

    Raises:
        ConfigError: an unknown suffix, a folder that does not exist, or matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--plot {path}: no picture of that kind is drawn; end the name with {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ConfigError(f"--plot {path}: the folder {path.parent} does not exist; make it or choose another")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigError("--plot needs matplotlib; install it with pip install 'sharefind[report]'") from None


def draw_run(view: RunView, path: Path) -> None:
    """The lattice beside the distances along the chain, as PNG or SVG by the suffix of `path`.

    Raises:
        ConfigError: as in `check_picture`. RunFolderError: the file cannot be written.
    """
    check_picture(path)
    left, right, figure = _canvas(view)
    _draw_lattice(left, view)
    _draw_distances(right, view)
    _save(figure, path)


def draw_node(view: RunView, node: SearchNode, path: Path) -> None:
    """The lattice beside the particles of one node before and after its training.

    Raises:
        ConfigError: as in `check_picture`. RunFolderError: no particles, or the file cannot be written.
    """
    check_picture(path)
    start, final = view.particles(node)
    left, right, figure = _canvas(view)
    _draw_lattice(left, view, node)
    _draw_particles(right, view, node, start, final)
    _save(figure, path)


def _canvas(view: RunView) -> tuple[Axes, Axes, Figure]:
    from matplotlib.figure import Figure

    rows = len({node.space.dim for node in view.lattice.nodes()})
    figure = Figure(figsize=(WIDTH, max(MIN_HEIGHT, ROW_HEIGHT * rows)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    return left, right, figure


def _save(figure: Figure, path: Path) -> None:
    """Without a date and random names, so that the same run gives the same bytes."""
    import matplotlib

    buffer = io.BytesIO()
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    with matplotlib.rc_context({"svg.hashsalt": "sharefind"}):
        figure.savefig(buffer, format=path.suffix.lower()[1:], dpi=DPI, metadata=metadata)
    write_atomically(path, buffer.getvalue())


def _draw_lattice(axes: Axes, view: RunView, chosen: SearchNode | None = None) -> None:
    """Nodes by dimension from bottom to top; the chain in bold."""
    graph = view.lattice.graph
    named = named_nodes(view)
    places, width = layout(view, named)
    chain = [node.key for node in view.chain]
    on_chain = set(pairwise(chain))
    thin = [edge for edge in graph.edges if edge not in on_chain]
    nodes = list(view.lattice.nodes())
    areas = [NODE_AREA if n.key in named else SMALL_NODE_AREA for n in nodes]
    drawing: dict[str, Any] = {
        "ax": axes,
        "arrows": True,
        "node_size": areas,
        "nodelist": [n.key for n in nodes],
    }
    nx.draw_networkx_edges(graph, places, thin, edge_color="#d5dae0", width=0.8, arrowstyle="-", **drawing)
    nx.draw_networkx_edges(graph, places, sorted(on_chain), edge_color=INK, width=2, arrowsize=14, **drawing)
    nx.draw_networkx_nodes(
        graph, places, [n.key for n in nodes], ax=axes, node_size=areas,
        node_color=[_colour(n) for n in nodes],
        edgecolors=[INK if n.key in chain or n == chosen else "white" for n in nodes],
        linewidths=[3.0 if n == chosen else 1.4 for n in nodes],
    )  # fmt: skip
    length = int(LATTICE_WIDTH * NAMED_WIDTH / width / CHARACTER) - 5
    _name_nodes(axes, [n for n in nodes if n.key in named], places, max(MIN_NAME, min(MAX_NAME, length)))
    _dress_lattice(axes, view, places)


def named_nodes(view: RunView) -> set[str]:
    """Keys of the nodes that are named in a picture: all of them while they fit, else the visited ones."""
    nodes = list(view.lattice.nodes())
    widest = max(Counter(node.space.dim for node in nodes).values())
    return {node.key for node in nodes if widest <= MAX_NAMED or node.evidence is not None}


def layout(view: RunView, named: set[str]) -> tuple[dict[str, tuple[float, float]], float]:
    """A place for each node, and the width of the widest row.

    Rows go by dimension from bottom to top, evenly spaced; visited nodes stand in the middle of their row.
    """
    rows: dict[int, list[SearchNode]] = {}
    for node in view.lattice.nodes():
        rows.setdefault(node.space.dim, []).append(node)
    places: dict[str, tuple[float, float]] = {}
    widest = 0.0
    for height, dim in enumerate(sorted(rows)):
        row = _visited_in_the_middle(rows[dim])
        widths = [NAMED_WIDTH if node.key in named else PLAIN_WIDTH for node in row]
        ends = np.cumsum([0.0, *widths]) - sum(widths) / 2
        places |= {node.key: (float(x), float(height)) for node, x in zip(row, ends, strict=False)}
        widest = max(widest, sum(widths))
    return places, widest


def _visited_in_the_middle(row: list[SearchNode]) -> list[SearchNode]:
    ordered = sorted(row, key=lambda n: (n.number is None, n.number or 0, n.key))
    arranged: list[SearchNode] = []
    for k, node in enumerate(ordered):
        arranged.insert(len(arranged) if k % 2 else 0, node)
    return arranged


def _colour(node: SearchNode) -> str:
    return COLOURS[None if node.evidence is None else node.evidence.decision]


def _name_nodes(axes: Axes, nodes: list[SearchNode], places: dict[str, tuple[float, float]], length: int) -> None:
    """Numbers, names and p-values to the right of the nodes."""
    for node in nodes:
        p = None if node.evidence is None else node.evidence.p_value
        name = node.label if node.number is None else f"{node.number}: {node.label}"
        text = shortened(name, length) + ("" if p is None else f"\np = {number(p)}")
        box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75}
        axes.annotate(
            _plain(text), places[node.key], xytext=(11, 0), textcoords="offset points", ha="left",
            va="center",
            fontsize=7.5, color=INK, bbox=box, zorder=1.5,
        )  # fmt: skip


def _plain(text: str) -> str:
    """Text that matplotlib does not read as a formula."""
    return text.replace("$", r"\$")


def _dress_lattice(axes: Axes, view: RunView, places: dict[str, tuple[float, float]]) -> None:
    from matplotlib.lines import Line2D

    heights = {int(places[node.key][1]): node.space.dim for node in view.lattice.nodes()}
    axes.set_yticks(sorted(heights), [str(heights[h]) for h in sorted(heights)])
    axes.tick_params(left=True, labelleft=True)
    axes.set_ylabel("dimension")
    axes.set_title(_plain(f"search lattice, candidate {shortened(view.result['group']['name'], 40)}"))
    left, right = (end(x for x, _ in places.values()) for end in (min, max))
    axes.set_xlim(min(left - 0.8, -NAMED_WIDTH), right + NAMED_WIDTH)
    axes.margins(y=0.1)
    axes.set_frame_on(False)
    words = (
        ("stay", COLOURS[Decision.STAY]),
        ("grow", COLOURS[Decision.GROW]),
        ("not visited", COLOURS[None]),
    )
    marks = [Line2D([], [], marker="o", ls="", color=colour, label=word) for word, colour in words]
    axes.legend(handles=marks, frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.02))


def _draw_distances(axes: Axes, view: RunView) -> None:
    """dist^2 of each node of the chain against its delta_j, on a logarithmic scale."""
    chain = [node for node in view.chain if node.evidence is not None]
    dist2 = np.array([node.evidence.dist2 for node in chain if node.evidence is not None])
    delta = np.array([_or_nan(node.evidence.delta) for node in chain if node.evidence is not None])
    positive = np.concatenate([dist2[dist2 > 0], delta[delta > 0]])
    floor = positive.min() / 10 if positive.size else 1e-12
    x = np.arange(len(chain))
    axes.vlines(x, floor, np.maximum(dist2, floor), color="#d5dae0", lw=6, zorder=1)
    colours = [_colour(node) for node in chain]
    axes.scatter(
        x,
        np.maximum(dist2, floor),
        s=70,
        c=colours,
        edgecolors=INK,
        zorder=3,
        label="dist$^2$ after training",
    )
    axes.scatter(x, np.maximum(delta, floor), s=420, marker="_", c="#c0392b", lw=2, zorder=2, label=r"$\delta_j$")
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor)
    axes.set_xlim(-0.6, len(chain) - 0.4)
    axes.set_xticks(
        x, [_plain(shortened(node.label, MAX_NAME)) for node in chain], rotation=0 if len(chain) < 5 else 30
    )
    axes.set_ylabel(r"squared distance from $E_j$")
    axes.set_title("do particles stay?")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _draw_particles(
    axes: Axes, view: RunView, node: SearchNode, start: NDArray[np.float64], final: NDArray[np.float64]
) -> None:
    (across, x_name), (up, y_name) = plane(node, final)
    for cloud, colour, word in ((start, START_COLOUR, "before"), (final, FINAL_COLOUR, "after")):
        axes.scatter(cloud @ across, cloud @ up, s=22, alpha=0.75, c=colour, edgecolors="white", lw=0.4, label=word)
    if not node.space.is_zero and not node.space.is_full:
        axes.axhline(0, color=INK, lw=1, zorder=0, label=r"$E_j$")
        _draw_allowance(axes, None if node.evidence is None else node.evidence.delta)
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
    axes.set_title(_plain(f"particles at {shortened(node.label, 40)}, dimension {node.space.dim} of {view.ambient}"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _draw_allowance(axes: Axes, delta: float | None) -> None:
    """How far noise alone carries particles: root mean square distance sqrt(delta_j)."""
    if delta is not None and delta > 0:
        for height in (-np.sqrt(delta), np.sqrt(delta)):
            label = r"$\pm\sqrt{\delta_j}$" if height > 0 else None
            axes.axhline(height, color="#c0392b", lw=1.2, ls=":", zorder=0, label=label)


def plane(node: SearchNode, cloud: NDArray[np.float64]) -> tuple[tuple[NDArray[np.float64], str], ...]:
    """The principal directions (D,) of a cloud (N, D) in E_j and normal to it, with their names; orthonormal.

    On {0} both are normal, on Z both lie in it. On a line of parameters (D = 1) the second direction is zero.
    """
    inside = np.asarray(node.space.project(cloud))
    if node.space.is_zero:
        return _two_directions(cloud, "direction normal to $E_j$")
    if node.space.is_full:
        return _two_directions(cloud, "direction in $E_j = Z$")
    along, away = _principal(inside)[0], _principal(cloud - inside)[0]
    return (along, "first principal direction in $E_j$"), (away, "first principal direction normal to $E_j$")


def _two_directions(cloud: NDArray[np.float64], words: str) -> tuple[tuple[NDArray[np.float64], str], ...]:
    found = _principal(cloud)
    second = found[1] if len(found) > 1 else np.zeros_like(found[0])
    return (found[0], f"first principal {words}"), (second, f"second principal {words}")


def _principal(cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal directions about 0 of a cloud (N, D), (min(N, D), D), the largest first, 0 beyond its rank.

    Signs are fixed, so that pictures are reproducible.
    """
    _, values, directions = np.linalg.svd(cloud, full_matrices=False)
    directions[values <= RANK_TOLERANCE * values[0]] = 0  # rounding errors have directions, too
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return np.asarray(directions * np.where(signs == 0, 1, signs)[:, None])
