"""The groups that have names: C<n>, D<n>, S<n>, A<n>, V4, B<n>, R<n>, SO<n>, O<n>, and their products.

`subgroups` lists subgroups, `structure` names them, and `files` reads groups from files.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from sympy import QQ

from sharefind.errors import GroupError
from sharefind.exact.matrices import Rows, sparse_matrix
from sharefind.groups.compact_product import Factor, compact_product
from sharefind.groups.group import CompactGroup, FiniteGroup, Group, NaturalBlock
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it

Permutation = tuple[int, ...]


@dataclass(frozen=True)
class NameBounds:
    """Limits on the numbers in a group's name, in addition to `Limits`; users cannot raise them.

    Attributes:
        rotation: Largest n of R<n>; its exact entries lie in a field of degree phi(lcm(4, n)) / 2.
        orthogonal: Largest n of SO<n> and O<n>.
        factors: Largest number of factors of a product.
        length: Largest length of a name, in characters.
        hint: Largest length of a name for which an error message suggests a whole name; for a longer one it suggests
            only the wrong part.
    """

    rotation: int = 120
    orthogonal: int = 30
    factors: int = 16
    length: int = 100
    hint: int = 30


NAME_BOUNDS = NameBounds()
"""Default limits."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A family of named groups.

    Attributes:
        pattern: How its names are written.
        description: Description of the groups.
        example: An example of a name.
    """

    pattern: str
    description: str
    example: str


@dataclass(frozen=True)
class _Family:
    """A family of groups. n lies between `smallest` and `largest`; `points` is the number of points for each n, 0 if
    `largest` does not depend on the limit on points.
    """

    entry: CatalogueEntry
    smallest: int
    largest: int
    points: int
    make: Callable[[str, int], Factor]


def catalogue() -> list[CatalogueEntry]:
    """Return every family of names that `named_group` knows, in the order in which users see them."""
    product = CatalogueEntry("AxB", "product of groups, each on its own points or coordinates side by side", "C2xC3")
    four = CatalogueEntry("V4", "Klein's four-group, order 4, acting regularly on 4 points", "V4")
    families = [family.entry for family in _families(DEFAULT_LIMITS, NAME_BOUNDS).values()]
    return [*families[:4], four, *families[4:], product]


def named_group(name: str, limits: Limits = DEFAULT_LIMITS, bounds: NameBounds = NAME_BOUNDS) -> Group:
    """Return the group of a name: C<n>, D<n>, S<n>, A<n>, V4, B<n>, R<n>, SO<n>, O<n>, or a product such as "C2xC3".

    D1 and D2 are faithful, as sympy's `DihedralGroup(1)` and `DihedralGroup(2)`: order 2 on 2 points and order 4 on 4.

    Args:
        name: The name, in upper or lower case.
        limits: `limits.degree` bounds the points of a permutation group.
        bounds: Limits on the numbers in the name.

    Raises:
        GroupError: The name is unknown, or a size exceeds its limit.

    Examples:
        >>> named_group("S3").order
        6
    """
    text = _capitals(name.strip())
    if not text or len(text) > bounds.length:
        most = bounds.length
        raise GroupError(f"a group name has 1 to {most} characters, such as C4 or C2xC3; `sharefind groups` lists all")
    parts = text.split("x")
    if len(parts) > bounds.factors:
        raise GroupError(f"{text!r} has {len(parts)} factors; at most {bounds.factors} are allowed, a hard limit")
    families = _families(limits, bounds)
    factors = [_simple_group(part, text, families, bounds) for part in parts]
    return factors[0] if len(factors) == 1 else _product(text, factors, limits)


def _simple_group(text: str, whole: str, families: dict[str, _Family], bounds: NameBounds) -> Factor:
    if text == "V4":
        return _dihedral(text, 2)
    match = re.fullmatch(r"(SO|[A-Z])([0-9]{1,9})", text)
    if match is None or match[1] not in families:
        raise GroupError(_unknown(text, whole, families, bounds))
    family, n = families[match[1]], int(match[2])
    if family.smallest <= n <= family.largest:
        return family.make(f"{match[1]}{n}", n)
    lifted = ""
    if n > family.largest:
        lifted = f" ({raise_it('degree', family.points * n)})" if family.points else ", a hard limit"
    raise GroupError(
        f"{text} is out of range; {family.entry.pattern} needs n from {family.smallest} to {family.largest}{lifted}"
    )


def _capitals(text: str) -> str:
    """Return a name of the catalogue in its standard letters; any other text unchanged."""
    parts = [part.upper() for part in re.split("[xX]", text)]
    return "x".join(parts) if all(re.fullmatch(r"[A-Z]{1,2}[0-9]{1,9}", part) for part in parts) else text


def _unknown(text: str, whole: str, families: dict[str, _Family], bounds: NameBounds) -> str:
    cyclic = re.fullmatch(r"Z_?([0-9]{1,9})", text.upper())
    if cyclic:
        wanted = "x".join(f"C{cyclic[1]}" if part == text else part for part in whole.split("x"))
        wanted = wanted if len(wanted) <= bounds.hint else f"C{cyclic[1]}"
        return f"there is no group named {text!r}: Z_n, the cyclic group, is called C<n> (did you mean {wanted}?)"
    known = ["V4"] + [f"{letter}{n}" for letter in families for n in range(1, 13)]
    near = difflib.get_close_matches(text.upper(), known, n=3, cutoff=0.5)
    where = f" in {whole!r}" if text != whole else ""
    hint = f" (did you mean {', '.join(near)}?)" if near else ""
    return f"there is no group named {text!r}{where}{hint}; `sharefind groups` lists them"


def _families(limits: Limits, bounds: NameBounds) -> dict[str, _Family]:
    most = limits.degree
    rows: list[tuple[str, str, str, int, int, int, Callable[[str, int], Factor]]] = [
        ("C", "cyclic: rotation of n points, order n", "C4", 1, most, 1, _cyclic),
        ("D", "dihedral: rotations and reflections of n points, order 2n", "D4", 1, most, 1, _dihedral),
        ("S", "symmetric: all permutations of n points, order n!", "S4", 1, most, 1, _symmetric),
        ("A", "alternating: even permutations of n points, order n!/2", "A4", 1, most, 1, _alternating),
        ("B", "signed permutations of n axes, order 2^n n!", "B3", 1, most // 2, 2, _signed),
        ("R", "cyclic of order n, acting as rotations of the plane", "R4", 1, bounds.rotation, 0, _rotations),
        ("SO", "rotations of n dimensions (infinite)", "SO3", 2, bounds.orthogonal, 0, _orthogonal),
        ("O", "rotations and reflections of n dimensions (infinite)", "O3", 2, bounds.orthogonal, 0, _orthogonal),
    ]
    return {
        letter: _Family(CatalogueEntry(f"{letter}<n>", description, example), smallest, largest, points, make)
        for letter, description, example, smallest, largest, points, make in rows
    }


def _cycle(n: int, start: int = 0) -> Permutation:
    """Return start -> start + 1 -> ... -> n - 1 -> start, with the points below start fixed."""
    return (*range(start), *range(start + 1, n), start) if n > start else tuple(range(n))


def _swap(n: int) -> Permutation:
    return (1, 0, *range(2, n))


def _cyclic(name: str, n: int) -> FiniteGroup:
    return FiniteGroup(name, n, (_cycle(n),), known_order=n)


def _dihedral(name: str, n: int) -> FiniteGroup:
    if n == 1:
        return FiniteGroup(name, 2, ((1, 0),), known_order=2)
    if n == 2:
        return FiniteGroup(name, 4, ((1, 0, 3, 2), (2, 3, 0, 1)), known_order=4)
    reflection = tuple(-i % n for i in range(n))
    return FiniteGroup(name, n, (_cycle(n), reflection), known_order=2 * n)


def _symmetric(name: str, n: int) -> FiniteGroup:
    generators = (_swap(n), _cycle(n)) if n > 2 else (_cycle(n),)
    return FiniteGroup(name, n, generators, known_order=math.factorial(n))


def _alternating(name: str, n: int) -> FiniteGroup:
    if n < 3:
        return FiniteGroup(name, n, (), known_order=1)
    three = (1, 2, 0, *range(3, n))
    long = _cycle(n, start=1 - n % 2)
    generators = (three, long) if n > 3 else (three,)
    return FiniteGroup(name, n, generators, known_order=math.factorial(n) // 2)


def _signed(name: str, n: int) -> FiniteGroup:
    """Return the group in which points i and i + n are the vectors e_i and -e_i."""
    flip = (n, *range(1, n), 0, *range(n + 1, 2 * n))
    axes = [g for g in (_swap(n), _cycle(n)) if n > 1]
    doubled = [(*g, *(n + i for i in g)) for g in dict.fromkeys(axes)]
    block = NaturalBlock("signed", 0, 2 * n)
    return FiniteGroup(name, 2 * n, (*doubled, flip), (block,), known_order=2**n * math.factorial(n))


def _rotations(name: str, n: int) -> FiniteGroup:
    return FiniteGroup(name, n, (_cycle(n),), (NaturalBlock("rotation", 0, n),), known_order=n)


def _orthogonal(name: str, n: int) -> CompactGroup:
    planes = [(i, j) for i in range(n) for j in range(i + 1, n)]
    algebra = tuple(sparse_matrix({j: {i: QQ(1)}, i: {j: QQ(-1)}}, (n, n)) for i, j in planes)
    reflection: Rows = {i: {i: QQ(-1 if i == 0 else 1)} for i in range(n)}
    discrete = (sparse_matrix(reflection, (n, n)),) if name.startswith("O") else ()
    return CompactGroup(name, n, algebra, discrete)


def _product(name: str, factors: list[Factor], limits: Limits) -> Group:
    finite = [factor for factor in factors if isinstance(factor, FiniteGroup)]
    degree = sum(factor.degree for factor in finite)
    if degree > limits.degree:
        raise GroupError(
            f"{name} acts on {degree} points, above the limit of {limits.degree}; {raise_it('degree', degree)}"
        )
    if len(finite) < len(factors):
        return compact_product(name, factors)
    generators: list[Permutation] = []
    blocks: list[NaturalBlock] = []
    start = 0
    for factor in finite:
        after = range(start + factor.degree, degree)
        generators += [(*range(start), *(start + i for i in g), *after) for g in factor.generators]
        blocks += [NaturalBlock(b.kind, start + b.start, b.size) for b in factor.blocks]
        start += factor.degree
    plain = all(block.kind == "points" for block in blocks)
    order = math.prod(factor.order for factor in finite)
    points = () if plain else tuple(blocks)
    return FiniteGroup(name, degree, tuple(generators), points, known_order=order, factors=tuple(finite))
