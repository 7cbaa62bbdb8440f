"""fig-wi and fig-si, the paper's two figures: students that start weakly or strongly invariant, and what keeps them so.

Maass & Fontbona 2024, "Numerical Experiments" and Appendix F. Trainings are in `students`; here are the grids, the
claims and the panels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.paper.context import Cell, Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series
from sharefind.paper.grid import compute_cells
from sharefind.paper.setting import KINDS, TEACHER_NAMES, Kind, Setting, setting
from sharefind.paper.students import (
    PAIRS,
    REPETITIONS,
    SCHEMES,
    Start,
    Student,
    blocks_for,
    fitting_sizes,
    pair_name,
    pair_piece,
    particles_for,
    student_piece,
)

SIZES, QUICK_SIZES = (5, 10, 50, 100, 500, 1000, 5000), (5, 10, 50, 100, 500)
"""N: the paper's, and those of a quick run."""

QUICK_REPETITIONS, FEW_ABOVE = 4, 100
"""Repetitions of a quick run at N above `FEW_ABOVE`, where they take long and scatter little; `REPETITIONS` below."""

NOISELESS_UP_TO, QUICK_NOISELESS_UP_TO = 1000, 100
"""Largest N of the trainings without noise, which show in fig-wi what the noise hides."""

LARGE = 50
"""N from which on the claims about large N are read."""

REFERENCE: Mapping[tuple[Kind, Scheme], Mapping[int, float]] = {
    ("arbitrary", Scheme.VANILLA): {100: 9.4e-2, 500: 9.3e-2},
    ("arbitrary", Scheme.DA): {100: 1.9e-2, 500: 3.2e-3},
    ("wi", Scheme.VANILLA): {5: 4.6e-2, 10: 1.7e-2, 50: 5.2e-4, 100: 2.7e-5, 500: 3.9e-6},
    ("si", Scheme.VANILLA): {100: 7.5e-5, 500: 1.2e-5},
}
"""RMD^2 to P_{E^G} in the paper's setting, means of 10 seeds by an independent implementation (fig-si only)."""

WITHIN, STANDARD_ERRORS = 3.0, 2.0
"""Largest factor between a mean and its reference value, where a mean may move by this many of its standard errors:
at N = 5 and 50 the means of 10 repetitions scatter by a factor of 2 themselves."""

ESCAPE = 3e-2
"""Least RMD^2 of vanilla students of an arbitrary teacher at large N in the paper's setting: a third of 1e-1."""

ESCAPE_ELSEWHERE = 1e-3
"""The same for other groups, whose teachers are drawn: some are closer to symmetric than the paper's."""

KEEPS = 0.5
"""What does not fall with N keeps at least this share of its value at N = 50, and what falls keeps at most this."""

FALL = 1e3
"""By which factor vanilla students of an equivariant law approach invariance from N = 5 to the largest N: the three
decades of the paper's setting."""

FALL_ELSEWHERE = 10.0
"""The same for other groups, whose fluctuations at N = 5 are smaller to begin with."""

CONTRAST = 10.0
"""Least ratio between an arbitrary and an equivariant law, vanilla, at the largest N: it is the law that matters."""

EXACT = {Scheme.FA: 1e-12, Scheme.EA: 1e-28}
"""Largest RMD^2 to P_{E^G} that is rounding. EA projects every gradient: the square of 1e-16, with room. FA does not,
and where E^G repels, training amplifies the rounding: 2e-20 was seen at N = 10, and 2e-13 by the implementation behind
`REFERENCE`."""

WI_EXACT = 1e-12
"""Largest RMD^2 to nu^G of FA without noise that is rounding: an amplified 1e-32, and the rounding of the transport."""

FLOOR = 1.5
"""Largest ratio between vanilla and FA in the distance to nu^G, equivariant law, largest N: FA keeps weak invariance
exactly but for the noise, so its distance is what the noise alone does to N particles."""

Key = tuple[bool, Kind, str, int]
"""With noise?, teacher, scheme or pair, N."""


@dataclass(frozen=True)
class Measured:
    """What a figure is drawn from.

    Attributes:
        rmd2: by key, one value a repetition: a scheme's distance to invariance, or that between two schemes' clouds.
        risk: the same keys for schemes, mean loss late in training. sizes: N. quiet_sizes: N without noise.
    """

    start: Start
    place: Setting
    sizes: tuple[int, ...]
    quiet_sizes: tuple[int, ...]
    rmd2: Mapping[Key, NDArray[np.float64]]
    risk: Mapping[Key, NDArray[np.float64]]

    def mean(self, teacher: Kind, which: str, size: int, noisy: bool = True) -> float:
        """Arithmetic mean over repetitions."""
        return float(self.rmd2[noisy, teacher, which, size].mean())

    def means(self, teacher: Kind, which: str, least: int = 0, noisy: bool = True) -> list[float]:
        """The means at all N from `least` on."""
        sizes = self.sizes if noisy else self.quiet_sizes
        return [self.mean(teacher, which, n, noisy) for n in sizes if n >= least]

    def ratio(self, teacher: Kind, which: str, least: int = 0, noisy: bool = True) -> float:
        """The mean at the largest N over that at the first N from `least` on; 0 where both vanish, nan for nan."""
        means = self.means(teacher, which, least, noisy)
        if means[0] == 0:
            return 0.0 if means[-1] == 0 else math.inf
        return means[-1] / means[0]


def fig_si(context: Context) -> Outcome:
    """SI students by RMD^2 to P_{E^G}: vanilla training leaves E^G for an arbitrary teacher and not for a WI one."""
    measured = measure(context, "si")
    what = "RMD^2 to P_{E^G}"
    panels = (*_panels(measured, what, SCHEME_NAMES, True), *_panels(measured, "RMD^2 between schemes", PAIR_NAMES))
    notes = ("starts, samples and noise are common to the four schemes; bars are standard errors of the mean",)
    return Outcome(_rows(measured, what), tuple(si_checks(measured)), panels, _si_figure(measured), notes)


def fig_wi(context: Context) -> Outcome:
    """WI students by RMD^2 to nu^G: DA and FA stay WI and approach each other, vanilla does if the teacher is WI."""
    measured = measure(context, "wi")
    what = "RMD^2 to nu^G"
    quiet = _panels(measured, f"{what}, no noise", SCHEME_NAMES, noisy=False)
    noisy = _panels(measured, what, SCHEME_NAMES)
    panels = (*noisy, *quiet, *_panels(measured, "RMD^2 between schemes", PAIR_NAMES))
    notes = (
        "a cloud has |G| ceil(N/|G|) particles: whole orbits",
        "independent noise moves a particle and its image apart, so the distance of N particles to their symmetrised "
        "measure has a floor that falls only like N^(-2/D); FA, weakly invariant but for the noise, shows it",
        *(
            f"N = {n} left out: its transport does not fit in memory"
            for n in _asked(context)
            if n not in measured.sizes
        ),
    )
    return Outcome(_rows(measured, what), tuple(wi_checks(measured)), panels, _wi_figure(measured), notes)


SCHEME_NAMES = tuple(scheme.value for scheme in SCHEMES)
PAIR_NAMES = tuple(pair_name(*pair) for pair in PAIRS)


def _asked(context: Context) -> tuple[int, ...]:
    sizes, largest = QUICK_SIZES if context.request.quick else SIZES, context.request.largest
    return tuple(n for n in sizes if largest is None or n <= largest)


def repetitions_at(size: int, quick: bool) -> int:
    """How many repetitions there are at an N."""
    return QUICK_REPETITIONS if quick and size > FEW_ABOVE else REPETITIONS


def measure(context: Context, start: Start) -> Measured:
    """Train the grid, then compare the schemes; both by cells that are kept."""
    place, quick = setting(context.request), context.request.quick
    sizes = fitting_sizes(start, _asked(context), place.group.order)
    last = QUICK_NOISELESS_UP_TO if quick else NOISELESS_UP_TO
    quiet_sizes = tuple(n for n in sizes if n <= last) if start == "wi" else ()
    students = [
        Student(start, teacher, scheme, size, block, noisy)
        for size in sizes
        for noisy in ((True, False) if size in quiet_sizes else (True,))
        for teacher in KINDS
        for scheme in SCHEMES
        for block in range(blocks_for(size, repetitions_at(size, quick)))
    ]
    name = f"fig-{start}"
    trained = compute_cells(context, f"{name}: training", [student_piece(context, place, s) for s in students])
    cells = dict(zip(students, trained, strict=True))
    groups = [s for s in students if s.scheme is SCHEMES[0] and s.noisy]
    pieces = [pair_piece(context, place, s, _clouds(cells, s)) for s in groups]
    compared = compute_cells(context, f"{name}: comparing", pieces)
    rmd2 = {**_by_key(cells, "rmd2", quick), **_pairs_by_key(dict(zip(groups, compared, strict=True)), quick)}
    return Measured(start, place, sizes, quiet_sizes, rmd2, _by_key(cells, "risk", quick))


def _clouds(cells: Mapping[Student, Cell], one: Student) -> dict[Scheme, NDArray[np.float64]]:
    """The final clouds of the four schemes for one block."""
    return {
        scheme: cells[Student(one.start, one.teacher, scheme, one.size, one.block)].arrays["final"]
        for scheme in SCHEMES
    }


def _by_key(cells: Mapping[Student, Cell], name: str, quick: bool) -> dict[Key, NDArray[np.float64]]:
    collected: dict[Key, list[float]] = {}
    for s, cell in cells.items():
        collected.setdefault((s.noisy, s.teacher, s.scheme.value, s.size), []).extend(cell.numbers[name])
    return _cut(collected, quick)


def _pairs_by_key(cells: Mapping[Student, Cell], quick: bool) -> dict[Key, NDArray[np.float64]]:
    collected: dict[Key, list[float]] = {}
    for s, cell in cells.items():
        for name in PAIR_NAMES:
            collected.setdefault((True, s.teacher, name, s.size), []).extend(cell.numbers[name])
    return _cut(collected, quick)


def _cut(collected: Mapping[Key, list[float]], quick: bool) -> dict[Key, NDArray[np.float64]]:
    """A last block may hold more repetitions than were asked for."""
    return {key: np.array(values[: repetitions_at(key[3], quick)]) for key, values in collected.items()}


def si_checks(m: Measured) -> list[Check]:
    """The claims about SI-started students."""
    paper = m.place.is_paper
    checks = [
        Check("arbitrary teacher, vanilla: least RMD^2 at N >= 50", _least(m), ">=",
              ESCAPE if paper else ESCAPE_ELSEWHERE),
        Check("arbitrary teacher, vanilla: RMD^2 at largest N over N = 50", m.ratio("arbitrary", "vanilla", LARGE),
              ">=", KEEPS),
        Check("arbitrary teacher, DA: RMD^2 at largest N over N = 50", m.ratio("arbitrary", "da", LARGE), "<=", KEEPS),
        *(Check(f"all teachers, {scheme.name}: largest RMD^2", _largest(m, scheme), "<=", bound)
          for scheme, bound in EXACT.items()),
    ]  # fmt: skip
    fall = 1 / FALL if paper else 1 / FALL_ELSEWHERE
    for teacher in ("wi", "si"):
        name = f"{teacher.upper()} teacher, vanilla"
        checks.append(Check(f"{name}: RMD^2 at largest N over N = 5", m.ratio(teacher, "vanilla"), "<=", fall))
        checks += [
            Check(f"{name} against {other}: RMD^2 at largest N over N = 5", m.ratio(teacher, f"vanilla-{other}"), "<=",
                  fall)
            for other in ("da", "fa")
        ]  # fmt: skip
    checks.append(_contrast(m))
    return checks + (reference_checks(m) if paper else [])


def _contrast(m: Measured) -> Check:
    """Control: the same students, started alike, differ by the law alone."""
    which = "vanilla" if m.start == "si" else "vanilla-fa"
    ratio = m.means("arbitrary", which)[-1] / max(m.means("wi", which)[-1], np.finfo(float).tiny)
    return Check(f"control: {which}, arbitrary over WI teacher at largest N", ratio, ">=", CONTRAST)


def _least(m: Measured) -> float:
    """Of vanilla students of an arbitrary teacher at large N; like the maxima below it is nan where a mean is."""
    return float(np.min(m.means("arbitrary", "vanilla", LARGE)))


def _largest(m: Measured, scheme: Scheme) -> float:
    return float(np.max([m.means(teacher, scheme.value) for teacher in KINDS]))


def reference_checks(m: Measured) -> list[Check]:
    """For each row of `REFERENCE` the N at which the mean is farthest from it."""
    checks = []
    for (teacher, scheme), values in REFERENCE.items():
        factors = {n: _factor(m.rmd2[True, teacher, scheme.value, n], v) for n, v in values.items() if n in m.sizes}
        worst = max(factors, key=lambda n: factors[n])
        name = f"{teacher} teacher, {scheme.value}: largest factor from the reference values, at N = {worst}"
        checks.append(Check(name, factors[worst], "<=", WITHIN))
    return checks


def _factor(values: NDArray[np.float64], reference: float) -> float:
    """Factor, at least 1, between the reference and the nearest point of mean +- 2 standard errors."""
    mean, spread = float(values.mean()), STANDARD_ERRORS * standard_error(values)
    if not math.isfinite(mean):
        return math.inf
    nearest = min(max(reference, mean - spread), mean + spread)
    return max(nearest / reference, reference / nearest) if nearest > 0 else math.inf


def wi_checks(m: Measured) -> list[Check]:
    """The claims about WI-started students."""
    paper = m.place.is_paper
    fall = 1 / FALL if paper else 1 / FALL_ELSEWHERE
    small, floor = "RMD^2 at largest N over N = 50", "RMD^2 over that of FA"
    checks = [
        Check("arbitrary teacher, vanilla: least RMD^2 at N >= 50", _least(m), ">=",
              ESCAPE if paper else ESCAPE_ELSEWHERE),
        Check(f"arbitrary teacher, vanilla: {small}", m.ratio("arbitrary", "vanilla", LARGE), ">=", KEEPS),
        Check(f"arbitrary teacher, DA: {small}", m.ratio("arbitrary", "da", LARGE), "<=", KEEPS),
        Check("arbitrary teacher, FA: RMD^2 at largest N over N = 5", m.ratio("arbitrary", "fa"), "<=", KEEPS),
        Check(f"arbitrary teacher, DA against FA: {small}", m.ratio("arbitrary", "da-fa", LARGE), "<=", KEEPS),
        Check("without noise, all teachers, FA: largest RMD^2", _largest_quiet(m), "<=", WI_EXACT),
        Check("without noise, arbitrary teacher, DA: RMD^2 at largest N over N = 5",
              m.ratio("arbitrary", "da", noisy=False), "<=", KEEPS),
    ]  # fmt: skip
    for teacher in ("wi", "si"):
        name = f"{teacher.upper()} teacher, vanilla"
        over = _over_floor(m, teacher)
        checks += [
            Check(f"{name}: {floor} at largest N", over, "<=", FLOOR),
            Check(f"without noise, {name}: RMD^2 at largest N over N = 5", m.ratio(teacher, "vanilla", noisy=False),
                  "<=", 1 / FALL_ELSEWHERE),
            *(Check(f"{name} against {other.upper()}: RMD^2 at largest N over N = 5",
                    m.ratio(teacher, f"vanilla-{other}"), "<=", fall) for other in ("da", "fa")),
        ]  # fmt: skip
    checks.append(_contrast(m))
    return checks


def _over_floor(m: Measured, teacher: Kind) -> float:
    vanilla, fa = (m.means(teacher, which)[-1] for which in ("vanilla", "fa"))
    return vanilla / fa if fa > 0 else math.nan


def _largest_quiet(m: Measured) -> float:
    return float(np.max([m.means(teacher, "fa", noisy=False) for teacher in KINDS]))


def standard_error(values: NDArray[np.float64]) -> float:
    """Of the mean over repetitions; 0 for a single one."""
    return float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0


def _rows(m: Measured, what: str) -> tuple[Row, ...]:
    order = m.place.group.order
    return tuple(
        {
            "quantity": what if which in SCHEME_NAMES else "RMD^2 between schemes", "noise": "yes" if noisy else "no",
            "teacher": teacher, "scheme": which, "N": n, "particles": particles_for(m.start, n, order),
            "repetition": r, "rmd2": float(value), "risk": _risk(m, (noisy, teacher, which, n), r),
        }
        for (noisy, teacher, which, n), values in m.rmd2.items()
        for r, value in enumerate(values)
    )  # fmt: skip


def _risk(m: Measured, key: Key, repetition: int) -> float | str:
    return float(m.risk[key][repetition]) if key in m.risk else ""


def _panels(
    m: Measured, what: str, names: Iterable[str], with_reference: bool = False, noisy: bool = True
) -> tuple[Panel, ...]:
    """One panel a teacher, a line for each scheme or pair."""
    panels = []
    for teacher in KINDS:
        series = [_series(m, teacher, name, noisy) for name in names]
        if with_reference and m.place.is_paper:
            series += [
                Series(f"{scheme.value}, reference", tuple(map(float, values)), tuple(values.values()))
                for (kind, scheme), values in REFERENCE.items()
                if kind == teacher
            ]
        title = f"{TEACHER_NAMES[teacher]} teacher"
        panels.append(Panel(title, "N", what, tuple(series), "log", "log"))
    return tuple(panels)


def _series(m: Measured, teacher: Kind, name: str, noisy: bool) -> Series:
    sizes: Sequence[int] = m.sizes if noisy else m.quiet_sizes
    means = [m.mean(teacher, name, n, noisy) for n in sizes]
    errors = [standard_error(m.rmd2[noisy, teacher, name, n]) for n in sizes]
    low = tuple(max(0.0, mean - e) for mean, e in zip(means, errors, strict=True))
    high = tuple(mean + e for mean, e in zip(means, errors, strict=True))
    return Series(name, tuple(map(float, sizes)), tuple(means), low, high)


def _si_figure(m: Measured) -> str:
    last = m.sizes[-1]
    at = {name: m.mean("arbitrary", name, last) for name in SCHEME_NAMES}
    first, end = m.mean("wi", "vanilla", m.sizes[0]), m.mean("wi", "vanilla", last)
    return (
        f"RMD^2 at N = {last}, arbitrary teacher: vanilla {at['vanilla']:.1e}, DA {at['da']:.1e}, FA {at['fa']:.0e}; "
        f"WI teacher, vanilla: {first:.1e} at N = {m.sizes[0]} to {end:.1e}"
    )


def _wi_figure(m: Measured) -> str:
    last = m.sizes[-1]
    at = {name: m.mean("arbitrary", name, last) for name in (*SCHEME_NAMES, "da-fa")}
    first, end = (m.mean("wi", "vanilla-fa", n) for n in (m.sizes[0], last))
    return (
        f"RMD^2 at N = {last}, arbitrary teacher: vanilla {at['vanilla']:.1e}, DA {at['da']:.1e}, FA {at['fa']:.1e}, "
        f"DA against FA {at['da-fa']:.1e}; WI teacher, vanilla against FA: {first:.1e} at N = {m.sizes[0]} to {end:.1e}"
    )
