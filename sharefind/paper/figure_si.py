"""fig-si: the paper's figure of students with a strongly invariant (SI) start, and the schemes that
keep them in E^G.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sharefind import meanfield as mf
from sharefind.paper.demonstration import Check, Demonstration, Panel, at_most, standard_error
from sharefind.paper.student_figures import SCHEME_NAMES, Measured, Reference, StudentFigure

REFERENCE: Reference = MappingProxyType({
    ("arbitrary", mf.Scheme.VANILLA): {100: 9.4e-2, 500: 9.3e-2},
    ("arbitrary", mf.Scheme.DA): {100: 1.9e-2, 500: 3.2e-3},
    ("wi", mf.Scheme.VANILLA): {5: 4.6e-2, 10: 1.7e-2, 50: 5.2e-4, 100: 2.7e-5, 500: 3.9e-6},
    ("si", mf.Scheme.VANILLA): {100: 7.5e-5, 500: 1.2e-5},
})  # fmt: skip
"""RMD^2 to P_{E^G} in the paper's setting: means of 10 seeds, from an independent implementation."""


@dataclass(frozen=True)
class FigureSI(StudentFigure):
    """SI students by RMD^2 to P_{E^G}: vanilla training leaves E^G for an arbitrary teacher, and not for a WI teacher.

    Attributes:
        reference: Known means in the paper's setting.
        within: Largest factor between a mean and its reference value.
        standard_errors: Number of standard errors by which a mean may be moved towards its reference value; at N = 5
            and 50 the means of 10 repetitions scatter by a factor of 2.
        exact_fa: Largest RMD^2 of FA to P_{E^G} that counts as rounding error. If E^G is repelling, training amplifies
            rounding: 2e-20 was observed at N = 10, and 2e-13 in the implementation of the reference.
        exact_ea: The same for EA, which projects every gradient: the square of 1e-16, with a margin.
        start: Kind of start of the students.
        what: Name of the measured distance.
        contrasted: Scheme that the control compares between laws.
        notes: Remarks on the measurement.
    """

    reference: Reference = field(default_factory=lambda: REFERENCE)
    within: float = 3.0
    standard_errors: float = 2.0
    exact_fa: float = 1e-12
    exact_ea: float = 1e-28

    start = "si"
    what = "RMD^2 to P_{E^G}"
    contrasted = "vanilla"
    notes = ("starts, samples and noise are common to the four schemes; bars are standard errors of the mean",)

    def checks(self, m: Measured) -> list[Check]:
        """Return the claims about students with an SI start.

        Args:
            m: The measurements.
        """
        checks = [
            *self.general_checks(m),
            at_most("all teachers, FA: largest RMD^2", m.largest("fa"), self.exact_fa),
            at_most("all teachers, EA: largest RMD^2", m.largest("ea"), self.exact_ea),
        ]
        for teacher in ("wi", "si"):
            name = f"{teacher.upper()} teacher, vanilla"
            checks.append(self.fall_check(m, name, teacher, "vanilla"))
            checks += [self.fall_check(m, f"{name} against {o}", teacher, f"vanilla-{o}") for o in ("da", "fa")]
        checks.append(self.contrast_check(m))
        return checks + (self.reference_checks(m) if m.place.is_paper else [])

    def reference_checks(self, m: Measured) -> list[Check]:
        """Return, for each row of the reference, a check at the N where the mean is farthest from it.

        Args:
            m: The measurements.
        """
        checks = []
        for (teacher, scheme), known in self.reference.items():
            factors = {
                n: self._factor(m.rmd2[True, teacher, scheme.value, n], v) for n, v in known.items() if n in m.sizes
            }
            worst = max(factors, key=lambda n: factors[n])
            name = f"{teacher} teacher, {scheme.value}: largest factor from the reference values, at N = {worst}"
            checks.append(at_most(name, factors[worst], self.within))
        return checks

    def _factor(self, values: NDArray[np.float64], reference: float) -> float:
        """Return the factor, at least 1, between the reference and the nearest point of mean +- 2 standard errors."""
        mean, spread = float(values.mean()), self.standard_errors * standard_error(values)
        if not math.isfinite(mean):
            return math.inf
        nearest = min(max(reference, mean - spread), mean + spread)
        return max(nearest / reference, reference / nearest) if nearest > 0 else math.inf

    def panels(self, m: Measured) -> list[Panel]:
        """Return the panels of the schemes, with the reference in the paper's setting.

        Args:
            m: The measurements.
        """
        return m.panels(self.what, SCHEME_NAMES, reference=self.reference if m.place.is_paper else None)

    def figure(self, m: Measured) -> str:
        """Return the distances at the largest N, in words.

        Args:
            m: The measurements.
        """
        last = m.sizes[-1]
        at = {name: m.mean("arbitrary", name, last) for name in SCHEME_NAMES}
        first, end = m.mean("wi", "vanilla", m.sizes[0]), m.mean("wi", "vanilla", last)
        return (
            f"RMD^2 at N = {last}, arbitrary teacher: vanilla {at['vanilla']:.1e}, DA {at['da']:.1e}, "
            f"FA {at['fa']:.0e}; WI teacher, vanilla: {first:.1e} at N = {m.sizes[0]} to {end:.1e}"
        )


DEMONSTRATION = Demonstration(
    "fig-si", "Numerical experiments, SI students",
    "vanilla training leaves E^G for an arbitrary teacher, whatever N, and stays for a WI teacher and large N",
    "meanfield.dynamics, meanfield.objectives, meanfield.clouds",
    FigureSI(), FigureSI(sizes=(5, 10, 50, 100, 500), few=4),
)  # fmt: skip
