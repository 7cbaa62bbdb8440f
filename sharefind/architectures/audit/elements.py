"""The elements of a group under which a network is audited: generators always, all elements of small groups, random
ones of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm

from sharefind.exact.matrices import to_float
from sharefind.groups import CompactGroup, FiniteGroup, Representation, cycle_notation
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
class Element:
    """An element of a group with its matrices.

    Attributes:
        name: Cycles of its permutation, or words for an element of a continuous group.
        generator: Number of the generator that it is, counted from 1; None for any other element.
        on_inputs: Its matrix on inputs, shape (d_in, d_in), float64.
        on_outputs: Its matrix on outputs, shape (d_out, d_out), float64.
        permutation: The permutation of the group's points; None for an element of a continuous group.
    """

    name: str
    generator: int | None
    on_inputs: FloatArray
    on_outputs: FloatArray
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
    matrices = [generator_matrices(rep) for rep in (in_rep, out_rep)]
    found = [
        Element(_cycles(g, settings), k + 1, on_inputs, on_outputs, g)
        for k, (g, on_inputs, on_outputs) in enumerate(zip(group.generators, *matrices, strict=True))
    ]
    known = {element.permutation for element in found} | {tuple(range(group.degree))}
    for permutation, on_inputs, on_outputs in _others(group, in_rep, out_rep, matrices, settings):
        if permutation not in known:
            known.add(permutation)
            found.append(Element(_cycles(permutation, settings), None, on_inputs, on_outputs, permutation))
    return tuple(found)


def _cycles(permutation: tuple[int, ...], settings: ElementSettings) -> str:
    return shortened(cycle_notation(permutation), settings.name_length)


_Drawn = tuple[tuple[int, ...], FloatArray, FloatArray]


def _others(
    group: FiniteGroup,
    in_rep: Representation,
    out_rep: Representation,
    matrices: Sequence[list[FloatArray]],
    settings: ElementSettings,
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
    for word in words:
        permutation = np.arange(group.degree)
        on_inputs, on_outputs = np.eye(in_rep.dim), np.eye(out_rep.dim)
        for letter in word:
            permutation = permutation[group.generator_array[letter]]
            on_inputs, on_outputs = on_inputs @ matrices[0][letter], on_outputs @ matrices[1][letter]
        yield tuple(permutation.tolist()), on_inputs, on_outputs


def _haar(
    group: FiniteGroup, in_rep: Representation, out_rep: Representation, rng: np.random.Generator, draws: int
) -> Iterator[_Drawn]:
    """Yield Haar draws of a group of signed permutations that need not be listed."""
    drawn = group.sample_permutations(rng, draws)
    joint = JointPoints.of([in_rep, out_rep])
    sides = [joint.sparse(drawn, space) for space in (0, 1)]
    for k, permutation in enumerate(drawn):
        on_inputs, on_outputs = (signed_matrix(perms[k], signs[k]) for perms, signs in sides)
        yield tuple(permutation.tolist()), on_inputs, on_outputs


def signed_matrix(perm: IntArray, sign: IntArray) -> FloatArray:
    """Return the matrix of a signed permutation, shape (dim, dim), float64: e_i goes to sign[i] e_perm[i].

    Args:
        perm: Shape (dim,), integers.
        sign: Shape (dim,), 1 or -1.
    """
    matrix = np.zeros((len(perm), len(perm)))
    matrix[perm, np.arange(len(perm))] = sign
    return matrix


def is_signed_permutation(matrix: FloatArray) -> bool:
    """Return whether a matrix moves coordinates and changes signs, so that moved numbers need no rounding.

    Args:
        matrix: Shape (dim, dim).
    """
    return bool(np.isin(matrix, (-1.0, 0.0, 1.0)).all() and (np.count_nonzero(matrix, axis=0) == 1).all())


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
        matrices = (expm(settings.angle * to_float(matrix)) for matrix in (on_inputs, on_outputs))
        yield Element(f"exp({settings.angle:g} X{number})", number, *matrices)
    for k, (on_inputs, on_outputs) in enumerate(zip(in_rep.discrete, out_rep.discrete, strict=True)):
        number += 1
        yield Element(f"component {k + 2}", number, to_float(on_inputs), to_float(on_outputs))
    yield from _draws(group, in_rep, out_rep, settings)


def _draws(
    group: CompactGroup, in_rep: Representation, out_rep: Representation, settings: ElementSettings
) -> Iterator[Element]:
    drawn = group.sample(named_stream(settings.seed, "audit", "elements"), settings.draws)
    both = zip(in_rep.evaluate(drawn), out_rep.evaluate(drawn), strict=True)
    for k, (on_inputs, on_outputs) in enumerate(both):
        yield Element(f"random element {k + 1}", None, on_inputs, on_outputs)
