"""The list of statements: every name once, and each says where its code is."""

from importlib import import_module

import pytest

from sharefind.paper.statements import DEMONSTRATIONS, find, names


def test_every_name_finds_its_demonstration() -> None:
    assert len(set(names())) == len(names())
    assert {"thm-1", "prop-1", "fig-si", "fig-wi", "heuristic"} <= set(names())
    for name in names():
        assert find(name).name == name


@pytest.mark.parametrize("demonstration", DEMONSTRATIONS, ids=lambda d: d.name)
def test_the_code_is_where_it_is_said_to_be(demonstration: object) -> None:
    for module in str(demonstration.code).split(", "):  # type: ignore[attr-defined]
        import_module(f"sharefind.{module}")
