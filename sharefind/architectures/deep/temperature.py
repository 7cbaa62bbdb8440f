"""One temperature for all logits, by held-out rows: networks that fit every row are too sure of themselves.

It changes no decision between classes. The log loss after it is what networks are compared by, and what they give.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sharefind.architectures.deep.network import Matrices

COLDEST, HOTTEST, TRIED = 0.25, 64.0, 65


def best_temperature(logits: Tensor, y: Tensor) -> float:
    """Return the temperature T of the smallest mean cross-entropy of logits / T, of `TRIED` on a geometric grid.

    Args:
        logits: Shape (n, k).
        y: Classes, shape (n, k): 1 for the class of the row.
    """
    tried = torch.from_numpy(np.geomspace(COLDEST, HOTTEST, TRIED)).to(logits)
    own = (logits * y).sum(-1)
    losses = torch.stack([(torch.logsumexp(logits / one, -1) - own / one).mean() for one in tried])
    return float(tried[losses.argmin()])


def cooled(matrices: Matrices, temperature: float) -> Matrices:
    """Return weights and biases of the network whose outputs are those of a given one over a temperature.

    Args:
        matrices: W and b of each layer.
        temperature: The temperature.
    """
    weight, bias = matrices[-1]
    return (*matrices[:-1], (weight / temperature, bias / temperature))
