"""Isotypic parts against character theory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import QQ, Rational, divisors, totient

from sharefind.errors import SpaceError
from sharefind.groups import (
    FiniteGroup,
    Representation,
    grid,
    hom,
    named_group,
    natural,
    regular,
    sign,
    trivial,
)
from sharefind.groups.templates import model_group
from sharefind.spaces import IsotypicPart, Subspace, fixed_space, isotypic_decomposition
from sharefind.spaces.class_algebra import central_idempotents, conjugacy_algebra

# Left multiplication by i and j on (1, -1, i, -i, j, -j, k, -k).
QUATERNION = FiniteGroup("Q8", 8, ((2, 3, 1, 0, 6, 7, 5, 4), (4, 5, 7, 6, 1, 0, 2, 3)))


def check(rep: Representation) -> tuple[IsotypicPart, ...]:
    """What every isotypic decomposition satisfies."""
    parts = isotypic_decomposition(rep)
    assert sum(part.dim for part in parts) == rep.dim
    total = Subspace.zero(rep.dim)
    for part in parts:
        assert total.meet(part.space).is_zero
        total = total.join(part.space)
        for matrix in rep.generator_matrices:
            moved = part.space.exact_rows().convert_to(matrix.domain) * matrix.transpose()
            assert Subspace.from_basis(moved) <= part.space
        if part.irreducible_dim is not None:
            assert part.dim % part.irreducible_dim == 0
    assert total.is_full
    fixed = fixed_space(rep)
    assert [part.space for part in parts if part.is_trivial] == ([] if fixed.is_zero else [fixed])
    return parts


def shapes(rep: Representation) -> list[tuple[int, int | None]]:
    return [(part.dim, part.irreducible_dim) for part in check(rep)]


def test_swap_of_two_coordinates():
    rep = hom(natural(named_group("C2")), natural(named_group("C2")))
    parts = check(rep)
    assert [part.space for part in parts] == [
        Subspace.from_basis([[1, 0, 0, 1], [0, 1, 1, 0]]),
        Subspace.from_basis([[1, 0, 0, -1], [0, 1, -1, 0]]),
    ]


def test_symmetric_group_on_pairs():
    """R^n x R^n = 2 (n) + 3 (n-1,1) + (n-2,2) + (n-2,1,1)."""
    assert shapes(natural(named_group("S4")) * natural(named_group("S4"))) == [(2, 1), (2, 2), (3, 3), (9, 3)]
    assert shapes(natural(named_group("S5")) * natural(named_group("S5"))) == [
        (2, 1),
        (5, 5),
        (6, 6),
        (12, 4),
    ]


def test_cyclic_groups_split_by_divisors_over_the_rationals():
    """Q[C_n] is the product of the cyclotomic fields Q(zeta_d), d | n, of degree phi(d)."""
    assert sorted(shapes(natural(named_group("C12")))) == [(1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (4, 4)]
    assert shapes(natural(named_group("C5"))) == [(1, 1), (4, 4)]


def test_conjugate_characters_stay_together_over_the_rationals():
    """Q[A5]: 1, 3 and 3' joined (Q(sqrt 5)), 4, 5."""
    assert shapes(regular(named_group("A5"))) == [(1, 1), (16, 4), (18, 6), (25, 5)]


def test_a_larger_field_separates_them():
    """Over Q(sqrt 5, ...) the rotations by 2 pi / 5 and 4 pi / 5 part; regular = 1 + 2 + 2'."""
    group = named_group("R5")
    assert shapes(natural(group) + regular(group)) == [(1, 1), (2, 2), (4, 2)]


def test_quaternions_have_schur_index_two() -> None:
    """The faithful constituent of Q[Q8] has dimension 4 over Q: degree 2, index 2."""
    assert shapes(regular(QUATERNION)) == [(1, 1), (1, 1), (1, 1), (1, 1), (4, 4)]


def test_signed_and_trivial_cases():
    b3 = natural(named_group("B3"))
    assert shapes(b3) == [(3, 3)]
    assert shapes(b3 * sign(named_group("B3")) + b3) == [(3, 3), (3, 3)]
    assert shapes(trivial(named_group("D4"), 3)) == [(3, 1)]
    assert shapes(natural(FiniteGroup("C1", 2, ()))) == [(2, 1)]
    assert shapes(natural(named_group("R4")).restrict(FiniteGroup("C1", 4, ()))) == [(2, 1)]


def test_pixels():
    """5 x 5 pixels under D4, by the character (25, 1, 1, 5, 5) on (1, r, r^2, axis, diagonal mirrors)."""
    dims = sorted(part.dim for part in check(grid(named_group("D4"), 5)))
    assert dims == [1, 3, 3, 6, 12]


@settings(max_examples=40)
@given(st.integers(2, 5), st.data())
def test_random_groups(degree, data):
    generators = data.draw(st.lists(st.permutations(range(degree)), min_size=1, max_size=2))
    group = FiniteGroup("random", degree, tuple(map(tuple, generators)))
    check(hom(natural(group), natural(group)) + sign(group))


@pytest.mark.parametrize("name", ["S4", "A5", "D6", "C12", "A4", "D4xC2", "S3xC3"])
def test_wedderburn_dimensions(name):
    """degree^2 x conjugates add up to |G|, and conjugates to the number of classes."""
    group = named_group(name)
    _, idempotents = central_idempotents(group, QQ)
    assert sum(e.degree**2 * e.conjugates for e in idempotents) == group.order
    assert sum(e.conjugates for e in idempotents) == conjugacy_algebra(group).size
    assert conjugacy_algebra(group).size == len(group.sympy.conjugacy_classes())
    assert sum(e.is_trivial for e in idempotents) == 1


def test_class_constants_count_products():
    group = named_group("S4")
    algebra = conjugacy_algebra(group)
    sizes = [int((algebra.class_of == a).sum()) for a in range(algebra.size)]
    for a in range(algebra.size):
        for b in range(algebra.size):
            assert sum(int(c) * s for c, s in zip(algebra.constants[a, b], sizes, strict=True)) == sizes[a] * sizes[b]
    assert Rational(sum(sizes)) == group.order


def test_infinite_groups_are_refused():
    with pytest.raises(SpaceError, match="infinite"):
        isotypic_decomposition(natural(named_group("SO3")))


def small_group(name: str) -> FiniteGroup:
    known = model_group(name) or named_group(name)
    assert isinstance(known, FiniteGroup)
    return known


KNOWN = {
    "S4": [(1, 1), (1, 1), (4, 2), (9, 3), (9, 3)],
    "A5": [(1, 1), (16, 4), (18, 6), (25, 5)],
    "D4": [(1, 1), (1, 1), (1, 1), (1, 1), (4, 2)],
    "D5": [(1, 1), (1, 1), (8, 4)],
    "C7": [(1, 1), (6, 6)],
    "C12": [(1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (4, 4)],
    "A4": [(1, 1), (2, 2), (9, 3)],
    "Q8": [(1, 1), (1, 1), (1, 1), (1, 1), (4, 4)],
    "C3:C4": [(1, 1), (1, 1), (2, 2), (4, 2), (4, 4)],
    "F20": [(1, 1), (1, 1), (2, 2), (16, 4)],
    "SD16": [(1, 1), (1, 1), (1, 1), (1, 1), (4, 2), (8, 4)],
    "S3wrC2": [(1, 1), (1, 1), (1, 1), (1, 1), (4, 2), (16, 4), (16, 4), (16, 4), (16, 4)],
}
"""The rational irreducible representations in the regular one, from the character tables (Serre 1977, Ch. 5 and 13)."""


def on_other_points(group: FiniteGroup, choice: int, rng: np.random.Generator) -> FiniteGroup:
    """The same group on its points, on its elements, or on its points and cosets of a cyclic group; relabelled."""
    elements, regular_perms = group.elements(), regular(group).sparse_generators[0].astype(np.int64)
    cosets = _coset_action(group, elements[rng.integers(group.order)])
    actions = [
        group.generator_array,
        regular_perms,
        np.concatenate([group.generator_array, cosets + group.degree], axis=1),
    ]
    perms = actions[choice % 3]
    order = rng.permutation(perms.shape[1])
    moved = tuple(tuple(int(v) for v in np.argsort(order)[p[order]]) for p in perms)
    return FiniteGroup(f"{group.name} again", perms.shape[1], moved[::-1])


def _coset_action(group: FiniteGroup, element: np.ndarray) -> np.ndarray:
    powers = [np.arange(group.degree)]
    while not np.array_equal(following := element[powers[-1]], powers[0]):
        powers.append(following)
    coset_of = {g.tobytes(): min(g[p].tobytes() for p in powers) for g in group.elements()}
    number = {coset: k for k, coset in enumerate(sorted(set(coset_of.values())))}
    return np.array(
        [
            [number[coset_of[g[np.frombuffer(c, dtype=np.int64)].tobytes()]] for c in number]
            for g in group.generator_array
        ]
    )


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(KNOWN)), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_irreducible_dimensions_do_not_depend_on_the_points(name: str, choice: int, seed: int) -> None:
    copy = on_other_points(small_group(name), choice, np.random.default_rng(seed))
    found = isotypic_decomposition(regular(copy))
    assert sorted((part.dim, part.irreducible_dim or 0) for part in found) == sorted(KNOWN[name])
    for part in isotypic_decomposition(natural(copy)):
        assert part.irreducible_dim is not None and part.dim % part.irreducible_dim == 0


def test_the_icosahedral_group_on_edges() -> None:
    """A5 on the 30 cosets of C2: a part of dimension 8 is twice the representation of dimension 4."""
    group = small_group("A5")
    flip = next(g for g in group.elements() if (g != np.arange(5)).any() and (g[g] == np.arange(5)).all())
    edges = FiniteGroup("A5 on edges", 30, tuple(tuple(map(int, p)) for p in _coset_action(group, flip)))
    assert (8, 4) in [(part.dim, part.irreducible_dim) for part in isotypic_decomposition(natural(edges))]


@pytest.mark.parametrize("n", range(1, 16))
def test_cyclic_groups_split_by_the_divisors_of_their_order(n: int) -> None:
    found = isotypic_decomposition(natural(small_group(f"C{n}")))
    assert sorted(part.irreducible_dim or 0 for part in found) == sorted(int(totient(d)) for d in divisors(n))
    assert all(part.dim == part.irreducible_dim for part in found)
