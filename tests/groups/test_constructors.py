"""Ready-made representations: pixel grids against numpy's own rotations, signs, and their refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import GroupError, RepresentationError
from sharefind.groups import FiniteGroup, grid, named_group, natural, regular, sign, subgroups, trivial
from sharefind.groups.cycles import permutation_sign

CORNERS = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])


def images_of_the_square(image):
    """The eight rotated and reflected copies of an image (k, k), by numpy."""
    turned = [np.rot90(image, q) for q in range(4)]
    return turned + [np.fliplr(t) for t in turned]


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_grids_are_the_symmetries_of_an_image(k):
    group = named_group("D4")
    rep = grid(group, k)
    image = np.arange(k * k, dtype=float)
    moved = rep.act_float(np.arange(8), np.tile(image, (8, 1)))
    ours = {tuple(row) for row in moved}
    assert ours == {tuple(copy.ravel()) for copy in images_of_the_square(image.reshape(k, k))}


@pytest.mark.parametrize("k", [2, 3, 5])
def test_corner_pixels_move_as_the_points_do(k):
    group = named_group("D4")
    rep = grid(group, k)
    perms, _ = rep.images()
    corners = CORNERS @ np.array([k * (k - 1), k - 1])
    for g, perm in zip(group.elements(), perms, strict=True):
        assert np.array_equal(perm[corners], corners[g])


@pytest.mark.parametrize("k", [3, 5, 7])
def test_a_patch_is_a_grid_without_its_centre(k):
    group = named_group("D4")
    whole, patch = grid(group, k), grid(group, k, centre=False)
    assert patch.dim == k * k - 1
    image = np.random.default_rng(0).normal(size=(8, k * k))
    centre = k * k // 2
    moved = np.delete(whole.act_float(np.arange(8), image), centre, axis=1)
    assert np.array_equal(patch.act_float(np.arange(8), np.delete(image, centre, axis=1)), moved)
    assert whole.character() == tuple(value + 1 for value in patch.character())


@pytest.mark.parametrize(("k", "orbits"), [(2, 1), (3, 3), (4, 3), (5, 6), (16, 36)])
def test_orbits_of_pixels(k, orbits):
    """Burnside: pixels up to symmetry are the triangle numbers of ceil(k / 2)."""
    character = grid(named_group("D4"), k).character()
    assert sum(character) == 8 * orbits


def test_grids_of_subgroups_and_other_groups_on_four_corners():
    for subgroup in subgroups(named_group("D4")):
        assert grid(subgroup, 3).group == subgroup
    assert grid(named_group("B2"), 3).dim == 9
    assert grid(named_group("R4"), 3).dim == 9
    restricted = grid(named_group("D4"), 3).restrict(named_group("C4"))
    assert np.array_equal(restricted.perms, grid(named_group("C4"), 3).perms)


def test_groups_that_do_not_move_a_square_are_refused():
    with pytest.raises(GroupError, match="not an isometry of the square"):
        grid(named_group("S4"), 3)
    with pytest.raises(GroupError, match="not an isometry"):
        grid(FiniteGroup("swap", 4, ((1, 0, 2, 3),)), 3)
    for name in ("C5", "S3", "SO3"):
        with pytest.raises(GroupError, match="4 corners"):
            grid(named_group(name), 3)


@pytest.mark.parametrize(("k", "centre"), [(0, True), (-1, True), (4, False), (1, False), (100_001, True)])
def test_sizes_without_pixels_are_refused(k, centre):
    with pytest.raises(RepresentationError):
        grid(named_group("D4"), k, centre)


@given(st.sampled_from(["C4", "C5", "D4", "D5", "S4", "A4", "V4", "C2xC3"]))
def test_the_sign_is_the_parity(name):
    group = named_group(name)
    assert sign(group).kind == "signed"
    assert sign(group).character() == tuple(permutation_sign(g) for g in group.elements())


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_sign_of_signed_permutations_forgets_the_signs(n):
    group = named_group(f"B{n}")
    expected = tuple(permutation_sign(g[:n] % n) for g in group.elements())
    assert sign(group).character() == expected
    for subgroup in subgroups(named_group("B2")):
        values = sign(named_group("B2")).restrict(subgroup).character()
        assert values == tuple(permutation_sign(g[:2] % 2) for g in subgroup.elements())


def test_trivial_representations():
    rep = trivial(named_group("S3"), 4)
    assert np.array_equal(rep.float_matrices(), np.tile(np.eye(4), (6, 1, 1)))
    assert (rep.name, trivial(rep.group).name) == ("trivial:4", "trivial")
    for dim in (0, -1, 10**9):
        with pytest.raises(RepresentationError):
            trivial(rep.group, dim)
    with pytest.raises(RepresentationError):
        0 * rep


def test_the_regular_representation_multiplies_from_the_left():
    group = named_group("S4")
    perms, _ = regular(group).images()
    assert np.array_equal(perms, group.multiplication_table())


def test_products_have_the_sum_of_their_factors():
    rep = natural(named_group("R5xC2"))
    assert (rep.kind, rep.dim) == ("matrix", 4)
    assert natural(named_group("B2xC3")).kind == "signed"
    assert natural(named_group("C2xC3")).kind == "permutation"


def test_the_trivial_group_of_rotations_has_no_generators():
    rep = natural(named_group("R1"))
    assert (rep.dim, rep.character()) == (2, (2,))
    assert np.array_equal(rep.float_matrices(), np.eye(2)[None])
