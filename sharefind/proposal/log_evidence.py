"""The evidence of coefficients for an exact tying space: its log marginal likelihood, comparable between spaces.

A space in which coefficients are tied gains where the data agree with the ties, the more the better they are known, and
loses where they do not: Occam's factor, without a penalty to choose (MacKay 1992, "Bayesian interpolation").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.proposal.coefficients import CoefficientBlock, Coefficients, Signed
from sharefind.spaces import tying
from sharefind.typing import FloatArray, IntArray

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class BlockEvidence:
    """log p(values | tied as labels say) of one block, values | W ~ N(W, precision^-1), classes of W ~ N(0, tau^2).

    Each kind has its own tau^2, its mean square beyond the noise: off the diagonal of a weight, say, values may be
    smaller than on it. But not by more than a factor.

    Attributes:
        block: The coefficients.
        kinds: Which of them permutations could tie, int64 (dim,).
        smallest_kind: Smallest root mean square of a kind of coefficients that is expected, as a share of that of its
            block.
    """

    block: CoefficientBlock
    kinds: IntArray
    smallest_kind: float = 0.1

    @cached_property
    def _excess(self) -> FloatArray:
        """Squares of the values beyond the noise, (dim,)."""
        return (self.block.values**2 - self.block.variance).ravel()

    @cached_property
    def tau2(self) -> FloatArray:
        """Variance of the values of each kind, (kinds,); 0 where the block shows no signal."""
        own = np.bincount(self.kinds, weights=self._excess) / np.bincount(self.kinds)
        return np.asarray(np.maximum(own, max(0.0, float(np.mean(self._excess))) * self.smallest_kind**2))

    @cached_property
    def _pulled(self) -> FloatArray:
        precision, values = self.block.precision, self.block.values.ravel()
        return precision * values if precision.ndim == 1 else precision @ values

    def _gathered(self, labels: Labels) -> tuple[FloatArray, FloatArray]:
        """C^T precision C (k, k), or its diagonal (k,), and C^T precision values (k,), C the incidence of classes."""
        classes, signs, k = np.abs(labels).astype(np.int64), np.sign(labels).astype(np.float64), int(labels.max())
        pulled = np.bincount(classes, weights=self._pulled * signs, minlength=k + 1)[1:].astype(np.float64)
        precision = self.block.precision
        if precision.ndim == 1:
            return np.bincount(classes, weights=precision * signs**2, minlength=k + 1)[1:].astype(np.float64), pulled
        incidence = scipy.sparse.csr_array((signs, (np.arange(labels.size), classes)), shape=(labels.size, k + 1))
        return np.asarray(incidence.T @ (incidence.T @ precision).T, dtype=np.float64)[1:, 1:], pulled

    def _spread(self, labels: Labels) -> FloatArray:
        """Prior standard deviation of class 1, 2, ..., (k,)."""
        classes = np.abs(labels).astype(np.int64)
        first = np.zeros(int(labels.max()) + 1, dtype=np.int64)
        first[classes[::-1]] = self.kinds[::-1]
        return np.asarray(np.sqrt(self.tau2[first[1:]]))

    def log(self, labels: Labels) -> float:
        """Return the log evidence, without terms that do not depend on the labels.

        A kind that vanishes as a whole is compared with a kind whose mean is as large as the block's values.

        Args:
            labels: Canonical labels, int32 (dim,).
        """
        if not self.tau2.any():
            return 0.0
        lost = np.bincount(self.kinds, weights=labels != 0) == 0
        return self._tied(labels) + float(self._vanishing[lost].sum())

    @cached_property
    def _vanishing(self) -> FloatArray:
        """Log evidence for "the mean of a kind is 0", (kinds,)."""
        means, errors = self.refit((self.kinds + 1).astype(np.int32))
        return vanishing(means / errors, max(0.0, float(np.mean(self._excess))) / errors**2)

    def _tied(self, labels: Labels) -> float:
        """The log evidence under the prior of each kind."""
        if labels.max() == 0:
            return 0.0
        _, pulled, loaded = self._loaded(labels)
        if loaded.ndim == 1:
            return float(0.5 * (pulled**2 / loaded - np.log(loaded)).sum())
        return 0.5 * (float(pulled @ np.linalg.solve(loaded, pulled)) - float(np.linalg.slogdet(loaded)[1]))

    def _loaded(self, labels: Labels) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Prior deviations S (k,), S C^T precision values (k,), and 1 + S C^T precision C S (k, k), or its diagonal."""
        inner, pulled = self._gathered(labels)
        spread = self._spread(labels)
        if inner.ndim == 1:
            return spread, spread * pulled, 1 + spread**2 * inner
        return spread, spread * pulled, np.eye(len(inner)) + np.multiply.outer(spread, spread) * inner

    def posterior_mean(self, labels: Labels) -> FloatArray:
        """Return the mean of the values under ties, given the data; 0 where the block shows no signal.

        Args:
            labels: Canonical labels, int32 (dim,).

        Returns:
            Shape (dim,).
        """
        if labels.max() == 0 or not self.tau2.any():
            return np.zeros(labels.size)
        spread, pulled, loaded = self._loaded(labels)
        values = spread * (pulled / loaded if loaded.ndim == 1 else np.linalg.solve(loaded, pulled))
        return of_classes(values, labels)

    def misfit(self, labels: Labels) -> tuple[float, int]:
        """Return the squared distance of the values from the space in units of the noise, and its degrees of freedom.

        Args:
            labels: Canonical labels, int32 (dim,).
        """
        total = float(self.block.values.ravel() @ self._pulled)
        if labels.max() == 0:
            return total, labels.size
        inner, pulled = self._gathered(labels)
        solved = pulled / inner if inner.ndim == 1 else np.linalg.solve(inner, pulled)
        return total - float(pulled @ solved), labels.size - int(labels.max())

    def refit(self, labels: Labels) -> tuple[FloatArray, FloatArray]:
        """Return generalised least squares under the ties: values of class 1, 2, ..., shape (k,), and standard errors,
        shape (k,).

        Args:
            labels: Canonical labels, int32 (dim,).
        """
        inner, pulled = self._gathered(labels)
        if inner.ndim == 1:
            return pulled / inner, 1 / np.sqrt(inner)
        inverse = np.linalg.inv(inner)
        return inverse @ pulled, np.sqrt(np.diag(inverse))


def vanishing(z: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return log evidence for values being 0.

    Args:
        z: Values in units of their standard errors.
        ratio: Variance of values that are not 0, over that of the errors.
    """
    return np.asarray(0.5 * (np.log1p(ratio) - z**2 * ratio / (1 + ratio)))


@dataclass(frozen=True, eq=False)
class LogEvidence:
    """The log evidence for what permutations of a layout leave fixed, over all blocks of coefficients.

    The constants of the outputs and the moments of X can only speak against a group: that all outputs have one mean, or
    all inputs one variance, is so often true that it says nothing about the relation. Constants about the means of the
    data say nothing at all.

    Attributes:
        coefficients: Coefficients of the data.
        signal: p-value below which coefficients are no noise.
        ambient: Generators of all moves that are considered, as permutations of the layout's points; the swaps of the
            layout where None.
    """

    coefficients: Coefficients
    signal: float = 1e-3
    ambient: tuple[IntArray, ...] | None = None
    _known: dict[tuple[int, bytes], float] = field(default_factory=dict, repr=False)

    @cached_property
    def blocks(self) -> tuple[BlockEvidence, ...]:
        """One for each block of coefficients, then one for each block of moments of X."""
        found = (*self.coefficients.blocks, *self.coefficients.inputs)
        ambient = self.coefficients.layout.swaps if self.ambient is None else self.ambient
        moved = [self.coefficients.moved(g) for g in ambient]
        blocks = []
        for k, block in enumerate(found):
            tied = tying.components(np.stack([m[k][0] for m in moved])) if moved else np.zeros(block.dim)
            blocks.append(BlockEvidence(block, np.asarray(tied, dtype=np.int64)))
        return tuple(blocks)

    @cached_property
    def linear(self) -> BlockEvidence:
        """That of the linear block."""
        return next(b for b in self.blocks if b.block.name == "linear")

    @cached_property
    def speaking(self) -> tuple[int, ...]:
        """The blocks that can say anything: those with a signal, without the constants of data about their means."""
        silent = "constant" if self.coefficients.about == "mean" else ""
        return tuple(k for k, b in enumerate(self.blocks) if b.block.name != silent and b.tau2.any())

    @property
    def telling(self) -> tuple[int, ...]:
        """Those of them that say how y depends on x."""
        return tuple(k for k in self.speaking if k < len(self.coefficients.blocks))

    def log(self, generators: Sequence[IntArray]) -> float:
        """Return log evidence for the fixed space of the group that permutations generate.

        Args:
            generators: The permutations.
        """
        return self.log_of(self.patterns(generators))

    def log_of(self, patterns: Sequence[Labels]) -> float:
        """Return log evidence for ties of each block that has information.

        Args:
            patterns: The ties, as `patterns` returns them.
        """
        return sum(self._block(k, labels) for k, labels in zip(self.speaking, patterns, strict=True))

    def _block(self, k: int, labels: Labels) -> float:
        key = (k, labels.tobytes())
        if key not in self._known:
            found = self.blocks[k]
            log = found.log(labels)
            is_veto = not self._is_relation(found.block)
            self._known[key] = min(0.0, log - found.log(free(found.block.dim))) if is_veto else log
        return self._known[key]

    def _is_relation(self, block: CoefficientBlock) -> bool:
        """Whether a block says how Y depends on X."""
        return block.name != "constant" and block not in self.coefficients.inputs

    def log_of_sign(self, minus: IntArray) -> float:
        """Return log evidence for the symmetry x to -x, y to -y against none.

        It is in favour where the constants vanish, against constants as large as the labels (mean square 1); everything
        else of even degree can only speak against it.

        Args:
            minus: The permutation of the points.
        """
        constant = next((b.block for b in self.blocks if b.block.name == "constant"), None)
        if constant is None:
            return -np.inf
        spread = constant.variance.ravel()
        gain = vanishing(constant.values.ravel() / np.sqrt(spread), 1 / spread).sum()
        return float(self.log((minus,)) - self.log(()) + gain)

    @cached_property
    def has_signal(self) -> bool:
        """Whether any block but the constants differs from noise, by chi^2 each."""
        for found in self.blocks:
            misfit, dof = found.misfit(np.zeros(found.block.dim, dtype=np.int32))
            if self._is_relation(found.block) and scipy.special.chdtrc(dof, misfit) < self.signal:
                return True
        return False

    def patterns(self, generators: Sequence[IntArray]) -> list[Labels]:
        """Return the fixed space of a group in each block that has information, int32 (dim,) each.

        Args:
            generators: Permutations that generate the group.
        """
        moved = [self.coefficients.moved(g) for g in generators]
        return [fixed_pattern([m[k] for m in moved], self.blocks[k].block.dim) for k in self.speaking]

    def keeps(self, g: IntArray, patterns: Mapping[int, Labels]) -> bool:
        """Return whether a permutation of the layout's points fixes everything that has these ties.

        Args:
            g: The permutation.
            patterns: Ties of some blocks, by their numbers.
        """
        moved = self.coefficients.moved(g)
        return all(np.array_equal(labels[moved[k][0]], moved[k][1] * labels) for k, labels in patterns.items())

    def weights(self, generators: Sequence[IntArray]) -> Labels:
        """Return the fixed space in the parameters of the layout, int32 (dim,).

        Args:
            generators: Permutations that generate the group.
        """
        layout = self.coefficients.layout
        return fixed_pattern([layout.parameter_move(g) for g in generators], layout.dim)


def of_classes(values: FloatArray, labels: Labels) -> FloatArray:
    """Return values of classes with their signs at each place of a pattern.

    Args:
        values: Values of class 1, 2, ..., shape (k,).
        labels: The pattern, int32 (dim,).

    Returns:
        Shape (dim,).
    """
    return np.asarray(np.concatenate([[0.0], values])[np.abs(labels)] * np.sign(labels))


def fixed_pattern(moved: Sequence[Signed], dim: int) -> Labels:
    """Return the fixed space of signed permutations, int32 (dim,); no ties where there are no permutations.

    Args:
        moved: The signed permutations.
        dim: Number of entries.
    """
    if not moved:
        return free(dim)
    targets, signs = zip(*moved, strict=True)
    flips = np.stack(signs)
    return tying.tied(np.stack(targets), flips if np.any(flips < 0) else None)


def free(dim: int) -> Labels:
    """Return a pattern without ties.

    Args:
        dim: Number of entries.
    """
    return np.arange(1, dim + 1, dtype=np.int32)
