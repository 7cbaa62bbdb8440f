"""The architecture of a deep network as JSON, "sharefind.deep/1": generators on every layer, and nothing that follows.

Spaces of weights are computed anew from the generators, exactly; what a file claims of its group is compared with the
group that they generate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures.certificate.group_names import Naming, WrongNameError, claim_of, finite_naming
from sharefind.architectures.certificate.stabiliser import refusal
from sharefind.architectures.deep.network import KEPT, DeepNetwork, most_numbers
from sharefind.architectures.guards import GUARDS, Guards
from sharefind.architectures.searched_spec import matrix_text
from sharefind.errors import GroupError, InputError, RepresentationError, UnitError, one_line, visible
from sharefind.exact.matrices import direct_sum, identity_matrix, is_orthogonal_matrix, signed_permutation_matrix
from sharefind.formats import decoded, parse_json
from sharefind.groups import FiniteGroup, Representation, exact_domain, exact_matrix, unmoved
from sharefind.groups.from_matrices import unchecked
from sharefind.groups.group import MAX_ORDER
from sharefind.groups.orbits import orbit_action
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.meanfield.units import DeepUnit, build_unit

SCHEMA = "sharefind.deep/1"

Move = list[int] | list[list[str]]
"""A generator on a layer: entry k is j or -j where e_k goes to e_j or -e_j, counted from 1; or a matrix of exact texts
by rows."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Group(_Model):
    name: str
    order: int = Field(ge=1)


class _Deep(_Model):
    schema_: Literal["sharefind.deep/1"] = Field(alias="schema")
    name: str
    unit: str
    group: _Group
    dims: list[int] = Field(min_length=3)
    reps: list[str]
    generators: list[list[list[int] | list[list[str]]]]
    windows: list[list[int] | None] = Field(default_factory=list)
    inputs: list[str] = Field(default_factory=list)
    outputs: list[str] = Field(default_factory=list)
    classes: list[str] = Field(default_factory=list)
    evidence: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Architecture:
    """Statements of a file about a network, weights aside, and findings about its group.

    Attributes:
        name: Name of the training.
        unit: The unit, rebuilt from the generators.
        group_name: The name of the group.
        group_order: Its order, as stated.
        naming: Status of the name.
        inputs: Names of the columns of x.
        outputs: Names of the columns of y.
        classes: Names of the classes; empty where outputs are numbers.
        evidence: How the network was chosen.
    """

    name: str
    unit: DeepUnit
    group_name: str
    group_order: int
    naming: Naming
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    evidence: dict[str, Any]


def to_json(network: DeepNetwork) -> str:
    """Return the architecture of a network as JSON text, one key a line.

    Args:
        network: The network.
    """
    unit = network.unit
    record = {
        "schema": SCHEMA,
        "name": network.name,
        "unit": unit.name,
        "group": {"name": network.group_name, "order": network.group_order},
        "dims": [rep.dim for rep in unit.reps],
        "reps": [rep.name for rep in unit.reps],
        "generators": moves(unit.reps),
        **_windows(unit),
        "inputs": list(network.inputs),
        "outputs": list(network.outputs),
        "classes": list(network.classes),
        "evidence": dict(network.evidence),
    }
    lines = [f' "{key}": {json.dumps(value, allow_nan=False)}' for key, value in record.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _windows(unit: DeepUnit) -> dict[str, list[list[int] | None]]:
    """The windows of a unit that has some, as in `DeepUnit`."""
    if all(window is None for window in unit.layer_windows):
        return {}
    return {"windows": [None if window is None else window.tolist() for window in unit.layer_windows]}


def moves(reps: Sequence[Representation]) -> list[list[Move]]:
    """Return each generator on every layer.

    Args:
        reps: Representations of one group.
    """
    by_layer = [_layer_moves(rep) for rep in reps]
    return [list(generator) for generator in zip(*by_layer, strict=True)]


def _layer_moves(rep: Representation) -> list[Move]:
    if not rep.is_sparse:
        return [[list(row) for row in matrix_text(matrix)] for matrix in rep.generator_matrices]
    perms, signs = rep.sparse_generators
    return [((perm + 1) * sign).tolist() for perm, sign in zip(perms.astype(np.int64), signs, strict=True)]


def from_json(text: str | bytes, limits: Limits = DEFAULT_LIMITS, guards: Guards = GUARDS) -> Architecture:
    """Return the architecture that `to_json` wrote, with its group and spaces computed anew.

    Args:
        text: The JSON text.
        limits: `dim` bounds the parameters.
        guards: Longest names.

    Raises:
        InputError: It is no such text, its parts do not fit, or it is above the limits.
        ExportError: The generators are none of a group, are not orthogonal, or generate another group than is claimed.
    """
    try:
        parse_json(text)
        data = _Deep.model_validate_json(decoded(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = visible(".".join(map(str, first["loc"]))[:200]) or "the text"
        reason = visible(" ".join(str(first["msg"]).split())[:200])
        raise InputError(f"not a {SCHEMA} network: {where}: {reason}; export it again") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a {SCHEMA} network: the text: {one_line(error)}; export it again") from None
    _check_sizes(data, limits, guards)
    reps, naming = _rebuilt(data)
    try:
        unit = build_unit(data.unit, reps[0], reps[-1], reps[1:-1])
    except UnitError as error:
        raise refusal(str(error)) from None
    if not isinstance(unit, DeepUnit):
        raise InputError(f"unit is {data.unit}, no deep unit; export it again")
    windows = tuple(None if window is None else np.array(window, dtype=np.int64) for window in data.windows)
    unit = replace(unit, windows=windows)
    sides = tuple(data.inputs), tuple(data.outputs), tuple(data.classes)
    return Architecture(data.name, unit, data.group.name, data.group.order, naming, *sides, data.evidence)


def _check_sizes(data: _Deep, limits: Limits, guards: Guards) -> None:
    """Refuse what is too large or does not fit, before anything of that size is made."""
    if min(data.dims) < 1 or len(data.reps) != len(data.dims):
        raise InputError("dims must be positive, and reps name each layer; export it again")
    dim = sum((below + 1) * above for below, above in zip(data.dims, data.dims[1:], strict=False))
    if dim > most_numbers(limits):
        needed = -(-dim // KEPT)
        raise InputError(f"dims: {dim} numbers, above the limit of {most_numbers(limits)}; {raise_it('dim', needed)}")
    for text in (data.name, data.unit, data.group.name, *data.reps, *data.inputs, *data.outputs, *data.classes):
        if not text.isprintable() or not 1 <= len(text) <= guards.name_length:
            raise InputError(f"a name is not 1 to {guards.name_length} printable characters; export it again")
    if data.windows and len(data.windows) != len(data.dims) - 1:
        raise InputError(f"{len(data.windows)} windows for {len(data.dims) - 1} layers; export it again")
    for number, window in enumerate(data.windows):
        entries = data.dims[number] * data.dims[number + 1]
        if window is not None and not (window and min(window) >= 0 and max(window) < entries):
            raise InputError(f"window {number} has an entry that its layer of {entries} has not; export it again")
    for number, generator in enumerate(data.generators):
        widths = [{len(row) for row in move if isinstance(row, list)} | {len(move)} for move in generator]
        if widths != [{dim} for dim in data.dims]:
            raise InputError(f"generator {number} does not fit the layers of {data.dims} numbers; export it again")


def _rebuilt(data: _Deep) -> tuple[list[Representation], Naming]:
    """The representations of the group that the generators generate, and what is known of its name."""
    rows = [row for generator in data.generators for move in generator for row in move if isinstance(row, list)]
    texts = {entry for row in rows for entry in row}
    try:
        field = exact_domain(texts)
        exact = [[_matrix(move, field) for move in generator] for generator in data.generators]
    except (GroupError, ValueError, IndexError) as error:
        raise InputError(f"generators: {one_line(error)}; export it again") from None
    for number, generator in enumerate(exact):
        if not all(is_orthogonal_matrix(matrix) for matrix in generator):
            raise refusal(f"generator {number} of {data.group.name} is not orthogonal on every layer")
    kept = [g for g in exact if not all(m == identity_matrix(m.shape[0], m.domain) for m in g)]
    reps = _representations(data, kept)
    return reps, _naming(data, reps[0].finite_group)


def _matrix(move: Move, field: Any) -> DomainMatrix:
    rows = [row for row in move if isinstance(row, list)]
    if not rows:
        image = np.array(move, dtype=np.int64)
        if sorted(np.abs(image).tolist()) != list(range(1, len(image) + 1)):
            raise ValueError("a list of images is no signed permutation")
        return signed_permutation_matrix(np.abs(image) - 1, np.sign(image).astype(np.int8), field)
    return exact_matrix(rows, field)


def _representations(data: _Deep, kept: list[list[DomainMatrix]]) -> list[Representation]:
    if not kept:
        return [unmoved(dim) for dim in data.dims]
    try:
        points = orbit_action([reduce(direct_sum, generator) for generator in kept], MAX_ORDER)
        if points is None:
            raise refusal(f"the generators of {data.group.name} generate an infinite group or one too large to check")
        group = FiniteGroup(data.group.name, points.shape[1], tuple(tuple(map(int, perm)) for perm in points))
        sides = zip(*kept, strict=True)
        return [unchecked(group, list(side), name) for side, name in zip(sides, data.reps, strict=True)]
    except (GroupError, RepresentationError) as error:
        raise refusal(f"the generators of {data.group.name}: {error}") from None


def _naming(data: _Deep, group: FiniteGroup) -> Naming:
    claim = claim_of(data.group.name)
    if claim.order is not None and claim.order != data.group.order:
        raise refusal(f"group.order is {data.group.order}, and {data.group.name} has order {claim.order}")
    if data.group.order % group.order:
        raise refusal(
            f"the generators generate a group of order {group.order}, no divisor of the order {data.group.order} of "
            f"{data.group.name} (group.order)"
        )
    try:
        return finite_naming(claim, group)
    except WrongNameError as error:
        raise refusal(f"group.name is {data.group.name}, {error}") from None
