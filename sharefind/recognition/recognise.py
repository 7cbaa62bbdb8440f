"""The symmetry of a subspace: its pointwise stabiliser among [signed] permutations, its name, and its Galois closure.

`lie_algebra` has the continuous part. `sharefind.search` finds the space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sharefind.errors import SpaceError
from sharefind.groups import FiniteGroup, Representation, cycle_notation
from sharefind.groups.cycles import cycles
from sharefind.groups.enumeration import enumerate_elements
from sharefind.groups.linear_action import Kind
from sharefind.recognition.automorphisms import Engine, automorphisms
from sharefind.recognition.colours import entry_labels, point_colours
from sharefind.recognition.layout import Layout, MoveKind, matrix_layout, vector_layout
from sharefind.recognition.lie_algebra import LieStabiliser, lie_stabiliser
from sharefind.recognition.naming import MAX_STRUCTURE_ORDER, group_name, is_named
from sharefind.spaces import tying
from sharefind.spaces.subspace import Subspace
from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class Recognition:
    """The largest group of moves of a layout that fixes every point of a space E: G = {g : M_g z = z for z in E}.

    Attributes:
        space: E itself.
        layout: The index sets and their moves.
        group: G on the points of the layout; a signed axis has the points +e_0, +e_1, ..., -e_0, -e_1, ...
        name: Name of its action, such as "D6", "S3xS2", "B3" or "S3wrC2"; "order 48" if it has no name.
        kernel_order: Number of moves that fix all of Z, and therefore every space; for example -1 on both inputs and
            outputs of a weight. G is determined only up to these moves.
        closure: The smallest space that contains E and is the fixed space of a group of these moves; if a continuous
            part was requested, of a group of these moves and of connected orthogonal ones.
        lie: The continuous part; None if it was not requested.
    """

    space: Subspace
    layout: Layout
    group: FiniteGroup
    name: str
    kernel_order: int
    closure: Subspace
    lie: LieStabiliser | None = None

    @property
    def order(self) -> int:
        """Number of elements of G."""
        return self.group.order

    @property
    def is_named(self) -> bool:
        """Whether the name says more than the order."""
        return is_named(self.name)

    @property
    def fixed_dim(self) -> int:
        """Dimension of the closure."""
        return self.closure.dim

    @property
    def lie_dim(self) -> int:
        """Dimension of the Lie algebra that fixes E; 0 if it was not requested."""
        return self.lie.dim if self.lie is not None else 0

    @property
    def is_galois_closed(self) -> bool:
        """Whether E is the fixed space of its stabiliser. If not, no symmetry explains its tying.

        The answer is exact for an exact space. For a numerical space the dimensions are compared, since E lies in the
        closure up to its tolerance.
        """
        return self.space.dim == self.closure.dim

    @property
    def is_trivial(self) -> bool:
        """Whether only the moves that fix all of Z fix E, and no continuous moves do."""
        return self.order == self.kernel_order and self.lie_dim == 0

    @cached_property
    def description(self) -> str:
        """One line: the name, or "unnamed, order 48, generators (0 1 2), (0 3)(1 4)(2 5)", after the continuous part,
        if any.
        """
        discrete = self.name if self.is_named else self._unnamed()
        if self.lie is None or not self.lie.dim:
            return discrete
        return f"{self.lie.name} (dimension {self.lie.dim}); among {self.layout.axes[0].moves}: {discrete}"

    def _unnamed(self) -> str:
        cycles = ", ".join(cycle_notation(g) for g in self.group.generators)
        return f"unnamed, {self.name}, generators {cycles}"

    def representation(self, axis: str) -> Representation:
        """Return G on R^size of an axis, a [signed] permutation representation of `group`.

        Args:
            axis: Name of the axis.

        Raises:
            SpaceError: No axis has this name.
        """
        position = self.layout.position(axis)
        size = self.layout.axes[position].size
        moves = [self.layout.signed_move(g, position) for g in self.group.generators]
        perms = np.array([images for images, _ in moves], dtype=np.int64).reshape(len(moves), size)
        signs = np.array([flips for _, flips in moves], dtype=np.int8).reshape(len(moves), size)
        kind: Kind = "signed" if np.any(signs < 0) else "permutation"
        return Representation(self.group, size, axis, kind, perms, signs)

    @property
    def out_representation(self) -> Representation:
        """Representation of G on the rows of the first block."""
        return self.representation(self.layout.axes[self.layout.blocks[0][0]].name)

    @property
    def in_representation(self) -> Representation:
        """Representation of G on the columns of the first block; on its entries, if the block is a vector."""
        return self.representation(self.layout.axes[self.layout.blocks[0][-1]].name)


def recognise(
    space: Subspace,
    shape: Sequence[int],
    *,
    bias: bool = False,
    together: bool | None = None,
    moves: MoveKind = "permutations",
    continuous: bool = False,
    engine: Engine = "auto",
) -> Recognition:
    """Compute the stabiliser of a space of weights (d_out, d_in), with or without a bias (d_out,), or of vectors (K,).

    Args:
        space: The subspace E of R^(d_out d_in), of R^(d_out d_in + d_out) with a bias, or of R^K.
        shape: (d_out, d_in) or (K,).
        bias: Whether a bias follows the weight.
        together: Whether one permutation acts on inputs and outputs; None means: if d_out = d_in.
        moves: "permutations" or "signed".
        continuous: Whether to compute the Lie algebra in so(d_out) + so(d_in) as well; in so(d) if `together`.
        engine: As in `automorphisms`.

    Returns:
        The stabiliser, with its name and the closure of E.

    Raises:
        SpaceError: The shapes do not fit, or a numerical space has no clear clusters.

    Examples:
        >>> recognise(Subspace.from_tying([1, 2, 2, 1]), (2, 2)).name  # weights [[a, b], [b, a]]
        'C2'
    """
    if len(shape) == 1 and not bias and together is None:
        return recognise_layout(space, vector_layout(shape[0], moves), continuous=continuous, engine=engine)
    if len(shape) != 2:
        raise SpaceError(f"shape {tuple(shape)} is not (d_out, d_in) or (K,); a bias and `together` need a weight")
    layout = matrix_layout((shape[0], shape[1]), bias, together, moves)
    return recognise_layout(space, layout, continuous=continuous, engine=engine)


def recognise_layout(
    space: Subspace, layout: Layout, *, continuous: bool = False, engine: Engine = "auto"
) -> Recognition:
    """Compute the stabiliser of a space of parameters of any layout, such as that of a two-layer unit.

    Args:
        space: The subspace E.
        layout: The index sets of the parameters and their moves.
        continuous: Whether to compute the Lie algebra as well.
        engine: As in `automorphisms`.

    Returns:
        The stabiliser, with its name and the closure of E.

    Raises:
        SpaceError: The space does not fill the layout, or is numerical without clear clusters.
    """
    colours = point_colours(entry_labels(space), layout)
    found, order = automorphisms(colours, engine)
    generators = _few(found, order)
    name = group_name(colours, generators, layout.antipodes, engine)
    group = _as_group(name, layout, generators, order)
    lie = lie_stabiliser(space, layout) if continuous else None
    closure = _fixed(layout, generators)
    if lie is not None and lie.dim:
        closure = closure.meet(lie.fixed_space)
    return Recognition(space, layout, group, name, _kernel_order(layout), closure, lie)


def _few(generators: list[IntArray], order: int) -> list[IntArray]:
    """Return few generators that depend on the group alone; a large group keeps those it has.

    Elements are tried by falling order, then in lexicographic order; an element is kept if the previous ones do not
    generate it.
    """
    if order > MAX_STRUCTURE_ORDER or not generators:
        return sorted(generators, key=lambda g: tuple(g.tolist()))
    listed = enumerate_elements(np.stack(generators), MAX_STRUCTURE_ORDER + 1)
    if listed is None:
        return generators
    orders = {g.tobytes(): math.lcm(*map(len, cycles(g))) for g in listed.elements}
    elements = sorted(listed.elements, key=lambda g: (-orders[g.tobytes()], tuple(g.tolist())))
    chosen: list[IntArray] = []
    spanned: dict[bytes, int] = {}
    for g in elements:
        if len(spanned) < order and g.tobytes() not in spanned:
            chosen.append(g)
            span = enumerate_elements(np.stack(chosen), MAX_STRUCTURE_ORDER + 1)
            spanned = span.positions if span is not None else spanned
    return [g for g in chosen if orders[g.tobytes()] > 1]


def _as_group(name: str, layout: Layout, generators: list[IntArray], order: int) -> FiniteGroup:
    natural = layout.natural_blocks if any(axis.is_signed for axis in layout.axes) else ()
    return FiniteGroup(name, layout.points, tuple(tuple(g.tolist()) for g in generators), natural, known_order=order)


def _fixed(layout: Layout, generators: list[IntArray]) -> Subspace:
    """Return E^G by orbits."""
    if not generators:
        return Subspace.full(layout.dim)
    targets, signs = zip(*(layout.parameter_move(g) for g in generators), strict=True)
    return Subspace.from_pattern(tying.tied(np.stack(targets), np.stack(signs)))


def _kernel_order(layout: Layout) -> int:
    """Return the order of the stabiliser of Z. Its colours separate nearly all points, so refinement is fast enough."""
    full = np.arange(1, layout.dim + 1, dtype=np.int64)
    return automorphisms(point_colours(full, layout), "refinement")[1]
