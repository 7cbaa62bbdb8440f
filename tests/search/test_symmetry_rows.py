"""Rows of a result about subgroups."""

from __future__ import annotations

from sharefind.inference import FamilyTest, RandomisationTest, Verdict
from sharefind.inference.relation.group_shares import GroupShares
from sharefind.inference.relation.relation_family import RelationFamily
from sharefind.inference.relation.relation_test import RelationTest
from sharefind.search.symmetries import Symmetries
from sharefind.search.symmetry_rows import likeliest_row

SHARES = GroupShares({"C2": 0.0, "": -1.0}, {"C2": 0.7, "": 0.3}, 50)


def _relation(verdict: Verdict, *one_sided: str) -> RelationFamily:
    test = RandomisationTest(0.5, "relation-evidence", 199, 100, 0.0)
    maximal = ("C2",) if verdict is Verdict.ACCEPTED else ()
    family = FamilyTest({"C2": verdict}, {"C2": test}, {"C2": 0.5}, maximal, 0.01, ())
    return RelationFamily(family, {"C2": RelationTest(test, 0.05)}, one_sided, ())


def test_no_group_is_named_where_the_inputs_show_one_side_only() -> None:
    hidden = Symmetries(None, None, relation=_relation(Verdict.UNDECIDED, "C2"), likeliest=SHARES)
    assert likeliest_row(hidden) is None
    shown = Symmetries(None, None, relation=_relation(Verdict.ACCEPTED), likeliest=SHARES)
    found = likeliest_row(shown)
    assert found is not None and (found.name, found.share, found.rows) == ("C2", 0.7, 50)
    assert likeliest_row(Symmetries(None, None)) is None
