"""What samples speak for: known teachers, translations, partitions, rotations, and nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sharefind.datasets import load_task, teacher_student
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.proposal import Finding, Proposing, propose
from sharefind.proposal.noisy_automorphisms import Effort
from sharefind.search.blind import tying_p_value
from sharefind.spaces import Subspace, fixed_space, matrix_space

FloatArray = NDArray[np.float64]
Samples = Callable[..., tuple[FloatArray, FloatArray]]


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


@pytest.mark.parametrize("stride", [1, pytest.param(2, marks=pytest.mark.slow)])
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


def same(first: Finding, second: Finding, digits: float = 1e-3) -> None:
    assert first.labels.tolist() == second.labels.tolist()
    assert (first.name, first.status, first.is_group) == (second.name, second.status, second.is_group)
    assert first.share == pytest.approx(second.share, abs=digits)


@pytest.mark.slow
def test_dihedral_symmetry_inside_one_that_nearly_holds() -> None:
    # Of this teacher's linear coefficients all that are off the diagonal are close; D_7 lies in S_7.
    rep = natural(named_group("D7"))
    rng = np.random.default_rng([505, 1, 1000])
    teacher = teacher_student(rep, rep, "wi", rng, n_particles=5, noise=0.05)
    x, y = teacher.sample(rng, 1000)
    found = propose(x[:750], y[:750], signed=False, seed=1)
    assert Subspace.from_pattern(found.labels) == fixed_space(matrix_space(rep, rep).action)
    assert found.name == "D7" and found.is_of_weights
    # What is tried where this is rejected: other spaces, in the order in which the samples speak for them.
    shares = [other.share for other in found.alternatives]
    assert len(shares) > 2 and shares == sorted(shares, reverse=True)  # type: ignore[type-var]
    spaces = {other.labels.tobytes() for other in found.alternatives}
    assert len(spaces) == len(shares) and found.labels.tobytes() not in spaces


@settings(max_examples=6, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=5),
    st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=5),
    st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6]),
    st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_proposals_do_not_depend_on_origin_and_scale(
    near_symmetric: Samples, seed: int, on_x: list[float], on_y: list[float], scale: float, label_scale: float
) -> None:
    x, y = near_symmetric(seed, 250)
    plain = propose(x, y, signed=False)
    moved = (x + np.array(on_x)) * scale, (y + np.array(on_y)) * label_scale
    same(plain, propose(*moved, signed=False))
    rest = near_symmetric(seed + 10, 100)
    other = (rest[0] + np.array(on_x)) * scale, (rest[1] + np.array(on_y)) * label_scale
    assert tying_p_value(plain, *rest) == pytest.approx(tying_p_value(plain, *other), rel=1e-3)


def test_kelvin_and_celsius_are_proposed_alike(near_symmetric: Samples) -> None:
    x, y = near_symmetric(1, 400)
    warm = propose(300 + 10 * x, 300 + 10 * y)
    assert warm.name == "C5"
    # Signs keep the origin alone: they are looked for at 0 and not at 300, and change nothing of the permutations.
    same(propose(10 * x, 10 * y), warm)
    np.testing.assert_allclose(warm.values, propose(x, y).values, rtol=1e-6)


def test_means_of_inputs_and_outputs_say_nothing(near_symmetric: Samples) -> None:
    x, y = near_symmetric(2, 400)
    found = propose(x + np.arange(5) * 10, y - np.arange(5))
    assert found.name == "C5" and found.dim == 5


def test_columns_of_very_different_size() -> None:
    # Columns 0, 1 and 2, 3 are swapped together; the second pair is a million times larger.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4)) * [1, 1, 1e6, 1e6]
    weights = np.array([[2, 1, 0, 3e-6], [1, 2, 3e-6, 0], [4e5, 7e5, 1, 0.5], [7e5, 4e5, 0.5, 1]])
    y = x @ weights.T + 0.1 * rng.normal(size=(500, 4)) * [1, 1, 1e6, 1e6]
    found = propose(x, y, signed=False)
    assert found.labels.reshape(4, 4)[0, 0] == found.labels.reshape(4, 4)[1, 1]
    assert found.name == "C2" and found.dim == 8


def test_a_search_that_is_cut_short_has_no_share(near_symmetric: Samples) -> None:
    settings = Proposing(effort=Effort(most_listed=1, expansions=3))
    found = propose(*near_symmetric(0, 300), signed=False, settings=settings)
    assert found.status == "cut short" and found.share is None and not found.is_exhaustive
    assert all(rival.share is None for rival in found.rivals)


@pytest.mark.slow
def test_products_of_sixteen_inputs_are_looked_at() -> None:
    """The energy of spins has no linear part: what ties their weights are the moves that keep its products."""
    task = load_task("ising:4x4")
    found = propose(task.x, task.y)
    assert (found.name, found.is_exhaustive, found.is_of_weights) == ("S16", True, True)
