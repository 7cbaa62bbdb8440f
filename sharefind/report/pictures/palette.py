"""Colours of all pictures, named by their meaning; no two meanings share a colour.

Pictures are drawn in the light colours. `inline_svg` replaces each colour by a variable of the page, so that one
drawing works on light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sharefind.search import Decision, SearchNode

PAPER, INK, FAINT = "#ffffff", "#1f2933", "#d5dae0"
STAY, GROW, OPEN = "#2a9d5c", "#e08e2b", "#c9ced6"
BEFORE, AFTER, LIMIT = "#7b8794", "#1769aa", "#c0392b"
POSITIVE, NEGATIVE = "#1f77b4", "#d1603d"
CLASSES = ("#bfe3ee", "#f3cfe0", "#cdebc5", "#f6e3a8", "#cfd3f5", "#f8cdbb", "#b9e6d6", "#e0d0ef")
"""Fill colours of the classes of a tying pattern, used in turn; ink is readable on all of them."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        PAPER: "paper", INK: "ink", FAINT: "faint", STAY: "stay", GROW: "grow", OPEN: "open",
        BEFORE: "before", AFTER: "after", LIMIT: "limit", POSITIVE: "positive", NEGATIVE: "negative",
        **{colour: f"class-{k}" for k, colour in enumerate(CLASSES, 1)},
    }
)  # fmt: skip
"""Name of each colour on a page."""

DARK: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#14181d", "ink": "#e6eaee", "faint": "#4a5561", "stay": "#3fbf78", "grow": "#f0a04b",
        "open": "#5b6570", "before": "#a3afbb", "after": "#5fb0ee", "limit": "#ff7a6b", "positive": "#4aa3df",
        "negative": "#e8825f", "class-1": "#1f4f5e", "class-2": "#6a2b4b", "class-3": "#2d5626",
        "class-4": "#5e4d0f", "class-5": "#353c7d", "class-6": "#703821", "class-7": "#1d5746", "class-8": "#50356b",
    }
)  # fmt: skip
"""Colours of a dark page, by the same names."""

COLOURS: Mapping[Decision | None, str] = MappingProxyType({Decision.STAY: STAY, Decision.GROW: GROW, None: OPEN})
"""Fill colour of a node by its decision; None means never visited."""

MARKERS: Mapping[Decision | None, str] = MappingProxyType({Decision.STAY: "s", Decision.GROW: "o", None: "o"})
"""Shape of a node by its decision, for readers who cannot distinguish the colours."""


def decision_of(node: SearchNode) -> Decision | None:
    """Return the decision at a node; None if it was never visited.

    Args:
        node: The node.
    """
    return None if node.evidence is None else node.evidence.decision


def class_colour(label: int) -> str:
    """Return the fill colour of an entry of a tying pattern; paper for 0.

    Args:
        label: The label of the entry.
    """
    return PAPER if label == 0 else CLASSES[(abs(label) - 1) % len(CLASSES)]


def drawing_settings() -> Any:
    """Return matplotlib's settings for all pictures: ink instead of black, text as text, no random names.

    The return type is not that of matplotlib, whose dictionary type requires all of its settings as keys.
    """
    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(inked, INK),
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "axes.titlesize": 10.5,
        "axes.labelsize": 9,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "font.family": "sans-serif",
        "svg.hashsalt": "sharefind",
        "svg.fonttype": "none",
    }
