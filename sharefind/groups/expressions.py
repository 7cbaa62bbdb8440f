"""Representation expressions as text: `2*natural+trivial`, `natural*natural`, `grid:5`, `coset(C2)`, `C4.natural`.

The operations themselves are in `representation`, the names in `constructors`, expressions by axis in
`axis_expressions`.

    sum     = product {"+" product}
    product = factor {"*" factor}
    factor  = integer | [of "."] ( name [":" integer] | coset | "dual" "(" sum ")" | "(" sum ")" )
    of      = name of a group | integer

A coset is written as in `coset_names`. An integer factor is a multiplicity; the product of two representations is their
tensor product. In a product of groups, `C4.natural` is the representation of the factor C4, on which the others act
trivially; `2.natural` is that of the second factor, where two have the same name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sharefind.errors import GroupError, RepresentationError
from sharefind.exact.token_parser import TokenParser
from sharefind.groups.constructors import grid, natural, regular, sign, trivial
from sharefind.groups.factors import factor_places, factor_start, factors_of, is_product, of_factor, qualifiers
from sharefind.groups.group import FiniteGroup, Group
from sharefind.groups.hidden_types import HiddenTypes
from sharefind.groups.representation import Representation
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it

_TOKEN = re.compile(
    r"\s*(coset\s*\((?:[^()]|\([^()]*\))*\)|[A-Za-z]{0,2}[0-9]{1,9}(?=\.)|[0-9]{1,9}|[a-z]+|[-+*():.]|\S)"
)
_KNOWN = "natural, trivial, trivial:3, regular, sign, grid:5, patch:5, coset(C2), coset(C2, sign), dual(...)"


def parse_representation(
    text: str, group: Group, limits: Limits = DEFAULT_LIMITS, longest: int = 500, deepest: int = 30
) -> Representation:
    """Return the representation of a group that an expression denotes.

    Args:
        text: For example `natural`, `2*natural+trivial`, `natural*natural`, `trivial:3`, `grid:5`, `patch:5` (a grid
            without its centre), `coset(C2)` (a hidden type), `dual(natural)`, `C4.natural` (of a factor), with
            parentheses.
        group: The group that acts.
        limits: `group_order` bounds the regular representation, which lists every element; `dim` bounds every part.
        longest: Largest length of an expression, in characters.
        deepest: Largest depth of nested parentheses.

    Raises:
        RepresentationError: The text is not an expression (the message has the position), or does not fit the group.

    Examples:
        >>> parse_representation("2*natural+trivial", named_group("S3")).dim
        7
    """
    if len(text) > longest:
        raise RepresentationError(f"an expression of {len(text)} characters is too long; use at most {longest}")
    return _Parser(text, group, limits, deepest).parse()


class _Parser(TokenParser):
    """Parser of expressions; an integer is a multiplicity until it meets a representation."""

    def __init__(self, text: str, group: Group, limits: Limits, deepest: int) -> None:
        found = list(_TOKEN.finditer(text))
        super().__init__(text, [match[1] for match in found], deepest)
        self.starts = [*(match.start(1) for match in found), len(text)]
        self.group = self.whole = group
        self.limits = limits

    def parse(self) -> Representation:
        rep = self._sum()
        if self.peek():
            raise self.error(f"unexpected {self.peek()!r}")
        return rep

    def error(self, what: str) -> RepresentationError:
        where = self.starts[self.position]
        return RepresentationError(
            f"{self.text!r} is not a representation: {what} at position {where}; build it from {self._known}, + and *"
        )

    @property
    def _known(self) -> str:
        own = [f"{word}.natural" for word in dict.fromkeys(qualifiers(self.whole))] if self._is_product else []
        return ", ".join([_KNOWN, *own])

    @property
    def _is_product(self) -> bool:
        return is_product(self.whole)

    def _sum(self) -> Representation:
        with self.nested():
            total = self._product()
            while self.accept("+"):
                term = self._product()
                self._check_dim(total.dim + term.dim)
                total = total + term
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
            if not self.accept("*"):
                break
        if rep is None:
            raise self.error(f"the number {count} stands alone (write trivial:{count}?)")
        self._check_dim(count * rep.dim)
        return count * rep

    def _check_dim(self, dim: int) -> None:
        """Refuse a dimension before anything of that size is built; Z is at least as large as the space of its
        representations.
        """
        if dim > self.limits.dim:
            raise RepresentationError(
                f"{self.text!r} has a part of dimension {dim}, above the limit of {self.limits.dim} on dim Z; "
                f"{raise_it('dim', dim)}"
            )

    def _factor(self) -> Representation | int:
        if self._next_is(".", ahead=1):
            return self._of_factor()
        if (number := self._number()) is not None:
            return number
        is_dual = self.accept("dual")
        if not is_dual and self.peek() != "(":
            return self._named()
        self.expect("(")
        rep = self._sum()
        rep = rep.dual if is_dual else rep
        self.expect(")")
        return rep

    def _next_is(self, token: str, ahead: int) -> bool:
        return self.tokens[self.position + ahead : self.position + ahead + 1] == [token]

    def _of_factor(self) -> Representation:
        """Return the representation after a factor's name and a dot, as one of the product."""
        product, place = self.group, self._place()
        self.position += 2
        first = self.position
        if self._next_is(".", ahead=1):
            raise self.error("a representation such as natural is missing")
        self.group = factors_of(product)[place]
        inner = self._factor()
        self.group = product
        if isinstance(inner, int):
            self.position = first
            raise self.error("a representation such as natural is missing")
        name = f"({inner.name})" if re.search(r"[+*]", inner.name) else inner.name
        return of_factor(product, inner, factor_start(product, place), f"{qualifiers(product)[place]}.{name}")

    def _place(self) -> int:
        """Return the factor that the next token names."""
        word, group = self.peek(), self.group
        if not is_product(group):
            raise self.error(f"{word}. names a factor, and {group.name} is not a product (write natural?)")
        places = factor_places(word, group)
        if len(places) == 1:
            return places[0]
        ways = " or ".join(f"{way}.natural" for way in qualifiers(group))
        if places:
            ways = " or ".join(f"{place + 1}.natural" for place in places)
            raise self.error(f"{group.name} has {len(places)} factors {word} (write {ways})")
        raise self.error(f"{group.name} has no factor {word} (write {ways})")

    def _number(self, least: int = 1) -> int | None:
        """Take and return the integer that comes next; None if there is none."""
        token = self.peek()
        if not (token.isdigit() and token.isascii()):
            return None
        if int(token) < least:
            raise self.error("a multiplicity must be at least 1")
        self.position += 1
        return int(token)

    def _named(self) -> Representation:
        plain: dict[str, Callable[[Group], Representation]] = {
            "natural": natural,
            "regular": self._regular,
            "sign": sign,
        }
        if name := self.accept(*plain):
            return plain[name](self.group)
        if self.peek().startswith("coset"):
            return self._coset()
        name, token = self.accept("trivial", "grid", "patch"), self.peek()
        if not name:
            raise self.error(f"unexpected {token!r}" if token else "something is missing")
        size = self._size(required=name != "trivial")
        self._check_dim(size if name == "trivial" else size**2 - (name == "patch"))
        if name == "trivial":
            return trivial(self.group, size)
        try:
            return grid(self.group, size, centre=name == "grid")
        except GroupError as error:
            raise RepresentationError(str(error)) from error

    def _coset(self) -> Representation:
        """Return a hidden type, such as coset(C2, sign)."""
        text = self.peek()
        if text == "coset":
            raise self.error("a subgroup in parentheses is missing, as in coset(C2),")
        try:
            rep = HiddenTypes.of(self.group, limits=self.limits).named(text).representation
        except GroupError as error:
            raise RepresentationError(str(error)) from error
        self.position += 1
        return rep

    def _regular(self, group: Group) -> Representation:
        most = self.limits.group_order
        if isinstance(group, FiniteGroup) and group.order > most:
            raise RepresentationError(
                f"regular of {group.name} has a coordinate for each of more than {most} elements; "
                f"use natural or a smaller group ({raise_it('group_order', group.order)})"
            )
        return regular(group)

    def _size(self, required: bool) -> int:
        if not self.accept(":"):
            if required:
                raise self.error("':' and the number of pixels a side are missing")
            return 1
        size = self._number(least=0)
        if size is None:
            raise self.error("a positive integer is missing")
        return size
