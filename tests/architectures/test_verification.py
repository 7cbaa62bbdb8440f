"""A file with one changed entry is refused in one line that names the claim, or proves to be another true claim."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.architectures import from_json, to_json, verify_file
from sharefind.architectures.certificate.proof import certify
from sharefind.errors import ExportError, InputError
from tests.architectures.networks import spec_of

SPECS: dict[str, tuple[str, ...]] = {
    "C4": ("C4", "matrix:logistic", "natural", "natural"),
    "S4": ("S4", "matrix+bias:logistic", "natural", "natural"),
    "D4 grid": ("D4", "matrix:tanh", "grid:3", "trivial"),
    "B3 signed": ("B3", "matrix:tanh", "natural+sign", "natural"),
    "R5 plane": ("R5", "matrix+bias:tanh", "natural", "regular"),
    "two-layer": ("C4", "two-layer:tanh", "natural", "natural", "regular"),
}
SAMPLE = 40
"""Changes tried for each specification and kind."""

Change = Callable[[dict[str, Any]], None]


def _space_changes(record: dict[str, Any], rng: np.random.Generator) -> Iterator[Change]:
    space = record["space"]
    if space["kind"] == "tying":
        largest = max(space["labels"])
        for i, label in enumerate(space["labels"]):
            for value in sorted({0, largest + 1, -label, int(rng.integers(1, largest + 1))} - {label}):
                yield lambda r, i=i, v=value: r["space"]["labels"].__setitem__(i, v)
        return
    for i, row in enumerate(space["rows"]):
        for j in map(str, range(space["ambient"])):
            for text in {"2", "0", "-1/2"} - {row.get(j, "0")}:
                yield lambda r, i=i, j=j, t=text: r["space"]["rows"][i].__setitem__(j, t)


def _generator_changes(record: dict[str, Any]) -> Iterator[Change]:
    for g, pair in enumerate(record["generators"]):
        for side, rows in pair.items():
            for i, j in np.ndindex(len(rows), len(rows)):
                for text in sorted({"0", "1", "-1", "1/2"} - {rows[i][j]}):
                    yield lambda r, g=g, s=side, i=i, j=j, t=text: r["generators"][g][s][i].__setitem__(j, t)


def _sample(changes: Iterator[Change], rng: np.random.Generator) -> list[Change]:
    every = list(changes)
    return [every[k] for k in sorted(rng.choice(len(every), min(SAMPLE, len(every)), replace=False))]


def _ending(record: dict[str, Any], path: Path) -> str | None:
    """The refusal of a changed file, None where it holds."""
    path.write_text(json.dumps(record))
    try:
        verify_file(path)
    except (ExportError, InputError) as error:
        assert "\n" not in str(error)
        return str(error)
    return None


CLAIMS = (
    r"moves a parameter|has dimension|is not orthogonal on|does not commute|no divisor|generators of|generate|space:"
)
"""What a refusal may say: which claim of a specification fails."""


@pytest.mark.parametrize("case", SPECS)
def test_a_changed_entry_of_the_space_is_refused(case: str, tmp_path: Path) -> None:
    spec, rng = spec_of(*SPECS[case]), np.random.default_rng(0)
    text = to_json(spec)
    for change in _sample(_space_changes(json.loads(text), rng), rng):
        record = json.loads(text)
        change(record)
        refusal = _ending(record, tmp_path / "spec.json")
        if refusal is None:
            # Another name for a class of one entry: the very same space.
            assert from_json(json.dumps(record)).space == spec.space
        else:
            assert re.search(CLAIMS, refusal)


@pytest.mark.parametrize("case", SPECS)
def test_a_changed_entry_of_a_generator_is_refused(case: str, tmp_path: Path) -> None:
    spec, rng = spec_of(*SPECS[case]), np.random.default_rng(1)
    text = to_json(spec)
    refused = 0
    for change in _sample(_generator_changes(json.loads(text)), rng):
        record = json.loads(text)
        change(record)
        refusal = _ending(record, tmp_path / "spec.json")
        if refusal is None:
            # A sign on a side that the space does not feel: these generators fix it, too, and it is all of their E^G.
            assert certify(from_json(json.dumps(record))).is_fixed_space
            continue
        refused += 1
        assert re.search(CLAIMS, refusal)
    assert refused >= 0.95 * SAMPLE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["group"].update(order=8), "group.order is 8, and C4 has order 4"),
        (lambda r: r["group"].update(order=None), "group.order is None, and C4 has order 4"),
        (lambda r: r["group"].update(name="C5"), "group.order is 4, and C5 has order 5"),
        (lambda r: r["group"].update(name="V4"), "group.name is V4, and the generators generate C4"),
        (lambda r: r["group"].update(name="C2xC2"), "group.name is C2xC2, and the generators generate C4"),
        (lambda r: r["space"].update(ambient=17), "space: vectors of length 16 in a space of dimension 17"),
        (lambda r: r["space"]["labels"].__setitem__(3, 1.5), r"space: tying label 1\.5 is not an integer"),
        (lambda r: r["generators"][0]["out"][1].__setitem__(0, "abc"), "a generator on outputs: .*abc"),
        (lambda r: r["change"]["matrix"][0].__setitem__(1, 0.5), r"see change\.matrix"),
        (lambda r: r["change"]["matrix"][2].__setitem__(2, 2.0), r"see change\.matrix"),
        (lambda r: r["change"]["shift"].__setitem__(1, 0.5), r"see change\.shift"),
        (lambda r: r["change"].update(scale=0.0), "scale"),
    ],
)
def test_other_changed_numbers_are_refused(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    record = json.loads(to_json(spec_of(*SPECS["C4"])))
    change(record)
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(record))
    with pytest.raises((ExportError, InputError), match=message):
        verify_file(path)


def test_a_changed_lie_generator_is_refused(tmp_path: Path) -> None:
    record = json.loads(to_json(spec_of("SO3", "matrix:tanh", "natural*natural", "trivial")))
    record["lie_generators"][1]["in"][0][5] = "1"
    refusal = _ending(record, tmp_path / "spec.json")
    assert refusal is not None and "Lie generator 1 of SO3 is not skew on inputs" in refusal


def test_the_order_of_a_large_symmetric_group_needs_no_stabiliser_chain() -> None:
    certificate = certify(spec_of("S60", "matrix+bias:logistic", "natural", "natural+trivial"))
    assert certificate.generated_order == certificate.order
    alternating = certify(spec_of("A21", "matrix:logistic", "natural", "natural"))
    assert alternating.generated_order == alternating.order
