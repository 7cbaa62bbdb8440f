"""The heuristic: begin at E_0 = {0}, train on E_j, measure the escape, decide, grow, until the particles stay.

Maass & Fontbona 2024, "Heuristic for discovering parameter-sharing schemes". One node after the other takes the value
of the stage before it; the engine knows the rules only through their protocols and writes nothing to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count

from sharefind.errors import ConfigError, NotConvergedError, setting
from sharefind.inference import Diagnosis
from sharefind.inference.maps.map_explanation import MapExplanation
from sharefind.progress import StageProgress
from sharefind.search.completion import completed
from sharefind.search.descent import proposal_number, tested
from sharefind.search.experiments import escape_training
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.map_explanations import map_explanations
from sharefind.search.memory import Memory, MemoryOfProposal, NoMemory
from sharefind.search.node_evidence import Decision
from sharefind.search.node_record import NODE, NodeRecord
from sharefind.search.noise_floor import explain_unlearnt, explain_zero
from sharefind.search.observer import BudgetSpent, Observer, StopSearch
from sharefind.search.problem import Problem
from sharefind.search.rejected_groups import diagnoses
from sharefind.search.rules.growth import GrowthRule, measure_escape
from sharefind.search.rules.registry import GROWTH_RULES, STOPPING_RULES
from sharefind.search.rules.stopping import StoppingRule
from sharefind.search.search_lattice import ZERO, Growth, SearchLattice, SearchNode
from sharefind.search.search_outcome import SearchOutcome
from sharefind.spaces import Subspace

STOPPED = "an observer stopped the search"
"""Why a search ended where whoever stopped it did not say."""

NO_DIRECTION = "particles leave, but no direction of the escape is significant"
"""Why a search ends undecided at a space that does not hold and from which nothing is proposed."""


def no_direction_advice() -> str:
    """Return what to do when no direction is significant."""
    return f"give more data, or another {setting('growth')}"


Diagnose = Callable[[TestedProblem, Memory, StageProgress], Mapping[str, Diagnosis]]

Explain = Callable[[TestedProblem, Memory, StageProgress], tuple[MapExplanation, ...]]
"""Looks closely at what was rejected."""


@dataclass
class Engine:
    """Runs one search.

    Args:
        problem: The problem of the search.
        growth: The growth rule; the one that the settings name when left out.
        stop: The stopping rule; the same.
        observer: Told what happens.
        memory: Finished work of this or an earlier run.
        bounded: Encloses work that does not look at a deadline itself, or too rarely, and may raise StopSearch there.
        diagnose: Says why groups were rejected.
        explain: Says what is wrong with maps of columns.
    """

    problem: Problem
    growth: GrowthRule | None = None
    stop: StoppingRule | None = None
    observer: Observer = field(default_factory=Observer)
    memory: Memory = field(default_factory=NoMemory)
    bounded: Callable[[], AbstractContextManager[None]] = nullcontext
    diagnose: Diagnose = diagnoses
    explain: Explain = map_explanations

    def run(self) -> SearchOutcome:
        """Search from {0} until a node holds, there is no space to grow to, or the budget of nodes is spent.

        Returns:
            How the search ended.

        Raises:
            NotConvergedError: A training diverged; the message names its node.
        """
        zero = _first(self.problem)
        try:
            with self.bounded():
                problem = tested(self.problem, self.memory, self._progress(zero), self.observer.on_note)
        except StopSearch as stop:
            lattice = SearchLattice()
            lattice.add(zero)
            return SearchOutcome(TestedProblem.of(self.problem, None), lattice, (zero,), False, stopped=_reason(stop))
        return self._search(problem)

    def _search(self, problem: TestedProblem) -> SearchOutcome:
        settings, lattice, node = problem.settings, SearchLattice(), _first(problem)
        growth, stop_rule = self.growth or GROWTH_RULES[settings.growth], self.stop or STOPPING_RULES[settings.stop]
        visit = _Visit(completed(problem), lattice, growth, stop_rule, self.observer, problem)
        lattice.add(node)
        self.observer.on_start(problem, lattice)
        for number in count():
            try:
                with self.bounded():
                    node = self._visited(visit, node, number)
            except StopSearch as stop:
                return SearchOutcome(problem, lattice, _visited_path(lattice, node), False, stopped=_reason(stop))
            if node.evidence is not None and node.evidence.decision is Decision.STAY:
                break
            if not lattice.open_growths():
                chain = tuple(lattice.path_to(node.key))
                why = f"{NO_DIRECTION}: {no_direction_advice()}"
                return SearchOutcome(problem, lattice, chain, False, stopped=why)
            node = _next(problem, lattice)
        chain = tuple(lattice.path_to(node.key))
        if problem.left_open is not None:
            return SearchOutcome(problem, lattice, chain, False, stopped=problem.left_open)
        try:
            with self.bounded():
                memory = MemoryOfProposal(self.memory, proposal_number(problem))
                found = self.diagnose(problem, memory, self._progress(node))
        except StopSearch as stop:  # E_* is known by then
            return SearchOutcome(problem, lattice, chain, True, stopped=_reason(stop))
        try:
            with self.bounded():
                maps = self.explain(problem, memory, self._progress(node))
        except StopSearch as stop:
            return SearchOutcome(problem, lattice, chain, True, found, stopped=_reason(stop))
        return SearchOutcome(problem, lattice, chain, True, found, maps=maps)

    def _progress(self, node: SearchNode) -> StageProgress:
        return lambda stage, done, total: self.observer.on_progress(node, stage, done, total)

    def _visited(self, visit: _Visit, node: SearchNode, number: int) -> SearchNode:
        """The node with its evidence, recalled or measured."""
        lattice = visit.lattice
        self.observer.on_node_start(node)
        record = self.memory.get(NODE, node.key)
        if record is None:
            _refuse_spent(visit.problem, number)
            try:
                record = visit.measure(node, number, self._progress(node))
            except NotConvergedError as error:
                error.args = (f"{node.label}: {error}",)
                raise
            self.memory.put(NODE, node.key, record)
        visited = lattice.mark(node.key, record.evidence, number)
        self.observer.on_node_end(visited)
        for proposal in record.proposals:
            if proposal.node.key not in lattice:
                lattice.add(proposal.node)
            _refuse_no_larger(node, lattice.node(proposal.node.key), proposal.growth)
            lattice.connect(proposal.growth)
        self.observer.on_growth([p.growth for p in record.proposals])
        return visited


@dataclass(frozen=True)
class _Visit:
    """The common context of the visits of a search.

    Attributes:
        problem: The problem of the search.
        lattice: The search so far.
        growth: The growth rule.
        stop: The stopping rule.
        observer: Hears of trainings.
        measured: The problem with the rows as they were measured.
    """

    problem: TestedProblem
    lattice: SearchLattice
    growth: GrowthRule
    stop: StoppingRule
    observer: Observer
    measured: TestedProblem

    def measure(self, node: SearchNode, number: int, progress: StageProgress) -> NodeRecord:
        """Train on the node, decide, and propose where to go."""
        problem, lattice = self.problem, self.lattice
        assessment = self.stop.assess(problem, node, progress)
        evidence = assessment.evidence
        self.observer.on_training(node, assessment.training)
        if evidence.decision is Decision.STAY:
            explain = explain_zero if node.space.is_zero else explain_unlearnt
            return NodeRecord(node.key, explain(self.measured, evidence), ())
        lattice.mark(node.key, evidence, number)
        training = escape_training(problem, node.space, node.key, lambda d, t: progress("growth", d, t))
        escape = measure_escape(training, node.space)
        proposals = tuple(self.growth.propose(problem, node, escape, lattice))
        if not proposals and not lattice.open_growths():
            evidence = replace(evidence, reason=f"{NO_DIRECTION}: {no_direction_advice()}; {evidence.reason}")
        return NodeRecord(node.key, evidence, proposals)


def _first(problem: Problem) -> SearchNode:
    index = None if problem.lattice is None else problem.lattice.zero.index
    return SearchNode(ZERO, Subspace.zero(problem.space.dim), index, ZERO)


def _next(problem: TestedProblem, lattice: SearchLattice) -> SearchNode:
    """The unvisited node whose growth explains most of an escape; the smaller space on a tie.

    Exact spaces to which directions were snapped come before others, and of these the smallest: the escape is within
    errors of each of them.

    Spaces inside one whose group is accepted come first: escapes from a space inside E^G stay in E^G (Maass &
    Fontbona 2024, Thm 5).
    """

    def rank(growth: Growth) -> tuple[bool, int, float, int, str]:
        target = lattice.node(growth.target)
        dim = target.space.dim
        snapped = dim if growth.snap is not None else target.space.ambient + 1
        return (not problem.leads_to_accepted(target), snapped, -growth.explained, dim, growth.target)

    return lattice.node(min(lattice.open_growths(), key=rank).target)


def _refuse_spent(problem: Problem, visited: int) -> None:
    most = problem.settings.max_nodes
    if visited >= most:
        raise BudgetSpent(f"{setting('max_nodes')} {most} is reached, and no space held so far")


def _refuse_no_larger(source: SearchNode, target: SearchNode, growth: Growth) -> None:
    """Growths that do not lead to larger spaces would never end."""
    if target.space.dim <= source.space.dim:
        raise ConfigError(
            f"the growth rule {growth.rule} proposed {target.label} (dimension {target.space.dim}) from {source.label} "
            f"(dimension {source.space.dim}); let it propose larger spaces, and give each space a key of its own"
        )


def _reason(stop: StopSearch) -> str:
    return str(stop) or STOPPED


def _visited_path(lattice: SearchLattice, node: SearchNode) -> tuple[SearchNode, ...]:
    """How far the search came: E_0 -> ... -> the last visited node before this one; {0} itself if it is not."""
    path = lattice.path_to(node.key)
    return tuple(n for n in path if n.evidence is not None) or (path[0],)
