"""The specification of a sharing scheme: all that rebuilds the architecture, nothing of how it was found.

Its JSON form is in `serial`, its proof in `certificate`, the torch module made from it in `torch_source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import ExportError, InputError
from sharefind.groups import FiniteGroup, Group, Representation, format_element, parse_exact, trivial
from sharefind.groups.matrices import rows_of
from sharefind.meanfield.activations import Activation
from sharefind.meanfield.standardise import Standardisation
from sharefind.meanfield.units import MatrixUnit, build_matrix_unit
from sharefind.spaces import Block, Subspace

if TYPE_CHECKING:
    from sharefind.search.engine import SearchOutcome
    from sharefind.search.lattice import SearchNode
    from sharefind.search.problem import Problem

SCHEMA = "sharefind.spec/1"

MAX_NAME_LENGTH = 500
"""Longest name or representation expression, in characters; they are copied into generated source."""

ExactRows = tuple[tuple[str, ...], ...]
"""A matrix by rows, entries as exact texts such as "sqrt(3)/2"."""


@dataclass(frozen=True)
class GeneratorPair:
    """One generator as exact matrices: (d_in, d_in) on inputs, (d_out, d_out) on outputs."""

    on_inputs: ExactRows
    on_outputs: ExactRows


@dataclass(frozen=True, eq=False)
class SharingSpec:
    """What a discovered space becomes: sigma(W x [+ b]) with (W, b) in `space`, and the group that fixes it.

    Attributes:
        name: what was found and where. unit: unit expression, "matrix:logistic". particles: N of the search.
        blocks: weight (d_out, d_in) [and bias (d_out,)], the coordinates of `space` in this order, row-major.
        group_name, group_order: the stabiliser, order None when infinite.
        in_rep, out_rep: how the candidate acts, as text for people; the action itself is in the generators.
        generators: of a finite stabiliser, or of the components of an infinite one.
        lie_generators: d rho of a basis of the Lie algebra, for an infinite stabiliser only.
        space: E_*, exact or numerical, in the user's coordinates.
        change: what was done to the data before training; only its label part, y = shift + scale y', is left
            to undo, since particles are carried back to the user's coordinates.

    Raises:
        InputError: the parts do not fit each other.
    """

    name: str
    unit: str
    particles: int
    blocks: tuple[Block, ...]
    group_name: str
    group_order: int | None
    in_rep: str
    out_rep: str
    generators: tuple[GeneratorPair, ...]
    space: Subspace
    change: Standardisation
    lie_generators: tuple[GeneratorPair, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.name, self.group_name, self.in_rep, self.out_rep):
            _check_text(text)
        if self.particles < 1:
            raise InputError(f"particles is {self.particles} in the specification; it must be at least 1")
        if self.group_order is not None and (self.group_order < 1 or self.lie_generators):
            raise InputError(
                f"a group of order {self.group_order} cannot have {len(self.lie_generators)} Lie generators; "
                "give a positive order without them, or null with them"
            )
        _check_blocks(self)
        for pair in (*self.generators, *self.lie_generators):
            _check_matrix(pair.on_inputs, self.d_in, "inputs")
            _check_matrix(pair.on_outputs, self.d_out, "outputs")
        _check_change(self.change, self.d_in, self.d_out)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SharingSpec):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        parts = [getattr(self, field.name) for field in fields(self) if field.name != "change"]
        change = self.change
        return (*parts, change.matrix.tobytes(), change.shift.tobytes(), change.scale)

    @property
    def d_in(self) -> int:
        """dim X."""
        return self.blocks[0].shape[1]

    @property
    def d_out(self) -> int:
        """dim Y."""
        return self.blocks[0].shape[0]

    @property
    def has_bias(self) -> bool:
        """Whether the unit has a bias block."""
        return len(self.blocks) > 1

    @property
    def layer(self) -> MatrixUnit:
        """The unit on its own, with no claim about symmetry: evaluates sigma(W x [+ b])."""
        return _bare_unit(self.unit, self.d_in, self.d_out)

    @property
    def activation(self) -> Activation:
        """sigma."""
        return self.layer.activation


def _bare_unit(expression: str, d_in: int, d_out: int) -> MatrixUnit:
    nobody = FiniteGroup("C1", 1, ())
    return build_matrix_unit(expression, trivial(nobody, d_in), trivial(nobody, d_out))


def _check_text(text: str) -> None:
    if not text.isprintable() or not 1 <= len(text) <= MAX_NAME_LENGTH:
        raise InputError(
            f"the name {text[:40]!r} in the specification cannot be used; "
            f"write 1 to {MAX_NAME_LENGTH} printable characters on one line"
        )


def _check_blocks(spec: SharingSpec) -> None:
    first = spec.blocks[0].shape if spec.blocks else ()
    if len(first) != 2 or min(first) < 1:
        raise InputError(f"the first block has shape {first}; it must be the weight, of shape (d_out, d_in)")
    needed = spec.layer.space
    if spec.blocks != needed.blocks:
        raise InputError(f"blocks {spec.blocks} are not those of the unit {spec.unit}; it has {needed.blocks}")
    if spec.space.ambient != needed.dim:
        raise InputError(
            f"the space lies in R^{spec.space.ambient} but the blocks have {needed.dim} entries; correct one"
        )


def _check_matrix(rows: ExactRows, dim: int, side: str) -> None:
    if len(rows) != dim or any(len(row) != dim for row in rows):
        raise InputError(f"a generator on {side} is not {dim} x {dim}; give {dim} rows of {dim} entries")
    for entry in dict.fromkeys(entry for row in rows for entry in row):
        parse_exact(entry)


def _check_change(change: Standardisation, d_in: int, d_out: int) -> None:
    matrix, shift = change.matrix, change.shift
    if matrix.shape != (d_in, d_in) or shift.shape != (d_out,):
        raise InputError(
            f"the change of data has a matrix {matrix.shape} and a shift {shift.shape}; "
            f"the widths need ({d_in}, {d_in}) and ({d_out},)"
        )
    numbers = np.concatenate([matrix.ravel(), shift, [change.scale]])
    if not np.isfinite(numbers).all() or change.scale <= 0 or np.linalg.matrix_rank(matrix) < d_in:
        raise InputError("the change of data is singular or not finite; give an invertible matrix and a scale > 0")


def generator_pairs(in_rep: Representation, out_rep: Representation) -> tuple[GeneratorPair, ...]:
    """Generators of a group in two representations as exact texts; of an infinite one, of its components."""
    if in_rep.group.is_finite:
        return exact_texts(in_rep.generator_matrices, out_rep.generator_matrices)
    return exact_texts(in_rep.discrete, out_rep.discrete)


def exact_texts(ins: Sequence[DomainMatrix], outs: Sequence[DomainMatrix]) -> tuple[GeneratorPair, ...]:
    """Matrices on inputs and on outputs, pair by pair, as exact texts."""
    return tuple(GeneratorPair(_text(a), _text(b)) for a, b in zip(ins, outs, strict=True))


def _text(matrix: DomainMatrix) -> ExactRows:
    rows = rows_of(matrix)
    values = {value for row in rows.values() for value in row.values()}
    known = {value: format_element(value, matrix.domain) for value in values}
    return tuple(
        tuple(known[rows[i][j]] if j in rows.get(i, {}) else "0" for j in range(matrix.shape[1]))
        for i in range(matrix.shape[0])
    )


def spec_from_outcome(outcome: SearchOutcome) -> SharingSpec:
    """The specification of E_*, with the largest candidate group that fixes it.

    A space outside the candidate's lattice gets the trivial group: nothing more is known to fix it.

    Raises:
        ExportError: the search is not finished, so that its last space does not hold.
    """
    if not outcome.finished:
        raise ExportError(
            f"the search ended at {outcome.e_star.label}, which does not hold; resume it before an export"
        )
    problem, node = outcome.problem, outcome.e_star
    group_name, group = _stabiliser(problem, node)
    in_rep, out_rep = problem.candidate.in_rep, problem.candidate.out_rep
    if isinstance(group, FiniteGroup):
        in_rep, out_rep = in_rep.restrict(group), out_rep.restrict(group)
    return SharingSpec(
        name=f"{problem.task.name}: {node.label}",
        unit=problem.unit.name,
        particles=problem.settings.sgd.particles,
        blocks=problem.space.blocks,
        group_name=group_name,
        group_order=1 if group is None else group.order,
        in_rep=in_rep.name,
        out_rep=out_rep.name,
        generators=() if group is None else generator_pairs(in_rep, out_rep),
        lie_generators=() if group is None else exact_texts(in_rep.lie, out_rep.lie),
        space=node.space,
        change=problem.change,
    )


def _stabiliser(problem: Problem, node: SearchNode) -> tuple[str, Group | None]:
    """The largest group known to fix a node, with its name; None where no group is known."""
    if problem.lattice is None or node.candidate is None:
        return "C1", None
    place = problem.lattice.nodes[node.candidate]
    return ("C1", None) if place.group is None else (place.group_name, place.group)
