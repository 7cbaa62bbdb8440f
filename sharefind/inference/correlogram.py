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

TINY = 1e-9
"""Share of the largest eigenvalue below which a direction of the features is rounding."""

KEPT_BYTES = 2**28
"""Bytes of features that are kept for all copies; beyond, they are computed again for every block of copies."""

BYTES = 2**26
"""Bytes of features that are held at a time: larger data sets go through in pieces."""


@dataclass(frozen=True)
class Correlogram:
    """Scores of all subgroups of a finite group that do not contain the hypothesis.

    kappa is the kernel of a wide two-layer network of error functions (Williams 1998), Z are landmarks, whole orbits of
    samples. The model with symmetry H is f(x) = C psi(x), psi = kappa(Z, Z)^{-1/2} kappa(Z, x), with coefficients
    C = rhohat_h C h^{-1} by ridge regression, and a = (y - f(x)) / noise are its residuals. Features phi = kappa(Z, x)
    are whitened by W, which commutes with the group, so that no direction in which x varies much outweighs the others:

        B = sum_i W phi(x_i) a_i^T,    c(g) = <B, g B>,    T_K = mean over K of c.

    The law of the inputs is looked at too, by |sum_i W phi(x_i)|^2: up to what orbits decide, a maximum mean
    discrepancy between the sample and its symmetrisation.

    Residuals, landmarks and W depend on the samples through orbits alone. Moving a sample moves its term of B, so a
    copy costs n additions of (landmarks, q) terms and |G| inner products, and no features of its own.

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
        features = _Features(self.in_rep, self.out_rep, x, rng)
        members = torch.tensor([whole.index(g) for g in null.elements()])
        labels = features.residuals(y.double(), members)
        averages = self._averages(null)

        ones = torch.ones(len(x), 1, dtype=torch.float64)
        weights = torch.cat([labels, ones], dim=1)

        def scores(elements: Tensor) -> Tensor:
            moments = features.moments(weights, members, elements)
            correlations = features.correlations(moments[..., :-1])
            relation = correlations @ averages
            # What is 0 but for rounding must not be standardised: c(e) = |B|^2 is the scale.
            relation = torch.where(relation.abs() > TINY * correlations[:, :1], relation, 0.0)
            inputs = (moments[..., -1] ** 2).sum((1, 2))
            return torch.cat([relation, inputs.unsqueeze(1)], dim=1)

        return Bound(labels, of_moves=scores)

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


class _Features:
    """Features of n samples on p landmarks of a group of order |G|, and what is computed in them.

    Landmark (i, g), g in G, is g z_i; the group acts on these numbers from the left.
    """

    def __init__(self, in_rep: Representation, out_rep: Representation, x: Tensor, rng: np.random.Generator) -> None:
        on_x, self.on_y = (torch.from_numpy(rep.float_matrices()) for rep in (in_rep, out_rep))
        self.order = len(on_x)
        self.table = torch.from_numpy(in_rep.finite_group.multiplication_table().astype(np.int64))
        self.x = x.double() * invariant_scale(x, np.asarray((on_x - on_x[0]).abs().amax((0, 1)) > TINY))
        chosen = rng.permutation(len(x))[: max(2, round(LANDMARKS / self.order))]
        self.landmarks = torch.einsum("gab,ib->iga", on_x, self.x[torch.from_numpy(chosen)]).flatten(0, 1)
        # Samples in pieces of bounded memory, for every piece that is made from them.
        width = self.order * len(chosen) * (self.on_y.shape[1] + 1)
        self.pieces = torch.split(torch.arange(len(x)), max(1, BYTES // (8 * width)))
        self.whitening = self._whitening()
        # Copies share the features of all samples, as long as these fit.
        is_small = 8 * len(x) * len(self.landmarks) <= KEPT_BYTES
        self.white = [self._white(piece) for piece in self.pieces] if is_small else []
        self.half = _inverse_root(_kernel(self.landmarks, self.landmarks))

    def _white(self, piece: Tensor) -> Tensor:
        """W phi(x), one row a sample."""
        return (self.whitening @ _kernel(self.landmarks, self.x[piece])).t().contiguous()

    def _whitening(self) -> Tensor:
        """(sum_i mean_g phi(g x_i) phi(g x_i)^T + noise kappa(Z, Z))^{-1/2}, (p, p); it commutes with the group."""
        p = len(self.landmarks)
        second = torch.zeros(p, p, dtype=torch.float64)
        for piece in self.pieces:
            features = _kernel(self.landmarks, self.x[piece])
            second += features @ features.t()
        second = second.reshape(-1, self.order, p // self.order, self.order)
        mean = torch.zeros_like(second)
        for h in range(self.order):
            mean += second[:, self.table[h]][:, :, :, self.table[h]] / self.order
        return _inverse_root(mean.reshape(p, p) + NOISE * _kernel(self.landmarks, self.landmarks))

    def residuals(self, y: Tensor, members: Tensor) -> Tensor:
        """a = (y - f(x)) / noise, (n, q), for the ridge regression f among functions that `members`, H, leave alone."""
        centred = y - y.mean(0) @ self.on_y[members].mean(0).t()
        orbits = _orbits(self.table[members])
        size = self.on_y.shape[1] * len(self.landmarks) // len(members)
        gram = torch.zeros(size, size, dtype=torch.float64)
        moment = torch.zeros(size, 1, dtype=torch.float64)
        for piece in self.pieces:
            design = self._design(piece, members, orbits)
            gram += design.t() @ design
            moment += design.t() @ centred[piece].reshape(-1, 1)
        gram.diagonal().add_(NOISE)
        weights = torch.cholesky_solve(moment, torch.linalg.cholesky(gram))
        fitted = [self._design(piece, members, orbits) @ weights for piece in self.pieces]
        return (centred - torch.cat(fitted).reshape(y.shape)) / NOISE

    def _design(self, piece: Tensor, members: Tensor, orbits: Tensor) -> Tensor:
        """psi in an orthonormal basis of the coefficients that H fixes: (samples q, q p / |H|)."""
        psi = self.half @ _kernel(self.landmarks, self.x[piece])
        on_orbits = psi.reshape(-1, self.order, len(piece))[:, orbits]
        basis = torch.einsum("irhn,hab->nairb", on_orbits, self.on_y[members]) / math.sqrt(len(members))
        return basis.reshape(len(piece) * self.on_y.shape[1], -1)

    def moments(self, labels: Tensor, members: Tensor, elements: Tensor) -> Tensor:
        """B of samples moved by elements (R, n), numbers in H: (R, orbits, |G|, w).

        labels (n, w): the outputs' action moves the first q columns, further ones are invariant.
        """
        q = labels.shape[1]
        actions = torch.eye(q, dtype=torch.float64).repeat(self.order, 1, 1)
        actions[:, : self.on_y.shape[1], : self.on_y.shape[1]] = self.on_y
        total = torch.zeros(len(elements), len(self.landmarks) // self.order, self.order, q, dtype=torch.float64)
        for number, piece in enumerate(self.pieces):
            white = self.white[number] if self.white else self._white(piece)
            terms = (white.unsqueeze(2) * labels[piece].unsqueeze(1)).flatten(1)
            for row, moves in zip(total, elements[:, piece], strict=True):
                sums = torch.zeros(len(members), terms.shape[1], dtype=torch.float64).index_add_(0, moves, terms)
                for h, part in zip(members, sums.reshape(len(members), *row.shape), strict=True):
                    row[:, self.table[h]] += part @ actions[h].t()
        return total

    def correlations(self, moments: Tensor) -> Tensor:
        """c(h) = <B, h B>, (h B)[i, g] = rhohat_h B[i, h^{-1} g]: moments (R, orbits, |G|, q) -> (R, |G|)."""
        inverse = self.table.argmin(1)
        found = torch.empty(len(moments), self.order, dtype=torch.float64)
        for h, back in enumerate(inverse.tolist()):
            # The action is orthogonal, so c(h) = c(h^{-1}).
            if back < h:
                found[:, h] = found[:, back]
            else:
                images = moments[:, :, self.table[back]] @ self.on_y[h].t()
                found[:, h] = (moments * images).sum((1, 2, 3))
        return found


def _orbits(left: Tensor) -> Tensor:
    """Orbits of H on the group from the left: left[h, g] = h g (|H|, |G|) -> (|G| / |H|, |H|), row r is h g_r."""
    first = left.amin(0)
    starts = torch.unique(first)
    return left[:, starts].t()


def _inverse_root(matrix: Tensor) -> Tensor:
    """The symmetric inverse root; directions of rounding size are left out."""
    values, vectors = torch.linalg.eigh((matrix + matrix.t()) / 2)
    kept = values > TINY * values[-1]
    root: Tensor = (vectors[:, kept] * values[kept].rsqrt()) @ vectors[:, kept].t()
    return root
