"""Units on which an identity is checked: every unit that the actions of a group allow, with random clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.errors import UnitError
from sharefind.groups import FiniteGroup, Group, named_group, parse_representation
from sharefind.meanfield.units import read_unit
from sharefind.paper.context import Context, Request
from sharefind.paper.demonstration import Check, Panel, Row, at_least, at_most, column
from sharefind.paper.setting import representations

FINITE = ("C4", "D4", "S3", "B2")
"""Default groups of the identities."""

EXPRESSIONS = (
    ("matrix:logistic", None),
    ("matrix+bias:tanh", None),
    ("two-layer:tanh", "trivial"),
    ("two-layer:tanh", "natural"),
    ("two-layer:tanh", "regular"),
    ("radial:algebraic", None),
)
"""Unit expressions, each with the hidden representation that it needs."""


@dataclass(frozen=True)
class UnitCase:
    """A unit with a name for tables.

    Attributes:
        unit: The unit.
        label: Its name.
    """

    unit: mf.Unit
    label: str

    @property
    def group(self) -> Group:
        """The group that acts on the unit."""
        return self.unit.in_rep.group


def unit_cases(context: Context, default: tuple[str, ...] = FINITE) -> tuple[tuple[UnitCase, ...], tuple[str, ...]]:
    """Return the cases of a request, and a note for every unit that the actions exclude.

    Args:
        context: The environment, with the request.
        default: Names of the default groups.

    Raises:
        UnitError: No unit is equivariant under the actions.
    """
    request = context.request
    cases: list[UnitCase] = []
    notes: list[str] = []
    refusals: list[UnitError] = []
    for name in request.groups(default):
        for expression, hidden in _expressions(request.unit):
            try:
                cases.append(_case(request, named_group(name), expression, hidden))
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


def _case(request: Request, group: Group, expression: str, hidden: str | None) -> UnitCase:
    in_rep, out_rep = representations(request, group)
    if hidden is None:
        return UnitCase(mf.build_unit(expression, in_rep, out_rep), expression)
    if hidden == "regular" and not isinstance(group, FiniteGroup):
        raise UnitError(f"{group.name} is infinite and has no regular representation of finite dimension")
    unit = mf.build_unit(expression, in_rep, out_rep, parse_representation(hidden, group))
    return UnitCase(unit, f"{expression}, hidden {hidden}")


def random_cloud(unit: mf.Unit, rng: np.random.Generator, dtype: torch.dtype, particles: int = 7) -> Tensor:
    """Return particles with standard normal entries, shape (1, D, N).

    Args:
        unit: The unit, with D parameters.
        rng: Source of the entries.
        dtype: Precision of the result.
        particles: Number of particles N.
    """
    return torch.from_numpy(rng.standard_normal((1, unit.space.dim, particles))).to(dtype)


def random_law(
    unit: mf.Unit, loss: mf.Loss, rng: np.random.Generator, dtype: torch.dtype, samples: int = 11
) -> mf.EmpiricalLaw:
    """Return a law without symmetry, with labels that a loss accepts.

    Args:
        unit: The unit.
        loss: The loss.
        rng: Source of the samples.
        dtype: Precision of the result.
        samples: Number of support points.
    """
    x = torch.from_numpy(rng.standard_normal((samples, unit.d_in))).to(dtype)
    y = torch.from_numpy(rng.standard_normal((samples, unit.d_out))).to(dtype)
    if loss is mf.LOGISTIC_LOSS:
        y = torch.where(y >= 0, torch.ones_like(y), -torch.ones_like(y))
    if loss is mf.CROSS_ENTROPY:
        y = torch.softmax(y, dim=-1)
    return mf.EmpiricalLaw(x, y)


def invariant_losses(unit: mf.Unit) -> tuple[mf.Loss, ...]:
    """Return the losses that are invariant under the action on Y.

    Args:
        unit: The unit.
    """
    kept = []
    for loss in (mf.SQUARED, mf.huber(0.5), mf.LOGISTIC_LOSS, mf.CROSS_ENTROPY):
        try:
            loss.refuse_unless_invariant(unit.out_rep)
        except UnitError:
            continue
        kept.append(loss)
    return tuple(kept)


@dataclass(frozen=True)
class Tolerances:
    """Tolerances on absolute errors of quantities between one and ten, for each precision.

    Attributes:
        float64: Tolerance in double precision.
        float32: Tolerance in single precision.
    """

    float64: float = 1e-10
    float32: float = 1e-4

    @property
    def dtypes(self) -> dict[str, torch.dtype]:
        """The precisions by name."""
        return {name: getattr(torch, name) for name in asdict(self)}

    def checks(self, name: str, rows: Sequence[Row]) -> list[Check]:
        """Return a check of the largest `error` in the rows, for each precision.

        Args:
            name: The compared quantity, in words.
            rows: The rows.
        """
        return [
            at_most(f"{name}, {dtype}", max(column(rows, "error", dtype=dtype)), bound)
            for dtype, bound in asdict(self).items()
        ]


def control(rows: Sequence[Row], least: float) -> Check:
    """Return a check of the median case: a few units are invariant by chance and differ by nothing, most differ
    clearly.

    Args:
        rows: The rows, with a column `unsymmetrised`.
        least: Smallest relative difference.
    """
    differences = sorted(column(rows, "unsymmetrised"))
    return at_least("control: not symmetrised, relative difference", differences[len(differences) // 2], least)


def precision_panel(rows: Sequence[Row], title: str, y_label: str) -> Panel:
    """Return bars of the largest `error` of each group, one for each precision.

    Args:
        rows: The rows.
        title: Title of the panel.
        y_label: Label of the y axis.
    """
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    heights = {
        dtype: [max(column(rows, "error", group=group, dtype=dtype)) for group in groups]
        for dtype in ("float64", "float32")
    }
    return Panel.of_groups(title, y_label, groups, heights)
