"""Specifications built straight from groups and spaces: no search is run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sharefind.architectures import SharingSpec
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace
from tests.specs import spec_on

MakeSpec = Callable[..., SharingSpec]


def build_spec(
    group_name: str,
    in_text: str,
    out_text: str,
    unit: str,
    space: Subspace | None = None,
    change: Standardisation | None = None,
) -> SharingSpec:
    """E^G of a named group as a specification, or another `space` said to be fixed by it."""
    group = named_group(group_name)
    reps = [parse_representation(text, group) for text in (in_text, out_text)]
    return spec_on(reps, unit, 40, space, change)


@pytest.fixture(scope="session")
def make_spec() -> MakeSpec:
    """`build_spec`."""
    return build_spec
