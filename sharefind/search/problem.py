"""The value that a search works on: samples, actions, unit and candidate subspaces, resolved once and then fixed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.exact.matrices import rows_of
from sharefind.groups import CompactGroup, FiniteGroup, Group, Representation, subgroup_label, subgroup_labels
from sharefind.groups.axis_expressions import is_by_axes
from sharefind.limits import SETTINGS
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.objectives.losses import Loss, loss_of
from sharefind.meanfield.objectives.sources import EpochSource, FoldSource, FreshSource, Source
from sharefind.meanfield.units import SearchedUnit
from sharefind.search.blind import BlindStart
from sharefind.search.config import SearchConfig, Settings
from sharefind.search.inside import SubgroupStart
from sharefind.search.own_groups import own_place, own_representations, weights_layout
from sharefind.search.samples_of_task import TaskLike, fingerprint
from sharefind.search.search_lattice import SearchNode
from sharefind.search.searched_unit import default_hidden
from sharefind.search.turned import TurnedStart
from sharefind.spaces import (
    InvariantLattice,
    LatticeNode,
    ParameterSpace,
    Subspace,
    fixed_space,
)

ELSEWHERE = {"data", "generators", "map", "max_nodes", "max_seconds", *SETTINGS}
"""Settings on which no result depends: paths, whose content does count, budgets and limits."""


@dataclass(frozen=True)
class ActingGroup:
    """A candidate symmetry as it acts on the data: the group and its representations on X and Y.

    Attributes:
        group: The group.
        in_rep: Its representation on X.
        out_rep: Its representation on Y.
    """

    group: Group
    in_rep: Representation
    out_rep: Representation


@dataclass(frozen=True)
class Problem:
    """Everything that a node needs to be trained and tested.

    Attributes:
        task: The source of samples.
        candidate: The group; in a blind search the proposed group, or the trivial one.
        unit: The unit.
        lattice: The candidate's invariant subspaces; None in a blind search by numerical directions.
        settings: Every choice made.
        x: Standardised inputs, shape (n, d_in), or None for fresh samples.
        y: Standardised labels, shape (n, d_out), or None.
        change: The standardisation that was applied.
        blind: Start of a blind search; x and y are then the samples that took no part in it. Otherwise None.
        units: The unit of each row of x and y, shape (n,), int64, numbered from 0; None where every row is a unit.
        warnings: Warnings about the data, a line each.
        inside: Start of a search inside a candidate that is too large to list, or infinite; x and y are then the
            samples that took no part in it. Otherwise None.
    """

    task: TaskLike
    candidate: ActingGroup
    unit: SearchedUnit
    lattice: InvariantLattice | None
    settings: Settings
    x: Tensor | None
    y: Tensor | None
    change: Standardisation
    blind: BlindStart | None = None
    units: Tensor | None = None
    warnings: tuple[str, ...] = ()
    inside: SubgroupStart | TurnedStart | None = None

    @property
    def rows(self) -> NDArray[np.int64] | None:
        """The rows of the task that are tested and trained on, ascending; None for all of them, or fresh samples."""
        start = self.blind or self.inside
        return None if start is None else start.rows

    @property
    def space(self) -> ParameterSpace:
        """Z with the action of the candidate."""
        return self.unit.space

    @property
    def loss(self) -> Loss:
        """The loss on standardised samples: squared, or cross-entropy for classes."""
        return loss_of(self.change)

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
        """Return the group's unique name among the candidate's subgroups.

        Args:
            group: The group.
        """
        parent, known = self.candidate.group, self.labels.get(group)
        if self.lattice is None:
            return group.name
        if known is not None or not isinstance(group, FiniteGroup) or not isinstance(parent, FiniteGroup):
            return known or group.name
        return subgroup_label(group, parent)

    def labels_of(self, groups: Iterable[Group]) -> tuple[str, ...]:
        """Return `label_of` for several groups.

        Args:
            groups: The groups.
        """
        return tuple(map(self.label_of, groups))

    def lattice_node(self, node: SearchNode) -> LatticeNode | None:
        """Return the node's place among the candidate's invariant subspaces; without a candidate its own; or None.

        Args:
            node: The node.
        """
        if self.lattice is None:
            return own_place(node.space, weights_layout(self.space.blocks)) if self.settings.growing.snaps else None
        return None if node.candidate is None else self.lattice.nodes[node.candidate]

    def directions(self, node: SearchNode) -> tuple[Subspace, ...]:
        """Return spaces along which an escape is looked for: the candidates next above the node, and Z last.

        Args:
            node: The node.
        """
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
            chosen["in_rep"], chosen["out_rep"] = self._expressions
        chosen |= self._shapes
        if self.unit.hidden_rep is not None:
            chosen["hidden_rep"] = given.hidden_rep or default_hidden(
                self.candidate.in_rep, self.candidate.out_rep, given.limits, self.unit.name
            )
        return given.model_copy(update=chosen)

    @property
    def _expressions(self) -> tuple[str, str]:
        """Those on X and Y as they were given, by axes with every axis written out."""
        given, task, acting = self.settings.config, self.task, self.candidate
        said = (
            (given.in_rep or task.in_rep, acting.in_rep, task.in_axes),
            (given.out_rep or task.out_rep, acting.out_rep, task.out_axes),
        )
        on_x, on_y = (rep.name if is_by_axes(rep.name, axes) else text or "natural" for text, rep, axes in said)
        return on_x, on_y

    @property
    def _shapes(self) -> dict[str, str]:
        """Settings with the lengths of axes that were found out, so that a run that goes on has them."""
        given, task = self.settings.config, self.task
        sides = (("shape", given.axes, task.in_axes), ("out_shape", given.out_axes, task.out_axes))
        return {
            name: "x".join(map(str, axes.shape)) for name, said, axes in sides if said is not None and axes is not None
        }

    @property
    def fingerprint(self) -> str:
        """`fingerprint` of the task."""
        return fingerprint(self.task)

    @property
    def settings_fingerprint(self) -> str:
        """SHA-256 of the settings and the generators, on which a result depends beside the samples.

        Budgets and limits are no part of it, nor is where files lie; of a file with generators the matrices count.
        """
        settings = self.resolved.model_dump(mode="json", exclude=ELSEWHERE, exclude_none=True)
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        if "group" not in settings and isinstance(self.candidate.group, FiniteGroup):
            for rep in (self.candidate.in_rep, self.candidate.out_rep):
                for matrix in rep.generator_matrices:
                    digest.update(str(sorted((i, sorted(row.items())) for i, row in rows_of(matrix).items())).encode())
        return digest.hexdigest()

    @property
    def samples(self) -> int | None:
        """n of a finite data set, None for fresh samples."""
        return None if self.x is None else len(self.x)

    def common_source(self, rng: np.random.Generator, batch: int | None = None) -> Source:
        """Return one stream of minibatches for all replicates (R = 1).

        Args:
            rng: Source of the draws.
            batch: Size of a minibatch; that of the settings by default.
        """
        batch = batch or self.settings.sgd.batch
        if self.x is None or self.y is None:
            return FreshSource(self.task.sample, 1, batch, rng)
        return EpochSource(self.x, self.y, batch, rng)

    def independent_source(self, rng: np.random.Generator) -> Source:
        """Return independent streams, one a replicate: fresh samples, or disjoint folds of finite data.

        Args:
            rng: Source of the draws.
        """
        sgd, replicates = self.settings.sgd, self.settings.replicates
        if self.x is None or self.y is None:
            return FreshSource(self.task.sample, replicates, sgd.batch, rng)
        return FoldSource(self.x, self.y, replicates, sgd.batch, rng, self.units)

    def joint_action(self, group: Group) -> JointAction:
        """Return the action of a subgroup of the candidate on X and Y.

        Args:
            group: The subgroup.
        """
        return JointAction(*self.representations_of(group))

    def representations_of(self, group: Group) -> tuple[Representation, Representation]:
        """Return the representations on X and on Y of a subgroup of the candidate, or without a candidate of a space's
        group.

        Args:
            group: The group.
        """
        on_x, on_y = self.candidate.in_rep, self.candidate.out_rep
        if isinstance(group, CompactGroup) and group is not self.candidate.group:
            return on_x.rebuilt(group), on_y.rebuilt(group)
        if group is self.candidate.group or not isinstance(group, FiniteGroup):
            return on_x, on_y
        if self.lattice is None:
            return own_representations(group, weights_layout(self.space.blocks))
        return on_x.restrict(group), on_y.restrict(group)

    def to_user_coordinates(self, theta: Tensor) -> Tensor:
        """Return particles of the standardised problem in the user's coordinates.

        They predict at x - centre exactly what the given ones predict at x' = A (x - centre), since (W' A) (x - centre)
        = W' x', and biases stay. The origin of x and the labels' change are not included.

        Args:
            theta: Particles, shape (R, D, N).
        """
        return self.unit.compose(theta, torch.from_numpy(self.change.matrix))
