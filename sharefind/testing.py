"""Public helpers for tests: groups and units drawn by hypothesis, and the equivariance error of a unit.

hypothesis is loaded only when a strategy is created (`pip install hypothesis`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sharefind.errors import UnitError
from sharefind.groups import FiniteGroup, parse_representation
from sharefind.groups.group import NaturalBlock
from sharefind.meanfield.clouds.haar import HaarRule
from sharefind.meanfield.units import Unit, build_unit, read_unit

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

IN_TEXTS = ("natural", "natural+trivial", "natural+sign", "regular", "2*natural", "dual(natural)")
"""Representations that are drawn for X."""

OUT_TEXTS = ("natural", "trivial:2", "natural+trivial", "sign")
"""Representations that are drawn for Y."""

UNIT_TEXTS = (
    "matrix:logistic",
    "matrix:tanh",
    "matrix+bias:tanh",
    "two-layer:tanh",
    "two-layer:logistic",
    "gated:tanh",
    "gated-tensors:tanh",
    "radial",
)
"""Unit expressions that are drawn; `two-layer` and the gated ones with a hidden representation of `HIDDEN_TEXTS`."""

HIDDEN_TEXTS = ("trivial:2", "natural", "regular", "natural+trivial", "2*natural")


def random_groups(most_points: int = 4) -> SearchStrategy[FiniteGroup]:
    """Return a strategy for permutation groups on at least 2 points, and signed permutation groups on at least 2
    coordinates.

    Args:
        most_points: Largest number of points; a signed group moves at most one coordinate less.
    """
    from hypothesis import strategies as st

    return st.composite(_draw_group)(most_points)


def random_units(hidden: bool = True) -> SearchStrategy[Unit]:
    """Return a strategy for units over drawn groups: every kind of unit that the drawn actions allow.

    Args:
        hidden: Whether to draw units with a hidden layer, too; their parameter space is large.
    """
    from hypothesis import strategies as st

    def draw_unit(draw: DrawFn) -> Unit:
        group = draw(random_groups())
        texts = [t for t in UNIT_TEXTS if hidden or not read_unit(t).kind.has_hidden]
        while True:
            in_text, out_text = draw(st.sampled_from(IN_TEXTS)), draw(st.sampled_from(OUT_TEXTS))
            expression = draw(st.sampled_from(texts))
            hidden_text = draw(st.sampled_from(HIDDEN_TEXTS)) if read_unit(expression).kind.has_hidden else None
            hidden_rep = None if hidden_text is None else parse_representation(hidden_text, group)
            in_rep, out_rep = parse_representation(in_text, group), parse_representation(out_text, group)
            try:
                return build_unit(expression, in_rep, out_rep, hidden_rep)
            except UnitError:
                continue

    return st.composite(draw_unit)()


def equivariance_error(unit: Unit, rule: HaarRule, x: Tensor, theta: Tensor) -> float:
    """Return the relative equivariance error of a unit.

    The error is the largest |sigma*(rho_g x, M_g z) - rhohat_g sigma*(x, z)| over the group elements of the rule,
    divided by the largest |sigma*|.

    Args:
        unit: The unit sigma*.
        rule: Group elements, see `haar_rule`.
        x: Inputs, shape (1, B, d_in), float.
        theta: Particles z, shape (1, D, N), float.

    Returns:
        The error; 0 for a unit that vanishes at all points.
    """
    values = unit.values(x, theta)
    moved = unit.values(rule.moved_inputs(x)[:, 0], rule.images(theta)[0].permute(1, 0, 2))
    expected = torch.einsum("gij,jbn->gibn", rule.on_y.to(values), values[0])
    scale = float(values.abs().max())
    return float((moved - expected).abs().max()) / scale if scale > 0 else 0.0


def _draw_group(draw: DrawFn, most_points: int) -> FiniteGroup:
    from hypothesis import strategies as st

    n = draw(st.integers(2, most_points))
    perms = draw(st.lists(st.permutations(range(n)), min_size=1, max_size=2))
    if n == most_points or draw(st.booleans()):
        return FiniteGroup("random", n, tuple(map(tuple, perms)))
    generators = []
    for perm in perms:
        flips = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        images = [p + n * flip for p, flip in zip(perm, flips, strict=True)]
        generators.append(tuple(images + [(i + n) % (2 * n) for i in images]))
    return FiniteGroup("random", 2 * n, tuple(generators), (NaturalBlock("signed", 0, 2 * n),))
