"""Pictures of any outcome: valid PNG, the same bytes twice, and no warning whatever the numbers are."""

import builtins
import io
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from sharefind.paper import execution as run
from sharefind.paper.context import Request
from sharefind.paper.demonstration import Check, Demonstration, Outcome, Panel, Series
from sharefind.paper.panels import draw, draw_panel

pytest.importorskip("matplotlib")

NAN, INF = math.nan, math.inf

LONG = tuple(f"a space with a very long name, dimension {k}" for k in range(12))
MANY = tuple(float(k) for k in range(12))


def _panel(*series: Series, x: str = "log", y: str = "log", **more: Any) -> Panel:
    return Panel("title", "N", "value", series, x, y, **more)  # type: ignore[arg-type]


PANELS: dict[str, tuple[Panel, ...]] = {
    "none": (),
    "no series": (_panel(),),
    "empty series": (_panel(Series("a", (), ())),),
    "zeros": (_panel(Series("a", (1.0, 10.0), (0.0, 0.0)), Series("b", (1.0, 10.0), (0.0, 1e-3))),),
    "x of zero": (_panel(Series("a", (0.0, 10.0), (1.0, 2.0))),),
    "negative": (_panel(Series("a", (1.0, 2.0), (-1.0, 3.0))),),
    "not finite": (_panel(Series("a", (1.0, 2.0, 3.0), (NAN, INF, -INF))),),
    "one point": (_panel(Series("a", (5.0,), (1e-3,))),),
    "wide": (_panel(Series("a", (1.0, 2.0, 3.0), (1e300, 1e-300, 5e-324))),),
    "error bars": (
        _panel(Series("a", (1.0, 2.0, 3.0, 4.0), (1e-30, 3.0, 2.0, NAN), (0.0, 0.0, NAN, NAN), (1e-3, INF, 4.0, NAN))),
        _panel(Series("a", (1.0, 2.0), (1.0, 2.0), (0.5, 1.0), (2.0, 3.0)), x="linear", y="linear"),
    ),
    "bars": (
        _panel(Series("a", (0.0, 1.0), (NAN, 1e-3), (NAN, 0.0), (1.0, INF)), bars=True, ticks=("one", "two")),
        _panel(Series("a", (0.0, 1.0), (0.0, 2.0)), Series("b", (0.0,), (0.0,)), bars=True, ticks=("one", "two")),
        _panel(y="linear", bars=True),
    ),
    "long ticks": (_panel(Series("a", MANY, MANY), y="linear", bars=True, ticks=LONG),),
    "formulas": (Panel("$RMD^2", "$x_{", "\\frac{", (Series("$^", (1.0, 2.0), (1.0, 2.0)),)),),
    "references": (
        _panel(
            Series("a", (1.0, 2.0), (1.0, 2.0)),
            Series("a, reference", (1.0, 2.0), (1.0, 0.0)),
            Series("b, reference", (1.0, 2.0), (NAN, 2.0)),
        ),
    ),
    "many": tuple(
        _panel(*(Series(f"series {j}", (1.0, 2.0), (1.0, float(j))) for j in range(9 - k))) for k in range(7)
    ),
}


def _outcome(*panels: Panel) -> Outcome:
    return Outcome((), (Check("c", 1.0, "<=", 2.0),), panels, "figure")


def _pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and raw rows of a PNG; its checksums and its end are looked at."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, chunks = 8, []
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        content = png[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", png[place + 8 + length : place + 12 + length])
        assert zlib.crc32(kind + content) == check
        chunks.append((kind, content))
        place += 12 + length
    assert chunks[0][0] == b"IHDR"
    assert chunks[-1] == (b"IEND", b"")
    width, height, depth, colours = struct.unpack(">IIBB", chunks[0][1][:10])
    assert (depth, colours) == (8, 6)
    return width, height, zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))


@pytest.mark.slow
@pytest.mark.parametrize("case", PANELS)
def test_any_panels_are_drawn_without_a_warning(case: str) -> None:
    png = draw(_outcome(*PANELS[case]), "Statement: claim")
    assert png is not None
    width, height, rows = _pixels(png)
    assert len(rows) == height * (4 * width + 1)
    assert width >= 300
    assert height >= 300


@pytest.mark.slow
def test_pictures_are_deterministic_and_show_what_they_are_given() -> None:
    base = _panel(Series("a", (1.0, 2.0), (1.0, 2.0)))
    moved = _panel(Series("a", (1.0, 2.0), (1.0, 3.0)))
    pictures = [draw(_outcome(panel), title) for panel in (base, moved) for title in ("one", "two")]
    again = [draw(_outcome(panel), title) for panel in (base, moved) for title in ("one", "two")]
    assert pictures == again
    assert len(set(pictures)) == 4
    failed = Outcome((), (), (base,), "figure")
    assert draw(failed, "one") != pictures[0]


def test_pictures_say_nothing_of_the_machine() -> None:
    png = draw(_outcome(_panel(Series("a", (1.0,), (1.0,)))), "title")
    assert png is not None
    assert b"tEXt" not in png
    assert not re.search(rb"[Mm]atplotlib", png)


def _axes(panel: Panel) -> Any:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    draw_panel(axes, panel)
    return axes


def test_points_are_where_the_numbers_are() -> None:
    axes = _axes(_panel(Series("a", (1.0, 10.0, 100.0), (1e-3, NAN, 1e-5), (1e-4, NAN, 1e-6), (1e-2, NAN, 1e-4))))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    (line, *_) = axes.lines
    assert list(line.get_xdata()) == [1, 10, 100]
    drawn = list(line.get_ydata())
    assert (drawn[0], drawn[2]) == (1e-3, 1e-5)
    assert math.isnan(drawn[1])
    (bars,) = axes.collections
    ends = [segment[:, 1].tolist() for segment in bars.get_segments() if len(segment) and not math.isnan(segment[0, 1])]
    assert [end for pair in ends for end in pair] == pytest.approx([1e-4, 1e-2, 1e-6, 1e-4], rel=1e-9)


@pytest.mark.parametrize("is_bars", [False, True])
def test_zeros_on_a_log_axis_are_drawn_below_all_others_and_said(is_bars: bool) -> None:
    panel = _panel(Series("a", (0.0, 1.0, 2.0), (1e-3, 0.0, 1e-30)), x="linear", bars=is_bars, ticks=("a", "b", "c"))
    axes = _axes(panel)
    tops, points = [bar.get_y() + bar.get_height() for bar in axes.patches], list(axes.lines[0].get_ydata())
    heights = tops if is_bars else points
    low, high = axes.get_ylim()
    assert heights[0] == pytest.approx(1e-3)
    assert low < heights[1] == pytest.approx(heights[2])
    assert heights[1] < 1e-3 < high
    assert "below" in _words(axes)
    assert "below" not in _words(_axes(_panel(Series("a", (1.0, 2.0), (1e-3, 1e-9)))))
    assert "below" not in _words(_axes(_panel(Series("a", (1.0, 2.0), (1e-3, NAN)))))


def _words(axes: Any) -> str:
    return " ".join([axes.get_xlabel(), *(text.get_text() for text in axes.texts)])


def test_a_reference_has_the_colour_of_its_series() -> None:
    from matplotlib.colors import to_hex

    series = [Series(name, (1.0, 2.0), (1.0, 2.0)) for name in ("a", "b", "b, reference")]
    axes = _axes(_panel(*series))
    by_label = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    (star,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert list(star.get_ydata()) == [1, 2]
    assert to_hex(star.get_markeredgecolor()) == to_hex(by_label["b"].lines[0].get_color())
    assert to_hex(star.get_markeredgecolor()) != to_hex(by_label["a"].lines[0].get_color())


def test_without_matplotlib_nothing_is_drawn_and_a_note_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return plain(name, *rest, **more)

    outcome = _outcome(_panel(Series("a", (1.0,), (1.0,))))
    toy = Demonstration("toy", "S", "c", "code", lambda context: outcome)
    with_picture = run.reproduce(toy, Request(), tmp_path / "with")
    monkeypatch.setattr(builtins, "__import__", without)
    assert draw(outcome, "title") is None
    found = run.reproduce(toy, Request(), tmp_path / "without")
    assert found.outcome.holds
    assert found.result["picture"] is None
    assert found.result["notes"] == [run.NO_PICTURE]
    assert "sharefind[report]" in run.NO_PICTURE
    assert not (found.folder / "picture.png").exists()
    assert with_picture.result["notes"] == []
    _pixels(io.BytesIO((with_picture.folder / "picture.png").read_bytes()).getvalue())
