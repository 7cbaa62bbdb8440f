"""Torch modules as networks that are audited. A module is used as in evaluation, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from sharefind.architectures.audit.layer_chain import LayerChain, UnreadError
from sharefind.architectures.audit.network import AuditedNetwork, lowered, moved_rounding
from sharefind.architectures.audit.torch_layers import torch_layers
from sharefind.architectures.layers import SharedShallowNetwork, SharedTwoLayer
from sharefind.errors import InputError, one_line
from sharefind.typing import FloatArray

KINDS = {torch.float16: "float16", torch.float32: "float32", torch.float64: "float64"}
"""Precisions that numpy knows, too."""


def torch_network(module: nn.Module, shape: tuple[int, ...], name: str | None = None) -> AuditedNetwork:
    """Return a module as a network that is audited.

    Args:
        module: Takes rows (n, *shape) and returns rows (n, ...).
        shape: Shape of a row of its input.
        name: Name of the network; that of its class by default.

    Raises:
        InputError: Its numbers have a precision other than float16, float32 or float64.
    """
    like = next((t for t in (*module.parameters(), *module.buffers()) if t.is_floating_point()), None)
    dtype = torch.get_default_dtype() if like is None else like.dtype
    if dtype not in KINDS:
        raise InputError(f"the module computes in {dtype}; convert it with module.float() and audit that")
    device = torch.device("cpu") if like is None else like.device
    caller = _Caller(module, shape, dtype, device)
    chain, unread = _layers(module, shape)
    return AuditedNetwork(
        name or type(module).__name__, int(np.prod(shape)), KINDS[dtype], caller.predict, caller.rounding, chain,
        unread, getattr(module, "input_names", ()), getattr(module, "output_names", ()),
    )  # fmt: skip


def _layers(module: nn.Module, shape: tuple[int, ...]) -> tuple[LayerChain | None, str]:
    try:
        plain = module.to_dense() if isinstance(module, SharedShallowNetwork | SharedTwoLayer) else module
        return torch_layers(plain, shape), ""
    except InputError as error:
        return None, str(error) if isinstance(error, UnreadError) else one_line(error)


class _Caller:
    """Calls a module on numpy rows.

    Args:
        module: The module.
        shape: Shape of a row.
        dtype: Precision of the module.
        device: Device of the module.
    """

    def __init__(self, module: nn.Module, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self.module, self.shape, self.dtype, self.device = module, shape, dtype, device

    def predict(self, x: FloatArray) -> FloatArray:
        """Return what the module computes, shape (n, d_out)."""
        return self._computed(x, self.dtype, None)

    def rounding(self, x: FloatArray) -> FloatArray:
        """Return the size of its rounding in each output, shape (n, d_out)."""
        kind, factor = lowered(KINDS[self.dtype])
        low = next(dtype for dtype, name in KINDS.items() if name == kind)
        x = x.astype(kind).astype(np.float64)
        try:
            rough = self._computed(x, low, self._state(low))
            return factor * np.abs(rough - self._computed(x, torch.float64, self._state(low, torch.float64)))
        except InputError:  # a module that fixes its own precision
            seed = torch.Generator().manual_seed(0)
            return moved_rounding(
                self.predict, lambda: lambda rows: self._computed(rows, self.dtype, self._moved(seed)), x
            )

    def _state(self, low: torch.dtype, high: torch.dtype | None = None) -> dict[str, Tensor]:
        """Return the weights rounded to one precision, held in another."""
        return {name: t.to(low).to(high or low) for name, t in self._floats()}

    def _moved(self, seed: torch.Generator) -> dict[str, Tensor]:
        return {name: _moved(t, seed) for name, t in self._floats()}

    def _floats(self) -> Iterator[tuple[str, Tensor]]:
        for name, tensor in (*self.module.named_parameters(), *self.module.named_buffers()):
            if tensor.is_floating_point():
                yield name, tensor.detach()

    def _computed(self, x: FloatArray, dtype: torch.dtype, state: Mapping[str, Tensor] | None) -> FloatArray:
        """Return what the module computes with its own weights, or with others."""
        rows = torch.as_tensor(np.ascontiguousarray(x)).to(dtype).to(self.device).reshape(len(x), *self.shape)
        with torch.no_grad(), _evaluating(self.module):
            try:
                y = self.module(rows) if state is None else functional_call(self.module, dict(state), (rows,))
            except (RuntimeError, TypeError, ValueError, IndexError) as error:
                raise InputError(
                    f"the module does not take rows of shape {self.shape} ({one_line(error, 160)}); give x in its shape"
                ) from error
        return _rows(y, len(x))


def _moved(values: Tensor, seed: torch.Generator) -> Tensor:
    moves = 2 * torch.rand(values.shape, generator=seed, dtype=torch.float64) - 1
    factor = (1 + torch.finfo(values.dtype).eps * moves).to(values.device)
    return (values.to(torch.float64) * factor).to(values.dtype)


def _rows(y: object, count: int) -> FloatArray:
    if not isinstance(y, Tensor):
        raise InputError(f"the module returns a {type(y).__name__}; it must return one tensor, a row for each input")
    if y.ndim < 1 or len(y) != count or not y.is_floating_point():
        raise InputError(
            f"the module returns a {y.dtype} tensor of shape {tuple(y.shape)} for {count} rows; "
            "it must return a row of real numbers for each"
        )
    return np.asarray(y.detach().to("cpu", torch.float64).reshape(count, -1).numpy())


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module and its parts in evaluation mode, and then back in the mode that each had."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
