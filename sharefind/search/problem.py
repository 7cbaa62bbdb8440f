"""The value that a search works on: samples, actions, unit and candidate subspaces, resolved once and then fixed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, RepresentationError
from sharefind.exact.matrices import rows_of
from sharefind.groups import FiniteGroup, Group, Representation, parse_representation, subgroup_label, subgroup_labels
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.sample_checks import refuse_repeated_rows
from sharefind.limits import SETTINGS, Limits
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import Standardisation, identity_standardisation, standardisation
from sharefind.meanfield.objectives.sources import EpochSource, FoldSource, FreshSource, Source
from sharefind.meanfield.units import SearchedUnit
from sharefind.rng import named_stream
from sharefind.search.blind import BlindStart, blind_start, is_structured
from sharefind.search.config import SearchConfig, Settings, resolve
from sharefind.search.rules.widths import width_advice
from sharefind.search.search_lattice import SearchNode
from sharefind.search.searched_unit import DEFAULT_UNIT, default_hidden, refuse_wide, searched_unit
from sharefind.search.unit_registry import UNPERMUTABLE, RowUnits, can_permute, row_units
from sharefind.spaces import (
    InvariantLattice,
    LatticeNode,
    ParameterSpace,
    Subspace,
    chain_lattice,
    fixed_space,
    invariant_lattice,
    tying_lattice,
)

ELSEWHERE = {"data", "generators", "max_nodes", "max_seconds", *SETTINGS}
"""Settings on which no result depends: paths, whose content does count, budgets and limits."""

LENGTH_SAMPLES = 1000
"""Fresh samples from which E|x|^2 is estimated."""


class TaskLike(Protocol):
    """Where (X, Y) comes from, such as `sharefind.datasets.Task`: rows x and y, or `sample` where they are None."""

    @property
    def name(self) -> str:
        """What the records call it."""
        ...

    @property
    def d_in(self) -> int:
        """Width of X."""
        ...

    @property
    def d_out(self) -> int:
        """Width of Y."""
        ...

    @property
    def in_rep(self) -> str | None:
        """Recommended representation on X."""
        ...

    @property
    def out_rep(self) -> str | None:
        """Recommended representation on Y."""
        ...

    @property
    def unit(self) -> str | None:
        """Recommended unit."""
        ...

    @property
    def tolerance(self) -> float:
        """Recommended tolerance, 0 for exact symmetry."""
        ...

    @property
    def x(self) -> NDArray[np.float64] | None:
        """(n, d_in), or None for fresh samples."""
        ...

    @property
    def y(self) -> NDArray[np.float64] | None:
        """(n, d_out), or None for fresh samples."""
        ...

    @property
    def units(self) -> NDArray[np.int64] | None:
        """(n,), the unit of each row, numbered from 0; None where rows are independent."""
        ...

    def sample(self, rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """n fresh samples, (n, d_in) and (n, d_out)."""
        ...


@dataclass(frozen=True)
class Candidate:
    """A candidate symmetry as it acts on the data: the group and its representations on X and Y."""

    group: Group
    in_rep: Representation
    out_rep: Representation


@dataclass(frozen=True)
class Problem:
    """Everything a node needs to be trained and tested.

    Attributes:
        task: where samples come from. candidate: the group; in a blind search the one that was proposed, or the trivial
            one. unit: the unit.
        lattice: the candidate's invariant subspaces; None in a blind search by numerical directions.
        settings: every choice made. x (n, d_in), y (n, d_out): standardised finite data, or None.
        change: the standardisation that was applied.
        blind: what a blind search started from; x and y are the samples that took no part in that. None otherwise.
        units: (n,), int64, the unit of each row of x and y, numbered from 0; None where every row is one.
        warnings: what must be said of the data, a line each.
    """

    task: TaskLike
    candidate: Candidate
    unit: SearchedUnit
    lattice: InvariantLattice | None
    settings: Settings
    x: Tensor | None
    y: Tensor | None
    change: Standardisation
    blind: BlindStart | None = None
    units: Tensor | None = None
    warnings: tuple[str, ...] = ()

    @property
    def space(self) -> ParameterSpace:
        """Z with the action of the candidate."""
        return self.unit.space

    @property
    def fixed_space(self) -> Subspace:
        """E^G of the whole candidate group."""
        return fixed_space(self.space.action)

    @cached_property
    def labels(self) -> dict[Group, str]:
        """A unique name for every subgroup of a finite candidate that the lattice lists."""
        parent = self.candidate.group
        if self.lattice is None or not isinstance(parent, FiniteGroup):
            return {}
        listed = [g for node in self.lattice.nodes for g in node.groups if isinstance(g, FiniteGroup)]
        return dict(zip(listed, subgroup_labels(listed, parent), strict=True))

    def label_of(self, group: Group) -> str:
        """The group's unique name among the candidate's subgroups."""
        parent, known = self.candidate.group, self.labels.get(group)
        if known is not None or not isinstance(group, FiniteGroup) or not isinstance(parent, FiniteGroup):
            return known or group.name
        return subgroup_label(group, parent)

    def labels_of(self, groups: Iterable[Group]) -> tuple[str, ...]:
        """`label_of` for several groups."""
        return tuple(map(self.label_of, groups))

    def lattice_node(self, node: SearchNode) -> LatticeNode | None:
        """The node's place among the candidate's invariant subspaces, or None."""
        return None if self.lattice is None or node.candidate is None else self.lattice.nodes[node.candidate]

    def directions(self, node: SearchNode) -> tuple[Subspace, ...]:
        """Spaces along which an escape is looked for: the candidates next above the node, and Z last."""
        full, place = Subspace.full(self.space.dim), self.lattice_node(node)
        above = [] if place is None or self.lattice is None else self.lattice.covers(place)
        return (*(n.space for n in above if n.space != full), full)

    @property
    def resolved(self) -> SearchConfig:
        """The configuration with every choice of preset, task and defaults written out; it builds the same problem."""
        settings, given = self.settings, self.settings.config
        chosen: dict[str, Any] = {
            "unit": self.unit.name,
            "growth": settings.growth,
            "stop": settings.stop,
            "delta": settings.delta,
            "tolerance": settings.tolerance,
            "particles": settings.sgd.particles,
            "horizon": settings.sgd.horizon,
            "replicates": settings.replicates,
            "copies": given.copies,
        }
        if self.blind is not None and given.unit is None and self.task.unit is None:
            del chosen["unit"]  # what is proposed depends on whether a unit was named
        if given.group is not None:
            chosen["in_rep"], chosen["out_rep"] = _expressions(given, self.task)
        if self.unit.hidden_rep is not None:
            chosen["hidden_rep"] = given.hidden_rep or default_hidden(
                self.candidate.in_rep, self.candidate.out_rep, given.limits
            )
        return given.model_copy(update=chosen)

    @property
    def fingerprint(self) -> str:
        """`fingerprint` of the task."""
        return fingerprint(self.task)

    @property
    def settings_fingerprint(self) -> str:
        """What identifies all that a result depends on beside the samples: SHA-256 of the settings and the generators.

        Budgets and limits are no part of it, nor is where files lie; of a file with generators the matrices count.
        """
        settings = self.resolved.model_dump(mode="json", exclude=ELSEWHERE)
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        if settings["group"] is None and isinstance(self.candidate.group, FiniteGroup):
            for rep in (self.candidate.in_rep, self.candidate.out_rep):
                for matrix in rep.generator_matrices:
                    digest.update(str(sorted((i, sorted(row.items())) for i, row in rows_of(matrix).items())).encode())
        return digest.hexdigest()

    @property
    def samples(self) -> int | None:
        """n of a finite data set, None for fresh samples."""
        return None if self.x is None else len(self.x)

    def common_source(self, rng: np.random.Generator, batch: int | None = None) -> Source:
        """One stream of minibatches for all replicates (R = 1), of the settings' size unless another is given."""
        batch = batch or self.settings.sgd.batch
        if self.x is None or self.y is None:
            return FreshSource(self.task.sample, 1, batch, rng)
        return EpochSource(self.x, self.y, batch, rng)

    def independent_source(self, rng: np.random.Generator) -> Source:
        """Independent streams, one a replicate: fresh samples, or disjoint folds of finite data."""
        sgd, replicates = self.settings.sgd, self.settings.replicates
        if self.x is None or self.y is None:
            return FreshSource(self.task.sample, replicates, sgd.batch, rng)
        return FoldSource(self.x, self.y, replicates, sgd.batch, rng, self.units)

    def joint_action(self, group: Group) -> JointAction:
        """A subgroup of the candidate, acting on X and Y."""
        if group is self.candidate.group or not isinstance(group, FiniteGroup):
            return JointAction(self.candidate.in_rep, self.candidate.out_rep)
        return JointAction(self.candidate.in_rep.restrict(group), self.candidate.out_rep.restrict(group))

    def carry_back(self, theta: Tensor) -> Tensor:
        """Particles (R, D, N) of the standardised problem in the user's coordinates.

        What they predict at x - centre is what the given ones predict at x' = A (x - centre), exactly, since
        (W' A) (x - centre) = W' x', and biases stay. The origin of x and the labels' change are no part of it.
        """
        return self.unit.compose(theta, torch.from_numpy(self.change.matrix))


def fingerprint(task: TaskLike) -> str:
    """What identifies samples: SHA-256 of the rows as they were given and of their units; the name of fresh samples."""
    if task.x is None or task.y is None:
        return f"fresh samples of {task.name}"
    digest = hashlib.sha256(f"{task.x.shape} {task.y.shape}".encode())
    for values in (task.x, task.y):
        digest.update(np.ascontiguousarray(values).tobytes())
    if task.units is not None:
        digest.update(np.ascontiguousarray(task.units).tobytes())
    return digest.hexdigest()


def build_problem(config: SearchConfig, task: TaskLike, group: Candidate | Group) -> Problem:
    """Resolve a search: representations, unit, candidate subspaces, presets and standardised data.

    Args:
        config: what was asked. task: the samples. group: a named group, or a group with its representations
            (from a generators file); ignored in a blind search for exact spaces, which proposes its own.

    Raises:
        RepresentationError: the widths of the data do not fit the representations, or the action is not orthogonal.
        SpaceError: dim Z is above `config.limits`.
        UnitError: the unit is unknown or not equivariant.
        ConfigError: a setting does not fit the problem. GroupError: the group is too large for what was asked.
    """
    blind = None
    rows_of_task = row_units(config, task.x, task.y, task.units, task.name)
    refuse_wide(config.unit or task.unit, task.d_in, task.d_out, None, config.limits)
    if is_structured(config):
        blind = blind_start(config, task.x, task.y, config.unit or task.unit, task.sample, rows_of_task.units)
        group = Candidate(blind.group, blind.in_rep, blind.out_rep)
    candidate = group if isinstance(group, Candidate) else _represent(config, task, group)
    return _assembled(config, task, candidate, blind, rows_of_task)


def proposals(problem: Problem) -> Iterator[Problem]:
    """The same search with each of the proposals that follow its own, in the order in which the data propose them.

    What was tried before a proposal is left for whoever tests it to say.
    """
    config, task = problem.settings.config, problem.task
    rows_of_task = row_units(config, task.x, task.y, task.units, task.name)
    for start in () if problem.blind is None else problem.blind.alternatives:
        candidate = Candidate(start.group, start.in_rep, start.out_rep)
        other = _assembled(config, task, candidate, start, rows_of_task)
        yield replace(other, settings=replace(other.settings, workers=problem.settings.workers))


def _assembled(
    config: SearchConfig, task: TaskLike, candidate: Candidate, blind: BlindStart | None, rows_of_task: RowUnits
) -> Problem:
    limits = config.limits
    _refuse_widths(config, candidate, task)
    named = config.unit or task.unit or (None if blind is None else blind.unit)
    if named is None and blind is not None and (blind.tying is not None or candidate.group.order == 1):
        named = DEFAULT_UNIT  # what was found are weights of X to Y
    is_paper = config.preset == "paper"
    unit = searched_unit(named, config.hidden_rep, candidate.in_rep, candidate.out_rep, limits, is_paper)
    if not unit.space.action.is_orthogonal:
        raise RepresentationError(
            f"{candidate.group.name} does not act by orthogonal matrices; distances need an orthonormal basis, "
            "change coordinates by the square root of the invariant inner product"
        )
    rows = None if blind is None else blind.rows
    samples = None if task.x is None else len(task.x if rows is None else rows)
    units = rows_of_task.of(rows)
    count = None if units is None else int(units.max()) + 1
    settings = resolve(config, samples, task.tolerance, unit, _length2(config, task), count)
    _refuse_small(settings, samples, count)
    x, y, change = _standardised(task, candidate, unit, settings, blind, rows_of_task.units)
    lattice, warnings = _lattice(config, unit, blind), rows_of_task.warnings
    if lattice is not None and not lattice.zero.groups and not can_permute(units, settings.alpha):
        warnings = (*warnings, UNPERMUTABLE)
    return Problem(task, candidate, unit, lattice, settings, x, y, change, blind, units=units, warnings=warnings)


def _lattice(config: SearchConfig, unit: SearchedUnit, blind: BlindStart | None) -> InvariantLattice | None:
    if config.blind and blind is None:
        return None
    if blind is not None and blind.tying is not None:
        return tying_lattice(unit.space.action, _with_tied_rest(unit, blind.tying), "tying")
    return _candidates(unit.space.action, config.limits)


def _with_tied_rest(unit: SearchedUnit, weights: Subspace) -> Subspace:
    """A tying space of the first block, with all of a bias tied.

    Raises:
        ConfigError: the unit has a hidden layer.
    """
    if unit.hidden_rep is not None or weights.tying is None:
        raise ConfigError(f"what was found ties weights of X to Y, which {unit.name} has not; use --unit matrix")
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


def _represent(config: SearchConfig, task: TaskLike, group: Group) -> Candidate:
    in_text, out_text = _expressions(config, task)
    in_rep, out_rep = (parse_representation(text, group, config.limits) for text in (in_text, out_text))
    return Candidate(group, in_rep, out_rep)


def _expressions(config: SearchConfig, task: TaskLike) -> tuple[str, str]:
    """Representation expressions on X and Y: what the user said, else what the task recommends, else natural."""
    if config.blind:
        return f"trivial:{task.d_in}", f"trivial:{task.d_out}"
    return config.in_rep or task.in_rep or "natural", config.out_rep or task.out_rep or "natural"


def _refuse_widths(config: SearchConfig, candidate: Candidate, task: TaskLike) -> None:
    for side, flag, rep, width in (
        ("x", "--in-rep", candidate.in_rep, task.d_in),
        ("y", "--out-rep", candidate.out_rep, task.d_out),
    ):
        if rep.dim != width:
            raise RepresentationError(
                f"{task.name}: {side} has width {width} but {rep.name} of {candidate.group.name} has dimension "
                f"{rep.dim}; {_advice(config, flag, candidate.group, rep, width)}"
            )


def _advice(config: SearchConfig, flag: str, group: Group, rep: Representation, width: int) -> str:
    if config.generators is not None:
        return f"give matrices of size {width} x {width} in {config.generators}"
    return width_advice(flag, group, rep, width)


def _refuse_small(settings: Settings, samples: int | None, units: int | None) -> None:
    if units is not None and units < settings.replicates:
        raise ConfigError(
            f"{units} units of rows cannot be split into {settings.replicates} folds; give more units or --replicates "
            f"{max(2, units)}"
        )
    if samples is not None and samples < 2 * settings.replicates:
        raise ConfigError(
            f"{samples} samples cannot be split into {settings.replicates} folds of at least two; give more data "
            f"(at least {2 * settings.replicates} rows) or fewer --replicates"
        )


def _standardised(
    task: TaskLike,
    candidate: Candidate,
    unit: SearchedUnit,
    settings: Settings,
    blind: BlindStart | None,
    units: Tensor | None,
) -> tuple[Any, Any, Standardisation]:
    if task.x is None or task.y is None:
        return None, None, identity_standardisation(task.d_in, task.d_out)
    rows = slice(None) if blind is None or blind.rows is None else blind.rows
    x, y = task.x[rows], task.y[rows]
    how = settings.standardise
    # A space that no group fixes, tied or grown along directions, commutes with a common scale alone.
    if how == "whiten" and (settings.growth != "invariant" or (blind is not None and blind.tying is not None)):
        how = "scale"
    change = standardisation(x, y, candidate.in_rep, candidate.out_rep, unit.output_activation, how)
    refuse_repeated_rows(task.x, task.y, task.name, None if units is None else units.numpy())
    x, y = change.apply(x, y)
    return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(np.ascontiguousarray(y)), change


def _length2(config: SearchConfig, task: TaskLike) -> float:
    """E|x|^2 of the samples as they are given."""
    x = task.x
    if x is None:
        x = task.sample(named_stream(config.seed, "length"), LENGTH_SAMPLES)[0]
    with np.errstate(over="ignore"):  # Values whose squares overflow are refused when they are standardised.
        return float((x**2).sum(axis=1).mean())
