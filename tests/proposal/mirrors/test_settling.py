"""What is left of maps against all signed permutations of a few columns, tried one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import pytest

from sharefind.proposal.mirrors.mirror_search import telling
from sharefind.proposal.mirrors.propose_mirrors import propose_mirrors
from sharefind.proposal.mirrors.settling import SettlingSettings, images_left
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.proposal.mirrors.terms import Terms, fit_terms
from tests.proposal.mirrors.relations import biped, biped_mirror, random_map, symmetrised


def signed_permutations(size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for images, signs in product(permutations(range(size)), product((1, -1), repeat=size)):
        yield np.array(images), np.array(signs)


def keeps(g: SignedMap, linear: np.ndarray) -> bool:
    moved = np.empty_like(linear)
    moved[np.ix_(g.out_images, g.in_images)] = linear * np.multiply.outer(g.out_signs, g.in_signs)
    return bool(np.allclose(moved, linear))


def rows_of(linear: np.ndarray, n: int = 400) -> Terms:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, linear.shape[1]))
    return fit_terms(x, x @ linear.T + 1e-3 * rng.normal(size=(n, len(linear))))


def places(g: SignedMap) -> list[tuple[int, int]]:
    outputs = zip(g.out_images.tolist(), g.out_signs.tolist(), strict=True)
    return [*outputs, *zip(g.in_images.tolist(), g.in_signs.tolist(), strict=True)]


@pytest.mark.parametrize(
    "linear",
    [
        [[1.0, 2, 0], [2, 1, 0]],  # the last input does nothing
        [[1.0, 2, 0, 0], [0, 0, 1, 2]],  # two labels that share no input
        [[1.0, 2, 2], [1, -2, 2]],
        [[1.0, 1, 3], [1, 1, -3]],
    ],
)
def test_what_is_settled_is_so_in_every_map_that_keeps_the_relation(linear: list[list[float]]) -> None:
    """Each map alone, with the group that it generates, against all that go with it for the column first granted."""
    weights = np.array(linear)
    terms, (m, d) = rows_of(weights), weights.shape
    sides = product(signed_permutations(m), signed_permutations(d))
    every = [g for out, on in sides if keeps(g := SignedMap(*out, *on), weights)]
    mirrors = [g for g in every if g.out_images.tolist() != list(range(m))]
    seen = [*telling(terms, 1), *(m + a for a in telling(terms, 0))]
    checked = 0
    for g in mirrors:
        left = images_left([g], terms, SettlingSettings(starts=1))[0]
        moved = [c for c in seen if places(g)[c] != ((c, 1) if c < m else (c - m, 1))]
        first = next(c for c in moved if places(g)[c][0] != (c if c < m else c - m))
        others = [h for h in every if places(h)[first] == places(g)[first]]
        for c in seen:
            one = left.outputs[:, c] if c < m else left.inputs[:, c - m]
            for b, t in {places(h)[c] for h in others}:
                assert one[0 if t > 0 else 1, b] or is_power(g, c, (b, t), m)
                checked += 1
    assert checked


def is_power(g: SignedMap, column: int, image: tuple[int, int], m: int) -> bool:
    """Whether a power of g takes the column there, so that the group has that image, too."""
    here = (column if column < m else column - m, 1)
    for _ in range(24):
        step = places(g)[here[0] + (0 if column < m else m)]
        here = (step[0], step[1] * here[1])
        if here == image:
            return True
    return False


def test_all_images_of_a_robots_mirror_are_settled_but_those_without_effect() -> None:
    found = propose_mirrors(*biped(1000))
    (left,) = images_left(found.maps, found.terms)
    g = biped_mirror()
    for images, signs, one in ((g.in_images, g.in_signs, left.inputs), (g.out_images, g.out_signs, left.outputs)):
        for a, (b, t) in enumerate(zip(images[:8], signs[:8], strict=True)):
            assert np.argwhere(one[:, a]).tolist() == [[0 if t > 0 else 1, b]]


def test_images_that_are_wrong_are_not_settled() -> None:
    """The relation falls into two halves, each with the mirror; the map mirrors one and leaves the other."""
    rng = np.random.default_rng(4)
    g = random_map(4, 8, rng)
    x, y = symmetrised([g], 4, 8, 1500, rng)
    terms = fit_terms(np.hstack([x, x[:, ::-1] + 0.5 * rng.normal(size=x.shape)]), y)
    half = SignedMap(g.out_images, g.out_signs, np.arange(16), np.ones(16, dtype=np.int64))
    (left,) = images_left([half], terms)
    assert (left.inputs.sum(axis=(0, 2)) != 1)[:8][g.moved_inputs].all()
