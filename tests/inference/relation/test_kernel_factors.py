"""Contests of Gaussian processes: what may be left out, and labels that are equal."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.gaussian_process.kernels import Matern
from torch import Tensor

from sharefind.groups import named_group, natural, trivial
from sharefind.inference.relation.kernel_factors import Contest, Factors, of_distinct, some_of
from sharefind.inference.relation.tied_evidence import EvidenceSettings, KernelEvidence
from sharefind.meanfield.clouds.actions import JointAction

NOISES = (3e-3, 0.1)


def _contest(rows: int, lengths: tuple[float, ...]) -> tuple[Contest, Tensor]:
    """Kernels of these lengths on both sides, and labels with random signs of what a smooth function leaves."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 2))
    kernels = torch.from_numpy(np.stack([Matern(length, nu=2.5)(x) for length in lengths]))
    halves = (kernels + torch.eye(rows, dtype=torch.float64)) / 2
    smooth, rest = np.sin(2 * x), 0.1 * rng.normal(size=(rows, 2))
    labels = smooth + rng.choice([-1.0, 1.0], size=(40, rows, 1)) * rest
    return Contest(Factors.of(halves, NOISES).each, Factors.of(kernels, NOISES).each, 1e-10), torch.from_numpy(labels)


def test_what_is_left_out_has_the_best_evidence_of_no_copy() -> None:
    contest, labels = _contest(60, (0.02, 0.7, 1.0, 50.0))
    fewer = contest.among(some_of(labels, 12))
    assert len(fewer.tied) < 4
    assert contest.tied[1] in fewer.tied or contest.tied[2] in fewer.tied
    torch.testing.assert_close(fewer.statistic(labels), contest.statistic(labels), rtol=0, atol=1e-9)
    assert contest.among(labels[:2]) is contest


def test_processes_of_about_the_same_evidence_are_all_kept() -> None:
    contest, labels = _contest(60, (0.9, 0.95, 1.0))
    assert len(contest.among(some_of(labels, 12)).tied) == 3


def test_some_of_many_labels() -> None:
    for count in (1, 5, 11, 12, 13, 200):
        taken = some_of(torch.arange(float(count)).reshape(-1, 1, 1), 12).flatten().tolist()
        assert taken[0] == 0 and min(count, 6) <= len(taken) <= 12


def test_equal_labels_are_looked_at_once() -> None:
    labels = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 4, 2)))[[2, 0, 2, 1, 0]]
    seen = []

    def statistic(part: Tensor) -> Tensor:
        seen.append(len(part))
        return part.sum((1, 2))

    found = of_distinct(statistic, labels, 2)
    assert torch.equal(found, labels.sum((1, 2))) and seen == [2, 1]


def test_each_length_alone_has_the_evidence_of_all() -> None:
    contest, labels = _contest(30, (0.5, 2.0))
    whole = Factors.of(torch.cat([one.kernels for one in contest.tied]), NOISES)
    alone = torch.cat([one.evidence(labels) for one in contest.tied], dim=1)
    torch.testing.assert_close(whole.evidence(labels), alone, rtol=1e-12, atol=0)
    torch.testing.assert_close(whole.logs, torch.cat([one.logs for one in contest.tied]), rtol=1e-12, atol=0)


def test_a_statistic_for_copies_is_the_statistic() -> None:
    """By the processes that are left, in double and in single precision."""
    group, rng = named_group("C3"), np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(320, 3)))
    weights = torch.from_numpy(rng.normal(size=(1, 6)))
    for columns, rows in ((1, 40), (6, 320)):
        y = x[:rows].prod(1, keepdim=True) * weights[:, :columns] + 0.1 * torch.from_numpy(
            rng.normal(size=(rows, columns))
        )
        moves = JointAction(natural(group), trivial(group, columns))
        evidence = KernelEvidence.of(x[:rows], y, moves, np.random.default_rng(0), EvidenceSettings())
        assert evidence.tied.has_many == (columns == 6)
        labels = evidence.copies(np.random.default_rng(2), 30, None, has_classes=False)
        found = evidence.statistic_for(labels, has_classes=False)(labels)
        expected = evidence.statistic(labels)
        assert (found - expected).abs().max() < 1e-3 * expected.std()
