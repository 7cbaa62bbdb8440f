"""Sizes of everything that is drawn, as a style sheet has them; colours are in `palette`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureStyle:
    """Sizes in inches, areas in square points, lengths of names in characters.

    Attributes:
        dpi: Dots an inch of a PNG.
        width: Of a picture of two parts.
        least_height: Of a picture of two parts.
        page_width: Of a single picture.
        row_height: Of a row of the lattice.
        lattice_width: Of the lattice within a picture.
        character: Of a character in a node's name, on average.
        node_area: Of a named node at dimension 0.
        dim_area: What dim Z adds to it.
        plain_area: Of a node without a name.
        named_width: Of a node with its name, in units of the lattice.
        plain_width: Of a node without a name, in units of the lattice.
        named_nodes: Most nodes in a row that are all named; in a picture with a longer row only visited ones are.
        longest_name: To which a name is cut where there is room.
        shortest_name: To which any name may grow.
        panel_name: Longest name above one of several panels.
        level_names: Characters of all names on an axis up to which they stand level.
        spectra: Most nodes whose spectra are drawn, the last ones of the chain.
        eigenvalues: Most eigenvalues of a spectrum, the largest ones.
        particles: Most particles, evenly chosen.
        groups: Most tested groups: those that were not rejected before the others.
        group_name: Longest name of a group.
        blocks: Most blocks of Z.
        written_columns: Most columns of a heat map whose values are written into it.
        shades: Steps of a heat map's scale.
        darkest: Opacity of the largest value of a heat map: ink stays readable on it.
        cell: Of an entry of a matrix.
        wide_cell: Of an entry into which a value is written.
        least_side: Of a panel.
        margin: Around a panel.
        title: Of a panel's title of two lines.
        panels_width: After which a row of panels is broken.
        label: Cells of the name of a row or a column, of which wide characters take two.
        label_size: Size of such a name, in points.
        letters: Size of what is written into a cell, in points, by the most characters that have it.
        rounding: Share of the largest value below which a difference is a rounding error.
        least_distance: Where the axis of distances begins when all of them are 0.
        roomy: Pixels of a point of a page where there is room.
        narrow: Pixels of a point on a narrow screen, where a picture scrolls: text stays readable.
    """

    dpi: int = 150
    width: float = 12.5
    least_height: float = 5.2
    page_width: float = 7.6
    row_height: float = 0.8
    lattice_width: float = 6.5
    character: float = 0.066
    node_area: float = 140
    dim_area: float = 240
    plain_area: float = 60
    named_width: float = 3.0
    plain_width: float = 0.6
    named_nodes: int = 5
    longest_name: int = 28
    shortest_name: int = 12
    panel_name: int = 18
    level_names: int = 45
    spectra: int = 4
    eigenvalues: int = 60
    particles: int = 300
    groups: int = 40
    group_name: int = 30
    blocks: int = 4
    written_columns: int = 8
    shades: int = 6
    darkest: float = 0.6
    cell: float = 0.27
    wide_cell: float = 0.46
    least_side: float = 1.3
    margin: float = 0.5
    title: float = 0.34
    panels_width: float = 9.0
    label: int = 18
    label_size: float = 7.5
    letters: tuple[tuple[int, float], ...] = ((2, 9.0), (3, 7.5), (5, 6.5), (1000, 5.0))
    rounding: float = 1e-9
    least_distance: float = 1e-12
    roomy: float = 1.6
    narrow: float = 1.3


SIZES = PictureStyle()
"""The sizes of every picture."""
