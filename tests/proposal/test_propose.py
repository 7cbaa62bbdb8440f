"""What samples speak for: known teachers, translations, partitions, rotations, and nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.datasets import teacher_student
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.proposal import propose
from sharefind.proposal.coefficients import Block, Coefficients
from sharefind.proposal.noisy_automorphisms import PermutationSearch
from sharefind.recognition import matrix_layout, recognise
from sharefind.spaces import Subspace, fixed_space, matrix_space

FloatArray = NDArray[np.float64]


def teacher(name: str, n: int, seed: int, activation: str = "logistic") -> tuple[FloatArray, FloatArray]:
    rep = natural(named_group(name))
    rng = np.random.default_rng([7, seed])
    return teacher_student(rep, rep, "wi", rng, noise=0.05, activation=activation).sample(rng, n)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "activation", "order"),
    [("C4", "logistic", 4), ("C5", "logistic", 5), ("S3xS2", "logistic", 12), ("B3", "tanh", 48)],
)
def test_the_group_of_a_teacher(name: str, activation: str, order: int) -> None:
    rep = natural(named_group(name))
    found = propose(*teacher(name, 1500, 0, activation))
    assert found.status == "decided" and found.name == name and found.group.order == order
    assert Subspace.from_pattern(found.labels) == fixed_space(matrix_space(rep, rep).action)
    assert (
        found.share is not None
        and found.share > 0.95
        and all(r.share is not None and r.share < 0.05 for r in found.rivals)
    )


def test_the_group_acts_as_the_labels_say() -> None:
    found = propose(*teacher("B3", 1500, 0, "tanh"))
    on_inputs, on_outputs = (natural(found.group, (block,)) for block in found.blocks)
    assert fixed_space(matrix_space(on_inputs, on_outputs).action) == Subspace.from_pattern(found.labels)


def test_oddness_beside_a_group_of_permutations_is_told_and_not_named() -> None:
    found = propose(*teacher("C4", 1500, 0, "tanh"))
    assert (found.name, found.group.order, found.is_odd) == ("C4", 4, True)
    plain = propose(*teacher("C4", 1500, 0, "tanh"), signed=False)
    assert (plain.name, plain.is_odd) == ("C4", False)


def test_odd_functions() -> None:
    rng = np.random.default_rng(0)
    nobody = natural(FiniteGroup("C1", 3, ()))
    sample = teacher_student(nobody, nobody, "arbitrary", rng, noise=0.05, activation="tanh").sample(rng, 1000)
    found = propose(*sample)
    assert (found.status, found.name, found.group.order, found.dim) == ("decided", "C2", 2, 9)
    assert propose(*sample, signed=False).status == "no sharing supported"


def test_no_structure() -> None:
    rng = np.random.default_rng(1)
    nobody = natural(FiniteGroup("C1", 4, ()))
    found = propose(*teacher_student(nobody, nobody, "arbitrary", rng, noise=0.05).sample(rng, 1000))
    assert found.status == "no sharing supported" and found.is_trivial and found.group.order == 1


def test_labels_that_are_noise_decide_nothing() -> None:
    rng = np.random.default_rng(0)
    found = propose(rng.normal(size=(60, 4)), rng.normal(size=(60, 4)))
    assert found.status == "undecided"


def test_too_little_data_decide_nothing_wrong() -> None:
    for seed in range(6):
        found = propose(*teacher("C4", 40, seed))
        assert found.status == "undecided" or found.name in ("C4", "no sharing")


@pytest.mark.parametrize("stride", [1, 2])
def test_a_filter_on_windows(stride: int) -> None:
    rng = np.random.default_rng(stride)
    weights = np.zeros((8, 8 * stride + 2))
    for i in range(8):
        weights[i, stride * i : stride * i + 3] = [0.5, -0.3, 0.2]
    x = rng.normal(size=(400, weights.shape[1]))
    found = propose(x, x @ weights.T + 0.1 * rng.normal(size=(400, 8)))
    step = "" if stride == 1 else f", stride {stride}"
    assert found.name == f"translation (filter of width 3 at offset 0{step}), a tying without a group"
    assert not found.is_group and found.dim == 3 and found.group.order == 1
    np.testing.assert_array_equal(found.labels.reshape(weights.shape) != 0, weights != 0)
    np.testing.assert_allclose(found.values, [0.5, -0.3, 0.2], atol=5 * found.errors.max())


def test_a_filter_that_comes_back_is_a_group() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 8))
    y = 0.5 * x + 0.3 * np.roll(x, -1, axis=1) - 0.2 * np.roll(x, -2, axis=1)
    found = propose(x, y + 0.1 * rng.normal(size=x.shape), signed=False)
    assert (found.name, found.is_group, found.dim) == ("C8", True, 8)


def test_weights_of_one_output() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 10, size=(200, 6)).astype(float)
    y = (x @ [1, -1, 1, -1, 1, -1] + rng.uniform(-0.5, 0.5, size=200))[:, None]
    found = propose(x, y)
    assert found.labels.tolist() == [1, 2, 1, 2, 1, 2] and found.name == "S3xS3"


def test_a_mean() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(75, 5)) + np.array([0, 3, 3, 0, 6])
    found = propose(np.ones((75, 1)), y)
    assert found.labels.tolist() == [1, 2, 2, 1, 3]
    np.testing.assert_allclose(found.values, [0, 3, 6], atol=0.5)


def test_what_could_most_easily_be_dropped() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 3))
    y = x + 0.1 * rng.normal(size=(800, 3))
    assert propose(x, y, signed=False).smaller.what == "class 2 could vanish"  # type: ignore[union-attr]
    assert propose(x, y + 0.5 * x.sum(axis=1, keepdims=True), signed=False).smaller.log_odds > 0  # type: ignore[union-attr]


def test_rows_in_another_order_change_nothing() -> None:
    x, y = teacher("D4", 600, 1)
    order = np.random.default_rng(0).permutation(600)
    first, second = propose(x, y), propose(x[order], y[order])
    assert first.labels.tolist() == second.labels.tolist() and first.share == pytest.approx(second.share)


@pytest.mark.parametrize("name", ["C4", "C6", "D4", "D5", "V4", "S4", "S3xS2", "C2xC3"])
def test_exact_coefficients_give_the_whole_stabiliser(name: str) -> None:
    rep = natural(named_group(name))
    space = fixed_space(matrix_space(rep, rep).action)
    values = np.random.default_rng(0).normal(size=space.dim) @ space.orthonormal()
    block = Block(
        "linear", np.eye(rep.dim, dtype=np.int64), values.reshape(rep.dim, rep.dim), np.full(rep.dim**2, 1e-12)
    )
    layout = matrix_layout((rep.dim, rep.dim))
    search = PermutationSearch(Coefficients(layout, (block,), (), 1.0, 100))
    moves = search.generators()
    group = FiniteGroup("found", rep.dim, tuple(tuple(map(int, g)) for g in moves))
    assert group.order == recognise(space, (rep.dim, rep.dim)).order and search.is_exhaustive


def test_cycles_of_one_output_beside_swaps() -> None:
    # x_1 x_2 + x_2 x_3 + x_3 x_4 + x_4 x_1 has no linear part, and of all swaps only products of two keep it.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 4))
    y = (x * np.roll(x, -1, axis=1)).sum(axis=1, keepdims=True) + 0.05 * rng.normal(size=(1500, 1))
    found = propose(x, y)
    # The weights of C_4 are those of S_4: one number. Which of the two holds is for exact tests to say.
    assert (found.name, found.labels.tolist()) == ("S4", [1, 1, 1, 1])


def test_an_input_that_does_not_matter_vanishes_where_signs_are_asked_for() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 3))
    y = np.tanh(x[:, :1] + 2 * x[:, 1:2]) + 0.05 * rng.normal(size=(800, 1))
    assert propose(x, y, signed=True).labels.tolist() == [1, 2, 0]
    assert propose(x, y).labels.tolist() == [1, 2, 3]
