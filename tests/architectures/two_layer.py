"""Specifications of two-layer units."""

from __future__ import annotations

from typing import Any

import numpy as np

from sharefind.architectures import SharingSpec
from sharefind.groups import Representation, named_group, parse_representation
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace
from tests.specs import spec_on

RESCALED = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3]), 4.0)
NUMERICAL = Subspace.numerical(np.random.default_rng(3).standard_normal((3, 12)))

CASES: dict[str, tuple[Any, ...]] = {
    "c4": ("C4", "natural", "natural", "regular", "two-layer:logistic"),
    "s3": ("S3", "natural", "trivial:2", "natural+trivial", "two-layer:tanh"),
    "b2_signed": ("B2", "natural", "natural", "natural", "two-layer:tanh"),
    "b2_regular": ("B2", "natural", "trivial", "regular", "two-layer:tanh"),
    "c2_rescaled": ("C2", "natural", "trivial", "regular", "two-layer:logistic", None, RESCALED),
    "c2_zero": ("C2", "natural", "natural", "regular", "two-layer:tanh", Subspace.zero(10)),
    "r3_algebraic": ("R3", "natural", "natural", "regular", "two-layer:tanh"),
    "so3": ("SO3", "natural*natural", "trivial:2", "trivial:3", "two-layer:tanh"),
    "free": ("C1", "trivial:2", "trivial", "trivial:3", "two-layer:logistic"),
    "numerical": ("C1", "trivial:3", "trivial:2", "trivial:2", "two-layer:tanh", NUMERICAL),
}


def representations(case: str) -> list[Representation]:
    """On inputs, on outputs, on hidden units."""
    group_name, *texts = CASES[case][:4]
    return [parse_representation(text, named_group(group_name)) for text in texts]


def two_layer_spec(case: str) -> SharingSpec:
    """A specification straight from a group and a space."""
    unit, space, change = (*CASES[case][4:], None, None)[:3]
    return spec_on(representations(case), unit, 16, space, change)


def identity(size: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple("1" if i == j else "0" for j in range(size)) for i in range(size))
