"""The parameter space Z of a unit: named blocks and the induced action M_g on all of them together.

`sharefind.meanfield` decides which blocks a unit has; `fixed` computes fixed subspaces of the action.
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
    """One named array of parameters, such as a weight (d_out, d_in).

    Attributes:
        name: Name of the block.
        shape: Shape of the array. In a vector of Z it is flattened row by row.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class ParameterSpace:
    """The space Z of all parameters of a unit: its blocks one after another, with the action M_g of a group on R^dim.

    Attributes:
        blocks: The blocks, in the order in which a vector of Z holds them.
        action: The action on Z.

    Raises:
        SpaceError: The sizes of the blocks do not add up to the dimension of the action, or two blocks share a name.
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
        """Split vectors of Z into blocks.

        Args:
            vectors: Shape (..., dim), any dtype.

        Returns:
            One array per block name, shape (..., *shape of the block), a view of `vectors` where numpy can give one.

        Raises:
            SpaceError: The last axis does not have length dim.
        """
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
        """Concatenate blocks to vectors of Z; the inverse of `split`.

        Args:
            blocks: One array per block name, shape (..., *shape of the block).

        Returns:
            Vectors, shape (..., dim).

        Raises:
            SpaceError: A block is missing, unknown or of another shape.
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
    """Return the parameter space of the units sigma(z x) or sigma(z x + b).

    The weight z, shape (d_out, d_in), carries the representation hom(out, in); the bias b, shape (d_out,), carries
    `out`: M_g (z, b) = (rhohat_g z rho_g^{-1}, rhohat_g b), so that z x + b is jointly equivariant (Maass & Fontbona
    2024, Section 2).

    Args:
        in_rep: Representation rho on the inputs, of dimension d_in.
        out_rep: Representation rhohat on the outputs, of dimension d_out.
        bias: Whether the units have a bias.
    """
    weight = Block("weight", (out_rep.dim, in_rep.dim))
    action = hom(out_rep, in_rep)
    if not bias:
        return ParameterSpace((weight,), action)
    return ParameterSpace((weight, Block("bias", (out_rep.dim,))), action + out_rep)
