"""The page of a run: complete, self-contained, the same every time, and safe whatever names are in the run."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.datasets import finite_task, load_task
from sharefind.groups import named_group
from sharefind.report.page.html_page import page
from sharefind.report.pictures.inline_svg import inline_svg
from sharefind.report.pictures.palette import DARK, NAMES
from sharefind.report.pictures.picture_style import SIZES
from sharefind.report.text.guarantees import not_promised, promised
from sharefind.report.text.reproduce_command import command_of, settings_of
from sharefind.report.text.run_samples import Samples, samples_of
from sharefind.report.text.runs import RunView
from sharefind.report.text.verdict import verdict
from sharefind.search import Decision, SearchLattice, build_problem, search_config
from sharefind.search.result_parts import ColumnMoves

pytest.importorskip("matplotlib")

CONFIG = search_config(group="S3", data="/data/measured.npz")
SAMPLES = Samples("measured", "0123abcd", 1000, (3, 3))
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Elements of a page with their attributes and the text of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def view(tested) -> RunView:
    """A run with everything in it; not to be changed."""
    return tested()


@pytest.fixture(scope="module")
def text(view: RunView) -> str:
    """Its page."""
    return page(view, CONFIG, SAMPLES)


def test_the_page_says_everything_about_the_run(view, text) -> None:
    reader = Reader(text)
    words = " ".join(" ".join(data for _, data in reader.texts).split())
    expected = [verdict(view), "because of the test", "correlogram", "1,000", "0123abcd", "x 3, y 3", "C3, order 3"]
    expected += [row["group"] for row in view.result.to_json()["symmetries"]]
    expected += ["an approximate symmetry: tying loses at most 0.8 %", "Not rejected is no proof", "seed", "1.2 s"]
    expected += ["sharefind export", f"sharefind inspect {view.path}", "sharefind discover --group S3"]
    for part in expected:
        assert part in words, part
    for node in view.lattice.nodes():
        assert node.label in words
    assert {"tying", "distances", "lattice", "spectra", "p-values"} <= set(re.findall(r'id="([a-z-]+?)-\w+"', text))
    assert reader.count("svg") == 7


def test_the_page_needs_nothing_but_itself(text) -> None:
    reader = Reader(text)
    ids = Counter(a["id"] for _, a in reader.elements if "id" in a)
    assert max(ids.values()) == 1
    for tag, attributes in reader.elements:
        assert tag not in ("script", "iframe", "img", "object", "embed")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "src", "xlink:href"):
            target = attributes.get(name, "#result")
            assert target == "data:," or target[1:] in ids, target
    used = re.findall(r"url\((.*?)\)", text)
    assert used and all(target.startswith("#") and target[1:] in ids for target in used)
    assert "@import" not in text and "http" not in text.replace("http-equiv", "")
    assert len(text) < 400_000


def test_the_page_can_be_read_without_seeing_it(text) -> None:
    reader = Reader(text)
    assert ("html", {"lang": "en"}) in reader.elements
    headings = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert reader.count("caption") == reader.count("table") > 2
    assert all("scope" in a for tag, a in reader.elements if tag == "th")
    for tag, attributes in reader.elements:
        if tag == "svg":
            assert attributes["role"] == "img" and attributes["aria-label"]
        if attributes.get("class") == "scroll" or tag == "pre":
            assert attributes["tabindex"] == "0" and attributes["aria-label"]
    assert all(text.strip() for tag, text in reader.texts if tag == "title")


def test_colours_of_pictures_are_those_of_the_page(text) -> None:
    body = text[text.index("</style>") :]
    assert set(NAMES.values()) == set(DARK)
    assert re.findall(r"#[0-9a-f]{6}\b", body) == []
    assert set(re.findall(r"var\(--([\w-]+)\)", body)) <= set(DARK)
    assert len(NAMES) == len(set(NAMES.values()))


@pytest.mark.slow
def test_the_same_run_gives_the_same_page(view, text) -> None:
    assert page(view, CONFIG, SAMPLES) == text


BLIND = {
    **{"status": "found", "name": "C3", "order": 3, "dim": 3, "is_group": True, "odd": False, "share": 0.9},
    **{"rivals": [], "samples": 100, "exhaustive": True, "tying": [], "weights": [], "smaller": None},
    "lie_algebra": None,
}

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>$x_{$&amp;\x00\ud800"


def test_names_are_text_and_nothing_else(view, text) -> None:
    lattice = SearchLattice()
    for node in view.lattice.nodes():
        evidence = node.evidence and replace(node.evidence, reason=HOSTILE, rule=HOSTILE)
        lattice.add(replace(node, label=HOSTILE, evidence=evidence))
    for growth in view.lattice.growths():
        lattice.connect(growth)
    e_star, moves = view.result.e_star, ColumnMoves(on_inputs=[[2, 3, 1]], on_outputs=[[2, 3, 1]])
    moved = e_star.stabiliser.model_copy(update={"moves": moves})
    named = {
        "group": view.result.group.model_copy(update={"name": HOSTILE}),
        "e_star": e_star.model_copy(update={"candidate": HOSTILE, "stabiliser": moved}),
        "inputs": [HOSTILE, "well_b_m", "well_c_m"],
        "outputs": ["flow", "level", HOSTILE],
        "symmetries": [row.model_copy(update={"group": HOSTILE}) for row in view.result.symmetries],
    }
    lists = {"accepted": [HOSTILE], "versions": {"x": HOSTILE}}
    # No file holds such names (`read_result` refuses them); a page must not depend on that.
    hostile = replace(view, lattice=lattice, result=view.result.model_copy(update={**named, **lists}))
    reader = Reader(page(hostile, search_config(group=HOSTILE), Samples(HOSTILE, HOSTILE, note=HOSTILE)))
    assert {"script", "img"}.isdisjoint(tag for tag, _ in reader.elements)
    assert not any(name.startswith("on") for _, attributes in reader.elements for name in attributes)
    assert sum("<script>alert(1)</script>" in data for _, data in reader.texts) > 20
    assert "well_b_m" not in text and "columns of x" not in text
    shown = " ".join(data for _, data in reader.texts)
    assert "columns of x" in shown and "on columns: (" in shown
    assert [data for tag, data in reader.texts if tag == "text"].count("well_b_m") == 1


def test_a_search_that_ended_before_it_held_says_so(kept) -> None:
    text = page(kept(Decision.GROW), CONFIG, SAMPLES)
    assert "Undecided" in text and 'class="verdict bad"' in text
    assert "sharefind export" not in text
    assert "No candidate group was tested" in text


def test_a_search_that_visited_nothing_has_a_page(make, changed) -> None:
    view = make()
    lattice = SearchLattice()
    lattice.add(replace(view.lattice.node("{0}"), evidence=None, number=None))
    e_star = {"dim": 0, "candidate": None, "stabiliser": None}
    empty = replace(changed(view, chain=[], e_star=e_star), lattice=lattice)
    text = page(empty, CONFIG, SAMPLES)
    assert "the search was stopped before its first node was done" in text
    assert "<svg" not in text


def test_long_lists_are_cut_and_say_so(tested, changed) -> None:
    view = tested()
    rows = view.result.to_json()["symmetries"]
    rows += [{**rows[0], "group": f"C2:<{k}>"} for k in range(500)]
    view = changed(view, symmetries=rows, rejected=[f"C2:<{k}>" for k in range(500)])
    text = page(view, CONFIG, SAMPLES)
    assert "and 488 more" in text
    assert "Drawn are 40 of 502" in text
    assert "The first 400 of 503" in text
    assert "<details>\n<summary>503 candidate groups" in text
    assert len(text) < 3_000_000


@pytest.mark.parametrize("changes", [{"p_value": 0.01}, {"p_value": None, "rule": "fixed"}, {}])
def test_promises_fit_the_rule(make, tested, changed, changes) -> None:
    view = make(**changes)
    assert not any("probability" in line for line in promised(view))
    assert any("at least 0.99" in line for line in promised(tested(**changes)))
    against = " ".join(not_promised(view))
    assert ("estimate from one training" in against) == (changes == {"p_value": 0.01})
    assert ("no error rate" in against) == (changes.get("rule") == "fixed")
    assert "proposed by the data" in " ".join(not_promised(changed(view, blind=BLIND)))


@given(
    st.sampled_from([{"group": "C4", "in_rep": "2*natural+trivial"}, {"blind": True}, {"generators": "/a b/g'.json"}]),
    st.floats(1e-3, 0.5),
    st.integers(0, 2**40),
)
def test_the_command_has_every_setting(who, alpha: float, seed: int) -> None:
    config = search_config(**who, data="/some where/x.npz", alpha=alpha, seed=seed, tolerance=0.125, preset="paper")
    words = shlex.split(command_of(config).replace("\\\n", " "))
    assert words[:2] == ["sharefind", "discover"]
    values, rest = {}, words[2:]
    while rest:
        name = rest.pop(0).removeprefix("--").replace("-", "_")
        values[name] = rest.pop(0) if rest and not rest[0].startswith("--") else True
    assert search_config(**values) == config
    assert set(values) == {name for name, value in settings_of(config).items() if value is not False}


def test_samples_are_told_by_their_fingerprint() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 2)), rng.standard_normal((40, 2))
    task = finite_task("measured", x, y)
    noted = build_problem(search_config(group="C2", replicates=2), task, named_group("C2")).fingerprint
    assert samples_of(task, noted) == Samples("measured", noted, 40, (2, 2))
    changed = samples_of(finite_task("measured", x + 1, y), noted)
    assert changed.rows is None and "have changed" in changed.note
    fresh = load_task("c2-wi")
    noted = build_problem(search_config(group="C2"), fresh, named_group("C2")).fingerprint
    assert samples_of(fresh, noted) == Samples("c2-wi", noted, None, (2, 2))


def test_an_inline_picture_shares_no_name_and_tells_its_parts() -> None:
    svg = b"""<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
    width="72pt" height="36pt" viewBox="0 0 72 36" version="1.1"><defs><style>*{color:red}</style><path id="m1"/></defs>
    <g id="node-0"><use xlink:href="#m1" x="1.23456" style="fill: #1f2933"/></g><g id="free" clip-path="url(#m1)"/>
    <text style="font: 8px 'DejaVu Sans', sans-serif">a</text></svg>"""
    text = inline_svg(svg, "one", 'a "picture"', {"node-0": "<the> node"})
    assert 'id="one-m1"' in text and 'href="#one-m1"' in text and "url(#one-m1)" in text
    assert "<title>&lt;the&gt; node</title>" in text
    assert "style>" not in text and 'id="free"' not in text
    assert 'x="1.23"' in text and "fill: var(--ink)" in text and "font: 8px sans-serif" in text
    assert 'role="img"' in text and "height" not in text


def test_the_package_holds_what_a_page_is_made_of() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["sharefind.report.page"]
    folder = Path(__file__).parents[2] / "sharefind" / "report" / "page"
    assert {path.suffix for path in folder.iterdir() if path.is_file() and path.suffix != ".py"} == {
        Path(pattern).suffix for pattern in patterns
    }


def _luminance(colour: str) -> float:
    values = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(first: str, second: str) -> float:
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _mixed(colour: str, ground: str, opacity: float) -> str:
    pairs = ((int(colour[k : k + 2], 16), int(ground[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(opacity * a + (1 - opacity) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("colours", [{name: colour for colour, name in NAMES.items()}, DARK], ids=["light", "dark"])
def test_letters_can_be_read_on_every_colour_of_a_space(colours) -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    classes = [colour for name, colour in colours.items() if name.startswith("class-")]
    heat = [_mixed(colours[name], colours["paper"], SIZES.darkest) for name in ("positive", "negative")]
    for fill in (*classes, *heat, colours["paper"]):
        assert _contrast(colours["ink"], fill) >= 4.5, fill


@pytest.mark.parametrize("colours", [{name: colour for colour, name in NAMES.items()}, DARK], ids=["light", "dark"])
def test_marks_stand_out_from_the_paper(colours) -> None:
    for name in ("stay", "before", "after", "limit", "ink"):
        assert _contrast(colours[name], colours["paper"]) >= 3, name
