"""The relation as proposing rows estimate it under the ties of each subgroup, and the test that follows from it.

The ties of a tested subgroup give one estimate of E[Y | X], those of the likeliest subgroup that breaks them another.
Which of the two do other rows follow, compared with copies that the tested subgroup moves? By the lemma of Neyman and
Pearson no test has more power, if the second estimate is right. Both are known before the other rows are looked at, so
the test is exact whatever they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.stabiliser_chain import Permutations
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.proposal.log_evidence import Labels, LogEvidence, fixed_pattern
from sharefind.proposal.monomials import Frame, products
from sharefind.spaces import tying
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class RelationContrast:
    """-sum_i sum_k w_k (y_ik - f_k(x_i))^2: how well the relation f of another subgroup fits the rows.

    What the tested subgroup keeps of f is taken from the labels first, which changes no comparison.

    Attributes:
        name: Name of the statistic.
        frame: Zero and unit of inputs and labels; the tested subgroup fixes the zeros.
        exponents: Exponents of the monomials, int64 (p, d_in).
        kept: The relation under the ties of the tested subgroup, in units of the labels, (d_out, p).
        rest: Difference of the other relation from it, (d_out, p).
        shift: The same of its constant, (d_out,).
        weights: w, (d_out,), one number for labels that the whole group mixes.
    """

    name: ClassVar[str] = "proposed-relation"

    frame: Frame
    exponents: IntArray
    kept: FloatArray
    rest: FloatArray
    shift: FloatArray
    weights: FloatArray

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for the subgroup that it was made for; see `Statistic`.

        Args:
            moves: As in `Statistic`.
            x: As in `Statistic`.
            y: As in `Statistic`.
            rng: As in `Statistic`.
            units: As in `Statistic`.
        """
        frame, raw = self.frame, (x.double().numpy(), y.double().numpy())
        inputs = (raw[0] - frame.x_origin) / frame.x_unit
        residual = (raw[1] - frame.y_origin) / frame.y_unit - self._design(inputs) @ self.kept.T
        largest = max(np.abs(raw[0]).max() / frame.x_unit, np.abs(raw[1]).max() / frame.y_unit)
        return FittedStatistic(
            torch.from_numpy(residual),
            self._misfit,
            row_bytes=3 * 8 * len(x) * len(self.exponents),
            inputs=torch.from_numpy(inputs),
            resolution=float(np.finfo(np.float64).eps * largest),
        )

    def _misfit(self, x: Tensor, residual: Tensor) -> Tensor:
        """Return the misfit of copies, x (R, n, d_in) and residuals (R, n, d_out): (R, 1)."""
        rows, n, d_in = x.shape
        off = self._design(x.numpy().reshape(rows * n, d_in)) @ self.rest.T + self.shift
        left = residual.numpy() - off.reshape(rows, n, -1)
        return torch.from_numpy(-np.einsum("rnk,rnk,k->r", left, left, self.weights)[:, None])

    def _design(self, inputs: FloatArray) -> FloatArray:
        return products(self.frame.powers.values(inputs), self.exponents)


@dataclass(frozen=True, eq=False)
class TiedRelations:
    """The relation that the proposing rows expect under the ties of each subgroup.

    Attributes:
        points: Points of the whole group, on outputs and inputs.
        evidence: Evidence of the coefficients.
        groups: Subgroups whose relations are compared; that without ties is always one of them.
    """

    points: JointPoints
    evidence: LogEvidence
    groups: tuple[FiniteGroup, ...]
    _known: dict[FiniteGroup | None, _Ties] = field(default_factory=dict, repr=False)

    def log(self, group: FiniteGroup) -> float:
        """Return the log evidence for the ties of a subgroup.

        Args:
            group: The subgroup.
        """
        return self._ties(group).log

    def contrast(self, group: FiniteGroup) -> RelationContrast | None:
        """Return the test of a subgroup; None where no relation that was examined breaks it.

        Args:
            group: A subgroup of the whole group.
        """
        own = self._ties(group)
        ranked = sorted((*self.groups, None), key=lambda g: -self._ties(g).log)
        other = next((self._ties(g) for g in ranked if not self._keeps(own, self._ties(g))), None)
        return None if other is None else self._contrast(own, other)

    def _contrast(self, own: _Ties, other: _Ties) -> RelationContrast:
        coefficients = self.evidence.coefficients
        frame = coefficients.frame
        x_origin, y_origin = own.of_inputs(frame.x_origin), own.of_outputs(frame.y_origin)
        shift = (other.of_outputs(frame.y_origin) - y_origin) / frame.y_unit
        return RelationContrast(
            replace(frame, x_origin=x_origin, y_origin=y_origin),
            np.concatenate([coefficients.blocks[k].exponents for k in self.evidence.telling]),
            own.relation,
            other.relation - own.relation,
            shift,
            self._weights,
        )

    @property
    def _weights(self) -> FloatArray:
        """One over the noise of each label, averaged over labels that the whole group mixes."""
        return 1 / _fixed_part(self.evidence.coefficients.noise, self._ties(self.points.group).mixed)

    def _ties(self, group: FiniteGroup | None) -> _Ties:
        if group not in self._known:
            generators = [] if group is None else on_layout(self.points, self.points.lifted(group.generator_array))
            self._known[group] = _Ties.of(self.evidence, generators)
        return self._known[group]

    def _keeps(self, own: _Ties, other: _Ties) -> bool:
        """Whether the first group keeps every relation with the ties of the second."""
        patterns = {k: other.patterns[k] for k in self.evidence.telling}
        return all(self.evidence.keeps(g, patterns) for g in own.generators)


@dataclass(frozen=True, eq=False)
class _Ties:
    """A subgroup's ties.

    evidence: of the coefficients. generators: on the layout. log: evidence. patterns: of each block that can say
    anything, by its number. outputs, inputs: what it fixes of either, as patterns. mixed: the same of the outputs,
    signs apart.
    """

    evidence: LogEvidence
    generators: list[IntArray]
    log: float
    patterns: dict[int, Labels]
    outputs: Labels
    inputs: Labels
    mixed: Labels

    @classmethod
    def of(cls, evidence: LogEvidence, generators: list[IntArray]) -> _Ties:
        patterns, layout = evidence.patterns(generators), evidence.coefficients.layout
        outputs, inputs = ([layout.signed_move(g, axis) for g in generators] for axis in layout.blocks[0])
        d_out, d_in = (layout.axes[axis].size for axis in layout.blocks[0])
        return cls(
            evidence,
            generators,
            evidence.log_of(patterns),
            dict(zip(evidence.speaking, patterns, strict=True)),
            fixed_pattern(outputs, d_out),
            fixed_pattern(inputs, d_in),
            fixed_pattern([(images, np.ones_like(signs)) for images, signs in outputs], d_out),
        )

    @cached_property
    def relation(self) -> FloatArray:
        """Coefficients of all telling blocks, (d_out, p)."""
        blocks = [(self.evidence.blocks[k], self.patterns[k]) for k in self.evidence.telling]
        return np.hstack([b.posterior_mean(labels).reshape(b.block.values.shape) for b, labels in blocks])

    def of_outputs(self, vector: FloatArray) -> FloatArray:
        """The fixed part of labels (d_out,)."""
        return _fixed_part(vector, self.outputs)

    def of_inputs(self, vector: FloatArray) -> FloatArray:
        """The fixed part of inputs (d_in,)."""
        return _fixed_part(vector, self.inputs)


def _fixed_part(vector: FloatArray, labels: Labels) -> FloatArray:
    """The projection of a vector (d,) on a pattern."""
    return np.asarray(tying.project(labels, vector[None])[0])


def on_layout(points: JointPoints, elements: Permutations | Sequence[Permutations]) -> list[IntArray]:
    """Return elements, with the images of all coordinates, as permutations of a layout's points.

    Args:
        points: The group on the points.
        elements: The elements.
    """
    start = points.group.degree
    return [np.asarray(g[start:], dtype=np.int64) - start for g in elements]
