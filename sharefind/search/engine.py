"""The heuristic: begin at E_0 = {0}, train on E_j, measure the escape, decide, grow, until the particles stay.

Maass & Fontbona 2024, "Heuristic for discovering parameter-sharing schemes". One node after the other takes the value
of the stage before it; the engine knows the rules only through their protocols and writes nothing to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.inference import Diagnosis, RandomisationTest
from sharefind.search.descent import DiagnosesUnder, proposal_number, tested
from sharefind.search.experiments import escape_training
from sharefind.search.hypotheses import ZERO, belongs, leads_to_accepted
from sharefind.search.node_evidence import Decision, Evidence
from sharefind.search.noise_floor import explain_unlearnt, explain_zero
from sharefind.search.observer import BudgetSpent, Observer, StopSearch
from sharefind.search.problem import Problem
from sharefind.search.result import Yardstick
from sharefind.search.rules.growth import GrowthRule, Proposal, measure_escape
from sharefind.search.rules.registry import GROWTH_RULES, STOPPING_RULES, is_named
from sharefind.search.rules.stopping import StoppingRule
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode
from sharefind.search.symmetries import diagnoses, left_open
from sharefind.search.yardstick import Missing
from sharefind.spaces import Subspace

STOPPED = "an observer stopped the search"
"""Why a search ended where whoever stopped it did not say."""

NO_DIRECTION = "particles leave, but no direction of the escape is significant"
"""Why a search ends undecided at a space that does not hold and from which nothing is proposed."""

ADVICE = "give more data, or another --growth"
"""What to do about it."""


@dataclass(frozen=True)
class NodeRecord:
    """A finished node: what was seen and what was proposed from there. Enough to go on without training again."""

    key: str
    evidence: Evidence
    proposals: tuple[Proposal, ...]


class Memory(Protocol):
    """Where finished nodes are kept, so that nothing computed is lost."""

    def recall(self, key: str) -> NodeRecord | None:
        """The record of a node that an earlier run finished, or None."""
        ...

    def keep(self, record: NodeRecord) -> None:
        """Keep a node that has just been finished."""
        ...

    def recall_test(self, name: str) -> RandomisationTest | None:
        """The exact test of a candidate that an earlier run finished, or None."""
        ...

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Keep a test that has just been finished."""
        ...

    def recall_diagnosis(self, name: str) -> Diagnosis | None:
        """The diagnosis of a rejected group that an earlier run finished, or None."""
        ...

    def keep_diagnosis(self, name: str, diagnosis: Diagnosis) -> None:
        """Keep a diagnosis that has just been finished."""
        ...


class NoMemory:
    """Keeps nothing."""

    def recall(self, key: str) -> NodeRecord | None:
        """Never anything."""
        return None

    def keep(self, record: NodeRecord) -> None:
        """Do nothing."""

    def recall_test(self, name: str) -> RandomisationTest | None:
        """Never anything."""
        return None

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Do nothing."""

    def recall_diagnosis(self, name: str) -> Diagnosis | None:
        """Never anything."""
        return None

    def keep_diagnosis(self, name: str, diagnosis: Diagnosis) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class SearchOutcome:
    """How a search ended.

    Attributes:
        lattice: every node visited, with its evidence. chain: E_0 -> ... -> E_*, or as far as the search came.
        finished: whether E_* holds (False: the search was stopped before a space held, or left a space from which no
            direction of the escape is significant, and is undecided).
        diagnoses: why the rejected groups nearest to E_* fail, and by how much. stopped: why the search ended
            before all was done, or None.
        warnings: what the user must know, a sentence each. yardstick: how well E_* predicts, beside least squares and
            the free unit; None before it was asked for.
    """

    problem: Problem
    lattice: SearchLattice
    chain: tuple[SearchNode, ...]
    finished: bool
    diagnoses: Mapping[str, Diagnosis] = field(default_factory=dict)
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    yardstick: Yardstick | Missing | None = None

    @property
    def e_star(self) -> SearchNode:
        """The last node of the chain: the smallest space that holds, when the search is finished."""
        return self.chain[-1]


_Rules = tuple[GrowthRule, StoppingRule]


@dataclass
class Engine:
    """Runs one search.

    Args:
        problem: what is searched. growth, stop: the rules; those that the settings name when left out.
        observer: told what happens. memory: finished nodes of this or an earlier run.
        bounded: Encloses work that does not look at a deadline itself, or too rarely, and may raise StopSearch there.
    """

    problem: Problem
    growth: GrowthRule | None = None
    stop: StoppingRule | None = None
    observer: Observer | None = None
    memory: Memory | None = None
    bounded: Callable[[], AbstractContextManager[None]] = nullcontext

    def run(self) -> SearchOutcome:
        """Search from {0} until a node holds, nothing is left to grow to, or the budget of nodes is spent.

        Raises:
            NotConvergedError: a training diverged; the message names its node.
        """
        lattice, rules = SearchLattice(), self._rules()
        node = self._first()
        lattice.add(node)
        for number in count():
            try:
                with self.bounded():
                    if number == 0:
                        self._test_symmetries(node)
                        node = self._first()  # of the proposal that is searched
                        lattice.add(node)
                    node = self._visit(lattice, node, number, rules)
            except StopSearch as stop:
                return SearchOutcome(self.problem, lattice, _visited_path(lattice, node), False, {}, _reason(stop))
            if node.evidence is not None and node.evidence.decision is Decision.STAY:
                break
            if not _open_growths(lattice):
                chain = tuple(lattice.path_to(node.key))
                return SearchOutcome(self.problem, lattice, chain, False, {}, f"{NO_DIRECTION}: {ADVICE}")
            node = self._next(lattice)
        chain = tuple(lattice.path_to(node.key))
        if open_test := left_open(self.problem):
            return SearchOutcome(self.problem, lattice, chain, False, {}, open_test)
        try:
            with self.bounded():
                found = self._diagnose(node)
        except StopSearch as stop:  # E_* is known by then
            return SearchOutcome(self.problem, lattice, chain, True, {}, _reason(stop))
        return SearchOutcome(self.problem, lattice, chain, True, found)

    def _first(self) -> SearchNode:
        zero = Subspace.zero(self.problem.space.dim)
        index = None if self.problem.lattice is None else self.problem.lattice.zero.index
        return SearchNode(ZERO, zero, index, ZERO)

    def _test_symmetries(self, zero: SearchNode) -> None:
        """Everything that is known before training: the problem is from here on the one with its exact tests.

        A blind search goes on with the first of its proposals that holds.
        """
        observer, memory = self.observer or Observer(), self.memory or NoMemory()
        self.problem = tested(
            self.problem, memory, lambda s, d, t: observer.on_progress(zero, s, d, t), observer.on_note
        )

    def _diagnose(self, last: SearchNode) -> Mapping[str, Diagnosis]:
        observer = self.observer or Observer()
        memory = DiagnosesUnder(self.memory or NoMemory(), proposal_number(self.problem))
        return diagnoses(self.problem, memory, lambda s, d, t: observer.on_progress(last, s, d, t))

    def _visit(self, lattice: SearchLattice, node: SearchNode, number: int, rules: _Rules) -> SearchNode:
        observer = self.observer or Observer()
        observer.on_node_start(node)
        memory = self.memory or NoMemory()
        record = memory.recall(node.key)
        if record is not None and (reason := self._misfit(record, lattice, node, rules[0])):
            observer.on_note(f"what is kept of {node.label} cannot be used: {reason}; that work is done again")
            record = None
        if record is None:
            self._refuse_spent(number)
            try:
                record = self._measure(lattice, node, number, observer, rules)
            except NotConvergedError as error:
                error.args = (f"{node.label}: {error}",)
                raise
            memory.keep(record)
        visited = lattice.mark(node.key, record.evidence, number)
        observer.on_node_end(visited)
        for proposal in record.proposals:
            if proposal.node.key not in lattice:
                lattice.add(proposal.node)
            _refuse_no_larger(node, lattice.node(proposal.node.key), proposal.growth)
            lattice.connect(proposal.growth)
        observer.on_growth([p.growth for p in record.proposals])
        return visited

    def _misfit(self, record: NodeRecord, lattice: SearchLattice, node: SearchNode, growth: GrowthRule) -> str:
        """Why what is said to be kept of a node cannot be what this search would keep; empty if it can."""
        proposed = record.proposals
        if record.evidence.decision is Decision.STAY:
            return "it holds and is left" if proposed else ""
        is_last = not proposed and all(growth.target == node.key for growth in _open_growths(lattice))
        if is_last and not record.evidence.reason.startswith(NO_DIRECTION):
            return "it is left, and nothing is proposed"
        if any(p.growth.source != node.key or p.node.space.dim <= node.space.dim for p in proposed):
            return "a growth is not from it to a larger space"
        if any(p.growth.rule != growth.name or not is_named(p, node) for p in proposed):
            return f"a growth is none of the rule {growth.name}"
        if not all(belongs(self.problem, p.node) for p in proposed):
            return "a space is none of this problem"
        known = (lattice.node(p.node.key) for p in proposed if p.node.key in lattice)
        spaces = {p.node.key: p.node.space for p in proposed}
        return "" if all(old.space == spaces[old.key] for old in known) else "two spaces have one name"

    def _refuse_spent(self, visited: int) -> None:
        most = self.problem.settings.max_nodes
        if visited >= most:
            raise BudgetSpent(f"--max-nodes {most} is reached, and no space held so far")

    def _rules(self) -> _Rules:
        settings = self.problem.settings
        return self.growth or GROWTH_RULES[settings.growth], self.stop or STOPPING_RULES[settings.stop]

    def _measure(
        self, lattice: SearchLattice, node: SearchNode, number: int, observer: Observer, rules: _Rules
    ) -> NodeRecord:
        growth, stop = rules
        assessment = stop.assess(self.problem, node, lambda s, d, t: observer.on_progress(node, s, d, t))
        evidence = assessment.evidence
        observer.on_training(node, assessment.training)
        if evidence.decision is Decision.STAY:
            explain = explain_zero if node.space.is_zero else explain_unlearnt
            return NodeRecord(node.key, explain(self.problem, evidence), ())
        lattice.mark(node.key, evidence, number)
        training = escape_training(
            self.problem, node.space, node.key, lambda d, t: observer.on_progress(node, "growth", d, t)
        )
        escape = measure_escape(training, node.space)
        proposals = tuple(growth.propose(self.problem, node, escape, lattice))
        if not proposals and not _open_growths(lattice):
            evidence = replace(evidence, reason=f"{NO_DIRECTION}: {ADVICE}; {evidence.reason}")
        return NodeRecord(node.key, evidence, proposals)

    def _next(self, lattice: SearchLattice) -> SearchNode:
        """The unvisited node whose growth explains most of an escape; the smaller space on a tie.

        Spaces inside one whose group is accepted come first: escapes from a space inside E^G stay in E^G (Maass &
        Fontbona 2024, Thm 5).
        """
        return lattice.node(min(_open_growths(lattice), key=lambda g: self._rank(lattice, g)).target)

    def _rank(self, lattice: SearchLattice, growth: Growth) -> tuple[bool, float, int, str]:
        leads = leads_to_accepted(self.problem, lattice.node(growth.target))
        return (not leads, -growth.explained, lattice.node(growth.target).space.dim, growth.target)


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


def _open_growths(lattice: SearchLattice) -> list[Growth]:
    """Growths to nodes that have not been visited."""
    return [g for g in lattice.growths() if lattice.node(g.target).evidence is None]
