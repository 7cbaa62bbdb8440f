"""What can inputs say about a group? The share of an anti-invariant function that no function tied by it can copy.

Where inputs show one side of a symmetry only, every function on them is the restriction of a tied one: then no labels
speak against the group, and none for it. The measure reads inputs alone, never labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.relation.tied_kernels import ListedGroup
from sharefind.inference.statistics.origin import OrbitScaling, orbit_scale


@dataclass(frozen=True)
class OverlapBounds:
    """What an overlap must be for a verdict.

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
    most_values: int = 1000


def overlap(
    x: Tensor, y: Tensor, moves: Moves, rng: np.random.Generator, settings: OverlapSettings | None = None
) -> float:
    r"""How much inputs can say about a group: about 0 where they show one side of it, 1 where their law is invariant.

    With R = noise (K_H + noise)^{-1} and A = k - K_H, the covariance of the part of a random function that vanishes
    when it is tied, this is

    $$o = \frac{\operatorname{tr} R A R}{\mathbb{E} \operatorname{tr} R' A' R'},$$

    where R' and A' are those of rows that were each moved by a Haar element of its own.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out); how the group acts on them matters, their values do not.
        moves: The group, orthogonal, finite and small enough to be listed.
        rng: Of the rows that are read, where they are many.
        settings: Kernel, noise and rows; `OverlapSettings()` where None.

    Returns:
        The overlap, at most 1; 0 where the group moves no row.

    Raises:
        GroupError: The group is infinite, or too large to be listed.
    """
    settings, group = settings or OverlapSettings(), ListedGroup.of(moves)
    most = max(2, settings.most_values // (group.on_y.shape[1] if group.moves_labels else 1))
    chosen = torch.from_numpy(np.sort(rng.permutation(len(x))[:most]))
    rows, labels = x[chosen].double(), y[chosen].double()
    scaled, _ = orbit_scale(moves, rows, labels, rng, settings=OrbitScaling(floor=settings.floor))(rows, labels)
    return _share_left(group, scaled, settings)


def _share_left(group: ListedGroup, x: Tensor, settings: OverlapSettings) -> float:
    """The overlap of scaled inputs (n, d_in).

    Haar moves turn the blocks of K_H and R by rho(h) alone. Of A they leave the blocks on the diagonal, D, and the mean
    of every other block over h is 0: the denominator is tr R D R, and no element is drawn.
    """
    length = settings.width * _between_orbits(group, x)
    (tied,), free = group.tied(x, [length]), group.free(x, length)
    root = settings.noise * torch.linalg.inv(tied + settings.noise * torch.eye(len(tied), dtype=torch.float64))
    anti, width = free - tied, len(tied) // len(x)
    if float(anti.diagonal().mean()) <= len(anti) * torch.finfo(torch.float64).eps:
        return 0.0
    weighted = ((root @ root) * anti).reshape(len(x), width, len(x), width)
    return min(1.0, max(0.0, float(weighted.sum() / torch.einsum("nanb->", weighted))))


def _between_orbits(group: ListedGroup, x: Tensor) -> float:
    """The median distance between orbits, 1 where there is one orbit only."""
    between = group.orbit_distances(x)[~torch.eye(len(x), dtype=torch.bool)]
    return float(between[between > 0].median()) if bool((between > 0).any()) else 1.0
