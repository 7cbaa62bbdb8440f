"""Generator files: groups given by matrices are recognised, every kind of bad file is refused in one line."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sharefind.errors import GroupError, InputError, RepresentationError
from sharefind.groups import FiniteGroup, load_generators, named_group, natural, sign, structure_name, trivial
from sharefind.limits import DEFAULT_LIMITS

SWAP, TURN, ONE = [[0, 1], [1, 0]], [[0, -1], [1, 0]], [[1, 0], [0, 1]]
THIRD = [["-1/2", "-sqrt(3)/2"], ["sqrt(3)/2", "-1/2"]]


@pytest.fixture
def write(tmp_path):
    def _write(content):
        path = tmp_path / "group.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return _write


def document(*pairs, name="G"):
    return {"name": name, "generators": [{"in": a, "out": b} for a, b in pairs]}


def strings(rep):
    """The generator matrices of a representation as nested lists of texts."""
    from sharefind.groups import format_element

    lists = [m.to_dense().rep.to_list() for m in rep.generator_matrices]
    domain = [m.domain for m in rep.generator_matrices]
    return [[[format_element(e, d) for e in row] for row in m] for m, d in zip(lists, domain, strict=True)]


@pytest.mark.parametrize("name", ["C4", "D4", "S4", "A4", "B2", "B3", "R3", "R4", "R5", "R7", "R8", "R12", "R5xC2"])
def test_a_written_group_is_read_back(write, name):
    group = named_group(name)
    rep, out = natural(group), natural(group) + sign(group)
    read = load_generators(write(document(*zip(strings(rep), strings(out), strict=True), name=name)))
    assert read.group.name == name
    assert read.group.order == group.order
    assert structure_name(read.group) == structure_name(group)
    assert read.in_rep.is_sparse >= rep.is_sparse
    assert read.out_rep.is_sparse >= out.is_sparse
    assert sorted(map(str, read.in_rep.character())) == sorted(map(str, rep.character()))
    assert np.allclose(read.in_rep.float_matrices(), rep.float_matrices(), atol=1e-12)
    assert np.allclose(read.out_rep.float_matrices(), out.float_matrices(), atol=1e-12)


def test_the_icosahedral_group(write):
    """The rotations of the icosahedron, order 60, by two of them with entries in Q(sqrt 5)."""
    g = "(1+sqrt(5))/4"
    h = "(sqrt(5)-1)/4"
    fifth = [["1/2", f"-{g}", h], [g, h, "-1/2"], [h, "1/2", g]]
    cycle = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    read = load_generators(write(document((fifth, fifth), (cycle, cycle), name="I")))
    assert structure_name(read.group) == "A5"
    assert sum(value**2 for value in map(float, read.in_rep.character())) == pytest.approx(60)


def test_the_full_octahedral_group_is_sparse(write):
    rep = natural(named_group("B3"))
    matrices = strings(rep)
    read = load_generators(write(document(*zip(matrices, matrices, strict=True), name="O_h")))
    assert (read.group.order, read.group.degree, read.in_rep.kind) == (48, 6, "signed")


def test_the_trivial_group(write):
    read = load_generators(write(document((ONE, [[1]]))))
    assert (read.group.order, read.in_rep.dim, read.out_rep.dim) == (1, 2, 1)


def test_outputs_may_be_a_quotient(write):
    read = load_generators(write(document((TURN, [[-1]]), (SWAP, [[1]]))))
    assert read.group.order == 8
    assert set(read.out_rep.character()) == {1, -1}


def test_an_identity_generator_is_dropped(write):
    read = load_generators(write(document((ONE, [[1]]), (SWAP, [[-1]]))))
    assert (read.group.order, len(read.group.generators)) == (2, 1)
    assert read.out_rep.character() == (1, -1)


GROUP_REFUSALS = [
    ("not json", "is not JSON"),
    ("", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ("[1]", "no JSON object"),
    ('{"generators": []}', '"name" is missing'),
    ('{"name": "G"}', '"generators" is missing'),
    ({"name": 3, "generators": []}, '"name" must be'),
    ({"name": "", "generators": []}, '"name" must be'),
    ({"name": "a\nb", "generators": []}, '"name" must be'),
    ({"name": "G", "generators": []}, "list of 1 to"),
    ({"name": "G", "generators": {}}, "list of 1 to"),
    ({"name": "G", "generators": [3]}, "generator 0 is not an object"),
    ({"name": "G", "generators": [{"in": [[1]]}]}, 'generator 0 has no "out"'),
    ({"name": "G", "generators": [{"out": [[1]]}]}, 'generator 0 has no "in"'),
    (document((3, [[1]])), "is not a matrix"),
    (document(([], [[1]])), "is not a matrix"),
    (document(([1, 2], [[1]])), "is not a matrix"),
    (document(([[1, 2], [3]], [[1]])), "ragged or not square"),
    (document(([[1, 2]], [[1]])), "ragged or not square"),
    (document((ONE, [[1]]), ([[1]], [[1]])), '"in" is 2 x 2 in generator 0 and 1 x 1 in generator 1'),
    (document((ONE, [[1]]), (ONE, ONE)), '"out" is 1 x 1 in generator 0'),
    (document(([[0.5]], [[1]])), "'0.5' is not exact"),
    (document(([[True]], [[1]])), "not exact"),
    (document(([[None]], [[1]])), "not exact"),
    (document(([["x"]], [[1]])), "not an exact number"),
    (document(([["1/0"]], [[1]])), "divided by zero"),
    ('{"name": "G", "generators": [{"in": [[NaN]], "out": [[1]]}]}', "not exact"),
    (document((ONE, ONE), ([[1, 1], [1, 1]], ONE)), '"in" of generator 1 is singular'),
    (document((ONE, [[0]])), '"out" of generator 0 is singular'),
    (document(([["3/5", "-4/5"], ["4/5", "3/5"]], [[1]])), "infinite or above"),
]


@pytest.mark.parametrize(("content", "message"), GROUP_REFUSALS)
def test_refusals(write, content, message):
    path = write(content)
    with pytest.raises(GroupError, match=message) as caught:
        load_generators(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (document(([[1, 1], [0, -1]], [[1]])), '"in" of generator 0 is not orthogonal.*orthogonal basis'),
        (document((SWAP, [[2]])), '"out" of generator 0 is not orthogonal'),
        (document((SWAP, TURN)), r"the word g0\*g0 is the identity on inputs but not on outputs"),
        (document((ONE, [[-1]])), "the word g0 is the identity"),
        (document((ONE, [[1]]), (THIRD, [[-1]])), r"the word g1\*g1\*g1 is the identity"),
        (document((SWAP, THIRD)), r"g0\*g0"),
        (document((SWAP, [["3/5", "-4/5"], ["4/5", "3/5"]])), r"g0\*g0"),
    ],
)
def test_representations_are_checked(write, content, message):
    with pytest.raises(RepresentationError, match=message) as caught:
        load_generators(write(content))
    assert "\n" not in str(caught.value)


def test_words_in_two_generators_are_named(write):
    """In D4 the turn and the swap satisfy (swap turn)^2 = 1; outputs that commute break it."""
    path = write(document((TURN, TURN), (SWAP, ONE)))
    with pytest.raises(RepresentationError, match=r"the word g[01g*^-]+ is the identity on inputs"):
        load_generators(path)


def test_an_infinite_group_of_two_finite_rotations_is_refused(write):
    third = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    tilted = [["3/5", "4/5", 0], ["4/5", "-3/5", 0], [0, 0, -1]]
    with pytest.raises(GroupError, match="infinite or above"):
        load_generators(write(document((third, third), (tilted, tilted))))


def test_a_group_above_the_limit_is_refused(write):
    """The rotations of the icosahedron and of a square, 240 in all, by matrices that permute no columns."""
    g, h = "(1+sqrt(5))/4", "(sqrt(5)-1)/4"
    fifth = [["1/2", f"-{g}", h], [g, h, "-1/2"], [h, "1/2", g]]
    third = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    pairs = [(fifth, ONE), (third, ONE)]
    with pytest.raises(GroupError, match="above 50 elements"):
        load_generators(write(document(*pairs)), replace(DEFAULT_LIMITS, group_order=50))


def test_signed_permutations_of_any_order_are_read_without_listing(write, monkeypatch):
    """B8 has 10,321,920 elements; outputs by a sign that B8 has, and by one that it has not."""
    monkeypatch.setattr(FiniteGroup, "enumeration", lambda *_: pytest.fail("the group was listed"))
    group = named_group("B8")
    matrices, odd = strings(natural(group)), strings(sign(group))
    read = load_generators(write(document(*zip(matrices, odd, strict=True))))
    assert read.group.order == 2**8 * math.factorial(8) and read.in_rep.is_sparse
    assert read.in_rep.restrict(read.group).sparse_generators[0].tolist() == read.in_rep.sparse_generators[0].tolist()
    wrong = [[[-1]] if k == 0 else m for k, m in enumerate(strings(trivial(group)))]
    wrong[-1] = [[-1]]
    word = [(a, b) for a, b in zip(matrices, wrong, strict=True)]
    with pytest.raises(RepresentationError, match="not a homomorphism"):
        load_generators(write(document(*word, (matrices[0], [[1]]))))


def test_files_are_bounded(write, tmp_path):
    with pytest.raises(GroupError, match="above 5000000 bytes"):
        load_generators(write(" " * 5_000_001))
    with pytest.raises(GroupError, match="cannot be read"):
        load_generators(tmp_path / "missing.json")
    with pytest.raises(GroupError, match="cannot be read"):
        load_generators(tmp_path)
    path = tmp_path / "bytes.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GroupError, match="is not JSON"):
        load_generators(path)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["1/2", "sqrt(3)/2", "-1", "x"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "generators", "in", "out"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_any_json_is_a_group_or_an_input_error(write, value):
    path = write(json.dumps(value))
    try:
        assert load_generators(path).group.order >= 1
    except InputError as error:
        assert "\n" not in str(error)


entries = st.sampled_from([0, 1, -1, "1/2", "-1/2", "sqrt(3)/2", "-sqrt(3)/2", "sqrt(2)/2", "-sqrt(2)/2"])
matrices = st.lists(st.lists(entries, min_size=2, max_size=2), min_size=2, max_size=2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(matrices, matrices), min_size=1, max_size=2))
def test_random_matrices_give_a_homomorphism_or_an_input_error(write, pairs):
    try:
        read = load_generators(write(document(*pairs)))
    except InputError:
        return
    table = read.group.multiplication_table()
    for rep in (read.in_rep, read.out_rep):
        floats = rep.float_matrices()
        products = floats[:, None] @ floats[None]
        assert np.allclose(products, floats[table], atol=1e-12)


def test_a_large_permutation_group_is_quick(write):
    """500 points: the matrices hold 250,000 entries each and stay sparse."""
    shift = [[int(i == (j + 1) % 500) for j in range(500)] for i in range(500)]
    read = load_generators(write(document((shift, shift), name="C500")))
    assert (read.group.order, read.group.degree, read.in_rep.kind) == (500, 500, "permutation")
