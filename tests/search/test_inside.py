"""Searches inside candidates that are too large to list: what is proposed, what is tested, what the record says."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from sharefind.datasets import teacher_student
from sharefind.datasets.task import finite_task
from sharefind.groups import FiniteGroup, named_group, natural, trivial
from sharefind.inference import MarginalLikelihood, Verdict, family_test, subgroup_family
from sharefind.proposal import subgroups
from sharefind.proposal.noisy_automorphisms import Effort
from sharefind.proposal.subgroups import SubgroupProposing, propose_subgroups
from sharefind.report.text.runs import RunView
from sharefind.report.text.subgroup_words import subgroup_words
from sharefind.report.text.verdict import doubts, verdict
from sharefind.search import Engine, build_problem, search_config
from sharefind.search.inside import subgroup_start
from sharefind.search.law_tests import candidate_family
from sharefind.search.memory import NoMemory
from sharefind.search.result_record import result_record
from sharefind.search.symmetries import symmetries

pytestmark = pytest.mark.filterwarnings("ignore")


def cyclic(n: int) -> FiniteGroup:
    return FiniteGroup(f"C{n}", n, (tuple((i + 1) % n for i in range(n)),))


INSIDE_S6 = (
    ((1, 2, 3, 4, 5, 0),),
    ((1, 2, 3, 4, 5, 0), (0, 5, 4, 3, 2, 1)),
    ((1, 2, 3, 4, 0, 5), (0, 4, 3, 2, 1, 5)),
    ((1, 2, 0, 3, 4, 5), (0, 1, 2, 4, 5, 3)),
    ((1, 2, 3, 0, 4, 5), (0, 1, 2, 3, 5, 4)),
    ((1, 2, 0, 3, 4, 5), (1, 0, 2, 3, 4, 5), (3, 4, 5, 0, 1, 2)),
    ((1, 0, 2, 3, 4, 5), (1, 2, 3, 0, 4, 5), (0, 1, 2, 3, 5, 4)),
    ((1, 0, 2, 3, 4, 5), (1, 2, 3, 4, 5, 0)),
)
"""C_6, D_6, D_5, C_3 x C_3, C_4 x C_2, S_3 wr C_2, S_4 x S_2 and S_6, by generators."""


def samples(truth: FiniteGroup, n: int, seed: int = 0):
    rep, rng = natural(truth), np.random.default_rng([20261130, seed])
    return teacher_student(rep, rep, "wi", rng, noise=0.1, particle_scale=1.5).sample(rng, n)


def problem_of(x, y, group: str = "S6", **settings):
    return build_problem(search_config(group=group, **settings), finite_task("made", x, y), named_group(group))


def found_in(family, x, y, alpha: float = 0.05):
    return family_test(torch.tensor(x), torch.tensor(y), family, MarginalLikelihood(), alpha=alpha, copies=39)


def test_proposals_and_their_joins_are_tested_on_the_other_rows():
    x, y = samples(cyclic(6), 400)
    problem = problem_of(x, y)
    assert problem.inside is not None and problem.rows is not None and len(problem.rows) == 100 == problem.samples
    assert [n.label for n in problem.lattice.nodes] == ["{0}", "E^S6", "E^C6", "E^C3", "E^C2", "Z"]
    family = candidate_family(problem)
    assert family.names == ("S6", "C6", "C3", "C2")
    found = found_in(family, x[problem.rows], y[problem.rows])
    assert found.maximal == ("C6",) and found.rejected == ("S6",)
    evidence = problem.inside.evidence(problem.label_of)
    assert set(evidence) == set(family.names) and max(evidence, key=evidence.get) == "C6"


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["C4", "D4"])
def test_listing_and_proposing_agree_where_both_can_be_done(truth):
    """S_4, whose thirty subgroups are listed: forced to propose, the search accepts the same group."""
    group = cyclic(4) if truth == "C4" else FiniteGroup("D4", 4, ((1, 2, 3, 0), (2, 1, 0, 3)))
    x, y = samples(group, 360)
    rep = natural(named_group("S4"))
    start = subgroup_start(
        search_config(group="S4"), x, y, rep, rep, lambda *_: pytest.fail("drawn afresh"), most_listed=1
    )
    rows = start.rows
    listed, proposed = subgroup_family(rep, rep), subgroup_family(rep, rep, start.groups)
    assert len(proposed.candidates) < len(listed.candidates)
    by_list, by_proposal = (found_in(family, x[rows], y[rows]) for family in (listed, proposed))
    assert [by_list.maximal, by_proposal.maximal] == [(truth,), (truth,)]


def test_the_record_says_what_was_proposed_and_what_was_tested():
    x, y = samples(cyclic(6), 400)
    problem = problem_of(x, y, particles=5, replicates=2)
    outcome = Engine(problem, diagnose=lambda *_: {}).run()
    result = result_record(outcome, None, "run", 0.0, "lattice.json")
    row = result.subgroups
    assert row is not None and (row.samples, row.tested_rows, row.exhaustive) == (300, 100, True)
    assert [(p.name, p.order) for p in row.proposed] == [("C6", 6)] and sorted(row.family) == ["C2", "C3", "C6", "S6"]
    assert result.e_star.candidate == "E^C6" and result.accepted == ["C6", "C3", "C2"] and result.rejected == ["S6"]
    words = subgroup_words(result)
    assert words.startswith("S6 has 720 elements, too many to list: 300 of 400 rows proposed 1 of its subgroups (C6, ")
    assert words.endswith("the other 100 tested it, 2 more below or between them and S6")
    assert type(result).model_validate(result.to_json()).subgroups == row


@pytest.mark.parametrize("truth", ["C6", "S6"])
def test_a_search_that_is_cut_short_is_undecided_about_the_rest(truth, monkeypatch):
    """Not where the whole candidate holds: then all of its subgroups do."""
    effort = Effort(expansions=1, most_expansions=1)
    monkeypatch.setattr(
        subgroups, "propose_subgroups", partial(propose_subgroups, settings=SubgroupProposing(effort=effort))
    )
    x = np.random.default_rng(0).normal(size=(400, 6))
    y = (x + x.mean(axis=1, keepdims=True)) if truth == "S6" else x - 0.5 * np.roll(x, 1, axis=1)
    problem = problem_of(x, y + 0.1 * np.random.default_rng(1).normal(size=y.shape), particles=5, replicates=2)
    (line,) = problem.warnings
    assert "cut short" in line and "undecided" in line
    outcome = Engine(problem, diagnose=lambda *_: {}).run()
    result = result_record(outcome, None, "run", 0.0, "lattice.json")
    said = verdict(RunView(Path("run"), result, outcome.lattice, problem.settings.alpha))
    if truth == "S6":
        assert result.status == "found" and result.subgroups_undecided is None and "Undecided" not in said
        assert result.subgroups.smaller_group and "the symmetry S6 (order 720) of the weights is not rejected" in said
        return
    assert result.status == "undecided" and not result.subgroups.exhaustive
    assert result.subgroups_undecided == "the search for subgroups of S6 was cut short"
    assert "ndecided" in said and said.endswith("since the search for subgroups of S6 was cut short.")
    assert "undecided: the search for subgroups of S6 was cut short" in repr(result)
    assert "no sharing" not in said and result.is_answer == (result.e_star.dim < 42)


def test_what_cannot_be_proposed_is_said():
    x, y = samples(cyclic(6), 60)
    few = problem_of(x, y)
    assert few.rows is None and few.lattice.find(few.fixed_space) is not None and len(few.lattice.nodes) == 3
    assert any("too many to list" in line and "S6 as a whole is tested" in line for line in few.warnings)
    rng = np.random.default_rng(0)
    silent = problem_of(rng.normal(size=(400, 6)), rng.normal(size=(400, 6)))
    assert any("show no signal" in line for line in silent.warnings)


def test_units_of_rows_are_not_divided():
    x, y = samples(cyclic(6), 400)
    task = replace(finite_task("made", x, y), units=np.repeat(np.arange(80), 5))
    problem = build_problem(search_config(group="S6"), task, named_group("S6"))
    left = set(problem.rows.tolist())
    assert all({k // 5 * 5 + i for i in range(5)} <= left for k in left)
    assert int(problem.units.max()) + 1 == len(left) // 5


def test_invariant_labels_of_a_large_group():
    """Products of neighbours on a ring of seven, one label: D_7 is found in S_7, whose space it shares."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 7))
    y = (x * np.roll(x, 1, axis=1)).sum(axis=1, keepdims=True) + 0.1 * rng.normal(size=(1200, 1))
    group = named_group("S7")
    start = subgroup_start(
        search_config(group="S7"), x, y, natural(group), trivial(group), lambda *_: pytest.fail("drawn afresh")
    )
    assert start.finding.proposed[0].group.order == 14


def test_nothing_of_a_large_group_is_listed(monkeypatch):
    listing = FiniteGroup.enumeration

    def small_only(self, *args):
        assert self.order <= 5_000, f"{self.name} was listed"
        return listing(self, *args)

    monkeypatch.setattr(FiniteGroup, "enumeration", small_only)
    x, y = samples(cyclic(8), 400)
    problem = problem_of(x, y, "S8")
    rows = problem.rows
    found = found_in(candidate_family(problem), x[rows], y[rows])
    assert found.maximal == ("C8",)


@pytest.mark.slow
@pytest.mark.parametrize("keeps", ["S7", "PSL(2,7)"])
def test_weights_that_any_doubly_transitive_group_ties_tell_their_own_symmetry_alone(keeps):
    """PSL(2,7) on the seven points of a plane has the space of S_7; products along its lines tell the two apart."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(400, 7))
    y = x - 0.2 * x.sum(axis=1, keepdims=True)
    if keeps != "S7":
        for line in ((0, 1, 3), (1, 2, 4), (2, 3, 5), (3, 4, 6), (4, 5, 0), (5, 6, 1), (6, 0, 2)):
            for a in line:
                y[:, a] += np.prod(x[:, [b for b in line if b != a]], axis=1)
    problem = problem_of(x, y + 0.1 * rng.normal(size=y.shape), "S7", particles=5, replicates=2)
    outcome = Engine(problem, diagnose=lambda *_: {}).run()
    result = result_record(outcome, None, "run", 0.0, "lattice.json")
    said = verdict(RunView(Path("run"), result, outcome.lattice, problem.settings.alpha))
    assert result.e_star.candidate == "E^S7" and result.subgroups.smaller_group
    kinds = list(dict.fromkeys(name.partition(":<")[0] for name in result.subgroups.same_space))
    assert kinds and set(kinds) <= {"A7", "PSL(2,7)", "F42"}  # all that are doubly transitive on seven points
    if keeps == "S7":
        assert said.endswith("the symmetry S7 (order 5040) of the weights is not rejected.")
        (doubt,) = doubts(result)
        assert doubt == (
            f"S7 is the symmetry of the weights: smaller groups have the same space ({', '.join(kinds)}), and which of "
            "them the data have is undecided."
        )
    else:
        assert said.endswith("the symmetry PSL(2,7) is not rejected; S7 has the same space, but is rejected.")
        assert not list(doubts(result))


@pytest.mark.slow
def test_no_true_symmetry_is_rejected_more_often_than_the_level_when_rows_propose_and_others_test():
    """Whole searches in S_6 up to their verdicts: 100 data sets of eight groups, three of four with rough errors."""
    wrong, tested, count, alpha = 0, 0, 100, 0.05
    for seed in range(count):
        rng = np.random.default_rng([4712, seed])
        truth = FiniteGroup("truth", 6, INSIDE_S6[seed % len(INSIDE_S6)])
        rep, rows, noise = natural(truth), int(rng.choice([240, 320, 400])), float(rng.choice([0.05, 0.1, 0.2]))
        x, y = teacher_student(rep, rep, "wi", rng, noise=noise, particle_scale=1.5).sample(rng, rows)
        follows = np.sqrt((x**2).mean(axis=1, keepdims=True)) * rng.standard_t(3, size=y.shape)
        common = rng.standard_t(3, size=(rows, 1)) + 0 * y
        y = y + noise * [0, follows, common, follows + common][seed // len(INSIDE_S6) % 4]
        problem = problem_of(x, y, alpha=alpha, seed=seed)
        law = symmetries(problem, NoMemory(), lambda *stage: None).law  # None where labels look independent of inputs
        held = [problem.label_of(group) for group in problem.inside.groups if group.is_subgroup_of(truth)]
        rejected = [] if law is None else [name for name in held if law.verdicts[name] is Verdict.REJECTED]
        wrong, tested = wrong + bool(rejected), tested + (law is not None)
    assert tested > count // 2 and wrong / tested <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / tested), (wrong, tested)
