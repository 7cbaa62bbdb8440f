"""A deep network as a torch module with tied weights, the class that exported modules have."""

from __future__ import annotations

import math

import numpy as np
import torch

from sharefind.architectures.deep.deep_json import Move
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.standalone import SharedDeepNetwork, Triples
from sharefind.exact.matrices import rows_of, to_float
from sharefind.groups import Representation
from sharefind.spaces import Subspace


def deep_module(
    network: DeepNetwork, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> SharedDeepNetwork:
    """Return a module that computes what the network does, (..., d_in) -> (..., d_out), and trains with its symmetry.

    Args:
        network: The network.
        device: Device of the parameters; None for torch's default.
        dtype: Type of the parameters; None for torch's default.
    """
    unit = network.unit
    generators = list(zip(*map(_moves, unit.reps), strict=True))
    spaces = enumerate(zip(unit.weight_spaces, unit.bias_spaces, strict=True))
    bases = {number: (_triples(weight), _triples(bias)) for number, (weight, bias) in spaces}
    signed = [function.signed for function in unit.layer_functions]
    dims = [rep.dim for rep in unit.reps]
    module = SharedDeepNetwork(dims, generators, signed, unit.adds_input, unit.function.name, bases, {}, device, dtype)
    state = module.state_dict()
    for number, layer in enumerate(network.layers):
        state[f"layers.{number}.weight"] = torch.from_numpy(np.array(layer.weight))
        state[f"layers.{number}.bias"] = torch.from_numpy(np.array(layer.bias))
    module.load_state_dict(state)
    return module


def _moves(rep: Representation) -> list[Move]:
    """Each generator on a layer: images counted from 1, with signs, or a matrix."""
    if not rep.is_sparse:
        return [to_float(matrix).tolist() for matrix in rep.generator_matrices]
    perms, signs = rep.sparse_generators
    return [((perm + 1) * sign).tolist() for perm, sign in zip(perms.astype(np.int64), signs, strict=True)]


def _triples(space: Subspace) -> Triples:
    """The reduced basis of a space, whose coordinates are those of `Affine`."""
    if space.tying is not None:
        labels = space.tying.tolist()
        return [(abs(label) - 1, entry, math.copysign(1.0, label)) for entry, label in enumerate(labels) if label]
    rows, values = rows_of(space.exact_rows()), to_float(space.exact_rows())
    return [(k, e, float(values[k, e])) for k in range(space.dim) for e in sorted(rows[k])]
