"""The parts of a specification: its affine maps, its generators, and the names of its spaces and blocks."""

from __future__ import annotations

from dataclasses import dataclass

INPUTS, OUTPUTS, HIDDEN, LENGTHS, PAIRS = range(5)
"""Places of a generator's matrices in a tuple: on X, on Y, on the hidden units, on the lengths and on the products of
their vectors."""

SPACES = ("inputs", "outputs", "hidden units", "lengths", "products")
"""The names of the spaces."""

LETTERS = {"tensors": "T", "vectors": "V", "output": "A", "mixing": "B", "bias": "b", "weight": "W"}
"""The letters of the blocks in formulas."""

OPERATORS = {"logistic": "Sigmoid", "tanh": "Tanh"}
"""The activations as torch.nn and ONNX call them; torch's functions have the same names in small letters."""


PROFILES = {"algebraic": "(1 + t)^(-1/2)", "gaussian": "exp(-t/2)"}
"""The functions of squared lengths by which radial units multiply vectors."""


@dataclass(frozen=True)
class AffineMap:
    """One affine map of a unit: the spaces that it connects, and the blocks that hold its numbers.

    Attributes:
        weight: The block of its matrix.
        source: Space of its arguments: INPUTS, HIDDEN, LENGTHS or PAIRS.
        target: Space of its values: OUTPUTS, HIDDEN or LENGTHS.
        bias: The block of its bias, None where it is linear.
    """

    weight: str
    source: int
    target: int
    bias: str | None = None


ExactRows = tuple[tuple[str, ...], ...]
"""A matrix by rows, entries as exact texts such as "sqrt(3)/2"."""


@dataclass(frozen=True)
class GeneratorPair:
    """One generator as exact matrices.

    Attributes:
        on_inputs: Shape (d_in, d_in).
        on_outputs: Shape (d_out, d_out).
        on_hidden: Shape (h, h); None without hidden units.
    """

    on_inputs: ExactRows
    on_outputs: ExactRows
    on_hidden: ExactRows | None = None

    @property
    def matrices(self) -> tuple[ExactRows, ...]:
        """On inputs, on outputs [and on hidden units]."""
        both = (self.on_inputs, self.on_outputs)
        return both if self.on_hidden is None else (*both, self.on_hidden)
