"""The linear layer in the forms that `sharefind.architectures.forms` chooses from, for the package and for exports.

It keeps to the rules of `standalone`: of each `if sharing...` an exported module has the branch that is taken, and it
has the methods of its own form alone.
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

    On average an entry of W starts with the variance of one of nn.Linear.

    Args:
        in_features: as in the layer that it replaces; refused where it does not fit.
        out_features: the same.
        bias: the same.
        device: as in torch.nn.Linear.
        dtype: as in torch.nn.Linear.
    """

    sharing: LinearSharing
    turned: Tensor
    bias_places: Tensor
    input_order: Tensor
    output_order: Tensor
    tied: Tensor
    kernel: Tensor
    input_places: Tensor
    mix: Tensor
    pools: Tensor
    spreads: Tensor
    rate_of: Tensor
    sources: Tensor
    factors: Tensor

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
        """x (..., D_IN) -> (..., D_OUT)."""
        if self.sharing.is_dense:
            return self.whole(x)
        elif self.sharing.is_gathered:
            return nn.functional.linear(x, *self.gathered())
        else:
            if self.sharing.is_fourier:
                if torch.onnx.is_in_onnx_export() or 0 in x.shape:
                    # ONNX from a trace has no such transforms, and nothing has none.
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
        """W x [+ b] by the whole of W."""
        blocks = self.blocks
        return nn.functional.linear(x, blocks["weight"], blocks.get("bias"))

    def gathered(self) -> tuple[Tensor, Tensor | None]:
        """W and b. W is made by columns: its gradient then comes in this order, too."""
        values, bias = self.values, None
        columns = values.index_select(-1, self.turned).view(self.sharing.d_in, -1)
        if self.sharing.has_bias:
            bias = values.index_select(-1, self.bias_places)
        return columns.t(), bias

    def convolved(self, x: Tensor) -> Tensor:
        """W x, a convolution over a grid that goes round, by Fourier transforms."""
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
            spectrum, waves = torch.fft.rfftn(kernel, dim=axes), torch.fft.rfftn(u, dim=axes)
            shape = (*x.shape[:-1], copies[0], *waves.shape[axes[0] :])
            spectrum, waves = spectrum.flatten(2), waves.flatten(axes[0])
            total = torch.einsum("oif,...if->...of", spectrum, waves).reshape(shape)
        y = torch.fft.irfftn(total, s=self.sharing.grid, dim=axes).to(x.dtype)
        return y.reshape(*x.shape[:-1], self.sharing.d_out).index_select(-1, self.output_order)

    def blocked(self, x: Tensor) -> Tensor:
        """W x in coordinates of orbits in which W has one block for each kind of them."""
        lead, repeats = x.shape[:-1], self.sharing.repeats
        waves, found, outputs = [], [], []
        for t, part in enumerate(x.index_select(-1, self.input_order).split(self.input_sizes, -1)):
            basis = self.get_buffer(f"input_basis{t}")
            wave = basis @ part.reshape(*lead, basis.shape[1], self.input_counts[t])
            waves.append(wave.split(self.input_rows[t], -2))
        for kind, block in enumerate(self.kind_blocks()):
            # Each repeat of a kind is a row, and the block acts on it.
            sizes = self.input_lengths
            rows = [waves[t][kind].reshape(*lead, repeats[kind], size[kind]) for t, size in enumerate(sizes)]
            moved = torch.cat(rows, -1) @ block
            found.append(moved.split([size[kind] for size in self.output_lengths], -1))
        for t, count in enumerate(self.output_counts):
            heights = self.output_rows[t]
            rows = [moved[t].reshape(*lead, height, count) for moved, height in zip(found, heights, strict=True)]
            wave = self.get_buffer(f"output_basis{t}").t() @ torch.cat(rows, -2)
            outputs.append(wave.flatten(-2))
        return torch.cat(outputs, -1).index_select(-1, self.output_order)

    def kind_blocks(self) -> list[Tensor]:
        """For each kind its block, (coordinates of inputs, coordinates of outputs)."""
        values = self.values.index_select(-1, self.tied).split(self.tied_sizes, -1)
        kinds = range(len(self.sharing.repeats))
        columns: list[list[Tensor]] = [[] for _ in kinds]
        for t, end in enumerate(self.output_counts):
            rows: list[list[Tensor]] = [[] for _ in kinds]
            for s, start in enumerate(self.input_counts):
                pair = t * len(self.input_counts) + s
                mix = self.get_buffer(f"mix{pair}")
                widths = self.sharing.input_widths[s], self.sharing.output_widths[t]
                entries = mix @ values[pair].view(mix.shape[1], start * end)
                sizes = [a * b for a, b in zip(*widths, strict=True)]
                for kind, part in enumerate(entries.split(sizes)):
                    shape = (widths[0][kind], widths[1][kind], start, end)
                    turned = part.reshape(shape).transpose(1, 2)
                    rows[kind].append(turned.reshape(shape[0] * start, shape[1] * end))
            for kind in kinds:
                columns[kind].append(torch.cat(rows[kind]))
        return [torch.cat(column, 1) for column in columns]

    def pooled(self, x: Tensor) -> Tensor:
        """W x, by sums over parts."""
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
        """What each output takes from one input: the sum over all matches."""
        inputs = x.index_select(-1, self.sources)
        inputs = inputs.view(*x.shape[:-1], *self.factors.shape)
        factors = rates[: len(self.factors), None] * self.factors
        return (factors * inputs).sum(-2)

    def summed(self, x: Tensor, rates: Tensor) -> Tensor:
        """What each output takes from sums over the parts of the inputs."""
        sums = (x @ self.pools) * rates.index_select(-1, self.rate_of)
        return sums @ self.spreads

    def _make_tables(self) -> None:
        super()._make_tables()
        self._make_form()

    def _make_form(self) -> None:
        """The tables of the form."""
        if self.sharing.has_places:
            self._make_places()
        if self.sharing.is_pooled:
            self._make_pools()
        if self.sharing.is_fourier:
            self._make_grid()
        if self.sharing.is_blocked:
            self._make_blocks()

    def _make_places(self) -> None:
        """Where the entries of W, by columns, and those of b are read from."""
        labels = torch.tensor(self.sharing.labels, device=self.coefficient.device)
        if self.sharing.is_gathered:
            weight = labels[: self.sharing.d_in * self.sharing.d_out]
            turned = weight.view(self.sharing.d_out, -1).t().flatten()
            self.register_buffer("turned", self._places(turned).int(), persistent=False)
        if self.sharing.has_bias:
            places = self._places(labels[self.sharing.d_in * self.sharing.d_out :]).int()
            self.register_buffer("bias_places", places, persistent=False)

    def _make_grid(self) -> None:
        """Where the grid lies in inputs and outputs, and what its places are read from."""
        device = self.coefficient.device
        labels = torch.tensor(self.sharing.labels, device=device)
        inputs = torch.tensor(self.sharing.input_places, device=device)
        outputs = torch.tensor(self.sharing.output_places, device=device)
        weight = labels[: self.sharing.d_in * self.sharing.d_out].view(self.sharing.d_out, -1)
        kernel = weight[outputs[:, None, :], inputs[None, :, :1]]
        self.register_buffer("kernel", self._places(kernel.flatten()).int(), persistent=False)
        self.register_buffer("input_places", inputs.flatten(), persistent=False)
        self.register_buffer("output_order", outputs.flatten().argsort(), persistent=False)

    def _make_blocks(self) -> None:
        """Where orbits lie in inputs and outputs, their coordinates, and what blocks are made of."""
        like = self.coefficient.detach()
        repeats = self.sharing.repeats
        inputs = [torch.tensor(points, device=like.device) for points in self.sharing.input_orbits]
        outputs = [torch.tensor(points, device=like.device) for points in self.sharing.output_orbits]
        self.input_counts = [points.shape[1] for points in inputs]
        self.output_counts = [points.shape[1] for points in outputs]
        self.input_sizes = [points.numel() for points in inputs]
        for side, counts in (("input", self.input_counts), ("output", self.output_counts)):
            every = self.sharing.input_widths if side == "input" else self.sharing.output_widths
            lengths = [[w * m for w in widths] for widths, m in zip(every, counts, strict=True)]
            rows = [[r * w for r, w in zip(repeats, widths, strict=True)] for widths in every]
            setattr(self, f"{side}_lengths", lengths)
            setattr(self, f"{side}_rows", rows)
        order = torch.cat([points.flatten() for points in inputs])
        self.register_buffer("input_order", order, persistent=False)
        order = torch.cat([points.flatten() for points in outputs]).argsort()
        self.register_buffer("output_order", order, persistent=False)
        for name, bases in (("input", self.sharing.input_bases), ("output", self.sharing.output_bases)):
            for t, basis in enumerate(bases):
                table = torch.tensor(basis, device=like.device, dtype=like.dtype)
                self.register_buffer(f"{name}_basis{t}", table, persistent=False)
        self._make_ties(inputs, outputs)

    def _make_ties(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Which entries differ, and what each of them contributes to the blocks."""
        like = self.coefficient.detach()
        labels = torch.tensor(self.sharing.labels, device=like.device)
        weight = labels[: self.sharing.d_in * self.sharing.d_out].view(self.sharing.d_out, -1)
        tied = []
        for t, ends in enumerate(outputs):
            for s, starts in enumerate(inputs):
                ties = torch.tensor(self.sharing.ties[t][s], device=like.device).flatten()
                count = max(map(max, self.sharing.ties[t][s])) + 1
                member = ties[:, None] == torch.arange(count, device=like.device)
                first = member.int().argmax(0)
                to, start = ends[first // len(starts)], starts[first % len(starts)]
                tied.append(self._places(weight[to[:, None, :], start[:, :, None]].flatten()))
                mix = self._mix(s, t, member)
                self.register_buffer(f"mix{t * len(inputs) + s}", mix.to(like), persistent=False)
        self.tied_sizes = [len(places) for places in tied]
        self.register_buffer("tied", torch.cat(tied).int(), persistent=False)

    def _mix(self, s: int, t: int, member: Tensor) -> Tensor:
        """What tied pairs of points contribute to blocks: (numbers of blocks, tied pairs)."""
        start, end, rows = 0, 0, []
        kind = {"device": member.device, "dtype": torch.float64}
        inputs = torch.tensor(self.sharing.input_bases[s], **kind)
        outputs = torch.tensor(self.sharing.output_bases[t], **kind)
        widths = zip(self.sharing.input_widths[s], self.sharing.output_widths[t], strict=True)
        for repeats, (width, height) in zip(self.sharing.repeats, widths, strict=True):
            a, b = inputs[start : start + width], outputs[end : end + height]
            rows.append(torch.einsum("aj,bi->abij", a, b).reshape(width * height, len(member)))
            start, end = start + repeats * width, end + repeats * height
        return torch.cat(rows) @ member.double()

    def _make_pools(self) -> None:
        """What is added up, and where sums go."""
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
            self.register_buffer("rate_of", torch.tensor(rate_of, device=like.device), persistent=False)

    def _members(self, parts: Sequence[int]) -> Tensor:
        """Which part each number belongs to, and with what sign: (numbers, parts)."""
        like = self.coefficient.detach()
        part = torch.tensor(parts, device=like.device)[:, None]
        every = torch.arange(1, max(map(abs, parts)) + 1, device=like.device)
        return (part.abs() == every).to(like) * part.sign()
