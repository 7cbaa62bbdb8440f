"""Exact real numbers as text: parsing without `eval`, printing, and the field that a set of numbers needs.

The grammar is in `number_syntax`, the fields in `fields`. Every number here is real and algebraic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from sympy import QQ, Add, Expr, I, Integer, Mul, Rational, cos, nan, oo, pi, sin, sqrt, totient, zoo
from sympy.polys.matrices import DomainMatrix
from sympy.polys.polyerrors import CoercionFailed

from sharefind.errors import GroupError, quoted
from sharefind.exact.fields import CosineField, cosine_field, element_bits, plain_cosine, root_conductor, split_root
from sharefind.exact.number_syntax import (
    NUMBER_BOUNDS,
    Node,
    Number,
    NumberBounds,
    Pi,
    Power,
    Product,
    Root,
    Sum,
    Wave,
    parse_tree,
)

Exact: TypeAlias = str | int | Fraction | Expr
"""Types that are accepted as an exact number."""


def parse_exact(text: str | int | Fraction, bounds: NumberBounds = NUMBER_BOUNDS) -> Expr:
    """Return the real algebraic number that a text denotes, as a sympy expression.

    Args:
        text: For example "1/2", "-sqrt(3)/2", "cos(2*pi/5)", 3 or Fraction(1, 2).
        bounds: Size limits.

    Raises:
        GroupError: The text does not follow the grammar, the number is not real or is divided by zero, or the text is
            too long, too deep or too large.

    Examples:
        >>> parse_exact("1/2 + sqrt(3)/2")
        1/2 + sqrt(3)/2
    """
    reader = _Reader(bounds)
    return reader.symbolic(reader.tree(text))


def format_exact(expr: Expr) -> str:
    """Return the text of an exact number; `parse_exact` reads it back as the same number.

    Args:
        expr: A number built from rationals, square roots and cosines.

    Raises:
        GroupError: The grammar cannot write the expression.
    """
    if isinstance(expr, Add):
        terms = [format_exact(term) for term in expr.as_ordered_terms()]
        return "+".join(terms).replace("+-", "-")
    if isinstance(expr, Rational) or expr.is_Mul or expr.is_Pow or isinstance(expr, (cos, sin)):
        return _format_product(expr)
    raise GroupError(f"{expr} is not an exact number that can be written; use rationals, square roots and cosines")


def parse_element(value: Exact, domain: Any, bounds: NumberBounds = NUMBER_BOUNDS) -> Any:
    """Return the element of a field that a text or a number denotes.

    Args:
        value: The text or number.
        domain: QQ or a cosine field.
        bounds: Size limits.

    Raises:
        GroupError: The value is not a number, or not in this field.
    """
    reader = _Reader(bounds)
    try:
        return reader.element(reader.tree(value), domain)
    except (CoercionFailed, NotImplementedError, ZeroDivisionError) as error:
        raise GroupError(f"{quoted(value)} is not an element of {domain}; take a larger field") from error


def format_element(element: Any, domain: Any) -> str:
    """Return the text of an element of QQ or of a real field; `parse_element` reads it back in the same field.

    Args:
        element: The element.
        domain: Its field.
    """
    return format_exact(domain.to_sympy(element))


def exact_domain(values: Iterable[Exact], bounds: NumberBounds = NUMBER_BOUNDS) -> Any:
    """Return the field that contains all these numbers: QQ, or Q(2 cos(2 pi / m)) for some m.

    Such a field contains every square root of a rational number, and the matrices of a finite group in a suitable
    basis. Nested roots are accepted if they are sums of cosines, for example sqrt((5+sqrt(5))/8).

    Args:
        values: Texts or numbers.
        bounds: Size limits.

    Raises:
        GroupError: A value is not a number, the field is too large, or no such field contains a nested root.
    """
    reader = _Reader(bounds)
    trees = [reader.tree(value) for value in dict.fromkeys(values)]
    conductor, nested = reader.conductor(trees)
    for field in _extensions(conductor) if nested else [cosine_field(conductor)]:
        reader.check_work(field, trees)
        if not nested or reader.holds(field, trees):
            return field
    raise GroupError("no cosine field that was tried contains a nested root; write it by cosines or change the basis")


def exact_matrix(rows: Sequence[Sequence[Exact]], domain: Any = None) -> DomainMatrix:
    """Return a sparse exact matrix, over the field that its entries need.

    Args:
        rows: Shape (n_rows, n_columns): nested lists of texts or numbers.
        domain: The field; None finds the smallest one.

    Raises:
        GroupError: There are no rows, their lengths differ, or an entry is not an exact number.
    """
    width = len(rows[0]) if rows else 0
    if not width or any(len(row) != width for row in rows):
        raise GroupError("a matrix needs at least one row, and rows of one length; check the nested lists")
    field = exact_domain(entry for row in rows for entry in row) if domain is None else domain
    values = {entry: parse_element(entry, field) for entry in {entry for row in rows for entry in row}}
    entries = {i: {j: values[entry] for j, entry in enumerate(row) if values[entry]} for i, row in enumerate(rows)}
    return DomainMatrix({i: row for i, row in entries.items() if row}, (len(rows), width), field)


class _Reader:
    """Evaluates syntax trees, in sympy or in a field, within size limits."""

    def __init__(self, bounds: NumberBounds) -> None:
        self.bounds = bounds

    def tree(self, value: Exact) -> Node:
        if isinstance(value, bool) or not isinstance(value, (str, int, Fraction, Expr)):
            raise GroupError(f"{quoted(value)} is not exact; write an integer or a text such as '1/2' or 'sqrt(3)/2'")
        if isinstance(value, str | Expr):
            return parse_tree(value if isinstance(value, str) else format_exact(value), self.bounds)
        fraction = Fraction(value)
        if _bits(fraction.numerator, fraction.denominator) > self.bounds.bits:
            raise GroupError(f"a number of more than {self.bounds.bits} bits is too large; use smaller entries")
        size: Node = Number(abs(fraction.numerator))
        if fraction.denominator > 1:
            size = Product(((1, size), (-1, Number(fraction.denominator))))
        return Sum(((-1, size),)) if fraction < 0 else size

    def symbolic(self, node: Node) -> Expr:
        match node:
            case Number(value):
                return Integer(value)
            case Pi():
                return pi
            case Root(argument):
                return self._root(self.symbolic(argument))
            case Wave(kind, angle):
                turns = self._half_turns(angle)
                return (cos if kind == "cos" else sin)(pi * Rational(turns.numerator, turns.denominator))
            case Sum(terms):
                return self._checked(Add(*(sign * self.symbolic(term) for sign, term in terms)))
            case Product(factors):
                return self._checked(Mul(*(self._power(factor, exponent) for exponent, factor in factors)))
            case Power(base, exponent):
                return self._checked(self._power(base, exponent))

    def _root(self, argument: Expr) -> Expr:
        if argument.is_Rational:
            if _bits(argument.p, argument.q) > self.bounds.radicand_bits:
                raise GroupError(
                    f"a number under a root has more than {self.bounds.radicand_bits} bits; use a smaller number"
                )
            if argument < 0:
                raise GroupError(f"sqrt of {quoted(argument)} is not real; only real numbers are allowed")
        elif self._sign(argument) <= 0:
            raise GroupError(
                f"the square root of {quoted(argument)} is not real, or cannot be distinguished from 0; simplify it"
            )
        return self._checked(sqrt(argument))

    def _power(self, node: Node, exponent: int) -> Expr:
        base = self.symbolic(node)
        if exponent < 0 and (base == 0 if base.is_Rational else not self._sign(base)):
            raise GroupError("a number is divided by zero, or by one that cannot be distinguished from 0; correct it")
        if base.is_Rational:
            self._check_power(_bits(base.p, base.q) * abs(exponent))
        return base**exponent

    def _check_power(self, bits: int) -> None:
        if bits > self.bounds.bits:
            raise GroupError(f"a power has more than {self.bounds.bits} bits; use smaller numbers")

    def _sign(self, expr: Expr) -> int:
        """Return the sign of an irrational number; 0 if it cannot be distinguished from zero."""
        value = expr.evalf(self.bounds.zero_digits)
        if not value.is_real or abs(value) < Rational(1, 10**self.bounds.zero_digits):
            return 0
        return 1 if value > 0 else -1

    def _checked(self, expr: Expr) -> Expr:
        if expr.has(I, zoo, oo, nan):
            raise GroupError("the number is not real and finite; only real numbers are allowed")
        if any(_bits(r.p, r.q) > self.bounds.bits for r in expr.atoms(Rational)):
            raise GroupError(f"a number has more than {self.bounds.bits} bits; use smaller ones")
        return expr

    def _half_turns(self, angle: Node) -> Fraction:
        """Return the rational q with angle = q pi."""
        turns = self.symbolic(angle) / pi
        if not isinstance(turns, Rational):
            raise GroupError("an angle is not a rational multiple of pi; write cos(2*pi/5), sin(pi/3)")
        most = self.bounds.turn_denominator
        if turns.q > most or abs(turns.p).bit_length() > self.bounds.bits:
            raise GroupError(f"an angle has a denominator above {most}; use simpler angles")
        return Fraction(turns.p % (2 * turns.q), turns.q)

    def turns(self, wave: Wave) -> Fraction:
        """Return the rational q with wave = cos(q pi)."""
        turns = self._half_turns(wave.angle)
        return turns if wave.kind == "cos" else Fraction(1, 2) - turns

    def element(self, node: Node, domain: Any) -> Any:
        """Return the value of a tree as an element of a field; raise CoercionFailed if it lies outside."""
        if not isinstance(domain, CosineField) and (domain != QQ or _is_irrational_text(node)):
            return domain.from_sympy(self.symbolic(node))
        match node:
            case Number(value):
                return domain.one * QQ(value)
            case Root(argument):
                return domain.square_root(self.element(argument, domain))
            case Wave():
                return domain.cosine(self.turns(node))
            case Sum(terms):
                return sum((self.element(term, domain) * sign for sign, term in terms), domain.zero)
            case Product(factors):
                return math.prod((self._element_power(f, e, domain) for e, f in factors), start=domain.one)
            case Power(base, exponent):
                return self._element_power(base, exponent, domain)
            case _:
                raise CoercionFailed("pi is not algebraic")

    def _element_power(self, node: Node, exponent: int, domain: Any) -> Any:
        value = self.element(node, domain)
        if exponent < 0 and not value:
            raise GroupError("a number is divided by zero; correct it")
        if abs(exponent) > 1:
            self._check_power(element_bits(value) * abs(exponent))
        return _reduced_power(value if exponent >= 0 else value**-1, abs(exponent), domain.one)

    def check_work(self, field: Any, trees: Iterable[Node]) -> None:
        """Refuse numbers that would take long to evaluate in a field."""
        degree, bounds = int(field.mod.degree()) if isinstance(field, CosineField) else 1, self.bounds
        inverse = bounds.inverse_work if degree <= bounds.inverse_degree else bounds.field_work
        if sum(_products(tree, inverse) for tree in trees) * degree**2 > bounds.field_work:
            raise GroupError(
                "too many products, powers and divisions of irrational numbers for a number field of degree "
                f"{degree}; write the numbers with fewer of them, or use simpler angles"
            )

    def conductor(self, trees: list[Node]) -> tuple[int, bool]:
        """Return m and whether roots are nested; Q(2 cos(2 pi / m)) contains every cosine and every root of a
        rational.
        """
        conductors, nested = [1], False
        for node in (part for tree in trees for part in _walk(tree)):
            if isinstance(node, Wave):
                turns = self.turns(node)
                if not plain_cosine(turns).is_Rational:
                    conductors.append((turns / 2).denominator)
            elif isinstance(node, Root):
                radicand = self.symbolic(node.argument)
                if radicand.is_Rational:
                    conductors.append(_radicand_conductor(radicand))
                nested = nested or not radicand.is_Rational
        return math.lcm(*conductors), nested

    def holds(self, domain: Any, trees: list[Node]) -> bool:
        try:
            for tree in trees:
                self.element(tree, domain)
        except CoercionFailed:
            return False
        return True


def _bits(numerator: int, denominator: int) -> int:
    return int(max(abs(numerator), denominator).bit_length())


def _reduced_power(value: Any, exponent: int, one: Any) -> Any:
    """Compute a power by squaring, reduced at every step; sympy would reduce a polynomial of degree x exponent at the
    end.
    """
    power = one
    while exponent:
        if exponent % 2:
            power = power * value
        exponent //= 2
        value = value * value if exponent else value
    return power


def _is_irrational_text(node: Node) -> bool:
    return any(isinstance(part, (Root, Wave)) for part in _walk(node))


def _products(node: Node, inverse: int) -> int:
    """Return the number of products of irrational numbers in a tree; an inverse counts as `inverse` products."""
    match node:
        case Sum(pairs):
            return sum(_products(child, inverse) for _, child in pairs)
        case Product(pairs):
            irrational = [exponent for exponent, child in pairs if _is_irrational_text(child)]
            own = max(0, len(irrational) - 1) + inverse * irrational.count(-1)
            return own + sum(_products(child, inverse) for _, child in pairs)
        case Power(base, exponent) if _is_irrational_text(base):
            own = 2 * abs(exponent).bit_length() + (inverse if exponent < 0 else 0)
            return own + _products(base, inverse)
        case Root(child):
            return _products(child, inverse)
        case _:
            return 0


def _walk(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Root(child) | Wave(_, child) | Power(child, _):
            yield from _walk(child)
        case Sum(pairs) | Product(pairs):
            for _, child in pairs:
                yield from _walk(child)


def _radicand_conductor(radicand: Rational) -> int:
    try:
        return root_conductor(split_root(Fraction(radicand.p, radicand.q))[1])
    except CoercionFailed as error:
        raise GroupError(f"sqrt({radicand}) cannot be used: {error}; use smaller integers under roots") from error


def _extensions(conductor: int) -> Iterator[Any]:
    """Yield the cosine fields in which nested roots are searched for: the field of the plain parts, then
    larger ones.
    """
    for multiple in (1, 2, 4, 8):
        larger = math.lcm(4, conductor) * multiple
        if int(totient(larger)) // 2 <= CosineField.nested_degree:
            yield cosine_field(larger)


def _format_product(expr: Expr) -> str:
    coefficient, rest = expr.as_coeff_Mul()
    factors = [] if rest == 1 else [f.as_base_exp() for f in Mul.make_args(rest)]
    above = [text for base, exponent in factors if exponent > 0 for text in _format_power(base, exponent)]
    below = [text for base, exponent in factors if exponent < 0 for text in _format_power(base, -exponent)]
    if abs(coefficient.p) != 1 or not above:
        above.insert(0, str(abs(coefficient.p)))
    if coefficient.q != 1:
        below.append(str(coefficient.q))
    return ("-" if coefficient < 0 else "") + "/".join(["*".join(above), *below])


def _format_power(base: Expr, exponent: Expr) -> list[str]:
    """Return factors whose product is base**exponent, for a positive rational exponent whose denominator is a power of
    two.
    """
    if not isinstance(exponent, Rational) or exponent.q & (exponent.q - 1):
        raise GroupError(f"{base}**{exponent} is not an exact number that can be written; use square roots only")
    roots = exponent.q.bit_length() - 1
    text = format_exact(base) if roots else _format_base(base)
    for _ in range(roots):
        text = f"sqrt({text})"
    full, left = divmod(int(exponent.p), NumberBounds.exponent)
    powers = [NumberBounds.exponent] * full + [left] * (left > 0)
    return [text if power == 1 else f"{text}**{power}" for power in powers]


def _format_base(base: Expr) -> str:
    if isinstance(base, (cos, sin)):
        turns = base.args[0] / pi
        if not isinstance(turns, Rational):
            raise GroupError(f"{base} is not algebraic; only rational multiples of pi are allowed as angles")
        angle = "pi" if abs(turns.p) == 1 else f"{abs(turns.p)}*pi"
        return f"{base.func.__name__}({'-' * bool(turns < 0)}{angle}{'' if turns.q == 1 else f'/{turns.q}'})"
    text = format_exact(base)
    return text if isinstance(base, Integer) and base >= 0 else f"({text})"
