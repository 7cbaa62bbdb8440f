"""A statistic for the exact test that the law of X alone is invariant; it uses all rows at a cost linear in their
number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import LAST_PLACES


@dataclass(frozen=True)
class InputLaw:
    """Distances of the law of X from its symmetrisation in four feature spaces, up to quantities that depend only on
    orbits.

    The features phi give |sum_i phi(x_i)|^2. They are the mean, the second moment, and random waves of two widths,
    whose sums are kernel mean embeddings with random frequencies (Rahimi & Recht 2007). Inputs are centred and whitened
    by the randomly moved sample. Therefore the statistic depends on the sample only through orbits. It is also
    invariant to scales, and to adding a vector that the group fixes.

    Attributes:
        waves: Largest number of random waves of each width.
        widths: Lengths of their random frequencies, for inputs of spread 1.
        fewest_waves: Smallest number of random waves of each width, for very many rows.
        wave_numbers: Largest number of rows times waves of a width, except for `fewest_waves`; it bounds the cost of a
            copy.
        quadratic: Largest number of coordinates whose products are used; for more coordinates, this number of random
            combinations.
        draws: Number of images of a sample from which centre and spread of the symmetrised law are estimated.
        ridge: Share of the largest eigenvalue of the spread below which a direction is a rounding error and is left
            out.
        table_bytes: Memory in bytes up to which the features of all images of all rows are computed once for all
            copies.
        table_order: Largest order of a group for which this is done; for larger groups the number of copies is smaller.
        name: Name in settings and records.
    """

    name: ClassVar[str] = "input-law"

    waves: int = 32
    widths: tuple[float, float] = (0.5, 2.0)
    fewest_waves: int = 8
    wave_numbers: int = 2**18
    quadratic: int = 24
    draws: int = 4
    ridge: float = 1e-6
    table_bytes: int = 2**28
    table_order: int = 64

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for one hypothesis; labels are not used.

        Args:
            moves: The hypothesis.
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            rng: Source of random choices.
            units: Unit of each row, shape (n,), int64, or None.
        """
        features = _Features(self, moves, x, y, rng)
        group = moves.group if isinstance(moves, JointAction) else None
        order = group.order if isinstance(group, FiniteGroup) and group.is_listable else self.table_order + 1
        if order <= self.table_order and 8 * order * len(x) * features.width <= self.table_bytes:
            scores, labels = features.of_table(moves, x, y, order), torch.zeros(len(x), 1, dtype=torch.float64)
            return FittedStatistic(labels, of_moves=scores, row_bytes=16 * features.rows)

        def energies(rows: Tensor, _: Tensor) -> Tensor:
            return torch.stack([features.energies(features.of(row).sum(0)) for row in rows])

        # Labels are moved beside the inputs and must have the width that the group acts on.
        return FittedStatistic(y, energies, row_bytes=32 * features.rows)


class _Features:
    """Features of samples, made from orbits and random numbers only."""

    def __init__(self, law: InputLaw, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator) -> None:
        elements = moves.draw((law.draws, len(x)), rng)
        images = moves.move(elements, x.double().unsqueeze(0), y.double().unsqueeze(0))[0].flatten(0, 1)
        self.centre = images.mean(0)
        self.whitening = whitening(images - self.centre, images.abs().amax(0), law.ridge)
        dim = self.whitening.shape[1]
        waves = max(law.fewest_waves, min(law.waves, law.wave_numbers // len(x)))
        scale = 1 / math.sqrt(max(1, dim))
        self.frequencies = torch.from_numpy(
            np.concatenate([rng.normal(0, w * scale, size=(dim, waves)) for w in law.widths], axis=1)
        )
        size = min(dim, law.quadratic)
        self.mixed = torch.from_numpy(rng.normal(0, scale, size=(dim, size))) if dim > size else None
        self.pairs = torch.triu_indices(size, size)
        self.parts = (dim, self.pairs.shape[1], 2 * waves, 2 * waves)
        self.width, self.rows = sum(self.parts), len(x) * sum(self.parts)

    def of(self, x: Tensor) -> Tensor:
        """Return features of samples (n, d_in), (n, width)."""
        white = (x.double() - self.centre) @ self.whitening
        mixed = white if self.mixed is None else white @ self.mixed
        angles = white @ self.frequencies
        narrow, wide = angles.chunk(2, dim=1)
        products = mixed[:, self.pairs[0]] * mixed[:, self.pairs[1]]
        return torch.cat([white, products, narrow.cos(), narrow.sin(), wide.cos(), wide.sin()], dim=1)

    def energies(self, sums: Tensor) -> Tensor:
        """Return squared lengths of the parts of sums (..., width): (..., 4)."""
        return torch.stack([(part**2).sum(-1) for part in torch.split(sums, list(self.parts), dim=-1)], dim=-1)

    def of_table(self, moves: AmbientMoves, x: Tensor, y: Tensor, order: int) -> Callable[[Tensor], Tensor]:
        """Return the statistic computed from the features of all images of all samples."""
        tables = []
        for element in range(order):
            number = torch.full((1, len(x)), element, dtype=torch.int64)
            tables.append(self.of(moves.move(number, x.unsqueeze(0), y.unsqueeze(0))[0][0]))
        table, places = torch.stack(tables).flatten(0, 1), torch.arange(len(x))

        def energies(elements: Tensor) -> Tensor:
            # Sums without a copy of the rows.
            return self.energies(torch.nn.functional.embedding_bag(elements * len(x) + places, table, mode="sum"))

        return energies


def whitening(centred: Tensor, largest: Tensor, ridge: float) -> Tensor:
    """Return a matrix that whitens centred rows, shape (d, k), float64; columns and directions that are rounding errors
    are left out.

    Args:
        centred: Rows with mean 0, shape (n, d), float64.
        largest: Largest absolute value of each column before centring, shape (d,), which determines rounding errors.
        ridge: Share of the largest eigenvalue below which a direction is a rounding error.
    """
    spread = (centred**2).mean(0).sqrt()
    varies = spread > LAST_PLACES * torch.finfo(torch.float64).eps * largest
    scale = torch.where(varies, spread, torch.ones_like(spread)).reciprocal() * varies
    scaled = centred * scale
    values, vectors = torch.linalg.eigh(scaled.t() @ scaled / len(scaled))
    kept = values > ridge * values[-1].clamp_min(torch.finfo(torch.float64).tiny)
    matrix: Tensor = scale.unsqueeze(1) * vectors[:, kept] * values[kept].rsqrt()
    return matrix
