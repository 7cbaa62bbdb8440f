"""How a model is tied: from which points its features are made, what it is fitted to, how its predictions are read.

Where all elements can be listed, features are means over orbits, and the model is equivariant by construction. For
other groups a model sees images of the samples, and its predictions are means over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.label_parts import LabelPart, label_parts
from sharefind.inference.tied_kernels import ListedGroup
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.clouds.standardise import LAST_PLACES
from sharefind.spaces.tying import connected


class Tying(Protocol):
    """How a model uses a group."""

    @property
    def parts(self) -> list[LabelPart]:
        """Parts of the labels, each with a model of its own, whose matrices belong to these elements."""
        ...

    @property
    def centre(self) -> Tensor:
        """The origin, which is subtracted from inputs, (d_in,)."""
        ...

    @property
    def covariance(self) -> Tensor:
        """Covariance of the inputs with all images, shape (d_in, d_in)."""
        ...

    @property
    def blocks(self) -> NDArray[np.int64]:
        """The block of each input; the group mixes inputs of one block, (d_in,)."""
        ...

    @property
    def pool(self) -> Tensor:
        """Points among which landmarks are drawn, (N, d_in)."""
        ...

    def images(self, points: Tensor) -> Tensor:
        """Return the images of landmarks over which a feature is the mean, shape (g, p, d_in).

        Args:
            points: Landmarks, mapped by what commutes with the group, shape (p, d_in).
        """
        ...

    def samples(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the samples that a model is fitted to.

        Args:
            rows: Numbers of the rows, shape (n,).

        Returns:
            Inputs, shape (N, d_in), and labels, shape (N, q).
        """
        ...

    def predicted(self, rows: Tensor, values: Tensor) -> Tensor:
        """Return predictions of the rows from predictions at `samples(rows)`.

        Args:
            rows: Numbers of the rows, shape (n,).
            values: Predictions at the samples, shape (..., N, q).

        Returns:
            Shape (..., n, q).
        """
        ...


@dataclass(frozen=True)
class ListedTying:
    """All elements of a finite group; of the trivial group for the free model.

    Attributes:
        group: The elements.
        x: Inputs, (n, d_in).
        y: Labels, (n, q).
        parts: See `Tying`.
        centre: See `Tying`.
        covariance: See `Tying`.
        blocks: See `Tying`.
    """

    group: ListedGroup
    x: Tensor
    y: Tensor
    parts: list[LabelPart]
    centre: Tensor
    covariance: Tensor
    blocks: NDArray[np.int64]

    @classmethod
    def of(cls, group: ListedGroup, x: Tensor, y: Tensor, rng: np.random.Generator) -> ListedTying:
        """Return the tying of a listed group.

        Args:
            group: The group.
            x: Inputs, shape (n, d_in), float64.
            y: Labels, shape (n, q), float64.
            rng: Source of random numbers.
        """
        centre = group.on_x.mean(0) @ x.mean(0)
        moment = (x - centre).t() @ (x - centre) / len(x)
        covariance = group.averaged(moment)
        return cls(group, x, y, label_parts(group.on_y, rng), centre, covariance, _blocks(group.on_x))

    @classmethod
    def free(cls, x: Tensor, y: Tensor, rng: np.random.Generator) -> ListedTying:
        """Return the tying of the trivial group.

        Args:
            x: Inputs, shape (n, d_in), float64.
            y: Labels, shape (n, q), float64.
            rng: Source of random numbers.
        """
        unit_x, unit_y = (torch.eye(v.shape[1], dtype=torch.float64).unsqueeze(0) for v in (x, y))
        return cls.of(ListedGroup(unit_x, unit_y), x, y, rng)

    @property
    def pool(self) -> Tensor:
        """The inputs; features see their images."""
        return self.x

    def images(self, points: Tensor) -> Tensor:
        """Return images by all elements.

        Args:
            points: As in `Tying`.
        """
        return torch.stack(list(self.group.images(points)))

    def samples(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows themselves, since features know the group.

        Args:
            rows: As in `Tying`.
        """
        return self.x[rows], self.y[rows]

    def predicted(self, rows: Tensor, values: Tensor) -> Tensor:
        """Return the predictions unchanged.

        Args:
            rows: As in `Tying`.
            values: As in `Tying`.
        """
        return values


@dataclass(frozen=True)
class ImagedTying:
    """Images of the rows, by random elements of a group that is not listed.

    Attributes:
        x: Images of the inputs, (k, n, d_in).
        y: Images of the labels, (k, n, q).
        turns: The actions of the elements on labels, (k, n, q, q); None where labels do not change.
        parts: One, which holds all labels.
        centre: See `Tying`, up to the noise of the images.
        covariance: See `Tying`, up to that noise.
        blocks: See `Tying`.
    """

    x: Tensor
    y: Tensor
    turns: Tensor | None
    parts: list[LabelPart]
    centre: Tensor
    covariance: Tensor
    blocks: NDArray[np.int64]

    @classmethod
    def of(cls, moves: AmbientMoves, x: Tensor, y: Tensor, images: int, rng: np.random.Generator) -> ImagedTying:
        """Return the tying by random images of the rows.

        Args:
            moves: How the group moves samples.
            x: Inputs, shape (n, d_in), float64.
            y: Labels, shape (n, q), float64.
            images: Number k of images of a row.
            rng: Source of the elements.
        """
        elements = moves.draw((images, len(x)), rng)
        moved_x, moved_y = moves.move(elements, x.unsqueeze(0), y.unsqueeze(0))
        columns = [
            moves.move(elements, x.unsqueeze(0), unit.expand(1, *y.shape))[1]
            for unit in torch.eye(y.shape[1], dtype=torch.float64)
        ]
        turns = torch.stack(columns, dim=-1)
        stays = bool((turns - torch.eye(y.shape[1], dtype=torch.float64)).abs().max() < 1e-9)
        flat = moved_x.flatten(0, 1)
        centre = flat.mean(0)
        covariance = (flat - centre).t() @ (flat - centre) / len(flat)
        basis, one = torch.eye(y.shape[1], dtype=torch.float64).unsqueeze(2), torch.ones(1, 1, 1, dtype=torch.float64)
        parts = [LabelPart(basis, one)]
        blocks = _blocks(_drawn_matrices(moves, x, y, rng))
        return cls(moved_x, moved_y, None if stays else turns, parts, centre, covariance, blocks)

    @property
    def pool(self) -> Tensor:
        """All images."""
        return self.x.flatten(0, 1)

    def images(self, points: Tensor) -> Tensor:
        """Return the points alone: images of the rows replace those of landmarks.

        Args:
            points: As in `Tying`.
        """
        return points.unsqueeze(0)

    def samples(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return all images of the rows.

        Args:
            rows: As in `Tying`.
        """
        return self.x[:, rows].flatten(0, 1), self.y[:, rows].flatten(0, 1)

    def predicted(self, rows: Tensor, values: Tensor) -> Tensor:
        """Return means over the images of a row, turned back.

        Args:
            rows: As in `Tying`.
            values: As in `Tying`.
        """
        each: Tensor = torch.unflatten(values, -2, (len(self.x), len(rows)))
        if self.turns is None:
            return each.mean(-3)
        turned: Tensor = torch.einsum("...knq,knqp->...np", each, self.turns[:, rows]) / len(self.x)
        return turned


def tying_of(
    moves: AmbientMoves,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    closed_order: int,
    most_images: int,
    values: int,
) -> Tying:
    """How a model is tied by a group.

    Args:
        moves: The group, orthogonal.
        x: Inputs, shape (n, d_in), float64.
        y: Labels, shape (n, q), float64.
        rng: Source of images.
        closed_order: Largest finite group over which features are averaged.
        most_images: Most images of a row, for other groups.
        values: Most images of all rows.

    Returns:
        The tying.
    """
    group = moves.group if isinstance(moves, JointAction) else None
    if isinstance(group, FiniteGroup) and group.order <= closed_order:
        return ListedTying.of(ListedGroup.of(moves), x, y, rng)
    return ImagedTying.of(moves, x, y, max(2, min(most_images, values // len(x))), rng)


def block_spread(tying: Tying) -> Tensor:
    """Return one over the standard deviation of the inputs of a block, shape (d_in,); 0 where it is rounding.

    Args:
        tying: Has the inputs and their blocks.
    """
    variance = tying.covariance.diagonal().clamp_min(0).numpy()
    mean = np.bincount(tying.blocks, variance) / np.bincount(tying.blocks)
    largest = np.zeros(len(mean))
    np.maximum.at(largest, tying.blocks, tying.pool.abs().amax(0).numpy())
    spread = np.sqrt(mean)
    varies = spread > LAST_PLACES * np.finfo(np.float64).eps * largest
    return torch.from_numpy((varies / np.where(varies, spread, 1.0))[tying.blocks])


def _blocks(on_x: Tensor, unmoved: float = 1e-9) -> NDArray[np.int64]:
    """Which inputs the elements (g, d_in, d_in) mix, by the number of their block, (d_in,)."""
    rows, columns = np.nonzero((on_x.abs().amax(0) > unmoved).numpy())
    return np.asarray(connected(rows, columns, on_x.shape[-1]), dtype=np.int64)


def _drawn_matrices(moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, draws: int = 64) -> Tensor:
    """Random elements as they act on X, (draws, d_in, d_in)."""
    d = x.shape[1]
    units, label = torch.eye(d, dtype=torch.float64).unsqueeze(1), torch.zeros(1, draws, y.shape[1]).double()
    elements = moves.draw((1, draws), rng)
    return torch.stack([moves.move(elements, u.expand(1, draws, d), label)[0][0] for u in units], dim=-1)
