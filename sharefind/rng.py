"""Random streams that are named after what they are for, never after the order in which work is done."""

from __future__ import annotations

import hashlib

import numpy as np


def named_stream(seed: int, *identity: str) -> np.random.Generator:
    """The random stream of one named purpose: seeded by the run's seed and the words of its identity."""
    digest = hashlib.sha256("\x1f".join(identity).encode()).digest()
    words = np.frombuffer(digest, dtype=np.uint32).tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
