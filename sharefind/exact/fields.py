"""Real number fields for exact matrix entries: the rationals and the cosine fields Q(2 cos(2 pi / m)).

`numbers` decides which text denotes which number; `matrices` has matrices over these fields.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, ClassVar

import mpmath
from sympy import QQ, Dummy, Expr, Integer, Poly, Pow, Rational, cos, cyclotomic_poly, factorint, pi, sin, totient
from sympy.polys.domains import AlgebraicField
from sympy.polys.polyerrors import CoercionFailed

from sharefind.errors import GroupError


class CosineField(AlgebraicField):  # type: ignore[misc]
    """Q(t) with t = 2 cos(2 pi / m): the real subfield of the m-th cyclotomic field, of degree phi(m) / 2.

    Elements are converted to and from sympy as rational combinations of cosines (Washington 1997, Prop. 2.16).

    Args:
        conductor: m.

    Attributes:
        conductor: m.
        alias: Name by which sympy finds conversions from this domain.
    """

    # Sympy looks up conversions by this name: from_AlgebraicField in every other domain.
    alias = "AlgebraicField"

    nested_degree: ClassVar[int] = 16
    """Largest degree of a field in which the root of an irrational number is searched for by factoring x^2 - a."""

    def __init__(self, conductor: int) -> None:
        self.conductor = conductor
        root = 2 * cos(2 * pi / conductor, evaluate=False)
        super().__init__(QQ, (cosine_minimal_polynomial(conductor), root))
        self._chebyshev = [self.one * 2, self.unit]

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        # Pickled as its conductor: sympy would evaluate the generator on the way back.
        return CosineField, (self.conductor,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CosineField) and self.conductor == other.conductor

    def __hash__(self) -> int:
        return hash((CosineField, self.conductor))

    def unify(self, other: Any, symbols: Any = None) -> Any:
        """Return the smallest cosine field that contains this field and another one; for other domains, sympy's answer.

        Args:
            other: A domain.
            symbols: Symbols that the result must not contain; sympy's own argument.
        """
        if isinstance(other, CosineField):
            return cosine_field(math.lcm(self.conductor, other.conductor))
        return super().unify(other, symbols=symbols)

    def cosine(self, turns: Fraction) -> Any:
        """Return cos(pi turns) as an element.

        Args:
            turns: The angle in units of pi.

        Raises:
            CoercionFailed: The number is not in this field.
        """
        if turns.denominator <= 3:
            return self.one * QQ.from_sympy(cos(pi * Rational(turns.numerator, turns.denominator)))
        for shift, sign in ((0, 1), (1, -1)):
            step = (turns + shift) * self.conductor / 2
            if step.denominator == 1:
                return self._double_cosine(int(step)) * QQ(sign, 2)
        raise CoercionFailed(f"cos({turns}*pi) is not in {self}")

    def _double_cosine(self, step: int) -> Any:
        step, values = min(step % self.conductor, -step % self.conductor), self._chebyshev
        while len(values) <= step:
            values.append(self.unit * values[-1] - values[-2])
        return values[step]

    def sine(self, turns: Fraction) -> Any:
        """Return sin(pi turns) as an element.

        Args:
            turns: The angle in units of pi.
        """
        return self.cosine(Fraction(1, 2) - turns)

    def square_root(self, value: Any) -> Any:
        """Return the nonnegative square root of an element, as an element.

        Args:
            value: A nonnegative element.

        Raises:
            CoercionFailed: The root is not in this field.
        """
        if len(value.to_list()) <= 1:
            rational = value.to_list()[0] if value.to_list() else QQ(0)
            try:
                return self._rational_root(Fraction(int(rational.numerator), int(rational.denominator)))
            except CoercionFailed:
                pass
        return self._root_by_factoring(value)

    def _rational_root(self, value: Fraction) -> Any:
        outside, radicand = split_root(value)
        root = self.one * QQ(outside.numerator, outside.denominator)
        for prime in factorint(radicand):
            root = root * self._prime_root(int(prime))
        return root

    def _prime_root(self, prime: int) -> Any:
        """sqrt(p) by the quadratic Gauss sum (Ireland and Rosen 1990, Thm 6.4.1)."""
        if prime == 2:
            return self.cosine(Fraction(1, 4)) * 2
        wave = self.cosine if prime % 4 == 1 else self.sine
        total = self.zero
        for k in range(1, prime):
            legendre = 1 if pow(k, (prime - 1) // 2, prime) == 1 else -1
            total = total + wave(Fraction(2 * k, prime)) * legendre
        return total

    def _root_by_factoring(self, value: Any) -> Any:
        if self.mod.degree() > self.nested_degree:
            raise CoercionFailed(f"square roots are not searched for in {self}, of degree {self.mod.degree()}")
        x = Dummy("x")
        _, factors = Poly.from_list([self.one, self.zero, -value], x, domain=self).factor_list()
        if factors[0][0].degree() != 1:
            raise CoercionFailed(f"the root is not in {self}")
        root = -factors[0][0].monic().rep.to_list()[1]
        return -root if element_to_float(root, self) < 0 else root

    def to_sympy(self, a: Any) -> Expr:
        """Return an element as a rational combination of cosines; cosines with plain square roots are written with
        those.

        Args:
            a: An element.
        """
        total: Expr = Integer(0)
        for step, weight in self.cosine_coordinates(a).items():
            factor = 2 if step else 1
            total += QQ.to_sympy(weight * factor) * plain_cosine(Fraction(2 * step, self.conductor))
        return total

    def cosine_coordinates(self, a: Any) -> dict[int, Any]:
        """Return rational weights w_k with a = w_0 + sum_k w_k 2 cos(2 pi k / m), as {k: nonzero w_k}.

        Args:
            a: An element.
        """
        weights: dict[int, Any] = {}
        for power, coefficient in enumerate(reversed(a.to_list())):
            for j in range(power // 2 + 1):
                step = power - 2 * j
                weights[step] = weights.get(step, QQ(0)) + coefficient * math.comb(power, j)
        return {step: weight for step, weight in sorted(weights.items()) if weight}

    def from_sympy(self, a: Expr) -> Any:
        """Return the element that equals a sympy number built from sums, products, powers, roots and cosines.

        Args:
            a: The number.

        Raises:
            CoercionFailed: The number is not in this field.
        """
        if isinstance(a, Rational):
            return self.one * QQ(a.p, a.q)
        if a.is_Add:
            return sum((self.from_sympy(term) for term in a.args), self.zero)
        if a.is_Mul:
            return math.prod((self.from_sympy(factor) for factor in a.args), start=self.one)
        if isinstance(a, Pow):
            return self._power(a.base, a.exp)
        if isinstance(a, (cos, sin)):
            turns = a.args[0] / pi
            if isinstance(turns, Rational):
                wave = self.cosine if isinstance(a, cos) else self.sine
                return wave(Fraction(turns.p, turns.q))
        raise CoercionFailed(f"{a} is not an element of {self}")

    def from_AlgebraicField(self, a: Any, source: Any) -> Any:
        """Convert an element of another algebraic field; sympy calls this hook by its name.

        Args:
            a: An element of `source`.
            source: The other field. Elements of a cosine field are converted by their cosines.

        Returns:
            The element of this field.
        """
        if not isinstance(source, CosineField):
            return super().from_AlgebraicField(a, source)
        total = self.zero
        for step, weight in source.cosine_coordinates(a).items():
            factor = 2 if step else 1
            total = total + self.cosine(Fraction(2 * step, source.conductor)) * weight * factor
        return total

    def _power(self, base: Expr, exponent: Expr) -> Any:
        value = self.from_sympy(base)
        if not isinstance(exponent, Rational):
            raise CoercionFailed(f"{base}**{exponent} is not an element of {self}")
        denominator = exponent.q
        while denominator > 1:
            if denominator % 2:
                raise CoercionFailed(f"{base}**{exponent} is not an element of {self}")
            value, denominator = self.square_root(value), denominator // 2
        return value**exponent.p


def cosine_field(conductor: int, largest_degree: int = 200) -> Any:
    """Return Q(2 cos(2 pi / m)): a `CosineField`, or QQ if that number is rational (m = 1, 2, 3, 4, 6).

    Args:
        conductor: m.
        largest_degree: Largest degree of the field over Q. The cost of arithmetic grows as its square.

    Raises:
        GroupError: The degree phi(m) / 2 exceeds `largest_degree`.
    """
    if conductor % 4 == 2:
        conductor //= 2
    degree = int(totient(conductor)) // 2
    if degree > largest_degree:
        raise GroupError(
            f"cos(2*pi/{conductor}) needs a number field of degree {degree}, above the limit of "
            f"{largest_degree}; use simpler angles"
        )
    return CosineField(conductor) if degree > 1 else QQ


def cosine_minimal_polynomial(conductor: int) -> Poly:
    """Return the minimal polynomial Psi of 2 cos(2 pi / m) over Q.

    It follows from the cyclotomic polynomial Phi_m, of degree 2 d: Phi_m(z) = z^d Psi(z + 1/z).

    Args:
        conductor: m.
    """
    z, x = Dummy("z"), Poly("x")
    coefficients = Poly(cyclotomic_poly(conductor, z), z).all_coeffs()
    degree = (len(coefficients) - 1) // 2
    # z^k + z^-k = D_k(z + 1/z), the Dickson polynomials: D_{k+1} = x D_k - D_{k-1}.
    previous, current, total = 0 * x + 2, x, 0 * x + coefficients[degree]
    for k in range(1, degree + 1):
        total += current * coefficients[degree - k]
        previous, current = current, current * x - previous
    return total


def plain_cosine(turns: Fraction) -> Expr:
    """Return cos(pi turns), with square roots of rationals if sympy can write it so, else as an unevaluated cosine.

    Nested roots are avoided: they are hard to read and slow to convert back into a field.

    Args:
        turns: The angle in units of pi.
    """
    turns = abs(turns) % 2
    turns = min(turns, 2 - turns)
    angle = pi * Rational(turns.numerator, turns.denominator)
    value = cos(angle)
    if value.has(cos, sin) or any(not p.base.is_Rational for p in value.atoms(Pow)):
        return cos(angle, evaluate=False)
    return value


def split_root(value: Fraction, largest: int = 10**12) -> tuple[Fraction, int]:
    """Split a square root: sqrt(value) = outside sqrt(s) with s squarefree.

    Args:
        value: The number under the root, at least 0.
        largest: Largest product of numerator and denominator that is factored.

    Returns:
        The pair (outside, s).

    Raises:
        CoercionFailed: The number is negative or too large to factor.
    """
    product = value.numerator * value.denominator
    if not 0 <= product <= largest:
        raise CoercionFailed(f"the radicand {value} is negative or above {largest}")
    if product == 0:
        return Fraction(0), 1
    powers = factorint(product).items()
    outside = math.prod(int(prime) ** (power // 2) for prime, power in powers)
    return Fraction(outside, value.denominator), math.prod(int(prime) for prime, power in powers if power % 2)


def root_conductor(radicand: int) -> int:
    """Return m such that sqrt(radicand) lies in Q(2 cos(2 pi / m)).

    Args:
        radicand: A positive squarefree integer.
    """
    return math.lcm(*(8 if p == 2 else p if p % 4 == 1 else 4 * p for p in map(int, factorint(radicand))))


def common_domain(domains: Iterable[Any]) -> Any:
    """Return one field that contains all given ones: QQ, or the cosine field of the least common conductor.

    Args:
        domains: Fields: QQ, ZZ or cosine fields.

    Raises:
        GroupError: The field would be too large, or a domain is of another kind.
    """
    conductor = 1
    for domain in domains:
        if isinstance(domain, CosineField):
            conductor = math.lcm(conductor, domain.conductor)
        elif not (domain.is_QQ or domain.is_ZZ):
            raise GroupError(f"entries in {domain} are not supported; convert them to QQ or a cosine field")
    return cosine_field(conductor)


def product_cost(domain: Any) -> int:
    """Return the cost of a product of two elements of a field, in the unit of `check_work`; 0 for the rationals.

    Args:
        domain: The field.
    """
    return 600 + 2 * int(domain.mod.degree()) ** 2 if isinstance(domain, CosineField) else 0


def inverse_cost(domain: Any) -> int:
    """Return the cost of an inverse in a field, in the unit of `check_work`; 0 for the rationals.

    Args:
        domain: The field.
    """
    return int(domain.mod.degree()) ** 3 if isinstance(domain, CosineField) else 0


def check_work(products: int, domain: Any, most: int = 5_000_000) -> None:
    """Refuse a computation that would take long.

    Args:
        products: Number of products that the computation takes.
        domain: The field of the computation.
        most: Largest total cost, in the unit of `product_cost`. The default takes about a second.

    Raises:
        GroupError: The computation would cost more.
    """
    if products * product_cost(domain) > most:
        raise GroupError(
            f"over {most // product_cost(domain)} products in a number field of degree {domain.mod.degree()} would "
            "be needed, a hard limit; use simpler angles, smaller matrices or a smaller group"
        )


def element_bits(value: Any) -> int:
    """Return the size in bits of the largest numerator or denominator in an element of QQ or of a cosine field.

    Args:
        value: The element.
    """
    return _bits([value] if isinstance(value, QQ.dtype) else value.to_list())


def _bits(coefficients: list[Any]) -> int:
    return max((max(abs(int(c.numerator)), int(c.denominator)).bit_length() for c in coefficients), default=0)


def element_to_float(value: Any, domain: Any) -> float:
    """Return an element of QQ or of a cosine field, rounded once to float64.

    Args:
        value: The element.
        domain: Its field.
    """
    coefficients = value.to_list() if isinstance(domain, CosineField) else [value]
    if not coefficients:
        return 0.0
    if len(coefficients) == 1:
        return int(coefficients[0].numerator) / int(coefficients[0].denominator)
    # Powers of the generator cancel, so keep a spare digit for every digit that the largest term can have.
    with mpmath.workprec(128 + _bits(coefficients) + 8 * len(coefficients)):
        root = 2 * mpmath.cos(2 * mpmath.pi / domain.conductor)
        values = [mpmath.mpf(int(c.numerator)) / int(c.denominator) for c in coefficients]
        return float(mpmath.polyval(values, root))
