"""The linear layer in the forms that `sharefind.architectures.forms` chooses from, for the package and for exports.

It keeps to the rules of `standalone`: an exported module has the branch that is taken in the place of each
`if sharing...`, and only the methods and tables of its own form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sharefind.architectures.layers.standalone import SharedModule

if TYPE_CHECKING:
    from sharefind.architectures.linear_sharing import LinearSharing


class SharedLinear(SharedModule):
    """A drop-in for torch.nn.Linear: W x [+ b] with shared parameters.

    On average an entry of W starts with the variance that entries of nn.Linear have.

    Args:
        sharing: Description of the shared space.
        in_features: D_IN, as in the layer that it replaces; None for no check.
        out_features: D_OUT, as in the layer that it replaces; None for no check.
        bias: Whether the replaced layer has a bias; None for no check.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.

    Raises:
        ValueError: The replaced layer has other sizes.
    """

    sharing: LinearSharing

    turned: Tensor
    """Position among `values` of each entry of W, by columns, shape (D_IN D_OUT,)."""

    bias_places: Tensor
    """Position among `values` of each entry of b, shape (D_OUT,)."""

    input_order: Tensor
    """The input at each element of each orbit, element by element."""

    shares: Tensor
    """The share of its input that each place of `input_order` takes."""

    waves: Tensor
    """Coordinates of functions on the group, by rows, shape (order, order)."""

    output_order: Tensor
    """The place among the computed numbers of each output, shape (D_OUT,)."""

    tied: Tensor
    """Position among `values` of each number that the blocks are made of."""

    kernel: Tensor
    """Position among `values` of each entry of the kernels, copy by copy."""

    input_places: Tensor
    """The input at each place of each copy of the grid, copy by copy."""

    mix: Tensor
    """Contribution of coefficients to rates, or of values to the entries of blocks."""

    pools: Tensor
    """Sign with which each input enters each sum, shape (D_IN, sums)."""

    spreads: Tensor
    """Sign with which each sum enters each output, shape (sums, D_OUT)."""

    rate_of: Tensor
    """Position among the rates of the factor of each sum, shape (sums,)."""

    sources: Tensor
    """The input that each output takes in each match, match by match."""

    factors: Tensor
    """Sign of each of these inputs, 0 for none, shape (matches, D_OUT)."""

    def __init__(
        self,
        sharing: LinearSharing,
        in_features: int | None = None,
        out_features: int | None = None,
        bias: bool | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        own = (sharing.d_in, sharing.d_out, sharing.has_bias)
        for asked, known in zip((in_features, out_features, bias), own, strict=True):
            if asked not in (None, known):
                raise ValueError(f"this layer is ({own[0]}, {own[1]}, bias={own[2]})")
        start = sharing.linear_start
        super().__init__(sharing, start=start, device=device, dtype=dtype)
        self.in_features, self.out_features = own[:2]

    def forward(self, x: Tensor) -> Tensor:
        """Return W x [+ b].

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        if self.sharing.is_dense:
            return self.whole(x)
        elif self.sharing.is_gathered:
            return nn.functional.linear(x, *self.gathered())
        else:
            if self.sharing.is_fourier:
                if torch.onnx.is_in_onnx_export() or 0 in x.shape:
                    # ONNX from a trace has no such transforms; no rows, none either.
                    return self.whole(x)
                y = self.convolved(x)
            elif self.sharing.is_blocked:
                y = self.blocked(x)
            else:
                y = self.pooled(x)
            if self.sharing.has_bias:
                y = y + self.values.index_select(-1, self.bias_places)
            return y

    def whole(self, x: Tensor) -> Tensor:
        """Return W x [+ b], computed by the whole of W.

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        blocks = self.blocks
        return nn.functional.linear(x, blocks["weight"], blocks.get("bias"))

    def gathered(self) -> tuple[Tensor, Tensor | None]:
        """Return W and b; W is read by columns, the order in which its gradient comes.

        Returns:
            W, shape (D_OUT, D_IN), and b, shape (D_OUT,), or None without a bias.
        """
        values, bias = self.values, None
        columns = values.index_select(-1, self.turned).view(self.sharing.d_in, -1)
        if self.sharing.has_bias:
            bias = values.index_select(-1, self.bias_places)
        return columns.t(), bias

    def convolved(self, x: Tensor) -> Tensor:
        """Return W x, a convolution over a periodic grid, by Fourier transforms.

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        axes = tuple(range(-len(self.sharing.grid), 0))
        kernel = self.values.index_select(-1, self.kernel)
        u = x.index_select(-1, self.input_places)
        # There are no transforms of half precision.
        dtype = torch.promote_types(x.dtype, torch.float32)
        if self.sharing.is_one_copy:
            kernel = kernel.view(self.sharing.grid).to(dtype)
            u = u.view(*x.shape[:-1], *self.sharing.grid).to(dtype)
            total = torch.fft.rfftn(kernel, dim=axes) * torch.fft.rfftn(u, dim=axes)
        else:
            copies = len(self.sharing.output_places), len(self.sharing.input_places)
            kernel = kernel.view(*copies, *self.sharing.grid).to(dtype)
            u = u.view(*x.shape[:-1], copies[1], *self.sharing.grid).to(dtype)
            spectrum = torch.fft.rfftn(kernel, dim=axes)
            waves = torch.fft.rfftn(u, dim=axes)
            shape = (*x.shape[:-1], copies[0], *waves.shape[axes[0] :])
            spectrum, waves = spectrum.flatten(2), waves.flatten(axes[0])
            total = torch.einsum("oif,...if->...of", spectrum, waves).reshape(shape)
        y: Tensor = torch.fft.irfftn(total, s=self.sharing.grid, dim=axes).to(x.dtype)
        return y.reshape(*x.shape[:-1], self.sharing.d_out).index_select(-1, self.output_order)

    def blocked(self, x: Tensor) -> Tensor:
        """Return W x, computed in coordinates of orbits in which W is block-diagonal.

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        order = len(self.waves)
        u = x.index_select(-1, self.input_order) * self.shares
        waves = self.waves @ u.reshape(-1, order, u.shape[-1] // order)
        batch, _, start = waves.shape
        values = self.values.index_select(-1, self.tied).view(order, -1)
        end = values.shape[1] // start
        blocks = torch.split(self.mix @ values, self.block_sizes)
        parts, found = torch.split(waves, self.wave_sizes, 1), []
        for run, block, rows in zip(self.sharing.kinds, blocks, parts, strict=True):
            # Each repeat of a kind is a row, and the block of the kind acts on it.
            count, repeats, width = run
            block = block.view(count, width, width, start, end).transpose(2, 3)
            block = block.reshape(count, width * start, width * end)
            rows = rows.reshape(batch, count, repeats, width * start).transpose(0, 1)
            rows = rows.reshape(count, batch * repeats, width * start) @ block
            rows = rows.view(count, batch, repeats * width, end).transpose(0, 1)
            found.append(rows.reshape(batch, count * repeats * width, end))
        y: Tensor = (self.waves.t() @ torch.cat(found, 1)).flatten(1)
        return y.index_select(-1, self.output_order).reshape(*x.shape[:-1], self.sharing.d_out)

    def pooled(self, x: Tensor) -> Tensor:
        """Return W x, computed by sums over parts of the inputs.

        Args:
            x: Inputs, shape (..., D_IN).

        Returns:
            Shape (..., D_OUT).
        """
        rates = self.coefficient @ self.mix
        if self.sharing.is_plain_sum:
            a, b = rates.unbind()
            return a * x + b * x.sum(-1, keepdim=True)
        elif not self.sharing.has_sums:
            return self.moved(x, rates)
        elif self.sharing.has_matches:
            return self.moved(x, rates) + self.summed(x, rates)
        else:
            return self.summed(x, rates)

    def moved(self, x: Tensor, rates: Tensor) -> Tensor:
        """Return what outputs take from single inputs: the sum over all matches.

        Args:
            x: Inputs, shape (..., D_IN).
            rates: The factor of each match, then of each sum.

        Returns:
            Shape (..., D_OUT).
        """
        inputs = x.index_select(-1, self.sources)
        inputs = inputs.view(*x.shape[:-1], *self.factors.shape)
        factors = rates[: len(self.factors), None] * self.factors
        return (factors * inputs).sum(-2)

    def summed(self, x: Tensor, rates: Tensor) -> Tensor:
        """Return what outputs take from sums over parts of the inputs.

        Args:
            x: Inputs, shape (..., D_IN).
            rates: The factor of each match, then of each sum.

        Returns:
            Shape (..., D_OUT).
        """
        sums = (x @ self.pools) * rates.index_select(-1, self.rate_of)
        return sums @ self.spreads

    def _make_tables(self) -> None:
        super()._make_tables()
        self._make_form()

    def _make_form(self) -> None:
        """Make the tables of the form."""
        if self.sharing.has_places:
            self._make_places()
        if self.sharing.is_pooled:
            self._make_pools()
        if self.sharing.is_fourier:
            self._make_grid()
        if self.sharing.is_blocked:
            self._make_blocks()

    def _make_places(self) -> None:
        """Make the positions from which entries of W and b are read."""
        labels = torch.tensor(self.sharing.labels, device=self.coefficient.device)
        if self.sharing.is_gathered:
            weight = labels[: self.sharing.d_in * self.sharing.d_out]
            turned = weight.view(self.sharing.d_out, -1).t().flatten()
            self.register_buffer("turned", self._places(turned), persistent=False)
        if self.sharing.has_bias:
            places = self._places(labels[self.sharing.d_in * self.sharing.d_out :])
            self.register_buffer("bias_places", places, persistent=False)

    def _make_grid(self) -> None:
        """Make the places of the grid in inputs and outputs, and the kernels."""
        device = self.coefficient.device
        labels = torch.tensor(self.sharing.labels, device=device)
        inputs = torch.tensor(self.sharing.input_places, device=device)
        outputs = torch.tensor(self.sharing.output_places, device=device)
        weight = labels[: self.sharing.d_in * self.sharing.d_out].view(self.sharing.d_out, -1)
        kernel = weight[outputs[:, None, :], inputs[None, :, :1]].flatten()
        self.register_buffer("kernel", self._places(kernel), persistent=False)
        self.register_buffer("input_places", inputs.flatten(), persistent=False)
        order = outputs.flatten().argsort()
        self.register_buffer("output_order", order, persistent=False)

    def _make_blocks(self) -> None:
        """Make the places of orbits, their coordinates, and the table of the blocks."""
        like = self.coefficient.detach()
        device, runs = like.device, self.sharing.kinds
        self.block_sizes = [count * width**2 for count, _, width in runs]
        self.wave_sizes = [count * repeats * width for count, repeats, width in runs]
        labels = torch.tensor(self.sharing.labels, device=device)
        weight = labels[: self.sharing.d_in * self.sharing.d_out].view(self.sharing.d_out, -1)
        inputs = torch.tensor(self.sharing.input_orbits, device=device)
        outputs = torch.tensor(self.sharing.output_orbits, device=device)
        tied = weight[outputs[0], inputs[:, :, None]].flatten()
        self.register_buffer("tied", self._places(tied), persistent=False)
        self.register_buffer("input_order", inputs.flatten(), persistent=False)
        # An input that occurs at several places is divided among them.
        times = like.new_zeros(self.sharing.d_in)
        times = times.index_add(0, inputs.flatten(), like.new_ones(inputs.numel()))
        shares = times[inputs.flatten()].reciprocal()
        self.register_buffer("shares", shares, persistent=False)
        places = torch.zeros(self.sharing.d_out, device=device, dtype=torch.int64)
        places[outputs.flatten()] = torch.arange(outputs.numel(), device=device)
        self.register_buffer("output_order", places, persistent=False)
        waves = torch.tensor(self.sharing.basis_rows, device=device, dtype=torch.float64)
        self.register_buffer("waves", waves.to(like), persistent=False)
        self.register_buffer("mix", self._mix(waves).to(like), persistent=False)

    def _mix(self, waves: Tensor) -> Tensor:
        """Contribution of the maps h -> h g to the entries of the blocks, (entries, order)."""
        every = torch.arange(len(waves), device=waves.device)
        maps = torch.tensor(self.sharing.differences, device=waves.device) == every[:, None, None]
        turned, place, found = waves @ maps.to(waves) @ waves.t(), 0, []
        for count, repeats, width in self.sharing.kinds:
            for _ in range(count):
                block = turned[:, place : place + width, place : place + width]
                found.append(block.permute(2, 1, 0).reshape(width * width, len(waves)))
                place += repeats * width
        return torch.cat(found)

    def _make_pools(self) -> None:
        """Make the tables of matches and sums."""
        like = self.coefficient.detach()
        mix = torch.tensor(self.sharing.mix, device=like.device, dtype=like.dtype)
        self.register_buffer("mix", mix, persistent=False)
        if self.sharing.has_matches:
            matches = torch.tensor(self.sharing.matches, device=like.device)
            sources = (matches.abs() - 1).clamp(min=0).flatten()
            self.register_buffer("sources", sources, persistent=False)
            self.register_buffer("factors", matches.sign().to(like), persistent=False)
        if self.sharing.has_sums:
            inputs, outputs = self.sharing.input_parts, self.sharing.output_parts
            pools = [self._members(parts) for parts in inputs]
            self.register_buffer("pools", torch.cat(pools, -1), persistent=False)
            spreads = torch.cat([self._members(parts) for parts in outputs], -1)
            self.register_buffer("spreads", spreads.t().contiguous(), persistent=False)
            first = mix.shape[1] - len(pools)
            rate_of = [first + k for k, pool in enumerate(pools) for _ in pool[0]]
            rates = torch.tensor(rate_of, device=like.device)
            self.register_buffer("rate_of", rates, persistent=False)

    def _members(self, parts: Sequence[int]) -> Tensor:
        """The sign of each number in the part that it belongs to, (numbers, parts)."""
        like = self.coefficient.detach()
        part = torch.tensor(parts, device=like.device)[:, None]
        every = torch.arange(1, max(map(abs, parts)) + 1, device=like.device)
        return (part.abs() == every).to(like) * part.sign()
