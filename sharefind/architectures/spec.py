"""The specification of a sharing scheme: all that rebuilds the architecture, nothing of how it was found.

How it follows from a search is in `searched_spec`, its proof in `certificate`, what it is written as in `formats`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from sharefind import html
from sharefind.architectures.guards import GUARDS, Guards
from sharefind.architectures.spec_parts import (
    HIDDEN,
    INPUTS,
    LENGTHS,
    LETTERS,
    OUTPUTS,
    PAIRS,
    PROFILES,
    SPACES,
    AffineMap,
    ExactRows,
    GeneratorPair,
)
from sharefind.column_names import block_names, default_names
from sharefind.errors import GroupError, InputError, quoted
from sharefind.groups import parse_exact, unmoved
from sharefind.groups.images import block_places, pair_places
from sharefind.groups.vector_pairs import are_halves
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.units import PointwiseUnit, build_pointwise_unit, read_unit
from sharefind.meanfield.units.activations import Activation
from sharefind.spaces import Block, Subspace
from sharefind.spaces.space_html import space_html
from sharefind.written import order, plural

SCHEMA = "sharefind.spec/1"


@dataclass(frozen=True, eq=False, repr=False)
class SharingSpec:
    """The architecture of a discovered space: a unit whose parameters lie in `space`, and the group that fixes it.

    The unit is sigma(W x [+ b]), or A sigma(W x + b) with a hidden layer, or gated by lengths of hidden vectors, or W x
    times a function of its length.

    Attributes:
        name: Name of the space and of the task.
        unit: Unit expression, for example "matrix:logistic".
        particles: Number N of particles of the search.
        blocks: weight (d_out, d_in) [and bias (d_out,)], or output (d_out, h), weight (h, d_in) and bias (h,), or those
            of `sharefind.meanfield.units.gated_space`: the coordinates of `space` in this order, row-major.
        group_name: Name of the stabiliser.
        group_order: Its order, None when infinite.
        in_rep: How the candidate acts on X, as text for people; the action itself is in the generators.
        out_rep: The same on Y.
        generators: Generators of a finite stabiliser, or of the components of an infinite one.
        space: E_*, exact or numerical, in the user's coordinates.
        change: The change of data before training. The network undoes its centre, shift and scale: it is shift + scale
            mean_i sigma_*(x - centre, z_i). Its matrix is not undone, since particles are carried back to the user's
            coordinates. The group fixes centre and shift.
        lie_generators: d rho of a basis of the Lie algebra, for an infinite stabiliser only.
        hidden_rep: The same as `in_rep` on the hidden units; None for a unit without a hidden layer.
        classes: Names of the classes whose logits the network gives; empty where its outputs are numbers.
        inputs: Names of the columns of x, in their order; x0, x1, ... by default.
        outputs: Names of the columns of y; y0, y1, ... by default.
        types: Which hidden units form vectors (`sharefind.groups.vector_types`), shape (h,); empty where none do.

    Raises:
        InputError: The parts do not fit each other.
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
    hidden_rep: str | None = None
    classes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    types: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.name, self.unit, self.group_name, *self.rep_names, *self.classes):
            _check_text(text)
        if self.particles < 1:
            raise InputError(f"particles is {self.particles} in the specification; it must be at least 1")
        if self.group_order is not None and (self.group_order < 1 or self.lie_generators):
            raise InputError(
                f"a group of order {self.group_order} cannot have {len(self.lie_generators)} Lie generators; "
                "give a positive order without them, or null with them"
            )
        _check_types(self)
        _check_blocks(self)
        self._name_columns()
        for pair in (*self.generators, *self.lie_generators):
            _check_generator(self, pair)
        _check_change(self.change, self.d_in, self.d_out)
        _check_classes(self)

    def _name_columns(self) -> None:
        for side, letter, width in (("inputs", "x", self.d_in), ("outputs", "y", self.d_out)):
            names = tuple(getattr(self, side)) or default_names(letter, width)
            if len(names) != width:
                raise InputError(f"{side} has {len(names)} names for {width} columns; give one for each, or none")
            for name in dict.fromkeys(names):
                _check_text(name)
            object.__setattr__(self, side, names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SharingSpec):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"<SharingSpec {self.name!r}: {self.formula}, {self._widths}, group {self._group}, {self._dimension}>"

    def _repr_html_(self) -> str:
        facts = {
            "unit": f"{self.unit}: {self.formula}",
            "widths": self._widths,
            "group": self._group,
            "acts by": ", ".join(f"{rep} on {side}" for rep, side in zip(self.rep_names, SPACES, strict=False)),
            "particles": str(self.particles),
        }
        title = html.headline(f"{self.name}: {self._dimension}", is_good=True)
        names = block_names(self.inputs, self.outputs, has_hidden=self.has_hidden)
        return html.notebook(title, html.facts(facts), space_html(self.space, self.blocks, names))

    @property
    def _widths(self) -> str:
        return ", ".join(plural(dim, side.removesuffix("s")) for dim, side in zip(self.dims, SPACES, strict=False))

    @property
    def _group(self) -> str:
        return f"{self.group_name}, order {order(self.group_order)}"

    @property
    def _dimension(self) -> str:
        return f"dimension {self.space.dim} of {self.space.ambient}"

    @property
    def formula(self) -> str:
        """The unit in one line, such as "A_i logistic(W_i x + b_i)"."""
        if self.types:
            products, copy = (" + T_i (t h (x) h')", ", h' its second half") if self.has_pairs else ("", "")
            return f"A_i t + V_i (t h){products}, h = W_i x{copy}, t = {self.activation.name}(B_i |h| + b_i)"
        if self.is_radial:
            return f"u s(|u|^2), u = W_i x, s(t) = {PROFILES[self.activation.name]}"
        text = "x"
        for part in self.maps:
            bias = "" if part.bias is None else f" + {LETTERS[part.bias]}_i"
            text = f"{LETTERS[part.weight]}_i {text}{bias}"
            text = f"{self.activation.name}({text})" if part == self.maps[0] else text
        return text

    @property
    def _key(self) -> tuple[object, ...]:
        parts = [getattr(self, field.name) for field in fields(self) if field.name != "change"]
        change = self.change
        # A centre that is not written in a file reads as 0.0, which -0.0 is as well.
        centre = change.centre + 0.0
        return (*parts, change.matrix.tobytes(), change.shift.tobytes(), change.scale, centre.tobytes())

    @property
    def d_in(self) -> int:
        """dim X."""
        return self.block("weight").shape[1]

    @property
    def d_out(self) -> int:
        """dim Y."""
        return self.blocks[0].shape[0]

    @property
    def d_hidden(self) -> int | None:
        """dim H, None for a unit without a hidden layer."""
        return self.block("weight").shape[0] if self.has_hidden else None

    @property
    def dims(self) -> tuple[int, ...]:
        """dim X, dim Y [and dim H]: in the order of a generator's matrices."""
        hidden = self.d_hidden
        return (self.d_in, self.d_out) if hidden is None else (self.d_in, self.d_out, hidden)

    @property
    def space_dims(self) -> tuple[int, ...]:
        """`dims`, with the number of types where hidden units form vectors [and of products of these]."""
        if not self.types:
            return self.dims
        pairs = (len(pair_places(self.types)[0]),) if self.has_pairs else ()
        return (*self.dims, int(block_places(self.types).max()) + 1, *pairs)

    @property
    def is_radial(self) -> bool:
        """Whether sigma is a function of the squared length of W x, which it multiplies."""
        return read_unit(self.unit).kind.scales_outputs

    @property
    def has_pairs(self) -> bool:
        """Whether hidden vectors are multiplied with their copies."""
        return read_unit(self.unit).kind.has_pairs

    @property
    def rep_names(self) -> tuple[str, ...]:
        """in_rep, out_rep [and hidden_rep]: in the same order."""
        return tuple(name for name in (self.in_rep, self.out_rep, self.hidden_rep) if name is not None)

    @property
    def maps(self) -> tuple[AffineMap, ...]:
        """The affine maps of the unit in the order in which they act.

        Sigma acts on what the first one gives, or, where hidden units form vectors, on what the second one gives.
        """
        if self.types:
            inner = AffineMap("weight", INPUTS, HIDDEN), AffineMap("mixing", LENGTHS, LENGTHS, "bias")
            outer = AffineMap("output", LENGTHS, OUTPUTS), AffineMap("vectors", HIDDEN, OUTPUTS)
            return (*inner, *outer, *([AffineMap("tensors", PAIRS, OUTPUTS)] if self.has_pairs else []))
        if read_unit(self.unit).kind.has_hidden:
            return AffineMap("weight", INPUTS, HIDDEN, "bias"), AffineMap("output", HIDDEN, OUTPUTS)
        return (AffineMap("weight", INPUTS, OUTPUTS, "bias" if "+bias" in self.unit else None),)

    @property
    def has_bias(self) -> bool:
        """Whether the unit has a bias block."""
        return any(part.bias is not None for part in self.maps)

    @property
    def has_hidden(self) -> bool:
        """Whether the unit has a hidden layer."""
        return len(self.maps) > 1

    @property
    def sides(self) -> dict[str, tuple[int, int | None]]:
        """The spaces of the rows and of the columns of each block, in order; a bias is one column."""
        found: dict[str, tuple[int, int | None]] = {}
        for part in reversed(self.maps):
            found[part.weight] = part.target, part.source
            found |= {} if part.bias is None else {part.bias: (part.target, None)}
        return found

    @property
    def layer(self) -> PointwiseUnit:
        """The unit on its own, with no claim about symmetry: evaluates sigma_*(x, z)."""
        on_inputs, on_outputs, *others = (unmoved(dim) for dim in self.dims)
        hidden = others[0] if others else None
        return build_pointwise_unit(self.unit, on_inputs, on_outputs, hidden, self.types)

    @property
    def activation(self) -> Activation:
        """sigma."""
        return self.layer.activation

    def block(self, name: str) -> Block:
        """Return the block with a name.

        Args:
            name: The name.

        Raises:
            InputError: The specification has no such block.
        """
        found = next((block for block in self.blocks if block.name == name), None)
        if found is None:
            raise InputError(f"the specification has no block {name}; a unit {self.unit} needs {', '.join(self.sides)}")
        return found

    def slice_of(self, name: str) -> slice:
        """Return the place of a block's entries in a vector of Z.

        Args:
            name: Name of the block.
        """
        before = takewhile(lambda block: block.name != name, self.blocks)
        start = sum(block.size for block in before)
        return slice(start, start + self.block(name).size)


def _check_text(text: str, guards: Guards = GUARDS) -> None:
    if not text.isprintable() or not 1 <= len(text) <= guards.name_length:
        raise InputError(
            f"the name {quoted(text)} in the specification cannot be used; "
            f"write 1 to {guards.name_length} printable characters on one line"
        )


def _check_types(spec: SharingSpec) -> None:
    has_types = read_unit(spec.unit).kind.has_types
    if has_types != bool(spec.types):
        raise InputError(
            f"{len(spec.types)} types of hidden units are given for the unit {spec.unit}; only gated units have them"
        )
    known = 0
    for label in spec.types:
        if not 0 <= label <= known + 1:
            raise InputError(
                f"types of hidden units: {label} stands before {known + 1}; number vectors from 1 in their order, and "
                "write 0 for a scalar"
            )
        known = max(known, label)
    if has_types and len(spec.types) != spec.block("weight").shape[0]:
        raise InputError(f"{len(spec.types)} types are given for {spec.d_hidden} hidden units; give one for each")
    if spec.has_pairs and not are_halves(spec.types):
        raise InputError(
            f"types of hidden units: the second half is no copy of the first, and the unit {spec.unit} multiplies the "
            "two; number its vectors on in the same order"
        )


def _check_blocks(spec: SharingSpec) -> None:
    names = [name for name, (_, columns) in spec.sides.items() if columns is not None]
    for name in names:
        shape = spec.block(name).shape
        if len(shape) != 2 or min(shape) < 1:
            raise InputError(f"the block {name} has shape {quoted(shape)}; it must be a matrix with an entry or more")
    if spec.blocks[0].name != names[0]:
        raise InputError(f"the first block is {spec.blocks[0].name}; a unit {spec.unit} begins with {names[0]}")
    needed = spec.layer.space
    if spec.blocks != needed.blocks:
        raise InputError(f"blocks {quoted(spec.blocks)} are not those of the unit {spec.unit}; it has {needed.blocks}")
    if spec.space.ambient != needed.dim:
        raise InputError(
            f"the space lies in R^{spec.space.ambient} but the blocks have {needed.dim} entries; correct one"
        )
    if spec.has_hidden != (spec.hidden_rep is not None):
        raise InputError(
            f"hidden_rep is {spec.hidden_rep} for the unit {spec.unit}; only units with a hidden layer have one"
        )


def _check_generator(spec: SharingSpec, pair: GeneratorPair) -> None:
    if len(pair.matrices) != len(spec.dims):
        raise InputError(
            f"a generator has {len(pair.matrices)} matrices and the unit {spec.unit} needs {len(spec.dims)}; "
            "give one on hidden units for units with a hidden layer, for no others"
        )
    for rows, dim, side in zip(pair.matrices, spec.dims, SPACES, strict=False):
        _check_matrix(rows, dim, side)


def _check_matrix(rows: ExactRows, dim: int, side: str) -> None:
    if len(rows) != dim or any(len(row) != dim for row in rows):
        raise InputError(f"a generator on {side} is not {dim} x {dim}; give {dim} rows of {dim} entries")
    for entry in dict.fromkeys(entry for row in rows for entry in row):
        try:
            parse_exact(entry)
        except GroupError as error:
            raise GroupError(f"a generator on {side}: {error}") from None


def _check_change(change: Standardisation, d_in: int, d_out: int, largest: float = GUARDS.number) -> None:
    matrix, shift, centre = change.matrix, change.shift, change.centre
    if matrix.shape != (d_in, d_in) or shift.shape != (d_out,):
        raise InputError(
            f"the change of data has a matrix {matrix.shape} and a shift {shift.shape}; "
            f"the widths need ({d_in}, {d_in}) and ({d_out},)"
        )
    if centre.shape != (d_in,):
        raise InputError(f"change.centre has shape {centre.shape}; give {d_in} numbers, one for each input")
    excess = ~(np.abs(centre) <= largest)
    if excess.any():
        k = int(excess.argmax())
        raise InputError(f"change.centre[{k}] is {centre[k]:g}; give finite numbers up to {largest:g}")
    numbers = np.concatenate([matrix.ravel(), shift, [change.scale]])
    if not (np.abs(numbers) <= largest).all() or change.scale <= 0 or not _is_invertible(matrix):
        raise InputError(
            f"the change of data is singular, not finite or above {largest:g}; "
            "give an invertible matrix and a scale > 0"
        )


def _check_classes(spec: SharingSpec) -> None:
    names = spec.classes
    if names and len(names) != spec.d_out:
        raise InputError(f"classes has {len(names)} names and the unit {spec.d_out} outputs; give one for each output")
    if bool(names) != spec.change.has_classes:
        raise InputError("the change of data is for classes and none are named, or the reverse; correct one")


def _is_invertible(matrix: NDArray[np.float64]) -> bool:
    """Whether a finite square matrix has full rank; its columns may have any units."""
    sizes = np.abs(matrix).max(axis=0)
    return bool((sizes > 0).all() and np.linalg.matrix_rank(matrix / sizes) == len(matrix))
