"""Groups read from JSON files: {"name": .., "generators": [{"in": [[..]], "out": [[..]]}, ..]}.

Or the point group of points at rest: {"rest": [[x, y, z], ..], "kinds": ["C", ..], "outputs": "scalar"}.

Everything is checked before use. Each error message is one line that names the file and the generator.
`sharefind.exact.numbers` parses exact numbers; `orbits` turns matrix groups into permutation groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError, RepresentationError, one_line
from sharefind.exact.fields import check_work, element_bits, inverse_cost
from sharefind.exact.matrices import (
    common_matrices,
    identity_matrix,
    is_orthogonal_matrix,
    rows_of,
    signed_image,
)
from sharefind.exact.numbers import exact_domain, exact_matrix
from sharefind.formats import parse_json
from sharefind.groups.constructors import trivial
from sharefind.groups.enumeration import enumerate_elements
from sharefind.groups.from_matrices import first_failure, unchecked, word_text
from sharefind.groups.group import FiniteGroup
from sharefind.groups.images import ones
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.named_points import turning_group
from sharefind.groups.orbits import orbit_action
from sharefind.groups.representation import Representation
from sharefind.groups.resting_points import RestingPoints, resting_group
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits, raise_it, read_within
from sharefind.storage import advice
from sharefind.typing import FloatArray, IntArray

Rows = list[list[Any]]


@dataclass(frozen=True)
class GeneratorFile:
    """A group given by matrices.

    Attributes:
        group: The abstract group.
        in_rep: Its representation on inputs.
        out_rep: Its representation on outputs.
    """

    group: FiniteGroup
    in_rep: Representation
    out_rep: Representation


@dataclass(frozen=True)
class FileBounds:
    """Size limits of a generator file, in addition to `Limits`; users cannot raise them.

    Attributes:
        bytes: Largest file in bytes, if `Limits.file_size` is None.
        entries: Largest number of entries (order x points) of the listed group.
        generators: Largest number of generators.
        name: Largest length of a name, in characters.
        rank_work: Largest cost at which a matrix that is not orthogonal is also checked for being singular: 2 x 2 up to
            degree 13.
        plain_bits: Size in bits up to which numbers cost no more than small ones.
    """

    bytes: int = 5_000_000
    entries: int = 200_000_000
    generators: int = 100
    name: int = 100
    rank_work: int = 20_000
    plain_bits: int = 64


FILE_BOUNDS = FileBounds()
"""Default limits."""


def load_generators(
    path: str | Path, limits: Limits = DEFAULT_LIMITS, bounds: FileBounds = FILE_BOUNDS
) -> GeneratorFile:
    """Return a group and its two orthogonal representations, read from a file.

    The input matrices generate the group, which acts as permutations of an orbit of vectors. Entries are integers or
    texts such as "sqrt(3)/2". Positions at rest stand for their point group: it acts on a vector for each point, turns
    all of them and permutes the points.

    Args:
        path: The file.
        limits: Limits on the order of the group, on its points and on the size of the file.
        bounds: Further size limits.

    Raises:
        GroupError: The file cannot be read, is not JSON or not of the documented form, an entry is not exact, a
            generator is singular, or the group is infinite or exceeds the limits.
        RepresentationError: A generator is not orthogonal, or the map from input matrices to output matrices is not a
            homomorphism.
    """
    return _Reader(Path(path), limits, bounds).read()


def group_of_matrices(
    source: str,
    name: str,
    ins: Sequence[DomainMatrix],
    outs: Sequence[DomainMatrix],
    limits: Limits = DEFAULT_LIMITS,
    bounds: FileBounds = FILE_BOUNDS,
) -> GeneratorFile:
    """Return the group that orthogonal matrices generate, as `load_generators` does.

    Args:
        source: Beginning of every message, such as the name of a file.
        name: Name of the group.
        ins: Actions of the generators on inputs, exact and orthogonal, over one field.
        outs: Their actions on outputs, in the same order.
        limits: Limits on the order of the group and on its points.
        bounds: Further size limits.

    Raises:
        GroupError: The group is infinite or exceeds the limits.
        RepresentationError: The map from input matrices to output matrices is not a homomorphism.
    """
    return _Reader(Path(source), limits, bounds).made(name, list(ins), list(outs))


def group_at_rest(
    source: str, positions: FloatArray, kinds: Sequence[str], outputs: str = "scalar", limits: Limits = DEFAULT_LIMITS
) -> GeneratorFile:
    """Return the point group of points at rest, which turns a vector for each point and permutes the points.

    Args:
        source: Opens every message.
        positions: Float (k, 3).
        kinds: Kind of each point; points of one kind are alike.
        outputs: "scalar", "vector", or "vectors" for one of each point.
        limits: Limits on the order of the group and on its points.

    Raises:
        GroupError: The points have no finite group, or none but the identity.
    """
    reader = _Reader(Path(source), limits, FILE_BOUNDS)
    return reader.at_rest({"rest": positions.tolist(), "kinds": list(kinds), "outputs": outputs})


@dataclass(frozen=True)
class _Reader:
    path: Path
    limits: Limits
    bounds: FileBounds

    def read(self) -> GeneratorFile:
        data = self.content()
        if isinstance(data, dict) and "rest" in data:
            return self.at_rest(data)
        name, pairs = self.parsed(data)
        ins, outs = (self.exact([pair[side] for pair in pairs], side) for side in ("in", "out"))
        return self.made(name, ins, outs)

    def made(
        self, name: str, ins: list[DomainMatrix], outs: list[DomainMatrix], turns: Sequence[DomainMatrix] = ()
    ) -> GeneratorFile:
        group = self.group(name, ins, outs)
        if turns:
            group = turning_group(group, turns)
        kept = self.kept(ins, outs)
        in_rep, out_rep = (
            unchecked(group, [matrices[i] for i in kept], f"{name}:{side}")
            if kept
            else trivial(group, matrices[0].shape[0])
            for side, matrices in (("in", ins), ("out", outs))
        )
        self.check_outputs(out_rep, kept)
        return GeneratorFile(group, in_rep, out_rep)

    def at_rest(self, data: dict[str, Any]) -> GeneratorFile:
        """The point group of positions at rest, which turns vectors and permutes the points."""
        rest, kinds, outputs = data["rest"], data.get("kinds"), data.get("outputs", "scalar")
        kinds = ["point"] * len(rest) if kinds is None and isinstance(rest, list) else kinds
        if unknown := sorted(set(data) - {"name", "rest", "kinds", "outputs"}):
            self.refuse(f'"{unknown[0]}" is no key beside "rest"; use "kinds" and "outputs"')
        if not _are_positions(rest) or not isinstance(kinds, list) or len(kinds) != len(rest):
            self.refuse('"rest" must be a list of positions [x, y, z], and "kinds" a list with a text for each')
        if outputs not in ("scalar", "vector", "vectors"):
            self.refuse('"outputs" must be "scalar", "vector", or "vectors" for one of each point')
        with self.naming(""):
            found = resting_group(RestingPoints(np.array(rest, dtype=np.float64), tuple(map(str, kinds))))
        ins = found.on_points()
        one = [identity_matrix(1, matrix.domain) for matrix in ins]
        outs = {"scalar": one, "vector": list(common_matrices(found.turns)), "vectors": ins}[outputs]
        return self.made(found.name, ins, outs, found.turns)

    def refuse(self, what: str) -> NoReturn:
        raise GroupError(f"{self.path}: {what}")

    @contextmanager
    def naming(self, where: str) -> Iterator[None]:
        """Put the file and the place before an error message."""
        try:
            yield
        except GroupError as error:
            raise GroupError(f"{self.path}: {where}{error}") from error

    def content(self) -> Any:
        if self.path.suffix.lower() in PICKLES:
            self.refuse('such files can run code when they are read; write {"name": ..., "generators": [...]} as JSON')
        try:
            most = self.limits.bytes_of(self.bounds.bytes)
            content = read_within(self.path, most)
            if isinstance(content, int):
                raised = raise_it("file_size", content)
                self.refuse(f"the file is above {most} bytes; give fewer generators, or {raised}")
            return parse_json(content)
        except OSError as error:
            raise GroupError(f"{self.path}: cannot be read ({error.strerror}); {advice(error)}") from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, GroupError):
                raise
            reason = "nested too deep" if isinstance(error, RecursionError) else one_line(error)
            raise GroupError(f"{self.path}: is not JSON ({reason}); write a JSON object") from error

    def parsed(self, data: Any) -> tuple[str, list[dict[str, Rows]]]:
        """Return the name and the raw matrices after checking their form and sizes."""
        bounds = self.bounds
        if not isinstance(data, dict):
            self.refuse('holds no JSON object; write {"name": ..., "generators": [...]}')
        for key in ("name", "generators"):
            if key not in data:
                self.refuse(f'the key "{key}" is missing; write {{"name": ..., "generators": [...]}}')
        name, generators = data["name"], data["generators"]
        if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= bounds.name:
            self.refuse(f'"name" must be a text of 1 to {bounds.name} printable characters')
        if not isinstance(generators, list) or not 1 <= len(generators) <= bounds.generators:
            self.refuse(f'"generators" must be a list of 1 to {bounds.generators} pairs of matrices')
        pairs = [self.pair(position, generator) for position, generator in enumerate(generators)]
        for side in ("in", "out"):
            sizes = [f"{len(pair[side])} x {len(pair[side])}" for pair in pairs]
            odd = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
            if odd is not None:
                self.refuse(f'"{side}" is {sizes[0]} in generator 0 and {sizes[odd]} in generator {odd}; use one size')
        return name, pairs

    def pair(self, position: int, generator: Any) -> dict[str, Rows]:
        if not isinstance(generator, dict):
            self.refuse(f'generator {position} is not an object; write {{"in": [[..]], "out": [[..]]}}')
        for side in ("in", "out"):
            if side not in generator:
                self.refuse(f'generator {position} has no "{side}"; write {{"in": [[..]], "out": [[..]]}}')
            rows, where = generator[side], f'"{side}" of generator {position}'
            if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
                self.refuse(f"{where} is not a matrix; write a list of rows")
            if any(len(row) != len(rows) for row in rows):
                self.refuse(f"{where} is ragged or not square; write {len(rows)} rows of {len(rows)} entries")
        return {side: generator[side] for side in ("in", "out")}

    def exact(self, raw: list[Rows], side: str) -> list[DomainMatrix]:
        """Return exact matrices over one field, each checked to be orthogonal."""
        with self.naming(f'in "{side}", '):
            domain = exact_domain(_entries(raw))
            matrices = [exact_matrix(rows, domain) for rows in raw]
            check_work(sum(len(row) ** 2 for m in matrices for row in rows_of(m).values()), domain)
        for position, matrix in enumerate(matrices):
            if not is_orthogonal_matrix(matrix):
                self.refuse_matrix(matrix, f'"{side}" of generator {position}')
        return matrices

    def refuse_matrix(self, matrix: DomainMatrix, where: str) -> NoReturn:
        bits = max((element_bits(value) for row in rows_of(matrix).values() for value in row.values()), default=0)
        work = matrix.shape[0] ** 3 * inverse_cost(matrix.domain) * max(1, bits // self.bounds.plain_bits)
        if work <= self.bounds.rank_work and matrix.rank() < matrix.shape[0]:
            self.refuse(f"{where} is singular; a group acts by invertible matrices")
        raise RepresentationError(
            f"{self.path}: {where} is not orthogonal; change to an orthogonal basis, in which the inverse is the "
            "transpose"
        )

    def group(self, name: str, ins: list[DomainMatrix], outs: list[DomainMatrix]) -> FiniteGroup:
        most = self.limits.group_order
        with self.naming('"in": '):
            perms = orbit_action(ins, most, self.limits.degree)
        if perms is not None and all(signed_image(m) is not None for m in (*ins, *outs)):
            return self.permuting(name, perms)
        listed, held = None, most
        if perms is not None:
            held = self.bounds.entries // perms.shape[1]
            listed = enumerate_elements(perms, min(most, held))
        what = 'the "in" matrices generate a group'
        if perms is not None and listed is not None:
            generators = tuple(map(tuple, perms.tolist()))
            return FiniteGroup(name, perms.shape[1], generators, known_order=len(listed.elements))
        if perms is not None and held < most:
            points = perms.shape[1]
            self.refuse(f"{what} above {held} elements on {points} points, a hard limit; give a smaller group")
        raised = raise_it("group_order")
        self.refuse(
            f"{what} that is infinite or above {most} elements; give generators of a smaller group, or {raised}"
        )

    def permuting(self, name: str, perms: IntArray) -> FiniteGroup:
        """Return a group that only permutes columns and changes signs; it may be large, since it need not be listed."""
        generators, points = tuple(map(tuple, perms.tolist())), perms.shape[1]
        listed = enumerate_elements(perms, FiniteGroup.most_at_once)
        if listed is not None:
            return FiniteGroup(name, points, generators, known_order=len(listed.elements))
        with self.naming('"in": '):
            chain = StabiliserChain.of(perms, points, most=FiniteGroup.most_unlisted)
        return FiniteGroup(name, points, generators, known_order=chain.order)

    def kept(self, ins: list[DomainMatrix], outs: list[DomainMatrix]) -> list[int]:
        """Return the generators that are not the identity on inputs; the others must be the identity on outputs too."""
        kept = []
        for position, (a, b) in enumerate(zip(ins, outs, strict=True)):
            if a != identity_matrix(a.shape[0], a.domain):
                kept.append(position)
            elif b != identity_matrix(b.shape[0], b.domain):
                self.refuse_word(f"g{position}")
        return kept

    def check_outputs(self, out_rep: Representation, kept: list[int]) -> None:
        """Check that the map from input matrices to output matrices is a homomorphism."""
        if out_rep.is_sparse and not out_rep.finite_group.is_small:
            self.check_orders(out_rep)
            return
        failure = first_failure(self.as_permutations(out_rep))
        if failure is None:
            return
        group = out_rep.finite_group
        k, j = failure
        there = [kept[letter] for letter in (*group.word(k), j)]
        back = [kept[letter] for letter in reversed(group.word(int(group.enumeration().right[k, j])))]
        self.refuse_word("*".join(filter(None, [word_text(there), *(f"g{letter}^-1" for letter in back)])))

    def check_orders(self, out_rep: Representation) -> None:
        """Check the same for a group that is not listed: on inputs and outputs together it must have the same order."""
        joint, order = JointPoints.of([out_rep]).generators, out_rep.finite_group.order
        try:
            together = StabiliserChain.of(joint, joint.shape[1], most=order).order
        except GroupError:
            together = order + 1
        if together != order:
            raise RepresentationError(
                f"{self.path}: not a homomorphism: some product of the generators is the identity on inputs but not on "
                "outputs; correct the matrices"
            )

    def as_permutations(self, rep: Representation) -> Representation:
        """Return the same generators as permutations of an orbit, which are faster to check; unchanged if the orbit is
        too large.
        """
        if rep.is_sparse:
            return rep
        with self.naming('"out": '):
            perms: IntArray | None = orbit_action(rep.generator_matrices, rep.finite_group.order)
        if perms is None:
            return rep
        return Representation(rep.group, perms.shape[1], rep.name, "permutation", perms=perms, signs=ones(*perms.shape))

    def refuse_word(self, word: str) -> NoReturn:
        raise RepresentationError(
            f"{self.path}: not a homomorphism: the word {word} is the identity on inputs but not on outputs; "
            "correct the matrices of its generators"
        )


def _are_positions(rest: Any) -> bool:
    """Whether this is a list of three finite numbers each."""
    return isinstance(rest, list) and all(
        isinstance(row, list)
        and len(row) == 3
        and all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in row)
        for row in rest
    )


def _entries(raw: list[Rows]) -> list[Any]:
    """Return the different entries; refuse all but integers and texts, including true and 1.0."""
    entries = [entry for rows in raw for row in rows for entry in row]
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, (int, str)):
            raise GroupError(f"the entry {str(entry)[:40]!r} is not exact; write an integer or a text such as '1/2'")
    return list(dict.fromkeys(entries))
