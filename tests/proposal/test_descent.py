"""Groups inside ones that nearly hold, and what no vector and no scale of the data may change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sharefind.datasets import teacher_student
from sharefind.groups import named_group, natural
from sharefind.proposal import Finding, Proposing, propose
from sharefind.proposal.noisy_automorphisms import Effort, PermutationSearch
from sharefind.search.blind import tying_p_value
from sharefind.spaces import Subspace, fixed_space, matrix_space

FloatArray = NDArray[np.float64]


def near_symmetric_samples(seed: int, n: int, d: int = 5) -> tuple[FloatArray, FloatArray]:
    """A circulant relation with a quadratic part, between inputs that are symmetric under its group."""
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=(n, d))
    y = x + 0.6 * np.roll(x, -1, axis=1) - 0.3 * np.roll(x, 1, axis=1) + 0.2 * x * np.roll(x, 1, axis=1)
    return x, y + 0.1 * rng.normal(size=x.shape)


def same(first: Finding, second: Finding, digits: float = 1e-3) -> None:
    assert first.labels.tolist() == second.labels.tolist()
    assert (first.name, first.status, first.is_group) == (second.name, second.status, second.is_group)
    assert first.share == pytest.approx(second.share, abs=digits)


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
    seed: int, on_x: list[float], on_y: list[float], scale: float, label_scale: float
) -> None:
    x, y = near_symmetric_samples(seed, 250)
    plain = propose(x, y, signed=False)
    moved = (x + np.array(on_x)) * scale, (y + np.array(on_y)) * label_scale
    same(plain, propose(*moved, signed=False))
    rest = near_symmetric_samples(seed + 10, 100)
    other = (rest[0] + np.array(on_x)) * scale, (rest[1] + np.array(on_y)) * label_scale
    assert tying_p_value(plain, *rest) == pytest.approx(tying_p_value(plain, *other), rel=1e-3)


def test_kelvin_and_celsius_are_proposed_alike() -> None:
    x, y = near_symmetric_samples(1, 400)
    warm = propose(300 + 10 * x, 300 + 10 * y)
    assert warm.name == "C5"
    # Signs keep the origin alone: they are looked for at 0 and not at 300, and change nothing of the permutations.
    same(propose(10 * x, 10 * y), warm)
    np.testing.assert_allclose(warm.values, propose(x, y).values, rtol=1e-6)


def test_means_of_inputs_and_outputs_say_nothing() -> None:
    x, y = near_symmetric_samples(2, 400)
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


def test_a_search_that_is_cut_short_has_no_share() -> None:
    settings = Proposing(effort=Effort(most_listed=1, expansions=3))
    found = propose(*near_symmetric_samples(0, 300), signed=False, settings=settings)
    assert found.status == "cut short" and found.share is None and not found.is_exhaustive
    assert all(rival.share is None for rival in found.rivals)


def test_every_permutation_of_few_points_is_listed() -> None:
    from sharefind.proposal import least_squares
    from sharefind.recognition import matrix_layout

    x, y = near_symmetric_samples(0, 200, 4)
    search = PermutationSearch(least_squares(x, y, matrix_layout((4, 4))))
    assert len({g.tobytes() for g in search._listed()}) == 23  # type: ignore[union-attr]
    apart = PermutationSearch(least_squares(x, y[:, :3], matrix_layout((3, 4))))
    assert len({g.tobytes() for g in apart._listed()}) == 6 * 24 - 1  # type: ignore[union-attr]
    excess = search._excess(search._listed())  # type: ignore[arg-type]
    listed = search._listed()[np.argsort(excess)[:3]]  # type: ignore[index]
    turns = {tuple(np.roll(np.arange(4), k)) for k in (1, 2, 3)}
    assert {tuple(g) for g in listed.tolist()} == turns
