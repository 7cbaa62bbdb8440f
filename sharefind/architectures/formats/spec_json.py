"""`SharingSpec` to and from JSON, "sharefind.spec/1": exact numbers are texts, floats keep every bit."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats.export_format import ExportFormat, verify_command
from sharefind.architectures.guards import GUARDS, Guards
from sharefind.architectures.spec import SCHEMA, SharingSpec
from sharefind.architectures.spec_parts import GeneratorPair
from sharefind.column_names import has_own_names
from sharefind.errors import InputError, SpaceError, one_line, visible
from sharefind.formats import decoded, parse_json
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits, raise_it, read_within
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Block, Subspace
from sharefind.storage import advice, write_atomically

KEYS = ("in", "out", "hidden")
"""Keys of a generator's matrices, in the order of `GeneratorPair.matrices`."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Block(_Model):
    name: str
    shape: list[int]


class _Group(_Model):
    name: str
    order: int | None


class _Pair(_Model):
    on_inputs: list[list[str]] = Field(alias="in")
    on_outputs: list[list[str]] = Field(alias="out")
    on_hidden: list[list[str]] | None = Field(default=None, alias="hidden")

    def pair(self) -> GeneratorPair:
        given = [rows for rows in (self.on_inputs, self.on_outputs, self.on_hidden) if rows is not None]
        return GeneratorPair(*(tuple(map(tuple, rows)) for rows in given))


class _Change(_Model):
    matrix: list[list[FiniteFloat]]
    shift: list[FiniteFloat]
    scale: FiniteFloat
    centre: list[FiniteFloat] | None = None


class _Spec(_Model):
    schema_: Literal["sharefind.spec/1"] = Field(alias="schema")
    name: str
    unit: str
    particles: int
    blocks: list[_Block]
    group: _Group
    in_rep: str
    out_rep: str
    hidden_rep: str | None = None
    generators: list[_Pair]
    lie_generators: list[_Pair]
    space: dict[str, Any]
    change: _Change
    classes: list[str] = Field(default_factory=list)
    inputs: list[str] = Field(default_factory=list)
    outputs: list[str] = Field(default_factory=list)
    hidden_types: list[int] = Field(default_factory=list)


def to_json(spec: SharingSpec) -> str:
    """Return the specification as JSON text, one key a line; `from_json` reads it back as an equal specification.

    Args:
        spec: The specification.
    """
    lines = [f' "{key}": {json.dumps(value, allow_nan=False)}' for key, value in _record(spec).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _record(spec: SharingSpec) -> dict[str, Any]:
    change = spec.change
    return {
        "schema": SCHEMA,
        "name": spec.name,
        "unit": spec.unit,
        "particles": spec.particles,
        "blocks": [{"name": block.name, "shape": list(block.shape)} for block in spec.blocks],
        "group": {"name": spec.group_name, "order": spec.group_order},
        "in_rep": spec.in_rep,
        "out_rep": spec.out_rep,
        **({} if spec.hidden_rep is None else {"hidden_rep": spec.hidden_rep}),
        "generators": [_pair(pair) for pair in spec.generators],
        "lie_generators": [_pair(pair) for pair in spec.lie_generators],
        "space": spec.space.to_json(),
        "change": {
            "matrix": change.matrix.tolist(),
            "shift": change.shift.tolist(),
            "scale": change.scale,
            **({"centre": change.centre.tolist()} if change.moves_inputs else {}),
        },
        **({"classes": list(spec.classes)} if spec.classes else {}),
        **({"inputs": list(spec.inputs)} if has_own_names(spec.inputs, "x") else {}),
        **({"outputs": list(spec.outputs)} if has_own_names(spec.outputs, "y") else {}),
        **({"hidden_types": list(spec.types)} if spec.types else {}),
    }


def _pair(pair: GeneratorPair) -> dict[str, Any]:
    return dict(zip(KEYS, pair.matrices, strict=False))


def from_json(text: str | bytes, limits: Limits = DEFAULT_LIMITS, guards: Guards = GUARDS) -> SharingSpec:
    """Return the specification that `to_json` wrote; `certify` checks whether its claims are true.

    Args:
        text: The JSON text.
        limits: `dim` bounds the number of parameters.
        guards: Bounds that no limit lifts.

    Raises:
        InputError: The text is not JSON or has another schema; keys are missing, unknown or of a wrong type; parts do
            not fit; or there are more parameters than `limits.dim`.
    """
    try:
        parse_json(text)  # which refuses a key that is given twice, where pydantic takes the last
        data = _Spec.model_validate_json(decoded(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = visible(".".join(map(str, first["loc"]))[:200]) or "the text"
        reason = visible(" ".join(str(first["msg"]).split())[:200])
        raise InputError(f"not a {SCHEMA} specification: {where}: {reason}; export it again") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a {SCHEMA} specification: the text: {one_line(error)}; export it again") from None
    _check_sizes(data, limits, guards)
    return _built(data)


def _check_sizes(data: _Spec, limits: Limits, guards: Guards) -> None:
    """Refuse what is said to be too large, before anything of that size is made."""
    dim = sum(abs(math.prod(block.shape)) for block in data.blocks)
    ambient = data.space.get("ambient")
    dim = max(dim, ambient) if isinstance(ambient, int) else dim
    if dim > limits.dim:
        what = f"blocks and space: {dim} parameters, above the limit of {limits.dim}"
        raise InputError(f"{what}; {raise_it('dim', dim)}")
    if data.particles > guards.particles:
        raise InputError(f"particles is above {guards.particles}, a hard limit; export the run again")


def _built(data: _Spec) -> SharingSpec:
    return SharingSpec(
        name=data.name,
        unit=data.unit,
        particles=data.particles,
        blocks=tuple(Block(block.name, tuple(block.shape)) for block in data.blocks),
        group_name=data.group.name,
        group_order=data.group.order,
        in_rep=data.in_rep,
        out_rep=data.out_rep,
        hidden_rep=data.hidden_rep,
        generators=tuple(pair.pair() for pair in data.generators),
        lie_generators=tuple(pair.pair() for pair in data.lie_generators),
        space=_space(data.space),
        change=_change(data.change, bool(data.classes)),
        classes=tuple(data.classes),
        inputs=tuple(data.inputs),
        outputs=tuple(data.outputs),
        types=tuple(data.hidden_types),
    )


def _space(written: dict[str, Any]) -> Subspace:
    try:
        return Subspace.from_json(written)
    except SpaceError as error:
        raise SpaceError(f"space: {error}") from None


def _change(data: _Change, has_classes: bool) -> Standardisation:
    if any(len(row) != len(data.matrix) for row in data.matrix):
        raise InputError("change.matrix is ragged or not square; give d_in rows of d_in numbers")
    size = len(data.matrix)
    matrix = np.array(data.matrix, dtype=np.float64).reshape(size, size)
    centre = np.zeros(size) if data.centre is None else np.array(data.centre, dtype=np.float64)
    return Standardisation(matrix, np.array(data.shift, dtype=np.float64), float(data.scale), centre, has_classes)


def write_json(spec: SharingSpec, path: Path) -> Certificate:
    """Certify a specification and write it to a file, whole or not at all.

    Args:
        spec: The specification.
        path: The file.

    Returns:
        The certificate.

    Raises:
        ExportError: A claim of the specification fails.
        RunFolderError: The file cannot be written.
    """
    certificate = certify(spec)
    write_atomically(path, to_json(spec))
    return certificate


def read_spec(path: Path, limits: Limits = DEFAULT_LIMITS) -> SharingSpec:
    """Return the specification in a file.

    Args:
        path: The file.
        limits: Largest sizes that are accepted.

    Raises:
        InputError: The file cannot be read, is above the limits or holds no specification.
    """
    content = _read(path, limits.bytes_of(GUARDS.spec_bytes))
    try:
        return from_json(content, limits)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


def _read(path: Path, most: int) -> bytes:
    if path.suffix.lower() in PICKLES:
        raise InputError(
            f"{path}: such files can run code when they are read; give a .json or .safetensors file from "
            "sharefind export"
        )
    try:
        content = read_within(path, most)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {advice(error)}") from None
    if isinstance(content, int):
        what = f"{path} is above {most} bytes; give a file from sharefind export"
        raise InputError(f"{what}, or {raise_it('file_size', content)}")
    return content


FORMAT = ExportFormat("json", ".json", write_json, verify_command, read=read_spec)
