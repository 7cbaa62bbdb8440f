"""Specifications built straight from groups and spaces: no search is run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sharefind.export import SharingSpec, exact_texts, generator_pairs
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.standardise import Standardisation, identity_standardisation
from sharefind.spaces import Subspace, fixed_space, matrix_space

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
    in_rep, out_rep = (parse_representation(text, group) for text in (in_text, out_text))
    parameters = matrix_space(in_rep, out_rep, "+bias" in unit)
    return SharingSpec(
        name=f"test: {group_name}",
        unit=unit,
        particles=40,
        blocks=parameters.blocks,
        group_name=group.name,
        group_order=group.order,
        in_rep=in_rep.name,
        out_rep=out_rep.name,
        generators=generator_pairs(in_rep, out_rep),
        lie_generators=exact_texts(in_rep.lie, out_rep.lie),
        space=fixed_space(parameters.action) if space is None else space,
        change=change or identity_standardisation(in_rep.dim, out_rep.dim),
    )


@pytest.fixture(scope="session")
def make_spec() -> MakeSpec:
    """`build_spec`."""
    return build_spec
