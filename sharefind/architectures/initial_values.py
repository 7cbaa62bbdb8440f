"""How the coefficients of an exported module start: so that each layer's entries spread as when every entry is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.formats import literals
from sharefind.architectures.spec import SharingSpec
from sharefind.exact.matrices import to_float


def basis(spec: SharingSpec) -> NDArray[np.float64]:
    """What each coefficient does to the entries: (dim, ambient)."""
    return to_float(spec.space.exact_rows()) if spec.space.is_exact else spec.space.orthonormal()


def spreads(spec: SharingSpec) -> dict[str, float]:
    """For each block |B|^2 of a free one over |B|^2 of the shared one, both with coefficients of variance 1."""
    labels = spec.space.tying
    energies = (basis(spec) ** 2).sum(axis=0) if labels is None else (labels != 0).astype(np.float64)
    found = {block.name: float(energies[spec.slice_of(block.name)].sum()) for block in spec.blocks}
    return {block.name: block.size / found[block.name] if found[block.name] > 0 else 1.0 for block in spec.blocks}


def start_data(spec: SharingSpec) -> list[str]:
    """`START = (...)`: runs of coefficients of a two-layer unit with the standard deviation of their start.

    With them the entries of A, W x and b start with the variance that they have when every entry is free.
    """
    stds = network_start(spec)
    runs = [literals.one_line([str(len(list(run))), repr(float(std))]) for std, run in groupby(stds)]
    comment = "# Numbers of coefficients, one after another, with the standard deviation of their start."
    return ["", comment, f"START = {literals.one_line(runs) if runs else '()'}"]


def network_start(spec: SharingSpec) -> NDArray[np.float64]:
    """(dim,): W x starts with variance 1 on average, for inputs of the length that the search saw; A and b too."""
    length = input_length(spec)
    if not spec.has_hidden:
        return np.full(spec.space.dim, math.sqrt(spreads(spec)["weight"]) / length)
    return start_stds(spec, {"output": 1.0, "bias": 1.0, "weight": 1 / length})


def start_stds(spec: SharingSpec, stds: Mapping[str, float]) -> NDArray[np.float64]:
    """Standard deviations (dim,) of coefficients that give each block's entries theirs on average.

    stds: by block; where a coefficient moves several blocks the last one decides.
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
    """Root of E|x - centre|^2 where the change makes A (x - centre) white: tr (A^T A)^-1; sqrt(d_in) when A = 1."""
    return float(np.linalg.norm(np.linalg.inv(spec.change.matrix)))
