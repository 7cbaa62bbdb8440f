"""A run folder as the tables and pictures read it: the result, the lattice and the particles of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharefind.column_names import BlockNames
from sharefind.errors import RunFolderError
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.meanfield.units import can_be_exported
from sharefind.search import Decision, Growth, RunFolder, SearchLattice, SearchNode
from sharefind.search.persistence.particles import read_particles
from sharefind.search.result import Result
from sharefind.spaces import Block


@dataclass(frozen=True, eq=False)
class RunView:
    """A run that ended.

    Attributes:
        path: its folder. result: `sharefind.result/1`. lattice: every node with its evidence.
        alpha: level of the tests. seconds: what each exact test cost, by group. limits: on the files that are read.
    """

    path: Path
    result: Result
    lattice: SearchLattice
    alpha: float
    seconds: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    @property
    def chain(self) -> list[SearchNode]:
        """E_0 -> ... -> the last visited node of the chain."""
        by_number = {node.number: node for node in self.lattice.visited()}
        return [by_number[row.node] for row in self.result.chain]

    @property
    def e_star(self) -> SearchNode | None:
        """The last node of the chain, E_* when the search is finished; None when no node was visited."""
        chain = self.chain
        return chain[-1] if chain else None

    @property
    def is_finished(self) -> bool:
        """Whether the last node of the chain holds."""
        last = self.e_star
        return last is not None and last.evidence is not None and last.evidence.decision is Decision.STAY

    @property
    def is_exportable(self) -> bool:
        """Whether there is something to export and train: a settled space, not {0}, of a unit with an export."""
        last = self.e_star
        can_go_on = self.is_finished and last is not None and not last.space.is_zero
        is_open = self.result.mirror is not None and self.result.mirror.is_open
        return can_go_on and not is_open and can_be_exported(self.result.unit)

    @property
    def holds_by_tolerance(self) -> bool:
        """Whether the last node holds although its test or its delta speak against it."""
        evidence = None if self.e_star is None else self.e_star.evidence
        if evidence is None or not self.is_finished:
            return False
        if evidence.p_value is not None:
            return evidence.p_value <= self.alpha
        return evidence.delta is not None and evidence.dist2 > evidence.delta

    @property
    def ambient(self) -> int:
        """dim Z."""
        return self.result.parameter_space.dim

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of Z."""
        return tuple(Block(b.name, tuple(b.shape)) for b in self.result.parameter_space.blocks)

    @property
    def names(self) -> BlockNames:
        """Names of the rows and columns of the blocks, none where the data have none of their own."""
        return self.result.block_names

    @property
    def open_nodes(self) -> list[SearchNode]:
        """Nodes that were proposed and never visited."""
        return [node for node in self.lattice.nodes() if node.evidence is None]

    def growths_to(self, node: SearchNode) -> list[Growth]:
        """Growths that proposed the node, the one that explained most first."""
        return sorted((g for g in self.lattice.growths() if g.target == node.key), key=_most_first)

    def growths_from(self, node: SearchNode) -> list[Growth]:
        """Growths that the node proposed, the one that explained most first."""
        return sorted((g for g in self.lattice.growths() if g.source == node.key), key=_most_first)

    def find(self, name: str) -> SearchNode:
        """The node of a number, a label or a key.

        Raises:
            RunFolderError: there is none; the message lists what there is.
        """
        for node in self.lattice.nodes():
            if name in (node.key, node.label, str(node.number)):
                return node
        known = ", ".join(f"{node.number} ({node.label})" for node in self.lattice.visited())
        raise RunFolderError(f"{self.path} has no node {name!r}; its visited nodes are {known}")

    def particles(self, node: SearchNode) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Particles of the node's first training before and after, (N, D) each, float64.

        Raises:
            RunFolderError: the node was not visited, or its file is missing or damaged.
        """
        if node.number is None:
            raise RunFolderError(f"{node.label} was never visited and has no particles; choose another")
        return read_particles(self.path, node.number, self.limits)


def _most_first(growth: Growth) -> tuple[float, str, str]:
    return (-growth.explained, growth.source, growth.target)


def load_run(path: Path, limits: Limits = DEFAULT_LIMITS) -> RunView:
    """A finished run from its folder; `limits` bound the files that are read.

    Raises:
        RunFolderError: there is no run, it is not finished, or its files are damaged.
    """
    folder = RunFolder.open(path, limits)
    seconds = {name: test.seconds for name, test in folder.tests().items()}
    view = RunView(path, folder.result(), folder.lattice(), folder.config().alpha, seconds, limits)
    _refuse_unrelated(view)
    return view


def _refuse_unrelated(view: RunView) -> None:
    """Refuse a result and a lattice that are not of one run."""
    visited = {node.number for node in view.lattice.visited()}
    sizes = {node.space.ambient for node in view.lattice.nodes()}
    if any(row.node not in visited for row in view.result.chain) or sizes - {view.ambient}:
        raise RunFolderError(f"{view.path}: result.json and lattice.json are not of one run; run the search again")
    if sum(block.size for block in view.blocks) != view.ambient:
        raise RunFolderError(f"{view.path}: the blocks in result.json do not fit its dimension; run the search again")
