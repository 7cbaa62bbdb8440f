"""The line search of Moré & Thuente (ACM Transactions on Mathematical Software 20, 1994): a step that decreases a
function enough and flattens its slope, in few evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Along = Callable[[float], tuple[float, float]]
"""A step -> the function there, and its slope along the direction."""


@dataclass(frozen=True)
class SearchSettings:
    """When a step is good enough, and how steps are tried.

    Attributes:
        decrease: Share of the decrease that the first slope promises which a step must bring.
        flatten: Share of the first slope to which a step must flatten it.
        narrow: Width of the bracket, relative to its upper end, at which the search gives up.
        shrinks: Share of its width two steps before to which a bracket must have shrunk.
        least: Growth of a step beyond the best one while nothing is bracketed.
        most: The largest growth there.
        longest: The longest step.
        evaluations: The most that are made.
    """

    decrease: float = 1e-3
    flatten: float = 0.9
    narrow: float = 0.1
    shrinks: float = 0.66
    least: float = 1.1
    most: float = 4.0
    longest: float = 1e10
    evaluations: int = 20


@dataclass(frozen=True)
class Point:
    """A step with the function and the slope there.

    Attributes:
        step: Length of the step.
        value: The function.
        slope: Its slope along the step.
    """

    step: float
    value: float
    slope: float

    def less(self, slope: float) -> Point:
        """Return the point of the function less a line.

        Args:
            slope: Slope of the line.
        """
        return Point(self.step, self.value - self.step * slope, self.slope - slope)


def line_search(along: Along, start: Point, step: float, settings: SearchSettings = SearchSettings()) -> Point | None:
    """Return a step with the strong Wolfe conditions, or the best that was found; None where none decreases.

    Args:
        along: The function along a direction.
        start: What it is at step 0, with a negative slope.
        step: The first step that is tried.
        settings: When a step is good enough.
    """
    promised = settings.decrease * start.slope
    best, other, is_bracketed, is_first_stage = start, start, False, True
    low, high = 0.0, step + settings.most * step
    width, before = settings.longest, 2 * settings.longest
    for _ in range(settings.evaluations):
        tried = Point(step, *along(step))
        enough = start.value + step * promised
        if is_first_stage and tried.value <= enough and tried.slope >= 0:
            is_first_stage = False
        is_good = tried.value <= enough and abs(tried.slope) <= -settings.flatten * start.slope
        is_longest = step == settings.longest and tried.value <= enough and tried.slope <= promised
        is_spent = is_bracketed and (not low < step < high or high - low <= settings.narrow * high)
        if is_good or is_longest or is_spent:
            return tried
        # At first the function less the promised decrease is looked at: it has a minimum where the conditions hold.
        line = promised if is_first_stage and enough < tried.value <= best.value else 0.0
        ends = best.less(line), other.less(line), tried.less(line)
        step, best_is_new, other_is_new, is_bracketed = _next_step(*ends, is_bracketed, low, high)
        other = best if other_is_new == "best" else tried if other_is_new == "tried" else other
        best = tried if best_is_new else best
        if is_bracketed:
            if abs(other.step - best.step) >= settings.shrinks * before:
                step = best.step + 0.5 * (other.step - best.step)
            before, width = width, abs(other.step - best.step)
            low, high = min(best.step, other.step), max(best.step, other.step)
        else:
            low = step + settings.least * (step - best.step)
            high = step + settings.most * (step - best.step)
        step = min(max(step, 0.0), settings.longest)
        if is_bracketed and (not low < step < high or high - low <= settings.narrow * high):
            step = best.step
    return None


def _next_step(
    best: Point, other: Point, tried: Point, is_bracketed: bool, low: float, high: float
) -> tuple[float, bool, str, bool]:
    """Return the next step, whether the tried point is the best now, what is the other end, and if there is a bracket.

    Args:
        best: The end with the smallest value, whose slope points to the minimum.
        other: The other end of the bracket.
        tried: The last step.
        is_bracketed: Whether the ends enclose a minimum.
        low: The least step that is allowed.
        high: The largest one.
    """
    to_best = _cubic(best, tried)
    secant = tried.step + _ratio(tried.slope, tried.slope - best.slope) * (best.step - tried.step)
    if tried.value > best.value:
        cubic = best.step + to_best.from_first * (tried.step - best.step)
        rise = (best.value - tried.value) / (tried.step - best.step) + best.slope
        quadratic = best.step + _ratio(best.slope, rise) / 2 * (tried.step - best.step)
        is_near = abs(cubic - best.step) <= abs(quadratic - best.step)
        return cubic if is_near else cubic + (quadratic - cubic) / 2, False, "tried", True
    if tried.slope * best.slope < 0:
        cubic = tried.step + to_best.from_second * (best.step - tried.step)
        is_far = abs(cubic - tried.step) > abs(secant - tried.step)
        return cubic if is_far else secant, True, "best", True
    if abs(tried.slope) < abs(best.slope):
        is_ahead = to_best.from_second < 0 and to_best.has_minimum
        beyond = high if tried.step > best.step else low
        cubic = tried.step + to_best.from_second * (best.step - tried.step) if is_ahead else beyond
        is_near = abs(cubic - tried.step) < abs(secant - tried.step)
        if not is_bracketed:
            return min(max(secant if is_near else cubic, low), high), True, "other", False
        limit = tried.step + 0.66 * (other.step - tried.step)
        step = cubic if is_near else secant
        return min(limit, step) if tried.step > best.step else max(limit, step), True, "other", True
    if is_bracketed:
        to_other = _cubic(other, tried)
        return tried.step + to_other.from_second * (other.step - tried.step), True, "other", True
    return high if tried.step > best.step else low, True, "other", False


@dataclass(frozen=True)
class _Cubic:
    """The minimum of the cubic through two points, as a share of the way from either to the other."""

    from_first: float
    from_second: float
    has_minimum: bool


def _cubic(first: Point, second: Point) -> _Cubic:
    """Return the minimum of the cubic that has the values and the slopes of two points."""
    theta = 3 * _ratio(first.value - second.value, second.step - first.step) + first.slope + second.slope
    size = max(abs(theta), abs(first.slope), abs(second.slope))
    square = _ratio(theta, size) ** 2 - _ratio(first.slope, size) * _ratio(second.slope, size)
    gamma = size * math.sqrt(max(0.0, square))
    ahead = gamma if second.step > first.step else -gamma
    forward = _ratio(ahead - first.slope + theta, 2 * ahead - first.slope + second.slope)
    backward = _ratio(-ahead - second.slope + theta, -2 * ahead - second.slope + first.slope)
    return _Cubic(forward, backward, gamma != 0)


def _ratio(numerator: float, denominator: float) -> float:
    """Return a ratio; infinity where the points do not tell one, which the bounds of a step then replace."""
    return numerator / denominator if denominator else math.inf
