"""The names of infinite groups, by their Lie algebras."""

from __future__ import annotations

import pytest

from sharefind.architectures import certify
from sharefind.errors import ExportError
from tests.architectures.certificate.named import lie, spec


@pytest.mark.parametrize("name", ["SO2", "SO3", "SO5", "O2", "O3", "O5", "SO4"])
def test_infinite_names_are_proven_by_their_lie_algebra(name: str) -> None:
    found = spec(name, "natural*natural", "trivial")
    assert certify(found).naming == "proven"
    assert certify(spec(name, "trivial:2", "trivial")).naming == "image"
    for other in ("SO6", "O6", "SO7"):
        with pytest.raises(
            ExportError, match=r"has a Lie algebra of dimension (15|21), and the generators generate one of"
        ):
            certify(lie(found, other, None))
    with pytest.raises(ExportError):
        certify(lie(found, "C4", None))


def test_o3_and_so3_are_told_apart() -> None:
    special, whole = (spec(name, "natural*natural", "trivial") for name in ("SO3", "O3"))
    for true, name in ((special, "O3"), (whole, "SO3")):
        certificate = certify(lie(true, name, None))
        assert certificate.naming == "unchecked" and "(its name, " in certificate.statement
    unknown = certify(lie(special, "G", None))
    assert unknown.naming == "unchecked" and "(its name, G, is not checked)" in unknown.statement
