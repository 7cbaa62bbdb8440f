"""Representation expressions as text: "2*natural+trivial", "natural*natural", "grid:5", "dual(natural)".

The operations themselves are in `representation`, the names in `constructors`.

    sum     = product {"+" product}
    product = factor {"*" factor}
    factor  = integer | name [":" integer] | "dual" "(" sum ")" | "(" sum ")"

An integer factor is a multiplicity; the product of two representations is their tensor product.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from sharefind.errors import GroupError, RepresentationError
from sharefind.groups import constructors
from sharefind.groups.group import FiniteGroup, Group
from sharefind.groups.representation import Representation
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it

MAX_LENGTH = 500
"""Longest expression, in characters."""

MAX_DEPTH = 30
"""Deepest nesting of parentheses."""

_TOKEN = re.compile(r"\s*([0-9]{1,9}|[a-z]+|[-+*():]|\S)")
_KNOWN = "natural, trivial, trivial:3, regular, sign, grid:5, patch:5, dual(...)"


def parse_representation(text: str, group: Group, limits: Limits = DEFAULT_LIMITS) -> Representation:
    """The representation of a group that an expression denotes.

    Args:
        text: such as "natural", "2*natural+trivial", "natural*natural", "trivial:3", "grid:5", "patch:5" (a
            grid without its centre), "dual(natural)", with parentheses.
        group: the group that acts.
        limits: `group_order` bounds the regular representation, which lists every element, `dim` every part.

    Raises:
        RepresentationError: not an expression (the position is named), or one that does not fit the group.
    """
    if len(text) > MAX_LENGTH:
        raise RepresentationError(f"an expression of {len(text)} characters is too long; use at most {MAX_LENGTH}")
    return _Parser(text, group, limits).parse()


def _regular(group: Group, limits: Limits) -> Representation:
    if isinstance(group, FiniteGroup) and group.order > limits.group_order:
        raise RepresentationError(
            f"regular of {group.name} has a coordinate for each of more than {limits.group_order} elements; "
            f"use natural or a smaller group ({raise_it('group_order', group.order)})"
        )
    return constructors.regular(group)


class _Parser:
    """Recursive descent; an integer stands for a multiplicity until it meets a representation."""

    def __init__(self, text: str, group: Group, limits: Limits) -> None:
        self.text = text
        self.group = group
        self.limits = limits
        self.tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self.index = 0
        self.depth = 0

    def parse(self) -> Representation:
        rep = self._sum()
        if self._peek():
            raise self._error(f"unexpected {self._peek()!r}")
        return rep

    def _peek(self) -> str:
        return self.tokens[self.index][0] if self.index < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self.index += 1
        return token

    def _expect(self, token: str) -> None:
        if self._peek() != token:
            raise self._error(f"{token!r} is missing")
        self.index += 1

    def _error(self, what: str) -> RepresentationError:
        position = self.tokens[self.index][1] if self.index < len(self.tokens) else len(self.text)
        return RepresentationError(
            f"{self.text!r} is not a representation: {what} at position {position}; build it from {_KNOWN}, + and *"
        )

    def _sum(self) -> Representation:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")
        total = self._product()
        while self._peek() == "+":
            self.index += 1
            term = self._product()
            self._check_dim(total.dim + term.dim)
            total = total + term
        self.depth -= 1
        return total

    def _product(self) -> Representation:
        count, rep = 1, None
        while True:
            factor = self._factor()
            if isinstance(factor, int):
                count *= factor
            else:
                self._check_dim(factor.dim if rep is None else rep.dim * factor.dim)
                rep = factor if rep is None else rep * factor
            if self._peek() != "*":
                break
            self.index += 1
        if rep is None:
            raise self._error(f"the number {count} stands alone (write trivial:{count}?)")
        self._check_dim(count * rep.dim)
        return count * rep

    def _check_dim(self, dim: int) -> None:
        """Refuse a dimension before anything of that size is made; Z is no smaller than what its group acts on."""
        if dim > self.limits.dim:
            raise RepresentationError(
                f"{self.text!r} has a part of dimension {dim}, above the limit of {self.limits.dim} on dim Z; "
                f"{raise_it('dim', dim)}"
            )

    def _factor(self) -> Representation | int:
        token = self._peek()
        if token.isdigit() and token.isascii():
            self.index += 1
            if int(token) < 1:
                self.index -= 1
                raise self._error("a multiplicity must be at least 1")
            return int(token)
        if token == "(":
            self.index += 1
            rep = self._sum()
            self._expect(")")
            return rep
        if token == "dual":
            self.index += 1
            self._expect("(")
            rep = self._sum().dual
            self._expect(")")
            return rep
        return self._named(token)

    def _named(self, token: str) -> Representation:
        plain: dict[str, Callable[[Group], Representation]] = {
            "natural": constructors.natural,
            "regular": partial(_regular, limits=self.limits),
            "sign": constructors.sign,
        }
        if token in plain:
            self.index += 1
            return plain[token](self.group)
        if token not in ("trivial", "grid", "patch"):
            raise self._error(f"unexpected {token!r}" if token else "something is missing")
        self.index += 1
        size = self._size(required=token != "trivial")
        self._check_dim(size if token == "trivial" else size**2 - (token == "patch"))
        if token == "trivial":
            return constructors.trivial(self.group, size)
        try:
            return constructors.grid(self.group, size, centre=token == "grid")
        except GroupError as error:
            raise RepresentationError(str(error)) from error

    def _size(self, required: bool) -> int:
        if self._peek() != ":":
            if required:
                raise self._error("':' and the number of pixels a side are missing")
            return 1
        self.index += 1
        if not (self._peek().isdigit() and self._peek().isascii()):
            raise self._error("a positive integer is missing")
        return int(self._take())
