"""`sharefind groups`: the names of groups, and the facts about one group. It does not load torch."""

from __future__ import annotations

from typing import Annotated

import typer

from sharefind.cli.console import print_json, result_console
from sharefind.cli.options import MaxDegree, MaxLattice, PlainJson
from sharefind.limits import limits_of


def groups(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A group, such as D4 or C2xC3.", show_default=False)
    ] = None,
    max_degree: MaxDegree = None,
    max_lattice: MaxLattice = None,
    json: PlainJson = False,
) -> None:
    """List the names of groups, or show one group: order, generators, natural representation, subgroups."""
    from sharefind.groups import catalogue
    from sharefind.report.text.group_tables import catalogue_json, catalogue_view, group_facts, group_view

    if name is None:
        entries = catalogue()
        result = catalogue_json(entries) if json else catalogue_view(entries)
    else:
        facts = group_facts(name, limits_of({"max_degree": max_degree, "max_lattice": max_lattice}))
        result = facts.to_json() if json else group_view(facts)
    if isinstance(result, dict):
        print_json(result)
    else:
        result_console().print(result)
