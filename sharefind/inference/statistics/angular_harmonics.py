"""Harmonics of an angle that labels have and a rotation forbids: for rotations of a coordinate plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.plane_rotations import Plane, PlaneRotations
from sharefind.meanfield.clouds.standardise import varies


@dataclass(frozen=True)
class AngularHarmonics:
    """Statistic that measures those angular harmonics of the labels that the symmetry C_N excludes.

    C_N is the tested group, of rotations by multiples of 360 / N degrees in a coordinate plane. Under C_N, labels may
    depend on the angle t only through harmonics e^{ijt} with N | j. A ridge model of these, times radial features phi
    (1, the radius r and r^2, each other coordinate z, r z and z^2), is fitted. With its residuals e, the statistic is

        M_j = sum_i e_i phi_i e^{-ij t_i},   S_k = sum of |M_j|^2 / j over j with k | j, not N | j;

    the components are S_k^{1/3}, for each k from 1 to `harmonics` with a term in its sum. The root makes them nearly
    normal, so that none dominates when they are combined.
    Model and features depend only on orbits, so the test is exact. A copy costs O(n) operations per feature.

    Attributes:
        plane: Two coordinates of X.
        harmonics: The highest j, at least 1: twice the largest candidate's N, so that each candidate shows two
            harmonics.
        bins: Number of bins of the angle per harmonic; the highest harmonic loses 3 % of its size.
        bin_offset: Offset of the bins, in bins. Angles that are fractions of a turn then do not lie on edges, where
            rounding would decide.
        ridges: Penalties of the symmetric model, relative to the mean square of a feature; the one with the smallest
            GCV is used.
        rounding: Share of the labels' size below which residuals of the symmetric model are rounding errors.
        name: Name in settings and records.

    Raises:
        GroupError: The plane is not a pair of coordinates.
        ConfigError: `harmonics` is below 1.
    """

    name: ClassVar[str] = "angular-harmonics"

    plane: Plane = (0, 1)
    harmonics: int = 48
    bins: int = 8
    bin_offset: float = 1 / math.pi
    ridges: tuple[float, ...] = tuple(10.0**k for k in range(-8, 3))
    rounding: float = 1e-12

    def __post_init__(self) -> None:
        PlaneRotations(self.plane, None)
        if self.harmonics < 1:
            raise ConfigError(f"angular harmonics: harmonics={self.harmonics}; give 1 or more")

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for the rotations of this plane.

        Args:
            moves: The rotations.
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            rng: Source of random choices.
            units: Unit of each row, shape (n,), int64, or None.

        Raises:
            GroupError: `moves` is not a `PlaneRotations` of this plane, or X lacks a coordinate of the plane.
        """
        if not isinstance(moves, PlaneRotations) or set(moves.plane) != set(self.plane):
            raise GroupError(f"angular harmonics of plane {self.plane} test PlaneRotations of that plane only")
        if max(self.plane) >= x.shape[1]:
            raise GroupError(f"plane {self.plane}: the samples have {x.shape[1]} coordinates, counted from 0")
        radial = self.radial_features(x.double())
        residuals = self._residuals(self._symmetric_features(x, radial, moves), y.double())
        weighted = (residuals.unsqueeze(2) * radial.unsqueeze(1)).flatten(1)
        groups = torch.from_numpy(self._groups_of_harmonics(moves.order))

        def components(rows_x: Tensor, labels: Tensor) -> Tensor:
            return (self.powers(self._angles(rows_x), labels[0]) @ groups) ** (1 / 3)

        binned = self.bins * self.harmonics * weighted.shape[1]
        return FittedStatistic(weighted, components, row_bytes=8 * (6 * len(x) + 3 * binned))

    def _angles(self, x: Tensor) -> Tensor:
        a, b = self.plane
        # Contiguous arrays are several times faster here.
        return torch.atan2(x[..., b].double().contiguous(), x[..., a].double().contiguous())

    def radial_features(self, x: Tensor) -> Tensor:
        """Return orthonormal functions of the coordinates that rotations fix, shape (n, features), float64; the first
        is constant.

        Args:
            x: Inputs, shape (n, d_in).
        """
        rest = [i for i in range(x.shape[1]) if i not in self.plane]
        z = _standardised(x[:, rest])
        r = _standardised(x[:, list(self.plane)].norm(dim=1, keepdim=True))
        columns = torch.cat([torch.ones_like(r), r, r**2, z, r * z, z**2], dim=1)
        left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
        kept: Tensor = left[:, sizes > self.rounding * sizes[0]] * math.sqrt(len(x))
        return kept

    def _symmetric_features(self, x: Tensor, radial: Tensor, moves: PlaneRotations) -> Tensor:
        """Return radial features times the allowed harmonics, higher ones with less weight, (n, columns)."""
        a, b = moves.plane
        angle = torch.atan2(x[:, b].double(), x[:, a].double()).unsqueeze(1)
        blocks = [radial]
        for j in range(moves.order or self.harmonics + 1, self.harmonics + 1, moves.order or 1):
            blocks += [radial * wave / j for wave in ((j * angle).cos(), (j * angle).sin())]
        return torch.cat(blocks, dim=1)

    def _residuals(self, features: Tensor, y: Tensor) -> Tensor:
        """Return the residuals of ridge regression with the smallest generalised cross-validation, (n, d_out)."""
        n = len(y)
        centred = _standardised(y)
        left, sizes, _ = torch.linalg.svd(features, full_matrices=False)
        coefficients, squares = left.t() @ centred, sizes**2
        outside = (centred - left @ coefficients).square().sum(0)
        best, residuals = torch.full((y.shape[1],), torch.inf, dtype=torch.float64), centred.clone()
        for ridge in self.ridges:
            lost = ridge * n / (squares + ridge * n)
            loss = (outside + (lost.unsqueeze(1) * coefficients).square().sum(0)) / (n - len(sizes) + lost.sum()) ** 2
            better = loss < best
            residuals[:, better] = (centred - left @ ((1 - lost).unsqueeze(1) * coefficients))[:, better]
            best = torch.where(better, loss, best)
        return torch.where(residuals.abs().amax(0) > self.rounding, residuals, torch.zeros_like(residuals))

    def _groups_of_harmonics(self, order: int | None) -> NDArray[np.float64]:
        """Return (harmonics, components): column k sums |M_j|^2 / j over the multiples j of k that C_order forbids."""
        j = np.arange(1, self.harmonics + 1)
        forbidden = np.ones_like(j, dtype=bool) if order is None else j % order != 0
        columns = [np.where(forbidden & (j % k == 0), 1 / j, 0.0) for k in j]
        return np.stack([c for c in columns if c.any()] or [np.zeros(self.harmonics)], axis=1)

    def powers(self, angles: Tensor, weighted: Tensor) -> Tensor:
        """Return |M_j|^2 summed over columns, shape (R, harmonics), by FFT of binned angles.

        Args:
            angles: Shape (R, n), float64.
            weighted: Residuals times features, shape (n, columns), float64.
        """
        (rows, n), bins = angles.shape, self.bins * self.harmonics
        place = (angles * (bins / (2 * math.pi)) + self.bin_offset).floor().long() % bins
        place += torch.arange(rows).unsqueeze(1) * bins
        # A sparse product adds all columns of a sample at once: several times faster than a histogram for each column.
        starts = np.arange(0, rows * n + 1, rows)
        ones = np.ones(rows * n)
        chosen = scipy.sparse.csc_array((ones, place.t().flatten().numpy(), starts), shape=(rows * bins, n))
        binned = torch.from_numpy(chosen @ weighted.numpy()).reshape(rows, bins, -1)
        moments = torch.fft.rfft(binned, dim=1)[:, 1 : self.harmonics + 1]
        powers: Tensor = moments.abs().square().sum(2)
        return powers


def _standardised(values: Tensor) -> Tensor:
    centred = values - values.mean(0)
    spread = centred.square().mean(0).sqrt()
    still = torch.from_numpy(~varies(values.numpy())) | (spread == 0)
    return torch.where(still, 0.0, centred / torch.where(still, 1.0, spread))
