"""How a deep network was chosen, in the terminal: progress, a table of what was tried, and of reference models."""

from __future__ import annotations

from rich import box
from rich.table import Table

from sharefind.architectures.deep.record import Choice, TypesNode
from sharefind.architectures.deep.type_escape import TypeEscape
from sharefind.written import NOTHING

ESCAPE = "off E: rows, orbits"
"""Heading of the largest share of a layer's energy off E^G after training on rows, and on rows with all images."""


def choice_table(choice: Choice) -> Table:
    """Return what was tried, a row each, and reference models on the same folds.

    Args:
        choice: How a network was chosen.
    """
    is_class = choice.best.accuracy is not None
    has_escapes = any(node.escape is not None for node in choice.nodes)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("hidden layers")
    headings = ("parameters", "held-out log loss" if is_class else "held-out risk", *(["accuracy"] if is_class else []))
    for heading in (*headings, "steps", "seconds", *([ESCAPE] if has_escapes else [])):
        table.add_column(heading, justify="right")
    for node in choice.nodes:
        scores = [f"{node.risk:.4g} ± {node.risk_se:.1g}", *([_share(node.accuracy)] if is_class else [])]
        mark = "→" if node.number == choice.chosen else ""
        escape = [escape_words(node.escape)] if has_escapes else []
        cells = f"{node.parameters:,}", *scores, str(node.steps), f"{node.seconds:.1f}", *escape
        table.add_row(mark, node_words(node), *cells)
    for other in choice.references:
        scores = [f"{other.risk:.4g} ± {other.risk_se:.1g}", *([_share(other.accuracy)] if is_class else [])]
        table.add_row("", other.name, f"{other.parameters:,}", *scores, *[NOTHING] * (3 if has_escapes else 2))
    return table


def escape_words(escape: TypeEscape | None) -> str:
    """Return how far types were left on rows and on completed rows, and whether they are too poor.

    Args:
        escape: Escape of a node; None where it was not looked at.
    """
    if escape is None:
        return NOTHING
    shares = f"{max(escape.on_rows):.2g}, {max(escape.on_orbits):.2g}"
    return f"{shares} too poor" if escape.is_poor else shares


def node_words(node: TypesNode) -> str:
    """Return the hidden layers of a node with their windows.

    Args:
        node: The node.
    """
    words = layers_words(node.layers)
    return words if node.window is None else f"{words}, windows of {node.window}"


def layers_words(layers: tuple[str, ...]) -> str:
    """Return the types of hidden layers; equal ones are counted.

    Args:
        layers: The representation of each layer.
    """
    if len(set(layers)) == 1:
        return f"{len(layers)} x ({layers[0]})"
    return " | ".join(layers)


def _share(accuracy: float | None) -> str:
    return NOTHING if accuracy is None else f"{accuracy:.3f}"
