"""The findings of an audit as one value: for tables, pages, notebooks and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sharefind import html
from sharefind.architectures.audit.census import TypeShare
from sharefind.architectures.audit.elements import Element
from sharefind.architectures.audit.end_to_end import END_TO_END, ElementError, EndToEnd, Verdict
from sharefind.architectures.audit.hidden_action import HiddenAction, Reading
from sharefind.architectures.audit.layer_spaces import LayerDistance, OffEntry
from sharefind.architectures.audit.network import AuditedNetwork
from sharefind.architectures.audit.reduced_chain import ReducedChain
from sharefind.groups import Representation
from sharefind.written import plural

SCHEMA = "sharefind.audit/1"


@dataclass(frozen=True, eq=False)
class LayerFinding:
    """The findings about one layer.

    Attributes:
        number: Its number, from 1 at the inputs.
        width: Number of its units, or of outputs.
        activation: Name of its activation; None for the last layer.
        constant: Number of units that are constant.
        merged: Number of units that compute the same as another one, up to sign or scale.
        unused: Number of units that nothing uses.
        action: The action that was read; None for the last layer, whose action is that on outputs.
        types: Multiplicities of the types of the action, by name; None where it is undecided or its group too large.
        units: The units of the network on which the action is, counted from 0.
        distance: How far the layer is from its exact space; None where an action beside it is undecided.
        census: Types by correlation, where the action is undecided; None if none was made.
    """

    number: int
    width: int
    activation: str | None
    constant: int = 0
    merged: int = 0
    unused: int = 0
    action: HiddenAction | None = None
    types: dict[str, int] | None = None
    units: tuple[int, ...] = ()
    distance: LayerDistance | None = None
    census: tuple[TypeShare, ...] | None = None

    @property
    def is_last(self) -> bool:
        """Whether it is the layer of the outputs."""
        return self.action is None

    @property
    def is_broken(self) -> bool:
        """Whether its weights are off the exact space by more than rounding."""
        return self.distance is not None and not self.distance.is_exact

    @property
    def found_types(self) -> list[str]:
        """Types that the census found."""
        return [one.name for one in self.census or () if one.is_found]


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings of an audit.

    Attributes:
        network: The network.
        in_rep: How the group acts on inputs.
        out_rep: How it acts on outputs.
        rows: Number of inputs.
        end_to_end: Errors of all elements.
        are_all: Whether these are all elements of the group.
        subgroup: Name and order of the subgroup under which the network is exact; None where it is not known.
        layers: Findings about each layer; empty where layers cannot be read.
        unread: Why layers were not read; "" where they were.
        notes: Notes for the reader, a sentence each.
        reduced: The network in which actions were read; None where layers cannot be read.
        x: The inputs, shape (n, d_in), float64.
    """

    network: AuditedNetwork
    in_rep: Representation
    out_rep: Representation
    rows: int
    end_to_end: EndToEnd
    are_all: bool
    subgroup: tuple[str, int] | None
    layers: tuple[LayerFinding, ...]
    unread: str
    notes: tuple[str, ...]
    reduced: ReducedChain | None
    x: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def verdict(self) -> Verdict:
        """The verdict on all elements together."""
        return self.end_to_end.verdict

    @property
    def noise_share(self) -> float:
        """Largest error that rounding explains, relative to the spread of the outputs."""
        found = self.end_to_end
        return float((END_TO_END.exact * found.noise / np.maximum(found.spread, found.noise)).max())

    @property
    def is_read(self) -> bool:
        """Whether the action on every hidden layer was read."""
        hidden = [layer.action for layer in self.layers if layer.action is not None]
        return bool(self.layers) and all(one.action is not None for one in hidden)

    @property
    def broken(self) -> list[LayerFinding]:
        """Layers that are off their exact spaces, if every action was read exactly up to single weights."""
        return [layer for layer in self.layers if layer.is_broken]

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        return f"{self.network.name}: {_verdict_words(self)}"

    @property
    def sentences(self) -> list[str]:
        """The findings, a sentence each: the subgroup that holds, the layers, and the parts that break it."""
        return [*_subgroup_words(self), *_layer_words(self)]

    def __repr__(self) -> str:
        return f"<Audit {self.headline}>"

    def __str__(self) -> str:
        return "\n".join([self.headline, *self.sentences, *(f"note: {line}" for line in self.notes)])

    def _repr_html_(self) -> str:
        title = html.headline(self.headline, is_good=self.verdict is Verdict.EXACT)
        return html.notebook(title, html.remarks([*self.sentences, *self.notes]))

    def to_json(self) -> dict[str, Any]:
        """Return the findings as a record of schema `sharefind.audit/1`."""
        network, found = self.network, self.end_to_end
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "precision": network.dtype},
            "group": {"name": self.in_rep.group.name, "order": self.in_rep.group.order},
            "in_rep": self.in_rep.name,
            "out_rep": self.out_rep.name,
            "rows": self.rows,
            "verdict": str(self.verdict),
            "exact_subgroup": self.subgroup and {"name": self.subgroup[0], "order": self.subgroup[1]},
            "all_elements": self.are_all,
            "spread": found.spread.tolist(),
            "noise": found.noise.tolist(),
            "elements": [_element_json(error) for error in found.errors],
            "layers": [_layer_json(layer) for layer in self.layers],
            "layers_unread": self.unread or None,
            "sentences": self.sentences,
            "notes": list(self.notes),
        }  # fmt: skip


def percent(share: float) -> str:
    """Return a share as a percentage with two digits.

    Args:
        share: The share; 1 is 100 %.
    """
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def _verdict_words(audit: Audit) -> str:
    name, worst = audit.in_rep.group.name, audit.end_to_end.worst
    if worst is None:
        return f"{name} has no element but the identity; there is nothing to check"
    checked = "" if audit.are_all else f" ({plural(len(audit.end_to_end.errors), 'element')} checked)"
    if worst.verdict is Verdict.EXACT:
        return f"equivariant under {name} exactly, up to its own rounding{checked}"
    size = "outputs that are constant on the rows change" if worst.relative is None else _size_words(worst)
    if worst.verdict is Verdict.APPROXIMATE:
        return f"equivariant under {name} approximately: {size}{checked}"
    return f"not equivariant under {name}: {size}{checked}"


def _size_words(worst: ElementError) -> str:
    return f"off by {percent(worst.relative or 0.0)} of the outputs' spread at {worst.element.name}"


def _subgroup_words(audit: Audit) -> Iterator[str]:
    if audit.verdict is Verdict.EXACT or audit.subgroup is None:
        return
    name, order = audit.subgroup
    if order > 1:
        yield f"It is exact under a subgroup {name} of order {order}."
    broken = [e.element.title for e in audit.end_to_end.errors if e.verdict is not Verdict.EXACT]
    yield f"It is off at {listed(broken)}."


def listed(names: list[str], most: int = 4) -> str:
    """Return names with commas, the first ones of many.

    Args:
        names: The names.
        most: Largest number of names.
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + rest


def _layer_words(audit: Audit) -> Iterator[str]:
    if not audit.layers:
        yield f"By layer: not read, since {audit.unread}."
        return
    if audit.is_read:
        yield from _read_words(audit)
        return
    undecided = next(one for one in audit.layers if one.action is not None and one.action.action is None)
    reason = "" if undecided.action is None else undecided.action.reason
    yield f"By layer: undecided from layer {undecided.number} on, since {reason}."
    if audit.verdict is Verdict.BROKEN:
        yield "The network is not equivariant, so that its units were not looked at any closer."
        return
    for layer in audit.layers:
        if layer.found_types:
            yield f"Layer {layer.number}: units like {', '.join(layer.found_types)}, by their correlations."


def _read_words(audit: Audit) -> Iterator[str]:
    is_near = any(one.action is not None and one.action.reading is Reading.NEAR for one in audit.layers)
    if not audit.broken:
        yield "By layer: every layer lies in its exact space, up to rounding."
    elif is_near:
        worst = max(audit.broken, key=lambda layer: layer.distance.distance if layer.distance else 0.0)
        size = percent(0.0 if worst.distance is None else worst.distance.distance)
        yield f"By layer: all weights are near exact spaces, layer {worst.number} farthest by {size} of its norm."
    else:
        for layer in audit.broken:
            yield _break_words(layer, audit.noise_share)


def _break_words(layer: LayerFinding, rounding: float) -> str:
    found = layer.distance
    if found is None:
        return ""
    largest = max((entry.deviation for entry in found.off), default=0.0)
    named = listed([entry_words(entry, layer.number) for entry in found.off if entry.deviation >= largest / 2])
    left = found.error_if_projected
    rest = "nothing but rounding" if left <= rounding else f"an error of {percent(left)} of the spread"
    return (
        f"Layer {layer.number} breaks it: {percent(found.distance)} of its norm off, at {named}. With this layer alone "
        f"projected, the network has {rest} left."
    )


def entry_words(entry: OffEntry, layer: int) -> str:
    """Return the name of a weight, such as "unit 3 from input 0".

    Args:
        entry: The weight.
        layer: Number of its layer, from 1.
    """
    if entry.source is None:
        return f"bias of unit {entry.unit}"
    return f"unit {entry.unit} from {'input' if layer == 1 else 'unit'} {entry.source}"


def _element_json(error: ElementError) -> dict[str, Any]:
    element: Element = error.element
    return {
        "name": element.name,
        "generator": element.generator,
        "error": error.error,
        "in_noise": error.error / error.noise,
        "relative": error.relative,
        "verdict": str(error.verdict),
        "output": error.part,
    }


def _layer_json(layer: LayerFinding) -> dict[str, Any]:
    return {
        "layer": layer.number,
        "width": layer.width,
        "activation": layer.activation,
        "constant": layer.constant,
        "merged": layer.merged,
        "unused": layer.unused,
        "reading": None if layer.action is None else str(layer.action.reading),
        "reason": None if layer.action is None else layer.action.reason or None,
        "types": layer.types,
        "units": list(layer.units),
        "moves": _moves_json(layer),
        "distance": _distance_json(layer.distance),
        "census": None if layer.census is None else [vars(one) for one in layer.census],
    }


def _moves_json(layer: LayerFinding) -> list[list[int]] | None:
    """Return for each generator the signed image of each unit, as positions in `units` counted from 1."""
    if layer.action is None or layer.action.action is None:
        return None
    perms, signs = layer.action.action.sparse_generators
    return [[int(s) * (int(p) + 1) for p, s in zip(*both, strict=True)] for both in zip(perms, signs, strict=True)]


def _distance_json(found: LayerDistance | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "dim": found.dim,
        "of": found.ambient,
        "relative": found.distance,
        "rounding": found.rounding,
        "is_exact": found.is_exact,
        "by_generator": list(found.by_generator),
        "error_if_projected": found.error_if_projected,
        "off": [{"unit": o.unit, "source": o.source, "deviation": o.deviation} for o in found.off],
    }
