"""Labels that are classes, by their words or by what the user says, and inputs that are categories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.cli.wording import Options
from sharefind.datasets import Roles, Table, load_csv, load_data, load_npz, table_task
from sharefind.datasets.classes import levels_of, looks_like_classes
from sharefind.errors import DataError, worded

N = 60
X = np.random.default_rng(0).normal(size=(N, 2))


def _task(y: Any, **roles: Any) -> Any:
    return table_task(Table({"a": X[:, 0], "b": X[:, 1], "y": np.asarray(y)}), Roles(**({"outputs": "y"} | roles)))


def _refusal(act: Callable[[], object]) -> str:
    with pytest.raises(DataError) as refused:
        act()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_words_as_labels_are_classes_in_a_csv_file(tmp_path: Path) -> None:
    path, rows = (
        tmp_path / "classes.csv",
        [(0.5, 1.5, "mid"), (1.0, 2.0, "high"), (3.0, 4.0, " mid"), (5.0, 6.0, "high")],
    )
    path.write_text("x0,x1,y0\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
    task = load_data(path)
    assert task.x is not None and task.y is not None
    assert task.x.tolist() == [[0.5, 1.5], [1, 2], [3, 4], [5, 6]]
    assert task.y.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0]]
    assert (task.classes, task.outputs, task.out_rep) == (("high", "mid"), ("y0=high", "y0=mid"), "trivial:2")
    assert np.array_equal(load_csv(path)[1], task.y)


@pytest.mark.parametrize("kind", [str, bytes, object])
def test_words_in_an_archive_are_classes(kind: type, tmp_path: Path) -> None:
    words = np.array(["wet", "dry", "dry", "wet"] * 3)
    labels = words.astype("S3") if kind is bytes else words.astype(kind)
    if kind is object:
        task = table_task(Table({"x": np.ones((12, 2)), "y": labels}, is_archive=True))
    else:
        np.savez(tmp_path / "classes.npz", x=np.ones((12, 2)), y=labels[:, None])
        task = load_data(tmp_path / "classes.npz")
        assert np.array_equal(load_npz(tmp_path / "classes.npz")[1], np.asarray(task.y))
    assert task.outputs == ("y=dry", "y=wet")
    assert np.array_equal(np.asarray(task.y)[:, 1] == 1, words == "wet")


def test_missing_values_and_words_among_inputs_are_no_classes(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    for text in ("x0,y0\n1,NA\n", "x0,y0\n1,none\n", "x0,y0\nred,1\n"):
        path.write_text(text)
        assert "is not a number; remove that line or fill the value in" in _refusal(lambda: load_csv(path))


@pytest.mark.parametrize("hole", ["", "NA", "nan", "None", "NULL", "n/a"])
def test_a_missing_class_is_refused_with_its_line(hole: str, tmp_path: Path) -> None:
    (tmp_path / "holes.csv").write_text(f"x0,y0\n1,wet\n\n2,{hole}\n3,dry\n")
    said = _refusal(lambda: load_data(tmp_path / "holes.csv"))
    assert f"{hole!r} on line 4, column 'y0', is a missing value" in said


@pytest.mark.parametrize("hole", [None, "", "NA", float("nan"), " "])
def test_a_missing_class_is_refused_with_its_row(hole: Any) -> None:
    words = np.array(["wet", "dry"] * (N // 2), dtype=object)
    words[7] = hole
    assert "no value in row 7 (counted from 0)" in _refusal(lambda: _task(words))


def test_missing_classes_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    for hole in (pandas.NA, pandas.NaT):
        words = np.array(["wet", "dry"] * (N // 2), dtype=object)
        words[3] = hole
        assert "no value in row 3" in _refusal(lambda words=words: _task(words))


CODES = np.arange(N) % 3


@pytest.mark.parametrize("codes", [CODES == 0, (CODES == 0) * 1, (CODES == 0) * 1.0])
def test_two_values_are_asked_about(codes: np.ndarray) -> None:
    assert "y looks like 2 classes" in _refusal(lambda: _task(codes))


def test_whole_numbers_that_look_like_classes_are_asked_about_in_the_words_of_the_reader(tmp_path: Path) -> None:
    y = np.arange(900) % 10
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=(900, 2)), y=y)
    assert _refusal(lambda: load_data(tmp_path / "d.npz")).endswith(
        'd.npz: y looks like 10 classes: labels="classes" or labels="numbers"'
    )
    with worded(Options()):
        said = _refusal(lambda: load_data(tmp_path / "d.npz"))
    assert said.endswith("d.npz: y looks like 10 classes: --classes or --numbers")
    numbers, classes = (load_data(tmp_path / "d.npz", labels=kind) for kind in ("numbers", "classes"))
    assert (numbers.d_out, numbers.classes, numbers.out_rep, numbers.outputs) == (1, (), None, ("y",))
    assert (classes.d_out, classes.out_rep) == (10, "trivial:10")
    assert np.array_equal(np.asarray(classes.y).argmax(axis=1), y)


def test_what_looks_like_classes() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, size=900).astype(float)
    assert looks_like_classes(classes) == looks_like_classes(classes.astype(int)) == 3
    for other in (rng.normal(size=900), classes[:11], np.zeros(900), rng.integers(0, 30, size=900), classes + 0.5,
                  np.zeros(900, dtype=bool), np.where(classes > 0, 1.0, 3.0)[:7]):  # fmt: skip
        assert looks_like_classes(other) == 0
    assert looks_like_classes(np.array([0, 1])) == looks_like_classes(np.array([True, False])) == 2


def test_several_columns_of_labels_are_numbers_unless_they_are_called_classes() -> None:
    one_hot = {f"k{k}": (k == CODES) * 1.0 for k in range(3)}
    table = Table({"a": X[:, 0], **one_hot})
    assert table_task(table, Roles(inputs="a")).classes == ()
    task = table_task(table, Roles(inputs="a", labels="classes"))
    assert (task.classes, task.outputs, task.out_rep) == (("k0", "k1", "k2"), ("k0", "k1", "k2"), "trivial:3")
    for row in ([1, 1, 0], [0, 0, 0], [0.5, 0.5, 0], [2, 0, 0]):
        broken = {name: np.concatenate([[row[k]], values[1:]]) for k, (name, values) in enumerate(one_hot.items())}
        said = _refusal(lambda broken=broken: table_task(Table({"a": X[:, 0], **broken}),
                                                         Roles(inputs="a", labels="classes")))  # fmt: skip
        assert "row 0 (counted from 0) has labels" in said and "k2=0" in said


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30), st.booleans())
def test_levels_are_sorted_by_size_also_where_they_are_written(values: list[int], is_text: bool) -> None:
    column = np.array([str(v) for v in values] if is_text else values)
    levels = levels_of(column, "y", "t")
    assert [int(name) for name in levels.names] == sorted(set(values))
    assert [int(levels.names[code]) for code in levels.codes] == values
    assert np.array_equal(levels.one_hot.sum(axis=1), np.ones(len(values)))


def test_numbers_from_cells_and_from_arrays_are_the_same_classes(tmp_path: Path) -> None:
    codes = (np.arange(60) * 7) % 12
    (tmp_path / "c.csv").write_text("x0,y0\n" + "".join(f"{k}.5,{code}\n" for k, code in enumerate(codes)))
    task = load_data(tmp_path / "c.csv", labels="classes")
    assert task.classes == tuple(map(str, range(12)))
    assert np.array_equal(np.asarray(task.y).argmax(axis=1), codes)


def test_categories_become_columns_with_names(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "size,colour,grade,y\n" + "1,red,10,0.5\n2,blue,9,0.25\n3,red,9,0.125\n4,green,10,1\n"
    )
    task = load_data(tmp_path / "c.csv", outputs="y", categorical="grade,colour")
    assert task.inputs == ("size", "colour=blue", "colour=green", "colour=red", "grade=9", "grade=10")
    assert np.asarray(task.x).tolist() == [
        [1, 0, 0, 1, 0, 1], [2, 1, 0, 0, 1, 0], [3, 0, 0, 1, 1, 0], [4, 0, 1, 0, 0, 1]
    ]  # fmt: skip
