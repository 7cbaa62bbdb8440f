"""The grammar of exact real numbers as text: tokens and a syntax tree, without any evaluation.

`numbers` evaluates a tree, in sympy or in a number field.

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
from sharefind.exact.token_parser import TokenParser

_TOKEN = re.compile(r"\s*(?:([0-9]+)|(sqrt|cos|sin|pi)\b|(\*\*|[-+*/()]))")


@dataclass(frozen=True)
class NumberBounds:
    """Size limits for a number written as text, so that a short hostile text cannot take long.

    Attributes:
        length: Largest length of the text of one number, in characters.
        depth: Largest depth of nested parentheses, functions and signs.
        digits: Largest number of digits of one integer.
        exponent: Largest exponent, in absolute value.
        bits: Largest size of a numerator or denominator, in bits.
        radicand_bits: Largest size of a number under a square root, in bits.
        turn_denominator: Largest denominator q of an angle p pi / q.
        field_work: Largest number of products of coefficients that a set of numbers may take in its field. The default
            takes about a second.
        inverse_work: Cost of an inverse in a number field, in products.
        inverse_degree: Largest degree of a field in which an irrational number may be a divisor; the cost grows as the
            fifth power of the degree.
        zero_digits: Number of digits to which an irrational number is evaluated; one that vanishes to this precision
            counts as not distinguishable from zero.
    """

    length: int = 20_000
    depth: int = 60
    digits: int = 1_000
    exponent: int = 64
    bits: int = 3_000
    radicand_bits: int = 900
    turn_denominator: int = 10_000
    field_work: int = 1_000_000
    inverse_work: int = 50
    inverse_degree: int = 100
    zero_digits: int = 50


NUMBER_BOUNDS = NumberBounds()
"""Default limits."""


@dataclass(frozen=True)
class Number:
    """A nonnegative integer.

    Attributes:
        value: The integer.
    """

    value: int


@dataclass(frozen=True)
class Pi:
    """The number pi, inside an angle."""


@dataclass(frozen=True)
class Root:
    """A square root.

    Attributes:
        argument: The number under the root.
    """

    argument: Node


@dataclass(frozen=True)
class Wave:
    """A cosine or a sine of an angle.

    Attributes:
        kind: "cos" or "sin".
        angle: The angle, in radians.
    """

    kind: Literal["cos", "sin"]
    angle: Node


@dataclass(frozen=True)
class Sum:
    """A sum of terms with signs.

    Attributes:
        terms: Pairs (1 or -1, term).
    """

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Product:
    """A product of factors and inverses.

    Attributes:
        factors: Pairs (exponent 1 or -1, factor).
    """

    factors: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Power:
    """An integer power.

    Attributes:
        base: The base.
        exponent: The exponent, which may be negative.
    """

    base: Node
    exponent: int


Node = Number | Pi | Root | Wave | Sum | Product | Power


def parse_tree(text: str, bounds: NumberBounds = NUMBER_BOUNDS) -> Node:
    """Return the syntax tree of one number.

    Args:
        text: The number, for example "sqrt(3)/2".
        bounds: Size limits.

    Raises:
        GroupError: The text does not follow the grammar, or is too long or nested too deep.
    """
    if len(text) > bounds.length:
        raise GroupError(f"a number of {len(text)} characters is above the limit of {bounds.length}; shorten it")
    return _Parser(text, bounds).parse()


class _Parser(TokenParser):
    def __init__(self, text: str, bounds: NumberBounds) -> None:
        super().__init__(text, _tokens(text), bounds.depth)
        self.bounds = bounds
        self.angle = False

    def parse(self) -> Node:
        node = self._sum()
        if self.peek():
            raise self.error(f"unexpected {quoted(self.peek())}")
        return node

    def error(self, what: str) -> GroupError:
        return GroupError(
            f"{_quote(self.text)} is not an exact number: {what}; "
            "write integers, fractions, sqrt(2), cos(2*pi/5), and + - * / ** between them"
        )

    def _sum(self) -> Node:
        with self.nested():
            terms = [(1, self._product())]
            while sign := self.accept("+", "-"):
                terms.append((1 if sign == "+" else -1, self._product()))
        return terms[0][1] if len(terms) == 1 else Sum(tuple(terms))

    def _product(self) -> Node:
        factors = [(1, self._signed())]
        while operator := self.accept("*", "/"):
            factors.append((1 if operator == "*" else -1, self._signed()))
        return factors[0][1] if len(factors) == 1 else Product(tuple(factors))

    def _signed(self) -> Node:
        sign = self.accept("+", "-")
        if not sign:
            return self._power()
        with self.nested():
            node = self._signed()
        return node if sign == "+" else Sum(((-1, node),))

    def _power(self) -> Node:
        base = self._atom()
        if not self.accept("**"):
            return base
        sign = -1 if self.accept("-") else 1
        exponent = self._integer()
        if exponent > self.bounds.exponent:
            raise self.error(f"the exponent {quoted(exponent)} is above {self.bounds.exponent}")
        return Power(base, sign * exponent)

    def _integer(self) -> int:
        token = self.peek()
        if not token.isdigit():
            raise self.error(f"an integer is missing before {quoted(token)}" if token else "it ends too early")
        if len(token) > self.bounds.digits:
            raise self.error(f"an integer has more than {self.bounds.digits} digits")
        self.position += 1
        return int(token)

    def _atom(self) -> Node:
        if self.peek() == "(":
            return self._argument()
        if self.accept("sqrt"):
            return Root(self._argument())
        if kind := self.accept("cos", "sin"):
            outside, self.angle = self.angle, True
            angle = self._argument()
            self.angle = outside
            return Wave("cos" if kind == "cos" else "sin", angle)
        if self.accept("pi"):
            if not self.angle:
                raise self.error("pi is allowed only inside cos and sin")
            return Pi()
        return Number(self._integer())

    def _argument(self) -> Node:
        self.expect("(")
        node = self._sum()
        self.expect(")")
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
        tokens.append(match[match.lastindex or 0])
        position = match.end()
    if not tokens:
        raise GroupError("an empty text is not an exact number; write 0, 1/2, sqrt(3)/2, ...")
    return tokens


def _quote(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else text[:most] + "...")
