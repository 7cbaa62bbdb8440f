"""Families of relations: whole runs on small data, their memory, workers, progress and deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import named_group, natural, trivial
from sharefind.inference import (
    CandidateFamily,
    RandomisationTest,
    RelationFamily,
    Verdict,
    axis_rotations,
    named_family,
    relation_family_test,
    subgroup_family,
)
from sharefind.inference.relation.relation_test import RelationTest
from sharefind.inference.relation.relation_verdicts import Doubt
from sharefind.parallel import Deadline, Workers

pytestmark = pytest.mark.usefixtures("independent_rows")


def family(name: str = "S3", *, labels_move: bool = False) -> CandidateFamily:
    group = named_group(name)
    return subgroup_family(natural(group), natural(group) if labels_move else trivial(group))


def data(n: int = 50, broken: float = 0.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A function of three inputs that all permutations leave alone, or of which only 0 <-> 1 does."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = np.tanh(x).sum(1) + broken * x[:, 2] + 0.2 * rng.normal(size=n)
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


def looked_at(x: Tensor, y: Tensor, candidates: CandidateFamily | None = None, **settings: Any) -> RelationFamily:
    return relation_family_test(x, y, candidates or family(), **({"alpha": 0.05, "copies": 39} | settings))


def test_a_relation_that_the_whole_group_has_is_accepted() -> None:
    found = looked_at(*data())
    assert found.family.maximal == ("S3",)
    assert set(found.family.verdicts.values()) == {Verdict.ACCEPTED}
    assert set(found.tests) == {"S3"} and found.doubts == {} and found.one_sided == found.unassured == ()
    assert found.tests["S3"].detectable is not None


def test_of_a_broken_relation_the_subgroup_that_holds_is_accepted() -> None:
    x, y = data(60, broken=1.5)
    found = looked_at(x, y)
    assert found.family.maximal == ("C2:<(0 1)>",)
    assert len(found.family.rejected) >= 3
    assert found.family.verdicts["C2:<(0 1)>"] is Verdict.ACCEPTED


def test_sorted_inputs_decide_nothing_and_half_sorted_ones_the_swap() -> None:
    x, y = data(40)
    one_side = looked_at(x.sort(1).values, y)
    assert one_side.family.maximal == ()
    assert set(one_side.family.verdicts.values()) == {Verdict.UNDECIDED}
    assert set(one_side.doubts.values()) == {Doubt.ONE_SIDED} and len(one_side.one_sided) == 5
    # The largest input stands last, the others as they come.
    ordered = x.sort(1).values
    swapped = torch.where((torch.arange(40) % 2 == 0).unsqueeze(1), ordered, ordered[:, [1, 0, 2]])
    swap = looked_at(swapped, y)
    assert swap.family.maximal == ("C2:<(0 1)>",)
    assert swap.family.verdicts["S3"] is Verdict.UNDECIDED and "S3" in swap.one_sided


def test_verdicts_do_not_depend_on_units() -> None:
    x, y = data(40, broken=1.5)
    first, second = looked_at(x, y), looked_at(10 * x + 300, 1e3 * y - 5)
    assert first.family.verdicts == second.family.verdicts
    assert first.family.p_adjusted == pytest.approx(second.family.p_adjusted)


@dataclass
class Kept:
    """A memory that breaks off after some tests."""

    left: int
    tests: dict[str, RelationTest] = field(default_factory=dict)

    def recall_relation(self, name: str) -> RelationTest | None:
        return self.tests.get(name)

    def keep_relation(self, name: str, test: RelationTest) -> None:
        self.tests[name] = test
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def written(p_value: float, overlap: float = 0.9, z: float = 0.0) -> RelationTest:
    return RelationTest(RandomisationTest(p_value, "written", 199, 0, z), overlap)


def test_evidence_settles_what_cannot_hold_together() -> None:
    """Three groups stand though their join was rejected: the largest p-value is preferred, or the most evidence."""
    p_values = {"S3": 0.01, "C3": 0.02, "C2:<(0 1)>": 0.3, "C2:<(0 2)>": 0.4, "C2:<(1 2)>": 0.04}
    assert set(p_values) == set(family().names)
    memory = Kept(-1, {name: written(p) for name, p in p_values.items()})
    plain = looked_at(*data(30), memory=memory)
    assert plain.family.maximal == ("C2:<(0 2)>",)
    assert set(plain.family.conflict) == {"C2:<(0 1)>", "C2:<(0 2)>"}
    evidence = {name: float(name == "C2:<(0 1)>") for name in p_values}
    settled = looked_at(*data(30), memory=memory, evidence=evidence)
    assert settled.family.maximal == ("C2:<(0 1)>",)
    assert settled.doubts == {"C2:<(0 2)>": Doubt.CONFLICT}
    assert settled.family.rejected == plain.family.rejected and settled.family.p_adjusted == plain.family.p_adjusted


def test_a_rejection_at_hardly_any_overlap_is_told() -> None:
    memory = Kept(-1, {name: written(0.01 if name == "S3" else 0.5, 0.05) for name in family().names})
    found = looked_at(*data(30), memory=memory)
    assert found.family.rejected == ("S3",) and found.unassured == ("S3",)
    assert found.family.maximal == () and len(found.one_sided) == 4


def test_an_interrupted_family_goes_on_where_it_was() -> None:
    x, y = data(40, broken=1.5)
    memory = Kept(2)
    with pytest.raises(KeyboardInterrupt):
        looked_at(x, y, memory=memory)
    assert len(memory.tests) == 2
    made: list[str] = []
    again = looked_at(x, y, memory=memory, progress=lambda name, done, total: made.append(name))
    whole = looked_at(x, y)
    assert again.family == whole.family
    assert len(made) == len(whole.tests) - 2 and "S3" not in made


def test_progress_names_the_test_that_comes_next() -> None:
    heard: list[tuple[str, int, int]] = []
    looked_at(*data(30), progress=lambda *told: heard.append(told))
    assert heard == [("S3", 0, 5)]


@pytest.mark.slow
def test_workers_find_the_same() -> None:
    x, y = data(60, broken=1.5)
    one, two = looked_at(x, y), looked_at(x, y, workers=Workers(jobs=2))
    assert one.family == two.family
    assert {name: test.overlap for name, test in one.tests.items()} == {n: t.overlap for n, t in two.tests.items()}


def test_a_deadline_is_kept() -> None:
    with pytest.raises(TimeoutError):
        looked_at(*data(30), workers=Workers(deadline=Deadline(time.monotonic() - 1, TimeoutError("late"))))


@pytest.mark.parametrize(("alpha", "copies"), [(0.01, 50), (0.0, 99), (1.0, 99)])
def test_levels_that_cannot_reject_are_refused(alpha: float, copies: int) -> None:
    with pytest.raises(ConfigError, match="copies"):
        looked_at(*data(30), alpha=alpha, copies=copies)


def test_a_group_that_cannot_be_listed_is_refused() -> None:
    candidates = named_family({"SO2": axis_rotations((0, 0, 1))}, [])
    with pytest.raises(GroupError, match="tested for finite groups"):
        looked_at(*data(30), candidates)
