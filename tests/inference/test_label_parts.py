"""Labels as sums of parts that a group mixes each within itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sharefind.groups import Representation, named_group, natural, sign, trivial
from sharefind.inference.label_parts import label_parts

REPS: dict[str, tuple[Representation, set[tuple[int, int]]]] = {
    "stays": (trivial(named_group("D4"), 3), {(3, 1)}),
    "turns both ways": (natural(named_group("C4")), {(1, 1), (1, 2)}),
    "two of each": (natural(named_group("S4")) + natural(named_group("S4")), {(2, 1), (2, 3)}),
    "signs beside": (natural(named_group("S3")) + sign(named_group("S3")), {(1, 1), (1, 2)}),
}
"""With the (multiplicity, dimension) of the parts."""


@pytest.mark.parametrize("name", REPS)
def test_parts_add_up_and_move_apart(name: str) -> None:
    rep, expected = REPS[name]
    on_y = torch.from_numpy(rep.float_matrices()).double()
    parts = label_parts(on_y, np.random.default_rng(0))
    assert expected <= {tuple(part.basis.shape[::2]) for part in parts}
    y = torch.from_numpy(np.random.default_rng(1).normal(size=(5, rep.dim)))
    assert torch.allclose(sum(part.labels(part.coordinates(y)) for part in parts), y)  # type: ignore[arg-type]
    for part in parts:
        moved = torch.einsum("mqa,gqr,mrb->mgab", part.basis, on_y, part.basis)
        assert torch.allclose(moved, part.matrices.expand_as(moved), atol=1e-9)


def test_what_a_group_fixes_is_known() -> None:
    on_y = torch.from_numpy(natural(named_group("S3")).float_matrices()).double()
    parts = label_parts(on_y, np.random.default_rng(0))
    assert [part.is_fixed for part in parts if part.matrices.shape[1] == 1] == [True]
    assert sum(part.is_fixed for part in parts) == 1
