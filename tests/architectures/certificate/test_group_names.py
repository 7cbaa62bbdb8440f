"""The name of a group in a specification is that of the group its generators, or is said to be unchecked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.architectures import SharingSpec, certify, generator_pairs, to_json, verify_file
from sharefind.architectures.certificate.group_names import Naming, WrongNameError, claim_of, finite_naming
from sharefind.errors import ExportError
from sharefind.groups import FiniteGroup, named_group, natural, parse_representation, regular, structure_name, subgroups
from sharefind.groups.templates import model_group
from sharefind.meanfield.clouds.standardise import identity_standardisation
from sharefind.spaces import Subspace, fixed_space, matrix_space
from tests.architectures.certificate.named import lie, spec
from tests.specs import spec_on

MONSTER = 808017424794512875886459904961710757005754368000000000


@pytest.mark.parametrize(
    ("true", "name", "order"),
    [
        ("C4", "S4", 24),
        ("C4", "D4", 8),
        ("C4", "B4", 384),
        ("C4", "V4", 4),
        ("C4", "A5", 60),
        ("C4", "S60", named_group("S60").order),
        ("V4", "C4", 4),
        ("C4", "Q8", 8),
        ("D4", "C8", 8),
        ("D4", "Q8", 8),
        ("D4", "C4xC2", 8),
        ("D4", "C2xC2xC2", 8),
        ("D6", "A4", 12),
        ("D6", "C3:C4", 12),
        ("A4", "D6", 12),
        ("S4", "A4xC2", 24),
        ("S4", "D12", 24),
        ("S5", "A5xC2", 120),
        ("A5", "S5", 120),
        ("A5", "D30", 60),
        ("S3", "C6", 6),
        ("C6", "S3", 6),
        ("B3", "S4", 24),
        ("B3", "D24", 48),
        ("B3", "C48", 48),
        ("C2xC3", "S3", 6),
        ("D4xC2xC2", "D4xC4", 32),
        ("D8xC3", "S4xC2", 48),
        ("S6", "A6xC2", 720),
        ("S3xS2", "C12", 12),
        ("C4", "SO3", 4),
        ("C4", "monster", MONSTER),
        ("C4", "order 48", 4),
        ("D4", "D4:<(0 1 2 3), (0 1)>", 8),
    ],
)
def test_a_wrong_name_is_refused_or_said_to_be_unchecked(true: str, name: str, order: int) -> None:
    found = spec(true)
    if name == "order 48":
        with pytest.raises(ExportError, match="has order 48"):
            certify(lie(found, name, order))
        return
    with pytest.raises(ExportError) as refused:
        certify(lie(found, name, order))
    assert name in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["C1", "C2", "C9", "D1", "D2", "D3", "D7", "S2", "S3", "S5", "S12", "A3", "A4", "A5", "A9", "V4", "B1", "B2", "B4",
     "R5", "R12", "C2xC3", "S3xS2", "S5xS5", "B2xC3", "S6xS5", "C60"],
)  # fmt: skip
def test_true_names_are_proven(name: str) -> None:
    found = spec(name, "natural", "regular" if name.startswith("R") else "natural")
    certificate = certify(found)
    assert certificate.naming == Naming.PROVEN and "checked" not in certificate.statement
    moved = certify(replace(found, generators=found.generators[::-1]))
    assert moved.naming == "proven" or (found.group_order or 0) > 300


def test_groups_too_large_to_compare_are_said_to_be_unchecked() -> None:
    found = spec("S8")
    certificate = certify(lie(found, "A8xC2", 40320))
    assert certificate.naming == "unchecked" and "A8xC2, is not checked" in certificate.statement


def test_a_group_that_acts_with_a_kernel_says_so() -> None:
    certificate = certify(spec("S4", "sign", "trivial", unit="matrix+bias:tanh"))
    assert certificate.naming == "image" and "S4 (which acts through an image of order 2)" in certificate.statement
    # C4 through C2, and a lie that is true of the space: C2 is an image of C4, and of D4.
    half = FiniteGroup("C4", 4, ((1, 2, 3, 0),))
    two = spec_on([parse_representation("sign", half), parse_representation("trivial", half)], "matrix:tanh", 3)
    assert certify(two).naming == "image"
    assert certify(lie(two, "D4", 8)).naming == "image"
    with pytest.raises(ExportError, match="A5"):
        certify(lie(two, "A5", 60))
    with pytest.raises(ExportError, match=r"A4.*image"):
        certify(lie(two, "A4", 12))


def test_unknown_names_are_said_to_be_unchecked(tmp_path: Path) -> None:
    named = certify(lie(spec("C4"), "turns of the table", 4))
    assert named.naming == "unchecked"
    assert "G of order 4 that the generators generate (its name, turns of the table, is not checked)" in named.statement
    path = tmp_path / "spec.json"
    path.write_text(to_json(lie(spec("C4"), "monster", 4)))
    assert "not checked" in verify_file(path)[0].statement


def test_cycles_in_a_name_are_those_of_the_generators() -> None:
    group = FiniteGroup("V4:<(0 1), (2 3)>", 4, ((1, 0, 2, 3), (0, 1, 3, 2)))
    certificate = certify(spec(group))
    assert certificate.naming == "proven" and certificate.cycles_checked
    with pytest.raises(ExportError, match="generate another subgroup"):
        certify(lie(spec(group), "V4:<(0 2), (1 3)>", 4))
    unread = certify(lie(spec(group), "V4:<these two>", 4))
    assert unread.cycles_checked is False and "the cycles are not checked" in unread.statement
    assert certify(spec(group, "regular", "natural")).cycles_checked
    assert certify(spec(group, "regular", "trivial")).cycles_checked is False


@pytest.mark.parametrize("name", ["Q8", "F20", "C3:C4", "SD16", "C4:C4", "S3wrC2", "PSL(2,7)"])
def test_model_groups_have_names_too(name: str) -> None:
    group = model_group(name)
    assert group is not None and structure_name(group) == name
    assert certify(spec(group)).naming == "proven"
    assert certify(spec(group, "regular", "trivial")).naming == "proven"


def relabelled(group: FiniteGroup, rng: np.random.Generator, shuffle: bool) -> FiniteGroup:
    """The same group on its points in another order, or by its regular action; with other generators."""
    perms = group.generator_array if shuffle or group.order > 200 else regular(group).sparse_generators[0]
    order = rng.permutation(perms.shape[1])
    moved = [tuple(int(v) for v in np.argsort(order)[p[order]]) for p in perms]
    return FiniteGroup(group.name, perms.shape[1], tuple(moved[::-1] + moved[:1]))


SMALL = [
    "C4",
    "C6",
    "C8",
    "V4",
    "D3",
    "D4",
    "D5",
    "D6",
    "S4",
    "A4",
    "A5",
    "C2xC4",
    "C3xC3",
    "C2xC2xC2",
    "S3xC2",
    "B2",
    "B3",
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SMALL), st.sampled_from(SMALL), st.integers(0, 2**32 - 1), st.booleans())
def test_names_of_relabelled_copies(one: str, other: str, seed: int, shuffle: bool) -> None:
    group, named = named_group(one), named_group(other)
    assert isinstance(group, FiniteGroup) and isinstance(named, FiniteGroup)
    copy = relabelled(group, np.random.default_rng(seed), shuffle)
    assert finite_naming(claim_of(one), copy) is Naming.PROVEN
    if structure_name(group) == structure_name(named):
        assert finite_naming(claim_of(other), copy) is Naming.PROVEN
    elif named.order % group.order or named.order == group.order:
        with pytest.raises(WrongNameError):
            finite_naming(claim_of(other), copy)
    else:
        try:
            assert finite_naming(claim_of(other), copy) is Naming.IMAGE
            is_image = True
        except WrongNameError:
            is_image = False
        assert is_image == has_quotient(named, structure_name(group))


def has_quotient(group: FiniteGroup, name: str) -> bool:
    """By the normal subgroups: the action of the group on the cosets of each."""
    elements = group.elements()
    for normal in subgroups(group, max_order=group.order):
        inside = {row.tobytes() for row in normal.elements()}
        if any(g[h][np.argsort(g)].tobytes() not in inside for g in elements for h in normal.generator_array):
            continue
        cosets = sorted({min(g[h].tobytes() for h in normal.elements()) for g in elements})
        place = {coset: k for k, coset in enumerate(cosets)}
        first = {c: np.frombuffer(c, dtype=np.int64) for c in cosets}
        moved = [
            tuple(place[min(g[first[c]][h].tobytes() for h in normal.elements())] for c in cosets)
            for g in group.generator_array
        ]
        if structure_name(FiniteGroup("quotient", len(cosets), tuple(moved))) == name:
            return True
    return False


def test_ties_without_a_group_claim_none() -> None:
    parameters = matrix_space(natural(named_group("C1")), natural(named_group("C1")), bias=False)
    assert fixed_space(parameters.action) == Subspace.full(1)
    bare = SharingSpec(
        name="t", unit="matrix:tanh", particles=1, blocks=parameters.blocks, group_name="C1", group_order=1,
        in_rep="natural", out_rep="natural", generators=generator_pairs(*[natural(named_group("C1"))] * 2),
        space=Subspace.full(1), change=identity_standardisation(1, 1),
    )  # fmt: skip
    assert certify(bare).naming == "proven"
