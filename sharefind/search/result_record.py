"""Makes the `Result` of a `SearchOutcome`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sharefind.column_names import kept_names
from sharefind.exact.matrices import signed_image
from sharefind.groups import FiniteGroup, Group
from sharefind.groups.named_points import PointGroup
from sharefind.inference import Diagnosis, Verdict
from sharefind.recognition.naming import permutation_group_name
from sharefind.search.blind_record import blind_row
from sharefind.search.hypotheses import TestedProblem, is_within
from sharefind.search.inside_record import subgroups_row
from sharefind.search.map_rows import MapRow
from sharefind.search.mirror_record import mirror_row
from sharefind.search.node_evidence import NodeEvidence
from sharefind.search.open_subgroups import subgroups_undecided
from sharefind.search.problem import Problem
from sharefind.search.relation_warnings import relation_warnings
from sharefind.search.result import SCHEMA, Result, versions
from sharefind.search.result_parts import (
    ChainRow,
    ColumnMoves,
    DiagnosisRow,
    FoundSpace,
    LatticeCounts,
    MovingGroup,
    ParameterBlock,
    Parameters,
    Stabiliser,
    Yardstick,
)
from sharefind.search.search_lattice import SearchNode
from sharefind.search.search_outcome import SearchOutcome
from sharefind.search.symmetry_rows import likeliest_row, symmetry_rows
from sharefind.search.yardstick import Missing


def result_record(
    outcome: SearchOutcome, found: Yardstick | Missing | None, run: str, wall_s: float, lattice_file: str
) -> Result:
    """Return the result of a search.

    Args:
        outcome: The search.
        found: Scores of E_* and of reference models, the reason why there are none, or None where they were not
            requested.
        run: Its folder.
        wall_s: Seconds of work.
        lattice_file: The lattice's name in the folder.
    """
    problem, lattice = outcome.problem, outcome.lattice
    tests, family = problem.symmetries, problem.family
    accepted, rejected = group_verdicts(outcome)
    group = problem.candidate.group
    verdicts, open_subgroups = _verdicts(problem), subgroups_undecided(outcome)
    family_rejected = () if family is None else family.rejected
    return Result(
        schema=SCHEMA,
        run=run,
        seed=problem.settings.seed,
        group=MovingGroup(name=group.name, order=group.order, **_on_points_and_columns(problem, group)),
        unit=problem.unit.name,
        inputs=list(kept_names(problem.task.inputs, "x")),
        outputs=list(kept_names(problem.task.outputs, "y")),
        classes=list(kept_names(problem.task.classes, "class ")),
        parameter_space=Parameters(
            dim=problem.space.dim,
            blocks=[ParameterBlock(name=b.name, shape=list(b.shape)) for b in problem.space.blocks],
        ),
        chain=[_chain_row(node, node.evidence) for node in outcome.chain if node.evidence is not None],
        status="found" if outcome.finished and open_subgroups is None else "undecided",
        subgroups_undecided=open_subgroups,
        stopped=outcome.stopped,
        warnings=[*problem.warnings, *relation_warnings(outcome), *outcome.warnings],
        e_star=_e_star(problem, outcome.e_star),
        accepted=accepted,
        rejected=rejected,
        undecided=_with(Verdict.UNDECIDED, verdicts),
        maximal=[] if family is None or not problem.settings.stopping.decides_by_tests else list(family.maximal),
        independence_p_value=problem.independence_p_value,
        symmetries=[] if tests is None else symmetry_rows(tests, verdicts, outcome.diagnoses),
        symmetry=problem.settings.symmetry,
        decided_by="law" if tests is None else tests.decided_by,
        likeliest=None if tests is None else likeliest_row(tests),
        diagnosis={n: _diagnosis_row(problem, n, d) for n, d in outcome.diagnoses.items() if n in family_rejected},
        maps=[MapRow.of(found) for found in outcome.maps],
        blind=None if problem.blind is None else blind_row(problem, problem.blind),
        subgroups=subgroups_row(outcome),
        mirror=mirror_row(outcome),
        yardstick=None if isinstance(found, Missing) else found,
        yardstick_missing=found.reason if isinstance(found, Missing) else None,
        lattice=LatticeCounts(
            nodes=lattice.graph.number_of_nodes(), edges=lattice.graph.number_of_edges(), file=lattice_file
        ),
        wall_s=round(wall_s, 3),
        versions=versions(),
    )


def _chain_row(node: SearchNode, evidence: NodeEvidence) -> ChainRow:
    names = ("dist2", "rmd2", "delta", "p_value", "p_adjusted", "rule", "reason")
    values = {name: getattr(evidence, name) for name in names}
    return ChainRow(node=node.number or 0, dim=node.space.dim, decision=evidence.decision.value, **values)


def _e_star(problem: Problem, node: SearchNode) -> FoundSpace:
    place = problem.lattice_node(node)
    group = place.group if place is not None and place.groups else None
    return FoundSpace(
        dim=node.space.dim,
        exact=node.space.is_exact,
        basis=_blocks_per_vector(problem, node),
        tying=None if node.space.tying is None else _split(problem, np.asarray(node.space.tying)),
        candidate=None if group is None else f"E^{problem.label_of(group)}",
        stabiliser=None if group is None else _stabiliser(problem, group),
    )


def _blocks_per_vector(problem: Problem, node: SearchNode, most_entries: int = 100_000) -> list[list[Any]]:
    """Each basis vector as its blocks, nested lists of exact strings (decimal strings for a numerical space).

    None is written of a tying pattern with more than `most_entries` entries of its basis: its labels say all.
    """
    if node.space.tying is not None and node.space.dim * node.space.ambient > most_entries:
        return []
    if node.space.is_exact:
        rows = node.space.basis_strings()
    else:
        rows = [[repr(float(v)) for v in row] for row in node.space.orthonormal()]
    return [_split(problem, np.array(row, dtype=object)) for row in rows]


def _split(problem: Problem, vector: np.ndarray[Any, Any]) -> list[Any]:
    return [part.tolist() for part in problem.space.split(vector).values()]


def _stabiliser(problem: Problem, group: Group) -> Stabiliser:
    candidate = problem.candidate.group
    name = group.name
    if isinstance(candidate, PointGroup):
        name = problem.label_of(group)
    elif isinstance(group, FiniteGroup):
        is_large = problem.blind is not None or problem.inside is not None
        name = candidate.name if is_large and group == candidate else permutation_group_name(group)
    return Stabiliser(name=name, order=group.order, **_on_points_and_columns(problem, group))


def _on_points_and_columns(problem: Problem, group: Group) -> dict[str, Any]:
    """The fields of `MovingGroup` beside its name and order."""
    generators = [list(map(int, g)) for g in group.generators] if isinstance(group, FiniteGroup) else []
    return {"generators": generators, "moves": _moves(problem, group)}


def _moves(problem: Problem, group: Group) -> ColumnMoves | None:
    """The action of a group's generators on columns; None where one does more than permute them and change signs."""
    if not isinstance(group, FiniteGroup):
        return None
    reps = problem.representations_of(group)
    sides = [[signed_image(matrix) for matrix in rep.generator_matrices] for rep in reps]
    on_inputs, on_outputs = ([image for image in side if image is not None] for side in sides)
    if min(len(on_inputs), len(on_outputs)) < len(group.generators):
        return None
    return ColumnMoves(on_inputs=on_inputs, on_outputs=on_outputs)


def group_verdicts(outcome: SearchOutcome) -> tuple[list[str], list[str]]:
    """Return names of the candidate groups that were accepted and of the groups that were rejected.

    The rule `randomisation` takes them from the exact tests. With the other rules, and where a tolerance accepted a
    space, subgroups of an accepted group are accepted with it, and groups that the search did not need to examine are
    in neither list. The trivial group is no candidate. Only vanilla training is evidence for or against a group.

    Args:
        outcome: The outcome of the search.
    """
    problem = outcome.problem
    if problem.settings.stopping.decides_by_tests and not _tolerated(outcome):
        verdicts = _verdicts(problem)
        return _with(Verdict.ACCEPTED, verdicts), _with(Verdict.REJECTED, verdicts)
    kept = outcome.e_star.evidence.groups if outcome.e_star.evidence is not None else ()
    if not problem.settings.config.scheme.is_evidence or not outcome.finished:
        return [], _rejected(outcome)
    if problem.lattice is None:
        accepted = [] if outcome.e_star.space.is_full else list(kept)
        return accepted, [name for name in _rejected(outcome) if name not in accepted]
    holding = [g for n in problem.lattice.nodes for g in n.groups if problem.label_of(g) in kept]
    accepted = [
        problem.label_of(g)
        for n in problem.lattice.nodes
        for g in n.groups
        if g.order != 1 and any(is_within(g, h) for h in holding)
    ]
    return accepted, [name for name in _rejected(outcome) if name not in accepted]


def _tolerated(outcome: SearchOutcome) -> bool:
    """Whether E_* holds within the tolerance although every symmetry of it was rejected."""
    place = outcome.problem.lattice_node(outcome.e_star)
    return place is not None and outcome.finished and outcome.problem.is_rejected(place)


def _rejected(outcome: SearchOutcome) -> list[str]:
    names: list[str] = []
    for node in outcome.lattice.visited():
        if node.evidence is not None:
            names += [name for name in node.evidence.rejected if name not in names]
    return names


def _verdicts(problem: TestedProblem) -> dict[str, Verdict]:
    """Those of the tests; what an open test alone left standing is undecided."""
    family = problem.family
    if family is None:
        return {}
    is_open = set(family.open)
    doubtful = {*is_open, *(family.accepted if set(family.maximal) <= is_open else ())}
    return {name: Verdict.UNDECIDED if name in doubtful else found for name, found in family.verdicts.items()}


def _with(verdict: Verdict, verdicts: Mapping[str, Verdict]) -> list[str]:
    return [name for name, found in verdicts.items() if found is verdict]


def _diagnosis_row(problem: Problem, name: str, found: Diagnosis) -> DiagnosisRow:
    group = next((group for group, label in problem.labels.items() if label == name), None)
    return DiagnosisRow(
        cause=found.cause.value,
        inputs_p_value=None if found.inputs is None else found.inputs.p_value,
        risk_gap=found.risk.gap,
        risk_gap_interval=[found.risk.low, found.risk.high],
        free_r2=found.risk.free_r2,
        tied_r2=found.risk.tied_r2,
        free_r2_low=found.risk.free_low,
        reference_fits=found.risk.is_fitting,
        approximate=found.is_approximate,
        moves=None if group is None else _moves(problem, group),
    )
