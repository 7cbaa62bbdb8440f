"""SGD with projected noise as a demonstration: it holds, and fails for another temperature than the one it is told."""

import torch

from sharefind.paper.context import Context, Request
from sharefind.paper.projected_noise import ProjectedNoise, _deviation

QUICK = ProjectedNoise(replicates=100)
REQUEST = Request(group="C3", unit="matrix:tanh")


def test_noise_stays_and_spreads() -> None:
    outcome = QUICK(Context(REQUEST))
    assert outcome.holds, outcome.checks
    assert len(outcome.rows) == 2


def test_another_covariance_is_seen() -> None:
    moved = torch.from_numpy(Context(REQUEST).rng("moved").standard_normal((100, 3, 50)))
    assert _deviation(moved, torch.eye(3, dtype=moved.dtype)) < QUICK.sigmas
    assert _deviation(moved, 1.5 * torch.eye(3, dtype=moved.dtype)) > QUICK.sigmas
