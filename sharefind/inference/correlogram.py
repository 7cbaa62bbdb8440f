"""The correlogram: which subgroup explains what a symmetric model leaves over? For finite groups and several outputs.

A model that has the symmetry H is fitted; its residuals, seen through features of x, form a moment B. If a part of the
function is symmetric under a smaller group K only, B resembles its own images under K: c(g) = <B, g B> is large there.
The mean of c over K is the score of the likelihood towards a component that K allows: the locally most powerful
direction. All subgroups are looked at together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import FiniteGroup, Representation
from sharefind.inference.moves import Moves, invariant_scale
from sharefind.inference.randomisation import Bound
from sharefind.meanfield.actions import JointAction

INVERSE_LENGTH = 1.2
"""Standard deviation of the first layer's weights, on inputs of spread 1."""

BIASES = (0.0, 1.0)
"""Standard deviations of the first layer's biases, whose kernels are averaged: odd functions, and others too."""

NOISE = 0.4
"""Noise variance of the model with the symmetry, relative to the amplitude of its functions."""

LANDMARKS = 300
"""Points, whole orbits, on which the features of x are based."""

FITTED = 1600
"""Most labels, samples times outputs, to which the model with the symmetry is fitted; further samples are left out."""

TINY = 1e-9
"""Share of the largest eigenvalue below which a direction of the features is rounding."""


@dataclass(frozen=True)
class Correlogram:
    """Scores of all subgroups of a finite group that do not contain the hypothesis.

    With kappa, the kernel of a wide two-layer network of error functions (Williams 1998), the model with symmetry H
    has the covariance K_H(x, x') = mean_h kappa(x, h x') rhohat_h, and its scaled residuals are
    a = (K_H + noise)^{-1} y. Features phi(x) = kappa(Z, x) on landmarks Z, whole orbits, are whitened by W, which
    commutes with the group, so that no direction in which x varies much outweighs the others; then

        B = sum_i W phi(x_i) a_i^T,    c(g) = <B, g B>,    T_K = mean over K of c.

    Residuals, landmarks and W depend on the samples through orbits alone. Costs the Cholesky factor of one
    (n q, n q) matrix a hypothesis, and |G| products of (landmarks, q) moments a copy.

    Attributes:
        in_rep, out_rep: how the whole group acts, orthogonally. subgroups: the K, such as those of a family.

    Raises:
        GroupError: the group is infinite or does not act orthogonally. ConfigError: no subgroups.
    """

    in_rep: Representation
    out_rep: Representation
    subgroups: tuple[FiniteGroup, ...]

    @property
    def name(self) -> str:
        """correlogram."""
        return "correlogram"

    def __post_init__(self) -> None:
        if not isinstance(self.in_rep.group, FiniteGroup) or not self.subgroups:
            raise ConfigError("the correlogram compares subgroups of a finite group; give at least one")
        if not (self.in_rep.is_orthogonal and self.out_rep.is_orthogonal):
            raise GroupError(f"{self.in_rep.group.name} must act on X and Y by orthogonal matrices")

    def bind(self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> Bound:
        """The scores under one hypothesis, which must be a subgroup acting as the whole group does.

        Raises:
            GroupError: `moves` is not the action of a subgroup on the same points.
        """
        null, whole = moves.group if isinstance(moves, JointAction) else None, self.in_rep.finite_group
        if not isinstance(null, FiniteGroup) or not null.is_subgroup_of(whole):
            raise GroupError("the correlogram tests subgroups of the group that it was made for")
        on_x, on_y = (torch.from_numpy(rep.float_matrices()) for rep in (self.in_rep, self.out_rep))
        kept = torch.from_numpy(rng.permutation(len(x))[: max(2, FITTED // y.shape[1])])
        scale = invariant_scale(x, np.asarray((on_x - on_x[0]).abs().amax((0, 1)) > TINY))
        points = x[kept].double() * scale
        members = torch.tensor([whole.index(g) for g in null.elements()])
        labels = torch.zeros(y.shape, dtype=torch.float64)
        labels[kept] = _residuals(points, y[kept].double(), on_x[members], on_y[members])
        orbits = torch.from_numpy(rng.permutation(len(points))[: max(2, round(LANDMARKS / whole.order))])
        landmarks = torch.einsum("gab,ib->iga", on_x, points[orbits]).flatten(0, 1)
        table = torch.from_numpy(whole.multiplication_table().astype(np.int64))
        whitening = _whitening(points, landmarks, table)
        averages = self._averages(null)

        def scores(rows_x: Tensor, rows_a: Tensor) -> Tensor:
            inputs = rows_x[:, kept].double() * scale
            moved = rows_a[:, kept].expand(len(inputs), -1, -1)
            # One row at a time: its features stay in a core's cache.
            moments = torch.stack([_kernel(landmarks, one) @ a for one, a in zip(inputs, moved, strict=True)])
            return _correlations(whitening @ moments, table, on_y) @ averages

        return Bound(labels, scores)

    def _averages(self, null: FiniteGroup) -> Tensor:
        """(|G|, K): column k takes the mean over a subgroup that does not contain the hypothesis."""
        whole = self.in_rep.finite_group
        chosen = [k for k in self.subgroups if not null.is_subgroup_of(k)]
        # The trivial group is always looked at: it finds what no listed subgroup allows.
        columns = torch.zeros(whole.order, len(chosen) + 1, dtype=torch.float64)
        columns[0, -1] = 1.0
        for place, group in enumerate(chosen):
            columns[[whole.index(g) for g in group.elements()], place] = 1.0 / group.order
        return columns


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """kappa(a, b), the mean over `BIASES` of (2/pi) arcsin(2 u.v / sqrt((1 + 2|u|^2)(1 + 2|v|^2))), u = (bias, w a).

    a (..., m, d), b (..., n, d) -> (..., m, n).
    """
    inner = INVERSE_LENGTH**2 * (a @ b.transpose(-1, -2))
    own_a, own_b = (INVERSE_LENGTH**2 * (v**2).sum(-1) for v in (a, b))
    total = torch.zeros_like(inner)
    for bias in BIASES:
        sizes_a, sizes_b = ((1 + 2 * (bias**2 + own)).rsqrt() for own in (own_a, own_b))
        angle = (inner + bias**2).mul_(sizes_a.unsqueeze(-1)).mul_(sizes_b.unsqueeze(-2)).mul_(2)
        total += angle.asin_()
    return total.mul_(2 / math.pi / len(BIASES))


def _residuals(x: Tensor, y: Tensor, on_x: Tensor, on_y: Tensor) -> Tensor:
    """a = (K_H + noise)^{-1} (y - its fixed mean): x (n, d_in), y (n, q), the elements of H (|H|, ., .) -> (n, q)."""
    n, q = y.shape
    centred = y - y.mean(0) @ on_y.mean(0).t()
    covariance = torch.zeros(n, q, n, q, dtype=torch.float64)
    for g_x, g_y in zip(on_x, on_y, strict=True):
        covariance += torch.einsum("ij,ab->iajb", _kernel(x, x @ g_x.t()), g_y / len(on_x))
    matrix = covariance.reshape(n * q, n * q)
    matrix.diagonal().add_(NOISE)
    return torch.cholesky_solve(centred.reshape(-1, 1), torch.linalg.cholesky(matrix)).reshape(n, q)


def _whitening(x: Tensor, landmarks: Tensor, table: Tensor) -> Tensor:
    """(sum_i mean_g phi(g x_i) phi(g x_i)^T + noise kappa(Z, Z))^{-1/2}, (p, p); it commutes with the group."""
    features = _kernel(landmarks, x)
    order = len(table)
    second = (features @ features.t()).reshape(-1, order, len(landmarks) // order, order)
    mean = torch.zeros_like(second)
    for h in range(order):
        mean += second[:, table[h]][:, :, :, table[h]] / order
    matrix = mean.reshape(len(landmarks), -1) + NOISE * _kernel(landmarks, landmarks)
    values, vectors = torch.linalg.eigh((matrix + matrix.t()) / 2)
    kept = values > TINY * values[-1]
    whitening: Tensor = (vectors[:, kept] * values[kept].rsqrt()) @ vectors[:, kept].t()
    return whitening


def _correlations(moments: Tensor, table: Tensor, on_y: Tensor) -> Tensor:
    """c(h) = <B, h B>, (h B)[i, g] = rhohat_h B[i, h^{-1} g]: moments (R, p, q) -> (R, |G|)."""
    order = len(table)
    split = moments.reshape(len(moments), -1, order, moments.shape[-1])
    inverse = table.argmin(1)
    return torch.stack(
        [(split * (split[:, :, table[inverse[h]]] @ on_y[h].t())).sum((1, 2, 3)) for h in range(order)], dim=1
    )
