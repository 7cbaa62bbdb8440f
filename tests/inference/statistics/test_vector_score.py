"""The score of vectors: exact under the hypothesis, and sharp where single vectors or pairs break it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sharefind.errors import GroupError
from sharefind.groups import named_group, parse_representation
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, Axes
from sharefind.groups.axis_expressions import representation_of
from sharefind.inference import randomisation_test
from sharefind.inference.statistics.registry import statistic_of
from sharefind.inference.statistics.traits import ProblemTraits
from sharefind.inference.statistics.vector_score import VectorScore
from sharefind.meanfield.clouds.actions import JointAction


def problem(group: str, out: str = "trivial", out_axes: Axes | None = None) -> ProblemTraits:
    named = named_group(group)
    on_x = representation_of("points:natural coords:natural", named, Axes(("points", "coords"), (4, 3)), INPUT_AXES)
    text = "points:natural coords:natural"
    on_y = representation_of(text, named, out_axes, OUTPUT_AXES) if out_axes else parse_representation(out, named)
    return ProblemTraits(on_x, on_y, samples=60)


def pairs(n: int, seed: int, weights: tuple[float, ...] = (1, 1, 1, 1)) -> tuple[np.ndarray, np.ndarray]:
    """Four points, and the sum over pairs of a function of their distance, with a weight for each point."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4, 3))
    gap = ((x[:, :, None] - x[:, None]) ** 2).sum(-1)
    w = np.array(weights)
    y = ((np.outer(w, w) / np.sqrt(gap + 0.3))[:, *np.triu_indices(4, 1)]).sum(1)
    return x, y[:, None] + 0.1 * rng.normal(size=(n, 1))


def p_value(traits: ProblemTraits, x: np.ndarray, y: np.ndarray, seed: int = 0, copies: int = 99) -> float:
    moves = JointAction(traits.in_rep, traits.out_rep)
    data = (torch.from_numpy(x.reshape(len(x), -1)), torch.from_numpy(y))
    statistic = VectorScore.of_problem(traits)
    return randomisation_test(*data, moves, statistic, np.random.default_rng(seed), copies).p_value


def test_it_is_the_default_for_several_vectors() -> None:
    assert isinstance(statistic_of(problem("S4xO3")), VectorScore)
    one = parse_representation("natural", named_group("O3"))
    assert not isinstance(statistic_of(ProblemTraits(one, one, samples=60)), VectorScore)


def test_groups_that_turn_no_vectors_are_refused() -> None:
    rep = parse_representation("natural", named_group("C4"))
    with pytest.raises(GroupError, match="turns vectors"):
        VectorScore.of_problem(ProblemTraits(rep, rep))


def test_a_field_and_a_heavy_body_are_seen() -> None:
    traits = problem("S4xO3")
    x, y = pairs(150, 0)
    field = 0.3 * x.sum(1) @ np.array([[0.6], [0.0], [0.8]])
    assert p_value(traits, x, y + field) == 0.01
    assert p_value(traits, *pairs(150, 1, (2.0, 1, 1, 1))) == 0.01
    assert p_value(traits, x, y) > 0.05


def test_vectors_as_labels_that_turn_with_the_inputs() -> None:
    traits = problem("S4xO3", out_axes=Axes(("points", "coords"), (4, 3)))
    x, _ = pairs(100, 2)
    gap = x[:, :, None] - x[:, None]
    forces = (gap / ((gap**2).sum(-1, keepdims=True) + 0.3)).sum(2)
    assert p_value(traits, x, forces.reshape(100, 12)) > 0.05
    assert p_value(traits, x, (forces + np.array([0.3, 0, 0])).reshape(100, 12)) == 0.01


@pytest.mark.slow
def test_the_level_under_the_hypothesis() -> None:
    traits = problem("S4xO3")
    found = np.array([p_value(traits, *pairs(60, seed), seed=seed, copies=19) for seed in range(200)])
    # 200 tests of level .1: 99.9 % of such counts are at most 34.
    assert (found <= 0.1).sum() <= 34 and abs(found.mean() - 0.525) < 0.07


def test_offsets_and_scales_of_other_columns_do_not_hide_what_is_broken() -> None:
    """A charge of 1e6 beside coordinates of spread 10 about 300, taken relative to their mean."""
    group = named_group("S4xO3")
    axes = Axes(("points", "coords"), (4, 4))
    on_x = representation_of("points:S4.natural coords:O3.natural+trivial", group, axes, INPUT_AXES)
    traits = ProblemTraits(on_x, parse_representation("trivial", group), samples=200)
    x, y = pairs(200, 5)
    charges = 1e6 + np.random.default_rng(6).normal(size=(200, 4, 1))
    whole = np.concatenate([10 * x, charges], axis=2)
    weighted = y + (x**2).sum(-1) @ np.array([[0.0], [0.0], [0.0], [0.5]])
    assert p_value(traits, whole, y) > 0.05
    assert p_value(traits, whole, weighted) == 0.01
