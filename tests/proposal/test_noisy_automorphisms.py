"""Permutations that nearly keep coefficients: all of few points, and the whole group where they are exact."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.proposal.coefficients import CoefficientBlock, Coefficients
from sharefind.proposal.monomials import Frame, Powers
from sharefind.proposal.noisy_automorphisms import PermutationSearch
from sharefind.recognition import matrix_layout, recognise
from sharefind.spaces import fixed_space, matrix_space

FloatArray = NDArray[np.float64]
Samples = Callable[..., tuple[FloatArray, FloatArray]]


@pytest.mark.parametrize("name", ["C4", "C6", "D4", "D5", "V4", "S4", "S3xS2", "C2xC3"])
def test_exact_coefficients_give_the_whole_stabiliser(name: str) -> None:
    rep = natural(named_group(name))
    space = fixed_space(matrix_space(rep, rep).action)
    values = np.random.default_rng(0).normal(size=space.dim) @ space.orthonormal()
    block = CoefficientBlock(
        "linear", np.eye(rep.dim, dtype=np.int64), values.reshape(rep.dim, rep.dim), np.full(rep.dim**2, 1e-12)
    )
    layout, origin = matrix_layout((rep.dim, rep.dim)), np.zeros(rep.dim)
    frame = Frame(origin, 1.0, origin, 1.0, Powers(1.0, 3.0))
    search = PermutationSearch(Coefficients(layout, (block,), (), frame, np.ones(rep.dim), 100))
    moves = search.generators()
    group = FiniteGroup("found", rep.dim, tuple(tuple(map(int, g)) for g in moves))
    assert group.order == recognise(space, (rep.dim, rep.dim)).order and search.is_exhaustive


def test_every_permutation_of_few_points_is_listed(near_symmetric: Samples) -> None:
    from sharefind.proposal import least_squares
    from sharefind.recognition import matrix_layout

    x, y = near_symmetric(0, 200, 4)
    search = PermutationSearch(least_squares(x, y, matrix_layout((4, 4))))
    assert len({g.tobytes() for g in search._listed()}) == 23  # type: ignore[union-attr]
    apart = PermutationSearch(least_squares(x, y[:, :3], matrix_layout((3, 4))))
    assert len({g.tobytes() for g in apart._listed()}) == 6 * 24 - 1  # type: ignore[union-attr]
    excess = search._excess(search._listed())  # type: ignore[arg-type]
    listed = search._listed()[np.argsort(excess)[:3]]  # type: ignore[index]
    turns = {tuple(np.roll(np.arange(4), k)) for k in (1, 2, 3)}
    assert {tuple(g) for g in listed.tolist()} == turns
