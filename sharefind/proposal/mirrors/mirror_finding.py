"""A proposed group of maps as a finding like any other: its space of weights, its group and its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sharefind.groups import FiniteGroup, structure_name
from sharefind.proposal.finding import Finding
from sharefind.proposal.log_evidence import Labels
from sharefind.proposal.mirrors.mirror_evidence import signed_orbits
from sharefind.proposal.mirrors.propose_mirrors import MirrorProposal
from sharefind.proposal.mirrors.signed_map import SignedMap, mirror_layout
from sharefind.recognition import Layout, Recognition
from sharefind.spaces import Subspace
from sharefind.spaces.tying import canonical
from sharefind.typing import FloatArray


def mirror_finding(proposal: MirrorProposal) -> Finding:
    """Return the proposal as the candidate of a search.

    Args:
        proposal: The generators, and the coefficients that they tie.
    """
    values, variances = proposal.terms.linear
    layout = mirror_layout(*values.shape)
    group = mirror_group(proposal.maps, layout)
    labels = _tying(proposal.maps, layout)
    space = Subspace.from_pattern(labels)
    tied, errors = _refitted(labels, values.ravel(), variances.ravel())
    return Finding(
        layout=layout,
        labels=labels,
        recognition=Recognition(space, layout, group, group.name, 2, space),
        name=group.name if proposal.maps else "no sharing",
        is_group=True,
        is_odd=False,
        has_signal=bool(proposal.terms.seen_outputs.any()),
        values=tied,
        errors=errors,
        samples=proposal.terms.samples,
        is_decided=True,
        is_exhaustive=proposal.is_exhaustive,
        log_odds=proposal.log_odds if proposal.maps else None,
    )


def mirror_group(maps: Sequence[SignedMap], layout: Layout) -> FiniteGroup:
    """Return the group that maps generate, on the points of `mirror_layout`, named by its structure.

    Args:
        maps: The maps.
        layout: The layout.
    """
    generators = tuple(g.points() for g in maps)
    group = FiniteGroup("C1", layout.points, generators, layout.natural_blocks)
    return FiniteGroup(structure_name(group), layout.points, generators, layout.natural_blocks, known_order=group.order)


def _tying(maps: Sequence[SignedMap], layout: Layout) -> Labels:
    moves = [layout.parameter_move(g.points()) for g in maps]
    orbits, signs, zero = signed_orbits(moves, layout.dim)
    return canonical(np.where(zero, 0, (orbits + 1) * signs))


def _refitted(labels: Labels, values: FloatArray, variances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """One value for each class, weighted by the variances, and its standard error."""
    weight = np.where(np.isfinite(variances) & (variances > 0), 1 / variances, 0.0)
    classes, count = np.abs(labels), int(labels.max()) + 1
    total = np.bincount(classes, weight, count)[1:]
    moment = np.bincount(classes, weight * values * np.sign(labels), count)[1:]
    known = total > 0
    safe = np.where(known, total, 1.0)
    return np.where(known, moment / safe, 0.0), np.where(known, 1 / np.sqrt(safe), 0.0)
