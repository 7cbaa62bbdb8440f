"""Torch modules as networks that are audited. A module is used as in evaluation, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from sharefind.architectures.audit.layer_chain import LayerChain, UnreadError
from sharefind.architectures.audit.network import AuditedNetwork, Predict
from sharefind.architectures.audit.torch_layers import torch_layers
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
        name or type(module).__name__, int(np.prod(shape)), KINDS[dtype], caller.predict(None), caller.rounded, chain,
        unread, getattr(module, "input_names", ()), getattr(module, "output_names", ()),
    )  # fmt: skip


def _layers(module: nn.Module, shape: tuple[int, ...]) -> tuple[LayerChain | None, str]:
    plain = getattr(module, "dense", None)  # the layers of sharefind
    try:
        return torch_layers(plain() if callable(plain) else module, shape), ""
    except InputError as error:
        return None, str(error) if isinstance(error, UnreadError) else one_line(error)


class _Caller:
    """Calls a module on numpy rows.

    Args:
        module: The module.
        shape: Shape of a row.
        dtype: Precision of the module.
        device: Where it lies.
    """

    def __init__(self, module: nn.Module, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self.module, self.shape, self.dtype, self.device = module, shape, dtype, device

    def predict(self, state: Mapping[str, Tensor] | None) -> Predict:
        """Return the function that the module computes with another state, or with its own."""

        def call(x: FloatArray) -> FloatArray:
            rows = torch.as_tensor(np.ascontiguousarray(x)).to(self.dtype).to(self.device).reshape(len(x), *self.shape)
            with torch.no_grad(), _evaluating(self.module):
                y = self._called(rows) if state is None else functional_call(self.module, dict(state), (rows,))
            return _rows(y, len(x))

        return call

    def _called(self, rows: Tensor) -> object:
        try:
            return self.module(rows)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"the module does not take rows of shape {self.shape} ({one_line(error, 160)}); give x in its shape"
            ) from error

    def rounded(self, rng: np.random.Generator) -> Predict:
        """Return the function of the module with every weight moved by at most one unit in the last place."""
        seed = torch.Generator().manual_seed(int(rng.integers(2**62)))
        named = (*self.module.named_parameters(), *self.module.named_buffers())
        return self.predict({name: _moved(t.detach(), seed) for name, t in named if t.is_floating_point()})


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
