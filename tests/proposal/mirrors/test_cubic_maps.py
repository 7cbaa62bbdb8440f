"""Maps of relations that linear terms and products of two inputs do not show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.proposal.mirrors.mirror_finding import mirror_group
from sharefind.proposal.mirrors.propose_mirrors import MIRROR_SETTINGS, MirrorProposal, propose_mirrors
from sharefind.proposal.mirrors.settling import images_left
from sharefind.proposal.mirrors.signed_map import mirror_layout
from sharefind.proposal.mirrors.terms import chosen_terms, fit_terms
from tests.proposal.mirrors.relations import FloatArray, cubic_relation, keeps, random_map

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def is_settled(found: MirrorProposal) -> bool:
    """Whether each column that matters has one image under each map."""
    left = images_left(found.maps, found.terms)
    sides = [(one.inputs, found.aside_inputs) for one in left] + [(one.outputs, found.aside_outputs) for one in left]
    return all((np.delete(images, aside, axis=1).sum(axis=(0, 2)) == 1).all() for images, aside in sides)


def order(found: MirrorProposal) -> int:
    return mirror_group(found.maps, mirror_layout(*found.terms.linear[0].shape)).order


def rows(columns: int, n: int = 1000, seed: int = 1) -> tuple[FloatArray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, columns)), rng


def test_products_of_three_are_those_of_least_squares() -> None:
    x, rng = rows(3, 400)
    x *= [1, 5, 0.1]
    y = np.stack([x[:, 0] * x[:, 1] * x[:, 2], x[:, 2] ** 3 - x[:, 1]], axis=1) + 0.1 * rng.normal(size=(400, 2))
    terms = fit_terms(x, y, wanted=np.array([[0, 1]]), triples=np.array([[0, 1, 2], [2, 2, 2]]))
    design = np.column_stack([np.ones(400), x, x[:, 0] * x[:, 1], x.prod(axis=1), x[:, 2] ** 3])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(terms.linear[0], solution[1:4].T)
    np.testing.assert_allclose(terms.cubes.values[:, 2, 0, 1], solution[5])
    np.testing.assert_allclose(terms.cubes.values[:, 2, 2, 2], solution[6])
    np.testing.assert_allclose(terms.predict(x), design @ solution)


def test_products_of_three_enter_where_residuals_ask_for_them() -> None:
    x, rng = rows(12)
    y = x[:, :1] * x[:, 3:4] * x[:, 7:8] + 0.5 * x[:, 5:6] ** 3 + x[:, 1:2] * x[:, 2:3]
    chosen = chosen_terms(x, y + 0.1 * rng.normal(size=(1000, 1)), NO_PAIRS)
    assert sorted(chosen.entered.triples.tolist()) == [[0, 3, 7], [5, 5, 5]] and chosen.is_whole
    assert chosen.entered.pairs.tolist() == [[1, 2]]


@pytest.mark.parametrize("law", ["heavy", "skewed", "noise"])
def test_labels_without_products_of_three_have_none(law: str) -> None:
    """Cubes of heavy tails are a few rows; what these happen to be says nothing."""
    rng = np.random.default_rng(5)
    count = 0
    for _ in range(20):
        x = rng.standard_t(4, size=(300, 8)) if law == "heavy" else rng.exponential(size=(300, 8)) - 1
        noise = rng.standard_t(3, size=(300, 1)) if law == "noise" else rng.normal(size=(300, 1))
        count += len(chosen_terms(x, x[:, :1] - x[:, 1:2] + noise, NO_PAIRS).entered.triples)
    assert count <= 1


def test_a_product_of_three_alone_is_no_answer_of_no_sharing() -> None:
    x, rng = rows(6)
    found = propose_mirrors(x, x[:, [0]] * x[:, [2]] * x[:, [3]] + 0.1 * rng.normal(size=(1000, 1)))
    assert found.aside_inputs == (1, 4, 5) and found.maps
    assert all(keeps(g, lambda x: x[:, [0]] * x[:, [2]] * x[:, [3]], x) for g in found.maps)


def test_products_of_three_cut_down_what_linear_terms_suggest() -> None:
    x, rng = rows(4)
    y = x.sum(axis=1) + x[:, 0] * x[:, 1] * x[:, 2]
    found = propose_mirrors(x, y[:, None] + 0.1 * rng.normal(size=(1000, 1)))
    moved = np.any([g.moved_inputs for g in found.maps], axis=0)
    assert moved.tolist() == [True, True, True, False] and 6 % order(found) == 0


def test_a_search_that_could_not_look_at_products_of_three_is_cut_short() -> None:
    x, rng = rows(6)
    y = x[:, [0]] * x[:, [2]] * x[:, [3]] + 0.1 * rng.normal(size=(1000, 1))
    blind = replace(MIRROR_SETTINGS, terms=replace(MIRROR_SETTINGS.terms, most_cubic=0))
    found = propose_mirrors(x, y, blind)
    assert found.maps == () and not found.is_exhaustive
    assert propose_mirrors(x, x[:, :1] * 0 + rng.normal(size=(1000, 1))).is_exhaustive


def check_random_map(seed: int, n: int, largest: int) -> None:
    """What is settled is a symmetry of the relation, and something is found."""
    rng = np.random.default_rng([55, seed])
    m, d = int(rng.integers(2, 4)), int(rng.integers(5, largest))
    relation = cubic_relation([random_map(m, d, rng)], m, d, rng, triples=d, pairs=int(rng.integers(3)))
    x = rng.normal(size=(n, d))
    y = relation(x)
    found = propose_mirrors(x, y + 0.05 * y.std() * rng.normal(size=y.shape))
    assert found.maps or not found.is_exhaustive
    assert all(keeps(g, relation, x[:50]) for g in found.maps) or not is_settled(found)


def test_a_random_map_of_products_of_three_is_right_or_undecided() -> None:
    check_random_map(4, 1000, 7)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_random_maps_of_products_of_three_are_right_or_undecided(seed: int) -> None:
    check_random_map(seed, 2000, 11)
