"""Where the card of a file of weights lies; it loads nothing, so that commands can look before they work."""

from __future__ import annotations

from pathlib import Path

ENDING = ".md"
"""Added to the name of a file of weights, it is the name of the card."""


def card_path(weights: Path) -> Path:
    """Return the name of the card of a file of weights: net.safetensors.md for net.safetensors.

    Args:
        weights: The file of weights.
    """
    return weights.with_name(weights.name + ENDING)
