"""JSON: what is written comes back bit for bit, and what was never written is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.architectures import SharingSpec, certify, from_json, read_spec, to_json, write_json
from sharefind.errors import ExportError, InputError
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Block, Subspace

CASES = [
    ("C2", "natural", "natural", "matrix:logistic"),
    ("S4", "natural", "natural", "matrix+bias:logistic"),
    ("B3", "natural", "natural", "matrix:tanh"),
    ("R5", "natural", "regular", "matrix+bias:tanh"),
    ("O3", "natural*natural", "trivial", "matrix:tanh"),
    ("C1", "natural", "trivial:2", "matrix:tanh"),
]

names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
floats = st.floats(-1e3, 1e3, allow_nan=False)


@st.composite
def tied_specs(draw: st.DrawFn) -> SharingSpec:
    """Any tying pattern on any widths, with the trivial group, which fixes every space."""
    d_in, d_out = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    bias = draw(st.booleans())
    blocks = (Block("weight", (d_out, d_in)), *([Block("bias", (d_out,))] if bias else []))
    size = d_out * (d_in + bias)
    labels = draw(st.lists(st.integers(-size, size), min_size=size, max_size=size))
    shift = np.array(draw(st.lists(floats, min_size=d_out, max_size=d_out)))
    scale = draw(st.floats(1e-3, 1e3))
    centre = np.array(draw(st.lists(floats, min_size=d_in, max_size=d_in)))
    change = Standardisation(np.eye(d_in) * draw(st.floats(0.01, 100)), shift, scale, centre)
    unit = f"matrix{'+bias' if bias else ''}:{draw(st.sampled_from(['logistic', 'tanh']))}"
    return SharingSpec(
        draw(names), unit, draw(st.integers(1, 10**6)), blocks, draw(names), 1, draw(names), draw(names), (),
        Subspace.from_tying(labels), change,
    )  # fmt: skip


@given(tied_specs())
def test_every_tied_specification_comes_back_equal_with_the_same_bytes(spec: SharingSpec) -> None:
    text = to_json(spec)
    back = from_json(text)
    assert back == spec and hash(back) == hash(spec)
    assert to_json(back) == text
    assert back.space == spec.space
    assert np.array_equal(back.change.shift, spec.change.shift) and back.change.scale == spec.change.scale
    assert np.array_equal(back.change.centre, spec.change.centre)
    moved = replace(spec, change=replace(spec.change, centre=spec.change.centre + 1))
    assert moved != spec and from_json(to_json(moved)) == moved


def test_a_file_without_a_centre_is_of_inputs_that_were_not_moved(make_spec: Callable[..., SharingSpec]) -> None:
    spec = make_spec("C2", "natural", "natural", "matrix:logistic")
    moved = replace(spec, change=replace(spec.change, centre=np.full(2, 300.0)))
    assert '"centre"' not in to_json(spec) and from_json(to_json(spec)) == spec
    assert from_json(_edited(to_json(moved), lambda record: record["change"].pop("centre"))) == spec
    for bad in ([1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], ["1", "2"], 3.0, [1e101, 1e101]):
        with pytest.raises(InputError, match=r"change\.centre"):
            from_json(_edited(to_json(moved), lambda record, bad=bad: record["change"].update(centre=bad)))


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_groups_come_back_with_their_certificate(case: tuple[str, ...], make_spec: Callable[..., SharingSpec]) -> None:
    spec = make_spec(*case)
    back = from_json(to_json(spec))
    assert back == spec and to_json(back) == to_json(spec)
    assert certify(back) == certify(spec)


def test_a_numerical_space_keeps_every_bit(make_spec: Callable[..., SharingSpec]) -> None:
    vectors = np.random.default_rng(0).standard_normal((2, 4))
    spec = make_spec("C1", "trivial:2", "trivial:2", "matrix:tanh", Subspace.numerical(vectors))
    back = from_json(to_json(spec))
    assert back == spec and not back.space.is_exact
    assert np.array_equal(back.space.orthonormal(), spec.space.orthonormal())
    assert to_json(back) == to_json(spec)


def test_different_specifications_differ(make_spec: Callable[..., SharingSpec]) -> None:
    spec = make_spec("C2", "natural", "natural", "matrix:logistic")
    other = make_spec("C2", "natural", "natural", "matrix:tanh")
    assert spec != other and spec != "C2"


def _edited(text: str, edit: Callable[[dict[str, Any]], object]) -> str:
    record = json.loads(text)
    edit(record)
    return json.dumps(record)


def _flat(matrix: list[list[str]]) -> None:
    matrix[0] = matrix[0][:1]


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "schema": lambda r: r.update(schema="sharefind.spec/2"),
    "missing space": lambda r: r.pop("space"),
    "missing change.scale": lambda r: r["change"].pop("scale"),
    "unknown key": lambda r: r.update(colour="red"),
    "particles 0": lambda r: r.update(particles=0),
    "particles true": lambda r: r.update(particles=True),
    "particles 2.5": lambda r: r.update(particles=2.5),
    "order 0": lambda r: r["group"].update(order=0),
    "lie generators of a finite group": lambda r: r.update(lie_generators=r["generators"]),
    "unit": lambda r: r.update(unit="matrix:relu"),
    "bias unit without its block": lambda r: r.update(unit="matrix+bias:tanh"),
    "no blocks": lambda r: r.update(blocks=[]),
    "empty block": lambda r: r["blocks"][0].update(shape=[0, 2]),
    "vector block": lambda r: r["blocks"][0].update(shape=[4]),
    "block of another name": lambda r: r["blocks"][0].update(name="kernel"),
    "ragged generator": lambda r: _flat(r["generators"][0]["in"]),
    "generator as numbers": lambda r: r["generators"][0].update({"in": [[0, 1], [1, 0]]}),
    "code in a generator": lambda r: r["generators"][0].update({"in": [["__import__('os')", "0"], ["0", "1"]]}),
    "generator of another size": lambda r: r["generators"][0].update({"out": [["1"]]}),
    "space of another dimension": lambda r: r.update(space=Subspace.full(5).to_json()),
    "space without labels": lambda r: r["space"].pop("labels"),
    "space of floats": lambda r: r["space"].update(labels=[1.0, 2.0, 2.0, 1.0]),
    "ragged change": lambda r: r["change"].update(matrix=[[1.0, 0.0], [0.0]]),
    "change of another size": lambda r: r["change"].update(matrix=[[1.0]]),
    "singular change": lambda r: r["change"].update(matrix=[[1.0, 1.0], [1.0, 1.0]]),
    "infinite shift": lambda r: r["change"].update(shift=[float("inf"), 0.0]),
    "nan": lambda r: r["change"].update(scale=float("nan")),
    "scale 0": lambda r: r["change"].update(scale=0.0),
    "two lines in a name": lambda r: r.update(name="a\nb"),
    "empty name": lambda r: r.update(in_rep=""),
    "long name": lambda r: r.update(name="x" * 501),
}


@pytest.mark.parametrize("edit", REFUSED.values(), ids=REFUSED.keys())
def test_other_texts_are_refused_in_one_line(
    edit: Callable[[dict[str, Any]], object], make_spec: Callable[..., SharingSpec]
) -> None:
    text = to_json(make_spec("C2", "natural", "natural", "matrix:logistic"))
    with pytest.raises(InputError) as caught:
        from_json(_edited(text, edit))
    assert str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"sharefind.spec/1"', "[" * 100_000], ids=repr)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        from_json(text)
    assert "\n" not in str(caught.value)


def test_a_file_is_written_once_verified_and_read_back(tmp_path: Path, make_spec: Callable[..., SharingSpec]) -> None:
    spec = make_spec("D4", "patch:3", "trivial", "matrix:tanh")
    path = tmp_path / "spec.json"
    write_json(spec, path)
    assert path.read_text() == to_json(spec)
    assert read_spec(path) == spec
    with pytest.raises(ExportError):
        write_json(make_spec("C2", "natural", "natural", "matrix:tanh", Subspace.full(4)), tmp_path / "no.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["spec.json"]


def test_files_that_hold_no_specification_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.json", "empty.json", "binary.json", "."):
        with pytest.raises(InputError) as caught:
            read_spec(tmp_path / name)
        assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
