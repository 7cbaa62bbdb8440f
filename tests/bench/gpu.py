"""A step of SGD in plain torch on a GPU, where there is one, beside one core of the processor."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from sharefind.groups import named_group, natural
from sharefind.meanfield import Batch, SGDConfig, build_unit, train, vanilla_gradient
from tests.bench.measure import Row, Rows, in_turn, ratio_row, spread, unit_time

TOPIC = "GPU"
REPLICATES, BATCH, STEPS = 10, 20, 200
CASES = ((1000, 2), (5000, 2), (1000, 16))


class _Prepared:
    """Samples drawn beforehand, so that the training alone is timed."""

    def __init__(self, d: int) -> None:
        rng = np.random.default_rng(0)
        self._x = torch.from_numpy(rng.normal(size=(STEPS, REPLICATES, BATCH, d)))
        self._y = torch.from_numpy(rng.uniform(size=(STEPS, REPLICATES, BATCH, d)))

    def batch(self, step: int) -> Batch:
        return Batch(self._x[step], self._y[step])


def rows(quick: bool) -> Rows:
    """Single precision on both; no target: which is faster depends on the sizes."""
    for particles, d in CASES[: 1 if quick else None]:
        case = f"N = {particles}, d = {d}, float32"
        if not torch.cuda.is_available():
            yield Row(TOPIC, case, "processor / GPU", None, note="no GPU here")
            continue
        works = tuple(partial(_train, particles, d, device) for device in ("cpu", "cuda"))
        slow, fast = in_turn(works, 3 if quick else 7)
        note = f"{unit_time(spread(slow)[0] / STEPS)} and {unit_time(spread(fast)[0] / STEPS)} a step"
        yield ratio_row(TOPIC, case, "processor / GPU", slow, fast, None, f"{note}, {torch.cuda.get_device_name()}")


def _train(particles: int, d: int, device: str) -> None:
    rep = natural(named_group(f"C{d}"))
    config = SGDConfig(
        particles=particles, horizon=STEPS / particles, batch=BATCH, noise="gaussian", dtype="float32", device=device
    )
    rng = np.random.default_rng(1)
    start = torch.from_numpy(rng.normal(0, 0.25, size=(REPLICATES, d * d, particles)))
    train(vanilla_gradient(build_unit("matrix:logistic", rep, rep)), start, _Prepared(d), config, rng)
    if device == "cuda":
        torch.cuda.synchronize()
