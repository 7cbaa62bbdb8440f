"""Layers with shared parameters that need torch alone: the package builds on them, and exported modules are their text.

`formats.torch_source` writes the classes out with the numbers of a specification: `sharing.d_in` becomes the constant
D_IN, each `if sharing...` is replaced by the branch that is taken, and the argument `sharing` goes, in the code and in
the tables of parameters. The code therefore keeps to 88 columns, and no formatter changes it at 120.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from sharefind.architectures.sharing import Sharing


class SharedModule(nn.Module):
    """Blocks of parameters in the shared space, made of free coefficients.

    Args:
        sharing: Description of the shared space.
        lead: Leading axes of the coefficients.
        start: Numbers of coefficients, with their standard deviation at the start.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.

    Attributes:
        sizes: Number of entries of each block.
    """

    coefficient: nn.Parameter
    """The free coefficients, shape (*lead, DIM)."""

    index: Tensor
    """Position among `values` of each entry of the blocks, shape (entries,)."""

    basis: Tensor
    """Contribution of each coefficient to the entries, shape (DIM, entries)."""

    type_of: Tensor
    """The type of each hidden unit, shape (D_HIDDEN,)."""

    is_scalar: Tensor
    """Whether each type is a scalar, shape (TYPES,)."""

    first_of: Tensor
    """The hidden unit that is the first factor of each product, shape (PAIRS,)."""

    second_of: Tensor
    """The hidden unit that is the second factor of each product, shape (PAIRS,)."""

    def __init__(
        self,
        sharing: Sharing,
        *lead: int,
        start: Sequence[tuple[int, float]],
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.sharing = sharing
        self.sizes = [torch.Size(shape).numel() for shape in sharing.blocks.values()]
        self.start = [std for count, std in start for _ in range(count)]
        coefficient = torch.empty(*lead, sharing.dim, device=device, dtype=dtype)
        self.coefficient = nn.Parameter(coefficient)
        self._make_tables()
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new coefficients."""
        like = self.coefficient
        nn.init.normal_(like)
        like.mul_(torch.tensor(self.start, device=like.device, dtype=like.dtype))

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the columns of x, in their order."""
        return self.sharing.input_names

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the columns of y, in their order."""
        return self.sharing.output_names

    @property
    def values(self) -> Tensor:
        """The different values of the entries, side by side, shape (*lead, SLOTS)."""
        values: Tensor = self.coefficient
        if self.sharing.has_zeros:
            # Position 0 belongs to the entries that are zero.
            values = nn.functional.pad(values, (1, 0))
        if self.sharing.has_signs:
            values = torch.cat([values, -values], dim=-1)
        return values

    @property
    def entries(self) -> Tensor:
        """All entries of the blocks, block by block, shape (*lead, entries)."""
        if self.sharing.is_tied:
            values = self.values
            if self.sharing.has_partial_sums:
                # The gradient of a value then is a sum of partial sums, which is faster.
                sizes = (*values.shape[:-1], self.sharing.partial_sums, -1)
                values = values.unsqueeze(-2).expand(sizes).flatten(-2)
            return values.index_select(-1, self.index)
        else:
            return self.coefficient @ self.basis

    @property
    def blocks(self) -> dict[str, Tensor]:
        """The blocks by name, with `lead` before the axes of each."""
        shapes = self.sharing.blocks
        pieces = torch.split(self.entries, self.sizes, dim=-1)
        return {
            name: piece.reshape(*piece.shape[:-1], *shape)
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
        }

    @property
    def weight(self) -> Tensor:
        """W, shape (*lead, rows, D_IN)."""
        return self.blocks["weight"]

    @property
    def bias(self) -> Tensor | None:
        """b, shape (*lead, rows); None for a unit without a bias."""
        return self.blocks.get("bias")

    @property
    def output(self) -> Tensor | None:
        """A, shape (*lead, D_OUT, rows of W); None for a unit without a second map."""
        return self.blocks.get("output")

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean over all units, where `lead` has one axis.

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        blocks = self.blocks
        if self.sharing.has_types:
            inner = nn.functional.linear(x, blocks["weight"].flatten(0, 1))
            sizes = (*inner.shape[:-1], -1, self.sharing.d_hidden)
            hidden = inner.reshape(sizes)
            t = self.gates(hidden, blocks["mixing"], blocks["bias"])
            gated = hidden * t.index_select(-1, self.type_of)
            scalars = nn.functional.linear(t.flatten(-2), side_by_side(blocks["output"]))
            vectors = side_by_side(blocks["vectors"])
            total = scalars + nn.functional.linear(gated.flatten(-2), vectors)
            if self.sharing.has_pairs:
                # Tensors of order 2: gated vectors times their copies.
                u, v = gated[..., self.first_of], hidden[..., self.second_of]
                tensors = side_by_side(blocks["tensors"])
                total = total + nn.functional.linear((u * v).flatten(-2), tensors)
            return total
        else:
            bias = None
            if self.sharing.has_bias:
                bias = blocks["bias"].flatten()
            inner = nn.functional.linear(x, blocks["weight"].flatten(0, 1), bias)
            if self.sharing.is_radial:
                # Vectors times a function of their squared length, which no rotation changes.
                u = inner.reshape(*inner.shape[:-1], -1, self.sharing.d_out)
                t = u.square().sum(-1, keepdim=True)
                if self.sharing.is_algebraic:
                    return (u * (1 + t).rsqrt()).mean(-2)
                else:
                    return (u * torch.exp(-t / 2)).mean(-2)
            else:
                values = self.sharing.sigma(inner)
                if self.sharing.has_output:
                    output = side_by_side(blocks["output"])
                    return nn.functional.linear(values, output)
                else:
                    sizes = (*values.shape[:-1], -1, self.sharing.d_out)
                    return values.reshape(sizes).mean(-2)

    def gates(self, hidden: Tensor, mixing: Tensor, bias: Tensor) -> Tensor:
        """Return the gates t = sigma(B |h| + b) of the types of hidden units.

        |h| is sqrt(|h_k|^2 + SOFTENING^2) for the hidden units h_k of each type.

        Args:
            hidden: The hidden units h, shape (..., N, D_HIDDEN).
            mixing: B, shape (N, TYPES, TYPES).
            bias: b, shape (N, TYPES).

        Returns:
            Shape (..., N, TYPES).
        """
        none = hidden.new_zeros(*hidden.shape[:-1], self.sharing.types)
        squares = none.index_add(-1, self.type_of, hidden.square())
        lengths = (squares + self.sharing.softening**2).sqrt()
        if self.sharing.has_scalars:
            # No rotation changes a scalar, which therefore stands for its own length.
            scalars = none.index_add(-1, self.type_of, hidden)
            lengths = torch.where(self.is_scalar, scalars, lengths)
        mixed = torch.einsum("...nl,nkl->...nk", lengths, mixing)
        return self.sharing.sigma(mixed + bias)

    def _make_tables(self) -> None:
        """Make the tables, which the state does not hold."""
        like = self.coefficient.detach()
        if self.sharing.is_tied:
            labels = torch.tensor(self.sharing.labels, device=like.device)
            index = self._places(labels)
            if self.sharing.has_partial_sums:
                every = torch.arange(len(labels), device=like.device)
                index = index + self.sharing.slots * (every % self.sharing.partial_sums)
            self.register_buffer("index", index, persistent=False)
        else:
            self.register_buffer("basis", self._dense_basis(like), persistent=False)
        if self.sharing.has_types:
            self._make_types()

    def _places(self, labels: Tensor) -> Tensor:
        """The positions among `values` that belong to some labels."""
        places = labels.abs()
        if not self.sharing.has_zeros:
            places = places - 1
        if self.sharing.has_signs:
            # The second half of the values are the negatives.
            places = places + self.sharing.slots // 2 * (labels < 0)
        return places

    def _dense_basis(self, like: Tensor) -> Tensor:
        """Contribution of each coefficient to the entries, shape (DIM, entries)."""
        if self.sharing.has_sparse_basis:
            basis = like.new_zeros(self.sharing.dim, sum(self.sizes))
            for row, entries in zip(basis, self.sharing.sparse_basis, strict=True):
                places = torch.tensor(list(entries), device=like.device)
                row[places] = like.new_tensor(list(entries.values()))
            return basis
        else:
            rows = self.sharing.basis
            return torch.tensor(rows, device=like.device, dtype=like.dtype)

    def _make_types(self) -> None:
        """Make the tables of the hidden units that form vectors."""
        device = self.coefficient.device
        type_of = torch.tensor(self.sharing.type_of, device=device)
        self.register_buffer("type_of", type_of, persistent=False)
        if self.sharing.has_scalars:
            is_scalar = torch.tensor(self.sharing.is_scalar, device=device)
            self.register_buffer("is_scalar", is_scalar, persistent=False)
        if self.sharing.has_pairs:
            first = torch.tensor(self.sharing.first_of, device=device)
            self.register_buffer("first_of", first, persistent=False)
            second = torch.tensor(self.sharing.second_of, device=device)
            self.register_buffer("second_of", second, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._make_tables()
        return self

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Tensor],
        prefix: str,
        *rest: object,
    ) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self._make_tables()


def side_by_side(output: Tensor) -> Tensor:
    """Return the matrix that applies A of each particle and takes the mean.

    Args:
        output: A, shape (N, D_OUT, h).

    Returns:
        Shape (D_OUT, N h).
    """
    return output.transpose(0, 1).flatten(1) / output.shape[0]


class SharedShallowNetwork(SharedModule):
    """The mean-field shallow network x -> shift + scale mean_i u(x - centre, z_i).

    u is the unit above and z_i are the particles in the shared space. The gradient of
    one particle is of order 1 / width: train with Adam, or with a step proportional to
    the width. A state that is loaded has a centre, shift and scale of its own.

    Args:
        sharing: Description of the shared space.
        width: Number of particles; WIDTH, that of the search, where None.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.
    """

    centre: Tensor
    """The centre of x, rounded to 24 bits, and the remainder, shape (2, D_IN)."""

    shift: Tensor
    """The shift of y, shape (D_OUT,)."""

    scale: Tensor
    """The scale of y, shape ()."""

    def __init__(
        self,
        sharing: Sharing,
        width: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        width, start = sharing.width if width is None else width, sharing.start
        super().__init__(sharing, width, start=start, device=device, dtype=dtype)
        self.width = width
        for name, value in self._exact().items():
            self.register_buffer(name, self._like_weights(value))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the network.

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        return self.shift + self.scale * self.mean(x - self.centre[0] - self.centre[1])

    def _exact(self) -> dict[str, Tensor]:
        """The centre of x in two parts, and the shift and scale of y, in float64."""
        values = {
            "centre": (self.sharing.centre, self.sharing.rest),
            "shift": self.sharing.shift,
            "scale": self.sharing.scale,
        }
        kind = torch.float64
        return {n: torch.tensor(v, device="cpu", dtype=kind) for n, v in values.items()}

    def _like_weights(self, value: Tensor) -> Tensor:
        return value.to(self.coefficient.dtype).to(self.coefficient.device)

    def _is_own(self, name: str, exact: Tensor) -> bool:
        """Whether the state still holds this value: no loaded state changed it."""
        held: Tensor = getattr(self, name)
        return held.is_meta or torch.equal(held, exact.to(held))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        exact = self._exact()
        own = [name for name, value in exact.items() if self._is_own(name, value)]
        super()._apply(fn, recurse)
        for name in own:
            setattr(self, name, self._like_weights(exact[name]))
        return self

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Tensor],
        prefix: str,
        *rest: object,
    ) -> None:
        if prefix + "coefficient" in state_dict:
            # Earlier versions wrote the weights alone, and did not centre their inputs.
            like = state_dict[prefix + "coefficient"]
            for name, value in self._exact().items():
                known = torch.zeros_like(value) if name == "centre" else value
                state_dict.setdefault(prefix + name, known.to(like))
        super()._load_from_state_dict(state_dict, prefix, *rest)
