"""What a whole lattice of exact tests costs, one core: times are printed (-s) for each node, and never fail."""

from time import process_time

import pytest
import torch

from sharefind.inference import family_test
from tests.acceptance.teachers import TRUTHS, candidates, teacher_samples

COPIES = 99
"""Fewest that can reject at level .01."""

SIZES = (50, 100, 200)


@pytest.mark.parametrize("n", SIZES)
def test_the_lattice_of_s4(n: int) -> None:
    """The target for 200 samples is 10 s."""
    torch.set_num_threads(1)
    family, statistic = candidates(4)
    data = teacher_samples(TRUTHS["C4"], n, 0.1, 0)
    started = process_time()
    found = family_test(*data, family, statistic, copies=COPIES)
    seconds = process_time() - started
    assert len(family.candidates) == 29 and 0 < len(found.tests) <= 29
    costs = sorted(test.seconds for test in found.tests.values())
    print(f"\nS_4, n={n}: {len(costs)} tests in {seconds:.2f} s; a node {costs[0]:.3f} to {costs[-1]:.3f} s")
