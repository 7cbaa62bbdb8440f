"""The moves of a discovered group as a plain Python file: for data augmentation, mirrored policies, tests of networks.

The file needs numpy alone, and takes torch's tensors as they are. It holds every element as indices and signs of
columns, and its `check` proves when it is imported that they are a group, and the same one on inputs and on outputs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats import literals
from sharefind.architectures.formats.export_format import ExportFormat
from sharefind.architectures.sharing import Sharing
from sharefind.architectures.spec import SharingSpec
from sharefind.errors import ExportError, setting
from sharefind.storage import write_atomically
from sharefind.typing import IntArray

Element = tuple[int, ...]
"""The action of an element on the columns of x and then of y, in one-line notation."""


@dataclass(frozen=True)
class AugmentBounds:
    """How large a file of moves may become.

    Attributes:
        numbers: Most indices, signs and entries of the table of products.
    """

    numbers: int = 1_000_000


def augment_source(
    spec: SharingSpec, certificate: Certificate | None = None, bounds: AugmentBounds | None = None
) -> str:
    """Return the source of a module with `moves`, `move_inputs`, `move_outputs`, `check`, and of a mirror its two
    functions.

    Args:
        spec: The specification.
        certificate: Certificate of this specification, where it was certified already.
        bounds: How large it may become.

    Raises:
        ExportError: The group is infinite, moves nothing, does more than move columns and change their signs, or has
            too many elements; or a claim of the specification fails.
    """
    certificate = certify(spec) if certificate is None else certificate
    elements = _elements(spec, bounds or AugmentBounds())
    table = _table(elements)
    is_mirror = len(elements) == 2
    parts = [
        _docstring(spec, certificate, len(elements)),
        _IMPORTS,
        "# fmt: off",
        f"D_IN, D_OUT, ORDER = {spec.d_in}, {spec.d_out}, {len(elements)}",
        "",
        "# Names of the columns of x and of y, in their order.",
        *literals.name_lines("INPUT_NAMES", spec.inputs, "x", "D_IN"),
        *literals.name_lines("OUTPUT_NAMES", spec.outputs, "y", "D_OUT"),
        "",
        *_arrays("INPUT", elements[:, : spec.d_in], 0),
        *_arrays("OUTPUT", elements[:, spec.d_in :], spec.d_in),
        *literals.comment("TABLE[a][b] is the element that does b first and then a; element 0 moves nothing."),
        *literals.assigned("TABLE", [list(map(str, row)) for row in table.tolist()]),
        "# fmt: on",
        _FUNCTIONS.strip("\n"),
        *([_MIRROR.strip("\n")] if is_mirror else []),
        _CHECK.strip("\n"),
    ]
    return _joined(parts)


def write_augment(spec: SharingSpec, path: Path) -> Certificate:
    """Write `augment_source` to a file, whole or not at all.

    Args:
        spec: The specification.
        path: The file.

    Returns:
        The certificate.

    Raises:
        ExportError: As in `augment_source`.
        RunFolderError: The file cannot be written.
    """
    certificate = certify(spec)
    write_atomically(path, augment_source(spec, certificate))
    return certificate


def _joined(parts: Sequence[str]) -> str:
    """Lines and functions, with two empty lines around functions."""
    text = ""
    for part in parts:
        text += f"\n\n{part}\n" if part.startswith("def ") else f"{part}\n"
    return text


def _refused(what: str) -> ExportError:
    return ExportError(
        f"nothing is written for augment: {what}; use {setting('format')} torch, which takes every group"
    )


def _elements(spec: SharingSpec, bounds: AugmentBounds) -> IntArray:
    """All elements on columns of x and y, in one-line notation (order, d_in + d_out); the one that moves nothing first.

    Columns of y come after those of x.
    """
    images = Sharing(spec).images
    if spec.lie_generators:
        raise _refused(f"{spec.group_name} is infinite, and a file lists all moves")
    if images is None:
        raise _refused(f"{spec.group_name} does more than move columns and change their signs")
    width = spec.d_in + spec.d_out
    generators = [_joint(a, b) for a, b in images]
    found = {tuple(range(1, width + 1)): None}
    for element in (waiting := list(found)):
        for generator in generators:
            moved = tuple(int(np.sign(entry)) * generator[abs(entry) - 1] for entry in element)
            if moved not in found:
                found[moved] = None
                waiting.append(moved)
        if len(found) * (2 * width + len(found)) > bounds.numbers:
            raise _refused(f"{spec.group_name} has too many elements to list, above {len(found) - 1}")
    if len(found) == 1:
        raise _refused(f"{spec.group_name} moves no column")
    return np.array(list(found), dtype=np.int64)


def _joint(on_inputs: Sequence[int], on_outputs: Sequence[int]) -> Element:
    shift = len(on_inputs)
    return (*on_inputs, *(entry + shift if entry > 0 else entry - shift for entry in on_outputs))


def _table(elements: IntArray) -> IntArray:
    """Products (order, order): entry (a, b) is the element that does b first and then a."""
    places = {row.tobytes(): k for k, row in enumerate(elements)}
    rows = []
    for outer in elements:
        products = np.sign(elements) * outer[np.abs(elements) - 1]
        rows.append([places[row.tobytes()] for row in np.ascontiguousarray(products)])
    return np.array(rows, dtype=np.int64)


def _arrays(name: str, images: IntArray, shift: int) -> list[str]:
    """Where each column comes from under each element, and with which sign."""
    places, signs = np.abs(images) - 1 - shift, np.sign(images)
    sources = np.argsort(places, axis=1)
    moved = np.take_along_axis(signs, sources, axis=1)
    word = name.lower()
    lines = literals.comment(f"Element e makes {word} j of {word} {name}_SOURCES[e][j], times {name}_SIGNS[e][j].")
    for what, values in (("SOURCES", sources), ("SIGNS", moved)):
        lines += literals.assigned(f"{name}_{what}", [list(map(str, row)) for row in values.tolist()])
    return [*lines, ""]


def _docstring(spec: SharingSpec, certificate: Certificate, order: int) -> str:
    name = literals.plain(certificate.shown_name)
    facts = [
        f"Moves of x and y that keep their relation: {name}, {order} elements on columns.",
        "",
        "Written by sharefind; it needs numpy, and takes arrays or torch tensors with columns along the last axis.",
        "",
        f"Found: {spec.name}. A model f has this symmetry where, for all e,",
        "f(move_inputs(x, e)) = move_outputs(f(x), e).",
        *literals.column_sentences(spec),
        *([f"Outputs are {len(spec.classes)} classes, one column each."] if spec.classes else []),
    ]
    lines = [line for fact in facts for line in textwrap.wrap(literals.plain(fact), 85) or [""]]
    return '"""' + "\n".join(lines).replace(literals.TOGETHER, " ") + '\n"""\n'


_IMPORTS = """from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
"""

_FUNCTIONS = '''
def _moved(values: Any, sources: Sequence[int], signs: Sequence[int]) -> Any:
    is_tensor = hasattr(values, "new_tensor")
    values = values if is_tensor else np.asarray(values)
    if not values.shape or values.shape[-1] != len(sources):
        shape = tuple(values.shape)
        raise ValueError(f"the last axis of {shape} is not of {len(sources)} columns")
    picked = values[..., list(sources)]
    if min(signs) > 0:
        return picked
    if is_tensor:
        return picked * values.new_tensor(signs)
    is_signed = picked.dtype.kind in "fci"
    return picked * np.array(signs, dtype=picked.dtype if is_signed else np.int64)


def move_inputs(x: Any, element: int) -> Any:
    """Return inputs moved by one element.

    Args:
        x: Inputs, shape (..., D_IN), an array or a torch tensor.
        element: Number of the element, from 0 to ORDER - 1.

    Returns:
        Shape (..., D_IN), of the same kind.

    Raises:
        ValueError: The last axis is not of D_IN columns.
    """
    return _moved(x, INPUT_SOURCES[element], INPUT_SIGNS[element])


def move_outputs(y: Any, element: int) -> Any:
    """Return outputs moved by one element.

    Args:
        y: Outputs, shape (..., D_OUT), an array or a torch tensor.
        element: Number of the element, from 0 to ORDER - 1.

    Returns:
        Shape (..., D_OUT), of the same kind.

    Raises:
        ValueError: The last axis is not of D_OUT columns.
    """
    return _moved(y, OUTPUT_SOURCES[element], OUTPUT_SIGNS[element])


def moves(x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Yield inputs and outputs moved by every element, the unmoved ones first.

    Args:
        x: Inputs, shape (..., D_IN).
        y: Outputs, shape (..., D_OUT).

    Yields:
        Moved inputs and outputs, of the same shapes.
    """
    for element in range(ORDER):
        yield move_inputs(x, element), move_outputs(y, element)
'''

_MIRROR = '''
def mirror_inputs(x: Any) -> Any:
    """Return the mirror image of inputs.

    Args:
        x: Inputs, shape (..., D_IN).

    Returns:
        Shape (..., D_IN).
    """
    return move_inputs(x, 1)


def mirror_outputs(y: Any) -> Any:
    """Return the mirror image of outputs.

    Args:
        y: Outputs, shape (..., D_OUT).

    Returns:
        Shape (..., D_OUT).
    """
    return move_outputs(y, 1)
'''

_CHECK = '''
def check() -> None:
    """Check that the moves are a group, the same one on inputs and outputs.

    Raises:
        ValueError: They are not.
    """
    for move, width in ((move_inputs, D_IN), (move_outputs, D_OUT)):
        row = np.arange(1, width + 1)
        images = np.stack([move(row, element) for element in range(ORDER)])
        if not np.array_equal(images[0], row):
            raise ValueError(f"element 0 moves columns in {move.__name__}")
        if not (np.sort(np.abs(images), axis=1) == row).all():
            raise ValueError(f"{move.__name__} is no signed permutation")
        for element in range(ORDER):
            if not np.array_equal(move(images, element), images[list(TABLE[element])]):
                raise ValueError(f"{move.__name__} is no homomorphism at {element}")
    if any(0 not in row for row in TABLE):
        raise ValueError("an element has no inverse")


check()
'''


def _next(spec: SharingSpec, run: Path, out: Path) -> list[str]:
    names = "moves, move_inputs, move_outputs"
    mirror = ", mirror_inputs, mirror_outputs" if spec.group_order == 2 else ""
    return [f"from {out.stem if out.stem.isidentifier() else 'the module'} import {names}{mirror}"]


FORMAT = ExportFormat("augment", ".py", write_augment, _next, is_snippet=True)
