"""A specification with trained weights, as exports write them beside or into a network.

The search's own model is its first training on E_*, with its particles projected on that space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sharefind.architectures.initial_values import basis
from sharefind.architectures.input_changes import composed, seen_inputs
from sharefind.architectures.searched_spec import spec_from_outcome
from sharefind.architectures.spec import SharingSpec
from sharefind.errors import InputError, RunFolderError
from sharefind.meanfield.clouds.models import predict_labels
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    from sharefind.search.persistence.run_folder import RunFolder
    from sharefind.search.search_outcome import SearchOutcome


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """f(x) = shift + scale mean_i sigma_*(x - centre, z_i), with particles z_i in the space of a specification.

    Attributes:
        spec: The architecture.
        coefficient: Coordinates of its particles in the exported basis, float64 (N, dim).

    Raises:
        InputError: The coefficients are not (N, dim) with N >= 1, or not finite.
    """

    spec: SharingSpec
    coefficient: FloatArray

    def __post_init__(self) -> None:
        shape, dim = self.coefficient.shape, self.spec.space.dim
        if len(shape) != 2 or shape[0] < 1 or shape[1] != dim:
            raise InputError(f"the coefficients have shape {shape}; the specification needs (particles, {dim})")
        if not np.isfinite(self.coefficient).all():
            raise InputError("a coefficient is not finite; train again with a smaller step")

    @property
    def particles(self) -> FloatArray:
        """The particles in the user's coordinates, (N, D)."""
        return np.asarray(self.coefficient @ basis(self.spec))

    def predict(self, x: FloatArray) -> FloatArray:
        """Return f, by the code of the search.

        Args:
            x: Inputs, shape (B, d_in).

        Returns:
            Shape (B, d_out).
        """
        return predict_labels(self.spec.layer, self.spec.change, x, self.particles)


def coefficients(spec: SharingSpec, particles: FloatArray) -> FloatArray:
    """Return coordinates of the orthogonal projections of particles on the space.

    Args:
        spec: The specification.
        particles: Shape (N, D).

    Returns:
        Shape (N, dim).
    """
    labels = spec.space.tying
    if labels is None:
        solution = np.linalg.lstsq(basis(spec).T, particles.T, rcond=None)[0]
        return np.asarray(solution.T, dtype=np.float64)
    signed = np.where(labels < 0, -1.0, 1.0) * particles
    sums = np.zeros((len(particles), spec.space.dim + 1))
    np.add.at(sums.T, np.abs(labels), signed.T)
    counts = np.bincount(np.abs(labels), minlength=spec.space.dim + 1)
    return np.asarray(sums[:, 1:] / counts[1:])


def searched_network(outcome: SearchOutcome, folder: RunFolder) -> TrainedNetwork:
    """Return the search's own model at E_*, from the particles in the run folder.

    Args:
        outcome: The outcome of the search.
        folder: The run folder.

    Raises:
        ExportError: The search is not finished.
        RunFolderError: The particles are missing, damaged or of another space.
    """
    spec, number = spec_from_outcome(outcome), outcome.e_star.number
    if number is None:
        raise RunFolderError(f"{folder.path}: {outcome.e_star.label} was never visited; run the search again")
    final = folder.particles(number)[1]
    if final.shape[1] != spec.space.ambient:
        raise RunFolderError(
            f"{folder.path}: the particles have {final.shape[1]} parameters and {spec.name} has "
            f"{spec.space.ambient}; run the search again"
        )
    x = outcome.problem.task.x
    seen = None if x is None else seen_inputs(spec, x)
    return TrainedNetwork(spec, coefficients(spec, final if seen is None else composed(spec, final, seen)))
