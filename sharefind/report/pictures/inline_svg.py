"""An SVG of matplotlib as part of a page: unique names, the colours of the page, and tooltips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree  # nosec B405 # reads only what matplotlib has just written

from sharefind.report.pictures.palette import NAMES
from sharefind.report.pictures.picture_style import SIZES

FONTS = re.compile(r"(font: (?:\w+ )*[\d.]+px )[^;]*")
COLOUR = re.compile("|".join(NAMES))
REFERENCE = re.compile(r"#([\w.-]+)")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")

PLACES = ("d", "x", "y", "points")
"""Attributes whose numbers are rounded to hundredths of a point."""

DROPPED = ("metadata", "style")
"""Elements without visible content, or with effects beyond the picture."""


def inline_svg(svg: bytes, name: str, label: str, titles: Mapping[str, str]) -> str:
    """Return the `<svg>` element for a page.

    Args:
        svg: Output of matplotlib.
        name: Name of the picture, unique on the page.
        label: Description for screen readers.
        titles: Tooltips by the id of the element.
    """
    root = ElementTree.fromstring(svg)  # nosec B314 # as above; matplotlib escapes text and declares no entities
    for element in root.iter():
        _make_local(element)
    _drop(root)
    referenced = {m for e in root.iter() for value in e.attrib.values() for m in _references(value)}
    for element in list(root.iter()):
        _adapt(element, name, referenced, titles)
    width = float(root.attrib.pop("width").removesuffix("pt"))
    del root.attrib["height"]
    root.attrib.pop("version", None)
    root.attrib.update(
        {
            "role": "img",
            "aria-label": label,
            "style": f"max-width: {SIZES.roomy * width:.0f}px; min-width: {SIZES.narrow * width:.0f}px",
        }
    )
    return ElementTree.tostring(root, encoding="unicode")


def _make_local(element: ElementTree.Element) -> None:
    """Remove namespaces from names, as HTML requires."""
    element.tag = element.tag.rpartition("}")[2]
    for key in [k for k in element.attrib if "}" in k]:
        element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)


def _drop(parent: ElementTree.Element) -> None:
    for child in list(parent):
        if child.tag in DROPPED:
            parent.remove(child)
        else:
            _drop(child)


def _references(value: str) -> list[str]:
    return REFERENCE.findall(value) if value.startswith("#") or "url(" in value else []


def _adapt(element: ElementTree.Element, name: str, referenced: set[str], titles: Mapping[str, str]) -> None:
    own = element.attrib.pop("id", None)
    for key, value in element.attrib.items():
        if key in ("href", "clip-path"):
            value = REFERENCE.sub(rf"#{name}-\1", value)
        elif key in PLACES:
            value = LONG_NUMBER.sub(lambda m: f"{float(m[0]):.2f}", value)
        element.attrib[key] = COLOUR.sub(lambda m: f"var(--{NAMES[m[0]]})", FONTS.sub(r"\1sans-serif", value))
    if own in referenced:
        element.attrib["id"] = f"{name}-{own}"
    if own is not None and own in titles:
        title = ElementTree.Element("title")
        title.text = titles[own]
        element.insert(0, title)
