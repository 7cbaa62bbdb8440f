"""Tied layers of every form, small enough for quick tests."""

from __future__ import annotations

from sharefind.architectures import SharingSpec
from sharefind.groups import named_group, parse_representation
from tests.specs import spec_on

CASES: dict[str, tuple[str, str, str, str, str]] = {
    "gather": ("gather", "D4", "natural*sign", "natural", "matrix:tanh"),
    "gather, zeros": ("gather", "B3", "natural", "natural", "matrix+bias:tanh"),
    "plain sum": ("pool", "S5", "natural", "natural", "matrix+bias:tanh"),
    "one output": ("pool", "S4", "natural", "trivial:2", "matrix:tanh"),
    "one input": ("pool", "S4", "trivial", "natural", "matrix+bias:tanh"),
    "sums over parts": ("pool", "S4", "natural*natural", "natural", "matrix+bias:tanh"),
    "matches": ("pool", "S5", "natural*natural", "natural*natural", "matrix+bias:tanh"),
    "two orbits": ("pool", "S4", "natural+natural", "natural+trivial", "matrix:tanh"),
    "matches alone": ("pool", "B3", "natural", "natural", "matrix+bias:tanh"),
    "signed sums": ("pool", "S4", "natural*sign", "natural*sign", "matrix:tanh"),
    "ring": ("fft", "C40", "natural", "natural", "matrix+bias:tanh"),
    "odd ring": ("fft", "C33", "natural", "natural", "matrix:tanh"),
    "torus": ("fft", "C6xC6", "regular", "regular", "matrix:tanh"),
    "two rings": ("fft", "C32", "natural+natural", "natural+natural+natural", "matrix+bias:tanh"),
    "pixels": ("blocks", "D4", "grid:4", "grid:4", "matrix+bias:tanh"),
    "pixels with a middle": ("blocks", "D4", "grid:5", "grid:3", "matrix:tanh"),
    "pixels that turn": ("blocks", "C4", "grid:4", "grid:4+natural", "matrix+bias:tanh"),
    "pixels with signs": ("blocks", "D4", "grid:4*sign", "grid:4", "matrix+bias:tanh"),
    "all of S4": ("blocks", "S4", "regular", "regular+natural", "matrix:tanh"),
    "ring with signs": ("fft", "C64", "natural*sign", "natural", "matrix+bias:tanh"),
}
"""The form, the group, its actions on inputs and outputs, and the unit."""

QUICK = ["gather", "plain sum", "ring", "pixels"]
"""One case of each form."""


def spec_of(name: str, width: int = 1) -> SharingSpec:
    """The space of a case, for a network of so many particles."""
    _, group, in_rep, out_rep, unit = CASES[name]
    reps = [parse_representation(text, named_group(group)) for text in (in_rep, out_rep)]
    return spec_on(reps, unit, width)
