"""Builds the problem that a search works on, from a configuration and samples: representations, unit and spaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, RepresentationError, setting
from sharefind.groups import Group, Representation
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES
from sharefind.groups.axis_expressions import representation_of
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.sample_checks import refuse_repeated_rows
from sharefind.limits import Limits
from sharefind.meanfield.clouds.standardise import Standardisation, refuse_offset, standardisation
from sharefind.meanfield.objectives.losses import loss_of
from sharefind.meanfield.units import SearchedUnit
from sharefind.progress import StageProgress, unwatched
from sharefind.rng import named_stream
from sharefind.search.blind import BlindStart, blind_start
from sharefind.search.classes import fresh_change, paced, refuse_no_classes
from sharefind.search.config import SearchConfig, Settings
from sharefind.search.inside import SubgroupStart, subgroup_start, warnings_of
from sharefind.search.mirror_start import mirror_start
from sharefind.search.own_groups import weights_layout
from sharefind.search.presets import is_structured, resolve
from sharefind.search.problem import ActingGroup, Problem
from sharefind.search.relation_groups import has_relation_test, refuse_untestable
from sharefind.search.relative_rows import relative_task
from sharefind.search.rules.widths import width_advice
from sharefind.search.samples_of_task import TaskLike, expressions, with_lengths
from sharefind.search.searched_unit import DEFAULT_UNIT, refuse_wide, searched_unit
from sharefind.search.turned import TurnedStart, may_be_opened, turned_start
from sharefind.search.unit_reach import reach_warnings
from sharefind.search.units_of_rows import RowUnits, can_permute, row_units, unpermutable
from sharefind.spaces import (
    InvariantLattice,
    Subspace,
    chain_lattice,
    invariant_lattice,
    lattice_of_compact,
    lattice_of_groups,
    tying_lattice,
)
from sharefind.typing import IntArray


def build_problem(
    config: SearchConfig, task: TaskLike, group: ActingGroup | Group, on_progress: StageProgress = unwatched
) -> Problem:
    """Return the problem of a search: representations, unit, candidate subspaces, presets and standardised data.

    Args:
        config: The configuration.
        task: The samples.
        group: A named group, or a group with its representations (from a generators file); ignored in a blind search
            for exact spaces, which proposes its own.
        on_progress: Called with a stage, steps done, and steps in all, where that takes long: as maps are proposed.

    Raises:
        RepresentationError: The widths of the data do not fit the representations, or the action is not orthogonal.
        SpaceError: dim Z is above `config.limits`.
        UnitError: The unit is unknown or not equivariant.
        DataError: The lengths of the axes are not known.
        ConfigError: A setting does not fit the problem.
        GroupError: The group is too large for the configuration.
    """
    blind = None
    task = with_lengths(task, None if config.blind or isinstance(group, ActingGroup) else group)
    task = relative_task(task, config.relative_to_mean)
    rows_of_task = row_units(config, task.x, task.y, task.units, task.name)
    _refuse_offsets(task)
    refuse_wide(config.unit or task.unit, task.d_in, task.d_out, None, config.limits)
    if is_structured(config):
        unit, units = config.unit or task.unit, rows_of_task.units
        has_classes = bool(task.classes)
        if config.signs:
            blind = mirror_start(
                config,
                task.x,
                task.y,
                unit,
                units,
                names=task.inputs,
                has_classes=has_classes,
                on_progress=on_progress,
            )
        else:
            blind = blind_start(
                config, task.x, task.y, unit, task.sample, units, names=task.inputs, has_classes=has_classes
            )
        blind = blind if config.symmetry != "relation" else _with_listed(blind)
        group = ActingGroup(blind.group, blind.in_rep, blind.out_rep)
    candidate = group if isinstance(group, ActingGroup) else _represent(config, task, group)
    _refuse_widths(config, candidate, task)
    reps, units = (candidate.in_rep, candidate.out_rep), rows_of_task.units
    inside = subgroup_start(config, task.x, task.y, *reps, task.sample, units, task.inputs)
    return _assembled(config, task, candidate, blind, rows_of_task, inside)


def _with_listed(start: BlindStart) -> BlindStart:
    """Without further proposals whose relation cannot be tested."""
    return replace(start, alternatives=tuple(a for a in start.alternatives if has_relation_test(a.group)))


def proposals(problem: Problem) -> Iterator[Problem]:
    """Yield the same search with each of the proposals that follow its own, in the order in which the data propose
    them.

    The caller, which tests the proposals, records the proposals that were rejected before.

    Args:
        problem: The search.
    """
    config, task = problem.settings.config, problem.task
    rows_of_task = row_units(config, task.x, task.y, task.units, task.name)
    for start in () if problem.blind is None else problem.blind.alternatives:
        candidate = ActingGroup(start.group, start.in_rep, start.out_rep)
        other = _assembled(config, task, candidate, start, rows_of_task)
        yield replace(other, settings=replace(other.settings, workers=problem.settings.workers))


def opened(problem: Problem) -> Problem | None:
    """Return the same search among subgroups of an infinite candidate that a part of the rows proposes, with the other
    rows.

    Args:
        problem: The search.

    Returns:
        None where subgroups cannot be proposed: rows are too few, or the group does more than turn vectors.
    """
    config, task, candidate = problem.settings.config, problem.task, problem.candidate
    if not may_be_opened(config, candidate.in_rep, candidate.out_rep):
        return None
    rows_of_task = row_units(config, task.x, task.y, task.units, task.name)
    reps = (candidate.in_rep, candidate.out_rep)
    start = turned_start(config, task.x, task.y, *reps, task.sample, rows_of_task.units)
    if start is None:
        return None
    other = _assembled(config, task, candidate, None, rows_of_task, start)
    return replace(other, settings=replace(other.settings, workers=problem.settings.workers))


def _assembled(
    config: SearchConfig,
    task: TaskLike,
    candidate: ActingGroup,
    blind: BlindStart | None,
    rows_of_task: RowUnits,
    inside: SubgroupStart | TurnedStart | None = None,
) -> Problem:
    limits = config.limits
    _refuse_widths(config, candidate, task)
    if config.symmetry == "relation":
        refuse_untestable(candidate.group)
    named = config.unit or task.unit or (None if blind is None else blind.unit)
    if named is None and blind is not None and (blind.tying is not None or candidate.group.order == 1):
        named = DEFAULT_UNIT  # what was found are weights of X to Y
    is_paper = config.preset == "paper"
    unit = searched_unit(named, config.hidden_rep, candidate.in_rep, candidate.out_rep, limits, is_paper)
    if not unit.space.action.is_orthogonal:
        raise RepresentationError(
            f"the matrices of {candidate.group.name} do not preserve lengths (they are not orthogonal); change "
            "coordinates by the square root of the invariant inner product"
        )
    start = blind or inside
    rows = None if start is None else start.rows
    samples = None if task.x is None else len(task.x if rows is None else rows)
    units = rows_of_task.of(rows)
    count = None if units is None else int(units.max()) + 1
    settings = resolve(config, samples, task.tolerance, unit, _length2(config, task), count)
    _refuse_small(settings, samples, count)
    if task.classes:
        refuse_no_classes(task, candidate.out_rep)
    has_tying = blind is not None and blind.tying is not None
    x, y, change = _standardised(task, candidate, unit, settings, rows, has_tying, rows_of_task.units)
    settings = replace(settings, sgd=paced(settings.sgd, loss_of(change)))
    lattice = _lattice(config, unit, blind, inside)
    proposing = inside.warnings if isinstance(inside, TurnedStart) else warnings_of(inside, candidate.group)
    warnings = (*rows_of_task.warnings, *proposing, *reach_warnings(unit))
    if lattice is None and settings.growing.snaps:
        weights_layout(unit.space.blocks)  # refuses units with other weights
    if lattice is not None and not lattice.zero.groups and not can_permute(units, settings.alpha):
        warnings = (*warnings, unpermutable())
    return Problem(task, candidate, unit, lattice, settings, x, y, change, blind, units, warnings, inside)


def _lattice(
    config: SearchConfig, unit: SearchedUnit, blind: BlindStart | None, inside: SubgroupStart | TurnedStart | None
) -> InvariantLattice | None:
    if config.blind and blind is None:
        return None
    if blind is not None and blind.tying is not None:
        return tying_lattice(unit.space.action, _with_tied_rest(unit, blind.tying), "tying")
    if isinstance(inside, TurnedStart):
        return lattice_of_compact(unit.space.action, inside.groups)
    if inside is not None and inside.groups:
        return lattice_of_groups(unit.space.action, inside.groups)
    return _candidates(unit.space.action, config.limits)


def _with_tied_rest(unit: SearchedUnit, weights: Subspace) -> Subspace:
    """A tying space of the first block, with all of a bias tied.

    Raises:
        ConfigError: the unit has a hidden layer.
    """
    if unit.hidden_rep is not None or weights.tying is None:
        raise ConfigError(
            f"the proposed sharing is of weights from inputs to outputs, and unit {unit.name} has a hidden layer "
            f"between them; use {setting('unit')} matrix"
        )
    rest = unit.space.dim - weights.ambient
    return Subspace.from_tying(np.concatenate([weights.tying, np.full(rest, weights.dim + 1, dtype=np.int64)]))


def _candidates(action: Representation, limits: Limits) -> InvariantLattice:
    """The candidate's invariant lattice; {0}, E^G and Z alone where the group is too large to list its subgroups.

    Too large are more than `MAX_SUBGROUP_ORDER` elements, which no setting lifts; below that, more subgroups than
    `limits.lattice` are refused.
    """
    order = action.group.order
    if order is not None and order > MAX_SUBGROUP_ORDER:
        return chain_lattice(action)
    return invariant_lattice(action, limits=limits)


def _represent(config: SearchConfig, task: TaskLike, group: Group) -> ActingGroup:
    in_text, out_text = expressions(config, task, group)
    in_rep = representation_of(in_text, group, task.in_axes, INPUT_AXES, config.limits)
    return ActingGroup(group, in_rep, representation_of(out_text, group, task.out_axes, OUTPUT_AXES, config.limits))


def _refuse_widths(config: SearchConfig, candidate: ActingGroup, task: TaskLike) -> None:
    for side, name, rep, width in (
        ("x", "in_rep", candidate.in_rep, task.d_in),
        ("y", "out_rep", candidate.out_rep, task.d_out),
    ):
        if rep.dim != width:
            raise RepresentationError(
                f"{task.name}: {side} has width {width} but {rep.name} of {candidate.group.name} has dimension "
                f"{rep.dim}; {_advice(config, name, candidate.group, rep, width)}"
            )


def _advice(config: SearchConfig, name: str, group: Group, rep: Representation, width: int) -> str:
    if config.generators is not None:
        return f"give matrices of size {width} x {width} in {config.generators}"
    return width_advice(name, group, rep, width)


def _refuse_small(settings: Settings, samples: int | None, units: int | None) -> None:
    if units is not None and units < settings.replicates:
        raise ConfigError(
            f"{units} units of rows cannot be split into {settings.replicates} folds; give more units or "
            f"{setting('replicates')} "
            f"{max(2, units)}"
        )
    if samples is not None and samples < 2 * settings.replicates:
        raise ConfigError(
            f"{samples} samples cannot be split into {settings.replicates} folds of at least two; give more data "
            f"(at least {2 * settings.replicates} rows) or fewer {setting('replicates')}"
        )


def _standardised(
    task: TaskLike,
    candidate: ActingGroup,
    unit: SearchedUnit,
    settings: Settings,
    chosen: IntArray | None,
    has_tying: bool,
    units: Tensor | None,
) -> tuple[Any, Any, Standardisation]:
    if task.x is None or task.y is None:
        return None, None, fresh_change(task, candidate.out_rep, unit, settings.seed)
    rows = slice(None) if chosen is None else chosen
    x, y = task.x[rows], task.y[rows]
    how = settings.standardise
    has_groups_only = settings.growing.keeps_to_candidates and not has_tying
    # A space that no group fixes, tied or grown along directions, commutes with a common scale alone.
    if how == "whiten" and not has_groups_only:
        how = "scale"
    reps, sigma = (candidate.in_rep, candidate.out_rep), unit.output_activation
    change = standardisation(
        x, y, *reps, sigma, how, has_classes=bool(task.classes), inputs=task.inputs, outputs=task.outputs
    )
    refuse_repeated_rows(task.x, task.y, task.name, None if units is None else units.numpy())
    x, y = change.apply(x, y)
    return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(np.ascontiguousarray(y)), change


def _refuse_offsets(task: TaskLike) -> None:
    """Refuse a column without enough digits before anything looks at the rows without knowing its name."""
    for letter, values, names in (("x", task.x, task.inputs), ("y", task.y, task.outputs)):
        if values is not None:
            refuse_offset(values, letter, names=names)


def _length2(config: SearchConfig, task: TaskLike, samples: int = 1000) -> float:
    """E|x|^2 of the samples as they are given, or of fresh ones."""
    x = task.x
    if x is None:
        x = task.sample(named_stream(config.seed, "length"), samples)[0]
    with np.errstate(over="ignore"):  # Values whose squares overflow are refused when they are standardised.
        return float((x**2).sum(axis=1).mean())
