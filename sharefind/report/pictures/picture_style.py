"""Sizes of everything that is drawn, collected as in a style sheet; `palette` has the colours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureStyle:
    """Sizes in inches, areas in square points, lengths of names in characters.

    Attributes:
        dpi: Dots per inch of a PNG.
        width: Width of a picture with two parts.
        least_height: Smallest height of a picture with two parts.
        page_width: Width of a single picture.
        row_height: Height of a row of the lattice.
        lattice_width: Width of the lattice within a picture.
        character: Average width of a character in a node's name.
        node_area: Area of a named node at dimension 0.
        dim_area: Area that is added at dimension dim Z.
        plain_area: Area of a node without a name.
        named_width: Width of a node with its name, in units of the lattice.
        plain_width: Width of a node without a name, in units of the lattice.
        named_nodes: Largest number of nodes in a row that are all named; in a picture with a longer row only visited
            nodes are.
        longest_name: Length to which a name is cut if there is room.
        shortest_name: Length that every name may have.
        panel_name: Longest name above one of several panels.
        level_names: Total number of characters up to which all names on an axis are horizontal.
        spectra: Largest number of nodes whose spectra are drawn, the last ones of the chain.
        eigenvalues: Largest number of eigenvalues of a spectrum, the largest ones.
        particles: Largest number of particles, evenly chosen.
        groups: Largest number of tested groups; groups that were not rejected come first.
        group_name: Longest name of a group.
        blocks: Largest number of blocks of Z.
        written_columns: Largest number of columns of a heat map with written values.
        shades: Number of steps of a heat map's scale.
        darkest: Opacity of the largest value of a heat map; ink stays readable on it.
        cell: Size of an entry of a matrix.
        wide_cell: Size of an entry with a written value.
        least_side: Smallest side of a panel.
        margin: Margin around a panel.
        title: Height of a panel's title of two lines.
        panels_width: Width at which a row of panels is broken.
        label: Length of the name of a row or a column, in terminal cells; wide characters take two.
        label_size: Font size of such a name, in points.
        letters: Pairs (largest number of characters, font size in points) of the text in a cell.
        rounding: Share of the largest value below which a difference is a rounding error.
        least_distance: Start of the axis of distances if all distances are 0.
        roomy: Pixels per point of a page with enough room.
        narrow: Pixels per point on a narrow screen, where a picture scrolls and text stays readable.
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
"""Sizes of every picture."""
