"""Layers with shared parameters for torch, built from a specification, and an honest loop to train them.

What is shared is decided by `sharefind.search` and written down by `sharefind.export`.
"""

from sharefind.nn.linear import SharedLinear
from sharefind.nn.network import SharedShallowNetwork
from sharefind.nn.shared import SharedModule
from sharefind.nn.training import Epoch, FitResult, StopTraining, fit
from sharefind.nn.two_layer import SharedTwoLayer

__all__ = [
    "Epoch",
    "FitResult",
    "SharedLinear",
    "SharedModule",
    "SharedShallowNetwork",
    "SharedTwoLayer",
    "StopTraining",
    "fit",
]
