"""The audit of a network: its distance from equivariance end to end, and, where its layers can be read, layer by
layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from torch import nn

from sharefind.architectures.audit.census import TypeShare, census
from sharefind.architectures.audit.elements import Element, are_all, elements_of
from sharefind.architectures.audit.end_to_end import END_TO_END, EndToEnd, Verdict, end_to_end, parts_of
from sharefind.architectures.audit.findings import Audit, LayerFinding
from sharefind.architectures.audit.hidden_action import HiddenAction, hidden_actions
from sharefind.architectures.audit.layer_spaces import LayerDistance, layer_distances
from sharefind.architectures.audit.network import AuditedNetwork
from sharefind.architectures.audit.network_file import network_file
from sharefind.architectures.audit.reduced_chain import Origin, ReducedChain, reduced
from sharefind.architectures.audit.torch_network import torch_network
from sharefind.errors import DataError, GroupError, InputError, RepresentationError, setting
from sharefind.groups import FiniteGroup, Group, Representation, named_group, parse_representation, structure_name
from sharefind.groups.hidden_types import HiddenTypes
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.progress import StageProgress
from sharefind.spaces import fixed_space
from sharefind.typing import FloatArray
from sharefind.written import plural

_Read = tuple[ReducedChain, tuple[HiddenAction, ...], tuple[LayerDistance | None, ...]]

FEW_ROWS = 10
"""Number of rows below which errors are a matter of chance."""

LAYER_ROWS = 512
"""Number of rows on which errors with single layers projected are measured."""


def audit(
    module: nn.Module | Path | str,
    group: Group | str,
    in_rep: Representation | str = "natural",
    out_rep: Representation | str = "natural",
    x: object = None,
    *,
    on_progress: StageProgress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Audit:
    """Return how far a network is from equivariance, element by element and layer by layer.

    Args:
        module: A torch module, or the path of an ONNX file or of a .safetensors file from sharefind.
        group: The group, or its name.
        in_rep: How it acts on inputs, or an expression such as "2*natural+trivial".
        out_rep: How it acts on outputs.
        x: Inputs, shape (n, ...): numbers of any array type. Axes beyond the second are flattened for the group.
        on_progress: Receives what is done, the steps done and their number.
        limits: Size limits of files and groups.

    Raises:
        InputError: The network cannot be read or run, or does not fit the group.
        DataError: The inputs are not real numbers, or not finite.
        ConfigError: A library is missing.

    Examples:
        >>> audit(net, "C4", "natural", "natural", x).verdict  # doctest: +SKIP
        <Verdict.EXACT: 'exact'>
    """
    rows = _rows(x)
    if isinstance(module, nn.Module):
        network = torch_network(module, rows.shape[1:])
    else:
        network = network_file(Path(module), limits)
    acting = named_group(group, limits) if isinstance(group, str) else group
    reps = [parse_representation(rep, acting, limits) if isinstance(rep, str) else rep for rep in (in_rep, out_rep)]
    return audit_network(network, reps[0], reps[1], rows.reshape(len(rows), -1), on_progress)


def _rows(x: object) -> FloatArray:
    detached = x.detach().cpu() if hasattr(x, "detach") and hasattr(x, "cpu") else x
    values = np.asarray(detached)
    if values.dtype.kind not in "fiub" or values.ndim < 2 or values.size == 0:
        raise DataError(
            f"x has dtype {values.dtype} and shape {values.shape}; give real numbers, a row for each input, (n, d)"
        )
    rows = values.astype(np.float64)
    if not np.isfinite(rows).all():
        bad = np.argwhere(~np.isfinite(rows))[0].tolist()
        raise DataError(f"x is {rows[tuple(bad)]} at {bad} (counted from 0); remove that row or fill the value in")
    return rows


def audit_network(
    network: AuditedNetwork,
    in_rep: Representation,
    out_rep: Representation,
    x: FloatArray,
    on_progress: StageProgress | None = None,
) -> Audit:
    """Return the audit of a network that is read already.

    Args:
        network: The network.
        in_rep: How the group acts on inputs.
        out_rep: How it acts on outputs.
        x: Inputs, shape (n, d_in), finite float64.
        on_progress: As in `audit`.

    Raises:
        InputError: Widths do not fit.
    """
    _refuse_widths(network, in_rep, out_rep, x)
    elements = elements_of(in_rep, out_rep)
    done = iter(range(1, len(elements) + 1))
    name = "elements"

    def step() -> None:
        if on_progress is not None:
            on_progress(name, next(done), len(elements))

    found = end_to_end(network, elements, x, step)
    if on_progress is not None:
        on_progress("layers", 0, 1)
    every = are_all(in_rep.group.order, elements)
    subgroup = _exact_subgroup(in_rep.group, found) if every else None
    chain, layers = _by_layer(network, in_rep, out_rep, elements, x, found)
    notes = tuple(_notes(network, found, x))
    unread = "" if layers else network.unread
    return Audit(network, in_rep, out_rep, len(x), found, every, subgroup, layers, unread, notes, chain, x)


def _refuse_widths(network: AuditedNetwork, in_rep: Representation, out_rep: Representation, x: FloatArray) -> None:
    if network.d_in is not None and x.shape[1] != network.d_in:
        raise InputError(
            f"the data have {plural(x.shape[1], 'input')} and {network.name} takes {network.d_in}; "
            f"choose its columns with {setting('inputs')}"
        )
    if in_rep.dim != x.shape[1]:
        raise RepresentationError(
            f"{setting('in_rep')} {in_rep.name} of {in_rep.group.name} acts on {plural(in_rep.dim, 'input')} and the "
            f"data have {x.shape[1]}; write a representation of that dimension, such as a sum with trivial"
        )
    d_out = network.predict(x[:1]).shape[1]
    if out_rep.dim != d_out:
        raise RepresentationError(
            f"{setting('out_rep')} {out_rep.name} of {out_rep.group.name} acts on {plural(out_rep.dim, 'output')} and "
            f"{network.name} has {d_out}; write a representation of that dimension, such as trivial:{d_out}"
        )


def _exact_subgroup(group: Group, found: EndToEnd) -> tuple[str, int] | None:
    """Return name and order of the subgroup of exact elements; None if they are none, so that the bound cut it."""
    if not isinstance(group, FiniteGroup):
        return None
    exact = [e.element.permutation for e in found.errors if e.verdict is Verdict.EXACT]
    made = FiniteGroup("exact", group.degree, tuple(p for p in exact if p is not None), group.natural_blocks)
    if made.order != len(exact) + 1:
        return None
    return (group.name if made.order == group.order else structure_name(made)), made.order


def _by_layer(
    network: AuditedNetwork,
    in_rep: Representation,
    out_rep: Representation,
    elements: Sequence[Element],
    x: FloatArray,
    found: EndToEnd,
) -> tuple[ReducedChain | None, tuple[LayerFinding, ...]]:
    if network.chain is None:
        return None, ()
    whole = network.chain
    origin, generators = _origin(in_rep, elements, x), [e for e in elements if e.generator is not None]
    chosen = x[:LAYER_ROWS]

    def read(is_scaled: bool) -> _Read:
        chain = reduced(whole, origin, network.eps, is_scaled=is_scaled)
        actions = hidden_actions(chain, in_rep, out_rep)
        distances = layer_distances(chain, actions, in_rep, out_rep, generators, chosen, found.part_of)
        return chain, actions, distances

    readings = [read(is_scaled=False)]
    if _off(readings[0]) and any(layer.activation.is_homogeneous for layer in whole.hidden if layer.activation):
        readings.append(read(is_scaled=True))
    chain, actions, distances = min(readings, key=_off)
    counted = _census(chain, actions, in_rep, chosen, found)
    layers = list[LayerFinding]()
    for k, (layer, original) in enumerate(zip(chain.layers, whole.layers, strict=True)):
        action = actions[k] if k < len(actions) else None
        layers.append(
            LayerFinding(
                k + 1, len(original.bias), None if original.activation is None else original.activation.name,
                layer.constant, layer.merged, layer.unused, action, _types(action, in_rep.group),
                tuple(group[0][0] for group in layer.members), distances[k], counted[k] if counted else None,
            )
        )  # fmt: skip
    return chain, tuple(layers)


def _off(read: _Read) -> int:
    """Return how many layers were not read or are off their spaces."""
    return sum(distance is None or not distance.is_exact for distance in read[2])


def _origin(in_rep: Representation, elements: Sequence[Element], x: FloatArray) -> Origin:
    """Return the point that the group fixes nearest to the mean of the inputs, and their spread by connected inputs."""
    centre = np.asarray(fixed_space(in_rep).project(x.mean(axis=0)), dtype=np.float64)
    part_of = parts_of([element.on_inputs for element in elements], x.shape[1])
    squares = np.square(x - centre).mean(axis=0)
    scale = np.sqrt(np.bincount(part_of, squares) / np.bincount(part_of))
    scale = np.where(scale > 0, scale, 1.0)
    return Origin(centre, scale[part_of])


def _types(action: HiddenAction | None, group: Group) -> dict[str, int] | None:
    if action is None or action.action is None or not isinstance(group, FiniteGroup):
        return None
    try:
        return {one.name: count for one, count in HiddenTypes.of(group).counts(action.action).items()}
    except GroupError:  # its subgroups are too many to list
        return None


def _census(
    chain: ReducedChain, actions: Sequence[HiddenAction], in_rep: Representation, x: FloatArray, found: EndToEnd
) -> tuple[tuple[TypeShare, ...] | None, ...] | None:
    """Return the types of units by correlation where an action is undecided, unless the network is not equivariant."""
    is_undecided = [action.action is None for action in actions]
    if not any(is_undecided) or found.verdict is Verdict.BROKEN or not isinstance(in_rep.group, FiniteGroup):
        return None
    try:
        counted = census(chain.plain(), in_rep, chain.seen(x))
    except GroupError:  # its subgroups are too many to list
        return None
    return (*(one if undecided else None for one, undecided in zip(counted, is_undecided, strict=True)), None)


def _notes(network: AuditedNetwork, found: EndToEnd, x: FloatArray) -> Iterator[str]:
    constant = np.flatnonzero((found.spread <= END_TO_END.exact * found.noise)[found.part_of])
    if len(constant):
        names = network.outputs or [f"y{k}" for k in range(len(found.part_of))]
        shown = ", ".join(names[k] for k in constant[:4]) + (", ..." if len(constant) > 4 else "")
        yield f"Outputs {shown} are constant on these rows, so that they say nothing about the group."
    if found.repeats > END_TO_END.exact:
        yield (
            "The same rows in another order give other outputs: a row depends on the others of its batch, or on "
            f"chance. They differ by {found.repeats:.2g} roundings."
        )
    if len(x) < FEW_ROWS:
        yield f"There are {plural(len(x), 'row')} only; errors on other rows may differ."
