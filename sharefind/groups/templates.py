"""Model groups with a common name that are neither abelian nor dihedral.

`structure` compares groups with them by an explicit isomorphism; a group without a model is named by its order.
"""

from __future__ import annotations

from collections.abc import Iterator

from sharefind.groups.catalogue import named_group
from sharefind.groups.group import FiniteGroup

Model = tuple[str, int, tuple[tuple[int, ...], ...]]
"""Name, degree and generators."""


def templates(order: int) -> Iterator[FiniteGroup]:
    """Yield the model groups of an order.

    Args:
        order: The order.
    """
    for name in _CATALOGUE_NAMES.get(order, ()):
        group = named_group(name)
        if isinstance(group, FiniteGroup):
            yield group
    for name, degree, generators in _GIVEN.get(order, ()):
        yield FiniteGroup(name, degree, generators, known_order=order)


def model_group(name: str) -> FiniteGroup | None:
    """Return the model of a name that is not in the catalogue, such as "Q8", "F20" or "C3:C4"; None for others.

    Args:
        name: The name.
    """
    found = ((order, model) for order, models in _GIVEN.items() for model in models if model[0] == name)
    return next((FiniteGroup(name, model[1], model[2], known_order=order) for order, model in found), None)


def _affine(name: str, size: int, factor: int) -> Model:
    """Return the maps x -> x + 1 and x -> factor x on the integers modulo size."""
    shift = tuple((x + 1) % size for x in range(size))
    return name, size, (shift, tuple(factor * x % size for x in range(size)))


def _dicyclic(name: str, size: int) -> Model:
    """Return C_size : C4 on size + 4 points; the generator of C4 inverts the odd cyclic group."""
    rotation = (*((x + 1) % size for x in range(size)), *range(size, size + 4))
    inversion = (*(-x % size for x in range(size)), size + 1, size + 2, size + 3, size)
    return name, size + 4, (rotation, inversion)


_CATALOGUE_NAMES: dict[int, tuple[str, ...]] = {
    12: ("A4",),
    16: ("D4xC2",),
    18: ("S3xC3",),
    24: ("S4", "A4xC2", "D4xC3", "S3xC4", "D6xC2"),
    30: ("D5xC3", "S3xC5"),
    32: ("D4xC2xC2", "D4xC4", "D8xC2"),
    36: ("S3xS3", "S3xC6", "A4xC3"),
    40: ("D5xC4", "D10xC2", "D4xC5"),
    48: ("S4xC2", "A4xC4", "A4xC2xC2", "D4xS3", "D6xC4"),
    60: ("A5", "D5xS3", "A4xC5"),
    64: ("D4xD4",),
    72: ("A4xS3", "S4xC3", "S3xS3xC2"),
    96: ("S4xC2xC2", "S4xC4"),
    120: ("S5", "A5xC2", "S4xC5"),
    144: ("S4xS3",),
    240: ("S5xC2",),
    360: ("A6",),
    720: ("S6",),
}

_GIVEN: dict[int, tuple[Model, ...]] = {
    8: (("Q8", 8, ((1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3))),),
    12: (_dicyclic("C3:C4", 3),),
    16: (
        _affine("SD16", 8, 3),
        _affine("M16", 8, 5),
        ("C4:C4", 8, ((1, 2, 3, 0, 4, 5, 6, 7), (0, 3, 2, 1, 5, 6, 7, 4))),
    ),
    18: (("(C3xC3):C2", 6, ((1, 2, 0, 3, 4, 5), (0, 1, 2, 4, 5, 3), (0, 2, 1, 3, 5, 4))),),
    20: (_affine("F20", 5, 2), _dicyclic("C5:C4", 5)),
    21: (_affine("F21", 7, 2),),
    36: (("(C3xC3):C4", 6, ((1, 2, 0, 3, 4, 5), (3, 4, 5, 0, 2, 1))),),
    42: (_affine("F42", 7, 3),),
    72: (("S3wrC2", 6, ((1, 2, 0, 3, 4, 5), (1, 0, 2, 3, 4, 5), (3, 4, 5, 0, 1, 2))),),
    168: (("PSL(2,7)", 7, ((1, 2, 3, 4, 5, 6, 0), (0, 2, 1, 6, 4, 5, 3))),),
}
