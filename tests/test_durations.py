"""Estimates of time: arithmetic on sizes and rates, and the words that say it."""

from dataclasses import replace

import pytest

from sharefind.durations import Estimate, Part, Rates, estimate_from_sizes, rounded_seconds, seconds_range
from sharefind.search_sizes import usual_sizes

SIZES = usual_sizes(1000, 8, 8, 16, 18)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.01, "1 s"), (3.4, "3 s"), (17, "15 s"), (44, "45 s"), (89, "90 s"), (100, "2 min"), (950, "15 min"),
     (5500, "2 h"), (200_000, "2 days")],
)  # fmt: skip
def test_rounded_seconds(seconds: float, words: str) -> None:
    assert rounded_seconds(seconds) == words


def test_ends_that_are_alike_are_one() -> None:
    assert seconds_range(19.0, 21.0) == "20 s"
    assert seconds_range(10.0, 40.0) == "10 s to 40 s"


@pytest.mark.parametrize(
    ("field", "part"),
    [("rows", "tests"), ("d_in", "tests"), ("subgroups", "tests"), ("copies", "tests"), ("trained", "trainings"),
     ("dim", "trainings"), ("steps", "trainings"), ("batch", "trainings"), ("particles", "trainings"),
     ("replicates", "trainings"), ("rows", "diagnosis")],
)  # fmt: skip
def test_more_of_anything_takes_longer(field: str, part: str) -> None:
    more = replace(SIZES, **{field: 3 * getattr(SIZES, field)})
    before, after = (estimate_from_sizes(sizes).part(part) for sizes in (SIZES, more))
    assert before.high < after.high <= 3.001 * before.high


def test_a_candidate_that_holds_takes_one_test_and_two_trainings() -> None:
    found = estimate_from_sizes(SIZES, holds=True)
    assert found.part("tests").fewest == 1
    assert found.part("trainings").fewest == 2
    assert found.high < estimate_from_sizes(SIZES, holds=False).low
    unknown = estimate_from_sizes(SIZES)
    assert (unknown.low, unknown.high) == (found.low, estimate_from_sizes(SIZES, holds=False).high)


def test_workers_share_what_can_be_shared() -> None:
    one, four = (estimate_from_sizes(SIZES, holds=False, jobs=jobs) for jobs in (1, 4))
    assert four.part("tests").high < one.part("tests").high / 3
    # The free model is fitted first, by one; then four groups are looked at.
    assert four.part("diagnosis").high == pytest.approx(one.part("diagnosis").high * 2 / 5)


def test_a_slower_machine_takes_longer_and_measured_rates_replace_the_formula() -> None:
    usual, slow = (estimate_from_sizes(SIZES, Rates(speed=speed, start=0.0)) for speed in (1.0, 3.0))
    assert slow.high == pytest.approx(3 * usual.high)
    measured = Rates(bind=1.0, copy=0.1, step=0.0)
    assert measured.of_test(SIZES, 10) == pytest.approx(1.0 + 0.1 * (10 + SIZES.reference))
    assert measured.of_training(SIZES, 40) == 0.0


def test_what_will_not_be_finished_is_named() -> None:
    parts = (Part("tests", 5, 5), Part("trainings", 10, 10), Part("diagnosis", 0, 0), Part("yardstick", 1, 1))
    found = Estimate(parts, True)
    assert found.unfinished(4.0) == ("tests", "trainings", "yardstick")
    assert found.unfinished(6.0) == ("trainings", "yardstick")
    assert found.unfinished(20.0) == ()


@pytest.mark.parametrize(
    ("holds", "words"),
    [(None, "1 to 18 exact tests, then 2 to 4 trained spaces"), (True, ": 1 exact test, then 2 trained spaces"),
     (False, ": up to 18 exact tests, then 2 to 4 trained spaces")],
)  # fmt: skip
def test_the_line_says_how_much_there_is_to_do(holds: bool | None, words: str) -> None:
    line = str(estimate_from_sizes(SIZES, holds=holds))
    assert line.startswith("about ")
    assert line.endswith(words)


def test_nothing_to_test_is_no_part_of_the_line() -> None:
    assert "test" not in str(estimate_from_sizes(replace(SIZES, subgroups=0, has_gate=False)))


# Seconds of one core that tests of relations took: n, labels a row, labels tied, order, rejected.
RELATIONS = [
    ((100, 1, 1, 2, False), 0.2),
    ((600, 1, 1, 2, True), 0.85),
    ((100, 4, 4, 24, False), 1.0),
    ((400, 3, 1, 24, False), 2.2),
    ((500, 10, 1, 8, False), 4.2),
    ((400, 4, 4, 24, True), 0.75),
    ((2000, 1, 1, 24, True), 2.3),
    ((6000, 1, 1, 2, True), 1.3),
    ((5000, 10, 1, 8, False), 5.5),
    ((5000, 3, 3, 3, False), 3.2),
    ((20_000, 1, 1, 2, False), 5.0),
]


@pytest.mark.parametrize(("case", "seconds"), RELATIONS)
def test_a_test_of_a_relation_takes_what_was_measured(case: tuple[int, int, int, int, bool], seconds: float) -> None:
    rows, d_out, moved, order, rejects = case
    sizes = replace(SIZES, rows=rows, d_out=d_out, moved=moved, order=order, copies=199, decided_by="relation")
    assert seconds / 2 < Rates().of_relation(sizes, rejects=rejects) < 2 * seconds


def test_relations_are_tested_with_a_search_for_the_break_where_the_candidate_holds() -> None:
    sizes = replace(SIZES, decided_by="relation", subgroups=10)
    part, rates = estimate_from_sizes(sizes).part("tests of the relation"), Rates()
    assert part.low == pytest.approx(rates.of_relation(sizes, rejects=False)) and part.fewest == 1
    assert part.high == pytest.approx(10 * rates.of_relation(sizes, rejects=True)) and part.most == 10


# Seconds of one core that the score of vectors took, made ready and for each copy: n, labels a row.
SCORES = [((200, 1), 0.048, 0.001), ((2000, 1), 0.217, 0.007), ((2000, 15), 0.224, 0.0108), ((1000, 3), 0.129, 0.0037)]


@pytest.mark.parametrize(("case", "bind", "copy"), SCORES)
def test_the_score_of_vectors_takes_what_was_measured(case: tuple[int, int], bind: float, copy: float) -> None:
    sizes = replace(SIZES, rows=case[0], d_out=case[1], statistic="vector-score", d_in=15, order=64)
    assert bind / 2 < Rates().bind_by_formula(sizes) < 2 * bind
    assert copy / 2 < Rates().copy_by_formula(sizes) < 2 * copy
