"""The smallest space that contains several, and the shares made from evidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.proposal.posterior import TiedSpace, common_refinement, posterior
from sharefind.spaces import Subspace, tying

patterns = st.lists(st.integers(-3, 3), min_size=6, max_size=6).map(lambda v: tying.canonical(np.array(v)))


@settings(max_examples=200)
@given(st.lists(patterns, min_size=1, max_size=4))
def test_the_refinement_is_the_smallest_tying_space_that_contains_all(chosen: list[np.ndarray]) -> None:
    joined = common_refinement(chosen)
    space = Subspace.from_pattern(joined)
    assert all(Subspace.from_pattern(c) <= space for c in chosen)
    # Tying any two classes of it, with either sign, or dropping one, loses one of the spaces.
    count = int(joined.max())
    for a in range(1, count + 1):
        smaller = [np.where(np.abs(joined) == a, 0, joined)]
        smaller += [
            np.where(np.abs(joined) == b, s * np.sign(joined) * a, joined)
            for b in range(a + 1, count + 1)
            for s in (1, -1)
        ]
        for pattern in smaller:
            assert not all(Subspace.from_pattern(c) <= Subspace.from_tying(pattern) for c in chosen)


def test_conjugates_share_one_prior() -> None:
    free = np.arange(1, 5, dtype=np.int32)
    pairs = [np.array(p, dtype=np.int32) for p in ((1, 1, 2, 3), (1, 2, 1, 3), (1, 2, 2, 3))]
    found = posterior([TiedSpace("", free, 0.0, ()), *(TiedSpace("", p, 0.0, ()) for p in pairs)])
    assert found.shares == pytest.approx((1 / 2, 1 / 6, 1 / 6, 1 / 6))
    assert len(found.first(0.6)) == 2 and len(found.first(1.0)) == 4
