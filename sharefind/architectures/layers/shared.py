"""Parameters in a shared space, made of free coefficients: the base of every layer of this package.

`standalone` computes the layers. This module adds a specification, computes entries in a way that is fast for large
spaces, and keeps them while nothing can have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.architectures.certificate.group_names import shown
from sharefind.architectures.certificate.proof import check_name
from sharefind.architectures.formats.registry import read_file
from sharefind.architectures.layers import dense, standalone
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.meanfield.dynamics.tied import TiedEntries, is_transformed

Device = torch.device | str | None

Source = SharingSpec | TrainedNetwork | Path | str
"""The sources of a layer: a specification, a trained network, or a file with one of the two."""

Made = TypeVar("Made", bound=tuple[Any, ...])


@dataclass(frozen=True)
class Kept:
    """Tensors made in eval mode, with a copy of their coefficients, since no counter sees every change in place.

    Attributes:
        coefficient: The copy, shape (*lead, dim).
        made: The tensors; the first one shares its count of changes with all others that can be changed.
        version: This count when they were made.
        seen: Where the coefficients lie and their bytes, where comparing bytes is quickest; None elsewhere.
    """

    coefficient: Tensor
    made: tuple[Any, ...]
    version: int
    seen: _Seen | None

    def is_true_of(self, given: Tensor) -> bool:
        """Return whether the tensors belong to some coefficients and are unchanged.

        Args:
            given: The coefficients, shape (*lead, dim).
        """
        if self.version != self.made[0]._version:
            return False
        if self.seen is not None and given.data_ptr() == self.seen.address:
            return self.seen.numbers.tobytes() == self.seen.content
        kept = self.coefficient
        return bool(given.dtype == kept.dtype and given.device == kept.device and _is_equal(given, kept))


@dataclass(frozen=True)
class _Seen:
    """A view of coefficients in their own memory, which it keeps, and the bytes that they had."""

    numbers: NDArray[Any]
    address: int
    content: bytes

    @classmethod
    def of(cls, coefficient: Tensor, many: int = 2**15) -> _Seen | None:
        """The view of coefficients on a processor; None of `many` numbers, for which a copy costs more."""
        if coefficient.numel() >= many or not _has_numpy(coefficient):
            return None
        numbers = coefficient.detach().numpy()
        return cls(numbers, coefficient.data_ptr(), numbers.tobytes())


def _has_numpy(given: Tensor) -> bool:
    return given.device.type == "cpu" and given.dtype in (torch.float32, torch.float64)


def _is_equal(given: Tensor, kept: Tensor, many: int = 4096) -> bool:
    """Whether two tensors of one type on one device are equal; numpy is quicker from `many` numbers on."""
    if given.numel() < many or not _has_numpy(given):
        return torch.equal(given, kept)
    return np.array_equal(given.detach().numpy(), kept.numpy())


def is_still(module: nn.Module, coefficient: Tensor) -> bool:
    """Return whether the tensors that a module makes of its coefficients may be kept.

    They may where nothing asks for gradients or transforms the module.

    Args:
        module: The module.
        coefficient: The tensor in the place of its parameter.
    """
    if module.training or (torch.is_grad_enabled() and coefficient.requires_grad):
        return False
    # torch.func puts plain tensors in the parameter's place; compilers cannot read anything after `is_transformed`.
    if type(coefficient) is not nn.Parameter or coefficient.is_meta or is_transformed():
        return False
    return not coefficient.is_inference()  # such tensors count no changes


def kept_of(coefficient: Tensor, make: Callable[[], tuple[Any, ...]]) -> Kept:
    """Return the tensors made of coefficients, with a copy of the coefficients.

    Args:
        coefficient: The coefficients of a module that `is_still`, shape (*lead, dim).
        make: Makes the tensors.
    """
    with torch.inference_mode(False), torch.no_grad():
        made = make()
        return Kept(coefficient.detach().clone(), made, made[0]._version, _Seen.of(coefficient))


class SharedModule(standalone.SharedModule):
    """Blocks of parameters in the space of a specification, differentiable in `coefficient`, shape (*lead, dim).

    In eval mode, while no gradient can reach the coefficients, their entries are made once and kept until a coefficient
    changes, in whatever way. The state is the same in both modes. A module made on the device "meta" works after
    `to_empty` and `load_state_dict`, or after `load_state_dict(..., assign=True)`.

    Args:
        sharing: Description of the shared space, with its specification.

    Attributes:
        spec: The specification.
        start: Standard deviations of the coefficients when they are drawn, shape (dim,).
        ties: Reads the entries from the coefficients; None for a space that is not tied.
    """

    ties: TiedEntries | None
    _kept: dict[str, Kept]

    @property
    def spec(self) -> SharingSpec:
        """The specification."""
        return self.sharing.spec

    @classmethod
    def _read(cls, source: Source, limits: Limits, count: int | None, **factory: Any) -> Self:
        """A module with `count` particles; None takes the number in the source."""
        spec, coefficient = read_source(source, limits)
        count = len(coefficient) if count is None and coefficient is not None else count
        make: Callable[..., Self] = cls
        return make(spec, count, **factory)._loaded(coefficient)

    def _loaded(self, coefficient: NDArray[np.float64] | None) -> Self:
        """The module itself, after it has loaded coefficients where there are some."""
        if coefficient is not None:
            self.load_coefficients(coefficient)
        return self

    @torch.no_grad()
    def load_coefficients(self, coefficient: NDArray[np.float64]) -> None:
        """Replace the coefficients.

        Args:
            coefficient: Coefficients, shape (*lead, dim), float64.

        Raises:
            InputError: The coefficients have another shape.
        """
        if coefficient.shape != tuple(self.coefficient.shape):
            needed = tuple(self.coefficient.shape)
            raise InputError(f"the coefficients have shape {coefficient.shape}; this module needs {needed}")
        self.coefficient.copy_(torch.from_numpy(np.array(coefficient, dtype=np.float64)))

    @property
    def entries(self) -> Tensor:
        """All entries of the blocks in the order of the specification, row-major, shape (*lead, D)."""
        return self._kept_as("entries", self._one_made)[0] if self._is_still() else self._made()

    def _is_still(self) -> bool:
        return is_still(self, self.coefficient)

    def _kept_as(self, name: str, make: Callable[[], Made]) -> Made:
        """The tensors that `make` returns, kept under a name as long as nothing changes."""
        kept = self._kept.get(name)
        if kept is None or not kept.is_true_of(self.coefficient):
            kept = self._kept[name] = kept_of(self.coefficient, make)
        return cast("Made", kept.made)

    def train(self, mode: bool = True) -> Self:
        """Set the mode, as in torch.nn.Module.

        Args:
            mode: True for training, False for eval mode.

        Returns:
            The module itself.
        """
        self._kept = {}
        return super().train(mode)

    def extra_repr(self) -> str:
        """Return the widths and what is shared."""
        spec = self.spec
        return (
            f"{spec.d_in}, {spec.d_out}, group={shown(spec.group_name)}, dim={spec.space.dim} of {spec.space.ambient}"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {}}

    def _made(self) -> Tensor:
        if self.ties is None:  # not super().entries, which compilers cannot follow
            return self.coefficient @ self.basis
        entries: Tensor = self.ties(self.coefficient)
        return entries

    def _one_made(self) -> tuple[Tensor]:
        return (self._made(),)

    def _make_tables(self) -> None:
        self._kept = {}
        labels, device = self.sharing.labels, self.coefficient.device
        if not hasattr(self, "ties"):
            self.ties = None if labels is None else TiedEntries(labels, device)
        if self.ties is None:
            super()._make_tables()
        elif self.ties.index.device != device:
            self.ties.place(device)
        if self.ties is not None and self.sharing.has_types:
            self._make_types()

    @torch.no_grad()
    def _dense(self, centre: Tensor, scale: Tensor | float, shift: Tensor | None) -> nn.Sequential:
        """x -> shift + scale `mean`(x - centre) as two plain nn.Linear and the activation, nothing shared.

        Args:
            centre: Shape (parts, d_in): what is subtracted is the sum over the parts.
            scale: Scale of the outputs.
            shift: Shape (d_out,), or None.

        Raises:
            InputError: The unit computes lengths of vectors, which no plain layer does.
        """
        if self.sharing.has_types or self.sharing.is_radial:
            raise InputError(f"the unit {self.spec.unit} computes lengths of vectors, which plain layers cannot")
        blocks, bias = self.blocks, self.bias
        first = dense.centred_linear(blocks["weight"].flatten(0, 1), None if bias is None else bias.flatten(), centre)
        output = blocks.get("output")
        if output is None:
            like, d_out = self.coefficient, self.spec.d_out
            output = torch.eye(d_out, device=like.device, dtype=like.dtype).expand(len(like), d_out, d_out)
        last = dense.plain_linear(scale * standalone.side_by_side(output), shift)
        return nn.Sequential(first, dense.plain_activation(self.spec), last).train(self.training)


def read_source(source: Source, limits: Limits = DEFAULT_LIMITS) -> tuple[SharingSpec, NDArray[np.float64] | None]:
    """Read a specification, and its weights where there are some.

    The generators must generate the group of the name; `certify` checks all other claims of a specification.

    Args:
        source: A specification, a trained network, or a file with one of the two.
        limits: How large the file may be.

    Returns:
        The specification, and the coefficients, shape (N, dim), or None where the source has no weights.

    Raises:
        ExportError: The generators generate no group, or a group other than the name says.
        InputError: The file cannot be read, is above the limits or holds no specification.
    """
    known = read_file(Path(source), limits) if isinstance(source, (str, Path)) else source
    if not isinstance(known, (SharingSpec, TrainedNetwork)):
        raise InputError(f"a {type(source).__name__} is no specification; give a SharingSpec or the path of a file")
    spec, coefficient = (known.spec, known.coefficient) if isinstance(known, TrainedNetwork) else (known, None)
    check_name(spec)
    return spec, coefficient


def single(spec: SharingSpec, coefficient: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of a network with one particle.

    Args:
        spec: The specification.
        coefficient: The coefficients of the network, shape (N, dim).

    Returns:
        Shape (dim,).

    Raises:
        InputError: The network has several particles, so that no single layer has its weights.
    """
    if len(coefficient) != 1:
        raise InputError(
            f"the weights of {spec.name} are those of {len(coefficient)} particles and not of one layer; "
            "use SharedShallowNetwork.from_spec, or give the specification alone for a fresh layer"
        )
    return np.asarray(coefficient[0])
