"""Standardisation: commutes with the group, sees data only through orbits, and depends on no offset the group fixes."""

from typing import get_args

import numpy as np
import pytest

from sharefind.errors import DataError
from sharefind.groups import Representation, named_group, parse_representation
from sharefind.meanfield import LOGISTIC, TANH, Activation, standardisation
from sharefind.meanfield.clouds.standardise import TARGET_SD, How, identity_standardisation
from sharefind.spaces import fixed_space

ACTIONS = (
    ("C1", "trivial:3", "trivial"),
    ("C2", "natural", "natural"),
    ("C4", "natural", "natural"),
    ("S3", "natural*natural", "natural+trivial"),
    ("S4", "natural+trivial", "natural"),
    ("B3", "natural", "natural"),
    ("D4", "grid:3", "trivial"),
    ("R5", "natural+trivial", "trivial:2"),
    ("V4", "regular", "natural"),
)
HOWS = get_args(How)
TOLERANCE = 1e-9


@pytest.fixture(params=ACTIONS, ids=lambda a: " ".join(a))
def reps(request: pytest.FixtureRequest) -> tuple[Representation, Representation]:
    name, in_text, out_text = request.param
    group = named_group(name)
    return parse_representation(in_text, group), parse_representation(out_text, group)


def data(reps: tuple[Representation, Representation], spread: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated inputs of unequal scales off the origin, and labels mostly outside (-1, 1)."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(reps[0].dim, reps[0].dim)) + np.diag(rng.uniform(1, 4, reps[0].dim))
    x = rng.normal(size=(200, reps[0].dim)) @ mixing.T + 0.3
    return x, spread * rng.normal(size=(200, reps[1].dim)) + 2


@pytest.mark.parametrize("how", HOWS)
def test_it_commutes_with_the_group(reps: tuple[Representation, Representation], how: How) -> None:
    change = standardisation(*data(reps), *reps, TANH, how)
    for rho, rhohat in zip(reps[0].float_matrices(), reps[1].float_matrices(), strict=True):
        np.testing.assert_allclose(change.matrix @ rho, rho @ change.matrix, atol=TOLERANCE)
        np.testing.assert_allclose(rhohat @ change.shift, change.shift, atol=TOLERANCE)
        np.testing.assert_allclose(rho @ change.centre, change.centre, atol=TOLERANCE)
    x, y = data(reps)
    moved = change.apply(x @ rho.T, y @ rhohat.T)
    straight = change.apply(x, y)
    np.testing.assert_allclose(moved[0], straight[0] @ rho.T, atol=TOLERANCE)
    np.testing.assert_allclose(moved[1], straight[1] @ rhohat.T, atol=TOLERANCE)


@pytest.mark.parametrize("how", HOWS)
def test_it_sees_the_data_through_orbits(reps: tuple[Representation, Representation], how: How) -> None:
    """Each sample moved by its own random element: nothing changes, so randomisation tests stay exact."""
    sigma = TANH if reps[1].kind == "signed" else LOGISTIC
    x, y = data(reps)
    elements = reps[0].finite_group.sample(np.random.default_rng(1), len(x))
    moved = (reps[0].act_float(elements, x), reps[1].act_float(elements, y))
    one, other = (standardisation(*d, *reps, sigma, how) for d in ((x, y), moved))
    np.testing.assert_allclose(other.matrix, one.matrix, atol=TOLERANCE)
    np.testing.assert_allclose(other.shift, one.shift, atol=TOLERANCE)
    np.testing.assert_allclose(other.centre, one.centre, atol=TOLERANCE)
    assert other.scale == pytest.approx(one.scale, rel=1e-12)


@pytest.mark.parametrize("how", HOWS)
def test_vectors_that_the_group_fixes_change_nothing(reps: tuple[Representation, Representation], how: How) -> None:
    """An offset of 300 spreads on x and on y is taken out again; the scale of y, too."""
    rng = np.random.default_rng(5)
    x, y = data(reps)
    u, v = (
        fixed_space(rep).project(rng.normal(size=rep.dim) + 1) * 300 * d.std()
        for rep, d in zip(reps, (x, y), strict=True)
    )
    one, other = (standardisation(*d, *reps, TANH, how) for d in ((x, y), (x + u, 40 * y + v)))
    np.testing.assert_allclose(other.matrix, one.matrix, atol=TOLERANCE)
    np.testing.assert_allclose(other.centre, one.centre + u, rtol=1e-12, atol=TOLERANCE)
    for moved, straight in zip(other.apply(x + u, 40 * y + v), one.apply(x, y), strict=True):
        np.testing.assert_allclose(moved, straight, atol=1e-8)


@pytest.mark.parametrize("how", HOWS)
def test_the_origin_is_what_the_group_fixes_of_the_mean(reps: tuple[Representation, Representation], how: How) -> None:
    x, y = data(reps)
    change = standardisation(x, y, *reps, TANH, how)
    mean = reps[0].float_matrices().mean(axis=0) @ x.mean(axis=0)
    np.testing.assert_allclose(change.centre, mean, atol=TOLERANCE)
    assert change.moves_inputs == bool(np.any(mean != 0))


def test_whitening_whitens_the_averaged_second_moment(reps: tuple[Representation, Representation]) -> None:
    x, y = data(reps)
    white, _ = standardisation(x, y, *reps, TANH, "whiten").apply(x, y)
    images = np.einsum("gij,nj->gni", reps[0].float_matrices(), white).reshape(-1, reps[0].dim)
    np.testing.assert_allclose(images.T @ images / len(images), np.eye(reps[0].dim), atol=1e-8)


def test_whitening_without_a_group_is_the_usual_one() -> None:
    group = named_group("C1")
    reps = (parse_representation("trivial:3", group), parse_representation("trivial", group))
    x, y = data(reps)
    white, _ = standardisation(x, y, *reps, TANH, "whiten").apply(x, y)
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(3), atol=1e-10)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-10)


def test_whitening_under_a_rotation_group_is_a_scaling() -> None:
    group = named_group("SO3")
    reps = (parse_representation("natural", group), parse_representation("trivial", group))
    x, y = data(reps)
    change = standardisation(x, y, *reps, TANH, "whiten")
    expected = np.eye(3) / np.sqrt((x**2).mean())
    np.testing.assert_allclose(change.matrix, expected, atol=1e-10)


def test_scaling_makes_the_root_mean_square_one(reps: tuple[Representation, Representation]) -> None:
    x, y = data(reps)
    change = standardisation(x, y, *reps, TANH, "scale")
    scaled, _ = change.apply(x, y)
    assert float((scaled**2).mean()) == pytest.approx(1)
    assert np.count_nonzero(change.matrix - np.diag(np.diag(change.matrix))) == 0


@pytest.mark.parametrize("value", [0.0, 300.0])
def test_a_constant_feature_stays_finite(value: float) -> None:
    group = named_group("C1")
    reps = (parse_representation("trivial:3", group), parse_representation("trivial", group))
    x, y = data(reps)
    x[:, 1] = value
    white, _ = standardisation(x, y, *reps, TANH, "whiten").apply(x, y)
    assert np.isfinite(white).all()
    np.testing.assert_allclose(white[:, 1], 0, atol=1e-8)
    np.testing.assert_allclose(np.cov(white[:, [0, 2]].T, bias=True), np.eye(2), atol=1e-4)


@pytest.mark.parametrize("how", HOWS)
def test_inputs_that_do_not_vary_keep_their_origin(how: How) -> None:
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    x, y = np.full((20, 2), 0.7), np.random.default_rng(4).normal(size=(20, 2))
    change = standardisation(x, y, *reps, TANH, how)
    assert not change.moves_inputs
    new = change.apply(x, y)[0]
    assert np.isfinite(new).all()
    assert np.all(new > 0)


@pytest.mark.parametrize(
    ("sigma", "low", "high"),
    [(LOGISTIC, 0.05, 0.95), (TANH, -0.9, 0.9), (None, -0.9, 0.9)],
    ids=["logistic", "tanh", "unbounded"],
)
@pytest.mark.parametrize("how", HOWS)
def test_labels_inside_the_range_are_standardised_too(
    sigma: Activation | None, low: float, high: float, how: How
) -> None:
    """Whether labels lie inside the range or not, the unit sees the same ones."""
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(100, 2)), rng.uniform(low, high, size=(100, 2))
    change, far = (standardisation(x, labels, *reps, sigma, how) for labels in (y, 1000 * y - 70))
    assert change.rescales_labels
    new = change.apply(x, y)[1]
    half, centre = (1.0, 0.0) if sigma is None else ((sigma.high - sigma.low) / 2, (sigma.high + sigma.low) / 2)
    sd = half if sigma is None else TARGET_SD * half
    assert float(new.mean()) == pytest.approx(centre, abs=1e-12)
    assert float(((new - centre) ** 2).mean()) == pytest.approx(sd**2)
    np.testing.assert_allclose(far.apply(x, 1000 * y - 70)[1], new, atol=1e-10)


@pytest.mark.parametrize("sigma", [LOGISTIC, TANH], ids=["logistic", "tanh"])
def test_labels_outside_are_brought_inside(sigma: Activation) -> None:
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    x, y = data(reps)
    change = standardisation(x, y, *reps, sigma, "none")
    assert change.rescales_labels
    new = change.apply(x, y)[1]
    half, centre = (sigma.high - sigma.low) / 2, (sigma.high + sigma.low) / 2
    assert float(new.mean()) == pytest.approx(centre)
    assert float(((new - centre) ** 2).mean()) == pytest.approx((TARGET_SD * half) ** 2)
    assert float(((new <= sigma.low) | (new >= sigma.high)).mean()) < 0.01


def test_constant_labels_outside_are_centred() -> None:
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    x, _ = data(reps)
    change = standardisation(x, np.full((200, 2), 7.0), *reps, LOGISTIC, "none")
    np.testing.assert_allclose(change.apply(x, np.full((200, 2), 7.0))[1], 0.5)


@pytest.mark.parametrize("how", HOWS)
def test_all_zero_inputs_are_refused(how: How) -> None:
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    with pytest.raises(DataError, match=r"all inputs x are zero.*check the columns of x"):
        standardisation(np.zeros((5, 2)), np.zeros((5, 2)), *reps, TANH, how)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["x", "y"])
def test_an_offset_that_drowns_a_column_is_refused_by_its_name(how: How, name: str) -> None:
    """A spread of 1 beside 1e11 keeps four digits in double precision; one beside 1e9 keeps the six needed."""
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 50, 2))
    values = x if name == "x" else y
    values[:, 1] += 1e11
    with pytest.raises(DataError, match=rf"column 1 of {name} .*keeps 4 digits.*subtract a constant from that column"):
        standardisation(x, y, *reps, TANH, how)
    values -= 0.99e11 * np.array([0, 1])
    values[:, 0] += 1e9
    assert np.isfinite(standardisation(x, y, *reps, TANH, how).matrix).all()


@pytest.mark.parametrize("spread", [1e-4, 1e4])
def test_without_standardisation_the_spread_of_x_must_suit_training(spread: float) -> None:
    """The labels are rescaled in any case, and theirs is free."""
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    x, y = np.random.default_rng(7).normal(size=(2, 50, 2))
    with pytest.raises(DataError, match=r"x spreads by .*use the preset that standardises"):
        standardisation(spread * x, y, *reps, TANH, "none")
    assert standardisation(x, spread * y, *reps, TANH, "none").rescales_labels


def test_the_identity_changes_nothing() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 6, 3))
    change = identity_standardisation(3, 3)
    assert not change.rescales_labels
    assert all(np.array_equal(a, b) for a, b in zip(change.apply(x, y), (x, y), strict=True))


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("huge", ["x", "y"])
def test_values_whose_squares_overflow_are_refused(how: How, huge: str) -> None:
    group = named_group("C2")
    reps = (parse_representation("natural", group), parse_representation("natural", group))
    x, y = data(reps)
    (x if huge == "x" else y)[3, 1] = -1e200
    with pytest.raises(DataError, match=rf"{huge} holds values as large as 1e\+200.*divide it by a constant"):
        standardisation(x, y, *reps, TANH, how)
