"""Subspaces as a notebook shows them."""

from __future__ import annotations

import re

import numpy as np

from sharefind.groups import hom, named_group, natural
from sharefind.spaces import Block, Subspace, fixed_space
from sharefind.spaces.space_html import space_html

BLOCKS = (Block("weight", (3, 3)), Block("bias", (3,)))


def _cells(piece: str) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", piece)


def test_a_tying_pattern_is_shown_block_by_block_with_names() -> None:
    rep = natural(named_group("S3"))
    space = fixed_space(hom(rep, rep) + rep)
    piece = space_html(space, BLOCKS, {"weight": ((), ["north", "east", "south"])})
    assert _cells(piece) == [*"abbbabbba", *"ccc"]
    assert "weight 3 x 3" in piece and "bias 1 x 3" in piece and "3 free numbers" in piece
    assert re.findall(r"<span>(\w+)</span>", piece) == ["north", "east", "south"]


def test_zero_has_no_matrices() -> None:
    assert "Every parameter is 0" in space_html(Subspace.zero(12), BLOCKS)


def test_a_space_without_tying_is_shown_by_its_basis() -> None:
    piece = space_html(Subspace.from_basis([[1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]]), BLOCKS)
    assert _cells(piece) == ["1", "2", *["0"] * 9, "5"]
    assert "1 vector of an exact basis" in piece
    rows = np.linalg.qr(np.random.default_rng(0).standard_normal((12, 8)))[0].T
    piece = space_html(Subspace.numerical(rows), BLOCKS)
    assert len(_cells(piece)) == 6 * 12
    assert "8 vectors of an orthonormal basis" in piece and "the first 6 are shown" in piece
