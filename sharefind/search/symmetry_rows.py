"""Rows of a result about the candidate's subgroups: each with its three verdicts, kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sharefind.inference import Diagnosis, FamilyTest, RiskGap, Verdict
from sharefind.search.result_parts import InputLawRow, LikeliestGroup, PriceRow, RelationRow, SymmetryRow
from sharefind.search.symmetries import Symmetries

if TYPE_CHECKING:
    from sharefind.inference.relation.relation_family import RelationFamily


def symmetry_rows(
    tests: Symmetries, verdicts: Mapping[str, Verdict], diagnoses: Mapping[str, Diagnosis]
) -> list[SymmetryRow]:
    """Return a row for each candidate group.

    Args:
        tests: The tests.
        verdicts: The verdicts, by the name of the group.
        diagnoses: The cost of tying by a group, as far as it was estimated.
    """
    return [] if tests.family is None else [_row(tests, tests.family, n, v, diagnoses) for n, v in verdicts.items()]


def _row(
    tests: Symmetries, family: FamilyTest, name: str, verdict: Verdict, diagnoses: Mapping[str, Diagnosis]
) -> SymmetryRow:
    shown = tests.law or family
    test, found = shown.tests.get(name), diagnoses.get(name)
    names = ("p_value", "statistic", "z", "copies", "exceeding")
    return SymmetryRow(
        group=name,
        order=tests.orders[name],
        verdict=(verdict if shown is family else shown.verdicts[name]).value,
        p_adjusted=shown.p_adjusted[name],
        p_interval=None if test is None else list(test.interval),
        settled=test is None or not test.is_open,
        inputs=None if tests.inputs is None else _inputs(tests.inputs, name),
        relation=None if tests.relation is None else _relation(tests.relation, name),
        price=None if found is None else _price(found.risk),
        **{key: getattr(test, key, None) for key in names},
    )


def _inputs(family: FamilyTest, name: str) -> InputLawRow:
    test = family.tests.get(name)
    return InputLawRow(
        verdict=family.verdicts[name].value,
        p_value=None if test is None else test.p_value,
        p_adjusted=family.p_adjusted[name],
    )


def _relation(found: RelationFamily, name: str) -> RelationRow:
    test = found.tests.get(name)
    return RelationRow(
        verdict=found.family.verdicts[name].value,
        p_value=None if test is None else test.p_value,
        p_adjusted=found.family.p_adjusted[name],
        overlap=None if test is None else test.overlap,
        detectable=None if test is None else test.detectable,
        one_sided=name in found.one_sided,
        level_assured=name not in found.unassured,
        doubt=None if name not in found.doubts else found.doubts[name].value,
    )


def _price(risk: RiskGap) -> PriceRow:
    return PriceRow(
        gap=risk.gap,
        interval=[risk.low, risk.high],
        tied_r2=risk.tied_r2,
        free_r2=risk.free_r2,
        fits=risk.is_fitting,
        tied_accuracy=risk.tied_accuracy,
        free_accuracy=risk.free_accuracy,
    )


def likeliest_row(tests: Symmetries, most: int = 8) -> LikeliestGroup | None:
    """Return the groups with the largest shares.

    None where there are no shares, and where the inputs show one side of the groups only: then the evidence depends on
    the kernel at the border of that side, and on no group.

    Args:
        tests: The tests.
        most: Most groups that are listed.
    """
    found, relation = tests.likeliest, tests.relation
    if found is None or (relation is not None and relation.one_sided and not relation.family.accepted):
        return None
    listed = sorted(found.shares.items(), key=lambda item: -item[1])[:most]
    return LikeliestGroup(
        name=found.likeliest, share=found.shares[found.likeliest], shares=dict(listed), rows=found.rows
    )
