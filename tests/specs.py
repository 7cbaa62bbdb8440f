"""Specifications built straight from representations, with no search; and exported modules loaded from their files."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sharefind.architectures import SharingSpec, exact_texts, generator_pairs
from sharefind.groups import Representation
from sharefind.meanfield.clouds.standardise import Standardisation, identity_standardisation
from sharefind.meanfield.units import build_pointwise_unit, two_layer_space
from sharefind.spaces import Subspace, fixed_space, matrix_space


def spec_on(
    reps: Sequence[Representation],
    unit: str,
    particles: int,
    space: Subspace | None = None,
    change: Standardisation | None = None,
) -> SharingSpec:
    """E^G as a specification, or another `space` said to be fixed by the group; the unit may not be equivariant.

    reps: of one group on inputs, on outputs [and on hidden units].
    """
    types: tuple[int, ...] = ()
    if unit.startswith("gated"):
        gated = build_pointwise_unit(unit, *reps)
        parameters, types = gated.space, gated.types
    else:
        parameters = two_layer_space(*reps) if len(reps) > 2 else matrix_space(*reps, bias="+bias" in unit)
    group = reps[0].group
    return SharingSpec(
        name=f"test: {group.name}",
        unit=unit,
        particles=particles,
        blocks=parameters.blocks,
        group_name=group.name,
        group_order=group.order,
        in_rep=reps[0].name,
        out_rep=reps[1].name,
        hidden_rep=reps[2].name if len(reps) > 2 else None,
        generators=generator_pairs(*reps),
        lie_generators=exact_texts(*(rep.lie for rep in reps)),
        space=fixed_space(parameters.action) if space is None else space,
        change=change or identity_standardisation(reps[0].dim, reps[1].dim),
        types=types,
    )


def load_module(path: Path) -> Any:
    """A module from its file, under the name of the file, imported by no other name."""
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
