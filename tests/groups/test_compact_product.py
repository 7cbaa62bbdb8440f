"""Products of finite and compact groups: dimensions of fixed spaces, Haar moments, factors and axes."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.errors import GroupError, RepresentationError
from sharefind.groups import hom, named_group, natural, parse_representation, sign, trivial
from sharefind.groups.axes import INPUT_AXES, Axes
from sharefind.groups.axis_expressions import representation_of
from sharefind.groups.compact_product import CompactProduct, compact_product, permutations_of
from sharefind.groups.factors import factor_start, factors_of, qualifiers
from sharefind.spaces import fixed_space


def action(text: str, name: str = "S5xO3"):
    return parse_representation(text, named_group(name))


@pytest.mark.parametrize(
    ("name", "text", "dim"),
    [
        # Of Hom(V, V) for V = R^5 x R^3: two partitions of pairs of points, one scalar of O(3).
        ("S5xO3", "S5.natural*O3.natural", 2),
        ("S5xO3", "S5.natural*(O3.natural+trivial)", 4),
        ("S5xO3", "natural", 3),
        ("C4xSO2", "C4.natural*SO2.natural", 8),  # 4 circulants, and complex numbers
        ("C4xO2", "C4.natural*O2.natural", 4),
        ("R5xO3", "natural", 3),
        ("O2xO3", "O2.natural*O3.natural", 1),
        ("S3xO2xO2", "natural", 4),
    ],
)
def test_dimensions_of_equivariant_maps(name: str, text: str, dim: int) -> None:
    rep = action(text, name)
    assert fixed_space(hom(rep, rep)).dim == dim
    draws = rep.sample_matrices(np.random.default_rng(0), 6000)
    squares = np.trace(draws, axis1=1, axis2=2) ** 2
    assert abs(squares.mean() - dim) < 5 * squares.std() / np.sqrt(len(squares))  # Schur: E tr^2 = dim
    assert np.abs(draws @ draws.swapaxes(1, 2) - np.eye(rep.dim)).max() < 1e-12


def test_draws_are_haar_in_both_factors_and_independent() -> None:
    group = named_group("S4xO3")
    draws = group.sample(np.random.default_rng(1), 8000)
    images = permutations_of(draws[:, :4, :4])
    assert len(np.unique(images, axis=0)) == 24
    turned = draws[:, 4:, 4:]
    assert not draws[:, :4, 4:].any()
    assert np.abs(turned.mean(0)).max() < 0.05
    assert np.allclose((turned**2).mean(0), 1 / 3, atol=0.02)
    parity = np.linalg.det(draws[:, :4, :4])
    assert abs((parity * np.linalg.det(turned)).mean()) < 0.05


def test_samples_agree_with_generators_of_the_representation() -> None:
    group = named_group("S3xO2")
    rep = parse_representation("S3.natural*(O2.natural+trivial)+sign", group)
    matrices = np.stack([np.asarray(m.to_Matrix().tolist(), dtype=float) for m in group.discrete])
    images = np.stack([np.asarray(m.to_Matrix().tolist(), dtype=float) for m in rep.discrete])
    assert np.allclose(rep.evaluate(matrices), images)


def test_vectors_of_points_have_one_equivariant_map() -> None:
    on_x, vector, scalar = action("S5.natural*O3.natural"), action("O3.natural"), action("trivial")
    assert fixed_space(hom(vector, on_x)).dim == 1  # the sum of the points
    assert fixed_space(hom(scalar, on_x)).is_zero


def test_sign_is_parity_times_determinant() -> None:
    group = named_group("S3xO2")
    draws = group.sample(np.random.default_rng(2), 50)
    assert np.allclose(sign(group).evaluate(draws).ravel(), np.linalg.det(draws))
    assert trivial(group, 2).dim == 2


def test_factors_are_called_by_name_or_place() -> None:
    group = named_group("s5xo3")
    assert group.name == "S5xO3"
    assert qualifiers(group) == ("S5", "O3")
    assert factor_start(group, 1) == 5
    assert [factor.name for factor in factors_of(group)] == ["S5", "O3"]
    assert parse_representation("2.natural", group).dim == 3
    with pytest.raises(RepresentationError, match=r"no factor C4 .*S5.natural or O3.natural"):
        parse_representation("C4.natural", group)


def test_products_are_equal_when_their_factors_are() -> None:
    group = named_group("S5xO3")
    assert group == named_group("S5xO3")
    assert group not in (named_group("S5xSO3"), named_group("O3xS5"), named_group("O3"))
    assert hash(group) == hash(named_group("S5xO3"))
    assert natural(group).group == group


def test_products_of_finite_groups_of_matrices_are_finite() -> None:
    c2, so2 = named_group("C2"), named_group("SO2")
    assert compact_product("C2xC2", [c2, c2]).order == 4
    assert compact_product("C2xSO2", [c2, so2]).order is None
    assert isinstance(named_group("C2xSO2"), CompactProduct)


@pytest.mark.parametrize("name", ["C2xO99", "C2xSO1", "SO3xQ5"])
def test_impossible_factors_are_refused(name: str) -> None:
    with pytest.raises(GroupError):
        named_group(name)


def test_axes_of_points_with_coordinates_and_a_charge() -> None:
    group, axes = named_group("S5xO3"), Axes(("points", "coords"), (5, 4))
    rep = representation_of("points:natural coords:natural+trivial", group, axes, INPUT_AXES)
    assert rep.name == "points:S5.natural coords:O3.natural+trivial"
    assert fixed_space(rep).dim == 1  # the sum of the charges
    with pytest.raises(RepresentationError, match="coords has length 4"):
        representation_of("points:natural coords:natural", group, axes, INPUT_AXES)


def test_order_of_columns_may_be_the_other_one() -> None:
    group = named_group("S4xO3")
    by_points = representation_of(
        "points:natural coords:natural", group, Axes(("points", "coords"), (4, 3)), INPUT_AXES
    )
    by_coords = representation_of(
        "points:natural coords:natural", group, Axes(("coords", "points"), (3, 4)), INPUT_AXES
    )
    rng = np.random.default_rng(3)
    draws = group.sample(rng, 3)
    order = np.arange(12).reshape(4, 3).T.ravel()
    assert np.allclose(by_coords.evaluate(draws), by_points.evaluate(draws)[:, order][:, :, order])
