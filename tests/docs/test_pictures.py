"""The pictures of the first pages are those that their script draws, and say what the pages and the code say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT: dict[str, Any] = runpy.run_path(str(DOCS / "pictures.py"))
PICTURES: dict[str, str] = SCRIPT["pictures"]()


@pytest.mark.parametrize("name", PICTURES)
def test_the_file_is_what_the_script_draws(name: str) -> None:
    assert (DOCS / "images" / name).read_text(encoding="utf-8") == PICTURES[name], "run python docs/pictures.py"


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_lies_outside_of_the_picture(name: str) -> None:
    root = ElementTree.fromstring(PICTURES[name])
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for element in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y = (float(element.get(key, 0)) for key in ("x", "y"))
        assert x + float(element.attrib["width"]) <= width and y + float(element.attrib["height"]) <= height
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 < float(element.attrib["x"]) < width and 0 < float(element.attrib["y"]) < height


def test_the_shared_matrix_is_the_circulant_one_of_the_tutorial() -> None:
    page = (DOCS / "tutorials/from-data-to-module.md").read_text(encoding="utf-8")
    rows = [line.split()[1:] for line in page.splitlines() if line.startswith("    next_t")][:6]
    colours = SCRIPT["COLOURS"]
    drawn = [fill for fill in _fills(PICTURES["overview.svg"]) if fill in colours]
    assert [colours["abcdef".index(letter)] for row in rows for letter in row] == drawn


def _fills(picture: str) -> list[str]:
    return [e.attrib["fill"] for e in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}rect")]


def test_the_groups_of_the_ladder_have_those_names() -> None:
    from sharefind.groups import named_group

    names = {word for _, _, use in SCRIPT["LADDER"] for line in use for word in line.split() if word[1:2].isdigit()}
    assert names == {"S5", "D6", "D4", "O3", "S5xO3"}
    assert all(named_group(name).name == name for name in names)
