"""Chains of small tied layers with one coefficient vector, from which all their matrices are read at once.

An optimiser then has one parameter, and autograd one sum over entries, for any number of layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.architectures.layers.shared import Kept, is_still, kept_of
from sharefind.architectures.layers.shared_layers import SharedLinear
from sharefind.architectures.linear_sharing import LinearSharing
from sharefind.errors import InputError


class SharedSequential(nn.Module):
    """An nn.Sequential of modules whose tied linear layers read their weights from one coefficient vector.

    It computes the same as `nn.Sequential` with the same modules and their present weights. Tied layers become part of
    `coefficient`, one after the other; other modules keep their names and parameters. Use it for layers of up to some
    hundred inputs; wider layers are quicker on their own, in a form that fits them.

    Attributes:
        coefficient: The coefficients of all tied layers, shape (sum of their dims,).
        places: Position among the values of each entry of the layers, W by columns before b.
        basis: Entries by coefficient, shape (sum of their dims, entries), in place of `places` for few coefficients.

    Args:
        modules: Modules, at least one of them a `SharedLinear` whose space is tied.

    Raises:
        InputError: None of the modules is such a layer, or these differ in their type of numbers or their device.
    """

    coefficient: nn.Parameter
    places: Tensor
    basis: Tensor
    _kept: Kept | None = None

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        tied = {k: m for k, m in enumerate(modules) if isinstance(m, SharedLinear) and m.sharing.is_tied}
        if not tied:
            raise InputError("no module is a tied SharedLinear; use torch.nn.Sequential")
        kinds = {(layer.coefficient.dtype, layer.coefficient.device) for layer in tied.values()}
        if len(kinds) > 1:
            raise InputError("the tied layers differ in their dtype or device; bring all to one of them")
        self._tied = {k: layer.sharing for k, layer in tied.items()}
        self._steps = [(str(k), self._tied.get(k)) for k in range(len(modules))]
        for k, module in enumerate(modules):
            if k not in tied:
                self.add_module(str(k), module)
        self._table, self._sizes = _places(list(self._tied.values()))
        self.coefficient = nn.Parameter(torch.cat([layer.coefficient.detach() for layer in tied.values()]))
        self.coefficient.requires_grad_(any(layer.coefficient.requires_grad for layer in tied.values()))
        self._make_tables()

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the last module.

        Args:
            x: Inputs of the first module, shape (..., d_in).

        Returns:
            Shape (..., d_out of the last module).
        """
        pieces, modules = iter(self._pieces()), self._modules
        for name, sharing in self._steps:
            if sharing is None:
                x = modules[name](x)  # type: ignore[misc]
            elif not sharing.has_bias:
                x = x @ next(pieces).view(sharing.d_in, -1)
            else:
                weight, bias = next(pieces).view(sharing.d_in, -1), next(pieces)
                x = torch.addmm(bias, x, weight) if x.dim() == 2 else x @ weight + bias
        return x

    def separate(self) -> nn.Sequential:
        """Return an nn.Sequential of separate layers with the present weights; the other modules are the same."""
        parts, dims = list[nn.Module](), [sharing.dim for sharing in self._tied.values()]
        pieces = iter(torch.split(self.coefficient.detach(), dims))
        for name, sharing in self._steps:
            if sharing is None:
                parts.append(self.get_submodule(name))
                continue
            layer = SharedLinear(sharing.spec, self.coefficient.device, self.coefficient.dtype, sharing.form.name)
            with torch.no_grad():
                layer.coefficient.copy_(next(pieces))
            parts.append(layer.requires_grad_(self.coefficient.requires_grad))
        return nn.Sequential(*parts).train(self.training)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new coefficients, with the variances of each layer."""
        runs = [run for sharing in self._tied.values() for run in sharing.linear_start]
        stds = torch.tensor([std for count, std in runs for _ in range(count)])
        nn.init.normal_(self.coefficient)
        self.coefficient.mul_(stds.to(self.coefficient))

    def train(self, mode: bool = True) -> Self:
        """Set the mode, as in torch.nn.Module.

        Args:
            mode: True for training, False for eval mode.

        Returns:
            The module itself.
        """
        self._kept = None
        return super().train(mode)

    def extra_repr(self) -> str:
        """Return which modules share the coefficient."""
        names = ", ".join(f"{k}: {each.d_in} -> {each.d_out}" for k, each in self._tied.items())
        return f"dim={len(self.coefficient)} of {names}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None}

    def _pieces(self) -> tuple[Tensor, ...]:
        """W by columns and b of each layer; eval mode keeps them until a coefficient changes."""
        coefficient = self.coefficient
        if not is_still(self, coefficient):
            return self._read(coefficient)
        if self._kept is None or not self._kept.is_true_of(coefficient):
            self._kept = kept_of(coefficient, partial(self._read, coefficient))
        return self._kept.made

    def _read(self, values: Tensor) -> tuple[Tensor, ...]:
        if self._is_crowded:
            return (values @ self.basis).split_with_sizes(self._sizes)
        if self._has_zeros:
            values = nn.functional.pad(values, (1, 0))
        if self._has_signs:
            values = torch.cat([values, -values], dim=-1)
        return values.index_select(-1, self.places).split_with_sizes(self._sizes)

    def _make_tables(self) -> None:
        """Make the tables, which the state does not hold."""
        self._kept = None
        labels, dim = self._table, len(self.coefficient)
        self._has_zeros, self._has_signs = bool((labels == 0).any()), bool((labels < 0).any())
        self._is_crowded = _is_crowded(dim, len(labels))
        if self._is_crowded:
            every = np.arange(1, dim + 1)[:, None]
            basis = torch.from_numpy((abs(labels) == every) * np.sign(labels)).to(self.coefficient.detach())
            self.register_buffer("basis", basis, persistent=False)
            return
        places = abs(labels) - (not self._has_zeros) + (dim + self._has_zeros) * (labels < 0)
        # Torch reads by places of 64 bits a third quicker than by those of 32.
        table = torch.tensor(places, dtype=torch.int64, device=self.coefficient.device)
        self.register_buffer("places", table, persistent=False)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._make_tables()
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self._make_tables()


def _is_crowded(dim: int, entries: int, few: int = 16, most: int = 2**18) -> bool:
    """Return whether entries are read by a product with 0, 1 and -1: additions to few numbers wait for each other.

    Args:
        dim: Number of coefficients.
        entries: Number of entries.
        few: Most coefficients of a product.
        most: Most numbers in its matrix, which stays in cache.
    """
    return dim <= few and dim * entries <= most


def _places(layers: list[LinearSharing]) -> tuple[NDArray[np.int64], list[int]]:
    """The labels of all layers, W by columns before b, numbered through all layers; and the length of each piece."""
    pieces, start = list[NDArray[np.int64]](), 0
    for sharing in layers:
        labels = np.zeros(0, dtype=np.int64) if sharing.labels is None else sharing.labels.astype(np.int64)
        labels = labels + start * np.sign(labels)
        count = sharing.d_in * sharing.d_out
        pieces.append(labels[:count].reshape(sharing.d_out, sharing.d_in).T.ravel())
        if sharing.has_bias:
            pieces.append(labels[count:])
        start += sharing.dim
    return np.concatenate(pieces), [len(piece) for piece in pieces]
