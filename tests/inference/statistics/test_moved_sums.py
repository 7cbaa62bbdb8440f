"""Sums of terms that a finite group moves, against the definition, term by term."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sharefind.groups import FiniteGroup, named_group
from sharefind.inference.statistics.moved_sums import AddedTerms, MovedTerms, regular_parts

QUATERNIONS = FiniteGroup("Q8", 8, ((1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3)))
GROUPS = [*(named_group(name) for name in ("C1", "C2", "C5", "V4", "D4", "S4", "C4xC2")), QUATERNIONS]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_sums_are_those_of_terms_moved_one_by_one(group: FiniteGroup) -> None:
    """Real, complex (C5) and quaternionic parts (Q8), one alone and none at all."""
    products = torch.from_numpy(group.multiplication_table().astype(np.int64))
    rng = np.random.default_rng(0)
    terms = torch.from_numpy(rng.normal(size=(9, len(products), 3)))
    elements = torch.from_numpy(rng.integers(len(products), size=(4, 9)))
    expected = torch.zeros(4, len(products), 3, dtype=torch.float64)
    for row, moves in zip(expected, elements, strict=True):
        for term, move in zip(terms, moves, strict=True):
            row[products[move]] += term
    for found in (MovedTerms.of(terms, regular_parts(products)), AddedTerms(terms, products)):
        torch.testing.assert_close(found.sums(elements), expected, rtol=0, atol=1e-12)


def test_a_copy_costs_less_than_a_sum_for_each_element() -> None:
    """The coordinates of all parts but the one that the group leaves alone have as many numbers as the terms."""
    products = torch.from_numpy(named_group("S4").multiplication_table().astype(np.int64))
    terms = torch.ones(5, 24, 2, dtype=torch.float64)
    parts = MovedTerms.of(terms, regular_parts(products))
    dimensions = [part.matrices.shape[1] for part in parts.parts]
    assert sorted(dimensions) == [1, 2, 3, 3]
    assert sum(values.numel() for values in parts.coordinates) == terms.numel() // 24 * 23
