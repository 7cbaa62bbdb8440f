"""The output of `sharefind groups`: the catalogue of names, and the facts about one group. It does not load torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from sharefind.groups import (
    CatalogueEntry,
    CompactGroup,
    FiniteGroup,
    Group,
    conjugacy_classes,
    cycle_notation,
    hom,
    named_group,
    natural,
    subgroups,
)
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.report.text.text_style import STYLE
from sharefind.spaces import fixed_space
from sharefind.written import order, shortened


@dataclass(frozen=True)
class GroupFacts:
    """Facts about a named group.

    Attributes:
        name: Its name.
        order: Its order; None for an infinite group.
        points: Number of points that it permutes; None for an infinite group.
        generators: Permutations of the points: entry i is the image of point i.
        lie_dim: Dimension of its Lie algebra; None for a finite group.
        natural_dim: Dimension of its natural representation.
        natural_kind: Kind of its natural representation: permutation, signed or matrix.
        subgroups: Number of its subgroups; None above 200 elements and for infinite groups.
        classes: Number of conjugacy classes of subgroups; None above 200 elements and for infinite groups.
        equivariant_dim: Dimension of the space of equivariant linear maps natural -> natural; None if it is too large
            to compute.
    """

    name: str
    order: int | None
    points: int | None
    generators: tuple[tuple[int, ...], ...]
    lie_dim: int | None
    natural_dim: int
    natural_kind: str
    subgroups: int | None
    classes: int | None
    equivariant_dim: int | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        writable = self.order is None or self.order < 10**STYLE.json_digits
        return {
            "schema": "sharefind.group/1",
            "name": self.name,
            "order": self.order if writable else order(self.order),
            "points": self.points,
            "generators": [list(g) for g in self.generators],
            "cycles": [cycle_notation(g) for g in self.generators],
            "lie_dim": self.lie_dim,
            "natural": {"dim": self.natural_dim, "kind": self.natural_kind},
            "subgroups": self.subgroups,
            "subgroup_classes": self.classes,
            "equivariant_dim": self.equivariant_dim,
        }


def group_facts(name: str, limits: Limits = DEFAULT_LIMITS) -> GroupFacts:
    """Return the facts about a named group; this takes up to two seconds near the limits.

    Args:
        name: The name.
        limits: Limits on its points and subgroups.

    Raises:
        GroupError: No group has this name, or it exceeds the limits.
    """
    group = named_group(name, limits)
    rep = natural(group)
    count, classes = _subgroup_counts(group, limits)
    is_small = rep.dim <= STYLE.natural
    return GroupFacts(
        name=group.name,
        order=group.order,
        points=group.degree if isinstance(group, FiniteGroup) else None,
        generators=group.generators if isinstance(group, FiniteGroup) else (),
        lie_dim=len(group.lie_algebra) if isinstance(group, CompactGroup) else None,
        natural_dim=rep.dim,
        natural_kind=rep.kind,
        subgroups=count,
        classes=classes,
        equivariant_dim=fixed_space(hom(rep, rep)).dim if is_small else None,
    )


def _subgroup_counts(group: Group, limits: Limits) -> tuple[int | None, int | None]:
    if not isinstance(group, FiniteGroup) or group.order > MAX_SUBGROUP_ORDER:
        return None, None
    found = subgroups(group, limits=limits)
    return len(found), len(conjugacy_classes(group, found))


def group_view(facts: GroupFacts) -> Table:
    """Return the facts as a table of two columns.

    Args:
        facts: The facts.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(facts).items():
        table.add_row(name, Text(value))
    return table


def _rows(facts: GroupFacts) -> dict[str, str]:
    infinite = facts.order is None
    limit = "infinite" if infinite else f"not counted above {MAX_SUBGROUP_ORDER} elements"
    rows = {"group": facts.name, "order": order(facts.order)}
    if facts.points is not None:
        rows["points"] = f"{facts.points}, counted from 0"
        cycles = [shortened(cycle_notation(g), STYLE.group_cycles) for g in facts.generators]
        rows["generators"] = "\n".join(cycles) or "none (the trivial group)"
    if facts.lie_dim is not None:
        rows["generators"] = f"a Lie algebra of dimension {facts.lie_dim}"
    rows["natural"] = f"dimension {facts.natural_dim}, by {_KIND_WORDS[facts.natural_kind]}"
    rows["subgroups"] = limit if facts.subgroups is None else f"{facts.subgroups} in {facts.classes} conjugacy classes"
    whole = facts.natural_dim**2
    rows["equivariant"] = (
        f"not computed above dimension {STYLE.natural}"
        if facts.equivariant_dim is None
        else f"linear maps natural -> natural: dim E^G = {facts.equivariant_dim} of {whole}"
    )
    return rows


_KIND_WORDS = {
    "permutation": "permuting coordinates",
    "signed": "permuting coordinates with signs",
    "matrix": "exact orthogonal matrices",
}


def catalogue_view(entries: list[CatalogueEntry]) -> Table:
    """Return the families of names, each with an example and its order.

    Args:
        entries: The families.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "group", "example"):
        table.add_column(heading)
    table.add_column("its order", justify="right")
    for entry in entries:
        table.add_row(entry.pattern, entry.description, entry.example, order(named_group(entry.example).order))
    return table


def catalogue_json(entries: list[CatalogueEntry]) -> dict[str, Any]:
    """Return the families of names as a JSON object.

    Args:
        entries: The families.
    """
    families = [
        {
            "pattern": e.pattern,
            "description": e.description,
            "example": e.example,
            "order": named_group(e.example).order,
        }
        for e in entries
    ]
    return {"schema": "sharefind.groups/1", "families": families}
