"""Haar draws of groups that are too large to be listed, and their matrices."""

import numpy as np
import pytest
from scipy import stats

from sharefind.errors import RepresentationError
from sharefind.groups import FiniteGroup, named_group, natural, regular, trivial
from sharefind.groups.sampling import evaluate_permutations


@pytest.mark.parametrize("name", ["D4", "S4", "A4", "S3xS2", "B2", "V4"])
def test_products_of_transversals_are_uniform(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    group = named_group(name)
    elements = {tuple(g): k for k, g in enumerate(group.elements().tolist())}
    monkeypatch.setattr(FiniteGroup, "is_listable", property(lambda self: False))
    drawn = group.sample_permutations(np.random.default_rng(0), 200 * len(elements))
    counts = np.bincount([elements[tuple(g)] for g in drawn.tolist()], minlength=len(elements))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_draws_of_a_group_too_large_to_list() -> None:
    group = named_group("S10")
    assert not group.is_listable
    drawn = group.sample_permutations(np.random.default_rng(0), 5000)
    assert (np.sort(drawn, axis=1) == np.arange(10)).all()
    # The number of fixed points has mean 1 and variance 1 (Burnside: one orbit on points, two on pairs).
    fixed = (drawn == np.arange(10)).sum(axis=1)
    assert abs(fixed.mean() - 1) < 5 / np.sqrt(5000) and abs(fixed.var() - 1) < 0.15
    assert {tuple(g) for g in drawn[:3].tolist()} != {tuple(range(10))}


@pytest.mark.parametrize("name", ["S4", "B3", "S3xS2", "C5"])
def test_matrices_of_permutations_are_those_of_the_representation(name: str) -> None:
    group = named_group(name)
    rep = natural(group) + 2 * trivial(group)
    np.testing.assert_array_equal(evaluate_permutations(rep, group.elements()), rep.float_matrices())


def test_representations_that_need_a_list() -> None:
    group = named_group("C4")
    with pytest.raises(RepresentationError, match="use natural and trivial representations"):
        evaluate_permutations(regular(group), group.elements())
