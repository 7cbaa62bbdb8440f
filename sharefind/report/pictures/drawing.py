"""Pictures of a run as files: the available pictures, what each needs, and how they are written.

matplotlib is loaded only when a picture is drawn. `page` draws the same pictures into a report.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sharefind.errors import ConfigError, setting
from sharefind.report.pictures.lattice_picture import draw_lattice, rows_of
from sharefind.report.pictures.node_pictures import draw_distances, draw_particles, draw_spectra, has_spectrum
from sharefind.report.pictures.palette import drawing_settings
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.pictures.space_picture import draw_space, draw_space_onto, picture_size
from sharefind.report.pictures.symmetry_picture import draw_p_values, drawn, tested
from sharefind.report.pictures.verdict_picture import draw_verdicts, judged, shown_rows
from sharefind.report.text.runs import RunView
from sharefind.search import SearchNode
from sharefind.storage import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
"""Allowed endings of a picture's file name."""

T = TypeVar("T")

Titles = Mapping[str, str]
"""Text shown when a reader points at a part of a picture, by the id of the part."""


@dataclass(frozen=True)
class Picture:
    """A picture of a run.

    Attributes:
        name: Its name on the command line.
        size: Returns width and height in inches.
        draw: Draws it into an empty figure.
        missing: Returns why the run has no such picture, "" if it has one.
        of_node: Whether it can show a chosen node; without a choice it shows the last node of the chain.
        draw_onto: Draws it into given axes; None if it needs a whole figure.
    """

    name: str
    size: Callable[[RunView, SearchNode | None], tuple[float, float]]
    draw: Callable[[Figure, RunView, SearchNode | None], Titles]
    missing: Callable[[RunView, SearchNode | None], str] = lambda view, node: ""
    of_node: bool = True
    draw_onto: Callable[[Axes, RunView, SearchNode | None], Titles] | None = None


def _lattice(axes: Axes, view: RunView, node: SearchNode | None) -> Titles:
    return draw_lattice(axes, view, node)


def _distances(axes: Axes, view: RunView, node: SearchNode | None) -> Titles:
    draw_distances(axes, view)
    return {}


def _p_values(axes: Axes, view: RunView, node: SearchNode | None) -> Titles:
    return draw_p_values(axes, view)


def _tying(figure: Figure, view: RunView, node: SearchNode | None) -> Titles:
    figure.set_layout_engine("none")
    draw_space(figure, _node(view, node).space, view.blocks, view.names)
    return {}


def _tying_onto(axes: Axes, view: RunView, node: SearchNode | None) -> Titles:
    draw_space_onto(axes, _node(view, node).space, view.blocks, view.names)
    return {}


def _alone(
    draw_onto: Callable[[Axes, RunView, SearchNode | None], Titles],
) -> Callable[[Figure, RunView, SearchNode | None], Titles]:
    """Return a function that fills a figure with a drawing on one pair of axes."""
    return lambda figure, view, node: draw_onto(figure.subplots(), view, node)


def _particles(figure: Figure, view: RunView, node: SearchNode | None) -> Titles:
    draw_particles(figure.subplots(), view, _node(view, node))
    return {}


def _spectra(figure: Figure, view: RunView, node: SearchNode | None) -> Titles:
    nodes = spectra_nodes(view, node)
    draw_spectra(figure.subplots(1, len(nodes), squeeze=False)[0], view, nodes)
    return {}


def spectra_nodes(view: RunView, node: SearchNode | None = None) -> list[SearchNode]:
    """Return the nodes whose spectra are drawn: the chosen one, or the last ones of the chain.

    Args:
        view: The run.
        node: The chosen node, or None.
    """
    nodes = view.chain if node is None else [node]
    return [n for n in nodes if has_spectrum(n)][-SIZES.spectra :]


def _node(view: RunView, node: SearchNode | None) -> SearchNode:
    last = view.e_star if node is None else node
    if last is None:
        raise ConfigError(NOTHING_VISITED)
    return last


NOTHING_VISITED = "the run has visited no node"


def _if_visited(view: RunView, node: SearchNode | None) -> str:
    return "" if view.e_star is not None else NOTHING_VISITED


def _if_tested(view: RunView, node: SearchNode | None) -> str:
    return "" if tested(view) else "the run made no exact tests"


def _verdicts(figure: Figure, view: RunView, node: SearchNode | None) -> Titles:
    return draw_verdicts(figure, view)


def _if_judged(view: RunView, node: SearchNode | None) -> str:
    return "" if judged(view) else "the run did not test the relation"


def _if_escaping(view: RunView, node: SearchNode | None) -> str:
    return "" if spectra_nodes(view, node) else "no node with directions to escape to was visited"


PICTURES = (
    Picture(
        "lattice", lambda view, node: (SIZES.page_width, max(3.6, SIZES.row_height * rows_of(view) + 0.8)),
        _alone(_lattice), draw_onto=_lattice,
    ),
    Picture(
        "distances", lambda view, node: (SIZES.page_width, 4.0), _alone(_distances),
        _if_visited, of_node=False, draw_onto=_distances,
    ),
    Picture(
        "p-values", lambda view, node: (SIZES.page_width, 1.4 + 0.25 * len(drawn(view))), _alone(_p_values),
        _if_tested, of_node=False, draw_onto=_p_values,
    ),
    Picture(
        "verdicts", lambda view, node: (SIZES.page_width, 1.3 + 0.27 * len(shown_rows(view))), _verdicts, _if_judged,
        of_node=False,
    ),
    Picture(
        "tying", lambda view, node: picture_size(_node(view, node).space, view.blocks, view.names),
        _tying, _if_visited,
        draw_onto=_tying_onto,
    ),
    Picture(
        "spectra", lambda view, node: (max(3.8, 2.0 * len(spectra_nodes(view, node))), 2.8), _spectra, _if_escaping
    ),
    Picture("particles", lambda view, node: (SIZES.page_width, 4.4), _particles, _if_visited),
)  # fmt: skip
"""All pictures."""

NAMES = tuple(picture.name for picture in PICTURES)


def picture_of(name: str) -> Picture:
    """Return a picture by its name.

    Args:
        name: The name.

    Raises:
        ConfigError: No picture has this name.
    """
    for picture in PICTURES:
        if picture.name == name:
            return picture
    raise ConfigError(f"{setting('figure')} {name}: there is no such picture; use {', '.join(NAMES)}")


def check_picture(path: Path) -> None:
    """Refuse a picture that could not be drawn or written.

    Args:
        path: The file to write.

    Raises:
        ConfigError: The ending is unknown, the folder does not exist, or matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"{setting('plot')} {path}: no picture of that kind is drawn; end the name with {' or '.join(SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise ConfigError(
            f"{setting('plot')} {path}: the folder {path.parent} does not exist; make it or choose another"
        )
    require_matplotlib(setting("plot"))


def require_matplotlib(what: str) -> None:
    """Refuse to draw without matplotlib.

    Args:
        what: Name of the feature that needs it, for the message.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigError(f"{what} needs matplotlib; install it with pip install 'sharefind[report]'") from None


def draw_run(view: RunView, path: Path) -> None:
    """Draw the lattice and the distances along the chain side by side.

    Args:
        view: The run.
        path: The file to write, ending in .png or .svg.

    Raises:
        ConfigError: As in `check_picture`.
        RunFolderError: The file cannot be written.
    """
    check_picture(path)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
        draw_lattice(left, view)
        draw_distances(right, view)

    _write(path, _two_parts(view), draw)


def draw_node(view: RunView, node: SearchNode, path: Path) -> None:
    """Draw the lattice and the particles of one node before and after its training side by side.

    Args:
        view: The run.
        node: The node.
        path: The file to write, ending in .png or .svg.

    Raises:
        ConfigError: As in `check_picture`.
        RunFolderError: The node has no particles, or the file cannot be written.
    """
    check_picture(path)
    view.particles(node)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
        draw_lattice(left, view, node)
        draw_particles(right, view, node)

    _write(path, _two_parts(view), draw)


def draw_single(view: RunView, name: str, path: Path, node: SearchNode | None = None) -> None:
    """Draw one picture by its name.

    Args:
        view: The run.
        name: Name of the picture.
        path: The file to write, ending in .png or .svg.
        node: The node to draw; None for the last one of the chain or the whole run.

    Raises:
        ConfigError: As in `check_picture`; also if no picture has this name, or the run has nothing to draw in it.
        RunFolderError: The node has no particles, or the file cannot be written.
    """
    picture = picture_of(name)
    check_picture(path)
    if node is not None and not picture.of_node:
        raise ConfigError(f"{setting('figure')} {name} shows the whole run; drop {setting('node')}")
    missing = picture.missing(view, node)
    if missing:
        raise ConfigError(f"{setting('figure')} {name}: {missing}; choose another picture")
    _write(path, picture.size(view, node), lambda figure: picture.draw(figure, view, node))


def plot(view: RunView, name: str, target: str | Path | Axes | None, caller: str) -> Figure | None:
    """One picture of the whole run: into a file (.png, .svg), into axes, or as a new figure that notebooks show.

    Args:
        view: The run.
        name: Name of the picture.
        target: File or axes of the picture; None for a new figure.
        caller: Name of the calling function in messages.

    Returns:
        The new figure where no target is given.

    Raises:
        ConfigError: As in `check_picture`, or the run has nothing to draw.
        RunFolderError: The file cannot be written.
    """
    picture = picture_of(name)
    missing = picture.missing(view, None)
    if missing:
        raise ConfigError(f"{caller}: {missing}; choose another picture")
    if isinstance(target, (str, Path)):
        draw_single(view, name, Path(target))
        return None
    require_matplotlib(caller)
    if target is None:
        return _new_figure(picture, view)
    if picture.draw_onto is None:
        raise ConfigError(f"{caller} fills a whole figure; give a file, or None for a new figure")
    picture.draw_onto(target, view, None)
    return None


def _new_figure(picture: Picture, view: RunView) -> Figure:
    import matplotlib

    from sharefind.report.pictures.shown_figure import ShownFigure

    with matplotlib.rc_context(drawing_settings()):
        figure = ShownFigure(figsize=picture.size(view, None), layout="constrained", dpi=SIZES.dpi)
        picture.draw(figure, view, None)
    return figure


def _two_parts(view: RunView) -> tuple[float, float]:
    return SIZES.width, max(SIZES.least_height, SIZES.row_height * rows_of(view))


def _write(path: Path, size: tuple[float, float], draw: Callable[[Figure], object]) -> None:
    content, _ = rendered(size, draw, path.suffix.lower()[1:])
    write_atomically(path, content)


def rendered(size: tuple[float, float], draw: Callable[[Figure], T], format: str) -> tuple[bytes, T]:
    """Render a drawing without date and random names, so that the same run gives the same bytes.

    Args:
        size: Width and height in inches.
        draw: Draws into an empty figure.
        format: "png" or "svg".

    Returns:
        The file content, and the result of `draw`.
    """
    import matplotlib
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    metadata = {"Date": None} if format == "svg" else None
    with matplotlib.rc_context(drawing_settings()), warnings.catch_warnings():
        # Names of columns may be in any script. An SVG keeps them as text; a PNG shows a box for such a character.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = Figure(figsize=size, layout="constrained")
        value = draw(figure)
        figure.savefig(buffer, format=format, dpi=SIZES.dpi, metadata=metadata)
    return buffer.getvalue(), value
