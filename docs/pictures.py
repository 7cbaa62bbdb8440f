"""Draws the pictures of the first pages: run `python docs/pictures.py` after a change; a test compares the files.

Pictures are SVG without scripts and fonts of other servers, wide enough to be read on a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
WIDTH = 640
INK, LINE, PAPER, QUESTION, ANSWER = "#1f2430", "#5b6472", "#ffffff", "#e8ecf7", "#e4f3e6"
COLOURS = ("#3f51b5", "#e8833a", "#3a9d5d", "#c2407a", "#8a6bd1", "#d8b22f")
"""One colour for each free number of a circulant 6 x 6 matrix."""

LADDER = (
    (("Do you know what could", "be exchanged or turned?"), "no", ("sharefind suggest FILE", "or --blind")),
    (("Columns in any order:", "sensors, items, points?"), "yes", ("--group S5", "S<n> for n columns")),
    (("Columns in a ring", "or a row?"), "yes", ("--group D6", "C<n> if it has a direction")),
    (("Pixels of a", "square image?"), "yes", ("--group D4", "--in-rep grid:8")),
    (("Vectors in space", "that turn together?"), "yes", ("--group O3", "permuted, too: S5xO3")),
    (("Left and right swapped,", "some signs changed?"), "yes", ("--map FILE", "or --blind --signs")),
    (("You have the matrices?",), "yes", ("--generators FILE",)),
)
"""The questions of the decision page from above to below: question, the answer that leads to the right, what to use."""


def text(x: float, y: float, words: str, size: int = 19, anchor: str = "middle", font: str = "sans-serif") -> str:
    """Return a line of text.

    Args:
        x: Where it is anchored, in pixels from the left.
        y: Its base line, in pixels from above.
        words: The words.
        size: Height of the letters in pixels.
        anchor: "start", "middle" or "end".
        font: The family of fonts.
    """
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-family="{font}" text-anchor="{anchor}" '
        f'fill="{INK}">{escape(words)}</text>'
    )


def box(x: float, y: float, width: float, height: float, fill: str, radius: float = 10) -> str:
    """Return a rectangle with round corners.

    Args:
        x: Its left side.
        y: Its upper side.
        width: Its width.
        height: Its height.
        fill: Its colour.
        radius: Radius of its corners.
    """
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" fill="{fill}" '
        f'stroke="{LINE}" stroke-width="1.5"/>'
    )


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """Return an arrow between two points.

    Args:
        x: Where it starts, from the left.
        y: Where it starts, from above.
        to_x: Where it ends, from the left.
        to_y: Where it ends, from above.
    """
    return (
        f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" stroke="{LINE}" stroke-width="2" '
        'marker-end="url(#head)"/>'
    )


def picture(height: float, title: str, parts: Iterator[str]) -> str:
    """Return a whole picture.

    Args:
        height: Its height in pixels.
        title: Description for readers who do not see it.
        parts: Its elements.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}">\n<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" '
        f'markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="{LINE}"/>'
        f'</marker></defs>\n<rect width="{WIDTH}" height="{height:g}" fill="{PAPER}"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _ring(x: float, y: float, radius: float) -> Iterator[str]:
    yield f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="{LINE}" stroke-width="10" opacity="0.35"/>'
    for k in range(6):
        angle = math.pi / 3 * k - math.pi / 2
        at_x, at_y = x + radius * math.cos(angle), y + radius * math.sin(angle)
        yield f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="15" fill="{PAPER}" stroke="{INK}" stroke-width="2"/>'
        yield text(round(at_x, 1), round(at_y + 6, 1), str(k + 1), size=16)


def _matrix(x: float, y: float, cell: float, is_shared: bool) -> Iterator[str]:
    for row in range(6):
        for column in range(6):
            place = row * 6 + column
            fill = COLOURS[(column - row) % 6] if is_shared else f"hsl(220, 8%, {40 + 7 * (place * 11 % 7)}%)"
            yield (
                f'<rect x="{x + cell * column:g}" y="{y + cell * row:g}" width="{cell - 2:g}" height="{cell - 2:g}" '
                f'fill="{fill}"/>'
            )


def _overview() -> Iterator[str]:
    yield from _ring(105, 125, 70)
    yield from _matrix(237, 53, 25, is_shared=False)
    yield from _matrix(454, 53, 25, is_shared=True)
    yield arrow(194, 125, 230, 125)
    yield arrow(394, 125, 447, 125)
    captions = (
        (105, ("six sensors", "around a pipe")),
        (311, ("layer: 36 numbers", "nothing is shared")),
        (528, ("layer: 6 numbers", "found and tested")),
    )
    for x, lines in captions:
        for k, words in enumerate(lines):
            yield text(x, 242 + 26 * k, words)


def _decision() -> Iterator[str]:
    step, tall = 108, 70
    for k, (question, answer, use) in enumerate(LADDER):
        y = 14 + step * k
        middle = y + tall / 2
        yield box(14, y, 270, tall, QUESTION)
        for line, words in enumerate(question):
            yield text(149, middle + 7 + 25 * (line - (len(question) - 1) / 2), words)
        yield arrow(284, middle, 352, middle)
        yield text(316, middle - 9, answer, size=17)
        yield box(356, y, 270, tall, ANSWER)
        for line, words in enumerate(use):
            is_code = words.startswith(("-", "sharefind"))
            at = middle + 7 + 25 * (line - (len(use) - 1) / 2)
            yield text(491, at, words, size=18 if is_code else 17, font="monospace" if is_code else "sans-serif")
        if k + 1 < len(LADDER):
            yield arrow(149, y + tall, 149, y + step)
            yield text(163, y + tall + 25, "yes" if answer == "no" else "no", size=17, anchor="start")


def pictures() -> dict[str, str]:
    """Return the pictures by the names of their files."""
    finding = (
        "Six sensors around a pipe; a layer with 36 free numbers; the same layer with 6 numbers, one for each colour"
    )
    ladder = "; ".join(f"{' '.join(question)} {answer}: {', '.join(use)}" for question, answer, use in LADDER)
    return {
        "overview.svg": picture(290, finding, _overview()),
        "decision.svg": picture(14 + 108 * len(LADDER), ladder, _decision()),
    }


def main() -> None:
    """Write the pictures."""
    for name, content in pictures().items():
        (IMAGES / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
