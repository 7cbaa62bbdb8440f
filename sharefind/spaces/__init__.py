"""Exact subspaces of a parameter space: fixed spaces E^G, isotypic parts, projections, lattice of candidates.

`sharefind.groups` supplies the groups and their actions; `sharefind.meanfield` trains on a subspace.
"""

from sharefind.spaces.fixed import fixed_space
from sharefind.spaces.inclusions import (
    InvariantLattice,
    LatticeNode,
    chain_lattice,
    invariant_lattice,
    lattice_of_compact,
    lattice_of_groups,
    tying_lattice,
)
from sharefind.spaces.inner_product import invariant_inner_product, projection
from sharefind.spaces.isotypic import IsotypicPart, isotypic_decomposition
from sharefind.spaces.parameter_space import Block, ParameterSpace, matrix_space
from sharefind.spaces.subspace import Subspace
from sharefind.spaces.supports import supported

__all__ = [
    "Block",
    "InvariantLattice",
    "IsotypicPart",
    "LatticeNode",
    "ParameterSpace",
    "Subspace",
    "chain_lattice",
    "fixed_space",
    "invariant_inner_product",
    "invariant_lattice",
    "isotypic_decomposition",
    "lattice_of_compact",
    "lattice_of_groups",
    "matrix_space",
    "projection",
    "supported",
    "tying_lattice",
]
