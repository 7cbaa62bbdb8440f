"""The parts of a page: tables as text, and pictures as SVG with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from sharefind.html import Grid
from sharefind.report.pictures.drawing import picture_of, rendered, spectra_nodes
from sharefind.report.pictures.inline_svg import inline_svg
from sharefind.report.pictures.lattice_picture import node_title
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.pictures.space_picture import space_caption, what_is_left_out
from sharefind.report.pictures.symmetry_picture import tested
from sharefind.report.pictures.verdict_picture import judged
from sharefind.report.text.mirror_words import MIRROR_HEADINGS, mirror_name, moved_cells, rest_lines
from sharefind.report.text.rows import (
    DIAGNOSIS_HEADINGS,
    NODE_HEADINGS,
    OPEN_HEADINGS,
    SYMMETRY_HEADINGS,
    diagnosis_cells,
    node_cells,
    open_cells,
    statistic_name,
    symmetry_cells,
    tests_title,
    yardstick_headings,
    yardstick_note,
    yardstick_rows,
)
from sharefind.report.text.runs import RunView
from sharefind.report.text.text_style import STYLE
from sharefind.report.text.verdict import last_rule
from sharefind.search import SearchNode
from sharefind.search.map_words import MAP_HEADINGS, MAP_NOTE, map_cells, map_sentences, map_title
from sharefind.search.proposal_parts import BlindRow, Rival
from sharefind.search.rules.registry import stop_traits
from sharefind.search.three_verdicts import VERDICT_NOTE, has_verdicts, verdict_table
from sharefind.written import NOTHING, number, plural, share


@dataclass(frozen=True)
class Drawing:
    """A picture and the text below it.

    Attributes:
        svg: The picture, an SVG element.
        label: Description for screen readers.
        caption: Text below the picture.
    """

    svg: Markup
    label: str
    caption: str


def _cut(caption: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Grid:
    note = f"The first {STYLE.page_rows} of {len(rows)}; the run folder has all." if len(rows) > STYLE.page_rows else ""
    return Grid(caption, headings, tuple(rows[: STYLE.page_rows]), note)


def chain_grid(view: RunView) -> Grid:
    """Return the table of the chain, with the evidence and the reason of each decision.

    Args:
        view: The run.
    """
    rows = [(*node_cells(n, n.evidence), n.evidence.reason) for n in view.chain if n.evidence is not None]
    return _cut("The chain, node by node", (*NODE_HEADINGS, "reason"), rows)


def visited_grid(view: RunView) -> Grid | None:
    """Return the table of visited nodes outside the chain; None if there are none.

    Args:
        view: The run.
    """
    chain = {node.key for node in view.chain}
    nodes = [n for n in view.lattice.visited() if n.key not in chain]
    rows = [(*node_cells(n, n.evidence), n.evidence.reason) for n in nodes if n.evidence is not None]
    return _cut("Visited beside the chain", (*NODE_HEADINGS, "reason"), rows) if rows else None


def open_grid(view: RunView) -> Grid | None:
    """Return the table of nodes that were proposed but never visited; None if there are none.

    Args:
        view: The run.
    """
    rows = [open_cells(view, node) for node in view.open_nodes]
    return _cut("Proposed and never visited", OPEN_HEADINGS, rows) if rows else None


def symmetry_grid(view: RunView) -> Grid | None:
    """Return the table of candidate groups with their verdicts; None if no group was tested.

    Args:
        view: The run.
    """
    found = view.result.symmetries
    rows = [symmetry_cells(row, view.seconds.get(row.group)) for row in found]
    tests = tests_title(view.result) if has_verdicts(found) else ""
    caption = ", ".join(
        filter(None, (plural(len(rows), "candidate group"), tests, f"statistic {statistic_name(found)}"))
    )
    return _cut(caption, SYMMETRY_HEADINGS, rows) if rows else None


def verdict_grid(view: RunView) -> Grid | None:
    """Return the table of inputs, relation and price for every candidate group; None if only the law was tested.

    Args:
        view: The run.
    """
    rows = view.result.symmetries
    if not has_verdicts(rows):
        return None
    headings, cells = verdict_table(rows)
    found = _cut("Inputs, relation, price", headings, cells)
    return replace(found, note=" ".join(filter(None, (VERDICT_NOTE, found.note))))


def diagnosis_grid(view: RunView) -> Grid | None:
    """Return the table of why rejected groups fail and by how much; None if no group was rejected.

    Args:
        view: The run.
    """
    rows = [diagnosis_cells(name, row) for name, row in view.result.diagnosis.items()]
    return _cut("Diagnosis of what was rejected", DIAGNOSIS_HEADINGS, rows) if rows else None


def map_grids(view: RunView) -> list[tuple[Grid | None, list[str]]]:
    """Return what is wrong with maps of columns: for each map a table, or None if nothing was detected, and sentences.

    Args:
        view: The run.
    """
    result, found = view.result, list[tuple[Grid | None, list[str]]]()
    for row in result.maps:
        cells = map_cells(row, result.inputs, result.outputs)
        grid = _cut(map_title(row, len(result.maps)), MAP_HEADINGS, cells) if cells else None
        grid = None if grid is None else replace(grid, note=" ".join(filter(None, (MAP_NOTE, grid.note))))
        found.append((grid, map_sentences(row, result.inputs, result.outputs)))
    return found


def yardstick_grid(view: RunView) -> Grid | None:
    """Return the table of how well E_* predicts held-out rows; None if this was not measured.

    Args:
        view: The run.
    """
    rows = tuple(yardstick_rows(view.result))
    note = yardstick_note(view.result)
    return Grid("How well it predicts", yardstick_headings(view.result), rows, note) if rows else None


def rival_grid(view: RunView) -> Grid | None:
    """Return the table of the spaces that a blind search compared; None for any other search.

    Args:
        view: The run.
    """
    blind = view.result.blind
    if not blind:
        return None
    weighed: list[BlindRow | Rival] = [blind, *blind.rivals]
    rows = [(r.name, str(r.dim), NOTHING if r.share is None else share(r.share)) for r in weighed]
    return _cut("What the proposing samples support", ("what", "dim", "posterior share"), rows)


def mirror_grids(view: RunView) -> list[Grid]:
    """Return a table for each generator of the mirror maps, by the names of columns; empty for other searches.

    Args:
        view: The run.
    """
    found = view.result.mirror
    if found is None:
        return []
    count = len(found.generators)
    return [
        Grid(
            mirror_name(one, place, count),
            MIRROR_HEADINGS,
            tuple(moved_cells(one)),
            ". ".join(f"{name}: {text}" for name, text in rest_lines(one, view.result)),
        )
        for place, one in enumerate(found.generators, start=1)
    ]


def drawing(view: RunView, name: str, node: SearchNode | None = None) -> Drawing | None:
    """Return a picture by its name; None if the run has nothing to draw in it.

    Args:
        view: The run.
        name: Name of the picture.
        node: The node to draw; None for the last one of the chain or, in some pictures, the whole run.

    Raises:
        RunFolderError: Particles cannot be read.
    """
    picture = picture_of(name)
    if picture.missing(view, node):
        return None
    svg, titles = rendered(picture.size(view, node), lambda figure: picture.draw(figure, view, node), "svg")
    unique = name if node is None else f"{name}-{node.number}"
    caption = " ".join(filter(None, _captions(view, name, node)))
    element = inline_svg(svg, unique, _label(view, name, node), titles)
    return Drawing(Markup(element), LABELS[name], caption)  # nosec B704 # serialised by ElementTree, which escapes text


LABELS = {
    "lattice": "the search lattice",
    "distances": "distances along the chain",
    "p-values": "p-values of the candidate groups",
    "verdicts": "inputs, relation and price of the candidate groups",
    "tying": "the space that was found",
    "spectra": "spectra of the escape",
    "particles": "particles before and after training",
}
"""Name of each picture for screen readers."""


def _label(view: RunView, name: str, node: SearchNode | None) -> str:
    """Return a description of the picture for screen readers."""
    shown = view.e_star if node is None else node
    if name in ("lattice", "distances"):
        return f"Picture of {LABELS[name]}: " + "; ".join(node_title(n) for n in view.chain)
    if name in ("p-values", "verdicts"):
        return f"Picture of {LABELS[name]}; the table below has all numbers"
    where = "" if shown is None else f" at {shown.label}, dimension {shown.space.dim} of {view.ambient}"
    return f"Picture of {LABELS[name]}{where}"


def _captions(view: RunView, name: str, node: SearchNode | None) -> Iterator[str]:
    if name == "lattice":
        yield (
            "A node is a space, a line a growth, the bold arrows are the chain. Squares stay, circles grow, grey ones "
            "were never visited; larger means of larger dimension. Point at a node to read its evidence; the tables "
            "have the same."
        )
    elif name == "distances":
        yield (
            "How far particles that start on E_j are from it after training (dist^2), against delta_j, "
            f"{_delta_words(view)}; logarithmic."
        )
    elif name == "p-values":
        yield "What lies at or left of alpha is rejected; a group inside one that was not rejected needs no test."
        total = len(tested(view))
        yield (
            f"Drawn are {SIZES.groups} of {total}, groups that were not rejected before the others."
            if total > SIZES.groups
            else ""
        )
    elif name == "verdicts":
        yield from _verdict_captions(view)
    elif name == "tying":
        yield from _space_captions(view, node)
    elif name == "spectra":
        yield from _spectra_captions(view)
    else:
        yield from _particle_captions(view, node)


def _verdict_captions(view: RunView) -> Iterator[str]:
    yield (
        "Left: adjusted p-values, of the inputs (triangles, exact) and of the relation (squares accepted, circles "
        "rejected, grey undecided; level by simulation); at or left of alpha is rejected. Middle: what the inputs can "
        "say about the group; below the dashed line what is not rejected is undecided, below the dotted one the level "
        "of a rejection is not assured. Right: what tying costs on rows kept apart, with its 95 % interval; left of 0 "
        "tying helps."
    )
    total = len(judged(view))
    yield f"Drawn are {SIZES.groups} of {total}, tested ones first." if total > SIZES.groups else ""


def _delta_words(view: RunView) -> str:
    is_given = stop_traits(last_rule(view)).needs_delta
    return "the threshold that was given" if is_given else "the distance that noise alone explains"


def _space_captions(view: RunView, node: SearchNode | None) -> Iterator[str]:
    shown = view.e_star if node is None else node
    if shown is not None:
        yield space_caption(shown.space)
        yield what_is_left_out(shown.space, view.blocks)


def _spectra_captions(view: RunView) -> Iterator[str]:
    yield (
        "Eigenvalues of the second moment of the residuals theta - P theta, normal to E_j, of the particles that the "
        "first training at each node ended with; they sum to its squared distance from E_j. The dashed line is "
        "delta_j spread evenly over the directions normal to E_j: a level to read them by, not a test. One large "
        "eigenvalue is an escape in one direction. Eigenvalues of 0, up to rounding, are left out."
    )
    nodes = [n for n in view.chain if not n.space.is_full]
    shown = spectra_nodes(view)
    if len(nodes) > len(shown):
        yield f"Drawn are the last {SIZES.spectra} of {len(nodes)} nodes."
    if any(n.space.ambient - n.space.dim > SIZES.eigenvalues for n in shown):
        yield f"At most {SIZES.eigenvalues} eigenvalues are drawn for a node."


def _particle_captions(view: RunView, node: SearchNode | None) -> Iterator[str]:
    shown = view.e_star if node is None else node
    if shown is None or shown.evidence is None:
        return
    yield f"Particles of the first training at {shown.label}, {_plane_words(shown)}"
    yield f"dist^2 {number(shown.evidence.dist2)}, delta {number(shown.evidence.delta)}."
    if len(view.particles(shown)[1]) > SIZES.particles:
        yield f"Drawn are {SIZES.particles} of {len(view.particles(shown)[1])}."


def _plane_words(node: SearchNode) -> str:
    both = "in the plane of the two directions in which they spread most"
    if node.space.is_zero:
        return f"{both}: particles that stay are at 0."
    if node.space.is_full:
        return f"{both}: Z is everything, and cannot be left."
    return (
        "in the plane of the directions in which they spread most along E_j and normal to it (upwards): particles that "
        "stay keep to the line E_j."
    )


def listed(values: Sequence[str], most: int | None = None) -> str:
    """Return names separated by commas; "-" if there are none.

    Args:
        values: The names.
        most: Largest number of names that are listed; None for all.
    """
    rest = f" and {len(values) - most} more" if most is not None and len(values) > most else ""
    return ", ".join(values[:most]) + rest if values else NOTHING
