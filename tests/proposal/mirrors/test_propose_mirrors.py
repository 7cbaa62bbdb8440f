"""Which maps a log speaks for: known ones are found, what has none is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.errors import InputError
from sharefind.proposal.mirrors.mirror_finding import mirror_finding, mirror_group
from sharefind.proposal.mirrors.propose_mirrors import MirrorProposal, propose_mirrors
from sharefind.proposal.mirrors.signed_map import SignedMap, mirror_layout
from tests.proposal.mirrors.relations import INPUTS, biped, biped_mirror, random_map, symmetrised


def is_group_of(found: MirrorProposal, maps: list[SignedMap]) -> bool:
    layout = mirror_layout(*found.terms.linear[0].shape)
    return mirror_group(found.maps, layout) == mirror_group(maps, layout)


@pytest.mark.parametrize("n", [600, 1000])
def test_the_mirror_of_a_robot_is_found_with_all_signs(n: int) -> None:
    found = propose_mirrors(*biped(n))
    assert is_group_of(found, [biped_mirror()])
    assert found.aside_inputs == (8,) and found.aside_outputs == ()
    assert found.is_exhaustive


@pytest.mark.parametrize("seed", range(2))
def test_random_maps_of_inputs_and_labels_apart_are_found(seed: int) -> None:
    rng = np.random.default_rng([5, seed])
    g = random_map(5, 11, rng)
    assert is_group_of(propose_mirrors(*symmetrised([g], 5, 11, 1500, rng)), [g])


def test_groups_of_several_generators_are_found() -> None:
    rng = np.random.default_rng(8)
    turned = [rng.choice([-1, 1], size=size) for size in (4, 8)]

    def on_square(images: list[int]) -> SignedMap:
        """A move of four corners, on four labels and on four pairs of inputs, in coordinates with signs."""
        out, on = np.array(images), np.concatenate([images, np.array(images) + 4])
        return SignedMap(out, turned[0] * turned[0][out], on, turned[1] * turned[1][on])

    square = [on_square([1, 2, 3, 0]), on_square([0, 3, 2, 1])]
    found = propose_mirrors(*symmetrised(square, 4, 8, 2000, rng))
    assert is_group_of(found, square)
    assert mirror_finding(found).name == "D4"


@pytest.mark.parametrize("seed", range(3))
def test_relations_without_a_symmetry_have_no_map(seed: int) -> None:
    rng = np.random.default_rng([6, seed])
    x, y = symmetrised([], 4, 30, 600, rng)
    assert propose_mirrors(x, y).maps == ()


def test_two_of_thirty_weights_that_are_alike_are_an_accident() -> None:
    rng = np.random.default_rng(2)
    x, weights = rng.normal(size=(2000, 30)), rng.normal(size=30)
    weights[4] = weights[17]
    assert propose_mirrors(x, (x @ weights + 0.1 * rng.normal(size=2000))[:, None]).maps == ()
    # Ten that are all alike are none.
    x = x[:500, :10]
    found = propose_mirrors(x, x.sum(axis=1, keepdims=True) + 0.1 * rng.normal(size=(500, 1)))
    assert np.unique(mirror_finding(found).labels).tolist() == [1]


def test_signs_are_about_the_zero_of_the_data_and_only_where_rows_meet_their_images() -> None:
    rng = np.random.default_rng(3)
    x = np.stack([rng.normal(300, 10, 500), rng.normal(300, 10, 500)], axis=1)
    y = (x[:, :1] - x[:, 1:]) + 0.1 * rng.normal(size=(500, 1))
    swap = SignedMap(np.array([0]), np.array([-1]), np.array([1, 0]), np.array([1, 1]))
    assert is_group_of(propose_mirrors(x, y), [swap])  # not x -> -x, which no row shows
    # Two angles with opposite ranges are mirror images about zero.
    x[:, 1] *= -1
    y = (x[:, :1] + x[:, 1:]) + 0.1 * rng.normal(size=(500, 1))
    mirror = SignedMap(np.array([0]), np.array([-1]), np.array([1, 0]), np.array([-1, -1]))
    assert is_group_of(propose_mirrors(x, y), [mirror])


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_huge_column_beside_small_ones_changes_nothing(scale: float) -> None:
    x, y = biped(1000)
    x[:, [6, 7]] *= scale
    y[:, 1] *= scale
    assert is_group_of(propose_mirrors(x, y), [biped_mirror()])


def test_labels_that_depend_on_nothing_are_set_aside() -> None:
    x, y = biped(1000)
    y = np.column_stack([y, np.random.default_rng(1).normal(size=1000)])
    assert propose_mirrors(x, y).aside_outputs == (4,)


def test_what_cannot_be_fitted_is_refused_in_one_line() -> None:
    x, y = biped(12)
    with pytest.raises(InputError, match="12 samples are too few for a search of maps of 9 inputs; give more than 30"):
        propose_mirrors(x, y)
    x, y = biped(100)
    x[:, 3] = x[:, 2]
    with pytest.raises(InputError, match="hip_r, is determined by the others"):
        propose_mirrors(x, y, names=INPUTS)


def test_few_rows_say_nothing_rather_than_something_wrong() -> None:
    for seed in range(3):
        x, y = biped(40, seed)
        found = propose_mirrors(x, y)
        assert found.maps == () or is_group_of(found, [biped_mirror()])


def test_a_mirror_of_the_relation_is_found_where_left_and_right_have_other_ranges() -> None:
    """Means of lateral columns are not 0 and one hip swings further, so that the law of the inputs has no mirror."""
    x, y = biped(2000, shift=0.5)
    assert abs(x[:, 0].mean()) > 10 * x[:, 0].std() / np.sqrt(2000)
    assert is_group_of(propose_mirrors(x, y), [biped_mirror()])
