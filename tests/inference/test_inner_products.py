"""What rotations leave of vectors: the same before and after, and enough to see what labels depend on."""

import numpy as np
import torch

from sharefind.groups import named_group, parse_representation
from sharefind.groups.vector_types import vector_labels
from sharefind.inference.inner_products import inner_products
from sharefind.inference.tests.independence import independence_test


def test_rotations_change_no_view() -> None:
    rep = parse_representation("2*natural+trivial+natural", named_group("O3"))
    x = np.random.default_rng(0).standard_normal((5, 10))
    turns = rep.sample_matrices(np.random.default_rng(1), 5)
    before, after = (
        inner_products(torch.from_numpy(rows), vector_labels(rep)) for rows in (x, np.einsum("nij,nj->ni", turns, x))
    )
    assert before.shape == (5, 1 + 6)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12)
    np.testing.assert_allclose(before[:, 0], x[:, 6])
    expected = [np.sum(x[:, :3] * x[:, 3:6], axis=1), np.sum(x[:, 7:] ** 2, axis=1)]
    np.testing.assert_allclose(before[:, [2, 6]].T, expected, atol=1e-12)


def test_a_bond_length_is_seen_however_the_molecule_lies() -> None:
    """Bonds differ by a tenth of an angstrom and molecules are turned at random: raw coordinates hide it."""
    rng = np.random.default_rng(0)
    turns = np.linalg.qr(rng.standard_normal((150, 3, 3)))[0]
    bonds = 1 + 0.05 * rng.standard_normal((150, 2))
    rest = np.array([[1.0, 0.0, 0.0], [-0.3, 0.95, 0.0]])
    x = torch.from_numpy((bonds[:, :, None] * rest @ turns).reshape(150, 6))
    y = torch.from_numpy(bonds.sum(axis=1, keepdims=True) + 0.02 * rng.standard_normal((150, 1)))
    views = [inner_products(x, (1, 1, 1, 2, 2, 2))]
    assert independence_test(x, y, np.random.default_rng(1), 99).p_value > 0.05
    assert independence_test(x, y, np.random.default_rng(1), 99, views=views).p_value == 0.01


def test_views_leave_the_level_alone() -> None:
    """Exact by permutation whatever the views: 30 sets of labels that depend on nothing, 39 permutations each."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(30):
        x, y = torch.from_numpy(rng.standard_normal((30, 6))), torch.from_numpy(rng.standard_normal((30, 1)))
        views = [inner_products(x, (1, 1, 1, 2, 2, 2))]
        found.append(independence_test(x, y, rng, 39, views=views).p_value)
    assert np.mean(np.array(found) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 30)
