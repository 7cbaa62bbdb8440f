"""Random streams named after their purpose, independent of the order of the work."""

from __future__ import annotations

import hashlib

import numpy as np


def named_stream(seed: int, *identity: str) -> np.random.Generator:
    """Return the random stream of a named purpose.

    Args:
        seed: Seed of the run.
        *identity: The words that name the purpose.
    """
    digest = hashlib.sha256("\x1f".join(identity).encode()).digest()
    words = np.frombuffer(digest, dtype=np.uint32).tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
