"""How a layer with a window is computed: each place reads the places that it sees, and no matrix is made."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sharefind.architectures.deep.places import aligned_copies
from sharefind.meanfield.units import DeepUnit
from sharefind.typing import AnyIntArray


@dataclass(frozen=True, eq=False)
class WindowMap:
    """The linear map of one layer, from its coordinates.

    Attributes:
        sources: Inputs by copy and place, shape (copies * places,); None where they stand in this order.
        seen: Places that each place sees, slot by slot, shape (slots * places,).
        table: The coordinate of each copy of the outputs for each copy of the inputs and slot, shape (targets, copies *
            slots).
        lengths: The root of the number of entries that each coordinate has, shape (dim,).
        back: Where the outputs stand, by copy and place, shape (d_out,); None where they stand in this order.
        places: Number of places.
    """

    sources: Tensor | None
    seen: Tensor
    table: Tensor
    lengths: Tensor
    back: Tensor | None
    places: int

    def __call__(self, coordinates: Tensor, x: Tensor) -> Tensor:
        """Return W x, shape (R, B, d_out).

        Args:
            coordinates: Orthonormal coordinates of W, shape (R, dim).
            x: Shape (R, B, d_in).
        """
        count, batch, _ = x.shape
        kernel = (coordinates / self.lengths.to(coordinates))[:, self.table]
        rows = x.transpose(1, 2).contiguous()
        rows = rows if self.sources is None else rows.index_select(1, self.sources)
        seen = rows.reshape(count, -1, self.places, batch).index_select(2, self.seen)
        values = torch.bmm(kernel, seen.reshape(count, kernel.shape[2], -1)).reshape(count, -1, batch)
        return (values if self.back is None else values.index_select(1, self.back)).transpose(1, 2)


def window_maps(unit: DeepUnit) -> list[WindowMap | None]:
    """Return how the layers with a window are computed; None for other layers.

    Args:
        unit: The unit.
    """
    found: list[WindowMap | None] = []
    parts = zip(pairwise(unit.reps), unit.layer_windows, unit.weight_spaces, strict=True)
    for (source, target), window, space in parts:
        copies = None if window is None else aligned_copies([source, target])
        labels = space.tying
        shaped = None if labels is None else labels.reshape(target.dim, source.dim)
        found.append(None if copies is None or shaped is None else _map(copies[0], copies[1], shaped))
    return found


def _map(sources: AnyIntArray, targets: AnyIntArray, labels: AnyIntArray) -> WindowMap | None:
    """The map of a tying pattern; None where places do not see equally many others of one orbit alike."""
    places = sources.shape[1]
    kernel = labels[targets[:, :, None, None], sources[None, None, :, :]]
    one = kernel[0, :, 0, :]
    slots = int((one[0] > 0).sum())
    # Every place sees the same labels as the first one: its slots are put in the order of their labels.
    seen = np.argsort(np.where(one > 0, one, labels.max() + 1), axis=1, kind="stable")[:, :slots]
    table = kernel[:, np.arange(places)[:, None, None], np.arange(len(sources))[:, None], seen[:, None, :]]
    if (table != table[:, :1]).any() or (table <= 0).any() or (kernel > 0).sum() != table.size:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    back = np.empty(targets.size, dtype=np.int64)
    back[targets.ravel()] = np.arange(targets.size)
    return WindowMap(
        _unless_in_order(sources.ravel()),
        torch.from_numpy(seen.T.ravel().astype(np.int64)),
        torch.from_numpy(table[:, 0].reshape(len(targets), -1).astype(np.int64) - 1),
        torch.from_numpy(np.sqrt(sizes.astype(np.float64))),
        _unless_in_order(back),
        places,
    )


def _unless_in_order(order: AnyIntArray) -> Tensor | None:
    if np.array_equal(order, np.arange(order.size)):
        return None
    return torch.from_numpy(order.astype(np.int64))
