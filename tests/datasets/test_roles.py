"""Roles of columns, the same in every format; and wrong uses, each of which is one clear line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.cli.options import DISCOVER
from sharefind.datasets import Roles, Table, load_data, read_table, table_task
from sharefind.datasets.data_formats import FORMATS, any_file
from sharefind.errors import DataError
from sharefind.groups.axes import Axes
from sharefind.limits import Limits

N = 24
RNG = np.random.default_rng(0)
WELLS: Mapping[str, np.ndarray] = {
    "well_a_m": 12 + RNG.normal(size=N),
    "well_b_m": 12 + RNG.normal(size=N),
    "site": np.array(["north", "south", "west"] * (N // 3)),
    "flow, l/s": RNG.normal(size=N),
    "pressure_Pa": 1e5 + 1e3 * RNG.normal(size=N),
    "well_c_m": 12 + RNG.normal(size=N),
    "state": np.array(["wet", "dry"] * (N // 2)),
}


def _csv(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    header = ",".join(f'"{name}"' for name in columns)
    rows = [",".join(str(v) for v in row) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def _npz(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    np.savez(path, **columns)


def _npy(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    table = np.empty(len(next(iter(columns.values()))), dtype=[(name, c.dtype) for name, c in columns.items()])
    for name, column in columns.items():
        table[name] = column
    np.save(path, table)


def _parquet(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    parquet, pyarrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    parquet.write_table(pyarrow.table({name: column.tolist() for name, column in columns.items()}), path)


def _feather(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    feather, pyarrow = pytest.importorskip("pyarrow.feather"), pytest.importorskip("pyarrow")
    feather.write_feather(pyarrow.table({name: column.tolist() for name, column in columns.items()}), path)


WRITERS: dict[str, Callable[[Path, Mapping[str, np.ndarray]], None]] = {
    ".csv": _csv, ".npz": _npz, ".npy": _npy, ".parquet": _parquet, ".feather": _feather
}  # fmt: skip


@pytest.fixture(params=WRITERS)
def wells(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same table in each format."""
    path = tmp_path / f"wells{request.param}"
    WRITERS[request.param](path, WELLS)
    return path


def _stacked(*names: str) -> np.ndarray:
    return np.stack([WELLS[name] for name in names], axis=1)


def test_every_format_is_tested_and_told() -> None:
    assert set(WRITERS) == {kind.suffix for kind in FORMATS}
    (choice,) = (c for choices in DISCOVER.values() for c in choices if c.name == "data")
    assert choice.help.lower().startswith(any_file())


def test_a_table_is_read_by_name(wells: Path) -> None:
    table = read_table(wells)
    assert table.names == table.header == tuple(WELLS)
    for name, column in WELLS.items():
        assert table.columns[name].tolist() == column.tolist()


def test_globs_names_and_order(wells: Path) -> None:
    task = load_data(wells, inputs="well_*_m,pressure_Pa", outputs='"flow, l/s"')
    assert task.inputs == ("well_a_m", "well_b_m", "well_c_m", "pressure_Pa")
    assert (task.outputs, task.classes, task.out_rep, task.name) == (("flow, l/s",), (), None, "wells")
    assert np.array_equal(task.arrays()[0], _stacked(*task.inputs))
    assert np.array_equal(task.arrays()[1], _stacked("flow, l/s"))


def test_ranges_and_positions(wells: Path) -> None:
    by_name = load_data(wells, inputs='"flow, l/s"..well_c_m', outputs="0..1")
    assert by_name.inputs == ("flow, l/s", "pressure_Pa", "well_c_m") and by_name.outputs == ("well_a_m", "well_b_m")
    by_place = load_data(wells, inputs="3..5", outputs="0,1")
    for ours, others in zip(by_name.arrays(), by_place.arrays(), strict=True):
        assert np.array_equal(ours, others)


def test_the_other_columns_are_of_the_other_side(wells: Path) -> None:
    rest = ("well_a_m", "well_b_m", "pressure_Pa", "well_c_m")
    task = load_data(wells, outputs='"flow, l/s"', drop="state", rows_of="site")
    assert task.inputs == rest and task.units is not None and task.units.tolist() == [0, 1, 2] * (N // 3)
    task = load_data(wells, inputs='"flow, l/s"', drop="s*")
    assert task.outputs == rest
    task = load_data(wells, inputs="well_*", drop="well_b_m", outputs="3")
    assert task.inputs == ("well_a_m", "well_c_m")


def test_classes_and_categories(wells: Path) -> None:
    task = load_data(wells, outputs="state", categorical="site")
    assert task.classes == ("dry", "wet") and task.outputs == ("state=dry", "state=wet") and task.out_rep == "trivial:2"
    sites = ("site=north", "site=south", "site=west")
    assert task.inputs == ("well_a_m", "well_b_m", *sites, "flow, l/s", "pressure_Pa", "well_c_m")
    x, y = task.arrays()
    assert np.array_equal(x[:, 2:5].argmax(axis=1), np.arange(N) % 3) and np.array_equal(
        x[:, 2:5].sum(axis=1), np.ones(N)
    )
    assert np.array_equal(y[:, 1] == 1, WELLS["state"] == "wet")


def test_a_file_and_a_table_in_memory_are_the_same_task(wells: Path) -> None:
    roles = Roles(inputs="well_*", outputs="state")
    ours, others = load_data(wells, roles=roles), table_task(Table(WELLS), roles)
    assert (ours.inputs, ours.outputs, ours.classes) == (others.inputs, others.outputs, others.classes)
    for mine, theirs in zip(ours.arrays(), others.arrays(), strict=True):
        assert np.array_equal(mine, theirs)
    whole = table_task(read_table(wells), roles)
    assert np.array_equal(whole.arrays()[0], ours.arrays()[0])
    partly = read_table(wells, roles=Roles(drop="0"))
    assert partly.header == tuple(WELLS) and partly.names == tuple(WELLS)[1:]
    assert table_task(partly, Roles(inputs="1", outputs="3")).inputs == ("well_b_m",)


def test_what_is_not_chosen_is_not_looked_at(wells: Path, tmp_path: Path) -> None:
    """Cells that are no numbers, and sizes above the limit, are of no account in columns that no role has."""
    columns = {**WELLS, "odd": np.array(["1"] * 9 + ["x"] * (N - 9)), "hole": np.where(np.arange(N) == 3, np.nan, 1.0)}
    path = tmp_path / f"odd{wells.suffix}"
    WRITERS[wells.suffix](path, columns)
    assert load_data(path, inputs="well_*", outputs="3").n == N
    with pytest.raises(DataError, match="hole"):
        load_data(path, inputs="well_*", outputs="hole")


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".feather"])
def test_limits_count_what_is_chosen(suffix: str, tmp_path: Path) -> None:
    path, rows = tmp_path / f"wide{suffix}", 50_000
    WRITERS[suffix](path, {f"c{k}": np.zeros(rows) for k in range(4)})
    needed = max(path.stat().st_size, 2 * 8 * rows if suffix != ".feather" else 4 * 8 * rows + 4096)
    assert load_data(path, Limits(file_size=needed), inputs="c0", outputs="c1").n == rows
    with pytest.raises(DataError, match="above the limit of"):
        load_data(path, Limits(file_size=2 * 8 * rows - 1), inputs="c0", outputs="c1")


def test_integers_and_booleans_keep_their_values(wells: Path, tmp_path: Path) -> None:
    if wells.suffix == ".csv":
        pytest.skip("a cell has no type")
    columns = {"i": np.arange(N) + 5, "b": np.arange(N) % 2 == 0, "y": np.linspace(0, 1, N)}
    path = tmp_path / f"kinds{wells.suffix}"
    WRITERS[wells.suffix](path, columns)
    task = load_data(path, outputs="y")
    assert np.array_equal(task.arrays()[0], np.stack([columns["i"], columns["b"]], axis=1))
    with pytest.raises(DataError, match="b looks like 2 classes"):
        load_data(path, outputs="b")


def test_arrays_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    x, cube, y = RNG.normal(size=(N, 6)), RNG.normal(size=(N, 2, 3)), RNG.normal(size=N)
    np.savez(path, x=x, cube=cube, y=y, note=np.ones(1), obj=np.array([{}], dtype=object))
    task = load_data(path)
    assert task.inputs == tuple(f"x{k}" for k in range(6)) and task.outputs == ("y",) and task.in_axes is None
    beside = load_data(path, inputs="x,y", outputs="cube", out_axes="a b")
    assert beside.inputs == (*(f"x{k}" for k in range(6)), "y")
    assert beside.outputs[:4] == ("cube[0,0]", "cube[0,1]", "cube[0,2]", "cube[1,0]")
    assert beside.out_axes == Axes(("a", "b"), (2, 3)) and np.array_equal(beside.arrays()[1], cube.reshape(N, 6))
    shaped = load_data(path, inputs="cube", outputs="y", axes="points coords")
    assert shaped.in_axes == Axes(("points", "coords"), (2, 3)) and shaped.inputs[-1] == "cube[1,2]"
    flat = load_data(path, axes="points coords", shape="3x2")
    assert flat.in_axes == Axes(("points", "coords"), (3, 2)) and flat.inputs[1] == "x[0,1]"


def test_axes_of_named_columns_keep_their_names(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    _csv(path, {**{f"p{k}": RNG.normal(size=N) for k in range(4)}, "e": RNG.normal(size=N)})
    task = load_data(path, outputs="e", axes="points coords", shape="2x2")
    assert task.in_axes == Axes(("points", "coords"), (2, 2)) and task.inputs == ("p0", "p1", "p2", "p3")


def test_a_matrix_has_numbered_columns(tmp_path: Path) -> None:
    path = tmp_path / "d.npy"
    np.save(path, RNG.normal(size=(N, 4)))
    task = load_data(path, inputs="0..2", outputs="3")
    assert task.inputs == ("column0", "column1", "column2") and task.outputs == ("column3",)


def test_a_column_without_a_name_is_used_only_when_it_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(",a,b\n0,1.5,2\n1,2.5,3\n")
    with pytest.raises(DataError, match=r"column 0 .* has no name and may be a row number; leave it out with drop 0"):
        load_data(path, outputs="b")
    assert load_data(path, outputs="b", drop="0").inputs == ("a",)
    assert load_data(path, outputs="b", inputs="0,a").inputs == ("0", "a")
    assert read_table(path).names == ("0", "a", "b")


TABLE = {
    "day": np.array([f"2024-01-0{1 + k % 9}" for k in range(N)]),
    **WELLS,
    "id": np.array([f"r{k}" for k in range(N)]),
    "half": np.arange(N) / 2,
    "one": np.ones(N),
    "count": np.arange(N) % 2,
}

WRONG: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
    ({}, ("unknown column 'day'", "say which are inputs and which are labels", "inputs", "outputs 'count'")),
    ({"inputs": "well_d_m", "outputs": "one"}, ("no column 'well_d_m' for inputs", "did you mean 'well_")),
    ({"inputs": "zzzzzz"}, ("no column 'zzzzzz' for inputs", "the file has")),
    ({"inputs": "tank_*", "outputs": "one"}, ("inputs", "no column matches 'tank_*'", "the file has")),
    ({"inputs": "well_[x-z]*", "outputs": "one"}, ("no column matches",)),
    ({"inputs": "half,one", "outputs": "half"}, ("'half' is in inputs and in outputs", "take it out")),
    ({"inputs": "half,half", "outputs": "one"}, ("gives 'half' twice", "once")),
    ({"inputs": "well_a_m,well_*", "outputs": "one"}, ("gives 'well_a_m' twice",)),

    ({"inputs": "half,99", "outputs": "one"}, ("there is no column 99", "positions run from 0 to 11")),
    ({"inputs": "", "outputs": "one"}, ("inputs ''", "empty item")),
    ({"inputs": "half,,one"}, ("'half,,one'", "empty item")),
    ({"inputs": "half,"}, ("empty item",)),
    ({"inputs": "  "}, ("empty item",)),
    ({"outputs": ","}, ("outputs", "empty item")),
    ({"inputs": "well_c_m..well_a_m"}, ("'well_c_m' stands behind 'well_a_m'", "well_a_m..well_c_m")),
    ({"inputs": "5..2"}, ("write the range as",)),
    ({"inputs": "well_a_m..nowhere"}, ("no column 'nowhere' for inputs",)),
    ({"inputs": ".."}, ("needs both ends",)),
    ({"inputs": 'flow, l/s', "outputs": "one"}, ("no column 'flow' for inputs", "did you mean 'flow, l/s'")),
    ({"inputs": '"flow, l/s', "outputs": "one"}, ("double quote without its partner",)),
    ({"inputs": '"half"x', "outputs": "one"}, ("half in double quotes",)),
    ({"inputs": "half", "outputs": "one", "drop": "nothing_such"}, ("no column 'nothing_such' for drop",)),
    ({"inputs": "half", "outputs": "one", "drop": "half"}, ("'half' stands in inputs and in drop",)),
    ({"inputs": "well_*", "outputs": "one", "drop": "well_*"}, ("drop leaves nothing of it",)),
    ({"inputs": "0..11"}, ("inputs leaves no column for outputs",)),
    ({"inputs": "half", "outputs": "one", "rows_of": "half"}, ("'half' is a part of x or y", "rows_of")),
    ({"inputs": "half", "outputs": "one", "rows_of": "sight"}, ("no column 'sight' for rows_of", "'site'?")),
    ({"inputs": "half", "outputs": "one", "rows_of": "one"}, ("is a part of x or y",)),
    ({"inputs": "half", "outputs": "count", "rows_of": "one", "labels": "numbers"}, ("are one unit",)),
    ({"inputs": "half,site", "outputs": "one"}, ("site", "categorical", "drop")),
    ({"outputs": "one", "drop": "day,id"}, ("categorical", "drop")),
    ({"inputs": "half,day", "outputs": "one"}, ("day", "drop")),
    ({"inputs": "half", "outputs": "day"}, ("'day' holds dates or times",)),
    ({"inputs": "half,id", "outputs": "one", "categorical": "id"}, ("'id' in categorical has 24 different values",)),
    ({"inputs": "half", "outputs": "one", "categorical": "half"}, ("'half' in categorical holds 0.5",)),
    ({"inputs": "half", "outputs": "one", "categorical": "site"}, ("'site' in categorical is no input",)),
    ({"inputs": "half", "outputs": "site", "categorical": "site"}, ("'site' in categorical is a label",)),
    ({"inputs": "half", "outputs": "one", "categorical": "zz*"}, ("no column matches 'zz*'",)),
    ({"inputs": "half", "outputs": "count"}, ("count looks like 2 classes", 'labels="classes" or labels="numbers"')),
    ({"inputs": "half", "outputs": "state", "labels": "numbers"}, ("'state' among the labels holds words",)),
    ({"inputs": "half", "outputs": "state,site"}, ("there are 2 columns of labels", "one column of classes")),
    ({"inputs": "half", "outputs": "state,one"}, ("there are 2 columns of labels",)),
    ({"inputs": "half", "outputs": "one", "labels": "classes"}, ("all 24 labels 'one' are '1'", "two classes")),
    ({"inputs": "half", "outputs": "id"}, ("'id' has 24 classes in 24 rows", "half as many")),
    ({"inputs": "one", "outputs": "half", "labels": "classes"}, ("'half' has 24 classes in 24 rows", "labels")),
    ({"inputs": "half", "outputs": "one,count", "labels": "classes"}, ("row 1 (counted from 0) has labels",)),
    ({"inputs": "half", "outputs": "one", "shape": "1x1"}, ("gives lengths to axes without names",)),
    ({"inputs": "half", "outputs": "one", "axes": "a b c", "shape": "1x1"}, ("names 3 axes",)),
    ({"inputs": "well_*", "outputs": "one", "axes": "a b", "shape": "2x2"}, ("has 4 entries", "3")),
    ({"inputs": "well_*", "outputs": "one", "axes": "a b", "shape": "3x"}, ("is not a shape",)),
    ({"inputs": "well_*", "outputs": "state", "out_axes": "a b", "out_shape": "3x1"}, ("out_shape 3x1", "2")),
)  # fmt: skip


@pytest.mark.parametrize("k", range(len(WRONG)))
def test_wrong_uses(k: int, tmp_path: Path) -> None:
    """In a csv file, and for a table in memory, where the words are the same but for what a reader says of a cell."""
    path = tmp_path / "d.csv"
    _csv(path, TABLE)
    roles, words = WRONG[k]
    for act in (lambda: load_data(path, roles=Roles(**roles)), lambda: table_task(Table(TABLE), Roles(**roles))):
        with pytest.raises(DataError) as refused:
            act()
        said = str(refused.value)
        assert "\n" not in said and all(word in said for word in words), said
        assert said.startswith((f"{path}: ", "the data: ", "shape", "axes", "out_shape", "out_axes")), said


@pytest.mark.parametrize(
    ("arrays", "roles", "words"),
    [
        ({"a": 3}, {}, ("no array 'x', it holds 'a'", "a file with inputs and labels")),
        ({"a": 3, "b": 3}, {}, ("no array 'x', it holds 'a, b'", "inputs 'a' outputs 'b'")),
        ({"x": 3, "b": 3}, {}, ("no array 'y'", "inputs 'x' outputs 'b'")),
        ({"x": 3, "y": 4}, {}, ("x has 3 rows but y has 4",)),
        ({"x": (3, 2, 2), "y": 3}, {}, ("a row of x has shape 2x2", "name its axes", "axes")),
        ({"x": (3, 2, 2), "z": 3, "y": 3}, {"inputs": "x,z"}, ("x has rows of several axes", "choose it alone")),
        ({"x": (3, 2), "x0": 3, "y": 3}, {"outputs": "y"}, ("two columns are called 'x0'",)),
        ({"x": (), "y": 3}, {}, ("'x' is a single value",)),
        ({"x": (0, 2), "y": (0, 1)}, {}, ("x is empty, its shape is (0, 2)",)),
        ({"x": (3, 0), "y": (3, 1)}, {}, ("x is empty",)),
        ({"x": (3, 2), "y": 3}, {"categorical": "x"}, ("'x' has shape (3, 2); give one value for each row",)),
        ({"x": (3, 2), "y": 3}, {"delimiter": ";"}, ("delimiter is for .csv files, and this is .npz",)),
        ({"x": (3, 2), "y": 3}, {"decimal": ","}, ("decimal is for .csv files",)),
    ],
)  # fmt: skip
def test_wrong_uses_of_archives(
    arrays: dict[str, Any], roles: dict[str, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, **{name: RNG.normal(size=shape) for name, shape in arrays.items()})
    with pytest.raises(DataError) as refused:
        load_data(path, roles=Roles(**roles))
    assert "\n" not in str(refused.value) and all(word in str(refused.value) for word in words), str(refused.value)


def test_dates_complex_numbers_and_objects_are_refused(tmp_path: Path) -> None:
    days, y = np.arange(N).astype("datetime64[D]"), np.linspace(0, 1, N)
    for values, words in ((days, "holds dates or times"), (y * 1j, "complex128"), (np.array([{}] * N), "object")):
        with pytest.raises(DataError, match=words):
            table_task(Table({"a": values, "y": y}), Roles(outputs="y"))
    parquet, pyarrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    parquet.write_table(pyarrow.table({"a": days, "y": y}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"column 'a' has type date32.*; make it numeric, such as seconds"):
        load_data(tmp_path / "d.parquet", outputs="y")
    assert read_table(tmp_path / "d.parquet").columns["a"].dtype.kind == "M"


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a,a,b\n1,2,3\n4,5,6\n")
    for roles in ({"outputs": "b"}, {"inputs": "a"}, {"inputs": "0,1"}):
        with pytest.raises(DataError, match="column 'a' is given twice"):
            load_data(path, **roles)
    assert load_data(path, inputs="1", outputs="b").arrays()[0].tolist() == [[2], [5]]


def test_nothing_is_said_of_named_tasks() -> None:
    for name, value in (
        ("inputs", "x0"),
        ("labels", "numbers"),
        ("categorical", "x0"),
        ("drop", "0"),
        ("decimal", ","),
    ):
        with pytest.raises(DataError, match=f"{name}.* is about columns of a file, and c2-wi is none; leave it out"):
            load_data("c2-wi", **{name: value})
    assert load_data("tic-tac-toe", axes="rows cols", shape="3x3").in_axes == Axes(("rows", "cols"), (3, 3))
