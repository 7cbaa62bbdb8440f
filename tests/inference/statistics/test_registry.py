"""What a search knows of statistics: names, defaults, and statistics of one's own."""

from typing import get_args

import numpy as np
import pytest
from torch import Tensor

from sharefind.groups import named_group, natural, parse_representation, subgroups, trivial
from sharefind.inference import AmbientMoves, Correlogram, FittedStatistic, MarginalLikelihood, SearchStatistic
from sharefind.inference.statistics.registry import STATISTICS, statistic_of
from sharefind.inference.statistics.traits import ProblemTraits
from sharefind.search.config import StatisticName


def problem(group: str, samples: int | None, *, invariant: bool = False) -> ProblemTraits:
    rep = natural(named_group(group))
    out_rep = trivial(rep.group, 1) if invariant else rep
    return ProblemTraits(rep, out_rep, (rep.group,) if group != "SO3" else (), samples)  # type: ignore[arg-type]


def test_settings_offer_every_statistic_by_its_name() -> None:
    assert set(get_args(StatisticName)) == set(STATISTICS)
    assert all(kind.name == name for name, kind in STATISTICS.items())


@pytest.mark.parametrize("name", STATISTICS)
def test_each_is_made_for_a_problem(name: str) -> None:
    group = "SO3" if name == "vector-score" else "C4"
    assert isinstance(statistic_of(problem(group, 50), name), STATISTICS[name])


@pytest.mark.parametrize(
    ("group", "samples", "invariant", "kind"),
    [
        ("S3", 800, True, MarginalLikelihood),
        ("S3", 801, True, Correlogram),
        ("S4", 50, True, Correlogram),
        ("C4", None, True, Correlogram),
        ("C4", 800, False, Correlogram),
        ("SO3", 5000, False, MarginalLikelihood),
    ],
)
def test_the_default_follows_from_the_problem(group: str, samples: int, invariant: bool, kind: type) -> None:
    assert type(statistic_of(problem(group, samples, invariant=invariant))) is kind


def test_inputs_that_stay_where_they_are_are_left_to_the_marginal_likelihood() -> None:
    """What those matter is one of its priors; the correlogram takes all inputs to matter alike."""
    rep = parse_representation("natural+trivial:5", named_group("D4"))
    traits = ProblemTraits(rep, trivial(rep.group, 1), subgroups(rep.finite_group), 50)
    assert traits.moved_inputs == 4 and type(statistic_of(traits)) is MarginalLikelihood


class Own(SearchStatistic):
    name = "own"

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        raise NotImplementedError


def test_a_statistic_of_ones_own_is_taken_as_it_is() -> None:
    own = Own()
    assert statistic_of(problem("C4", 50), own) is own
    assert not Own.is_default(problem("C4", 50)) and own.most_samples == 20_000
