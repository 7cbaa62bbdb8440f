"""Types of representations: which coordinates turn together, and how they are exchanged."""

import numpy as np
import pytest
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.groups import named_group, parse_representation, sign, trivial
from sharefind.groups.images import block_places
from sharefind.groups.vector_types import keeps_types, kinds_of, on_types, type_image, vector_labels

CASES = [
    ("O3", "2*natural+2*trivial+sign", (1, 1, 1, 2, 2, 2, 0, 0, 3)),
    ("SO2", "natural+trivial", (1, 1, 0)),
    ("R5", "2*natural", (1, 1, 2, 2)),
    ("S4", "natural", (0, 0, 0, 0)),
    ("B2", "natural", (1, 2)),
    ("C2", "natural*sign+natural", (1, 2, 0, 0)),
    ("D4", "sign+natural", (1, 0, 0, 0, 0)),
    ("O2", "natural*natural", (1, 1, 1, 1)),
]


@pytest.mark.parametrize(("group", "text", "labels"), CASES)
def test_labels_are_the_finest_that_the_group_keeps(group: str, text: str, labels: tuple[int, ...]) -> None:
    assert vector_labels(parse_representation(text, named_group(group))) == labels


@pytest.mark.parametrize(("group", "text", "labels"), CASES)
def test_types_are_exchanged_as_lengths_are(group: str, text: str, labels: tuple[int, ...]) -> None:
    rep = parse_representation(text, named_group(group))
    matrices = rep.sample_matrices(np.random.default_rng(0), 5)
    members = np.eye(block_places(labels).max() + 1)[block_places(labels)].T
    rng = np.random.default_rng(1)
    exchanged = on_types(rep, labels).sample_matrices(np.random.default_rng(0), 5)
    for matrix, types in zip(matrices, exchanged, strict=True):
        h = rng.normal(size=rep.dim)
        np.testing.assert_allclose(members @ (matrix @ h) ** 2, types @ (members @ h**2), atol=1e-12)
        is_scalar = np.array(labels) == 0
        np.testing.assert_allclose(
            (members @ (matrix @ h * is_scalar)), types @ (members @ (h * is_scalar)), atol=1e-12
        )


def test_vectors_of_points_are_exchanged_with_the_points() -> None:
    group = named_group("S3")
    rep = parse_representation("natural*sign", group)
    types = on_types(rep, vector_labels(rep))
    assert types.kind == "permutation"
    assert np.array_equal(types.sparse_generators[0], parse_representation("natural", group).sparse_generators[0])
    smaller = named_group("S3").subgroup([(1, 0, 2)], "C2") if hasattr(group, "subgroup") else None
    assert smaller is None or types.restrict(smaller).dim == 3


def test_types_that_a_generator_tears_apart_are_refused() -> None:
    rotation = parse_representation("natural", named_group("R5"))
    with pytest.raises(RepresentationError, match="generator 0 of R5 does not keep the types"):
        on_types(rotation, (1, 2))
    with pytest.raises(RepresentationError, match="the Lie algebra of SO3 does not keep the types"):
        on_types(parse_representation("natural", named_group("SO3")), (1, 1, 2))
    with pytest.raises(RepresentationError, match="generator 0 of C2"):
        on_types(sign(named_group("C2")), (0,))


def test_a_matrix_that_changes_a_scalar_or_a_size_has_no_image() -> None:
    swap = DomainMatrix.from_list_sympy(3, 3, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert type_image(swap.convert_to(swap.domain.get_field()).to_sparse(), (1, 1, 2)) is None
    assert type_image(swap.convert_to(swap.domain.get_field()).to_sparse(), (1, 0, 2)) == [2, 1, 0]
    turn = DomainMatrix.from_list_sympy(2, 2, [[0, -1], [1, 0]])
    field = turn.domain.get_field()
    assert keeps_types(turn.convert_to(field).to_sparse(), (1, 1))
    assert not keeps_types(turn.convert_to(field).to_sparse(), (1, 2))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("5*natural", ["natural"]),
        ("trivial:5*natural", ["natural"]),
        ("natural*trivial:5+2*trivial", ["natural", "trivial"]),
        ("natural+sign+natural", ["natural", "sign"]),
        ("2*(natural+trivial)", ["natural", "trivial"]),
    ],
)
def test_kinds_are_listed_once(text: str, kinds: list[str]) -> None:
    assert kinds_of(parse_representation(text, named_group("O3"))) == kinds
    assert kinds_of(trivial(named_group("O3"), 4)) == ["trivial"]
