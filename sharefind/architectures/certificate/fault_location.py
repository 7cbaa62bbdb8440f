"""Where in a specification a claim fails: the entry of the file that explains a refusal, as far as one does.

Whether a claim fails is decided in `certificate` and `stabiliser`. Places are written as in the JSON file,
`space.labels[6]`, with the parameter they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures.spec import INPUTS, SharingSpec
from sharefind.errors import GroupError
from sharefind.exact.matrices import as_signed_permutation, identity_matrix, rows_of, sparse_matrix
from sharefind.groups import parse_exact
from sharefind.spaces import Subspace

SIDES = ("in", "out", "hidden")
"""Keys of a generator's matrices in a file, in the order of `GeneratorPair.matrices`."""

MAX_SEARCHED = 2_000
"""Up to this many numbers, each is tried as the one that was changed; beyond it the most deviant is named."""

PARALLEL = 1e-9
"""Relative distance up to which a deviation is that of one changed number."""

MAX_FLIPS = 50_000_000
"""Up to this many comparisons, the signs of a generator are tried one at a time."""

MAX_EXACT_FLIPS = 50
"""The same where each trial is exact algebra: number of signs."""

Move = tuple[DomainMatrix, ...]


def parameter(spec: SharingSpec, index: int) -> str:
    """The name of a coordinate of Z: "weight[1, 2]"."""
    for block in spec.blocks:
        place = spec.slice_of(block.name)
        if place.start <= index < place.stop:
            return f"{block.name}[{', '.join(map(str, np.unravel_index(index - place.start, block.shape)))}]"
    return f"coordinate {index}"


def space_fault(spec: SharingSpec, whole: Subspace, written: Mapping[str, Any]) -> tuple[str, int]:
    """The first entry in which a space as it is written differs from E^G, and how many do.

    ("", 0) where the two cannot be compared.
    """
    expected = whole.to_json()
    if written.get("kind") != expected["kind"] or expected["kind"] == "numerical":
        return "", 0
    compare = _label_differences if expected["kind"] == "tying" else _row_differences
    found = compare(written, expected)
    if not found:
        return "", 0
    key, index, given, wanted = found[0]
    return f"{key} ({parameter(spec, index)}) is {given}, and in E^{spec.group_name} it is {wanted}", len(found)


Difference = tuple[str, int, str, str]
"""Key in the file, coordinate of Z, what is written, what E^G has."""


def _label_differences(written: Mapping[str, Any], expected: Mapping[str, Any]) -> list[Difference]:
    pairs = enumerate(zip(written["labels"], expected["labels"], strict=True))
    return [(f"space.labels[{i}]", i, str(a), str(b)) for i, (a, b) in pairs if a != b]


def _row_differences(written: Mapping[str, Any], expected: Mapping[str, Any]) -> list[Difference]:
    if len(written["rows"]) != len(expected["rows"]):
        return []
    found = []
    for position, (row, other) in enumerate(zip(written["rows"], expected["rows"], strict=True)):
        for column in sorted({*row, *other}, key=int):
            given, wanted = row.get(column, "0"), other.get(column, "0")
            if given != wanted and parse_exact(given) != parse_exact(wanted):
                found.append((f'space.rows[{position}]["{column}"]', int(column), given, wanted))
    return found


def unreadable(written: Mapping[str, Any]) -> str:
    """The first entry of a written space that is no label or no exact number, "" where there is none."""
    labels, rows = written.get("labels"), written.get("rows")
    for i, label in enumerate(labels if isinstance(labels, list) else []):
        if isinstance(label, bool) or not isinstance(label, int):
            return f"space.labels[{i}]"
    for i, row in enumerate(rows if isinstance(rows, list) and written.get("kind") == "basis" else []):
        for column, text in row.items() if isinstance(row, dict) else ():
            if not _is_exact(text):
                return f'space.rows[{i}]["{column}"]'
    return ""


def _is_exact(text: Any) -> bool:
    try:
        parse_exact(text)
    except (GroupError, TypeError, AttributeError):
        return False
    return True


def orthogonality_fault(matrix: DomainMatrix, key: str) -> str:
    """The entry of a matrix that alone spoils M M^T = 1, with its key; else two rows that are not orthonormal."""
    rows = _common_index(_defects(matrix * matrix.transpose()))
    columns = _common_index(_defects(matrix.transpose() * matrix))
    if len(rows) == 1 and len(columns) == 1:
        return f"{key}[{rows[0]}][{columns[0]}]"
    involved = sorted({i for pair in _defects(matrix * matrix.transpose()) for i in pair})
    return f"{key}, rows {' and '.join(map(str, involved[:2]))}"


def _defects(gram: DomainMatrix) -> list[tuple[int, int]]:
    """Where a Gram matrix is not the unit matrix."""
    difference = gram - identity_matrix(gram.shape[0], gram.domain)
    return [(i, j) for i, row in rows_of(difference).items() for j in row]


def _common_index(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Indices that occur in every pair."""
    return sorted(set.intersection(*(set(pair) for pair in pairs))) if pairs else []


def skewness_fault(matrix: DomainMatrix, key: str) -> str:
    """The first two entries of a matrix that are not opposite."""
    total = rows_of(matrix + matrix.transpose())
    i = min(total)
    j = min(total[i])
    return f"{key}[{i}][{j}] and {key}[{j}][{i}]"


def pointwise_fault(matrix: DomainMatrix, key: str) -> str:
    """The first negative entry of a signed permutation; of another matrix the first entry that is not 0, 1 or -1."""
    one, zero = matrix.domain.one, matrix.domain.zero
    image = as_signed_permutation(matrix)
    for i, row in sorted(rows_of(matrix).items()):
        for j, value in sorted(row.items()):
            if value == -one if image is not None else value not in (one, -one, zero):
                return f"{key}[{i}][{j}]"
    return key


def sign_faults(spec: SharingSpec, pairs: Sequence[Move], is_fixed_by: Callable[[Move], bool]) -> list[str]:
    """Entries of generators each of which, with the other sign, lets its generator fix the space.

    Args:
        spec: what is claimed. pairs: its generators. is_fixed_by: says exactly whether a generator fixes the space;
            asked only where the space is no tying or the generator no signed permutation.
    """
    images = [[as_signed_permutation(matrix) for matrix in pair] for pair in pairs]
    found: list[str] = []
    for position, (pair, image) in enumerate(zip(pairs, images, strict=True)):
        labels = spec.space.tying
        known = [signed for signed in image if signed is not None]
        if labels is not None and len(known) == len(pair):
            if sum(spec.dims) * spec.space.ambient <= MAX_FLIPS:
                found += _sparse_flips(spec, labels, known, position)
        elif sum(spec.dims) <= MAX_EXACT_FLIPS:
            found += _exact_flips(pair, image, position, is_fixed_by)
    return found


SignedPermutation = tuple[list[int], list[int]]
"""Images and signs: e_i goes to sign[i] e_image[i]."""


def _sparse_flips(
    spec: SharingSpec, labels: NDArray[np.int32], images: Sequence[SignedPermutation], position: int
) -> Iterator[str]:
    perms, signs = [np.array(image) for image, _ in images], [np.array(sign) for _, sign in images]
    if _fixes(spec, labels, perms, signs):
        return
    for side, sign in enumerate(signs):
        for column in range(len(sign)):
            sign[column] *= -1
            if _fixes(spec, labels, perms, signs):
                yield f"{matrix_key('generators', position, side)}[{perms[side][column]}][{column}]"
            sign[column] *= -1


def _exact_flips(
    pair: Move, images: Sequence[SignedPermutation | None], position: int, is_fixed_by: Callable[[Move], bool]
) -> Iterator[str]:
    if is_fixed_by(pair):
        return
    for side, image in enumerate(images):
        for column in range(len(image[0]) if image is not None else 0):
            if image is not None and is_fixed_by(_flipped(pair, side, column)):
                yield f"{matrix_key('generators', position, side)}[{image[0][column]}][{column}]"


def _flipped(pair: Move, side: int, column: int) -> Move:
    """A generator with the signs of one column on one side changed."""
    matrix = pair[side]
    rows = {i: {j: -v if j == column else v for j, v in row.items()} for i, row in rows_of(matrix).items()}
    return (*pair[:side], sparse_matrix(rows, matrix.shape, matrix.domain), *pair[side + 1 :])


def _fixes(
    spec: SharingSpec, labels: NDArray[np.int32], perms: Sequence[NDArray[Any]], signs: Sequence[NDArray[Any]]
) -> bool:
    """Whether (e_i -> sign_i e_perm(i)) on every side maps a tying pattern to itself, entry by entry."""
    for block in spec.blocks:
        rows, columns = spec.sides[block.name]
        entries = labels[spec.slice_of(block.name)].reshape(block.shape)
        if columns is None:
            moved, flips = entries[perms[rows]], signs[rows]
        else:
            moved = entries[np.ix_(perms[rows], perms[columns])]
            flips = np.multiply.outer(signs[rows], signs[columns])
        if not np.array_equal(moved * flips, entries):
            return False
    return True


def number_faults(space: Subspace, vector: NDArray[np.float64]) -> list[int]:
    """Coordinates of a vector (n,) each of which alone explains that it is not in a space; else the most deviant."""
    residual = vector - space.project(vector)
    if len(vector) <= MAX_SEARCHED:
        units = np.eye(len(vector))
        units -= space.project(units)
        lengths = (units**2).sum(axis=1)
        scale = np.divide(units @ residual, lengths, out=np.zeros(len(vector)), where=lengths > PARALLEL)
        off = np.linalg.norm(residual - scale[:, None] * units, axis=1)
        found = np.flatnonzero(off <= PARALLEL * np.linalg.norm(residual))
        if len(found):
            return [int(k) for k in found]
    return [int(np.abs(residual).argmax())]


def matrix_key(kind: str, position: int, side: int = INPUTS) -> str:
    """The key of a generator's matrix in a file."""
    return f"{kind}[{position}].{SIDES[side]}"
