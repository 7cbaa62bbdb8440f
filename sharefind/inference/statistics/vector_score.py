"""The score of vectors: how much of what is left of the labels do functions of single vectors and pairs explain?

Labels are fitted by a model that has the symmetry; what is left is correlated with functions of each vector and of the
difference of each pair, which a broken symmetry needs. A copy costs one pass over these functions and no fit, so that
many rows and many hypotheses are affordable; the marginal likelihood of a Gaussian process sees little of functions of
15 coordinates, and takes a Cholesky factor a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import scipy
import torch
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.inference.vectors.configuration import Configuration, scaled
from sharefind.inference.vectors.vector_layout import VectorLayout, vector_layout
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class VectorScore(SearchStatistic):
    """|M^(-1/2) Phi(x) r|^2 for each block of functions Phi, M their second moment, r what a model leaves of labels.

    The model is a ridge regression on the same functions, averaged over the group: it is fitted to copies of the rows,
    and its predictions are averaged over other copies. M is averaged over copies as well. All of that depends on orbits
    alone, and on elements that are drawn for it, so that tests are exact.

    Attributes:
        layout: Which coordinates are vectors and scalars.
        fitted_copies: Copies of the rows to which the model is fitted.
        averaged_copies: Copies over which its predictions are averaged.
        folds: Folds of the rows, to choose the ridge.
        ridges: Relative to the mean of the second moments' diagonal.
        rounding: Share of the largest eigenvalue of a second moment below which a direction is rounding.
        fewest_vectors: Number of vectors from which it is the default.

    Raises:
        GroupError: The group acts by anything but vectors and scalars.
    """

    name: ClassVar[str] = "vector-score"
    most_samples: ClassVar[int] = 4000

    layout: VectorLayout
    fitted_copies: int = 4
    averaged_copies: int = 8
    folds: int = 4
    ridges: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0)
    rounding: float = 1e-6
    fewest_vectors: ClassVar[int] = 2

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """Return the score for the vectors of a problem.

        Args:
            problem: The finding to test.

        Raises:
            GroupError: The group does not act by vectors and scalars.
        """
        layout = vector_layout(problem.in_rep, problem.out_rep)
        if layout is None:
            raise GroupError(
                f"{cls.name} needs a group that turns vectors and leaves scalars alone; use marginal-likelihood"
            )
        return cls(layout)

    @classmethod
    def is_default(cls, problem: ProblemTraits) -> bool:
        """Return whether the group is infinite and turns several vectors."""
        if problem.in_rep.group.order is not None:
            return False
        layout = vector_layout(problem.in_rep, problem.out_rep)
        return layout is not None and len(layout.x.vectors) >= cls.fewest_vectors

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """The statistic for one hypothesis."""
        scale = orbit_scale(moves, x, y, rng)
        values, gap = scaled((x.double() - scale.x_shift).numpy(), self.layout.x)
        inputs, labels = torch.from_numpy(values), scale(x, y)[1]
        functions = Configuration(self.layout.x, len(x), gap)
        left, roots = _Symmetric(self, functions, moves, inputs, labels, rng).left_over()

        def statistic(rows_x: Tensor, rows_y: Tensor) -> Tensor:
            found = [
                [_score(block, root, r) for block, root in zip(functions.blocks(a), roots, strict=True)]
                for a, r in zip(rows_x.numpy(), rows_y.expand(len(rows_x), -1, -1).numpy(), strict=True)
            ]
            return torch.tensor(found, dtype=torch.float64)

        size = 8 * sum(root.shape[1] for root in roots) * len(x)
        return FittedStatistic(left, statistic, None, size, inputs, scale.resolution)


def _score(block: FloatArray, root: FloatArray, left: FloatArray) -> float:
    """|root Phi r|^2 for functions (m, n), a root (k, m) and labels (n, q)."""
    return float(((root @ (block @ left)) ** 2).sum())


Copy = tuple[FloatArray, FloatArray]
"""Functions (m, n) and labels (n, q)."""


@dataclass(frozen=True, eq=False)
class _Symmetric:
    """The model that has the symmetry, and second moments that have it."""

    settings: VectorScore
    functions: Configuration
    moves: AmbientMoves
    x: Tensor
    y: Tensor
    rng: np.random.Generator

    def left_over(self) -> tuple[Tensor, list[FloatArray]]:
        """The model's residuals of the labels, (n, q), and the roots of the moments of each block, (k, m)."""
        copies = [self._copy() for _ in range(self.settings.fitted_copies)]
        stacked = [(_with_constant(blocks), labels) for blocks, labels in copies]
        equations = [_normal_equations(stacked, rows) for rows in self._folds]
        total = np.sum([gram for gram, _ in equations], axis=0) / len(copies)
        sizes = np.cumsum([len(block) for block in copies[0][0]])[:-1]
        own = np.split(np.arange(len(total) - 1), sizes)
        roots = [_root(total[np.ix_(place, place)], self.settings.rounding) for place in own]
        weights = self._weights(stacked, equations)
        return self.y if weights is None else self.y - self._averaged(weights), roots

    @cached_property
    def _folds(self) -> list[slice]:
        """Rows kept apart in turn, some neighbours each."""
        ends = np.linspace(0, len(self.x), self.settings.folds + 1).astype(int)
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    def _copy(self) -> tuple[list[FloatArray], FloatArray]:
        moved_x, moved_y = self._moved(self._drawn())
        return self.functions.blocks(moved_x[0].numpy()), moved_y.expand(1, -1, -1)[0].numpy()

    def _drawn(self) -> Any:
        return self.moves.draw((1, len(self.x)), self.rng)

    def _moved(self, elements: Any) -> tuple[Tensor, Tensor]:
        return self.moves.move(elements, self.x.unsqueeze(0), self.y.unsqueeze(0))

    def _weights(self, copies: Sequence[Copy], equations: Sequence[Copy]) -> FloatArray | None:
        """Return weights (m, q) of the ridge that predicts rows kept apart best; None if none does better than 0."""
        gram, right = (np.sum(parts, axis=0) for parts in zip(*equations, strict=True))
        losses = np.zeros(len(self.settings.ridges))
        for (own_gram, own_right), rows in zip(equations, self._folds, strict=True):
            apart = [(functions[:, rows], labels[rows]) for functions, labels in copies]
            for place, ridge in enumerate(self.settings.ridges):
                weights = _ridge(gram - own_gram, right - own_right, ridge)
                losses[place] += sum(float(((labels - f.T @ weights) ** 2).sum()) for f, labels in apart)
        best = int(np.argmin(losses))
        if not losses[best] < sum(float((labels**2).sum()) for _, labels in copies):
            return None
        return _ridge(gram, right, self.settings.ridges[best])

    def _averaged(self, weights: FloatArray) -> Tensor:
        """Predictions of the model, averaged over copies and taken back, (n, q)."""
        total = torch.zeros_like(self.y)
        for _ in range(self.settings.averaged_copies):
            elements = self._drawn()
            moved_x, _ = self._moved(elements)
            blocks = self.functions.blocks(moved_x[0].numpy())
            predicted = _with_constant(blocks).T @ weights
            total += self._taken_back(elements, torch.from_numpy(predicted))
        return total / self.settings.averaged_copies

    def _taken_back(self, elements: Any, predicted: Tensor) -> Tensor:
        """rhohat_g^-1 of predictions (n, q), by the orthogonal matrices of the elements."""
        q = self.y.shape[1]
        basis = torch.eye(q, dtype=torch.float64)
        columns = [
            self.moves.move(elements, self.x.unsqueeze(0), unit.expand(1, len(self.x), q))[1][0] for unit in basis
        ]
        # Column k of rhohat_g is the image of the k-th unit vector; its inverse has it as row k.
        return torch.stack([(column * predicted).sum(1) for column in columns], 1)


def _with_constant(blocks: Sequence[FloatArray]) -> FloatArray:
    """Return all functions of some blocks, and 1, (m, n)."""
    return np.concatenate([*blocks, np.ones((1, blocks[0].shape[1]))])


def _normal_equations(copies: Sequence[Copy], rows: slice) -> Copy:
    parts = [(functions[:, rows], labels[rows]) for functions, labels in copies]
    return np.asarray(sum(f @ f.T for f, _ in parts)), np.asarray(sum(f @ labels for f, labels in parts))


def _ridge(gram: FloatArray, right: FloatArray, ridge: float) -> FloatArray:
    """Weights (m, q) of normal equations, with a ridge relative to the mean of the diagonal."""
    mean = float(np.trace(gram)) / len(gram)
    return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(gram + ridge * mean * np.eye(len(gram))), right))


def _root(moment: FloatArray, rounding: float) -> FloatArray:
    """The inverse root of a second moment (m, m) as rows, (k, m); directions of rounding size are left out."""
    values, vectors = np.linalg.eigh(moment)
    kept = values > rounding * max(float(values[-1]), float(np.finfo(float).tiny))
    return np.asarray((vectors[:, kept] / np.sqrt(values[kept])).T)
