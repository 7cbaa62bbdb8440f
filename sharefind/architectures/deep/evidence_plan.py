"""How small deep networks are trained by evidence, and which networks are small."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.architectures.deep.rows import DeepRows
from sharefind.meanfield.units import DeepUnit


@dataclass(frozen=True)
class EvidencePlan:
    """How networks are trained by evidence, and which ones.

    Attributes:
        parameters: Most free numbers of a network; larger ones are trained by Adam.
        work: Most multiplications of one step: residuals times the square of the free numbers.
        starts: First weights that are tried for networks that hold rows out; the largest evidence is kept.
        final_starts: The same for a network that sees all rows.
        iterations: Most steps from one start.
        fewest: Steps before which a training does not end.
        patience: Steps without a gain of evidence after which a training ends.
        gain: Least gain of log evidence that counts, in nats.
        first_residuals: Starts see as many residuals, or four a free number if this is more; the best start is then
            trained on all rows.
        images: Random images of each row that a network without shared weights learns a symmetry from; more changed
            nothing in its error when it is averaged over the group.
        entries: Entries of Jacobian matrices that are held at a time; it affects memory alone.
        most_precise: Largest precision of a prior or of the noise, for labels of unit size.
    """

    parameters: int = 1_000
    work: float = 1e10
    starts: int = 2
    final_starts: int = 6
    iterations: int = 100
    fewest: int = 10
    patience: int = 4
    gain: float = 0.2
    first_residuals: int = 1_500
    images: int = 2
    entries: int = 4_000_000
    most_precise: float = 1e10

    def suits(self, unit: DeepUnit, rows: DeepRows) -> bool:
        """Return whether networks of a unit are small enough to be trained by evidence on these rows.

        Args:
            unit: The unit.
            rows: The rows.
        """
        dim = sum(space.dim for space in unit.layer_spaces)
        return 0 < dim <= self.parameters and rows.y.size * float(dim) ** 2 <= self.work
