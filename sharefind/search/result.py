"""What a finished search says: the JSON object of the command line contract, `sharefind.result/1`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from sharefind import __version__
from sharefind.groups import FiniteGroup, Group, structure_name
from sharefind.inference import Diagnosis, FamilyTest, Verdict
from sharefind.search.blind_record import blind_record
from sharefind.search.engine import SearchOutcome
from sharefind.search.hypotheses import is_rejected, is_within, label_of, lattice_node
from sharefind.search.problem import Problem
from sharefind.search.search_lattice import SearchNode
from sharefind.search.yardstick import Missing, Yardstick

SCHEMA = "sharefind.result/1"


def result_record(outcome: SearchOutcome, run: str, wall_s: float, lattice_file: str) -> dict[str, Any]:
    """The result as one JSON object; everything but `wall_s` and `versions` depends only on the configuration.

    Args:
        outcome: the search. run: its folder. wall_s: seconds it took. lattice_file: the lattice's name in the folder.
    """
    problem, lattice = outcome.problem, outcome.lattice
    accepted, rejected = group_verdicts(outcome)
    group = problem.candidate.group
    return {
        "schema": SCHEMA,
        "run": run,
        "seed": problem.settings.seed,
        "group": {"name": group.name, "order": group.order},
        "unit": problem.unit.name,
        "parameter_space": {
            "dim": problem.space.dim,
            "blocks": [{"name": b.name, "shape": list(b.shape)} for b in problem.space.blocks],
        },
        "chain": [_chain_row(node) for node in outcome.chain if node.evidence is not None],
        "status": "found" if outcome.finished else "undecided",
        "stopped": outcome.stopped,
        "warnings": [*problem.warnings, *outcome.warnings],
        "e_star": _e_star(problem, outcome.e_star),
        "accepted": accepted,
        "rejected": rejected,
        **_symmetries(problem, outcome.diagnoses),
        "blind": None if problem.blind is None else blind_record(problem, problem.blind),
        **_yardstick(outcome.yardstick),
        "lattice": {
            "nodes": lattice.graph.number_of_nodes(),
            "edges": lattice.graph.number_of_edges(),
            "file": lattice_file,
        },
        "wall_s": round(wall_s, 3),
        "versions": versions(),
    }


def _chain_row(node: SearchNode) -> dict[str, Any]:
    evidence = node.evidence
    if evidence is None:
        raise ValueError(f"node {node.key} has no evidence")
    return {
        "node": node.number,
        "dim": node.space.dim,
        "dist2": evidence.dist2,
        "rmd2": evidence.rmd2,
        "delta": evidence.delta,
        "p_value": evidence.p_value,
        "p_adjusted": evidence.p_adjusted,
        "decision": evidence.decision.value,
        "rule": evidence.rule,
        "reason": evidence.reason,
    }


def _e_star(problem: Problem, node: SearchNode) -> dict[str, Any]:
    place = lattice_node(problem, node)
    group = place.group if place is not None and place.groups else None
    return {
        "dim": node.space.dim,
        "exact": node.space.is_exact,
        "basis": _blocks_per_vector(problem, node),
        "tying": _tying(problem, node),
        "candidate": None if group is None else f"E^{label_of(problem, group)}",
        "stabiliser": None if group is None else _stabiliser(problem, group),
    }


def _blocks_per_vector(problem: Problem, node: SearchNode) -> list[list[Any]]:
    """Each basis vector as its blocks, nested lists of exact strings (decimal strings for a numerical space)."""
    if node.space.is_exact:
        rows = node.space.basis_strings()
    else:
        rows = [[repr(float(v)) for v in row] for row in node.space.orthonormal()]
    return [_split(problem, np.array(row, dtype=object)) for row in rows]


def _split(problem: Problem, vector: np.ndarray[Any, Any]) -> list[Any]:
    blocks, offset = [], 0
    for block in problem.space.blocks:
        size = int(np.prod(block.shape))
        blocks.append(vector[offset : offset + size].reshape(block.shape).tolist())
        offset += size
    return blocks


def _tying(problem: Problem, node: SearchNode) -> list[Any] | None:
    labels = node.space.tying
    return None if labels is None else _split(problem, np.asarray(labels))


def _stabiliser(problem: Problem, group: Group) -> dict[str, Any]:
    """The largest candidate group that fixes E_*: generators as permutations of the group's points, image form."""
    candidate = problem.candidate.group
    if not isinstance(group, FiniteGroup):
        return {"name": group.name, "order": group.order, "generators": []}
    generators = [[int(point) for point in g] for g in group.generators]
    name = candidate.name if problem.blind is not None and group == candidate else structure_name(group)
    return {"name": name, "order": group.order, "generators": generators}


def group_verdicts(outcome: SearchOutcome) -> tuple[list[str], list[str]]:
    """Names of the candidate groups that were accepted and of those that were rejected.

    The rule `randomisation` takes them from the exact tests. With the other rules, and where a tolerance accepted a
    space, subgroups of an accepted group are accepted with it, and groups that the search had no need to look at are in
    neither list. The trivial group is no candidate. Only vanilla training speaks for or against a group.
    """
    problem = outcome.problem
    if problem.settings.stopping.decides_by_tests and not _tolerated(outcome):
        family = None if problem.symmetries is None else problem.symmetries.family
        if family is None:
            return [], []
        verdicts = {name: _verdict(family, name) for name in family.verdicts}
        found = [[n for n, v in verdicts.items() if v is kind] for kind in (Verdict.ACCEPTED, Verdict.REJECTED)]
        return found[0], found[1]
    if problem.lattice is None or not problem.settings.config.scheme.is_evidence or not outcome.finished:
        return [], _rejected(outcome)
    kept = outcome.e_star.evidence.groups if outcome.e_star.evidence is not None else ()
    holding = [g for n in problem.lattice.nodes for g in n.groups if label_of(problem, g) in kept]
    accepted = [
        label_of(problem, g)
        for n in problem.lattice.nodes
        for g in n.groups
        if g.order != 1 and any(is_within(g, h) for h in holding)
    ]
    return accepted, [name for name in _rejected(outcome) if name not in accepted]


def _tolerated(outcome: SearchOutcome) -> bool:
    """Whether E_* holds within the tolerance although every symmetry of it was rejected."""
    place = lattice_node(outcome.problem, outcome.e_star)
    return place is not None and outcome.finished and is_rejected(outcome.problem, place)


def _rejected(outcome: SearchOutcome) -> list[str]:
    names: list[str] = []
    for node in outcome.lattice.visited():
        if node.evidence is not None:
            names += [name for name in node.evidence.rejected if name not in names]
    return names


def _symmetries(problem: Problem, diagnoses: Mapping[str, Diagnosis]) -> dict[str, Any]:
    """The exact tests: what is undecided, the largest accepted group, and every candidate with its verdict."""
    found = problem.symmetries
    family = None if found is None else found.family
    orders = {} if found is None else found.orders
    return {
        "undecided": [] if family is None else [n for n in family.verdicts if _verdict(family, n) is Verdict.UNDECIDED],
        "maximal": [] if family is None or not problem.settings.stopping.decides_by_tests else list(family.maximal),
        "independence_p_value": _gate(problem),
        "symmetries": [] if family is None else [_candidate_row(family, orders, n) for n in family.verdicts],
        "diagnosis": {name: _diagnosis_row(found) for name, found in diagnoses.items()},
    }


def _gate(problem: Problem) -> float | None:
    found = problem.symmetries
    return None if found is None or found.independence is None else found.independence.p_value


def _candidate_row(family: FamilyTest, orders: Mapping[str, int | None], name: str) -> dict[str, Any]:
    """A candidate that lies inside one that was not rejected was not tested: its own numbers are null."""
    test = family.tests.get(name)
    return {
        "group": name,
        "order": orders[name],
        "verdict": _verdict(family, name).value,
        "p_value": None if test is None else test.p_value,
        "p_adjusted": family.p_adjusted[name],
        "statistic": None if test is None else test.statistic,
        "z": None if test is None else test.z,
        "copies": None if test is None else test.copies,
        "exceeding": None if test is None else test.exceeding,
        "p_interval": None if test is None else list(test.interval),
        "settled": test is None or not test.is_open,
    }


def _verdict(family: FamilyTest, name: str) -> Verdict:
    """That of the tests; what an open test alone left standing is undecided."""
    found = family.verdicts[name]
    is_open = name in family.open or (found is Verdict.ACCEPTED and set(family.maximal) <= set(family.open))
    return Verdict.UNDECIDED if is_open else found


def _diagnosis_row(found: Diagnosis) -> dict[str, Any]:
    """`risk_gap`: held-out loss of the tied model minus that of the free one, over the variance of the labels."""
    return {
        "cause": found.cause.value,
        "inputs_p_value": found.inputs.p_value,
        "risk_gap": found.risk.gap,
        "risk_gap_interval": [found.risk.low, found.risk.high],
        "free_r2": found.risk.free_r2,
        "tied_r2": found.risk.tied_r2,
        "free_r2_low": found.risk.free_low,
        "reference_fits": found.risk.is_fitting,
        "approximate": found.is_approximate,
    }


def _yardstick(found: Yardstick | Missing | None) -> dict[str, Any]:
    """R^2 on rows kept apart, or why there is none."""
    if isinstance(found, Yardstick):
        return {"yardstick": found.to_json(), "yardstick_missing": None}
    return {"yardstick": None, "yardstick_missing": None if found is None else found.reason}


def versions() -> dict[str, str]:
    """Versions of sharefind, Python and the libraries that decide the numbers."""
    names = ("torch", "numpy", "scipy", "sympy", "networkx")
    return {"sharefind": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}
