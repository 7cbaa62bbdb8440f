"""The grammar of exact real numbers as text: tokens and a syntax tree, without any evaluation.

What a tree is worth, in sympy or in a number field, is decided in `numbers`.

    sum     = ["+" | "-"] product {("+" | "-") product}
    product = signed {("*" | "/") signed}
    signed  = ["+" | "-"] signed | atom ["**" ["-"] integer]
    atom    = integer | "(" sum ")" | ("sqrt" | "cos" | "sin") "(" sum ")" | "pi" (inside cos and sin only)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sharefind.errors import GroupError, quoted

MAX_LENGTH = 20_000
"""Longest text of one number, in characters."""

MAX_DEPTH = 60
"""Deepest nesting of parentheses, functions and signs."""

MAX_DIGITS = 1_000
"""Most digits of one integer."""

MAX_EXPONENT = 64
"""Largest exponent, in absolute value."""

_TOKEN = re.compile(r"\s*(?:([0-9]+)|(sqrt|cos|sin|pi)\b|(\*\*|[-+*/()]))")
_QUOTED = 40


@dataclass(frozen=True)
class Number:
    """A nonnegative integer."""

    value: int


@dataclass(frozen=True)
class Pi:
    """The number pi, inside an angle."""


@dataclass(frozen=True)
class Root:
    """A square root."""

    argument: Node


@dataclass(frozen=True)
class Wave:
    """A cosine or a sine of an angle."""

    kind: Literal["cos", "sin"]
    angle: Node


@dataclass(frozen=True)
class Sum:
    """Terms with signs +1 and -1."""

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Product:
    """Factors with exponents +1 and -1."""

    factors: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Power:
    """An integer power."""

    base: Node
    exponent: int


Node = Number | Pi | Root | Wave | Sum | Product | Power


def parse_tree(text: str) -> Node:
    """The syntax tree of one number.

    Raises:
        GroupError: the text is not in the grammar, or is too long or too deep.
    """
    if len(text) > MAX_LENGTH:
        raise GroupError(f"a number of {len(text)} characters is above the limit of {MAX_LENGTH}; shorten it")
    return _Parser(text).parse()


class _Parser:
    """Recursive descent over the tokens; `depth` bounds the recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.position = 0
        self.depth = 0
        self.angle = False

    def parse(self) -> Node:
        node = self._sum()
        if self._peek():
            raise self._error(f"unexpected {quoted(self._peek())}")
        return node

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self.position += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise self._error(f"{token!r} is missing")

    def _error(self, what: str) -> GroupError:
        return GroupError(
            f"{_quote(self.text)} is not an exact number: {what}; "
            "write integers, fractions, sqrt(2), cos(2*pi/5), and + - * / ** between them"
        )

    def _nest(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")

    def _sum(self) -> Node:
        self._nest()
        terms = [(1, self._product())]
        while self._peek() in ("+", "-"):
            sign = 1 if self._take() == "+" else -1
            terms.append((sign, self._product()))
        self.depth -= 1
        return terms[0][1] if len(terms) == 1 else Sum(tuple(terms))

    def _product(self) -> Node:
        factors = [(1, self._signed())]
        while self._peek() in ("*", "/"):
            exponent = 1 if self._take() == "*" else -1
            factors.append((exponent, self._signed()))
        return factors[0][1] if len(factors) == 1 else Product(tuple(factors))

    def _signed(self) -> Node:
        if self._peek() not in ("+", "-"):
            return self._power()
        sign = 1 if self._take() == "+" else -1
        self._nest()
        node = self._signed()
        self.depth -= 1
        return node if sign == 1 else Sum(((-1, node),))

    def _power(self) -> Node:
        base = self._atom()
        if self._peek() != "**":
            return base
        self._take()
        sign = -1 if self._peek() == "-" else 1
        if sign == -1:
            self._take()
        exponent = self._integer(self._take())
        if exponent > MAX_EXPONENT:
            raise self._error(f"the exponent {quoted(exponent)} is above {MAX_EXPONENT}")
        return Power(base, sign * exponent)

    def _integer(self, token: str) -> int:
        if not token.isdigit():
            raise self._error(f"an integer is missing before {quoted(token)}" if token else "it ends too early")
        if len(token) > MAX_DIGITS:
            raise self._error(f"an integer has more than {MAX_DIGITS} digits")
        return int(token)

    def _atom(self) -> Node:
        token = self._take()
        if token == "(":
            node = self._sum()
            self._expect(")")
            return node
        if token == "sqrt":
            return Root(self._argument())
        if token in ("cos", "sin"):
            return self._wave("cos" if token == "cos" else "sin")
        if token == "pi":
            if not self.angle:
                raise self._error("pi stands only inside cos and sin")
            return Pi()
        return Number(self._integer(token))

    def _wave(self, kind: Literal["cos", "sin"]) -> Node:
        outside, self.angle = self.angle, True
        angle = self._argument()
        self.angle = outside
        return Wave(kind, angle)

    def _argument(self) -> Node:
        self._expect("(")
        node = self._sum()
        self._expect(")")
        return node


def _tokens(text: str) -> list[str]:
    stripped = text.rstrip()
    tokens, position = [], 0
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None or not match.group().isascii():
            rest = stripped[position:].lstrip()
            hint = "write decimals as fractions, 1/2 for 0.5" if rest.startswith(".") else "see the grammar"
            raise GroupError(f"{_quote(text)} is not an exact number: {rest[:1]!r} is not understood; {hint}")
        tokens.append(match[1] or match[2] or match[3])
        position = match.end()
    if not tokens:
        raise GroupError("an empty text is not an exact number; write 0, 1/2, sqrt(3)/2, ...")
    return tokens


def _quote(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "...")
