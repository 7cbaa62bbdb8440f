"""How the coefficients of layers start: so that each layer's entries spread as when every entry is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import LENGTHS, OUTPUTS
from sharefind.exact.matrices import to_float

Runs = tuple[tuple[int, float], ...]
"""Runs of coefficients: how many, and the standard deviation of their start."""


def basis(spec: SharingSpec) -> NDArray[np.float64]:
    """Return the effect of each coefficient on the entries, shape (dim, ambient).

    Args:
        spec: The specification.
    """
    return to_float(spec.space.exact_rows()) if spec.space.is_exact else spec.space.orthonormal()


def spreads(spec: SharingSpec) -> dict[str, float]:
    """Return, for each block, |B|^2 of a free one over |B|^2 of the shared one, both with coefficients of variance 1.

    Args:
        spec: The specification.
    """
    labels = spec.space.tying
    energies = (basis(spec) ** 2).sum(axis=0) if labels is None else (labels != 0).astype(np.float64)
    found = {block.name: float(energies[spec.slice_of(block.name)].sum()) for block in spec.blocks}
    return {block.name: block.size / found[block.name] if found[block.name] > 0 else 1.0 for block in spec.blocks}


def runs(stds: NDArray[np.float64]) -> Runs:
    """Return standard deviations as runs of equal ones.

    Args:
        stds: Shape (dim,).
    """
    return tuple((len(list(run)), float(std)) for std, run in groupby(stds))


def network_start(spec: SharingSpec) -> NDArray[np.float64]:
    """Return standard deviations, shape (dim,), with which W x starts with variance 1 on average, and A and b too.

    Inputs have the length that the search saw.

    Args:
        spec: The specification.
    """
    length = input_length(spec)
    if len(spec.maps) == 1:
        return np.full(spec.space.dim, math.sqrt(spreads(spec)["weight"]) / length)
    return start_stds(spec, {**_outer(spec, 1.0), "bias": 1.0, "weight": 1 / length})


def block_start(spec: SharingSpec, channels: int) -> NDArray[np.float64]:
    """Return standard deviations, shape (dim,), with which A / channels, W and b start with the variances of two
    nn.Linear.

    Args:
        spec: The specification.
        channels: Number of channels; there are channels d_hidden units between.
    """
    inner = 1 / math.sqrt(3 * spec.d_in)
    outer = math.sqrt(channels / (3 * spec.block("weight").shape[0]))
    return start_stds(spec, {**_outer(spec, outer), "bias": inner, "weight": inner})


def _outer(spec: SharingSpec, std: float) -> dict[str, float]:
    """Standard deviations of what stands behind the first layer; lengths are mixed so that their sizes stay."""
    mixing = {"mixing": 1 / math.sqrt(spec.space_dims[LENGTHS])} if spec.types else {}
    return {**mixing, **{part.weight: std for part in spec.maps if part.target == OUTPUTS}}


def start_stds(spec: SharingSpec, stds: Mapping[str, float]) -> NDArray[np.float64]:
    """Return standard deviations, shape (dim,), of coefficients that give each block's entries theirs on average.

    Args:
        spec: The specification.
        stds: Standard deviations by block; where a coefficient moves several blocks the last one decides.
    """
    spread, start = spreads(spec), np.ones(spec.space.dim)
    for name, std in stds.items():
        start[_touched(spec, name)] = math.sqrt(spread[name]) * std
    return start


def _touched(spec: SharingSpec, name: str) -> NDArray[np.int64]:
    """The coefficients that move a block."""
    labels = spec.space.tying
    if labels is None:
        return np.flatnonzero(np.abs(basis(spec)[:, spec.slice_of(name)]).sum(axis=1))
    present = np.unique(np.abs(labels[spec.slice_of(name)]))
    return np.asarray(present[present > 0] - 1, dtype=np.int64)


def input_length(spec: SharingSpec) -> float:
    """Return the root of E|x - centre|^2 where the change makes A (x - centre) white: tr (A^T A)^-1; sqrt(d_in) when A
    = 1.

    Args:
        spec: The specification.
    """
    return float(np.linalg.norm(np.linalg.inv(spec.change.matrix)))
