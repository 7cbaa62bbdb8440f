"""Trained networks of every advertised architecture, with weights drawn at random, and their torch modules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sharefind.architectures import SharingSpec, TrainedNetwork, torch_source
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace
from tests.specs import load_module, spec_on

WIDTH = 12

RESCALED = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3, 0.3]), 4.0, np.array([2.5, 2.5]))

ARCHITECTURES: dict[str, tuple[Any, ...]] = {
    "c4": ("C4", "matrix:logistic", "natural", "natural"),
    "s5_bias": ("S5", "matrix+bias:logistic", "natural", "natural"),
    "c4_tanh": ("C4", "matrix:tanh", "natural", "natural"),
    "d4_sign": ("D4", "matrix+bias:tanh", "natural+sign", "natural+sign"),
    "b3_signed": ("B3", "matrix:tanh", "natural", "natural"),
    "r5_basis": ("R5", "matrix+bias:logistic", "natural", "regular"),
    "rescaled": ("C2", "matrix+bias:logistic", "natural", "natural"),
    "zero": ("C2", "matrix:logistic", "natural", "natural"),
    "two_regular": ("C4", "two-layer:logistic", "natural", "natural", "regular"),
    "two_signed": ("B2", "two-layer:tanh", "natural", "natural", "natural"),
    "two_rescaled": ("C2", "two-layer:tanh", "natural", "natural", "regular"),
    "two_basis": ("R3", "two-layer:tanh", "natural", "natural", "regular"),
    "radial_algebraic": ("SO3", "radial", "2*natural", "natural"),
    "radial_gaussian": ("R5", "radial:gaussian", "2*natural", "natural"),
    "gated_scalar": ("O3", "gated:tanh", "3*natural", "trivial", "4*natural"),
    "gated_vectors": ("SO2", "gated:logistic", "natural+trivial", "natural", "2*natural+2*trivial"),
    "gated_tensors": ("O3", "gated-tensors:tanh", "2*natural", "natural*natural", "2*(natural+trivial)"),
    "gated_basis": ("R5", "gated:tanh", "2*natural", "natural", "natural+regular"),
}


def spec_of(group_name: str, unit: str, *texts: str) -> SharingSpec:
    """E^G of a named group."""
    group = named_group(group_name)
    return spec_on([parse_representation(text, group) for text in texts], unit, WIDTH)


def network_of(case: str) -> TrainedNetwork:
    """A network of `ARCHITECTURES`."""
    spec = spec_of(*ARCHITECTURES[case])
    if "rescaled" in case:
        spec = replace(spec, change=RESCALED)
    if case == "zero":
        spec = replace(spec, space=Subspace.zero(4))
    rng = np.random.default_rng(len(case))
    return TrainedNetwork(spec, 2 * rng.standard_normal((WIDTH, spec.space.dim)))


def module_of(network: TrainedNetwork, folder: Path) -> Any:
    """The exported torch module of a network's specification."""
    path = folder / "exported.py"
    path.write_text(torch_source(network.spec))
    return load_module(path)
