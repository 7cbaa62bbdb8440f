"""fig-si and fig-wi: every claim can fail, the reference arithmetic, and the structure of small grids."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sharefind.errors import ConfigError
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.paper import execution as run
from sharefind.paper import students
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.execution import reproduce
from sharefind.paper.figure_si import FigureSI
from sharefind.paper.figure_wi import FigureWI
from sharefind.paper.setting import KINDS, Kind, setting
from sharefind.paper.statements import find
from sharefind.paper.student_figures import Key, Measured, StudentFigure
from sharefind.paper.students import PAIRS, SCHEMES, Start, Student, Training, pair_name

SIZES = (5, 10, 50, 100, 500)
QUIET_SIZES = (5, 10, 50, 100)
PAIR_NAMES = [pair_name(*pair) for pair in PAIRS]

FIGURES: Mapping[Start, StudentFigure] = {"si": FigureSI(), "wi": FigureWI()}

SMALL: Mapping[Start, StudentFigure] = {
    "si": FigureSI(sizes=(5, 50, 100), training=Training(repetitions=3)),
    "wi": FigureWI(sizes=(5, 50, 100), training=Training(repetitions=3), noiseless_up_to=50),
}
"""Small grids."""

Values = Mapping[int, float]
Change = tuple[bool, Kind, str, Values]
"""With noise?, teacher, scheme or pair, and the means that change."""

FLAT: Values = {n: 0.09 for n in SIZES}
FALLING: Values = {5: 4.6e-2, 10: 1.7e-2, 50: 5.2e-4, 100: 4e-5, 500: 5e-6}
SLOW: Values = {5: 0.1, 10: 0.08, 50: 0.04, 100: 0.02, 500: 0.0035}
NOTHING: Values = {n: 1e-30 for n in SIZES}


def _good(start: Start) -> dict[Key, Values]:
    """Means that satisfy every claim."""
    means: dict[Key, Values] = {}
    for noisy in (True, False):
        for teacher in KINDS:
            is_free = teacher == "arbitrary"
            ea = FLAT if start == "wi" else {n: 1e-33 for n in SIZES}
            fa = SLOW if start == "wi" and noisy else NOTHING
            vanilla = FLAT if is_free else SLOW if start == "wi" and noisy else FALLING
            by_name = {"vanilla": vanilla, "da": SLOW, "fa": fa, "ea": ea}
            by_name |= {name: FLAT if is_free and "vanilla" in name else FALLING for name in PAIR_NAMES}
            means |= {(noisy, teacher, name, n): values for name, values in by_name.items() for n in values}
    return means


def _measured(start: Start, group: str | None, *changes: Change) -> Measured:
    """Three repetitions that are all at the mean."""
    good = _good(start)
    rmd2 = {key: np.full(3, values[key[3]]) for key, values in good.items()}
    for noisy, teacher, which, values in changes:
        rmd2 |= {(noisy, teacher, which, n): np.full(3, value) for n, value in values.items()}
    return Measured(start, setting(Request(group=group)), SIZES, QUIET_SIZES, rmd2, {})


def _failing(m: Measured) -> set[str]:
    return {check.name for check in FIGURES[m.start].checks(m) if not check.passed and "reference" not in check.name}


ALL_N = "RMD^2 at largest N over N = 5"
LARGE_N = "RMD^2 at largest N over N = 50"
LEAST = "arbitrary teacher, vanilla: least RMD^2 at N >= 50"

SI_BROKEN: dict[str, Change] = {
    LEAST: (True, "arbitrary", "vanilla", {100: 5e-4}),
    f"arbitrary teacher, vanilla: {LARGE_N}": (True, "arbitrary", "vanilla", {500: 0.04}),
    f"arbitrary teacher, DA: {LARGE_N}": (True, "arbitrary", "da", {500: 0.025}),
    "all teachers, FA: largest RMD^2": (True, "si", "fa", {100: 1e-9}),
    "all teachers, EA: largest RMD^2": (True, "arbitrary", "ea", {500: 1e-25}),
    f"WI teacher, vanilla: {ALL_N}": (True, "wi", "vanilla", {5: 1e-5}),
    f"WI teacher, vanilla against da: {ALL_N}": (True, "wi", "vanilla-da", {500: 0.02}),
    f"WI teacher, vanilla against fa: {ALL_N}": (True, "wi", "vanilla-fa", {500: 0.02}),
    f"SI teacher, vanilla: {ALL_N}": (True, "si", "vanilla", {500: 0.02}),
    f"SI teacher, vanilla against da: {ALL_N}": (True, "si", "vanilla-da", {5: 1e-5}),
    f"SI teacher, vanilla against fa: {ALL_N}": (True, "si", "vanilla-fa", {5: 1e-5}),
    "control: vanilla, arbitrary over WI teacher at largest N": (True, "wi", "vanilla", {5: 20.0, 500: 0.015}),
}

WI_BROKEN: dict[str, Change] = {
    LEAST: (True, "arbitrary", "vanilla", {100: 5e-4}),
    f"arbitrary teacher, vanilla: {LARGE_N}": (True, "arbitrary", "vanilla", {500: 0.04}),
    f"arbitrary teacher, DA: {LARGE_N}": (True, "arbitrary", "da", {500: 0.03}),
    f"arbitrary teacher, FA: {ALL_N}": (True, "arbitrary", "fa", {500: 0.06}),
    f"arbitrary teacher, DA against FA: {LARGE_N}": (True, "arbitrary", "da-fa", {500: 4e-4}),
    "without noise, all teachers, FA: largest RMD^2": (False, "wi", "fa", {50: 1e-9}),
    f"without noise, arbitrary teacher, DA: {ALL_N}": (False, "arbitrary", "da", {100: 0.09}),
    "WI teacher, vanilla: RMD^2 over that of FA at largest N": (True, "wi", "vanilla", {500: 0.05}),
    f"without noise, WI teacher, vanilla: {ALL_N}": (False, "wi", "vanilla", {100: 0.03}),
    f"WI teacher, vanilla against DA: {ALL_N}": (True, "wi", "vanilla-da", {5: 1e-5}),
    f"WI teacher, vanilla against FA: {ALL_N}": (True, "wi", "vanilla-fa", {5: 1e-5}),
    "SI teacher, vanilla: RMD^2 over that of FA at largest N": (True, "si", "vanilla", {500: 0.08}),
    f"without noise, SI teacher, vanilla: {ALL_N}": (False, "si", "vanilla", {100: 0.03}),
    f"SI teacher, vanilla against DA: {ALL_N}": (True, "si", "vanilla-da", {500: 0.02}),
    f"SI teacher, vanilla against FA: {ALL_N}": (True, "si", "vanilla-fa", {500: 0.02}),
    "control: vanilla-fa, arbitrary over WI teacher at largest N": (True, "arbitrary", "vanilla-fa", {500: 1e-5}),
}

BROKEN: list[tuple[Start, str, Change]] = [
    *(("si", name, change) for name, change in SI_BROKEN.items()),
    *(("wi", name, change) for name, change in WI_BROKEN.items()),
]


@pytest.mark.parametrize("group", [None, "C3"])
@pytest.mark.parametrize(("start", "broken"), [("si", SI_BROKEN), ("wi", WI_BROKEN)])
def test_all_claims_hold_for_what_the_paper_says(start: Start, broken: dict[str, Change], group: str | None) -> None:
    m = _measured(start, group)
    checks = FIGURES[start].checks(m)
    assert [check for check in checks if not check.passed] == []
    names = [check.name for check in checks if "reference" not in check.name]
    assert sorted(names) == sorted(broken)
    assert len(checks) - len(names) == (4 if start == "si" and group is None else 0)


@pytest.mark.parametrize("group", [None, "C3"])
@pytest.mark.parametrize(("start", "name", "change"), BROKEN, ids=[f"{s}: {name}" for s, name, _ in BROKEN])
def test_a_broken_claim_fails_and_no_other(start: Start, name: str, change: Change, group: str | None) -> None:
    assert _failing(_measured(start, group, change)) == {name}


@pytest.mark.parametrize(("start", "name", "change"), BROKEN, ids=[f"{s}: {name}" for s, name, _ in BROKEN])
def test_a_claim_about_what_is_no_number_fails(start: Start, name: str, change: Change) -> None:
    noisy, teacher, which, values = change
    assert name in _failing(_measured(start, None, (noisy, teacher, which, dict.fromkeys(values, math.nan))))


def test_the_paper_is_held_to_more_than_other_groups() -> None:
    leaves: Change = (True, "arbitrary", "vanilla", {n: 0.01 for n in SIZES})
    decades: Change = (True, "wi", "vanilla", {n: 0.05 / n for n in SIZES})
    name = f"WI teacher, vanilla: {ALL_N}"
    assert _failing(_measured("si", None, leaves)) == {LEAST}
    assert _failing(_measured("si", "C3", leaves)) == set()
    assert _failing(_measured("si", None, decades)) == {name}
    assert _failing(_measured("si", "C3", decades)) == set()


def test_ratios_of_vanishing_means() -> None:
    def ratio(first: float, last: float) -> float:
        return _measured("si", None, (True, "wi", "vanilla", {5: first, 500: last})).ratio("wi", "vanilla")

    assert ratio(0.0, 0.0) == 0
    assert ratio(0.0, 1e-3) == math.inf
    assert ratio(1e-3, 0.0) == 0
    assert math.isnan(ratio(math.nan, 1.0))
    assert not math.isfinite(ratio(0.0, math.nan))


def _factor(values: list[float], size: int = 100) -> float:
    """Of vanilla students of an SI teacher, the others left out."""
    m = _measured("si", None)
    key: Key = (True, "si", "vanilla", size)
    changed = replace(m, rmd2={**m.rmd2, key: np.array(values)}, sizes=(size,))
    return FigureSI().reference_checks(changed)[-1].value


REFERENCE = 7.5e-5
"""Of vanilla students of an SI teacher at N = 100."""


def test_factors_from_the_reference_are_symmetric() -> None:
    for factor in (1.0, 2.0, 5.0):
        for mean in (factor * REFERENCE, REFERENCE / factor):
            assert _factor([mean] * 4) == pytest.approx(factor)
    assert _factor([0.0] * 4) == math.inf
    assert _factor([math.nan, REFERENCE]) == math.inf


def test_a_mean_may_move_by_two_of_its_standard_errors() -> None:
    """Values m (1 +- s), half of each: the standard error of 4 is m s / sqrt(3)."""
    for spread in (0.1, 0.3):
        for factor in (3.0, 5.0):
            mean = factor * REFERENCE
            values = [mean * (1 + spread), mean * (1 - spread)] * 2
            assert _factor(values) == pytest.approx(factor * (1 - 2 * spread / 3**0.5))
    assert _factor([0.0, 4 * REFERENCE]) == 1
    assert _factor([4 * REFERENCE]) == pytest.approx(4)


def test_the_reference_check_is_about_the_farthest_size() -> None:
    wrong = {100: 9.4e-2 / 3.5}
    checks = FigureSI().reference_checks(_measured("si", None, (True, "arbitrary", "vanilla", wrong)))
    (check,) = [c for c in checks if c.name.startswith("arbitrary teacher, vanilla")]
    assert not check.passed
    assert check.value == pytest.approx(3.5)
    assert check.name.endswith("at N = 100")
    assert all(c.passed for c in checks if c is not check)


TRANSPORT_ROUNDING = 1e-14
"""Costs are |a|^2 + |b|^2 - 2 a.b in double precision, relative to the second moments."""


def _request(group: str | None = None) -> Request:
    """Short trainings."""
    return Request(group=group, horizon=0.5)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts trainings."""
    counts: Counter[str] = Counter()

    def counted(request: Request, student: Student) -> Cell:
        counts[student.start] += 1
        return train(request, student)

    train = students.train_student
    monkeypatch.setattr(students, "train_student", counted)
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("group", ["C2", "C3", "D4"])
@pytest.mark.parametrize("start", ["si", "wi"])
def test_rows_have_every_teacher_scheme_size_and_repetition(trained: Counter[str], start: Start, group: str) -> None:
    outcome = SMALL[start](Context(_request(group)))
    order, dim = {"C2": (2, 4), "C3": (3, 9), "D4": (8, 16)}[group]
    found = [(r["noise"], r["teacher"], r["scheme"], r["N"], r["repetition"]) for r in outcome.rows]
    schemes = [scheme.value for scheme in SCHEMES]
    expected = {
        ("yes", t, s, n, r) for t in KINDS for s in [*schemes, *PAIR_NAMES] for n in (5, 50, 100) for r in range(3)
    }
    if start == "wi":
        expected |= {("no", t, s, n, r) for t in KINDS for s in schemes for n in (5, 50) for r in range(3)}
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert trained == {start: 3 * 4 * (5 if start == "wi" else 3)}
    for row in outcome.rows:
        whole = order * -(-int(row["N"]) // order)
        assert row["particles"] == (row["N"] if start == "si" else whole)
        assert 0 <= float(row["rmd2"]) <= 1
        assert (row["risk"] == "") == (row["scheme"] in PAIR_NAMES)
        assert row["risk"] == "" or 0 < float(row["risk"]) < dim
    assert {panel.title for panel in outcome.panels} == {"arbitrary teacher", "WI teacher", "SI teacher"}
    assert len(outcome.panels) == (6 if start == "si" else 9)
    is_paper = start == "si" and group == "C2"
    assert any("reference" in s.label for panel in outcome.panels for s in panel.series) == is_paper


@pytest.mark.parametrize("start", ["si", "wi"])
def test_what_needs_no_long_training_is_already_seen(start: Start) -> None:
    rows = SMALL[start](Context(_request())).rows

    def largest(noise: str, scheme: str) -> float:
        return max(float(r["rmd2"]) for r in rows if (r["noise"], r["scheme"]) == (noise, scheme))

    if start == "si":
        assert largest("yes", "fa") < 1e-25
        assert largest("yes", "ea") < 1e-28
        assert largest("yes", "vanilla") > 1e-3
        assert largest("yes", "fa-ea") < TRANSPORT_ROUNDING
    else:
        assert largest("no", "fa") < TRANSPORT_ROUNDING
        assert largest("yes", "fa") > 1e-12
        assert largest("no", "vanilla") > 1e-3


def test_lines_are_means_with_standard_errors() -> None:
    outcome = SMALL["si"](Context(_request()))
    (panel,) = [p for p in outcome.panels if p.title == "arbitrary teacher" and p.series[0].label == "vanilla"]
    line = panel.series[0]
    assert line.x == (5.0, 50.0, 100.0)
    for k, n in enumerate((5, 50, 100)):
        values = [
            float(r["rmd2"]) for r in outcome.rows if (r["teacher"], r["scheme"], r["N"]) == ("arbitrary", "vanilla", n)
        ]
        mean = sum(values) / 3
        error = (sum((v - mean) ** 2 for v in values) / 2 / 3) ** 0.5
        assert (line.low[k], line.y[k], line.high[k]) == pytest.approx((max(0, mean - error), mean, mean + error))


@pytest.mark.parametrize("start", ["si", "wi"])
def test_a_figure_goes_on_from_its_cells(
    trained: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setattr(run, "draw", lambda outcome, title: b"png")
    small, request = replace(find(f"fig-{start}"), experiment=SMALL[start]), _request("C3")
    first = reproduce(small, request, tmp_path)
    numbers = (first.folder / "numbers.csv").read_bytes()
    count = trained.total()
    for path in sorted((first.folder / "cells").iterdir())[::3]:
        path.unlink()
    second = reproduce(small, request, tmp_path)
    assert 0 < trained.total() - count < count
    assert (second.folder / "numbers.csv").read_bytes() == numbers
    assert second.result["checks"] == first.result["checks"]
    assert second.result["verdict"] == first.result["verdict"] == ("holds" if second.outcome.holds else "fails")


def test_a_group_too_large_for_transports_is_refused() -> None:
    with pytest.raises(ConfigError, match="720 elements is too large"):
        FigureWI()(Context(Request(group="S6")))


@pytest.mark.slow
def test_the_papers_setting_agrees_with_the_reference_values() -> None:
    """Means of an independent implementation: 10 repetitions of N <= 100 as in the paper."""
    outcome = FigureSI(sizes=(5, 10, 50, 100))(Context(Request()))
    checks = {check.name: check for check in outcome.checks}
    references = [check for name, check in checks.items() if "reference" in name]
    assert len(references) == 4
    assert [check for check in references if not check.passed] == []
    assert checks[LEAST].passed
    assert checks[f"all teachers, {Scheme.FA.name}: largest RMD^2"].passed
    assert checks[f"all teachers, {Scheme.EA.name}: largest RMD^2"].passed
    assert checks["control: vanilla, arbitrary over WI teacher at largest N"].passed
