"""L-BFGS (Nocedal 1980; Liu & Nocedal 1989), as SciPy's "L-BFGS-B" takes its steps where nothing is bounded.

SciPy's optimisers take longer to load than a small search takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sharefind.meanfield.dynamics.line_search import Point, line_search
from sharefind.typing import FloatArray

Risk = Callable[[FloatArray], tuple[float, FloatArray]]
"""A state (d,) -> the function there and its gradient (d,)."""


@dataclass
class _Memory:
    """The last changes of the state and of the gradient, which stand for the curvature."""

    most: int
    pairs: deque[tuple[FloatArray, FloatArray, float]] = field(init=False)
    scale: float = 1.0

    def __post_init__(self) -> None:
        self.pairs = deque(maxlen=self.most)

    def keep(self, step: FloatArray, change: FloatArray, descended: float) -> None:
        """Keep a change of the gradient over a step along which the function descended, if it tells a curvature."""
        curvature = float(change @ step)
        if curvature > np.finfo(np.float64).eps * descended:
            self.pairs.append((step, change, curvature))
            self.scale = curvature / float(change @ change)

    def clear(self) -> None:
        """Forget all."""
        self.pairs.clear()
        self.scale = 1.0

    def direction(self, gradient: FloatArray) -> FloatArray:
        """Return minus the inverse curvature times a gradient (d,)."""
        left, shares = gradient.copy(), []
        for step, change, curvature in reversed(self.pairs):
            shares.append(float(step @ left) / curvature)
            left -= shares[-1] * change
        left *= self.scale
        for (step, change, curvature), share in zip(self.pairs, reversed(shares), strict=True):
            left += (share - float(change @ left) / curvature) * step
        return -left


@dataclass
class _Line:
    """The risk along a direction (d,), with the gradients (d,) that were seen there."""

    risk: Risk
    state: FloatArray
    direction: FloatArray
    seen: dict[float, tuple[float, FloatArray]] = field(default_factory=dict)

    def __call__(self, step: float) -> tuple[float, float]:
        """Return the risk at a step, and its slope."""
        self.seen[step] = value, gradient = self.risk(self.state + step * self.direction)
        return value, float(gradient @ self.direction)


def minimise(
    risk: Risk,
    start: FloatArray,
    look: Callable[[FloatArray], bool],
    iterations: int,
    memory: int = 10,
    flat: float = 1e-9,
) -> int:
    """Descend until nothing is gained, or the caller has seen enough.

    Args:
        risk: What is minimised.
        start: Where it begins, shape (d,).
        look: Sees the state after every iteration; the descent ends where it returns True.
        iterations: The most that are made.
        memory: Steps whose curvature is remembered.
        flat: Largest entry of a gradient at which the descent has converged.

    Returns:
        The number of iterations.
    """
    state, known = start, _Memory(memory)
    value, gradient = risk(state)
    done = 0
    while done < iterations and float(np.abs(gradient).max()) > flat:
        direction = known.direction(gradient)
        slope = float(direction @ gradient)
        first = 1.0 if done or known.pairs else 1 / float(np.sqrt(direction @ direction))
        line = _Line(risk, state, direction)
        found = line_search(line, Point(0.0, value, slope), first) if slope < 0 else None
        if found is None:
            if not known.pairs:
                break
            known.clear()
            continue
        before, gradient_before = value, gradient
        step = found.step * direction
        state, (value, gradient) = state + step, line.seen[found.step]
        done += 1
        if look(state) or before - value <= 0:
            break
        known.keep(step, gradient - gradient_before, -slope * found.step)
    return done
