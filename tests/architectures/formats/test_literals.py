"""Exact numbers as expressions of Python."""

from __future__ import annotations

import math

import pytest

from sharefind.architectures.formats import literals
from sharefind.exact.matrices import to_float
from sharefind.groups import exact_matrix

NUMBERS = ["0", "-1/2", "sqrt(3)/2", "-sqrt((5/8-sqrt(5)/8))", "cos(2*pi/7)", "2*cos(pi/9)-1/3"]
LONG = "+".join(f"cos({k}*pi/23)/{k + 2}" for k in range(1, 12))


@pytest.mark.parametrize("text", [*NUMBERS, LONG])
def test_literals_are_the_numbers_they_write(text: str) -> None:
    written = literals.number(text, longest=60)
    value = eval(written, {"sqrt": math.sqrt, "cos": math.cos, "pi": math.pi})  # noqa: S307
    assert value == pytest.approx(float(to_float(exact_matrix([[text]]))[0, 0]), abs=1e-14)
    assert len(written) <= 60
