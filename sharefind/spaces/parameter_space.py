"""The parameter space Z of a unit: named blocks and the induced action M_g on all of them together.

Which blocks a unit has is decided in `sharefind.meanfield`; fixed subspaces of the action are in `fixed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import SpaceError
from sharefind.groups import Representation, hom


@dataclass(frozen=True)
class Block:
    """One named array of parameters, such as a weight (d_out, d_in); flattened row-major in Z."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class ParameterSpace:
    """Z = the blocks, one after another, with the action M_g of a group on R^dim.

    Raises:
        SpaceError: the blocks do not fill the space of the action, or two share a name.
    """

    blocks: tuple[Block, ...]
    action: Representation

    def __post_init__(self) -> None:
        names = [block.name for block in self.blocks]
        if len(set(names)) != len(names):
            raise SpaceError(f"parameter blocks {names} share a name; give each its own")
        total = sum(block.size for block in self.blocks)
        if total != self.action.dim:
            raise SpaceError(
                f"blocks of {total} entries do not fit the action {self.action.name} on R^{self.action.dim}; "
                "use the representation that acts on all blocks together"
            )

    @property
    def dim(self) -> int:
        """Dimension of Z."""
        return self.action.dim

    def split(self, vectors: Any) -> dict[str, NDArray[Any]]:
        """Vectors (..., dim) as blocks {name: (..., *shape)}, views where numpy can."""
        array = np.asarray(vectors)
        if array.ndim == 0 or array.shape[-1] != self.dim:
            raise SpaceError(f"vectors of shape {array.shape} do not end in the dimension {self.dim} of Z")
        pieces, start = {}, 0
        for block in self.blocks:
            piece = array[..., start : start + block.size]
            pieces[block.name] = piece.reshape(*array.shape[:-1], *block.shape)
            start += block.size
        return pieces

    def join(self, blocks: Mapping[str, Any]) -> NDArray[Any]:
        """Blocks {name: (..., *shape)} as vectors (..., dim), the inverse of `split`.

        Raises:
            SpaceError: a block is missing, unknown or of another shape.
        """
        if set(blocks) != {block.name for block in self.blocks}:
            raise SpaceError(
                f"blocks {sorted(blocks)} given, {[b.name for b in self.blocks]} needed; give exactly these"
            )
        return np.concatenate([_flattened(block, blocks[block.name]) for block in self.blocks], axis=-1)


def _flattened(block: Block, values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    lead = array.ndim - len(block.shape)
    if lead < 0 or array.shape[lead:] != block.shape:
        raise SpaceError(f"block {block.name} has shape {array.shape}; it must end in {block.shape}")
    return array.reshape(*array.shape[:lead], block.size)


def matrix_space(in_rep: Representation, out_rep: Representation, bias: bool = False) -> ParameterSpace:
    """Z of the units sigma(z x [+ b]): weight (d_out, d_in) [and bias (d_out,)] under hom(out, in) [+ out].

    M_g (z, b) = (rhohat_g z rho_g^{-1}, rhohat_g b), so that z x + b is jointly equivariant (Maass & Fontbona
    2024, Section 2).
    """
    weight = Block("weight", (out_rep.dim, in_rep.dim))
    action = hom(out_rep, in_rep)
    if not bias:
        return ParameterSpace((weight,), action)
    return ParameterSpace((weight, Block("bias", (out_rep.dim,))), action + out_rep)
