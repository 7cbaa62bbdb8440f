"""What follows from a configuration: the rules that fit each other, and how many copies tests and trainings use."""

from __future__ import annotations

from typing import Any

import pytest

from sharefind.datasets import load_task
from sharefind.errors import ConfigError
from sharefind.search import resolve, search_config
from sharefind.search.config import Presets
from sharefind.search.rules.registry import GROWTH_RULES, STOPPING_RULES, stop_traits
from tests.search.problems import problem, teacher_task


@pytest.mark.parametrize(
    ("settings", "copies", "trained"),
    [
        ({}, 199, 39),
        ({"copies": 999}, 999, 39),
        ({"copies": 19, "alpha": 0.1}, 19, 19),
        ({"training_copies": 7}, 199, 7),
        ({"alpha": 0.001}, 1999, 39),
        ({"stop": "calibrated"}, 199, 199),
        ({"stop": "calibrated", "copies": 999}, 999, 999),
        ({"stop": "calibrated", "training_copies": 299}, 199, 299),
        ({"growth": "escape"}, 199, 199),
    ],
)
def test_trainings_need_few_copies_where_the_exact_tests_decide(
    settings: dict[str, Any], copies: int, trained: int
) -> None:
    found = problem(teacher_task("C3", 3, 100, 0), "S3", **settings).settings
    assert (found.copies, found.training_copies) == (copies, trained)


def test_expensive_trainings_are_compared_with_fewer_copies() -> None:
    found = problem(teacher_task("C3", 3, 100, 0), "S3")
    one = found.settings.sgd.steps * found.settings.sgd.batch * found.settings.sgd.particles * found.unit.space.dim
    for budget, copies in ((50 * one, 39), (20 * one, 20), (one, 9)):
        config, presets = found.settings.config, Presets(copied_updates=budget)
        assert resolve(config, 100, 0.0, found.unit, 3.0, presets=presets).training_copies == copies
    asked = found.settings.config.model_copy(update={"training_copies": 30})
    assert resolve(asked, 100, 0.0, found.unit, 3.0, presets=Presets(copied_updates=one)).training_copies == 30


def test_trainings_that_decide_need_as_many_copies_as_the_level_asks_for() -> None:
    with pytest.raises(ConfigError, match=r"^training_copies 39 cannot reject anything at alpha = 0\.01"):
        problem(teacher_task("C3", 3, 100, 0), "S3", stop="calibrated", training_copies=39)


@pytest.mark.parametrize(
    ("settings", "growth", "stop"),
    [
        ({}, "invariant", "randomisation"),
        ({"scheme": "da"}, "invariant", "calibrated"),
        ({"growth": "escape"}, "escape", "calibrated"),
        ({"growth": "mean"}, "mean", "calibrated"),
        ({"growth": "mean", "preset": "paper"}, "mean", "fixed"),
        ({"delta": 0.1}, "invariant", "fixed"),
    ],
)
def test_rules_that_are_not_named_follow_from_those_that_are(settings: dict[str, Any], growth: str, stop: str) -> None:
    found = problem(load_task("c2-wi"), **settings).settings
    assert (found.growth, found.stop) == (growth, stop)
    assert found.growing == GROWTH_RULES[growth].traits and found.stopping == STOPPING_RULES[stop].traits


def test_the_papers_heuristic_has_its_own_threshold_and_horizon() -> None:
    found = problem(load_task("c2-wi"), growth="mean", preset="paper").settings
    assert (found.delta, found.sgd.horizon, found.sgd.particles) == (3e-3, 2.0, 1000)
    other = problem(load_task("c2-wi"), growth="mean", preset="paper", stop="calibrated").settings
    assert (other.delta, other.sgd.horizon) == (None, 20.0)


@pytest.mark.parametrize("key", ["growth", "stop"])
def test_a_rule_that_is_not_known_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{key}: Input should be '\w+', '\w+' or '\w+' \(given 'other'\)$"):
        search_config(group="C2", **{key: "other"})


def test_every_rule_is_known_by_its_own_name() -> None:
    assert all(rule.name == name for rules in (GROWTH_RULES, STOPPING_RULES) for name, rule in rules.items())
    assert not stop_traits("mine").decides_by_tests and not stop_traits(None).compares_distances
