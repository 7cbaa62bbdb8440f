"""Cases of the identities: groups without a unit are errors."""

import pytest

from sharefind.errors import SharefindError
from sharefind.paper.context import Context, Request
from sharefind.paper.proposition_1 import Proposition1


def test_groups_without_a_unit_are_errors() -> None:
    with pytest.raises(SharefindError, match="generator 0 of R3"):
        Proposition1()(Context(Request(group="R3", unit="matrix")))
    with pytest.raises(SharefindError, match="unit 'foo' is unknown"):
        Proposition1()(Context(Request(unit="foo")))
