"""The test of relations by features, against whole matrices, and its level and power by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sharefind.groups import named_group, natural, trivial
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.relation.relation_test import RelationSettings, RelationTest, relation_test
from sharefind.inference.relation.tied_evidence import EvidenceSettings, KernelEvidence
from sharefind.inference.relation.tied_features import FeatureDraft, FeatureEvidence, FeatureSettings
from sharefind.meanfield import JointAction
from tests.acceptance.relation_laws import Cell, Task, p_values, tasks

MANY = RelationSettings(most_values=0)
FULL = FeatureSettings(tied_rank=10_000, anti_rank=10_000)
KINDS = {"C2": 60, "S3": 60, "C4, labels move": 25, "C2, two classes": 60, "C4, four classes move": 25}


def _features(cell: Cell, settings: FeatureSettings | None = None) -> FeatureEvidence:
    x, y = cell.draw(1)
    moves, rng = tasks()[cell.task].moves, np.random.default_rng(0)
    return FeatureDraft.of(x, y, moves, rng, EvidenceSettings(), settings or FULL).evidence()


def _kernels(evidence: FeatureEvidence) -> tuple[Tensor, Tensor]:
    """K_H, and A (A + c N)^{-1} of A = k - K_H, at the chosen length."""
    marks = evidence.landmarks
    tied = marks.group.tied(marks.x, [marks.length])[0]
    anti = marks.group.free(marks.x, marks.length) - tied
    return tied, anti @ torch.linalg.inv(anti + evidence.settings.largest * len(anti) * torch.eye(len(anti)))


def _looked_at(x: Tensor, y: Tensor, moves: JointAction, settings: RelationSettings = MANY) -> RelationTest:
    with rows_looked_at():
        return relation_test(x, y, moves, np.random.default_rng(0), 99, settings=settings)


@pytest.mark.parametrize("task", KINDS)
def test_as_many_features_as_labels_are_the_kernels(task: str) -> None:
    evidence = _features(Cell(task, "skewed", "even", KINDS[task]))
    tied, anti = _kernels(evidence)
    found = evidence.tied.features @ evidence.tied.features.t()
    assert torch.allclose(found, tied, atol=1e-7)
    assert torch.allclose(evidence.anti @ evidence.anti.t(), anti, atol=1e-7)
    assert torch.allclose(evidence.landmarks.diagonal(), tied.diagonal())


@pytest.mark.parametrize("task", KINDS)
def test_the_statistic_is_that_of_whole_matrices(task: str) -> None:
    evidence = _features(Cell(task, "shifted apart", "even", KINDS[task], 0.3))
    tied, anti = _kernels(evidence)
    noise = 0.3 * evidence.noise
    maker = noise * torch.linalg.inv(tied + noise * torch.eye(len(tied)))
    copies = evidence.copies(np.random.default_rng(1), 5, None, has_classes=tasks()[task].has_classes)
    labels = torch.cat([evidence.labels.unsqueeze(0), copies])
    left = maker @ labels
    twice = maker @ left
    expected = torch.einsum("rac,ab,rbc->r", twice, anti, twice) / (left**2).sum((1, 2))
    assert torch.allclose(evidence.statistic(labels), expected, rtol=1e-4)
    few = replace(evidence, settings=replace(FULL, held=1))
    assert torch.allclose(few.statistic(labels), evidence.statistic(labels))


@pytest.mark.parametrize("sizes", [[1] * 24, [2, 3, 1, 9, 9], [24]])
def test_errors_of_units_are_residuals_over_the_root_of_what_the_smoother_leaves(sizes: list[int]) -> None:
    evidence = _features(Cell("C4, labels move", "normal", "even", 24), replace(FULL, tied_rank=40))
    order = torch.from_numpy(np.random.default_rng(0).permutation(24))
    units = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))[order]
    residuals = evidence.labels - evidence.fitted
    features = evidence.tied.features
    passed = torch.eye(96) - features @ torch.diag(1 / (evidence.tied.values + 0.01)) @ features.t()
    passed = passed @ passed
    expected = torch.empty_like(residuals)
    for unit in range(len(sizes)):
        places = (units == unit).repeat_interleave(4).nonzero().flatten()
        values, vectors = torch.linalg.eigh(passed[places][:, places])
        expected[places] = vectors @ ((vectors.t() @ residuals[places]) / values.clamp_min(1e-6).sqrt().unsqueeze(1))
    assert torch.allclose(evidence.tied.errors(residuals, units, 0.01), expected, atol=1e-8)


@pytest.mark.parametrize("task", ["S3", "C4, labels move"])
def test_rows_of_a_unit_share_a_sign(task: str) -> None:
    evidence = _features(Cell(task, "normal", "heavy", 40))
    units = torch.arange(40) // 5
    copies = evidence.copies(np.random.default_rng(0), 50, units, has_classes=False) - evidence.fitted
    errors = evidence.tied.errors(evidence.labels - evidence.fitted, units, 0.3 * evidence.noise)
    signs = (copies / errors).squeeze(2).unflatten(1, (8, -1))
    assert torch.allclose(signs.abs(), torch.ones_like(signs))
    assert torch.equal(signs.round().amin(2), signs.round().amax(2))
    assert 0.3 < float((signs[:, :, 0] > 0).double().mean()) < 0.7


@pytest.mark.parametrize("task", ["C2, two classes", "C4, four classes move"])
def test_classes_are_drawn_with_the_probabilities_of_the_fit(task: str) -> None:
    evidence = _features(Cell(task, "normal", "even", 40))
    scale = evidence.scale
    copies = evidence.copies(np.random.default_rng(0), 4000, None, has_classes=True)
    drawn, fitted = (
        v.reshape(*v.shape[:-2], 40, -1) / scale.y_scale + scale.y_shift for v in (copies, evidence.fitted)
    )
    assert torch.allclose(drawn.sum(2), torch.ones(4000, 40).double())
    assert torch.allclose(drawn.amax(2), torch.ones(4000, 40).double())
    expected = fitted.clamp(0, 1) / fitted.clamp(0, 1).sum(1, keepdim=True)
    assert torch.allclose(drawn.mean(0), expected, atol=5 * 0.5 / 4000**0.5)


def test_rows_of_a_unit_get_classes_that_are_as_alike_as_they_can_be() -> None:
    evidence = _features(Cell("C2, two classes", "normal", "even", 40))
    evidence = replace(evidence, labels=evidence.labels[:1].expand(40, 2) * 0)
    copies = evidence.copies(np.random.default_rng(0), 20, torch.arange(40) // 20, has_classes=True)
    halves = copies[:, :, 0].unflatten(1, (2, 20))
    assert torch.equal(halves.amin(2), halves.amax(2))
    assert len(halves[:, :, 0].unique(dim=0)) == 4


def test_data_that_are_complete_orbits_reject_nothing() -> None:
    four = natural(named_group("C4"))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(30, 4)))
    orbits = torch.cat([x.roll(k, 1) for k in range(4)])
    assert _looked_at(orbits, orbits**2 + orbits.sum(1, keepdim=True), JointAction(four, four)).p_value == 1


def test_a_group_that_moves_nothing_rejects_nothing() -> None:
    two = named_group("C2")
    x, y = Cell("C2", "normal", "even", 60).draw(0)
    found = _looked_at(x, y, JointAction(trivial(two, 3), trivial(two, 1)))
    assert (found.p_value, found.overlap) == (1, 0)


@pytest.mark.parametrize("offset", [0.0, 0.1, 300.0])
def test_constant_labels_reject_nothing(offset: float) -> None:
    x, y = Cell("S3", "normal", "even", 60).draw(0)
    assert _looked_at(x, 0 * y + offset, tasks()["S3"].moves).p_value > 0.9


@pytest.mark.parametrize("broken", [0.0, 1.0])
def test_units_of_measurement_change_nothing(broken: float) -> None:
    x, y = Cell("S3", "skewed", "even", 150, broken).draw(3)
    first = _looked_at(x, y, tasks()["S3"].moves)
    again = _looked_at(10 * x + 300, 1e6 * y - 300, tasks()["S3"].moves)
    assert again.p_value == pytest.approx(first.p_value, abs=0.011)
    assert again.overlap == pytest.approx(first.overlap, rel=1e-3)
    assert (first.p_value <= 0.05) == (broken > 0)


def test_many_labels_are_tested_by_features_and_few_by_whole_matrices() -> None:
    x, y = Cell("C4, labels move", "normal", "even", 30).draw(0)
    moves = tasks()["C4, labels move"].moves
    assert _looked_at(x, y, moves, RelationSettings(most_values=120)).test.statistic == "relation-evidence"
    assert _looked_at(x, y, moves, RelationSettings(most_values=119)).test.statistic == "relation-residuals"


def test_rows_beyond_the_limits_are_dropped_with_their_units() -> None:
    moves = tasks()["C4, labels move"].moves
    x, y = Cell("C4, labels move", "normal", "even", 200).draw(0)
    assert len(_features(Cell("C4, labels move", "normal", "even", 200), replace(FULL, most_values=400)).rows) == 100
    small = FeatureSettings(tied_rank=50, anti_rank=20, most_kernels=4 * 50 * 80)
    evidence = FeatureDraft.of(x, y, moves, np.random.default_rng(0), EvidenceSettings(), small).evidence()
    assert len(evidence.rows) == 80
    assert torch.allclose(evidence.scale(x[evidence.rows], y[evidence.rows])[0], evidence.landmarks.x)
    units = torch.arange(200) // 2
    copies = evidence.copies(np.random.default_rng(0), 3, units[evidence.rows], has_classes=False)
    errors = evidence.tied.errors(evidence.labels - evidence.fitted, units[evidence.rows], 0.3 * evidence.noise)
    signs = ((copies - evidence.fitted) / errors).round().reshape(3, 80, 4)[:, :, 0]
    for unit in units[evidence.rows].unique():
        own = signs[:, units[evidence.rows] == unit]
        assert torch.equal(own, own[:, :1].expand_as(own))


def test_the_length_and_the_noise_have_the_best_evidence_of_the_kernels() -> None:
    """With as many features as labels, at the first of two whitenings that are alike."""
    cell = Cell("S3", "normal", "even", 60)
    x, y = cell.draw(1)
    moves, settings = tasks()[cell.task].moves, EvidenceSettings(floors=(1e-9, 1e-9))
    features = FeatureDraft.of(
        x, y, moves, np.random.default_rng(0), settings, replace(FULL, chosen_rank=10_000)
    ).evidence()
    kernels = KernelEvidence.of(x, y, moves, np.random.default_rng(0), settings)
    place, noise = kernels.chosen()
    assert (features.landmarks.length, features.noise) == (pytest.approx(kernels.lengths[place]), noise)
    assert kernels.others == ()


def test_later_draws_do_not_depend_on_which_whitenings_are_alike() -> None:
    cell = Cell("C2", "skewed", "even", 80)
    x, y = cell.draw(1)
    states = []
    for alike in (1.0, 1e9):
        rng = np.random.default_rng(0)
        FeatureDraft.of(x, y, tasks()[cell.task].moves, rng, EvidenceSettings(alike=alike), FULL).evidence()
        states.append(rng.random())
    assert states[0] == states[1]


def test_labels_that_move_by_a_matrix_without_zeros() -> None:
    three = named_group("S3")
    standard = natural(three).float_matrices()
    basis = np.linalg.svd(np.ones((1, 3)))[2][1:]
    on_y = torch.from_numpy(basis @ standard @ basis.T)
    evidence = _features(Cell("S3", "normal", "even", 20))
    group = replace(evidence.landmarks.group, on_y=on_y)
    marks = replace(
        evidence.landmarks, group=group, rows=torch.arange(20).repeat(2), outputs=torch.arange(2).repeat_interleave(20)
    )
    order = (marks.rows * 2 + marks.outputs).argsort()
    expected = group.tied(marks.x, [marks.length])[0]
    assert torch.allclose(marks.tied().flatten(0, 1)[:, order], expected)
    assert torch.allclose(
        marks.anti(marks.tied()).flatten(0, 1)[:, order], group.free(marks.x, marks.length) - expected
    )


def test_a_break_is_seen_and_a_relation_is_not_rejected_among_a_thousand_rows() -> None:
    found = {
        broken: _looked_at(*Cell("C2", "80 % canonical", "uneven", 1000, broken).draw(0), tasks()["C2"].moves)
        for broken in (0.0, 0.3)
    }
    assert found[0.3].p_value == 0.01
    assert found[0.0].p_value > 0.05


def _tested(x: Tensor, y: Tensor, task: Task, rng: np.random.Generator) -> RelationTest:
    return relation_test(x, y, task.moves, rng, 99, has_classes=task.has_classes, settings=MANY)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["skewed", "shifted apart", "80 % canonical", "rows of many scales"])
def test_true_relations_are_rejected_no_more_often_than_they_may(law: str) -> None:
    p = [v for noise in ("even", "uneven", "heavy") for v in p_values(Cell("C2", law, noise, 1000), range(40), _tested)]
    # Of 120 sets at a level of .05, 13 and more are rejected with probability .01.
    assert sum(v <= 0.05 for v in p) <= 12


@pytest.mark.slow
def test_a_small_break_is_seen_among_two_thousand_rows() -> None:
    assert sum(v <= 0.05 for v in p_values(Cell("C2", "80 % canonical", "even", 2000, 0.15), range(10), _tested)) >= 9
