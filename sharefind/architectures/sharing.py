"""A specification as the layers of `layers.standalone` read it; in an exported module each attribute is a constant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures import initial_values as initial
from sharefind.architectures.scaling import CENTRE, statistics
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import LENGTHS, GeneratorPair
from sharefind.exact.matrices import signed_image, to_float
from sharefind.groups import exact_matrix
from sharefind.groups.images import block_places, pair_places
from sharefind.meanfield.units.length_gates import LengthGates

Image = list[int]
"""A signed permutation in one-line notation: entry i is +-(1 + the index that e_i goes to)."""


class Sharing:
    """The shared space of a specification, and its change of data, as the layers read them.

    Args:
        spec: The specification.
        partial_sums: Number of partial sums of a gradient where classes of entries are large; a processor can have this
            number of additions under way.
        crowd: Classes are large if they have this number of entries a coefficient or more, and there are no more than
            this number of coefficients.
        sparse: Share of nonzero numbers below which a basis is written without its zeros.

    Attributes:
        spec: The specification, from which all else follows.
        partial_sums: As in the parameters.
        crowd: As in the parameters.
        sparse: As in the parameters.
        d_in: dim X.
        d_out: dim Y.
        input_names: Names of the columns of x.
        output_names: Names of the columns of y.
        dim: Number of free coefficients.
        width: Default number of particles of a network.
        blocks: The shapes of the blocks by name, in the order of their entries.
        sigma: The activation.
        is_radial: Whether W x is multiplied by a function of its squared length.
        is_algebraic: Whether this function is (1 + t)^(-1/2), else exp(-t/2).
        has_bias: Whether the first map has a bias.
        has_output: Whether a second map follows it.
        has_types: Whether hidden units form vectors; sigma is then a function of their lengths.
        has_pairs: Whether these vectors are multiplied with their copies in a second half.
        d_hidden: dim H; None without a hidden layer.
        is_tied: Whether every entry is zero, a coefficient or its negative; else there is a basis.
        has_zeros: Whether an entry is zero.
        has_signs: Whether an entry is the negative of a coefficient.
        slots: How many numbers entries are read from: coefficients, zero where an entry is zero, and the negatives of
            these.
        has_partial_sums: Whether gradients of coefficients are added up in partial sums, since a single sum over large
            classes is slow.
    """

    d_in: int
    d_out: int
    dim: int
    width: int
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    has_bias: bool
    has_output: bool
    has_types: bool
    has_pairs: bool
    d_hidden: int | None
    is_radial: bool
    is_algebraic: bool
    has_zeros: bool
    has_signs: bool

    def __init__(self, spec: SharingSpec, partial_sums: int = 16, crowd: int = 64, sparse: float = 0.25) -> None:
        self.spec, self.partial_sums, self.crowd, self.sparse = spec, partial_sums, crowd, sparse
        self.d_in, self.d_out, self.dim, self.width = spec.d_in, spec.d_out, spec.space.dim, spec.particles
        self.input_names, self.output_names = spec.inputs, spec.outputs
        self.blocks = {block.name: block.shape for block in spec.blocks}
        self.sigma = spec.activation.value
        self.is_radial, self.is_algebraic = spec.is_radial, spec.activation.name == "algebraic"
        self.has_bias, self.has_output = spec.has_bias, len(spec.maps) > 1
        self.has_types, self.has_pairs, self.d_hidden = bool(spec.types), spec.has_pairs, spec.d_hidden
        self.is_tied = spec.space.tying is not None
        labels = np.zeros(1, dtype=np.int32) if self.labels is None else self.labels
        self.has_zeros, self.has_signs = bool((labels == 0).any()), bool((labels < 0).any())
        self.slots = (self.dim + self.has_zeros) * (1 + self.has_signs)
        self.has_partial_sums = self.is_tied and self.dim <= crowd and len(labels) >= crowd * (self.dim + 1)

    @property
    def labels(self) -> NDArray[np.int32] | None:
        """The coefficient of each entry, from 1, with its sign, shape (entries,); 0 for an entry that is zero."""
        return self.spec.space.tying

    @property
    def basis(self) -> NDArray[np.float64]:
        """Contribution of each coefficient to the entries, shape (dim, entries)."""
        return initial.basis(self.spec)

    @property
    def has_sparse_basis(self) -> bool:
        """Whether most numbers of the basis are zero, so that exports write it without them; a tied space has none."""
        if self.is_tied:
            return False
        table = self.basis
        return bool(np.count_nonzero(table) < self.sparse * table.size)

    @property
    def sparse_basis(self) -> list[dict[int, float]]:
        """The basis without its zeros: for each coefficient the entries that it changes, with the factor of each."""
        return [{int(k): float(row[k]) for k in np.flatnonzero(row)} for row in self.basis]

    @property
    def type_of(self) -> list[int]:
        """The type of each hidden unit, from 0."""
        return [int(place) for place in block_places(self.spec.types)]

    @property
    def first_of(self) -> list[int]:
        """The hidden unit that is the first factor of each product."""
        return [int(place) for place in pair_places(self.spec.types)[0]]

    @property
    def second_of(self) -> list[int]:
        """The hidden unit that is the second factor of each product."""
        return [int(place) for place in pair_places(self.spec.types)[1]]

    @property
    def types(self) -> int:
        """Number of types of hidden units."""
        return self.spec.space_dims[LENGTHS]

    @property
    def is_scalar(self) -> list[bool]:
        """Whether each type is a scalar."""
        return list(map(bool, LengthGates(self.spec.types).is_scalar))

    @property
    def has_scalars(self) -> bool:
        """Whether a type is a scalar."""
        return 0 in self.spec.types

    @property
    def softening(self) -> float:
        """The length that is added to lengths of vectors, in quadrature, so that they are smooth at 0."""
        return LengthGates(self.spec.types).softening

    @property
    def start(self) -> initial.Runs:
        """Numbers of coefficients of a network, with their standard deviation at the start."""
        return initial.runs(initial.network_start(self.spec))

    @property
    def linear_start(self) -> initial.Runs:
        """The same for a single layer: on average an entry of W has the variance 1 / (3 d_in), as in nn.Linear."""
        return ((self.dim, math.sqrt(initial.spreads(self.spec)["weight"] / (3 * self.d_in))),)

    @property
    def centre(self) -> list[float]:
        """Centre of x, rounded to 24 bits, shape (d_in,)."""
        return list(map(float, statistics(self.spec.change)[CENTRE][0]))

    @property
    def rest(self) -> list[float]:
        """The centre of x less its rounded part, shape (d_in,)."""
        return list(map(float, statistics(self.spec.change)[CENTRE][1]))

    @property
    def shift(self) -> list[float]:
        """Shift of y, shape (d_out,)."""
        return list(map(float, self.spec.change.shift))

    @property
    def scale(self) -> float:
        """Scale of y."""
        return float(self.spec.change.scale)

    @property
    def has_rotations(self) -> bool:
        """Whether the group is infinite."""
        return bool(self.spec.lie_generators)

    @property
    def images(self) -> list[tuple[Image, Image]] | None:
        """Generators on inputs and on outputs; None if the group is infinite or one is not a signed permutation."""
        sides = ((pair.on_inputs, pair.on_outputs) for pair in self.spec.generators)
        found = [(signed_image(exact_matrix(a)), signed_image(exact_matrix(b))) for a, b in sides]
        known = [(a, b) for a, b in found if a is not None and b is not None]
        return known if len(known) == len(found) and not self.has_rotations else None

    @property
    def has_images(self) -> bool:
        """Whether all generators are signed permutations."""
        return self.images is not None

    @property
    def generators(self) -> Sequence[tuple[Any, Any]]:
        """Generators of the group on inputs and on outputs: images, or matrices by rows."""
        images = self.images
        return _matrices(self.spec.generators) if images is None else images

    @property
    def lie_generators(self) -> Sequence[tuple[Any, Any]]:
        """Generators of the Lie algebra of the group on inputs and on outputs, matrices by rows."""
        return _matrices(self.spec.lie_generators)


def _matrices(pairs: Sequence[GeneratorPair]) -> list[tuple[Any, Any]]:
    return [(to_float(exact_matrix(a)), to_float(exact_matrix(b))) for a, b in (pair.matrices[:2] for pair in pairs)]
