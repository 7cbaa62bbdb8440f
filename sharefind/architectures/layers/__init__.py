"""Layers with shared parameters for torch, built from a specification, and an honest loop to train them.

What is shared is decided by `sharefind.search` and written down by `sharefind.architectures`.
"""

from sharefind.architectures.layers.network_training import fit
from sharefind.architectures.layers.shared import SharedModule
from sharefind.architectures.layers.shared_layers import SharedLinear, SharedShallowNetwork, SharedTwoLayer
from sharefind.architectures.layers.training_record import Epoch, FitResult, StopTraining

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
