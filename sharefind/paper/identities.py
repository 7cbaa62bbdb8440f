"""Units over groups on which an identity is checked: every unit that the group's actions allow, with random clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import UnitError
from sharefind.groups import FiniteGroup, Group, named_group, parse_representation
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.losses import CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED, Loss, huber
from sharefind.meanfield.units import Unit, build_unit, read_unit
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Panel, Row, Series

FINITE = ("C4", "D4", "S3", "B2")
"""Groups of the identities unless one is asked for."""

EXPRESSIONS = (
    ("matrix:logistic", None),
    ("matrix+bias:tanh", None),
    ("two-layer:tanh", "trivial"),
    ("two-layer:tanh", "natural"),
    ("two-layer:tanh", "regular"),
    ("radial:algebraic", None),
)
"""Unit expressions, each with the hidden representation that it needs."""

PARTICLES, SAMPLES = 7, 11
"""Sizes of the random clouds and laws: any will do, for the identities hold for each."""


@dataclass(frozen=True)
class UnitCase:
    """A unit over a named group, with a name for tables."""

    group: Group
    unit: Unit
    label: str


def unit_cases(context: Context, default: tuple[str, ...] = FINITE) -> tuple[tuple[UnitCase, ...], tuple[str, ...]]:
    """The cases of a request, and a note for every unit that an action refuses."""
    request = context.request
    cases: list[UnitCase] = []
    notes: list[str] = []
    refusals: list[UnitError] = []
    for name in (request.group,) if request.group else default:
        for expression, hidden in _expressions(request.unit):
            try:
                cases.append(_case(name, expression, hidden, request.in_rep, request.out_rep))
            except UnitError as error:
                refusals.append(error)
                notes.append(f"{name}, {expression}: refused, as it should be ({error})")
    if not cases:
        raise refusals[0] if request.unit else UnitError(f"no unit is equivariant under these actions; {notes[0]}")
    return tuple(cases), tuple(notes)


def _expressions(asked: str | None) -> tuple[tuple[str, str | None], ...]:
    if asked is None:
        return EXPRESSIONS
    if not read_unit(asked).kind.has_hidden:
        return ((asked, None),)
    return tuple((asked, hidden) for _, hidden in EXPRESSIONS if hidden is not None)


def _case(name: str, expression: str, hidden: str | None, in_text: str | None, out_text: str | None) -> UnitCase:
    group = named_group(name)
    in_rep = parse_representation(in_text or "natural", group)
    out_rep = parse_representation(out_text or "natural", group)
    if hidden == "regular" and not isinstance(group, FiniteGroup):
        raise UnitError(f"{name} is infinite and has no regular representation of finite dimension")
    hidden_rep = None if hidden is None else parse_representation(hidden, group)
    unit = build_unit(expression, in_rep, out_rep, hidden_rep)
    return UnitCase(group, unit, expression if hidden is None else f"{expression}, hidden {hidden}")


def random_cloud(unit: Unit, rng: np.random.Generator, dtype: torch.dtype, particles: int = PARTICLES) -> Tensor:
    """Particles with standard normal entries, (1, D, N)."""
    return torch.from_numpy(rng.standard_normal((1, unit.space.dim, particles))).to(dtype)


def random_law(unit: Unit, loss: Loss, rng: np.random.Generator, dtype: torch.dtype) -> EmpiricalLaw:
    """A law without any symmetry, with labels of the kind that a loss takes."""
    x = torch.from_numpy(rng.standard_normal((SAMPLES, unit.d_in))).to(dtype)
    y = torch.from_numpy(rng.standard_normal((SAMPLES, unit.d_out))).to(dtype)
    if loss is LOGISTIC_LOSS:
        y = torch.where(y >= 0, torch.ones_like(y), -torch.ones_like(y))
    if loss is CROSS_ENTROPY:
        y = torch.softmax(y, dim=-1)
    return EmpiricalLaw(x, y)


def invariant_losses(unit: Unit) -> tuple[Loss, ...]:
    """The losses that are invariant under the action on Y."""
    kept = []
    for loss in (SQUARED, huber(0.5), LOGISTIC_LOSS, CROSS_ENTROPY):
        try:
            loss.refuse_unless_invariant(unit.out_rep)
        except UnitError:
            continue
        kept.append(loss)
    return tuple(kept)


def precision_panel(rows: Sequence[Row], title: str, y_label: str) -> Panel:
    """Bars of the largest `error` of each group, one in each precision."""
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    series = []
    for dtype in ("float64", "float32"):
        worst = [max(float(r["error"]) for r in rows if r["group"] == g and r["dtype"] == dtype) for g in groups]
        series.append(Series(dtype, tuple(range(len(groups))), tuple(worst)))
    return Panel(title, "group", y_label, tuple(series), "linear", "log", True, tuple(groups))
