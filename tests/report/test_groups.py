"""Facts about groups against textbook values and against counting."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from sharefind.groups import FiniteGroup, catalogue, named_group, natural
from sharefind.report.text.group_tables import catalogue_json, catalogue_view, group_facts, group_view


@pytest.mark.parametrize(
    ("name", "order", "subgroups", "classes"),
    [("C12", 12, 6, 6), ("S4", 24, 30, 11), ("A5", 60, 59, 9), ("V4", 4, 5, 5), ("S3", 6, 6, 4), ("C1", 1, 1, 1)],
)
def test_subgroup_counts(name: str, order: int, subgroups: int, classes: int) -> None:
    facts = group_facts(name)
    assert (facts.order, facts.subgroups, facts.classes) == (order, subgroups, classes)


@settings(max_examples=20)
@given(st.sampled_from(["C5", "D4", "D5", "S4", "A4", "V4", "B2", "B3", "R4", "R5", "C2xC3"]))
def test_equivariant_dimension_is_the_mean_squared_character(name: str) -> None:
    """dim Hom_G(V, V) = mean of chi(g)^2 for a real representation (Serre, Linear Representations, 2.3)."""
    rep = natural(named_group(name))
    traces = rep.float_matrices().trace(axis1=1, axis2=2)
    assert group_facts(name).equivariant_dim == pytest.approx((traces**2).mean(), abs=1e-9)


def test_infinite_groups() -> None:
    facts = group_facts("SO3")
    assert (facts.order, facts.lie_dim, facts.natural_dim, facts.equivariant_dim) == (None, 3, 3, 1)
    assert (facts.subgroups, facts.points) == (None, None)


@pytest.mark.parametrize("name", ["D4", "R5", "SO3", "B2", "C1", "S2000"])
def test_facts_are_printed_and_are_json(name: str) -> None:
    facts = group_facts(name)
    console = Console(file=io.StringIO(), width=100)
    console.print(group_view(facts))
    assert max(map(len, console.file.getvalue().splitlines())) <= 100
    assert json.loads(json.dumps(facts.to_json()))["name"] == name


def test_generators_in_json_generate_the_group() -> None:
    record = group_facts("D5").to_json()
    group = FiniteGroup("again", record["points"], tuple(map(tuple, record["generators"])))
    assert group == named_group("D5")


def test_every_example_of_the_catalogue_is_listed_with_its_order() -> None:
    entries = catalogue()
    families = catalogue_json(entries)["families"]
    assert [(f["example"], f["order"]) for f in families] == [
        (e.example, named_group(e.example).order) for e in entries
    ]
    assert catalogue_view(entries).row_count == len(entries)
