"""The elements of a group under which a network is audited: generators always, all elements of small groups, random
ones of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.linalg import expm

from sharefind.exact.matrices import to_float
from sharefind.groups import CompactGroup, FiniteGroup, Representation, cycle_notation
from sharefind.groups.images import sparse_word
from sharefind.groups.joint_points import JointPoints
from sharefind.rng import named_stream
from sharefind.typing import FloatArray, IntArray
from sharefind.written import shortened


@dataclass(frozen=True)
class ElementSettings:
    """Which elements are taken.

    Attributes:
        all_up_to: Order up to which all elements of a finite group are taken.
        draws: Number of random elements of a larger group, beside its generators.
        letters: Number of generators in a random word, for groups that are too large to list and whose matrices are
            no signed permutations.
        angle: Parameter t of the elements exp(t X) that stand for the basis of a Lie algebra.
        name_length: Longest name of an element, in characters.
        seed: Seed of the random elements.
    """

    all_up_to: int = 64
    draws: int = 24
    letters: int = 64
    angle: float = 1.0
    name_length: int = 40
    seed: int = 0


ELEMENTS = ElementSettings()
"""Default settings."""


@dataclass(frozen=True, eq=False)
class RowAction:
    """The action of an element on rows of numbers: a signed permutation of their positions, or a matrix.

    Attributes:
        perm: Place to which each number goes, shape (dim,); None for a matrix.
        sign: Factor 1 or -1 of each number, shape (dim,); None for a matrix.
        dense: The matrix, shape (dim, dim); None for a signed permutation.
    """

    perm: IntArray | None = None
    sign: IntArray | None = None
    dense: FloatArray | None = None

    @classmethod
    def of(cls, matrix: FloatArray) -> RowAction:
        """Return the move of a matrix.

        Args:
            matrix: Shape (dim, dim).
        """
        is_signed = np.isin(matrix, (-1.0, 0.0, 1.0)).all() and (np.count_nonzero(matrix, axis=0) == 1).all()
        if not is_signed:
            return cls(dense=matrix)
        perm = np.abs(matrix).argmax(axis=0)
        return cls(perm, matrix[perm, np.arange(len(matrix))].astype(np.int64))

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Return rho(g) of each row, shape (n, dim).

        Args:
            rows: Shape (n, dim).
        """
        if self.perm is None or self.sign is None:
            return np.asarray(rows @ self.matrix.T)
        moved = np.empty_like(rows)
        moved[:, self.perm] = rows * self.sign
        return moved

    def undone(self, rows: FloatArray) -> FloatArray:
        """Return rho(g)^-1 of each row, shape (n, dim).

        Args:
            rows: Shape (n, dim).
        """
        if self.perm is None or self.sign is None:
            return np.asarray(np.linalg.solve(self.matrix, rows.T).T)
        return rows[:, self.perm] * self.sign

    @property
    def matrix(self) -> FloatArray:
        """The matrix, shape (dim, dim)."""
        if self.perm is None or self.sign is None:
            return np.empty((0, 0)) if self.dense is None else self.dense
        return signed_matrix(self.perm, self.sign)

    @property
    def rounds(self) -> bool:
        """Whether moved numbers must be rounded."""
        return self.perm is None

    @property
    def mixed(self) -> tuple[IntArray, IntArray]:
        """Pairs of places that are mixed, shape (pairs,) each."""
        if self.perm is not None:
            return np.arange(len(self.perm)), np.asarray(self.perm, dtype=np.int64)
        heads, tails = np.nonzero(np.abs(self.matrix) > np.finfo(np.float64).eps * len(self.matrix))
        return heads, tails


@dataclass(frozen=True, eq=False)
class Element:
    """An element of a group with what it does.

    Attributes:
        name: Cycles of its permutation, or words for an element of a continuous group.
        generator: Number of the generator that it is, counted from 1; None for any other element.
        on_inputs: Its action on inputs.
        on_outputs: Its action on outputs.
        permutation: The permutation of the group's points; None for an element of a continuous group.
    """

    name: str
    generator: int | None
    on_inputs: RowAction
    on_outputs: RowAction
    permutation: tuple[int, ...] | None = None

    @property
    def title(self) -> str:
        """The name, with the number of the generator."""
        return self.name if self.generator is None else f"{self.name}, generator {self.generator}"


def elements_of(
    in_rep: Representation, out_rep: Representation, settings: ElementSettings = ELEMENTS
) -> tuple[Element, ...]:
    """Return the elements under which a network is audited, generators first, without the identity.

    Args:
        in_rep: How the group acts on inputs.
        out_rep: How it acts on outputs.
        settings: Which elements are taken.
    """
    group = in_rep.group
    if isinstance(group, FiniteGroup):
        return _finite(group, in_rep, out_rep, settings)
    return tuple(_continuous(in_rep, out_rep, settings))


def are_all(group_order: int | None, elements: Sequence[Element]) -> bool:
    """Return whether these are all elements of the group but the identity.

    Args:
        group_order: Order of the group; None for an infinite one.
        elements: Elements from `elements_of`.
    """
    return group_order is not None and len(elements) == group_order - 1


def _finite(
    group: FiniteGroup, in_rep: Representation, out_rep: Representation, settings: ElementSettings
) -> tuple[Element, ...]:
    generators = [_generator_moves(rep) for rep in (in_rep, out_rep)]
    found = [
        Element(_cycles(g, settings), k + 1, on_inputs, on_outputs, g)
        for k, (g, on_inputs, on_outputs) in enumerate(zip(group.generators, *generators, strict=True))
    ]
    known = {element.permutation for element in found} | {tuple(range(group.degree))}
    for permutation, on_inputs, on_outputs in _others(group, in_rep, out_rep, settings):
        if permutation not in known:
            known.add(permutation)
            found.append(Element(_cycles(permutation, settings), None, on_inputs, on_outputs, permutation))
    return tuple(found)


def _cycles(permutation: tuple[int, ...], settings: ElementSettings) -> str:
    return shortened(cycle_notation(permutation), settings.name_length)


_Drawn = tuple[tuple[int, ...], RowAction, RowAction]


def _others(
    group: FiniteGroup, in_rep: Representation, out_rep: Representation, settings: ElementSettings
) -> Iterator[_Drawn]:
    """Yield all elements of a small group, or random ones."""
    rng = named_stream(settings.seed, "audit", "elements")
    if group.order <= settings.all_up_to:
        words = [group.word(k) for k in range(1, group.order)]
    elif in_rep.is_sparse and out_rep.is_sparse:
        yield from _haar(group, in_rep, out_rep, rng, settings.draws)
        return
    elif group.is_small:
        words = [group.word(k) for k in group.sample(rng, settings.draws).tolist()]
    else:
        size = (settings.draws, settings.letters)
        words = [tuple(word) for word in rng.integers(len(group.generators), size=size).tolist()]
    sides = [_Words.of(rep) for rep in (in_rep, out_rep)]
    for word in words:
        permutation = np.arange(group.degree)
        for letter in word:
            permutation = permutation[group.generator_array[letter]]
        yield tuple(permutation.tolist()), sides[0].move(word), sides[1].move(word)


@dataclass(frozen=True, eq=False)
class _Words:
    """Products of generators in a representation, by matrices where it has no signed permutations."""

    rep: Representation
    matrices: list[FloatArray]

    @classmethod
    def of(cls, rep: Representation) -> _Words:
        return cls(rep, [] if rep.is_sparse else generator_matrices(rep))

    def move(self, word: tuple[int, ...]) -> RowAction:
        if self.rep.is_sparse:
            perm, sign = sparse_word(self.rep.sparse_generators, word)
            return RowAction(np.asarray(perm, dtype=np.int64), np.asarray(sign, dtype=np.int64))
        return RowAction.of(np.asarray(reduce(np.matmul, [self.matrices[k] for k in word], np.eye(self.rep.dim))))


def _haar(
    group: FiniteGroup, in_rep: Representation, out_rep: Representation, rng: np.random.Generator, draws: int
) -> Iterator[_Drawn]:
    """Yield Haar draws of a group of signed permutations that need not be listed."""
    drawn = group.sample_permutations(rng, draws)
    joint = JointPoints.of([in_rep, out_rep])
    sides = [joint.sparse(drawn, space) for space in (0, 1)]
    for k, permutation in enumerate(drawn):
        on_inputs, on_outputs = (RowAction(perms[k], signs[k].astype(np.int64)) for perms, signs in sides)
        yield tuple(permutation.tolist()), on_inputs, on_outputs


def _generator_moves(rep: Representation) -> list[RowAction]:
    if rep.is_sparse:
        perms, signs = (np.asarray(part, dtype=np.int64) for part in rep.sparse_generators)
        return [RowAction(perm, sign) for perm, sign in zip(perms, signs, strict=True)]
    return [RowAction.of(matrix) for matrix in generator_matrices(rep)]


def signed_matrix(perm: IntArray, sign: IntArray) -> FloatArray:
    """Return the matrix of a signed permutation, shape (dim, dim), float64: e_i goes to sign[i] e_perm[i].

    Args:
        perm: Shape (dim,), integers.
        sign: Shape (dim,), 1 or -1.
    """
    matrix = np.zeros((len(perm), len(perm)))
    matrix[perm, np.arange(len(perm))] = sign
    return matrix


def generator_matrices(rep: Representation) -> list[FloatArray]:
    """Return the matrices of the generators of a finite group, shape (dim, dim) each, float64.

    Args:
        rep: A representation of it.
    """
    if rep.is_sparse:
        return [signed_matrix(p, s) for p, s in zip(*rep.sparse_generators, strict=True)]
    return [to_float(matrix) for matrix in rep.group_matrices]


def _continuous(in_rep: Representation, out_rep: Representation, settings: ElementSettings) -> Iterator[Element]:
    group, number = in_rep.compact_group, 0
    for on_inputs, on_outputs in zip(in_rep.lie, out_rep.lie, strict=True):
        number += 1
        moves = [RowAction.of(expm(settings.angle * to_float(matrix))) for matrix in (on_inputs, on_outputs)]
        yield Element(f"exp({settings.angle:g} X{number})", number, moves[0], moves[1])
    for k, (on_inputs, on_outputs) in enumerate(zip(in_rep.discrete, out_rep.discrete, strict=True)):
        number += 1
        moves = [RowAction.of(to_float(matrix)) for matrix in (on_inputs, on_outputs)]
        yield Element(f"component {k + 2}", number, moves[0], moves[1])
    yield from _draws(group, in_rep, out_rep, settings)


def _draws(
    group: CompactGroup, in_rep: Representation, out_rep: Representation, settings: ElementSettings
) -> Iterator[Element]:
    drawn = group.sample(named_stream(settings.seed, "audit", "elements"), settings.draws)
    both = zip(in_rep.evaluate(drawn), out_rep.evaluate(drawn), strict=True)
    for k, (on_inputs, on_outputs) in enumerate(both):
        yield Element(f"random element {k + 1}", None, RowAction.of(on_inputs), RowAction.of(on_outputs))
