"""The frame in which a group holds best: least squares on the functions that the group keeps there, by Gauss-Newton.

`vector_groups` compares free coefficients with the ones a group keeps; where inputs are distributed unevenly, these
are uncertain. A group keeps few functions in a frame, and least squares on them give a sharper frame, with the error of
nonlinear least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.inference.continuous.algebras import skew_basis
from sharefind.inference.vectors.label_models import LabelModel
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class FrameSteps:
    """How the frame of the best fit is looked for.

    Attributes:
        steps: Largest number of steps.
        halvings: How often a step that fits worse is halved, at most.
        longest: Longest step, in radians.
        close: A shorter step ends the search, in radians.
        difference: Angle of difference quotients, in radians.
        least: Curvature, relative to the largest, below which a direction is ignored.
    """

    steps: int = 12
    halvings: int = 6
    longest: float = 0.2
    close: float = 1e-5
    difference: float = 1e-4
    least: float = 1e-3


FRAME_STEPS = FrameSteps()


def cayley(skew: FloatArray) -> FloatArray:
    """Return the rotation (1 - A / 2)^-1 (1 + A / 2), which is exp(A) up to terms of third order.

    Args:
        skew: Skew matrix A, shape (n, n).

    Returns:
        Shape (n, n).
    """
    one = np.eye(len(skew))
    return np.asarray(np.linalg.solve(one - skew / 2, one + skew / 2))


def plane_turns(n: int) -> FloatArray:
    """Return the skew matrices of rotations by 1 radian in each plane of two coordinates.

    Args:
        n: Dimension.

    Returns:
        Shape (n (n - 1) / 2, n, n).
    """
    return np.asarray(skew_basis(n) * np.sqrt(2))


@dataclass(frozen=True, eq=False)
class FittedFrame:
    """The frame of the best fit.

    Attributes:
        turn: The vectors of the frame as columns, shape (n, n).
        error: Largest standard error of an angle over the directions that are not ignored, in radians; None where all
            are ignored.
    """

    turn: FloatArray
    error: float | None


def fitted_frame(
    models: Sequence[LabelModel], kept: Sequence[FloatArray], turn: FloatArray, settings: FrameSteps = FRAME_STEPS
) -> FittedFrame:
    """Return the frame of the best fit near another frame.

    Args:
        models: Fits of the labels.
        kept: For each fit, orthonormal functions that the group keeps in the standard frame, shape (p q, k).
        turn: The first frame, its vectors as columns, shape (n, n).
        settings: Steps of the search.
    """
    problem = _FrameProblem(tuple(models), tuple(kept), settings)
    here = problem.at(turn)
    for _ in range(settings.steps):
        step = here.step(settings)
        ahead = problem.near(here, step)
        if ahead is None:
            break
        here = ahead
        if float(np.abs(step).max()) < settings.close:
            break
    return FittedFrame(here.turn, here.error(settings))


@dataclass(frozen=True, eq=False)
class _Fit:
    """The fit in one frame, with its derivatives by the angles.

    Attributes:
        turn: The frame, shape (n, n).
        loss: Squared error in units of the noise.
        slopes: Gradient of minus half the loss, shape (count,).
        curvature: Second derivatives of half the loss, shape (count, count).
        scores: Contribution of each row to the slopes, shape (rows, count).
    """

    turn: FloatArray
    loss: float
    slopes: FloatArray
    curvature: FloatArray
    scores: FloatArray

    def step(self, settings: FrameSteps) -> FloatArray:
        """The angles of the next step, (count,)."""
        full = self._inverse(settings) @ self.slopes
        return np.asarray(full * min(1.0, settings.longest / max(float(np.abs(full).max()), 1e-300)))

    def error(self, settings: FrameSteps) -> float | None:
        """The standard error by the scores of all rows, for errors of any law (Huber 1967)."""
        inverse = self._inverse(settings)
        if not inverse.any():
            return None
        return float(np.sqrt(np.linalg.eigvalsh(inverse @ (self.scores.T @ self.scores) @ inverse)[-1]))

    def _inverse(self, settings: FrameSteps) -> FloatArray:
        """The inverse of the curvature, 0 in directions that are ignored."""
        values, vectors = np.linalg.eigh(self.curvature)
        matters = values > settings.least * max(float(values[-1]), 1e-300)
        return np.asarray((vectors[:, matters] / values[matters]) @ vectors[:, matters].T)


@dataclass(frozen=True, eq=False)
class _FrameProblem:
    models: tuple[LabelModel, ...]
    kept: tuple[FloatArray, ...]
    settings: FrameSteps

    def at(self, turn: FloatArray) -> _Fit:
        """The fit in a frame, with its derivatives."""
        parts = [self._part(model, kept, turn) for model, kept in zip(self.models, self.kept, strict=True)]
        loss, slopes, curvature, scores = (sum(column[1:], start=column[0]) for column in zip(*parts, strict=True))
        return _Fit(turn, float(loss), np.asarray(slopes), np.asarray(curvature), np.asarray(scores))

    def near(self, here: _Fit, step: FloatArray) -> _Fit | None:
        """The fit one step ahead, shortened until it is better; None where it never is."""
        for halving in range(self.settings.halvings):
            ahead = self.at(_moved(here.turn, step / 2**halving))
            if ahead.loss < here.loss:
                return ahead
        return None

    def _part(
        self, model: LabelModel, kept: FloatArray, turn: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Contributions of one model: loss, slopes (count,), curvature (count, count) and scores (rows, count).

        The fitted labels are those of x -> Q f(Q^-1 x), for f among the functions that are kept in the standard frame.
        """
        q = model.labels.shape[1]
        target = (model.labels @ turn if q > 1 else model.labels).ravel()
        functions = self._functions(model, kept, turn)
        ridged = functions.T @ functions + model.ridge * np.eye(functions.shape[1])
        coefficients = np.linalg.solve(ridged, functions.T @ target)
        rest = target - functions @ coefficients
        inner = (kept @ coefficients.reshape(model.sets, -1).T).T.reshape(model.sets, -1, q)
        slants = self._slants(model, inner, turn)
        across = slants - functions @ np.linalg.solve(ridged, functions.T @ slants)
        per_row = (across * rest[:, None]).reshape(model.views, model.rows, q, -1).sum((0, 2))
        used = float(np.trace(np.linalg.solve(ridged, functions.T @ functions)))
        lost = 1 / max(1 - used / len(rest), 0.1)
        loss = (float(rest @ rest) + model.ridge * float(coefficients @ coefficients)) / model.noise
        return (
            np.asarray(loss),
            slants.T @ rest / model.noise,
            slants.T @ across / model.noise,
            per_row * np.sqrt(lost) / model.noise,
        )

    @staticmethod
    def _functions(model: LabelModel, kept: FloatArray, turn: FloatArray) -> FloatArray:
        """Values of the functions kept in a frame, for labels in its coordinates, (views rows q, m k)."""
        p, q = model.basis.size, model.labels.shape[1]
        moved = model.design.reshape(-1, p) @ model.basis.turned(turn).T
        values = (moved @ kept.reshape(p, -1)).reshape(len(model.labels), model.sets, q, -1)
        return np.asarray(values.transpose(0, 2, 1, 3).reshape(len(model.labels) * q, -1))

    def _slants(self, model: LabelModel, inner: FloatArray, turn: FloatArray) -> FloatArray:
        """Derivatives by the frame's angles of the labels of a function, in its coordinates, (views rows q, count).

        Args:
            model: The fit.
            inner: The function's coefficients in the frame, (m, p, q).
            turn: The frame, (n, n).
        """
        found = []
        for skew in plane_turns(len(turn)):
            sides = []
            for sign in (1, -1):
                near = turn @ cayley(sign * self.settings.difference * skew)
                outer = np.swapaxes(model.basis.turned(near), -1, -2) @ inner
                sides.append(outer @ near.T @ turn if model.labels.shape[1] > 1 else outer)
            change = (sides[0] - sides[1]).reshape(model.design.shape[1], -1) / (2 * self.settings.difference)
            found.append((model.design @ change).ravel())
        return np.stack(found, axis=1)


def _moved(turn: FloatArray, angles: FloatArray) -> FloatArray:
    return np.asarray(turn @ cayley(np.einsum("a,aij->ij", angles, plane_turns(len(turn)))))
