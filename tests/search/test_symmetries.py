"""The exact tests of a problem: which statistic, which rows, and what memory saves."""

from typing import Any

import numpy as np
import pytest

from sharefind.groups import FiniteGroup, named_group
from sharefind.inference import Correlogram, MarginalLikelihood, RandomisationTest
from sharefind.search import Engine
from sharefind.search.law_tests import _rows, is_inside, statistic_of_problem
from sharefind.search.memory import TEST, Kind, NoMemory
from sharefind.search.symmetries import INDEPENDENCE, symmetries
from tests.search.problems import problem, teacher_task


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["displacement", "cross-displacement", "held-out-gap", "marginal-likelihood"])
def test_other_statistics_decide_as_well(statistic: str) -> None:
    """Little noise, and a symmetry that is clearly broken: the arbitrary teacher is not invariant under the swap."""
    settings = {"statistic": statistic, "alpha": 0.05, "copies": 39}
    broken = problem(teacher_task("C1", 2, 400, 0, kind="arbitrary", noise=0.01), "C2", **settings)
    outcome = Engine(broken).run()
    test = outcome.problem.symmetries.family.tests["C2"]
    assert test.statistic == statistic
    assert (test.p_value <= 0.05) == outcome.e_star.space.is_full
    assert outcome.problem.symmetries.family.rejected == ("C2",)


class Known(NoMemory):
    """Tests that were done, each with one p-value."""

    def __init__(self, p_value: float) -> None:
        self.p_value, self.asked = p_value, []

    def get(self, kind: Kind[Any], key: str) -> Any:
        """The p-value."""
        self.asked.append(key)
        return RandomisationTest(self.p_value, "known", 199, 0, 0.0) if kind is TEST else None


def test_what_memory_has_is_not_tested_again() -> None:
    case, known, told = problem(teacher_task("C3", 3, 60, 0), "S3", symmetry="law"), Known(0.005), []
    found = symmetries(case, known, lambda *said: told.append(said[0]))
    assert found is not None and found.family is not None and set(told) <= {"evidence of the groups"}
    assert known.asked[0] == INDEPENDENCE and set(found.family.rejected) == set(found.family.verdicts)
    whole = symmetries(case, known, lambda *said: told.append(said), whole=True)
    assert whole is not None and whole.family is not None and list(whole.family.verdicts) == ["S3"]


def test_independence_that_is_not_rejected_ends_the_tests() -> None:
    known = Known(0.5)
    found = symmetries(problem(teacher_task("C3", 3, 60, 0), "S3"), known, lambda *said: None)
    assert found is not None and found.family is None and known.asked == [INDEPENDENCE]
    assert found.deciding == (INDEPENDENCE, RandomisationTest(0.5, "known", 199, 0, 0.0))


def test_a_scheme_that_imposes_the_symmetry_is_not_tested() -> None:
    case = problem(teacher_task("C3", 3, 60, 0), "S3", scheme="ea")
    assert symmetries(case, NoMemory(), lambda *said: None) is None


def test_the_statistic_suits_the_labels() -> None:
    assert isinstance(statistic_of_problem(problem(teacher_task("C3", 3, 60, 0), "S3")), Correlogram)
    invariant = problem(teacher_task("C3", 3, 60, 0), "S3", out_rep="trivial:3", unit="matrix+bias")
    assert isinstance(statistic_of_problem(invariant), MarginalLikelihood)


def test_rows_are_drawn_once_and_in_order() -> None:
    rows = _rows(50, 20)
    assert len(rows) == 20 and (np.diff(rows.numpy()) > 0).all()
    assert set(rows.tolist()) < set(_rows(50, 40).tolist()) and len(_rows(50, 40)) == 40
    assert MarginalLikelihood.most_samples < Correlogram.most_samples


def test_a_group_is_not_inside_itself() -> None:
    whole, part = named_group("S3"), FiniteGroup("C3", 3, ((1, 2, 0),))
    assert is_inside(part, whole) and not is_inside(whole, whole) and not is_inside(whole, part)
    turns, every = named_group("SO2"), named_group("O2")
    assert is_inside(turns, every) and not is_inside(every, turns) and not is_inside(turns, named_group("SO2"))
    assert not is_inside(turns, named_group("O3")) and not is_inside(whole, every)
