"""Names of hidden types: which subgroup, and which sign, `coset(C2)`, `coset(C2:<(0 1)>, sign)` and the like mean.

`hidden_types` lists the types, `labels` names single subgroups.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.errors import GroupError, RepresentationError
from sharefind.groups.cycles import cycle_notation
from sharefind.groups.enumeration import closure
from sharefind.groups.group import FiniteGroup
from sharefind.groups.labels import subgroup_labels
from sharefind.groups.structure import structure_name
from sharefind.groups.subgroups import Members, conjugacy_classes, members

_COSET = re.compile(
    r"coset\s*\((?P<subgroup>[^,<]*(?:<[^>]*>)?)(?P<sign>,\s*sign\s*(?::(?P<kernel>.*))?)?\)", re.DOTALL
)
_GENERATORS = re.compile(r"(?:[^<>]*:)?\s*<(?P<cycles>[^<>]*)>")


@dataclass(frozen=True, eq=False)
class SubgroupWords:
    """The description of a subgroup in a text, up to conjugacy.

    Attributes:
        group: The group.
        name: Its structure, or the group's own name; empty where generators are given.
        mask: Its elements where generators are given, shape (order,).
    """

    group: FiniteGroup
    name: str
    mask: Members | None

    def fits(self, subgroup: FiniteGroup) -> bool:
        """Return whether a subgroup, or a conjugate of it, is meant.

        Args:
            subgroup: A subgroup of the group.
        """
        if self.mask is None:
            is_whole = self.name == self.group.name
            return subgroup.order == self.group.order if is_whole else structure_name(subgroup) == self.name
        inside = members(self.group, subgroup)
        if inside.sum() != self.mask.sum():
            return False
        table = self.group.multiplication_table()
        mine, inverse = np.flatnonzero(self.mask), np.argmin(table, axis=1)
        return bool(inside[table[table[:, mine], inverse[:, None]]].all(axis=1).any())


@dataclass(frozen=True, eq=False)
class CosetWords:
    """The description of a type in a text.

    Attributes:
        subgroup: The subgroup K.
        is_signed: Whether there is a sign.
        kernel: The subgroup on which the sign is 1; None where the text does not name it.
    """

    subgroup: SubgroupWords
    is_signed: bool
    kernel: SubgroupWords | None

    def fits(self, subgroup: FiniteGroup, kernel: FiniteGroup) -> bool:
        """Return whether a type is meant.

        Args:
            subgroup: The subgroup of the type.
            kernel: The kernel of its character.
        """
        if self.is_signed != (kernel.order < subgroup.order) or not self.subgroup.fits(subgroup):
            return False
        return self.kernel is None or self.kernel.fits(kernel)


def parse_coset(group: FiniteGroup, text: str) -> CosetWords:
    """Return the description of a type in a text.

    Args:
        group: The group.
        text: For example "coset(C2)", "coset(C2:<(0 1)>)", "coset(<(0 1), (2 3)>, sign)" or "coset(V4, sign:C2)".

    Raises:
        RepresentationError: It is not of this form, or generators are no elements of the group.
    """
    match = _COSET.fullmatch(text.strip())
    if match is None or not match["subgroup"].strip():
        raise RepresentationError(
            f"{text!r} is not a hidden type; write coset(C2), coset(<(0 1)>) or coset(C2, sign), with a subgroup of "
            f"{group.name}"
        )
    kernel = match["kernel"]
    return CosetWords(
        _subgroup(group, match["subgroup"].strip()),
        match["sign"] is not None,
        None if kernel is None else _subgroup(group, kernel.strip()),
    )


def subgroup_names(group: FiniteGroup, listed: Sequence[FiniteGroup]) -> list[str]:
    """Return a name for the conjugacy class of each subgroup, which no other class has.

    The structure is the name where one class has it; other classes have the label of their first member, with its
    generators.

    Args:
        group: The group.
        listed: All its subgroups, from `subgroups`.
    """
    labels = dict(zip((subgroup.canonical for subgroup in listed), subgroup_labels(listed, group), strict=True))
    classes = conjugacy_classes(group, listed)
    structures = Counter(conjugates[0].name for conjugates in classes)
    names: dict[bytes, str] = {}
    for conjugates in classes:
        first = conjugates[0]
        label = labels[first.canonical]
        if first.order < group.order:
            is_alone = structures[first.name] == 1 and first.name != group.name
            label = first.name if is_alone else _with_generators(first, label)
        names.update({subgroup.canonical: label for subgroup in conjugates})
    return [names[subgroup.canonical] for subgroup in listed]


def kernel_names(kernels: Sequence[FiniteGroup]) -> list[str]:
    """Return the words for the characters of one subgroup: "" for 1, "sign", or "sign:C2" where there are several.

    Args:
        kernels: The kernels of the characters, named by their structures; the first is the subgroup itself, of the
            character 1.
    """
    signed = kernels[1:]
    if len(signed) < 2:
        return ["", *("sign" for _ in signed)]
    structures = Counter(kernel.name for kernel in signed)
    words = [one.name if structures[one.name] == 1 else _with_generators(one, one.name) for one in signed]
    return ["", *(f"sign:{word}" for word in words)]


def _with_generators(subgroup: FiniteGroup, label: str) -> str:
    if "<" in label:
        return label
    return f"{label}:<{', '.join(cycle_notation(g) for g in subgroup.generators)}>"


def _subgroup(group: FiniteGroup, text: str) -> SubgroupWords:
    match = _GENERATORS.fullmatch(text)
    if match is None:
        return SubgroupWords(group, text, None)
    steps = [group.index(_permutation(cycles, group, text)) for cycles in match["cycles"].split(",")]
    return SubgroupWords(group, "", closure(group.multiplication_table(), steps))


def _permutation(cycles: str, group: FiniteGroup, text: str) -> list[int]:
    """Return the permutation of disjoint cycles, such as "(0 2)(1 3)"."""
    image = list(range(group.degree))
    if not re.fullmatch(r"\s*(\([0-9\s]*\)\s*)+", cycles):
        raise RepresentationError(f"{text!r}: {cycles.strip()!r} is no product of cycles; write <(0 2)(1 3), (0 1)>")
    for cycle in re.findall(r"\(([^)]*)\)", cycles):
        points = [int(point) for point in cycle.split()]
        if len(set(points)) < len(points) or max(points, default=0) >= group.degree:
            raise GroupError(f"{text!r}: {group.name} has points 0 to {group.degree - 1}, each once in a cycle")
        for point, image_point in zip(points, points[1:] + points[:1], strict=True):
            image[point] = image_point
    return image
