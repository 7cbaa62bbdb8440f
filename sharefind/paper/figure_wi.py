"""fig-wi: the paper's figure of students with a weakly invariant (WI) start, and the schemes that keep them so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sharefind.paper.demonstration import Check, Demonstration, Panel, at_most
from sharefind.paper.setting import Kind
from sharefind.paper.student_figures import SCHEME_NAMES, Measured, StudentFigure


@dataclass(frozen=True)
class FigureWI(StudentFigure):
    """WI students by RMD^2 to nu^G: DA and FA stay WI and approach each other; vanilla does so if the teacher is WI.

    Attributes:
        noiseless_up_to: Largest N of the trainings without noise, which show what the noise hides.
        exact: Largest RMD^2 of FA to nu^G without noise that counts as rounding error: an amplified 1e-32, and the
            rounding of the transport.
        floor: Largest ratio between vanilla and FA of the distance to nu^G, for an equivariant law and the largest N.
            FA keeps weak invariance exactly up to the noise, so its distance is the effect of the noise alone on N
            particles.
        start: Kind of start of the students.
        what: Name of the measured distance.
        contrasted: Pair of schemes that the control compares between laws.
        notes: Remarks on the measurement.
    """

    noiseless_up_to: int = 1000
    exact: float = 1e-12
    floor: float = 1.5

    start = "wi"
    what = "RMD^2 to nu^G"
    contrasted = "vanilla-fa"
    notes = (
        "a cloud has |G| ceil(N/|G|) particles: whole orbits",
        "independent noise moves a particle and its image apart, so the distance of N particles to their symmetrised "
        "measure has a floor that falls only like N^(-2/D); FA, weakly invariant but for the noise, shows it",
    )

    def quiet_sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return the sizes up to the largest N without noise.

        Args:
            sizes: All N.
        """
        return tuple(n for n in sizes if n <= self.noiseless_up_to)

    def checks(self, m: Measured) -> list[Check]:
        """Return the claims about students with a WI start.

        Args:
            m: The measurements.
        """
        small, all_n = "RMD^2 at largest N over N = 50", "RMD^2 at largest N over N = 5"
        da_fa = m.ratio("arbitrary", "da-fa", self.large)
        quiet_da = m.ratio("arbitrary", "da", noisy=False)
        checks = [
            *self.general_checks(m),
            at_most(f"arbitrary teacher, FA: {all_n}", m.ratio("arbitrary", "fa"), self.keeps),
            at_most(f"arbitrary teacher, DA against FA: {small}", da_fa, self.keeps),
            at_most("without noise, all teachers, FA: largest RMD^2", m.largest("fa", noisy=False), self.exact),
            at_most(f"without noise, arbitrary teacher, DA: {all_n}", quiet_da, self.keeps),
        ]
        for teacher in ("wi", "si"):
            name = f"{teacher.upper()} teacher, vanilla"
            quiet = m.ratio(teacher, "vanilla", noisy=False)
            checks += [
                at_most(f"{name}: RMD^2 over that of FA at largest N", _over_fa(m, teacher), self.floor),
                at_most(f"without noise, {name}: {all_n}", quiet, 1 / self.fall_elsewhere),
                *(
                    self.fall_check(m, f"{name} against {other.upper()}", teacher, f"vanilla-{other}")
                    for other in ("da", "fa")
                ),
            ]
        return [*checks, self.contrast_check(m)]

    def panels(self, m: Measured) -> list[Panel]:
        """Return the panels of the schemes, with and without noise.

        Args:
            m: The measurements.
        """
        quiet = m.panels(f"{self.what}, no noise", SCHEME_NAMES, noisy=False)
        return [*m.panels(self.what, SCHEME_NAMES), *quiet]

    def figure(self, m: Measured) -> str:
        """Return the distances at the largest N, in words.

        Args:
            m: The measurements.
        """
        last = m.sizes[-1]
        at = {name: m.mean("arbitrary", name, last) for name in (*SCHEME_NAMES, "da-fa")}
        first, end = (m.mean("wi", "vanilla-fa", n) for n in (m.sizes[0], last))
        return (
            f"RMD^2 at N = {last}, arbitrary teacher: vanilla {at['vanilla']:.1e}, DA {at['da']:.1e}, "
            f"FA {at['fa']:.1e}, DA against FA {at['da-fa']:.1e}; WI teacher, vanilla against FA: {first:.1e} at N = "
            f"{m.sizes[0]} to {end:.1e}"
        )


def _over_fa(m: Measured, teacher: Kind) -> float:
    vanilla, fa = (m.means(teacher, which)[-1] for which in ("vanilla", "fa"))
    return vanilla / fa if fa > 0 else math.nan


DEMONSTRATION = Demonstration(
    "fig-wi", "Numerical experiments, WI students",
    "DA and FA students stay WI and approach each other; vanilla ones too if the teacher is WI",
    "meanfield.dynamics, meanfield.objectives, meanfield.clouds", FigureWI(),
    FigureWI(sizes=(5, 10, 50, 100, 500), few=4, noiseless_up_to=100),
)  # fmt: skip
