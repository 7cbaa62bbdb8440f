"""Whether hidden types are rich enough: training that may leave the shared weights, on rows and on completed rows."""

from dataclasses import replace

import numpy as np
import pytest

from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.type_escape import EscapeRule, TypeEscape, escape_of
from sharefind.errors import NotConvergedError
from sharefind.groups import parse_representation
from sharefind.meanfield import build_unit
from sharefind.meanfield.units import DeepUnit
from tests.architectures.deep.test_choosing import teacher_rows


def unit_of(rows: DeepRows, text: str, expression: str = "deep:tanh") -> DeepUnit:
    hidden = parse_representation(text, rows.group)
    unit = build_unit(expression, rows.in_rep, rows.out_rep, [hidden, hidden])
    assert isinstance(unit, DeepUnit)
    return unit


@pytest.mark.parametrize("group", ["S3", "C4"])
def test_without_noise_completed_rows_keep_the_shared_weights(group: str) -> None:
    """Gradients on rows with all their images lie in E^G, so that rounding alone leaves it; on rows they do not."""
    rows = teacher_rows(group)
    found = escape_of(unit_of(rows, "2*regular"), rows, EscapeRule(noise=0.0, steps=50), 0)
    assert len(found.on_rows) == len(found.on_orbits) == 3
    assert max(found.on_orbits) < 1e-10
    assert min(found.on_rows) > 1e-5
    assert not found.is_poor and found.step == EscapeRule().step


def test_shares_are_distances_over_squared_lengths() -> None:
    """With no step taken, dist^2 is the noise off E^G: its variance times the codimension, biases counted."""
    rows = teacher_rows("D4")
    unit = unit_of(rows, "8*regular")
    found = escape_of(unit, rows, EscapeRule(noise=0.1, steps=0), 0)
    assert found.on_rows == found.on_orbits and found.dist2_on_rows == found.dist2_on_orbits
    for space, weights, share, distance in zip(
        unit.layer_spaces, unit.weight_spaces, found.on_rows, found.dist2_on_rows, strict=True
    ):
        off, whole = (0.01 * count / weights.ambient for count in (space.ambient - space.dim, space.ambient))
        assert share == pytest.approx(off / (1 + whole), rel=0.25)
        assert distance > 0


def test_the_worst_layer_decides() -> None:
    quiet, loud = (0.01, 0.02), (0.01, 0.3)
    assert TypeEscape(quiet, loud, quiet, loud, 0.1, 2.0).is_poor
    assert not TypeEscape(loud, quiet, loud, quiet, 0.1, 2.0).is_poor
    assert not TypeEscape(loud, quiet, loud, quiet, 0.02, 2.0).is_poor


def test_a_step_that_diverges_is_halved() -> None:
    rows = teacher_rows("C2")
    unit = unit_of(rows, "4*regular", "deep:relu")
    found = escape_of(unit, rows, EscapeRule(steps=40, step=512.0, halvings=9), 0)
    assert 1.0 <= found.step < 512.0 and np.isfinite(found.on_rows).all()
    with pytest.raises(NotConvergedError, match="diverged at the step"):
        escape_of(unit, rows, EscapeRule(steps=40, step=1e9, halvings=1), 0)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("group", ["C4", "D5"])
def test_poor_types_are_told_from_a_group_that_fails(group: str) -> None:
    """Trivial types leave E^G on completed rows; regular ones do not, and leave it on rows where the group fails."""
    rows = teacher_rows(group, n=800)
    dim = rows.in_rep.dim
    broken = replace(rows, y=rows.y + 7.0 * np.tanh(rows.x[:, :1] - 5.0) * np.linspace(-1, 1, dim))
    rich, poor = unit_of(rows, "6*regular"), unit_of(rows, "24*trivial")
    holding, failing, lacking = (
        escape_of(unit, each, EscapeRule(), 0) for unit, each in ((rich, rows), (rich, broken), (poor, rows))
    )
    assert not holding.is_poor and not failing.is_poor and lacking.is_poor
    assert max(failing.on_rows) > 0.1
    assert max(failing.on_rows) > 4 * max(holding.on_rows)
    assert max(failing.on_orbits) < 0.1 * max(failing.on_rows)
