"""Random texts of the grammars that sharefind reads: mostly valid, now and then with a fault in them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Text = Callable[[Random], str]

ANGLES = ("pi/3", "2*pi/5", "pi/4", "2*pi/7", "pi", "-pi/12", "pi/97", "pi/9973", "3*pi/1000", "(pi)/2+pi/3", "0")
INTEGERS = ("0", "1", "2", "3", "5", "8", "12", "97", "1000", "999999999989", "1" * 40, "9" * 999, "7" * 1001)
SIGNS = "+-*/"
WORDS = (
    "sqrt(", "cos(", "sin(", "pi", "**", "(", ")", "/0", "natural", "trivial", "trivial:", "regular", "sign", "grid:",
    "patch:", "dual(", "matrix", "two-layer", "radial", "+bias", ":tanh", ":logistic", ":gaussian", "x", "SO", "C", "S",
    "e", "nan", "inf", "1e400", "\x00", "\n", "\x1b[31m", "é", "٣", "\ud800", " " * 50, "_", "1_0", "-", "0x1", ".5",
)  # fmt: skip


def number(rng: Random, depth: int = 3) -> str:
    """An exact number, such as "sqrt(3)/2"."""
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(INTEGERS[: rng.choice((6, 6, 6, len(INTEGERS)))])
    part = number(rng, depth - 1)
    return rng.choice(
        (
            f"sqrt({part})",
            f"cos({rng.choice(ANGLES)})",
            f"sin({rng.choice(ANGLES)})",
            f"({part})",
            f"-{part}",
            f"{part}{rng.choice(SIGNS)}{number(rng, depth - 1)}",
            f"({part})**{rng.choice(('2', '3', '-1', '0', '64', '65'))}",
        )
    )


def representation(rng: Random, depth: int = 3) -> str:
    """A representation expression, such as "2*natural+trivial"."""
    if depth == 0 or rng.random() < 0.35:
        sizes = ("1", "2", "3", "5", "9", "100", "6000", "999999999")
        sized = [f"{name}:{rng.choice(sizes[: rng.choice((4, 4, 8))])}" for name in ("trivial", "grid", "patch")]
        return rng.choice(("natural", "natural", "trivial", "regular", "sign", *sized))
    part = representation(rng, depth - 1)
    count = rng.choice(("2", "3", "10", "1000", "999999999"))
    other = representation(rng, depth - 1)
    return rng.choice((f"{part}+{other}", f"{part}*{other}", f"{count}*{part}", f"dual({part})", f"({part})"))


def group_name(rng: Random) -> str:
    """A name of a group, such as "C2xS3"."""
    sizes = ("0", "1", "2", "3", "4", "5", "7", "12", "30", "120", "121", "1000", "10000", "10001")
    names = ("C", "D", "S", "A", "B", "R", "SO", "O", "Z", "")
    parts = [
        "V4" if rng.random() < 0.1 else rng.choice(names) + rng.choice(sizes[: rng.choice((8, 8, 8, len(sizes)))])
        for _ in range(rng.choice((1, 1, 1, 2, 3, 16, 17)))
    ]
    return "x".join(parts)


def unit(rng: Random) -> str:
    """A unit expression, such as "matrix+bias:tanh"."""
    kind, bias = rng.choice(("matrix", "two-layer", "radial", "dense")), rng.choice(("", "+bias", "+bias+bias"))
    return kind + bias + rng.choice(("", ":tanh", ":logistic", ":algebraic", ":gaussian", ":relu", ":", ":tanh:tanh"))


def with_a_fault(text: str, rng: Random) -> str:
    """The text with a word put in, a piece taken out or a piece written twice."""
    a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    if rng.random() < 0.5:
        return text[:a] + rng.choice(WORDS) + text[a:]
    return rng.choice((text[:a] + text[b:], text[:b] + text[a:], text[:a] + text[a:b] * rng.choice((2, 40)) + text[b:]))
