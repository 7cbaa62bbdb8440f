"""The correlogram: finds the subgroup that explains the residuals of a symmetric model, for finite groups and many
outputs.

A model with the symmetry H is fitted. Its residuals, seen through features of x, form a moment B. If a part of the
function is symmetric only under a smaller group K, B resembles its own images under K: c(g) = <B, g B> is large there.
The mean of c over K is the score of the likelihood towards a component that K allows, the locally most powerful
direction. All subgroups are examined together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import FiniteGroup, Representation
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.kernels import kernel_root
from sharefind.inference.statistics.listed_subgroups import members_of, membership
from sharefind.inference.statistics.moved_sums import AddedTerms, MovedTerms, regular_parts
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.meanfield.clouds.actions import JointAction


@dataclass(frozen=True)
class Correlogram(SearchStatistic):
    """Scores of all subgroups of a finite group that do not contain the hypothesis.

    kappa is the kernel of a wide two-layer network of error functions (Williams 1998); Z are landmarks, whole orbits of
    samples. The model with symmetry H is f(x) = C psi(x), psi = kappa(Z, Z)^{-1/2} kappa(Z, x), with coefficients C =
    rhohat_h C h^{-1} from ridge regression; a = (y - f(x)) / noise are its residuals. Features phi = kappa(Z, x) are
    whitened by W, which commutes with the group, so that no direction in which x varies much dominates:

        B = sum_i W phi(x_i) a_i^T,    c(g) = <B, g B>,    T_K = mean over K of c.

    The law of the inputs is examined as well, by |sum_i W phi(x_i)|^2. Up to quantities that depend only on orbits,
    this is a maximum mean discrepancy between the sample and its symmetrisation.

    Residuals, landmarks and W depend on the samples only through orbits. Moving a sample moves its term of B. A copy
    therefore costs n additions of (landmarks, q) terms and |G| inner products, and no features of its own.

    Attributes:
        in_rep: Action of the whole group on X, orthogonal.
        out_rep: Action of the whole group on Y, orthogonal.
        subgroups: The subgroups K, such as those of a family.
        inverse_length: Standard deviation of the first layer's weights, for inputs of spread 1.
        biases: Standard deviations of the first layer's biases, whose kernels are averaged, for odd and other
            functions.
        noise: Noise variance of the model with the symmetry, relative to the amplitude of its functions.
        landmarks: Number of points, in whole orbits, on which the features of x are based.
        rounding: Share of the largest eigenvalue below which a direction of the features is a rounding error.
        product_order: Largest order of a hypothesis for which copies are summed by matrix products; for larger ones
            single additions are faster.
        kept_bytes: Memory in bytes of features that are kept for all copies; larger ones are computed again for every
            block.
        piece_bytes: Memory in bytes of features at a time; larger data sets are processed in pieces.
        membership: Shape (K + 1, |G|), bool: the elements of each subgroup by number, the trivial group last.
        whole: Action of the whole group on samples.
        shared: Features of the inputs of the last hypothesis, which the next one uses where it scales inputs alike.
        name: Name in settings and records.

    Raises:
        GroupError: The group does not act orthogonally, or is too large to list.
        ConfigError: The group is infinite, or there are no subgroups.
    """

    name: ClassVar[str] = "correlogram"

    in_rep: Representation
    out_rep: Representation
    subgroups: tuple[FiniteGroup, ...]
    inverse_length: float = 1.2
    biases: tuple[float, ...] = (0.0, 1.0)
    noise: float = 0.4
    landmarks: int = 300
    rounding: float = 1e-9
    product_order: int = 120
    kept_bytes: int = 2**28
    piece_bytes: int = 2**26
    membership: Tensor = field(init=False, repr=False, compare=False)
    whole: JointAction = field(init=False, repr=False, compare=False)
    shared: list[tuple[Any, _Features]] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.in_rep.group, FiniteGroup) or not self.subgroups:
            raise ConfigError("the correlogram compares subgroups of a finite group; give at least one")
        if not (self.in_rep.is_orthogonal and self.out_rep.is_orthogonal):
            raise GroupError(f"{self.in_rep.group.name} must act on X and Y by orthogonal matrices")
        # Listed once, because each copy of a statistic in a worker would otherwise list every subgroup again.
        object.__setattr__(self, "membership", membership(self.in_rep.finite_group, self.subgroups))
        object.__setattr__(self, "whole", JointAction(self.in_rep, self.out_rep))

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields; features are computed again after unpickling."""
        return {**vars(self), "shared": []}

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """Return the scores of all subgroups of the problem."""
        return cls(problem.in_rep, problem.out_rep, problem.subgroups)

    @classmethod
    def is_default(cls, problem: ProblemTraits) -> bool:
        """Return whether the group is finite and its subgroups are listed."""
        return problem.lists_subgroups

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the scores under one hypothesis, which must be a subgroup with the action of the whole group.

        Raises:
            GroupError: `moves` is not the action of a subgroup on the same points.
        """
        members = members_of(moves, self.in_rep.finite_group, "correlogram")
        scale = orbit_scale(moves, x, y, rng, self.whole)
        inputs, labels = scale(x, y)
        features = self._features(inputs, rng)
        labels = features.residuals(labels, members)
        averages = self._averages(members)

        ones = torch.ones(len(x), 1, dtype=torch.float64)
        weights = torch.cat([labels, ones], dim=1)
        moments_of = features.moments(weights, members)

        def scores(elements: Tensor) -> Tensor:
            moments = moments_of(elements)
            correlations = features.correlations(moments[..., :-1])
            relation = correlations @ averages
            # Rounding errors must not be standardised: c(e) = |B|^2 is the scale.
            relation = torch.where(relation.abs() > self.rounding * correlations[:, :1], relation, 0.0)
            inputs = (moments[..., -1] ** 2).sum((1, 2))
            return torch.cat([relation, inputs.unsqueeze(1)], dim=1)

        row_bytes = features.row_bytes(len(members))
        return FittedStatistic(labels, of_moves=scores, row_bytes=row_bytes, resolution=scale.resolution)

    def _features(self, inputs: Tensor, rng: np.random.Generator) -> _Features:
        """Return features of scaled inputs (n, d_in): those of the last hypothesis, or new ones in their place."""
        drawn = rng.bit_generator.state
        for (known, state), features in self.shared:
            if state == drawn and torch.equal(known, inputs):
                return features
        self.shared.clear()  # before others are made: there is memory for those of one hypothesis
        features = _Features(self, inputs, rng)
        self.shared.append(((inputs, drawn), features))
        return features

    def _averages(self, members: Tensor) -> Tensor:
        """Return (|G|, K): column k averages over a subgroup that does not contain the hypothesis, elements `members`.

        The last column is the trivial group, even if it is the hypothesis.
        """
        contains = self.membership[:, members].all(1)
        contains[-1] = False
        chosen = self.membership[~contains].double()
        return (chosen / chosen.sum(1, keepdim=True)).t()

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """Return kappa(a, b), the mean of (2/pi) arcsin(2 u.v / sqrt((1 + 2|u|^2)(1 + 2|v|^2))), u = (bias, w a), shape
        (..., m, n).

        Args:
            a: Shape (..., m, d), float64.
            b: Shape (..., n, d), float64.
        """
        inner = self.inverse_length**2 * (a @ b.transpose(-1, -2))
        own_a, own_b = (self.inverse_length**2 * (v**2).sum(-1) for v in (a, b))
        total = torch.zeros_like(inner)
        for bias in self.biases:
            sizes_a, sizes_b = ((1 + 2 * (bias**2 + own)).rsqrt() for own in (own_a, own_b))
            angle = (inner + bias**2).mul_(sizes_a.unsqueeze(-1)).mul_(sizes_b.unsqueeze(-2)).mul_(2)
            total += angle.asin_()
        return total.mul_(2 / math.pi / len(self.biases))


class _Features:
    """Features of n scaled samples on p landmarks of a group of order |G|, and quantities computed from them.

    Landmark (i, g), g in G, is g z_i; the group acts on these numbers from the left.
    """

    def __init__(self, model: Correlogram, x: Tensor, rng: np.random.Generator) -> None:
        self.model, in_rep = model, model.in_rep
        on_x, self.on_y = (torch.from_numpy(rep.float_matrices()) for rep in (in_rep, model.out_rep))
        self.order = len(on_x)
        self.table = torch.from_numpy(in_rep.finite_group.multiplication_table().astype(np.int64))
        self.inverse = self.table.argmin(1)
        self.x = x
        chosen = rng.permutation(len(x))[: max(2, round(model.landmarks / self.order))]
        self.landmarks = torch.einsum("gab,ib->iga", on_x, self.x[torch.from_numpy(chosen)]).flatten(0, 1)
        # Samples in pieces of bounded memory, for every piece that is made from them.
        width = self.order * len(chosen) * (self.on_y.shape[1] + 1)
        self.pieces = torch.split(torch.arange(len(x)), max(1, model.piece_bytes // (8 * width)))
        self.whitening = self._whitening()
        # Copies share the features of all samples, as long as these fit.
        is_small = 8 * len(x) * len(self.landmarks) <= model.kept_bytes
        self.white = [self.white_of(piece) for piece in self.pieces] if is_small else []
        self.half = self._root(self._gram())
        self.functions = [self._functions(piece) for piece in self.pieces] if is_small else []

    def _gram(self) -> Tensor:
        return self.model.kernel(self.landmarks, self.landmarks)

    def _root(self, matrix: Tensor) -> Tensor:
        return kernel_root((matrix + matrix.t()) / 2, self.model.rounding)

    def white_of(self, piece: Tensor) -> Tensor:
        """Return W phi(x), one row per sample."""
        return (self.whitening @ self.model.kernel(self.landmarks, self.x[piece])).t().contiguous()

    def _whitening(self) -> Tensor:
        """Return (sum_i mean_g phi(g x_i) phi(g x_i)^T + noise kappa(Z, Z))^{-1/2}, (p, p); it commutes with
        the group.
        """
        p = len(self.landmarks)
        second = torch.zeros(p, p, dtype=torch.float64)
        for piece in self.pieces:
            features = self.model.kernel(self.landmarks, self.x[piece])
            second += features @ features.t()
        second = second.reshape(-1, self.order, p // self.order, self.order)
        # The mean depends on (i, g), (j, g') through g^{-1} g' alone.
        steps = torch.arange(self.order)
        along = torch.stack([second[:, g][..., self.table[g]] for g in steps]).mean(0)
        mean = along[..., self.table[self.inverse]].permute(0, 2, 1, 3)
        return self._root(mean.reshape(p, p) + self.model.noise * self._gram())

    def residuals(self, y: Tensor, members: Tensor) -> Tensor:
        """Return a = (y - f(x)) / noise for the ridge regression f among functions that `members`, H, fix.

        y (n, q) must not contain the part of its mean that H fixes.
        """
        parts = list(zip(self.pieces, self._all_functions(), strict=True))
        first = torch.stack([psi @ y[piece] for piece, psi in parts]).sum(0)
        weights = self._ridge(self._second, first, members)
        fitted = torch.cat([psi.t() @ weights for psi in self._all_functions()])
        return (y - fitted) / self.model.noise

    @cached_property
    def _second(self) -> Tensor:
        """sum psi psi^T over all samples, (p, p)."""
        second = torch.zeros_like(self.half)
        for psi in self._all_functions():
            second += psi @ psi.t()
        return second

    def _all_functions(self) -> Iterator[Tensor]:
        """Return `_functions` of all pieces, one after the other."""
        return iter(self.functions) if self.functions else map(self._functions, self.pieces)

    def _functions(self, piece: Tensor) -> Tensor:
        """psi, orthonormal functions that the group moves as landmarks, at some samples: (p, samples)."""
        return self.half @ self.model.kernel(self.landmarks, self.x[piece])

    def _ridge(self, second: Tensor, first: Tensor, members: Tensor) -> Tensor:
        """Coefficients of psi in each output, fixed by H, from sums of psi psi^T (p, p) and of psi y^T (p, q): (p, q).

        An orthonormal basis of what H fixes is sum_h psi[i, h g_r] rhohat_h e_b / sqrt(|H|). Its Gram matrix needs
        sums over h of entries at (h g_r, h k g_s), k in H, alone: no matrix with a row for each sample and output.
        """
        turns, orbits = self.on_y[members], _orbits(self.table[members])
        size = math.sqrt(len(members))
        sums = first.reshape(-1, self.order, first.shape[1])[:, orbits]
        moment = torch.einsum("irha,hab->irb", sums, turns) / size
        gram = torch.einsum("irjsk,kbc->irbjsc", self._along(second, members, orbits), turns) / len(members)
        gram = gram.reshape(moment.numel(), moment.numel())
        gram.diagonal().add_(self.model.noise)
        solved = torch.cholesky_solve(moment.reshape(-1, 1), torch.linalg.cholesky(gram)).reshape(moment.shape)
        weights = torch.empty_like(first).reshape(-1, self.order, first.shape[1])
        weights[:, orbits] = torch.einsum("irb,hab->irha", solved, turns) / size
        return weights.flatten(0, 1)

    def products(self, members: Tensor) -> Tensor:
        """Return the multiplication table of H in its own numbers, (|H|, |H|): k h at place (k, h)."""
        places = torch.empty(self.order, dtype=torch.int64)
        places[members] = torch.arange(len(members))
        return places[self.table[members][:, members]]

    def moments(self, labels: Tensor, members: Tensor) -> _Moments:
        """Return what maps elements to moments, of labels (n, w) under the hypothesis `members`."""
        return _Moments(self, labels, members)

    def _along(self, second: Tensor, members: Tensor, orbits: Tensor) -> Tensor:
        """sum_h second[(i, h g_r), (j, h k g_s)] for k in H: (p / |G|, |G| / |H|, p / |G|, |G| / |H|, |H|)."""
        rows = second.reshape(-1, self.order, len(second) // self.order, self.order)[:, orbits][..., orbits]
        total = torch.zeros_like(rows[:, :, 0])
        for number, product in enumerate(self.products(members)):
            total += rows[:, :, number][..., product]
        return total

    def correlations(self, moments: Tensor) -> Tensor:
        """Return c(h) = <B, h B>, (h B)[i, g] = rhohat_h B[i, h^{-1} g]: F from `moments` (R, orbits, |G|, q) -> (R,
        |G|).

        c(h) is the sum over g of <F[g], F[h^{-1} g]>, a sum of entries of the Gram matrix of F over G.
        """
        rows = moments.transpose(1, 2).flatten(2)
        gram = (rows @ rows.transpose(1, 2)).flatten(1)
        entries = torch.arange(self.order) * self.order + self.table[self.inverse]
        return gram[:, entries].sum(2)

    def row_bytes(self, members: int) -> int:
        """Return the memory in bytes of one row of `moments` and `correlations`."""
        terms = len(self.landmarks) * (self.on_y.shape[1] + 1)
        return 8 * ((members + 3) * terms + 2 * self.order**2)


class _Moments:
    """F[i, g] = rhohat_g^{-1} B[i, g] of copies of the samples, under one hypothesis H.

    In these coordinates a move is a permutation, (h F)[i, g] = F[i, h^{-1} g], and norms equal those of B.
    """

    def __init__(self, features: _Features, labels: Tensor, members: Tensor) -> None:
        """Take labels (n, w); the outputs' action moves the first q columns and leaves further ones alone."""
        self.features, self.labels = features, labels
        self.orbits, self.products = _orbits(features.table[members]), features.products(members)
        is_small = len(members) <= features.model.product_order
        self.parts = regular_parts(self.products) if is_small else None
        self.actions = torch.eye(labels.shape[1], dtype=torch.float64).repeat(features.order, 1, 1)
        q = features.on_y.shape[1]
        self.actions[:, :q, :q] = features.on_y[features.inverse]
        self.kept: dict[int, MovedTerms | AddedTerms] = {}

    def __call__(self, elements: Tensor) -> Tensor:
        """Return F of samples moved by elements (R, n), numbers in H: (R, orbits, |G|, w)."""
        features = self.features
        count, copies = len(features.landmarks) // features.order, len(elements)
        total = torch.zeros(copies, count, features.order, self.labels.shape[1], dtype=torch.float64)
        for place, piece in enumerate(features.pieces):
            sums = self._terms(place, piece).sums(elements[:, piece])
            split = sums.reshape(copies, self.orbits.shape[1], count, len(self.orbits), -1)
            total[:, :, self.orbits] += split.permute(0, 2, 3, 1, 4)
        return total

    def _terms(self, place: int, piece: Tensor) -> MovedTerms | AddedTerms:
        """Return what each sample of a piece adds to F where it stays.

        All copies of a hypothesis have the same labels, so that it is kept, by the place of the piece, as long as it
        fits.
        """
        if place in self.kept:
            return self.kept[place]
        features = self.features
        white = features.white[place] if features.white else features.white_of(piece)
        seen = torch.einsum("gab,nb->nga", self.actions, self.labels[piece])[:, self.orbits].transpose(1, 2)
        split = white.reshape(len(piece), -1, features.order)[:, :, self.orbits].permute(0, 3, 1, 2)
        each = (split.unsqueeze(-1) * seen.unsqueeze(2)).flatten(2)
        terms = AddedTerms(each, self.products) if self.parts is None else MovedTerms.of(each, self.parts)
        if each.nbytes * len(features.pieces) <= features.model.kept_bytes:
            self.kept[place] = terms
        return terms


def _orbits(left: Tensor) -> Tensor:
    """Return orbits of H on the group from the left: left[h, g] = h g (|H|, |G|) -> (|G| / |H|, |H|), row
    r is h g_r.
    """
    first = left.amin(0)
    starts = torch.unique(first)
    return left[:, starts].t()
