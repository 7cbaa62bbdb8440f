"""Units whose hidden vectors are gated by lengths: equivariant under rotations, of which no pointwise sigma is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from sharefind.errors import RepresentationError, UnitError, setting
from sharefind.groups import Representation, hom
from sharefind.groups.vector_pairs import on_pairs
from sharefind.groups.vector_types import Labels, on_types, vector_labels
from sharefind.meanfield.units.activations import TANH, Activation, activation
from sharefind.meanfield.units.base import PointwiseUnit, Pullback
from sharefind.meanfield.units.equivariance import refuse_unless_orthogonal
from sharefind.meanfield.units.kind import UnitKind, UnitRequest
from sharefind.meanfield.units.length_gates import LengthGates
from sharefind.meanfield.units.pair_products import PairProducts
from sharefind.spaces import Block, ParameterSpace


def gated_space(
    in_rep: Representation,
    out_rep: Representation,
    hidden_rep: Representation,
    lengths_rep: Representation,
    pairs_rep: Representation | None = None,
) -> ParameterSpace:
    """Return the parameters of gated units, Z = [Hom(P, Y) +] Hom(H, Y) + Hom(L, Y) + Hom(L, L) + L + Hom(X, H).

    H is the hidden space, L that of its lengths, and P that of products of vectors. The blocks are [tensors (d_out,
    p),] vectors (d_out, h), output (d_out, l), mixing (l, l), bias (l,) and weight (h, d_in). The group acts on H by
    eta, on L by the permutations of types that eta makes, and on P by products of entries of eta.

    Args:
        in_rep: Representation on the inputs.
        out_rep: Representation on the outputs.
        hidden_rep: Representation eta on H.
        lengths_rep: Representation on L.
        pairs_rep: Representation on P; None without products.
    """
    d_out, h, lengths, d_in = out_rep.dim, hidden_rep.dim, lengths_rep.dim, in_rep.dim
    blocks: tuple[Block, ...] = (
        Block("vectors", (d_out, h)),
        Block("output", (d_out, lengths)),
        Block("mixing", (lengths, lengths)),
        Block("bias", (lengths,)),
        Block("weight", (h, d_in)),
    )
    outer = hom(out_rep, hidden_rep) + hom(out_rep, lengths_rep)
    if pairs_rep is not None:
        blocks = (Block("tensors", (d_out, pairs_rep.dim)), *blocks)
        outer = hom(out_rep, pairs_rep) + outer
    return ParameterSpace(blocks, outer + hom(lengths_rep, lengths_rep) + lengths_rep + hom(hidden_rep, in_rep))


@dataclass(frozen=True)
class GatedUnit(PointwiseUnit):
    """sigma*(x, z) = A t + V (t h) [+ T (t h (x) h')], h = W x, t = sigma(B |h| + b), z = ([T,] V, A, B, b, W).

    The hidden coordinates h in H form vectors and scalars, its types. |h| in L holds the length of each vector and the
    scalars themselves; t h is each vector times its own number of t, and each scalar too. The unit is jointly
    equivariant exactly when the group acts on H by orthogonal matrices that keep the types: then |eta_g h| is |h| with
    types exchanged. Y may carry any representation, for A and V are linear.

    Lengths of combinations of k vectors give their inner products, and all polynomials that O(n) leaves unchanged are
    functions of these.

    With tensors H is twice one space, and t h (x) h' holds, type by type, the products of the coordinates of a gated
    vector of the first half and those of its copy in the second: tensors of order 2, symmetric ones and antisymmetric
    ones (axial vectors). Scalars times the unit tensor are A t.

    Attributes:
        lengths_rep: Representation on the lengths L.
        pairs_rep: Representation on the products P; None without products.

    Raises:
        UnitError: A generator does not keep the types, or changes lengths; the message names it.
    """

    in_rep: Representation
    out_rep: Representation
    hidden_rep: Representation
    lengths_rep: Representation
    activation: Activation
    types: Labels
    space: ParameterSpace
    pairs_rep: Representation | None = None

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `gated:tanh`; the hidden representation is apart."""
        return f"{'gated' if self.pairs_rep is None else 'gated-tensors'}:{self.activation.name}"

    @cached_property
    def gates(self) -> LengthGates:
        """Lengths of the types."""
        return LengthGates(self.types)

    @cached_property
    def pairs(self) -> PairProducts:
        """Products of vectors; needed with tensors alone."""
        return PairProducts(self.types)

    @property
    def width(self) -> int:
        """Numbers that one particle computes for one sample, in its widest layer."""
        return max(self.hidden_rep.dim, self.d_out, 0 if self.pairs_rep is None else self.pairs_rep.dim)

    @property
    def start_std(self) -> float:
        """(dim X)^(-1/2): hidden units then have variance 1, and sigma of mixed lengths bends without saturating."""
        return float(self.d_in**-0.5)

    @property
    def is_odd(self) -> bool:
        """Whether sigma is odd."""
        return self.activation.is_odd

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return A t + V (t h) [+ T (t h (x) h')].

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, d_out, B, N).
        """
        *outer, mixing, bias, weight = self._blocks(theta)
        hidden = torch.matmul(x.unsqueeze(1), weight)
        t = self._gates(self.gates.lengths(hidden), mixing, bias)
        return _mapped(outer, self._features(hidden, hidden * self.gates.spread(t), t))

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Return values and the pull-back of covectors; see `Unit.linearise`.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).
        """
        *outer, mixing, bias, weight = self._blocks(theta)
        hidden = torch.matmul(x.unsqueeze(1), weight)
        lengths = self.gates.lengths(hidden)
        t = self._gates(lengths, mixing, bias)
        spread = self.gates.spread(t)
        gated = hidden * spread
        features = self._features(hidden, gated, t)

        def pullback(covector: Tensor) -> Tensor:
            batch = x.shape[1]
            on_outer = [torch.einsum("rob,rfbn->rofn", covector, feature) / batch for feature in features]
            *on_pairs, on_gated, on_t = [torch.einsum("rofn,rob->rfbn", matrix, covector) for matrix in outer]
            on_copies = torch.zeros_like(hidden)
            for on_products in on_pairs:
                on_gated = on_gated + self.pairs.on_first(on_products, hidden)
                on_copies = self.pairs.on_second(on_products, gated)
            inner = (on_t + self.gates.sums(on_gated * hidden)) * self.activation.slope(t)
            on_mixing = torch.einsum("rkbn,rlbn->rkln", inner, lengths) / batch
            on_lengths = torch.einsum("rkln,rkbn->rlbn", mixing, inner)
            on_hidden = on_copies + on_gated * spread
            on_hidden = on_hidden + self.gates.spread(on_lengths) * self.gates.slopes(hidden, lengths)
            on_weight = torch.matmul(x.transpose(1, 2).unsqueeze(1), on_hidden) / batch
            first = [piece.flatten(1, 2) for piece in (*on_outer, on_mixing)]
            return torch.cat([*first, inner.mean(2), on_weight.flatten(1, 2)], dim=1)

        return _mapped(outer, features), pullback

    def gain(self, std: float, length2: float | None = None, inputs: int = 64, particles: int = 8) -> float:
        """Return the largest eigenvalue of the tangent kernel of one output at N(0, std^2 I); see `SearchedUnit.gain`.

        It is computed from particles and Gaussian inputs of a random stream of its own, so that it is the same number
        each time. The mean of k(x, x), which bounds it, is six times as large for five vectors.

        Args:
            std: Standard deviation of the particles.
            length2: E|x|^2; by default that of whitened inputs, dim X.
            inputs: Number of inputs.
            particles: Number of particles.
        """
        rng = torch.Generator().manual_seed(0)
        size = ((self.d_in if length2 is None else length2) / self.d_in) ** 0.5
        x = size * torch.randn(inputs, 1, self.d_in, generator=rng, dtype=torch.float64)
        theta = std * torch.randn(1, self.space.dim, particles, generator=rng, dtype=torch.float64)
        one = torch.zeros(inputs, self.d_out, 1, dtype=torch.float64)
        one[:, 0] = 1.0
        slopes: Tensor = self.linearise(x, theta.expand(inputs, -1, -1))[1](one).flatten(1)
        return float(torch.linalg.eigvalsh(slopes @ slopes.T)[-1]) / (inputs * particles)

    def compose(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """Return (V, A, B, b, W matrix), which computes at x what theta computes at `matrix` x.

        Args:
            theta: Particles, shape (R, D, N).
            matrix: Shape (d_in, d_in).

        Returns:
            Shape (R, D, N).
        """
        weight = self._blocks(theta)[-1]
        carried = torch.einsum("rhin,ij->rhjn", weight, matrix.to(theta)).flatten(1, 2)
        return torch.cat([theta[:, : -carried.shape[1]], carried], dim=1)

    def _features(self, hidden: Tensor, gated: Tensor, t: Tensor) -> list[Tensor]:
        """The arguments of the outer blocks, in their order: [products,] gated vectors, gates."""
        products = [] if self.pairs_rep is None else [self.pairs.products(gated, hidden)]
        return [*products, gated, t]

    def _gates(self, lengths: Tensor, mixing: Tensor, bias: Tensor) -> Tensor:
        """sigma(B |h| + b): (R, l, B, N)."""
        return self.activation.value(_through(mixing, lengths) + bias.unsqueeze(2))

    def _blocks(self, theta: Tensor) -> tuple[Tensor, ...]:
        """The blocks of theta (R, D, N) in their order, (R, *shape, N) each."""
        blocks = self.space.blocks
        pieces = torch.split(theta, [block.size for block in blocks], dim=1)
        shapes = zip(pieces, blocks, strict=True)
        return tuple(piece.reshape(len(theta), *block.shape, theta.shape[2]) for piece, block in shapes)


def _through(matrix: Tensor, values: Tensor) -> Tensor:
    """Matrices (R, rows, columns, N) of the particles times (R, columns, B, N): (R, rows, B, N)."""
    return torch.einsum("rohn,rhbn->robn", matrix, values)


def _mapped(matrices: Sequence[Tensor], features: Sequence[Tensor]) -> Tensor:
    """The sum of the features (R, f, B, N) through their matrices (R, d_out, f, N)."""
    first, *others = [_through(matrix, feature) for matrix, feature in zip(matrices, features, strict=True)]
    return sum(others, first)


def _build(asked: UnitRequest) -> GatedUnit:
    hidden, name = asked.hidden_rep, asked.kind_name
    refuse_unless_orthogonal(hidden, name, "the hidden units", f"{setting('hidden_rep')} trivial")
    types = asked.types or vector_labels(hidden)
    if len(types) != hidden.dim:
        raise UnitError(f"{len(types)} types are given for {hidden.dim} hidden units; give one for each")
    try:
        lengths = on_types(hidden, types)
    except RepresentationError as error:
        raise UnitError(f"the {name} unit is not equivariant: {error}; use coarser types") from None
    pairs = _pairs(hidden, types) if name == GATED_TENSORS.name else None
    reps = asked.in_rep, asked.out_rep, hidden, lengths
    return GatedUnit(*reps, activation(asked.detail), types, gated_space(*reps, pairs), pairs)


def _pairs(hidden: Representation, types: Labels) -> Representation:
    try:
        return on_pairs(hidden, types)
    except RepresentationError as error:
        raise UnitError(
            f"the unit gated-tensors multiplies hidden vectors with their copies, and {error}; write "
            f"{setting('hidden_rep')} 2*({hidden.name})"
        ) from None


def _parameters(d_in: int, d_out: int, d_hidden: int, _: bool) -> int:
    """At most, for a hidden space of scalars alone."""
    return d_hidden * (d_in + 2 * d_out + d_hidden + 1)


def _parameters_with_tensors(d_in: int, d_out: int, d_hidden: int, has_bias: bool) -> int:
    """The same; half of the scalars are multiplied with the other half."""
    return _parameters(d_in, d_out, d_hidden, has_bias) + d_out * (d_hidden // 2)


GATED = UnitKind(
    "gated",
    _build,
    _parameters,
    details=(TANH.name, "logistic"),
    has_hidden=True,
    takes_rotations=True,
    can_be_exported=True,
    has_types=True,
    restarts=3,
)

GATED_TENSORS = replace(GATED, name="gated-tensors", parameters=_parameters_with_tensors, has_pairs=True)
