"""Specifications of named groups, and the same with another name."""

from __future__ import annotations

from dataclasses import replace

from sharefind.architectures import SharingSpec
from sharefind.groups import FiniteGroup, named_group, parse_representation
from tests.specs import spec_on


def spec(group: FiniteGroup | str, *texts: str, unit: str = "matrix:tanh") -> SharingSpec:
    known = named_group(group) if isinstance(group, str) else group
    return spec_on([parse_representation(text, known) for text in texts or ("natural", "natural")], unit, 3)


def lie(true: SharingSpec, name: str, order: int | None) -> SharingSpec:
    return replace(true, group_name=name, group_order=order)
