"""Functions of vectors that no rotation changes, as further views of inputs: their inner products, and the scalars.

Which coordinates form vectors is decided in `sharefind.groups.vector_types`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sharefind.groups.images import block_places


def inner_products(x: Tensor, labels: Sequence[int]) -> Tensor:
    """Inner products of all vectors of the same dimension, their squared lengths among them, and scalars as they are.

    Args:
        x: Inputs, shape (n, d).
        labels: 0 for a scalar, or the number of the vector of each coordinate, shape (d,).

    Returns:
        Shape (n, views).
    """
    places = torch.from_numpy(block_places(labels))
    vectors = dict[int, list[Tensor]]()
    for place in range(int(places.max()) + 1):
        members = x[:, places == place]
        vectors.setdefault(members.shape[1], []).append(members)
    is_scalar = torch.tensor([label == 0 for label in labels])
    views = [x[:, is_scalar]]
    for dim, alike in vectors.items():
        if dim > 1:
            stacked = torch.stack(alike, dim=1)
            rows, columns = torch.triu_indices(len(alike), len(alike))
            views.append((stacked[:, rows] * stacked[:, columns]).sum(-1))
    return torch.cat(views, dim=1)
