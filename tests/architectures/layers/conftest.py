"""Specifications straight from groups and spaces, and the exported classes of the same specification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sharefind.architectures import SharingSpec, torch_source
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace
from tests.specs import spec_on

BuildSpec = Callable[[str], SharingSpec]
Exported = Callable[[str], dict[str, Any]]

RESCALED = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3, 0.3]), 4.0, np.array([2.5, 2.5]))
ONE_LABEL = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3]), 4.0, np.array([-1.5, -1.5]))
NUMERICAL = Subspace.numerical(np.random.default_rng(3).standard_normal((3, 6)))

Case = tuple[tuple[str, ...], str, Subspace | None, Standardisation | None]

CASES: dict[str, Case] = {
    "c4": (("C4", "natural", "natural"), "matrix:logistic", None, None),
    "s4_bias": (("S4", "natural", "natural"), "matrix+bias:logistic", None, None),
    "c2_rescaled": (("C2", "natural", "natural"), "matrix+bias:tanh", None, RESCALED),
    "d4_sign": (("D4", "natural*sign", "natural"), "matrix:tanh", None, None),
    "b3_zeros": (("B3", "natural", "natural"), "matrix+bias:tanh", None, None),
    "r5_basis": (("R5", "natural", "regular"), "matrix:logistic", None, None),
    "so3": (("SO3", "natural*natural", "trivial"), "matrix+bias:tanh", None, None),
    "numerical": (("C1", "trivial:3", "trivial:2"), "matrix:tanh", NUMERICAL, None),
    "zero": (("C2", "natural", "natural"), "matrix:logistic", Subspace.zero(4), None),
    "two_c4": (("C4", "natural", "natural", "regular"), "two-layer:logistic", None, None),
    "two_signed": (("B2", "natural", "natural", "natural"), "two-layer:tanh", None, None),
    "two_rescaled": (("C2", "natural", "trivial", "regular"), "two-layer:logistic", None, ONE_LABEL),
    "two_basis": (("R3", "natural", "natural", "regular"), "two-layer:tanh", None, None),
}


def _spec(name: str) -> SharingSpec:
    (group_name, *texts), unit, space, change = CASES[name]
    reps = [parse_representation(text, named_group(group_name)) for text in texts]
    return spec_on(reps, unit, 16, space, change)


@pytest.fixture(scope="session")
def spec_of() -> BuildSpec:
    """The specification of a case, made once."""
    made: dict[str, SharingSpec] = {}
    return lambda name: made.setdefault(name, made[name] if name in made else _spec(name))


@pytest.fixture(scope="session")
def exported(spec_of: BuildSpec) -> Exported:
    """What the exported module of a case defines."""
    made: dict[str, dict[str, Any]] = {}

    def load(name: str) -> dict[str, Any]:
        if name not in made:
            made[name] = {"__name__": name}
            exec(torch_source(spec_of(name)), made[name])  # noqa: S102
        return made[name]

    return load
