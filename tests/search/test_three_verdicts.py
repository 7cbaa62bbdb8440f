"""Cells of the three verdicts: what was measured, why something was not, and the likeliest group beside the answer."""

import pytest

from sharefind.inference.relation.relation_verdicts import Doubt
from sharefind.search.result_parts import InputLawRow, LikeliestGroup, PriceRow, RelationRow, SymmetryRow
from sharefind.search.three_verdicts import (
    EVERY_REJECTED,
    VERDICT_HEADINGS,
    answer_words,
    has_relation,
    has_verdicts,
    likeliest_words,
    price_words,
    verdict_cells,
    verdict_table,
)
from sharefind.written import share


def _row(group: str, order: int, **parts: object) -> SymmetryRow:
    values = {"verdict": "rejected", "p_value": 0.005, "p_adjusted": 0.005, "statistic": None, "z": None, "copies": 199}
    return SymmetryRow.model_validate({"group": group, "order": order, **values, **parts})


def _relation(verdict: str, p_value: float | None, p_adjusted: float, **more: object) -> RelationRow:
    return RelationRow.model_validate({"verdict": verdict, "p_value": p_value, "p_adjusted": p_adjusted, **more})


def _price(gap: float, low: float, high: float, *, fits: bool = True) -> PriceRow:
    return PriceRow(gap=gap, interval=[low, high], tied_r2=0.5, free_r2=0.5, fits=fits)


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (_price(0.008, 0.003, 0.012), "loses 0.8 % [0.3, 1.2]"),
        (_price(-0.008, -0.012, -0.003), "gains 0.8 % [0.3, 1.2]"),
        (_price(0.64, 0.61, 0.67), "loses 64 % [61, 67]"),
        (_price(-0.001, -0.004, 0.002), "gains 0.1 % [-0.2, 0.4]"),
        (_price(0.0011, -0.00045, 0.0027), "loses 0.11 % [-0.04, 0.27]"),
        (_price(0.0, 0.0, 0.0), "loses 0.000 % [0.000, 0.000]"),
        (_price(2e-17, -1e-6, 1e-6), "loses 0.000 % [0.000, 0.000]"),
        (_price(0.8, -0.2, 1.9, fits=False), "not known: poor fit"),
    ],
)
def test_a_price_has_the_digits_of_its_interval_and_says_which_way(price: PriceRow, words: str) -> None:
    assert price_words(price) == words


def test_verdicts_stay_apart() -> None:
    row = _row(
        "D4",
        8,
        inputs=InputLawRow(verdict="rejected", p_value=0.0025, p_adjusted=0.0025),
        relation=_relation("accepted", 0.41, 0.41, overlap=0.824, detectable=0.414),
        price=_price(0.008, 0.003, 0.012),
    )
    cells = dict(zip(VERDICT_HEADINGS, verdict_cells(row, [row]), strict=True))
    assert cells == {
        **{"group": "D4", "order": "8", "p, inputs": "0.0025", "inputs": "rejected", "p, relation": "0.41"},
        **{
            "overlap": "0.82",
            "relation": "accepted",
            "break seen": "0.41 sd",
            "tying (95 %)": "loses 0.8 % [0.3, 1.2]",
        },
    }


@pytest.mark.parametrize(
    ("relation", "word"),
    [
        (_relation("undecided", 0.4, 0.4, overlap=0.05, one_sided=True), "undecided, one side seen"),
        (_relation("undecided", 0.4, 0.4, overlap=0.5), "undecided"),
        (_relation("undecided", 0.004, 0.4, doubt=Doubt.CONTRADICTED.value), "undecided, own test against it"),
        (_relation("undecided", 0.4, 0.4, doubt="words of a stranger"), "undecided"),
        (_relation("rejected", 0.005, 0.005, overlap=0.05, level_assured=False), "rejected, not assured"),
        (_relation("rejected", 0.005, 0.005, overlap=0.5), "rejected"),
    ],
)
def test_a_verdict_on_the_relation_says_what_it_rests_on(relation: RelationRow, word: str) -> None:
    row = _row("C2", 2, relation=relation)
    assert verdict_cells(row, [row])[VERDICT_HEADINGS.index("relation")] == word


def test_an_untested_group_names_the_one_that_it_lies_in() -> None:
    rows = [
        _row("S4", 24, relation=_relation("rejected", 0.005, 0.005)),
        _row("D4", 8, relation=_relation("accepted", 0.3, 0.3)),
        _row("S3", 6, relation=_relation("undecided", 0.2, 0.2)),
        _row("C4", 4, relation=_relation("accepted", None, 0.3)),
        _row("C3", 3, relation=_relation("accepted", None, 0.3)),
    ]
    place = VERDICT_HEADINGS.index("relation")
    assert [verdict_cells(row, rows)[place] for row in rows[3:]] == ["inside D4", "inside another"]
    twins = [rows[1], _row("D4b", 8, relation=_relation("accepted", 0.3, 0.3)), rows[3]]
    assert (
        verdict_cells(rows[3], twins)[place] == "inside another"
    )  # two may hold it: no name is better than a wrong one


def test_columns_that_hold_nothing_are_left_out() -> None:
    rows = [_row("C2", 2, inputs=InputLawRow(verdict="accepted", p_value=0.4, p_adjusted=0.4))]
    assert verdict_table(rows) == (("group", "order", "p, inputs", "inputs"), [("C2", "2", "0.4", "accepted")])
    assert has_verdicts(rows) and not has_relation(rows) and not has_verdicts([_row("C2", 2)])


def _likeliest(name: str, **shares: float) -> LikeliestGroup:
    named = {key.removeprefix("none"): value for key, value in shares.items()}
    return LikeliestGroup(name=name, share=named[name], shares=named, rows=200)


def test_the_likeliest_group_stands_beside_the_tested_one() -> None:
    found = _likeliest("C4", C4=0.86, D4=0.1, none=0.04, C2=0.0001)
    assert likeliest_words(found, "D4 not rejected", ["D4"]) == (
        "C4, share 0.86, D4 0.1, no symmetry 0.04; tested: D4 not rejected (shares have no error rate)"
    )
    assert likeliest_words(found, "C4 not rejected", ["C4"]) == "C4, share 0.86, as tested (a share has no error rate)"
    nothing = _likeliest("", none=0.9997, C4=0.0003)
    assert likeliest_words(nothing, EVERY_REJECTED, []).startswith("no symmetry, share above 0.999, as tested")
    assert likeliest_words(nothing, "D4 undecided", []).startswith("no symmetry, share above 0.999; tested: D4 undec")


def test_no_share_is_rounded_to_one() -> None:
    assert [share(v) for v in (0.9991, 0.999, 0.9987, 0.996, 0.86, 0.04)] == [
        *("above 0.999", "0.999", "0.999", "0.996", "0.86", "0.04"),
    ]


def test_the_tested_answer_in_words() -> None:
    assert answer_words(["D4"], ["C3"], ["S4"]) == "D4 not rejected"
    assert answer_words([], ["D4", "C4"], []) == "D4 undecided"
    assert answer_words([], [], ["D4"]) == EVERY_REJECTED
    assert answer_words([], [], []) == "nothing"
    assert answer_words([], [], ["S4"], ["D4", "C4"]) == "D4 by its distance"


def test_a_group_that_a_tolerance_accepts_is_not_contradicted_by_a_share() -> None:
    """No symmetry holds exactly, which is what a share asks; this must be said, and never that both say the same."""
    tested = answer_words([], [], ["S4", "D4"], ["D4", "C4"])
    assert likeliest_words(_likeliest("", none=0.9997, D4=0.0003), tested, []) == (
        "no symmetry, share above 0.999; tested: D4 by its distance "
        "(shares ask what holds exactly, and have no error rate)"
    )
