"""A run folder as the tables and pictures use it: the result, the lattice and the particles of its nodes."""

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
        path: Its folder.
        result: Its result, `sharefind.result/1`.
        lattice: Every node with its evidence.
        alpha: Level of the tests.
        seconds: Duration of each exact test, by group.
        limits: Size limits of the files that are read.
    """

    path: Path
    result: Result
    lattice: SearchLattice
    alpha: float
    seconds: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    @property
    def chain(self) -> list[SearchNode]:
        """The nodes E_0, E_1, ... of the chain up to the last visited one."""
        by_number = {node.number: node for node in self.lattice.visited()}
        return [by_number[row.node] for row in self.result.chain]

    @property
    def e_star(self) -> SearchNode | None:
        """The last node of the chain, E_* if the search is finished; None if no node was visited."""
        chain = self.chain
        return chain[-1] if chain else None

    @property
    def is_finished(self) -> bool:
        """Whether the last node of the chain holds."""
        last = self.e_star
        return last is not None and last.evidence is not None and last.evidence.decision is Decision.STAY

    @property
    def is_exportable(self) -> bool:
        """Whether the run can be exported and trained: a determined space other than {0}, of a unit with an export."""
        last = self.e_star
        can_go_on = self.is_finished and last is not None and not last.space.is_zero
        is_open = self.result.mirror is not None and self.result.mirror.is_open
        return can_go_on and not is_open and can_be_exported(self.result.unit)

    @property
    def holds_by_tolerance(self) -> bool:
        """Whether the last node holds although its test or its delta contradict it."""
        evidence = None if self.e_star is None else self.e_star.evidence
        if evidence is None or not self.is_finished:
            return False
        if evidence.p_value is not None:
            return evidence.p_value <= self.alpha
        return evidence.delta is not None and evidence.dist2 > evidence.delta

    @property
    def ambient(self) -> int:
        """Dimension of Z."""
        return self.result.parameter_space.dim

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of Z."""
        return tuple(Block(b.name, tuple(b.shape)) for b in self.result.parameter_space.blocks)

    @property
    def names(self) -> BlockNames:
        """Names of the rows and columns of the blocks; empty if the data have no names of their own."""
        return self.result.block_names

    @property
    def open_nodes(self) -> list[SearchNode]:
        """Nodes that were proposed but never visited."""
        return [node for node in self.lattice.nodes() if node.evidence is None]

    def growths_to(self, node: SearchNode) -> list[Growth]:
        """Return the growths that proposed a node; the one that explains most comes first.

        Args:
            node: The node.
        """
        return sorted((g for g in self.lattice.growths() if g.target == node.key), key=_most_first)

    def growths_from(self, node: SearchNode) -> list[Growth]:
        """Return the growths that a node proposed; the one that explains most comes first.

        Args:
            node: The node.
        """
        return sorted((g for g in self.lattice.growths() if g.source == node.key), key=_most_first)

    def find(self, name: str) -> SearchNode:
        """Return a node.

        Args:
            name: Its number, label or key.

        Raises:
            RunFolderError: There is no such node; the message lists the visited ones.
        """
        for node in self.lattice.nodes():
            if name in (node.key, node.label, str(node.number)):
                return node
        known = ", ".join(f"{node.number} ({node.label})" for node in self.lattice.visited())
        raise RunFolderError(f"{self.path} has no node {name!r}; its visited nodes are {known}")

    def particles(self, node: SearchNode) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the particles of a node's first training before and after it, shape (N, D), float64 each.

        Args:
            node: The node.

        Raises:
            RunFolderError: The node was not visited, or its file is missing or damaged.
        """
        if node.number is None:
            raise RunFolderError(f"{node.label} was never visited and has no particles; choose another")
        return read_particles(self.path, node.number, self.limits)


def _most_first(growth: Growth) -> tuple[float, str, str]:
    return (-growth.explained, growth.source, growth.target)


def load_run(path: Path, limits: Limits = DEFAULT_LIMITS) -> RunView:
    """Return a finished run.

    Args:
        path: Its folder.
        limits: Size limits of the files that are read.

    Raises:
        RunFolderError: There is no run, it is not finished, or its files are damaged.
    """
    folder = RunFolder.open(path, limits)
    seconds = {name: test.seconds for name, test in folder.tests().items()}
    view = RunView(path, folder.result(), folder.lattice(), folder.config().alpha, seconds, limits)
    _refuse_unrelated(view)
    return view


def _refuse_unrelated(view: RunView) -> None:
    """Refuse a result and a lattice that belong to different runs."""
    visited = {node.number for node in view.lattice.visited()}
    sizes = {node.space.ambient for node in view.lattice.nodes()}
    if any(row.node not in visited for row in view.result.chain) or sizes - {view.ambient}:
        raise RunFolderError(
            f"{view.path}: result.json and lattice.json belong to different runs; run the search again"
        )
    if sum(block.size for block in view.blocks) != view.ambient:
        raise RunFolderError(f"{view.path}: the blocks in result.json do not fit its dimension; run the search again")
