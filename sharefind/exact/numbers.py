"""Exact real numbers as text: parsing without `eval`, printing, and the field that a set of them needs.

The grammar is in `number_syntax`, the fields in `fields`; every number here is real and algebraic.
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
from sharefind.exact.fields import (
    MAX_NESTED_DEGREE,
    CosineField,
    cosine_field,
    element_bits,
    plain_cosine,
    root_conductor,
    split_root,
)
from sharefind.exact.number_syntax import (
    MAX_EXPONENT,
    Node,
    Number,
    Pi,
    Power,
    Product,
    Root,
    Sum,
    Wave,
    parse_tree,
)

MAX_BITS = 3_000
"""Largest size of a numerator or denominator, in bits."""

MAX_RADICAND_BITS = 900
"""Largest size of a number under a square root, in bits."""

MAX_FIELD_WORK = 1_000_000
"""Most products of coefficients that a set of numbers may take in its field: about a second."""

INVERSE_WORK = 50
"""What an inverse in a number field costs, in products."""

MAX_INVERSE_DEGREE = 100
"""Largest degree of a field in which an irrational number is divided by: the cost grows as its fifth power."""

MAX_TURN_DENOMINATOR = 10_000
"""Largest denominator q of an angle p pi / q."""

ZERO_DIGITS = 50
"""An irrational divisor or radicand below 10^-ZERO_DIGITS is refused: it cannot be told from zero."""

Exact: TypeAlias = str | int | Fraction | Expr
"""What is accepted as an exact number."""


def parse_exact(text: str | int | Fraction) -> Expr:
    """The real algebraic number that a text denotes: "1/2", "-sqrt(3)/2", "cos(2*pi/5)", 3, Fraction(1, 2).

    Raises:
        GroupError: not in the grammar, not real, divided by zero, or too long, deep or large.
    """
    return _to_sympy(_tree(text))


def format_exact(expr: Expr) -> str:
    """The text of an exact number; `parse_exact` reads it back as the same number.

    Raises:
        GroupError: the expression is not one that the grammar can write.
    """
    if isinstance(expr, Add):
        terms = [format_exact(term) for term in expr.as_ordered_terms()]
        return "+".join(terms).replace("+-", "-")
    if isinstance(expr, Rational) or expr.is_Mul or expr.is_Pow or isinstance(expr, (cos, sin)):
        return _format_product(expr)
    raise GroupError(f"{expr} is not an exact number that can be written; use rationals, square roots and cosines")


def parse_element(value: Exact, domain: Any) -> Any:
    """The element of QQ or of a cosine field that a text or a number denotes.

    Raises:
        GroupError: not a number, or not in this field.
    """
    try:
        return _Evaluator(domain).value(_tree(value))
    except (CoercionFailed, NotImplementedError, ZeroDivisionError) as error:
        raise GroupError(f"{quoted(value)} is not an element of {domain}; take a larger field") from error


def format_element(element: Any, domain: Any) -> str:
    """The text of an element of QQ or of a real field; `parse_element` reads it back in the same field."""
    return format_exact(domain.to_sympy(element))


def exact_domain(values: Iterable[Exact]) -> Any:
    """The field that holds all these numbers: QQ, or the field of some 2 cos(2 pi / m).

    Every square root of a rational is in such a field, and so are the matrices of a finite group in a
    suitable basis. Nested roots are accepted when they are sums of cosines, sqrt((5+sqrt(5))/8) for example.

    Raises:
        GroupError: one of them is not a number, the field is too large, or a nested root is in no such field.
    """
    trees = [_tree(value) for value in dict.fromkeys(values)]
    conductor, nested = _conductor(trees)
    if not nested:
        field = cosine_field(conductor)
        _check_work(field, trees)
        return field
    for field in _extensions(conductor):
        _check_work(field, trees)
        if _holds(field, trees):
            return field
    raise GroupError("a nested root is in no cosine field that was tried; write it by cosines or change the basis")


def exact_matrix(rows: Sequence[Sequence[Exact]], domain: Any = None) -> DomainMatrix:
    """A sparse exact matrix from nested lists of numbers (n_rows, n_columns), over the field that they need.

    Raises:
        GroupError: no rows, ragged rows, or entries that are not exact numbers.
    """
    width = len(rows[0]) if rows else 0
    if not width or any(len(row) != width for row in rows):
        raise GroupError("a matrix needs at least one row, and rows of one length; check the nested lists")
    field = exact_domain(entry for row in rows for entry in row) if domain is None else domain
    values = {entry: parse_element(entry, field) for entry in {entry for row in rows for entry in row}}
    entries = {i: {j: values[entry] for j, entry in enumerate(row) if values[entry]} for i, row in enumerate(rows)}
    return DomainMatrix({i: row for i, row in entries.items() if row}, (len(rows), width), field)


def _tree(value: Exact) -> Node:
    if isinstance(value, bool) or not isinstance(value, (str, int, Fraction, Expr)):
        raise GroupError(f"{quoted(value)} is not exact; write an integer or a text such as '1/2' or 'sqrt(3)/2'")
    if isinstance(value, str):
        return parse_tree(value)
    if isinstance(value, Expr):
        return parse_tree(format_exact(value))
    fraction = Fraction(value)
    if max(abs(fraction.numerator), fraction.denominator).bit_length() > MAX_BITS:
        raise GroupError(f"a number of more than {MAX_BITS} bits is too large; use smaller entries")
    numerator: Node = Number(abs(fraction.numerator))
    size = numerator if fraction.denominator == 1 else Product(((1, numerator), (-1, Number(fraction.denominator))))
    return Sum(((-1, size),)) if fraction < 0 else size


def _to_sympy(node: Node) -> Expr:
    match node:
        case Number(value):
            return Integer(value)
        case Pi():
            return pi
        case Root(argument):
            return _sympy_root(_to_sympy(argument))
        case Wave(kind, angle):
            return (cos if kind == "cos" else sin)(pi * _rational(_turns(angle)))
        case Sum(terms):
            return _checked(Add(*(sign * _to_sympy(term) for sign, term in terms)))
        case Product(factors):
            return _checked(Mul(*(_sympy_power(_to_sympy(f), e) for e, f in factors)))
        case Power(base, exponent):
            return _checked(_sympy_power(_to_sympy(base), exponent))


def _sympy_root(argument: Expr) -> Expr:
    if argument.is_Rational:
        if max(abs(argument.p), argument.q).bit_length() > MAX_RADICAND_BITS:
            raise GroupError(f"a square root is of more than {MAX_RADICAND_BITS} bits; use a smaller number")
        if argument < 0:
            raise GroupError(f"sqrt of {quoted(argument)} is not real; only real numbers are allowed")
    elif _approximate(argument) <= 0:
        raise GroupError(f"the square root of {quoted(argument)} is not real, or not told from zero; simplify it")
    return _checked(sqrt(argument))


def _sympy_power(base: Expr, exponent: int) -> Expr:
    if exponent < 0 and (base == 0 if base.is_Rational else not _approximate(base)):
        raise GroupError("a number is divided by zero, or by one that cannot be told from zero; correct it")
    if base.is_Rational and max(abs(base.p), base.q).bit_length() * abs(exponent) > MAX_BITS:
        raise GroupError(f"a power has more than {MAX_BITS} bits; use smaller numbers")
    return base**exponent


def _approximate(expr: Expr) -> float:
    """-1, 0 or 1: the sign of an irrational number, 0 when it cannot be told from zero."""
    value = expr.evalf(ZERO_DIGITS)
    if not value.is_real or abs(value) < Rational(1, 10**ZERO_DIGITS):
        return 0
    return 1 if value > 0 else -1


def _checked(expr: Expr) -> Expr:
    if expr.has(I, zoo, oo, nan):
        raise GroupError("the number is not real and finite; only real numbers are allowed")
    if any(max(abs(r.p), r.q).bit_length() > MAX_BITS for r in expr.atoms(Rational)):
        raise GroupError(f"a number has more than {MAX_BITS} bits; use smaller ones")
    return expr


def _turns(angle: Node) -> Fraction:
    """The rational q with angle = q pi."""
    turns = _to_sympy(angle) / pi
    if not isinstance(turns, Rational):
        raise GroupError("an angle is not a rational multiple of pi; write cos(2*pi/5), sin(pi/3)")
    if turns.q > MAX_TURN_DENOMINATOR or abs(turns.p).bit_length() > MAX_BITS:
        raise GroupError(f"an angle has a denominator above {MAX_TURN_DENOMINATOR}; use simpler angles")
    return Fraction(turns.p % (2 * turns.q), turns.q)


def _rational(value: Fraction) -> Rational:
    return Rational(value.numerator, value.denominator)


class _Evaluator:
    """The value of a tree as an element of a field; raises CoercionFailed outside it."""

    def __init__(self, domain: Any) -> None:
        self.domain = domain

    def value(self, node: Node) -> Any:
        if not isinstance(self.domain, CosineField) and (self.domain != QQ or _is_irrational_text(node)):
            return self.domain.from_sympy(_to_sympy(node))
        match node:
            case Number(value):
                return self.domain.one * QQ(value)
            case Root(argument):
                return self.domain.square_root(self.value(argument))
            case Wave(kind, angle):
                turns = _turns(angle)
                return self.domain.cosine(turns if kind == "cos" else Fraction(1, 2) - turns)
            case Sum(terms):
                return sum((self.value(term) * sign for sign, term in terms), self.domain.zero)
            case Product(factors):
                return math.prod((self._power(f, e) for e, f in factors), start=self.domain.one)
            case Power(base, exponent):
                return self._power(base, exponent)
            case _:
                raise CoercionFailed("pi is not algebraic")

    def _power(self, node: Node, exponent: int) -> Any:
        value = self.value(node)
        if exponent < 0 and not value:
            raise GroupError("a number is divided by zero; correct it")
        if abs(exponent) > 1 and element_bits(value) * abs(exponent) > MAX_BITS:
            raise GroupError(f"a power has more than {MAX_BITS} bits; use smaller numbers")
        return _reduced_power(value if exponent >= 0 else value**-1, abs(exponent), self.domain.one)


def _reduced_power(value: Any, exponent: int, one: Any) -> Any:
    """The power by squaring, reduced at every step: sympy reduces a polynomial of degree x exponent at the end."""
    power = one
    while exponent:
        if exponent % 2:
            power = power * value
        exponent //= 2
        value = value * value if exponent else value
    return power


def _is_irrational_text(node: Node) -> bool:
    return any(isinstance(part, (Root, Wave)) for part in _walk(node))


def _check_work(field: Any, trees: Iterable[Node]) -> None:
    """Refuse numbers that would take long to evaluate in a field."""
    degree = int(field.mod.degree()) if isinstance(field, CosineField) else 1
    inverse = INVERSE_WORK if degree <= MAX_INVERSE_DEGREE else MAX_FIELD_WORK
    if sum(_products(tree, inverse) for tree in trees) * degree**2 > MAX_FIELD_WORK:
        raise GroupError(
            f"too many products, powers and divisions of irrational numbers for a number field of degree {degree}; "
            "write the numbers with fewer of them, or use simpler angles"
        )


def _products(node: Node, inverse: int) -> int:
    """How many products of irrational numbers a tree asks for, an inverse counted as `inverse` of them."""
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
        case _:
            return


def _conductor(trees: list[Node]) -> tuple[int, bool]:
    """(m, whether roots are nested): Q(2 cos(2 pi / m)) holds every cosine and every root of a rational."""
    conductors, nested = [1], False
    for node in (part for tree in trees for part in _walk(tree)):
        if isinstance(node, Wave):
            turns = _turns(node.angle)
            turns = turns if node.kind == "cos" else Fraction(1, 2) - turns
            if not plain_cosine(turns).is_Rational:
                conductors.append((turns / 2).denominator)
        elif isinstance(node, Root):
            radicand = _to_sympy(node.argument)
            if radicand.is_Rational:
                conductors.append(_radicand_conductor(radicand))
            nested = nested or not radicand.is_Rational
    return math.lcm(*conductors), nested


def _radicand_conductor(radicand: Rational) -> int:
    try:
        return root_conductor(split_root(Fraction(radicand.p, radicand.q))[1])
    except CoercionFailed as error:
        raise GroupError(f"sqrt({radicand}) cannot be used: {error}; use smaller integers under roots") from error


def _extensions(conductor: int) -> Iterator[Any]:
    """Cosine fields in which nested roots are looked for: that of the plain parts, then larger ones."""
    for multiple in (1, 2, 4, 8):
        larger = math.lcm(4, conductor) * multiple
        if int(totient(larger)) // 2 <= MAX_NESTED_DEGREE:
            yield cosine_field(larger)


def _holds(domain: Any, trees: list[Node]) -> bool:
    try:
        for tree in trees:
            _Evaluator(domain).value(tree)
    except CoercionFailed:
        return False
    return True


def _format_product(expr: Expr) -> str:
    coefficient, rest = expr.as_coeff_Mul()
    factors = [] if rest == 1 else [f.as_base_exp() for f in Mul.make_args(rest)]
    above = [text for base, exponent in factors if exponent > 0 for text in _format_power(base, exponent)]
    below = [text for base, exponent in factors if exponent < 0 for text in _format_power(base, -exponent)]
    if abs(coefficient.p) != 1 or not above:
        above.insert(0, str(abs(coefficient.p)))
    if coefficient.q != 1:
        below.append(str(coefficient.q))
    return ("-" if coefficient < 0 else "") + "".join(
        [above[0], *("*" + t for t in above[1:]), *("/" + t for t in below)]
    )


def _format_power(base: Expr, exponent: Expr) -> list[str]:
    """Factors whose product is base**exponent, for a positive rational exponent with a power of two below."""
    if not isinstance(exponent, Rational) or exponent.q & (exponent.q - 1):
        raise GroupError(f"{base}**{exponent} is not an exact number that can be written; use square roots only")
    roots = exponent.q.bit_length() - 1
    text = format_exact(base) if roots else _format_base(base)
    for _ in range(roots):
        text = f"sqrt({text})"
    full, left = divmod(int(exponent.p), MAX_EXPONENT)
    powers = [MAX_EXPONENT] * full + [left] * (left > 0)
    return [text if power == 1 else f"{text}**{power}" for power in powers]


def _format_base(base: Expr) -> str:
    if isinstance(base, (cos, sin)):
        turns = base.args[0] / pi
        if not isinstance(turns, Rational):
            raise GroupError(f"{base} is not algebraic; only rational multiples of pi are allowed as angles")
        angle = "pi" if abs(turns.p) == 1 else f"{abs(turns.p)}*pi"
        sign = "-" if turns < 0 else ""
        return f"{base.func.__name__}({sign}{angle}{'' if turns.q == 1 else f'/{turns.q}'})"
    text = format_exact(base)
    return text if isinstance(base, Integer) and base >= 0 else f"({text})"
