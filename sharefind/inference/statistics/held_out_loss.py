"""The loss of a model that was made without these samples: it grows where a group that the law has not moves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from torch import Tensor

from sharefind.inference.ambient_moves import Moves
from sharefind.inference.fitted_statistic import FittedStatistic


@dataclass(frozen=True)
class HeldOutLoss:
    """Minus the mean square error of a model that was made without these samples.

    If the hypothesis holds, moving samples makes the model no worse. The model is fixed, so the test is exact.

    Attributes:
        model: x (..., d_in) -> predictions (..., d_out).
    """

    name: ClassVar[str] = "held-out-loss"

    model: Callable[[Tensor], Tensor] = field(repr=False)

    def bind(
        self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """The same for every hypothesis."""

        def loss(rows_x: Tensor, rows_y: Tensor) -> Tensor:
            return -(self.model(rows_x.double()) - rows_y.double()).square().mean((1, 2)).unsqueeze(1)

        return FittedStatistic(y, loss)
