"""Statistics of tests: their protocol, and a statistic that has been fitted to one hypothesis.

Statistics are in `statistics`, the tests that compare them with copies in `tests`; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.ambient_moves import AmbientMoves, element_bytes

TIE = 1e-9
"""Difference, relative to the statistic's scale, below which two values count as tied: copies that move nothing."""


@dataclass(frozen=True)
class FittedStatistic:
    """A statistic made ready for one hypothesis; large against it, each row on its own, K components.

    Attributes:
        labels: Labels that are moved with x in place of y, such as centred labels or residuals, shape (n, d_out).
        evaluate: x (R, n, d_in), labels (R, n, d_out) -> (R, K).
        of_moves: For finite groups in place of `evaluate`, where moving what was computed from the samples costs less
            than moving the samples: numbers of elements (R, n) -> (R, K), element 0 being the identity.
        row_bytes: Bytes that one row holds at most while it is evaluated, besides the moved samples themselves.
        inputs: Inputs that are moved in place of x, such as scaled inputs, shape (n, d_in); x itself where None.
        resolution: Relative rounding error of what is moved, from the offset of the samples.
        offset_tie: Rounding of the statistic in units of the resolution, where that is coarser than `TIE`.

    Raises:
        ConfigError: Not exactly one of `evaluate` and `of_moves` is given.
    """

    labels: Tensor
    evaluate: Callable[[Tensor, Tensor], Tensor] | None = None
    of_moves: Callable[[Tensor], Tensor] | None = None
    row_bytes: int = 0
    inputs: Tensor | None = None
    resolution: float = 0.0
    offset_tie: float = 10.0

    def __post_init__(self) -> None:
        if (self.evaluate is None) == (self.of_moves is None):
            raise ConfigError("a fitted statistic needs `evaluate` or `of_moves`, one of the two")

    def observed(self, x: Tensor) -> Tensor:
        """Return the statistic of the data, shape (1, K).

        Args:
            x: Inputs, shape (n, d_in).
        """
        if self.evaluate is not None:
            return self.evaluate(self._moved(x).unsqueeze(0), self.labels.unsqueeze(0))
        return self.of_copies(x, None, torch.zeros(1, len(x), dtype=torch.int64))

    def of_copies(self, x: Tensor, moves: AmbientMoves | None, elements: Any) -> Tensor:
        """Return the statistic of copies moved by group elements, shape (R, K).

        Args:
            x: Inputs, shape (n, d_in).
            moves: The group.
            elements: Group elements, shape (R, n).

        Raises:
            ConfigError: The statistic has no `of_moves`, and `evaluate` or `moves` is missing.
        """
        if self.of_moves is not None:
            return self.of_moves(elements)
        if self.evaluate is None or moves is None:
            raise ConfigError("a fitted statistic without `of_moves` needs `evaluate` and the moves of the hypothesis")
        return self.evaluate(*moves.move(elements, self._moved(x).unsqueeze(0), self.labels.unsqueeze(0)))

    def copy_bytes(self, x: Tensor, moves: AmbientMoves) -> int:
        """Return the number of bytes that a copy holds while it is evaluated.

        Args:
            x: Inputs, shape (n, d_in).
            moves: The group.
        """
        moved = element_bytes(moves, x, self.labels)
        if self.evaluate is not None:
            moved += x.element_size() * x.numel() + self.labels.element_size() * self.labels.numel()
        return self.row_bytes + moved

    @property
    def tie(self) -> float:
        """Difference, relative to the statistic's scale, below which two values count as tied."""
        return max(TIE, self.offset_tie * self.resolution)

    def _moved(self, x: Tensor) -> Tensor:
        return x if self.inputs is None else self.inputs


class Statistic(Protocol):
    """The statistic of a test. A statistic of your own needs a name and this one method."""

    @property
    def name(self) -> str:
        """The name of the statistic in the record."""
        ...

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for one hypothesis; several components K are examined together.

        The test is exact when what is bound depends on x and y through orbits alone (sizes, and scales that the group
        does not change) and on `rng`. `origin.orbit_scale` takes out what no verdict may depend on.

        Args:
            moves: The group.
            x: Inputs, shape (n, d_in), float64.
            y: Labels, shape (n, d_out), float64.
            rng: Source of random choices, such as landmarks.
            units: The unit of each row, shape (n,), int64; None where each row is one. Statistics that cut the rows cut
                no unit; other statistics may ignore the units.
        """
        ...
