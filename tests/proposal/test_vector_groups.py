"""Axes and point groups that samples propose, on laws whose group and frame are known."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.datasets.pendulum import pendulum_task
from sharefind.groups import FiniteGroup, named_group, parse_representation
from sharefind.groups.factors import factors_of
from sharefind.inference.vectors.label_models import RIDGES, LabelModel
from sharefind.inference.vectors.rotated_bases import Basis, random_turns
from sharefind.inference.vectors.vector_features import label_fits
from sharefind.inference.vectors.vector_layout import vector_layout
from sharefind.proposal.vector_groups import VectorFinding, propose_vector_groups
from sharefind.proposal.vector_permutations import propose_permutations


def proposed(x: np.ndarray, y: np.ndarray, group: str, on_x: str, on_y: str) -> VectorFinding:
    whole = named_group(group)
    reps = (parse_representation(on_x, whole), parse_representation(on_y, whole))
    layout = vector_layout(*reps)
    assert layout is not None
    return propose_vector_groups(label_fits(x, y, layout), factors_of(whole)[layout.place])


@pytest.mark.parametrize(("n", "degree"), [(2, 7), (3, 4), (5, 2)])
def test_rotations_mix_the_functions_orthogonally(n: int, degree: int) -> None:
    basis = Basis(n, degree)
    q, other = random_turns(n, 9)[5:7]
    r = basis.turned(q)
    assert np.allclose(r.T @ r, np.eye(basis.size), atol=1e-9)
    assert np.allclose(basis.turned(q @ other), basis.turned(other) @ basis.turned(q), atol=1e-6)
    u = np.random.default_rng(0).normal(size=(30, n))
    u /= 1.5 * np.abs(u).max()
    functions = basis.coefficients_basis()
    assert np.allclose(basis.values(u @ q.T) @ functions, basis.values(u) @ functions @ r, atol=1e-6)


def test_the_layout_of_points_with_charges() -> None:
    group = named_group("S4xO3")
    on_x = parse_representation("S4.natural*(O3.natural+trivial)", group)
    layout = vector_layout(on_x, parse_representation("O3.natural", group))
    assert layout is not None
    assert layout.x.vectors.tolist() == [[4 * k, 4 * k + 1, 4 * k + 2] for k in range(4)]
    assert layout.x.scalars.tolist() == [3, 7, 11, 15]
    assert layout.x.orbits == layout.x.scalar_orbits == ((0, 1, 2, 3),)
    assert layout.y.vectors.tolist() == [[0, 1, 2]]
    tensors = parse_representation("O3.natural*O3.natural", group)
    assert vector_layout(tensors, tensors) is None
    pseudo = parse_representation("O3.sign*O3.natural", group)
    assert vector_layout(on_x, pseudo) is None


def in_plane(seed: int, fold: int, mirror: bool, phase: float, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    z = (x[:, 0] + 1j * x[:, 1]) * np.exp(-1j * phase)
    radius, angle = np.tanh(np.abs(z)), np.angle(z)
    y = np.cos(2 * radius) + radius * np.cos(fold * angle)
    y += 0 if mirror else 0.7 * radius * np.sin(2 * fold * angle)
    return x, (y + 0.1 * rng.normal(size=n))[:, None]


@pytest.mark.parametrize(("fold", "mirror"), [(6, True), (5, False), (3, True), (4, False)])
def test_groups_of_the_plane_with_a_turned_axis(fold: int, mirror: bool) -> None:
    phase = 0.3
    found = proposed(*in_plane(fold, fold, mirror, phase), "O2", "natural", "trivial").proposed
    assert found is not None
    assert found.group.name == f"{'D' if mirror else 'C'}{fold}"
    if mirror:
        angle = np.arctan2(found.axes[0, 1], found.axes[0, 0]) - phase
        step = np.pi / fold
        assert abs((angle + step / 2) % step - step / 2) < np.radians(1.5)


@pytest.mark.slow
def test_an_axis_in_space_is_found_within_its_error() -> None:
    rng = np.random.default_rng(1)
    axis = np.array([1.0, -2.0, 3.0]) / np.sqrt(14)
    x = rng.normal(size=(600, 3))
    along = x @ axis
    y = np.sin(along) + 0.5 * np.sqrt((x**2).sum(1) - along**2) + 0.1 * rng.normal(size=600)
    finding = proposed(x, y[:, None], "O3", "natural", "trivial")
    assert finding.proposed is not None
    assert finding.proposed.group.name == "O2"
    off = np.degrees(np.arccos(min(1.0, abs(finding.proposed.axes[-1] @ axis))))
    assert finding.proposed.error is not None
    assert off < 1.5 and off < 4 * finding.proposed.error
    names = [group.name for group in finding.family]
    assert names == ["C1", "SO2", "SO2xO1", "O2", "O2xO1", "S(O2xO1)", "SO3", "O3"]


@pytest.mark.slow
def test_a_vector_label_shows_the_axis_too() -> None:
    rng = np.random.default_rng(2)
    axis = np.array([2.0, 1.0, 2.0]) / 3
    x = rng.normal(size=(300, 3))
    y = x * np.exp(-(x**2).sum(1, keepdims=True) / 4) + 0.5 * axis + 0.1 * rng.normal(size=(300, 3))
    found = proposed(x, y, "O3", "natural", "natural").proposed
    assert found is not None
    assert found.group.name == "O2"
    assert abs(found.axes[-1] @ axis) > np.cos(np.radians(2))


@pytest.mark.slow
@pytest.mark.parametrize("first", [pytest.param(0, marks=pytest.mark.ci), 250, 500])
def test_inputs_that_prefer_a_direction_hide_no_axis(first: int) -> None:
    """Tips of a pendulum are on the lower half of a sphere, and their displacement is no sum over the two vectors."""
    x, y = (side[first : first + 250] for side in pendulum_task(samples=first + 250).arrays())
    found = proposed(x, y, "O3", "2*natural", "natural").proposed
    assert found is not None and found.group.name == "O2" and found.error is not None
    off = np.degrees(np.arccos(min(1.0, abs(float(found.axes[-1][2])))))
    assert off < 0.5 and off < 4 * found.error < 1.0


def test_models_that_see_vectors_together_are_chosen_where_they_predict() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(250, 6))
    mixed = (x[:, :3] * x[:, 3:]).sum(1)
    apart = np.cos((x[:, :3] ** 2).sum(1))
    for y, is_mixed in ((mixed, True), (apart, False)):
        reps = (parse_representation(text, named_group("O3")) for text in ("2*natural", "trivial"))
        layout = vector_layout(*reps)
        assert layout is not None
        (fit,) = label_fits(x, y[:, None], layout)
        assert (fit.sharpest.basis.together == 2) is is_mixed


def test_the_ridge_is_that_of_largest_evidence() -> None:
    """Of a Gaussian prior of the coefficients, by the density of the labels under each ridge."""
    rng = np.random.default_rng(6)
    design, basis = rng.normal(size=(30, 4)), Basis(3, 1)
    labels = design @ rng.normal(size=(4, 1)) + rng.normal(size=(30, 1))
    model = LabelModel(basis, 1, 1, design, labels)

    def evidence(ridge: float) -> float:
        shape = np.eye(30) + design @ design.T / ridge
        return -float(np.linalg.slogdet(shape)[1]) - 30 * np.log(
            float(labels[:, 0] @ np.linalg.solve(shape, labels)[:, 0])
        )

    mean = float(np.trace(model.moments)) / 4
    assert model.ridge == pytest.approx(max((mean * ridge for ridge in RIDGES), key=evidence))


@pytest.mark.slow
@pytest.mark.parametrize("heavy_tails", [False, True])
def test_the_error_of_an_axis_is_honest(heavy_tails: bool) -> None:
    """In units of the said error, angles of random axes have mean square 2, one for each direction."""
    squares = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        x = rng.normal(size=(400, 3))
        noise = rng.standard_t(3, size=400) * (1 + x[:, 0] ** 2) if heavy_tails else rng.normal(size=400)
        y = np.sin((x**2).sum(1)) + 2 * x @ axis + 0.2 * noise
        found = proposed(x, y[:, None], "O3", "natural", "trivial").proposed
        assert found is not None and found.group.name == "O2" and found.error is not None
        angle = np.degrees(np.arccos(min(1.0, abs(float(found.axes[-1] @ axis)))))
        squares.append((angle / found.error) ** 2)
    assert 0.6 < np.mean(squares) < 3.5


@pytest.mark.slow
def test_nothing_is_proposed_where_the_whole_group_holds() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 3))
    y = np.sin((x**2).sum(1)) + 0.1 * rng.normal(size=400)
    finding = proposed(x, y[:, None], "O3", "natural", "trivial")
    assert finding.proposed is None
    assert [group.name for group in finding.family] == ["C1", "SO3", "O3"]


@pytest.mark.parametrize("is_relative", [False, True])
def test_permutations_are_proposed_by_inner_products_or_distances(is_relative: bool) -> None:
    """Vectors relative to their mean have dependent inner products."""
    rng = np.random.default_rng(4)
    group = named_group("S4xO3")
    reps = (parse_representation("S4.natural*O3.natural", group), parse_representation("trivial", group))
    layout = vector_layout(*reps)
    assert layout is not None
    x = rng.normal(size=(800, 4, 3))
    if is_relative:
        x = x - x.mean(1, keepdims=True)
    weights = np.array([1.0, 1.0, 3.0, 1.0])
    y = ((x**2).sum(-1) * weights).sum(1) + 0.1 * rng.normal(size=800)
    finding = propose_permutations(x.reshape(800, 12), y[:, None], *reps, layout, factors_of(group)[0])
    found = finding.family
    assert found[0].order == 1 and found[-1] == factors_of(group)[0]
    largest = max(found[:-1], key=lambda one: one.order)
    assert largest.order == 6 and finding.proposed == largest
    assert all(generator[2] == 2 for generator in largest.generators)  # the heavier point stays


def test_why_no_permutation_can_be_proposed_is_reported() -> None:
    """Two equal vectors determine each other's inner products, so that no coefficients of these can be read."""
    rng = np.random.default_rng(4)
    group = named_group("S4xO3")
    reps = (parse_representation("S4.natural*O3.natural", group), parse_representation("trivial", group))
    layout, finite = vector_layout(*reps), factors_of(group)[0]
    assert layout is not None and isinstance(finite, FiniteGroup)
    x = rng.normal(size=(200, 4, 3))
    y = (x[:, 0] * x[:, 3]).sum(1, keepdims=True)
    assert not propose_permutations(x.reshape(200, 12), y, *reps, layout, finite).why_not
    x[:, 1] = x[:, 0]
    finding = propose_permutations(x.reshape(200, 12), y, *reps, layout, finite)
    assert "inner products" in finding.why_not and "determined by the others" in finding.why_not
    assert finding.proposed.order == 1 and [g.order for g in finding.family] == [1, 24]
