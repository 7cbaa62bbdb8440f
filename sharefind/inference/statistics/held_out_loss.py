"""The loss of a model made without these samples; it grows if a group that is not a symmetry of the law moves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from torch import Tensor

from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic


@dataclass(frozen=True)
class HeldOutLoss:
    """Minus the mean square error of a model that was made without these samples.

    If the hypothesis holds, moving samples does not make the model worse. The model is fixed, so the test is exact.

    Attributes:
        model: Function x (..., d_in) -> predictions (..., d_out).
        name: Name in settings and records.
    """

    name: ClassVar[str] = "held-out-loss"

    model: Callable[[Tensor], Tensor] = field(repr=False)

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic, which is the same for every hypothesis.

        Args:
            moves: The hypothesis.
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            rng: Source of random choices; not used.
            units: Unit of each row, shape (n,), int64, or None; not used.
        """

        def loss(rows_x: Tensor, rows_y: Tensor) -> Tensor:
            return -(self.model(rows_x.double()) - rows_y.double()).square().mean((1, 2)).unsqueeze(1)

        return FittedStatistic(y, loss)
