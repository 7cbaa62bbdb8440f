"""The overlap of inputs with a group: the share of an anti-invariant function that no function tied by it can copy.

Where inputs show one side of a symmetry only, every function on them is the restriction of a tied one: then no labels
speak against the group, and none for it. The measure reads inputs alone, never labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, GroupError
from sharefind.groups import FiniteGroup, subgroups
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.statistics.origin import OrbitScaling, orbit_scale
from sharefind.inference.tied_kernels import ListedGroup, matern_five_halves
from sharefind.meanfield.clouds.actions import JointAction


@dataclass(frozen=True)
class OverlapBounds:
    """Bounds of the overlap for a verdict.

    Attributes:
        accepted: Overlap below which what is not rejected is undecided.
        assured: Overlap below which the level of a rejection is not assured.

    Raises:
        ConfigError: Not 0 <= assured <= accepted <= 1.
    """

    accepted: float = 0.25
    assured: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.assured <= self.accepted <= 1:
            raise ConfigError(
                f"overlap bounds: accepted={self.accepted}, assured={self.assured}; give 0 <= assured <= accepted <= 1"
            )


@dataclass(frozen=True)
class OverlapSettings:
    """How an overlap is measured.

    Attributes:
        width: Length of the kernel, in medians of the distance between orbits.
        noise: Noise of the tied fit, relative to the amplitude. Small: what a fit leaves of every function because it
            is stiff says nothing about the inputs.
        floor: Floor of the whitening of the inputs, see `OrbitScaling`: 1 leaves each part of them as it is but for its
            size, so that parts that hardly vary, such as the corners of images, do not count like the others.
        most_values: Most values (rows, times outputs where labels move) that are read; of more, random rows.
    """

    width: float = 1.5
    noise: float = 3e-4
    floor: float = 1.0
    most_values: int = 600


def overlap(
    x: Tensor, y: Tensor, moves: AmbientMoves, rng: np.random.Generator, settings: OverlapSettings | None = None
) -> float:
    r"""How much inputs can say about a group G: about 0 where they show one side, 1 where their law is invariant.

    For a subgroup K, let A = K_K - K_G be the covariance of what is left of a random function tied by K when its part
    tied by G is taken away, and R = noise (K_G + noise)^{-1} what a fit tied by G leaves. The overlap is

    $$o = \min_K \frac{\operatorname{tr} R A R}{\mathbb{E} \operatorname{tr} R' A' R'},$$

    where R' and A' are those of rows that were each moved by a Haar element of G of its own, and K runs over the
    maximal subgroups. The least counts, since inputs may show one part of a group and not another: a mirror and no
    rotation. K is trivial, and K_K the free kernel, for a group of prime order, and where the subgroups are too many to
    be listed; then the overlap does not distinguish parts of the group.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out); how the group acts on them matters, their values do not.
        moves: The group, orthogonal, finite and small enough to be listed.
        rng: Source of the rows that are read, where they are many.
        settings: Kernel, noise and rows; `OverlapSettings()` where None.

    Returns:
        The overlap, at most 1; 0 where the group moves no row.

    Raises:
        GroupError: The group is infinite, or too large to be listed.
    """
    settings, group = settings or OverlapSettings(), ListedGroup.of(moves)
    most = max(2, settings.most_values // group.row_width)
    chosen = torch.from_numpy(np.sort(rng.permutation(len(x))[:most]))
    rows, labels = x[chosen].double(), y[chosen].double()
    scaled, _ = orbit_scale(moves, rows, labels, rng, settings=OrbitScaling(floor=settings.floor))(rows, labels)
    left = _Left.of(group, scaled, settings)
    shares = [left.share(places, weights) for places, weights in _steps(moves)]
    return min((share for share in shares if share is not None), default=0.0)


def _steps(moves: AmbientMoves) -> Iterator[tuple[list[int], Tensor]]:
    """The maximal subgroups: the places of their elements, and how often each element is a conjugate of one of them.

    The latter are shares, shape (g,). The trivial subgroup alone where subgroups cannot be listed.
    """
    group = moves.group if isinstance(moves, JointAction) else None
    if not isinstance(group, FiniteGroup):
        return
    try:
        below = [part for part in subgroups(group) if part.order < group.order]
    except GroupError:
        yield [0], torch.eye(1, group.order, dtype=torch.float64)[0]
        return
    table = torch.from_numpy(group.multiplication_table().astype(np.int64))
    inverse, every = table.argmin(1), torch.arange(group.order).unsqueeze(1)
    for part in below:
        if not any(part.order < other.order and part.is_subgroup_of(other) for other in below):
            places = [group.index(element) for element in part.elements()]
            conjugates = table[table[inverse.unsqueeze(1), torch.tensor(places)], every]
            counts = torch.bincount(conjugates.flatten(), minlength=group.order)
            yield places, counts.double() / counts.sum()


@dataclass(frozen=True)
class _Left:
    """The residuals of functions at the rows after a fit tied by the whole group.

    With k_h(i, j) = k(x_i, h x_j), the kernel of a subgroup is the mean of k_h rho(h) over its elements, so that traces
    with it are means of one number for each element.

    A row that h moves has its block of K_G and R turned by rho(h). The same of A leaves, in the mean over h, no block
    but those on the diagonal: there, the mean over conjugates of K less that over G. So no element is drawn.

    Attributes:
        seen: tr R k_h rho(h) R for each element, shape (g,).
        moved: The same with the blocks of k_h that are not on the diagonal left out.
        sizes: tr k_h rho(h), over the number of labels.
        rows: n.
    """

    seen: Tensor
    moved: Tensor
    sizes: Tensor
    rows: int

    @classmethod
    def of(cls, group: ListedGroup, x: Tensor, settings: OverlapSettings) -> _Left:
        """At scaled inputs (n, d_in)."""
        length, n, width = settings.width * group.median_distance(x), len(x), group.row_width
        on_y = group.on_y if width > 1 else group.on_y[:, :1, :1]
        (tied,) = group.tied(x, [length])
        tied.diagonal().add_(settings.noise)
        root = settings.noise * torch.cholesky_inverse(torch.linalg.cholesky(tied))
        squared = (root @ root).reshape(n, width, n, width)
        seen = _traces(group, x, length, squared.permute(1, 3, 0, 2).reshape(width**2, -1), on_y)
        kernels = matern_five_halves(torch.stack([((x - images) ** 2).sum(1) for images in group.images(x)]), length)
        blocks = torch.einsum("nanb->nab", squared)
        moved = torch.einsum("gn,nab,gab->g", kernels, blocks, on_y)
        return cls(seen, moved, kernels.mean(1) * torch.einsum("gaa->g", on_y) / width, n)

    def share(self, places: list[int], weights: Tensor) -> float | None:
        """tr R A R over the mean of the same of moved rows, for the subgroup with these elements; None where A is 0.

        Args:
            places: Places of the elements.
            weights: How often each element is one of a conjugate of the subgroup, shape (g,).
        """
        less = weights - 1 / len(weights)
        if float(less @ self.sizes) <= self.rows * torch.finfo(torch.float64).eps:
            return None
        return min(1.0, max(0.0, float((self.seen[places].mean() - self.seen.mean()) / (less @ self.moved))))


def _traces(group: ListedGroup, x: Tensor, length: float, squared: Tensor, on_y: Tensor) -> Tensor:
    """tr R k_h rho(h) R for each element, (g,), from R^2 as (width^2, n^2) and rho (g, width, width)."""
    found, start = list[Tensor](), 0
    for part in group.distances(x):
        kernels = matern_five_halves(part, length).flatten(1)
        own = on_y[start : start + len(part)].flatten(1)
        found.append(((kernels @ squared.t()) * own).sum(1))
        start += len(part)
    return torch.cat(found)
