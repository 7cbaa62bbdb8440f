"""Groups read from JSON files: {"name": .., "generators": [{"in": [[..]], "out": [[..]]}, ..]}.

Everything is checked before it is used: each refusal is one line that names the file and the generator. Exact
numbers are parsed in `numbers`, matrix groups become permutation groups in `orbits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError, RepresentationError, one_line
from sharefind.exact.fields import check_work, element_bits, inverse_cost
from sharefind.exact.matrices import identity_matrix, is_orthogonal_matrix, rows_of
from sharefind.exact.numbers import exact_domain, exact_matrix
from sharefind.formats import parse_json
from sharefind.groups.constructors import trivial
from sharefind.groups.enumeration import enumerate_elements
from sharefind.groups.from_matrices import first_failure, unchecked, word_text
from sharefind.groups.group import FiniteGroup
from sharefind.groups.orbits import orbit_action
from sharefind.groups.representation import Representation
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits, raise_it, read_within
from sharefind.storage import advice

MAX_FILE_BYTES = 5_000_000
"""Largest generator file, in bytes, where no limit is given."""

MAX_FILE_ENTRIES = 200_000_000
"""Most entries (order x points) of the listed group; a hard limit."""

MAX_FILE_GENERATORS = 100
"""Most generators in a file."""

MAX_NAME_LENGTH = 100

MAX_RANK_WORK = 20_000
"""Up to this cost, a matrix that is not orthogonal is also looked at for being singular: 2 x 2 up to degree 13."""

PLAIN_BITS = 64
"""Bits of numbers that cost no more than small ones."""

Rows = list[list[Any]]


@dataclass(frozen=True)
class GeneratorFile:
    """A group given by matrices: the abstract group and its representations on inputs and on outputs."""

    group: FiniteGroup
    in_rep: Representation
    out_rep: Representation


def load_generators(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> GeneratorFile:
    """Read a group and its two orthogonal representations; entries are integers or texts such as "sqrt(3)/2".

    The group is the one that the input matrices generate, as permutations of an orbit of vectors.

    Raises:
        GroupError: unreadable, not JSON, not of the documented form, an inexact entry, a singular generator,
            or a group that is infinite or above the limits on its order and on its points.
        RepresentationError: a generator that is not orthogonal, or outputs that are no homomorphic image of
            the group that the inputs generate.
    """
    path = Path(path)
    name, pairs = _parse(path, _read(path, limits))
    ins, outs = (_exact(path, [pair[side] for pair in pairs], side) for side in ("in", "out"))
    group = _group(path, name, ins, limits)
    kept = _kept(path, ins, outs)
    in_rep = _representation(group, [ins[i] for i in kept], ins[0].shape[0], f"{name}:in")
    out_rep = _representation(group, [outs[i] for i in kept], outs[0].shape[0], f"{name}:out")
    _check_outputs(path, out_rep, kept)
    return GeneratorFile(group, in_rep, out_rep)


def _read(path: Path, limits: Limits) -> Any:
    if path.suffix.lower() in PICKLES:
        _refuse(path, 'such files can run code when they are read; write {"name": ..., "generators": [...]} as JSON')
    try:
        most = limits.bytes_of(MAX_FILE_BYTES)
        content = read_within(path, most)
        if isinstance(content, int):
            _refuse(path, f"the file is above {most} bytes; give fewer generators, or {raise_it('file_size', content)}")
        return parse_json(content)
    except OSError as error:
        raise GroupError(f"{path}: cannot be read ({error.strerror}); {advice(error)}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, GroupError):
            raise
        reason = "nested too deep" if isinstance(error, RecursionError) else one_line(error)
        raise GroupError(f"{path}: is not JSON ({reason}); write a JSON object") from error


def _parse(path: Path, data: Any) -> tuple[str, list[dict[str, Rows]]]:
    """The name and the raw matrices, their form and sizes checked."""
    if not isinstance(data, dict):
        _refuse(path, 'holds no JSON object; write {"name": ..., "generators": [...]}')
    for key in ("name", "generators"):
        if key not in data:
            _refuse(path, f'the key "{key}" is missing; write {{"name": ..., "generators": [...]}}')
    name, generators = data["name"], data["generators"]
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= MAX_NAME_LENGTH:
        _refuse(path, f'"name" must be a text of 1 to {MAX_NAME_LENGTH} printable characters')
    if not isinstance(generators, list) or not 1 <= len(generators) <= MAX_FILE_GENERATORS:
        _refuse(path, f'"generators" must be a list of 1 to {MAX_FILE_GENERATORS} pairs of matrices')
    pairs = [_pair(path, position, generator) for position, generator in enumerate(generators)]
    for side in ("in", "out"):
        sizes = [len(pair[side]) for pair in pairs]
        odd = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
        if odd is not None:
            first, other = (f"{size} x {size}" for size in (sizes[0], sizes[odd]))
            _refuse(path, f'"{side}" is {first} in generator 0 and {other} in generator {odd}; use one size')
    return name, pairs


def _pair(path: Path, position: int, generator: Any) -> dict[str, Rows]:
    if not isinstance(generator, dict):
        _refuse(path, f'generator {position} is not an object; write {{"in": [[..]], "out": [[..]]}}')
    for side in ("in", "out"):
        if side not in generator:
            _refuse(path, f'generator {position} has no "{side}"; write {{"in": [[..]], "out": [[..]]}}')
        rows = generator[side]
        if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
            _refuse(path, f'"{side}" of generator {position} is not a matrix; write a list of rows')
        if any(len(row) != len(rows) for row in rows):
            where, n = f'"{side}" of generator {position}', len(rows)
            _refuse(path, f"{where} is ragged or not square; write {n} rows of {n} entries")
    return {side: generator[side] for side in ("in", "out")}


def _exact(path: Path, raw: list[Rows], side: str) -> list[DomainMatrix]:
    """Exact matrices over one field, each checked to be orthogonal."""
    try:
        domain = exact_domain(_entries(raw))
        matrices = [exact_matrix(rows, domain) for rows in raw]
        check_work(sum(len(row) ** 2 for m in matrices for row in rows_of(m).values()), domain)
    except GroupError as error:
        raise GroupError(f'{path}: in "{side}", {error}') from error
    for position, matrix in enumerate(matrices):
        if not is_orthogonal_matrix(matrix):
            _refuse_matrix(path, matrix, f'"{side}" of generator {position}')
    return matrices


def _entries(raw: list[Rows]) -> list[Any]:
    """The different entries; all but integers and texts are refused, true and 1.0 included."""
    entries = [entry for rows in raw for row in rows for entry in row]
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, (int, str)):
            raise GroupError(f"the entry {str(entry)[:40]!r} is not exact; write an integer or a text such as '1/2'")
    return list(dict.fromkeys(entries))


def _refuse_matrix(path: Path, matrix: DomainMatrix, where: str) -> NoReturn:
    bits = max((element_bits(value) for row in rows_of(matrix).values() for value in row.values()), default=0)
    work = matrix.shape[0] ** 3 * inverse_cost(matrix.domain) * max(1, bits // PLAIN_BITS)
    if work <= MAX_RANK_WORK and matrix.rank() < matrix.shape[0]:
        _refuse(path, f"{where} is singular; a group acts by invertible matrices")
    raise RepresentationError(
        f"{path}: {where} is not orthogonal; change to an orthogonal basis, in which the inverse is the transpose"
    )


def _group(path: Path, name: str, ins: list[DomainMatrix], limits: Limits) -> FiniteGroup:
    what = 'the "in" matrices generate a group'
    try:
        action = orbit_action(ins, limits.group_order, limits.degree)
    except GroupError as error:
        _refuse(path, f'"in": {error}')
    if action is None:
        _refuse_order(path, limits)
    held = MAX_FILE_ENTRIES // action.degree
    listed = enumerate_elements(action.perms, min(limits.group_order, held))
    if listed is None and held < limits.group_order:
        _refuse(path, f"{what} above {held} elements on {action.degree} points, a hard limit; give a smaller group")
    if listed is None:
        _refuse_order(path, limits)
    generators = tuple(tuple(int(i) for i in perm) for perm in action.perms)
    return FiniteGroup(name, action.degree, generators, known_order=len(listed.elements))


def _refuse_order(path: Path, limits: Limits) -> NoReturn:
    what = f'the "in" matrices generate a group that is infinite or above {limits.group_order} elements'
    _refuse(path, f"{what}; give generators of a smaller group, or {raise_it('group_order')}")


def _kept(path: Path, ins: list[DomainMatrix], outs: list[DomainMatrix]) -> list[int]:
    """Generators other than the identity on inputs; those must be the identity on outputs too."""
    kept = []
    for position, (a, b) in enumerate(zip(ins, outs, strict=True)):
        if a != identity_matrix(a.shape[0], a.domain):
            kept.append(position)
        elif b != identity_matrix(b.shape[0], b.domain):
            _not_a_homomorphism(path, f"g{position}")
    return kept


def _representation(group: FiniteGroup, matrices: list[DomainMatrix], dim: int, name: str) -> Representation:
    return unchecked(group, matrices, name) if matrices else trivial(group, dim)


def _check_outputs(path: Path, out_rep: Representation, kept: list[int]) -> None:
    """Whether the outputs are a homomorphic image of the group that the inputs generate."""
    failure = first_failure(_as_permutations(path, out_rep) or out_rep)
    if failure is None:
        return
    group = out_rep.finite_group
    k, j = failure
    there = [kept[letter] for letter in (*group.word(k), j)]
    back = [kept[letter] for letter in reversed(group.word(int(group.enumeration().right[k, j])))]
    _not_a_homomorphism(path, "*".join(filter(None, [word_text(there), *(f"g{letter}^-1" for letter in back)])))


def _as_permutations(path: Path, rep: Representation) -> Representation | None:
    """The same generators as permutations of an orbit, faster to check; None when the orbit is too large."""
    group = rep.finite_group
    if rep.is_sparse:
        return None
    try:
        action = orbit_action(rep.generator_matrices, group.order)
    except GroupError as error:
        _refuse(path, f'"out": {error}')
    if action is None:
        return None
    signs = np.ones(action.perms.shape, dtype=np.int8)
    return Representation(group, action.degree, rep.name, "permutation", perms=action.perms, signs=signs)


def _not_a_homomorphism(path: Path, word: str) -> NoReturn:
    raise RepresentationError(
        f"{path}: not a homomorphism: the word {word} is the identity on inputs but not on outputs; "
        "correct the matrices of its generators"
    )


def _refuse(path: Path, what: str) -> NoReturn:
    raise GroupError(f"{path}: {what}")
