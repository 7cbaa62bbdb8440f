"""Every reader and grammar with inputs that hypothesis draws: arbitrary bytes, texts of the grammar with and without a
fault, JSON of any shape where an object belongs, valid files with a change.

Longer, and led by coverage: `python -m tests.fuzz`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import grammar
from tests.fuzz.guard import memory_limit
from tests.fuzz.mutation import change_tree, mutate
from tests.fuzz.targets import Target, every_target

ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
# What CI draws is the same every time; people's machines draw more, and `python -m tests.fuzz` any number.
FEW, MANY = (settings(ANY, max_examples=count) for count in ((4, 12) if os.environ.get("CI") else (8, 25)))

SLOW = ("inspect", "groups-command", "command-line", "run", "report", "resume", "export")
TARGETS = [name for name in every_target() if name not in SLOW]
JSON_TARGETS = ("spec", "verify", "shared", "generators", "run")

KEYS = (
    "schema", "name", "unit", "particles", "blocks", "group", "generators", "lie_generators", "in", "out", "hidden",
    "space", "kind", "labels", "rows", "ambient", "tolerance", "change", "matrix", "shift", "scale", "shape",
    "order", "in_rep",
)  # fmt: skip


def target(name: str) -> Target:
    return every_target()[name]


def check(name: str, data: bytes, folder: Path) -> None:
    """The target accepts the input or refuses it in one line, in time and within its memory."""
    with memory_limit():
        outcome = target(name).examine(data, folder)
    assert outcome.finding is None, f"{outcome.finding.kind}: {outcome.finding.where}\n{outcome.finding.detail}"


def check_changed(name: str, seed: int, folder: Path) -> None:
    """The same of a valid input with a change."""
    rng = Random(seed)
    check(name, mutate(rng.choice(target(name).seeds()), target(name).form, rng), folder)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(("1/2", "tying"))
)
values = st.recursive(
    scalars,
    lambda parts: (
        st.lists(parts, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), parts, max_size=4)
    ),
    max_leaves=12,
)
"""JSON of any shape, with the keys that the readers know."""

seeds = st.integers(0, 2**32)


def grown(make: grammar.Text) -> st.SearchStrategy[str]:
    """Texts of a grammar, one in two with a fault in it."""
    plain = seeds.map(lambda seed: make(Random(seed)))
    return plain | st.builds(lambda text, seed: grammar.with_a_fault(text, Random(seed)), plain, seeds)


numbers = st.deferred(
    lambda: (
        st.integers(0, 40).map(str)
        | st.builds("sqrt({})".format, numbers)
        | st.builds("cos({}*pi/{})".format, st.integers(-9, 9), st.integers(0, 200))
        | st.builds("({}){}({})".format, numbers, st.sampled_from(("+", "-", "*", "/")), numbers)
        | st.builds("({})**{}".format, numbers, st.integers(-70, 70))
    )
)
representations = st.deferred(
    lambda: (
        st.sampled_from(("natural", "trivial", "regular", "sign"))
        | st.builds("{}:{}".format, st.sampled_from(("trivial", "grid", "patch")), st.integers(0, 500))
        | st.builds("{}*{}".format, st.integers(0, 500), representations)
        | st.builds("({}){}({})".format, representations, st.sampled_from("+*"), representations)
        | st.builds("dual({})".format, representations)
    )
)
TEXTS = {
    "number": numbers | grown(grammar.number) | st.text(max_size=60),
    "representation": representations | grown(grammar.representation) | st.text(max_size=60),
    "group": grown(grammar.group_name) | st.from_regex(r"(SO|[A-Z])[0-9]{1,6}(x[A-Z][0-9]{1,3}){0,3}", fullmatch=True),
    "unit": grown(grammar.unit) | st.text(max_size=40),
}


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=300))
@MANY
def test_arbitrary_bytes(name: str, data: bytes, tmp_path: Path) -> None:
    check(name, data, tmp_path)


@pytest.mark.parametrize("name", TARGETS)
@given(seed=seeds)
@MANY
def test_valid_files_with_a_change(name: str, seed: int, tmp_path: Path) -> None:
    check_changed(name, seed, tmp_path)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in ("inspect", "report"))) for n in SLOW]
)
@given(seed=seeds)
@FEW
def test_valid_inputs_of_commands_with_a_change(name: str, seed: int, tmp_path: Path) -> None:
    check_changed(name, seed, tmp_path)


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
@MANY
def test_texts_of_a_grammar(name: str, data: st.DataObject, tmp_path: Path) -> None:
    text = data.draw(TEXTS[name])
    head = data.draw(st.sampled_from("0123456789")) if name == "representation" else ""
    check(name, (head + text).encode("utf-8", "surrogatepass"), tmp_path)


@pytest.mark.parametrize("name", JSON_TARGETS)
@given(value=values)
@MANY
def test_json_of_any_shape(name: str, value: Any, tmp_path: Path) -> None:
    check(name, json.dumps(value).encode(), tmp_path)


@pytest.mark.parametrize("name", ["spec", "verify", "generators"])
@given(data=st.data())
@MANY
def test_json_with_a_value_of_another_type(name: str, data: st.DataObject, tmp_path: Path) -> None:
    """A value somewhere in a valid file is another one, which hypothesis can shrink."""
    record = json.loads(data.draw(st.sampled_from(target(name).seeds())))
    key = data.draw(st.sampled_from(sorted(record)))
    record[key] = data.draw(values)
    check(name, json.dumps(record).encode(), tmp_path)


@given(entries=st.lists(TEXTS["number"], min_size=4, max_size=4))
@MANY
def test_generators_of_any_numbers(entries: list[str], tmp_path: Path) -> None:
    matrix = [entries[:2], entries[2:]]
    text = json.dumps({"name": "g", "generators": [{"in": matrix, "out": [["1"]]}]})
    check("generators", text.encode(), tmp_path)


@given(table=st.lists(st.lists(st.floats() | st.text(max_size=4), min_size=1, max_size=4), min_size=1, max_size=4))
@MANY
def test_csv_of_any_cells(table: list[list[float | str]], tmp_path: Path) -> None:
    width = max(map(len, table))
    header = [f"{'xy'[k % 2]}{k // 2}" for k in range(width)]
    rows = "\n".join(",".join(map(str, row)) for row in [header, *table])
    check("csv", rows.encode("utf-8", "surrogatepass"), tmp_path)


def test_changes_reach_every_kind_of_value() -> None:
    """The mutations that all of this rests on do change types, take keys out and nest."""
    tree = {"a": [1, 2.0, "x"], "b": {"c": None}}
    changed = [json.dumps(change_tree(json.loads(json.dumps(tree)), Random(seed))) for seed in range(400)]
    assert len(set(changed)) > 200
    assert any('"b"' not in text for text in changed) and any("[[" in text for text in changed)
