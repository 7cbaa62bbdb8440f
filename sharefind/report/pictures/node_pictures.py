"""The nodes of the chain as pictures: distances, spectra of the escape, and particles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sharefind.report.pictures.lattice_picture import plain
from sharefind.report.pictures.palette import AFTER, BEFORE, COLOURS, FAINT, INK, LIMIT, MARKERS, PAPER, decision_of
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.text.runs import RunView
from sharefind.search import SearchNode
from sharefind.written import number, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_distances(axes: Axes, view: RunView) -> None:
    """Draw dist^2 of each node of the chain against its delta_j, on a logarithmic scale, with its p-value.

    Args:
        axes: Where to draw.
        view: The run.
    """
    chain = [node for node in view.chain if node.evidence is not None]
    dist2 = np.array([node.evidence.dist2 for node in chain if node.evidence is not None])
    delta = np.array([_or_nan(node.evidence.delta) for node in chain if node.evidence is not None])
    positive = np.concatenate([dist2[dist2 > 0], delta[delta > 0]])
    floor = positive.min() / 10 if positive.size else SIZES.least_distance
    top = positive.max() * 10 if positive.size else 1.0
    x = np.arange(len(chain))
    axes.vlines(x, floor, np.maximum(dist2, floor), color=FAINT, lw=6, zorder=1)
    axes.scatter(x, np.maximum(delta, floor), s=420, marker="_", c=LIMIT, lw=2, zorder=2, label="delta_j")
    for k, node in enumerate(chain):
        decision = decision_of(node)
        height = max(dist2[k], floor)
        axes.scatter(
            k, height, s=70, c=COLOURS[decision], marker=MARKERS[decision], edgecolors=INK, zorder=3, clip_on=False
        )
        _write_p_value(axes, node, k, max(height, delta[k]) if delta[k] > 0 else height)
    axes.set_yscale("log")
    axes.set_ylim(floor, top)
    axes.set_xlim(-0.6, len(chain) - 0.3)
    names = [plain(shortened(node.label, SIZES.longest_name)) for node in chain]
    axes.set_xticks(x, names, rotation=0 if sum(map(len, names)) < SIZES.level_names else 30)
    axes.set_ylabel("dist^2, squared distance from E_j")
    axes.set_title("do particles stay?")
    axes.spines[["top", "right"]].set_visible(False)
    _plain_numbers(axes)
    axes.legend(frameon=False, fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.12))


def _write_p_value(axes: Axes, node: SearchNode, x: float, y: float) -> None:
    p = None if node.evidence is None else node.evidence.p_value
    if p is not None:
        axes.annotate(
            f"p = {number(p)}", (x, y), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=8, color=INK
        )


def _plain_numbers(axes: Axes) -> None:
    """Write powers of ten as in the tables."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def draw_particles(axes: Axes, view: RunView, node: SearchNode) -> None:
    """Draw the particles of a node's first training before and after, in the plane in which they spread most.

    Args:
        axes: Where to draw.
        view: The run.
        node: The node.

    Raises:
        RunFolderError: The node was not visited, or its particles cannot be read.
    """
    start, final = view.particles(node)
    (across, x_name), (up, y_name) = plane(node, final)
    shown = np.linspace(0, len(final) - 1, min(len(final), SIZES.particles)).round().astype(int)
    for cloud, colour, marker, word in ((start, BEFORE, "o", "before"), (final, AFTER, "D", "after")):
        part = cloud[shown % len(cloud)]
        axes.scatter(
            part @ across, part @ up, s=26, alpha=0.75, c=colour, marker=marker, edgecolors=PAPER, lw=0.4, label=word
        )
    if not node.space.is_zero and not node.space.is_full:
        axes.axhline(0, color=INK, lw=1, zorder=0, label="E_j")
        _draw_allowance(axes, None if node.evidence is None else node.evidence.delta)
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
    axes.set_title(plain(f"particles at {shortened(node.label, 40)}, dimension {node.space.dim} of {view.ambient}"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, ncols=4)


def _draw_allowance(axes: Axes, delta: float | None) -> None:
    """Draw the root mean square distance sqrt(delta_j) that particles reach by noise alone."""
    if delta is not None and delta > 0:
        for height in (-np.sqrt(delta), np.sqrt(delta)):
            label = "root of delta_j, both ways" if height > 0 else None
            axes.axhline(height, color=LIMIT, lw=1.2, ls=":", zorder=0, label=label)


def plane(node: SearchNode, cloud: NDArray[np.float64]) -> tuple[tuple[NDArray[np.float64], str], ...]:
    """Return the first principal directions of a cloud in E_j and normal to it, with their names.

    On {0} both directions are normal, on Z both lie in it. If there is one parameter only (D = 1), the second direction
    is zero.

    Args:
        node: The node with the space E_j.
        cloud: Particles, shape (N, D), float64.

    Returns:
        Two pairs of a direction, shape (D,), and its name; the directions are orthonormal.
    """
    inside = np.asarray(node.space.project(cloud))
    if node.space.is_zero:
        return _two_directions(cloud, "direction normal to E_j")
    if node.space.is_full:
        return _two_directions(cloud, "direction in E_j = Z")
    along, away = _principal(inside)[0], _principal(cloud - inside)[0]
    return (along, "first principal direction in E_j"), (away, "first principal direction normal to E_j")


def _two_directions(cloud: NDArray[np.float64], words: str) -> tuple[tuple[NDArray[np.float64], str], ...]:
    found = _principal(cloud)
    second = found[1] if len(found) > 1 else np.zeros_like(found[0])
    return (found[0], f"first principal {words}"), (second, f"second principal {words}")


def _principal(cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the principal directions about 0 of a cloud (N, D), (min(N, D), D), largest first, 0 beyond its rank.

    Signs are fixed, so that pictures are reproducible.
    """
    _, values, directions = np.linalg.svd(cloud, full_matrices=False)
    directions[values <= SIZES.rounding * values[0]] = 0  # these directions are rounding errors
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return np.asarray(directions * np.where(signs == 0, 1, signs)[:, None])


def escape_spectrum(node: SearchNode, cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the eigenvalues of the second moment of the residuals theta - P theta of a cloud, largest first.

    Args:
        node: The node with the space, onto which P projects.
        cloud: Particles theta, shape (N, D), float64.

    Returns:
        Shape (min(N, D - dim E_j),), float64; empty on Z. They sum to dist^2 of the cloud.
    """
    residuals = cloud - np.asarray(node.space.project(cloud))
    values = np.linalg.svd(residuals, compute_uv=False) ** 2 / len(cloud)
    return np.asarray(values[: cloud.shape[1] - node.space.dim], dtype=np.float64)


def has_spectrum(node: SearchNode) -> bool:
    """Return whether a node was visited and particles can escape from its space.

    Args:
        node: The node.
    """
    return node.evidence is not None and not node.space.is_full


def draw_spectra(axes: Sequence[Axes], view: RunView, nodes: Sequence[SearchNode]) -> None:
    """Draw the spectrum of the escape at each node against delta_j spread evenly over the directions normal to E_j.

    Args:
        axes: One pair of axes per node.
        view: The run.
        nodes: The nodes.

    Raises:
        RunFolderError: The particles of a node cannot be read.
    """
    spectra = [escape_spectrum(node, view.particles(node)[1]) for node in nodes]
    levels = [_noise_level(node) for node in nodes]
    largest = max((float(values.max()) for values in spectra if values.size), default=0.0) or 1.0
    floor = largest * SIZES.rounding
    drawn = [v for values in spectra for v in values[: SIZES.eigenvalues] if v > floor]
    lowest = min([*drawn, *(level for level in levels if level)], default=floor) / 3
    for place, node, values, level in zip(axes, nodes, spectra, levels, strict=True):
        _draw_spectrum(place, node, values[: SIZES.eigenvalues], level, lowest)
        place.set_ylim(lowest, max([largest, *(v for v in levels if v)]) * 3)
    axes[0].set_ylabel("eigenvalue")
    handles, labels = axes[0].get_legend_handles_labels()
    figure = axes[0].figure
    if handles:
        figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=8.5)


def _noise_level(node: SearchNode) -> float | None:
    delta = None if node.evidence is None else node.evidence.delta
    return None if not delta else delta / (node.space.ambient - node.space.dim)


def _draw_spectrum(axes: Axes, node: SearchNode, values: NDArray[np.float64], level: float | None, low: float) -> None:
    from matplotlib.ticker import MaxNLocator

    decision = decision_of(node)
    heights = values[values > low]
    x = np.arange(1, len(heights) + 1)
    axes.vlines(x, low, heights, color=FAINT, lw=min(5.0, 120 / max(len(x), 1)), zorder=1)
    axes.scatter(x, heights, s=22, c=COLOURS[decision], marker=MARKERS[decision], edgecolors=INK, lw=0.5, zorder=3)
    if level is not None:
        axes.axhline(
            level, color=LIMIT, lw=1.4, ls="--", zorder=2, label="delta_j over the number of directions normal to E_j"
        )
    axes.set_yscale("log")
    axes.set_xlim(0.3, max(len(values), 2) + 0.7)
    axes.set_title(plain(shortened(node.label, SIZES.panel_name)))
    axes.set_xlabel("direction")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    _plain_numbers(axes)
