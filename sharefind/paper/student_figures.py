"""The common parts of the paper's two figures: students on a grid, their measurements, claims and panels.

Maass & Fontbona 2024, "Numerical Experiments" and Appendix F. `students` has the trainings.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sharefind import meanfield as mf
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series, at_least, at_most
from sharefind.paper.grid import compute_cells
from sharefind.paper.setting import KINDS, TEACHER_NAMES, Kind, Setting, setting
from sharefind.paper.students import (
    PAIRS,
    SCHEMES,
    Start,
    Student,
    Training,
    fitting_sizes,
    pair_name,
    pair_piece,
    particles_for,
    student_piece,
)

SCHEME_NAMES = tuple(scheme.value for scheme in SCHEMES)
PAIR_NAMES = tuple(pair_name(*pair) for pair in PAIRS)
BETWEEN = "RMD^2 between schemes"

Key = tuple[bool, Kind, str, int]
"""Whether there is noise, the teacher, the scheme or pair, and N."""

Reference = Mapping[tuple[Kind, mf.Scheme], Mapping[int, float]]
"""Known values of a figure, by teacher and scheme, then by N."""


@dataclass(frozen=True)
class Measured:
    """The measurements of a figure.

    Attributes:
        start: Kind of start of the students.
        place: Their setting.
        sizes: All N.
        quiet_sizes: All N without noise.
        rmd2: By key, shape (repetitions,): the distance of a scheme to invariance, or between the clouds of two
            schemes.
        risk: By key of a scheme, shape (repetitions,): mean loss late in training.
    """

    start: Start
    place: Setting
    sizes: tuple[int, ...]
    quiet_sizes: tuple[int, ...]
    rmd2: Mapping[Key, NDArray[np.float64]]
    risk: Mapping[Key, NDArray[np.float64]]

    def mean(self, teacher: Kind, which: str, size: int, noisy: bool = True) -> float:
        """Return the arithmetic mean over repetitions.

        Args:
            teacher: Kind of the teacher.
            which: Scheme or pair.
            size: N.
            noisy: Whether the training has noise.
        """
        return float(self.rmd2[noisy, teacher, which, size].mean())

    def means(self, teacher: Kind, which: str, least: int = 0, noisy: bool = True) -> list[float]:
        """Return the means at all N from a smallest one on.

        Args:
            teacher: Kind of the teacher.
            which: Scheme or pair.
            least: Smallest N.
            noisy: Whether the training has noise.
        """
        sizes = self.sizes if noisy else self.quiet_sizes
        return [self.mean(teacher, which, n, noisy) for n in sizes if n >= least]

    def ratio(self, teacher: Kind, which: str, least: int = 0, noisy: bool = True) -> float:
        """Return the mean at the largest N over the mean at the first N from `least` on; 0 if both vanish, NaN for NaN.

        Args:
            teacher: Kind of the teacher.
            which: Scheme or pair.
            least: Smallest N.
            noisy: Whether the training has noise.
        """
        means = self.means(teacher, which, least, noisy)
        if means[0] == 0:
            return 0.0 if means[-1] == 0 else math.inf
        return means[-1] / means[0]

    def largest(self, which: str, noisy: bool = True) -> float:
        """Return the largest mean over all teachers and N; NaN if one is NaN.

        Args:
            which: Scheme or pair.
            noisy: Whether the training has noise.
        """
        return float(np.max([self.means(teacher, which, noisy=noisy) for teacher in KINDS]))

    def panels(
        self, what: str, names: Iterable[str], noisy: bool = True, reference: Reference | None = None
    ) -> list[Panel]:
        """Return one panel per teacher, with a line for each scheme or pair, and stars for known values.

        Args:
            what: Label of the y axis.
            names: The schemes or pairs.
            noisy: Whether the training has noise.
            reference: Known values.
        """
        sizes, names, panels = self.sizes if noisy else self.quiet_sizes, tuple(names), []
        for kind in KINDS:
            repeated = {name: {n: self.rmd2[noisy, kind, name, n] for n in sizes} for name in names}
            series = [Series.of_repetitions(name, values) for name, values in repeated.items()]
            known = {scheme: values for (one, scheme), values in (reference or {}).items() if one == kind}
            for scheme, values in known.items():
                series.append(Series(f"{scheme.value}, reference", tuple(map(float, values)), tuple(values.values())))
            panels.append(Panel(f"{TEACHER_NAMES[kind]} teacher", "N", what, series, "log", "log"))
        return panels

    def rows(self, what: str) -> list[Row]:
        """Return every value with its key.

        Args:
            what: Name of the distance to invariance.
        """
        return [
            {
                "quantity": what if which in SCHEME_NAMES else BETWEEN, "noise": "yes" if noisy else "no",
                "teacher": teacher, "scheme": which, "N": n,
                "particles": particles_for(self.start, n, self.place.group.order), "repetition": r,
                "rmd2": float(value), "risk": float(self.risk[key][r]) if key in self.risk else "",
            }
            for key, values in self.rmd2.items()
            for (noisy, teacher, which, n) in (key,)
            for r, value in enumerate(values)
        ]  # fmt: skip


@dataclass(frozen=True)
class StudentFigure(ABC):
    """A figure of students by their distance to invariance.

    Attributes:
        sizes: All N; the paper's by default.
        training: How each student is trained.
        few_above: N above which fewer repetitions are enough, since trainings take long and scatter little.
        few: Number of repetitions above this N; None for the same number.
        large: N from which on the claims about large N apply.
        escape: Smallest RMD^2 of vanilla students of an arbitrary teacher at large N in the paper's setting: a third of
            1e-1.
        escape_elsewhere: The same for other groups; some of their drawn teachers are closer to symmetric.
        keeps: A quantity that does not fall with N keeps at least this share of its value at N = 50; one that falls
            keeps at most this share.
        fall: Factor by which vanilla students of an equivariant law approach invariance from N = 5 to the largest N:
            three decades in the paper's setting.
        fall_elsewhere: The same for other groups, whose fluctuations at N = 5 are smaller.
        contrast: Smallest ratio between an arbitrary and an equivariant law for vanilla at the largest N; it shows that
            the law makes the difference.
        start: Kind of start of the students.
        what: Name of the measured distance.
        contrasted: Scheme or pair that the control compares between laws.
        notes: Remarks on the measurement.
    """

    sizes: tuple[int, ...] = (5, 10, 50, 100, 500, 1000, 5000)
    training: Training = field(default_factory=Training)
    few_above: int = 100
    few: int | None = None
    large: int = 50
    escape: float = 3e-2
    escape_elsewhere: float = 1e-3
    keeps: float = 0.5
    fall: float = 1e3
    fall_elsewhere: float = 10.0
    contrast: float = 10.0

    start: ClassVar[Start]
    what: ClassVar[str]
    contrasted: ClassVar[str]
    notes: ClassVar[tuple[str, ...]]

    def __call__(self, context: Context) -> Outcome:
        """The verdict in the setting of a request."""
        m = self.measured(context)
        left_out = [n for n in self.asked(context.request) if n not in m.sizes]
        notes = [*self.notes, *(f"N = {n} left out: its transport does not fit in memory" for n in left_out)]
        panels = [*self.panels(m), *m.panels(BETWEEN, PAIR_NAMES)]
        return Outcome(m.rows(self.what), self.checks(m), panels, self.figure(m), notes)

    @abstractmethod
    def checks(self, m: Measured) -> list[Check]:
        """Return the claims.

        Args:
            m: The measurements.
        """

    @abstractmethod
    def panels(self, m: Measured) -> list[Panel]:
        """Return the panels of the distances to invariance.

        Args:
            m: The measurements.
        """

    @abstractmethod
    def figure(self, m: Measured) -> str:
        """Return the main numbers obtained, in words.

        Args:
            m: The measurements.
        """

    def quiet_sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return the sizes at which students are also trained without noise.

        Args:
            sizes: All N.
        """
        return ()

    def asked(self, request: Request) -> tuple[int, ...]:
        """Return the sizes N of a request.

        Args:
            request: The user's choices.
        """
        return tuple(n for n in self.sizes if request.largest is None or n <= request.largest)

    def repetitions_at(self, size: int) -> int:
        """Return the number of repetitions at a size.

        Args:
            size: N.
        """
        return self.few if self.few is not None and size > self.few_above else self.training.repetitions

    def measured(self, context: Context) -> Measured:
        """Return the measurements: train the grid, then compare the schemes, both with stored cells.

        Args:
            context: The environment, with the request.
        """
        place, name = setting(context.request), f"fig-{self.start}"
        sizes = fitting_sizes(self.start, self.asked(context.request), place.group.order)
        quiet_sizes = self.quiet_sizes(sizes)
        students = [
            Student(self.start, teacher, scheme, size, block, noisy, self.training)
            for size in sizes
            for noisy in ((True, False) if size in quiet_sizes else (True,))
            for teacher in KINDS
            for scheme in SCHEMES
            for block in range(self.training.blocks_for(size, self.repetitions_at(size)))
        ]
        trained = compute_cells(context, f"{name}: training", [student_piece(context, place, s) for s in students])
        cells = dict(zip(students, trained, strict=True))
        noisy = [s for s in students if s.noisy]
        by_scheme = [tuple(s for s in noisy if s.scheme is scheme) for scheme in SCHEMES]
        pieces = [
            pair_piece(context, place, same[0], {s.scheme: cells[s].arrays["final"] for s in same})
            for same in zip(*by_scheme, strict=True)
        ]
        compared = compute_cells(context, f"{name}: comparing", pieces)
        rmd2 = self._by_key([(s, s.scheme.value, cell, "rmd2") for s, cell in cells.items()])
        pairs = [(s, p, cell, p) for s, cell in zip(by_scheme[0], compared, strict=True) for p in PAIR_NAMES]
        risk = self._by_key([(s, s.scheme.value, cell, "risk") for s, cell in cells.items()])
        return Measured(self.start, place, sizes, quiet_sizes, {**rmd2, **self._by_key(pairs)}, risk)

    def _by_key(self, found: Iterable[tuple[Student, str, Cell, str]]) -> dict[Key, NDArray[np.float64]]:
        """Collect numbers of cells in the order of their blocks; the last block may hold more repetitions than
        requested.
        """
        collected: dict[Key, list[float]] = {}
        for s, which, cell, name in found:
            collected.setdefault((s.noisy, s.teacher, which, s.size), []).extend(cell.numbers[name])
        return {key: np.array(values[: self.repetitions_at(key[3])]) for key, values in collected.items()}

    def general_checks(self, m: Measured) -> list[Check]:
        """Return the claims about vanilla and DA students of an arbitrary teacher, for any start.

        Args:
            m: The measurements.
        """
        # As all extremes of means, this is NaN if a mean is NaN.
        least = float(np.min(m.means("arbitrary", "vanilla", self.large)))
        escape, falls = self.escape if m.place.is_paper else self.escape_elsewhere, "RMD^2 at largest N over N = 50"
        vanilla, da = (m.ratio("arbitrary", which, self.large) for which in ("vanilla", "da"))
        return [
            at_least("arbitrary teacher, vanilla: least RMD^2 at N >= 50", least, escape),
            at_least(f"arbitrary teacher, vanilla: {falls}", vanilla, self.keeps),
            at_most(f"arbitrary teacher, DA: {falls}", da, self.keeps),
        ]

    def fall_check(self, m: Measured, name: str, teacher: Kind, which: str) -> Check:
        """Return the claim that students of an equivariant law approach invariance.

        Args:
            m: The measurements.
            name: Name of the law in the claim.
            teacher: Kind of the teacher.
            which: Scheme or pair.
        """
        fall = self.fall if m.place.is_paper else self.fall_elsewhere
        return at_most(f"{name}: RMD^2 at largest N over N = 5", m.ratio(teacher, which), 1 / fall)

    def contrast_check(self, m: Measured) -> Check:
        """Return the control: the same students with the same start differ because of the law alone.

        Args:
            m: The measurements.
        """
        which = self.contrasted
        ratio = m.means("arbitrary", which)[-1] / max(m.means("wi", which)[-1], np.finfo(float).tiny)
        return at_least(f"control: {which}, arbitrary over WI teacher at largest N", ratio, self.contrast)
