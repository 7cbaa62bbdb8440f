"""Files: what is read, and one line for everything that is not."""

import builtins
import io
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sharefind.datasets import Roles, finite_task, load_csv, load_data, load_npz, load_parquet
from sharefind.datasets.data_file import Choose, DataFile, DataFormat, RawColumns
from sharefind.datasets.data_formats import read_columns
from sharefind.errors import DataError

X = np.arange(12.0).reshape(4, 3)
Y = np.arange(8.0).reshape(4, 2) / 3


def _refused(read: Callable[[Path], object], path: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    assert all(word in message for word in words), message


def _csv(folder: Path, text: str) -> Path:
    path = folder / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(x=arrays(np.float64, (3, 2), elements=finite), y=arrays(np.float64, (3, 1), elements=finite))
def test_files_give_back_every_float_exactly(
    tmp_path_factory: pytest.TempPathFactory, x: np.ndarray, y: np.ndarray
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    np.savez(folder / "data.npz", x=x, y=y)
    rows = [",".join(map(repr, map(float, row))) for row in np.hstack([x, y])]
    path = _csv(folder, "\n".join(["x0,x1,y0", *rows]) + "\n")
    for read_x, read_y in (load_npz(folder / "data.npz"), load_csv(path)):
        np.testing.assert_array_equal(read_x, x)
        np.testing.assert_array_equal(read_y, y)


def test_npz_ignores_other_arrays_and_takes_integers(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "data.npz", x=X.astype(int), y=Y, note=np.ones(1))
    x, y = load_npz(tmp_path / "data.npz")
    assert x.dtype == y.dtype == np.float64
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("read", [load_npz, load_csv, load_parquet])
def test_files_that_are_missing_empty_or_folders(read: Callable[[Path], object], tmp_path: Path) -> None:
    _refused(read, tmp_path / "missing.npz", "no such file")
    _refused(read, tmp_path, "not a file")
    (tmp_path / "empty.npz").touch()
    _refused(read, tmp_path / "empty.npz", "empty")


@pytest.mark.parametrize("missing", ["x", "y"])
def test_npz_without_a_key(tmp_path: Path, missing: str) -> None:
    held = {"x": X, "y": Y, "z": X}
    del held[missing]
    np.savez(tmp_path / "data.npz", **held)
    _refused(load_npz, tmp_path / "data.npz", f"no array '{missing}'", "z")


def test_npz_without_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz")
    _refused(load_npz, tmp_path / "data.npz", "no array 'x'", "nothing")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


def test_npz_is_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("objects.npz", x=np.array([[_Bomb()]], dtype=object), y=Y)
    _refused(load_npz, Path("objects.npz"), "x", "object")
    Path("plain.npz").write_bytes(pickle.dumps(_Bomb()))
    _refused(load_npz, Path("plain.npz"), "not an .npz file")
    with zipfile.ZipFile("member.npz", "w") as archive:
        archive.writestr("x.npy", pickle.dumps(_Bomb()))
        archive.writestr("y.npy", pickle.dumps(_Bomb()))
    _refused(load_npz, Path("member.npz"))
    assert not Path("unpickled").exists()


def test_npz_that_is_damaged(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, x=X, y=Y)
    damaged = bytearray(buffer.getvalue())
    damaged[60:200] = b"\xff" * 140
    (tmp_path / "data.npz").write_bytes(damaged)
    _refused(load_npz, tmp_path / "data.npz")
    (tmp_path / "text.npz").write_text("x,y\n1,2\n")
    _refused(load_npz, tmp_path / "text.npz", "not an .npz file")


def test_csv_columns_come_in_any_order(tmp_path: Path) -> None:
    path = _csv(tmp_path, "\ufeffy0, x1 ,x0\n1,2,3\n\n4,5,6e-1\n")
    x, y = load_csv(path)
    np.testing.assert_array_equal(x, [[3, 2], [0.6, 5]])
    np.testing.assert_array_equal(y, [[1], [4]])


def test_csv_has_more_than_ten_columns_in_numerical_order(tmp_path: Path) -> None:
    header = [f"x{i}" for i in range(12)] + ["y0"]
    x, _ = load_csv(_csv(tmp_path, ",".join(header) + "\n" + ",".join(map(str, range(13))) + "\n"))
    np.testing.assert_array_equal(x, [range(12)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x0,y0\n", ("no rows",)),
        ("\n\n", ("no column 'x0'",)),
        ("1,2\n3,4\n", ("unknown column '1'",)),
        ("x0,x1\n1,2\n", ("no column 'y0'",)),
        ("y0\n1\n", ("no column 'x0'",)),
        ("x0,x2,y0\n1,2,3\n", ("no column 'x1'",)),
        ("x1,y0\n1,2\n", ("no column 'x0'",)),
        ("x0,x0,y0\n1,2,3\n", ("'x0' is given twice",)),
        ("id,x0,y0\n1,2,3\n", ("unknown column 'id'",)),
        ("x00,y0\n1,2\n", ("unknown column 'x00'",)),
        ("x0,y0\n1,2\n3\n", ("line 3 has 1 cells", "header has 2")),
        ("x0,y0\n1,2,3\n", ("line 2 has 3 cells",)),
        ("x0,y0\n1,2\n3,four\n", ("'four' on line 3", "'y0'")),
        ("x0,y0\n,2\n", ("'' on line 2", "'x0'")),
        ("x0,y0\n1,2\nnan,3\n", ("'nan' on line 3", "'x0'")),
        ("x0,y0\n1,-inf\n", ("'-inf' on line 2", "'y0'")),
        ('x0,y0\n"1,2\n', ("cannot be read",)),
    ],
)
def test_csv_refusals(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    _refused(load_csv, _csv(tmp_path, text), *words)


def test_csv_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"x0,y0\n\xff\xfe,1\n")
    _refused(load_csv, tmp_path / "data.csv", "not written in UTF-8")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    _refused(load_parquet, tmp_path / "data.parquet", "pyarrow", "sharefind[parquet]")


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "data.parquet"

    def write(**columns: list[Any]) -> None:
        parquet.write_table(pyarrow.table(columns), path)

    write(y0=[1, 2], x1=[0.5, 1.5], x0=[3, 4])
    x, y = load_parquet(path)
    np.testing.assert_array_equal(x, [[3, 0.5], [4, 1.5]])
    np.testing.assert_array_equal(y, [[1], [2]])
    write(x0=[1, None], y0=[1, 2])
    _refused(load_parquet, path, "x is nan", "row 1, column 0")
    write(x0=["a", "b"], y0=[1, 2])
    _refused(load_parquet, path, "'x0'", "string")
    write(x0=[1, 2])
    _refused(load_parquet, path, "no column 'y0'")
    path.write_bytes(b"PAR1 and then nothing")
    _refused(load_parquet, path, "cannot be read")


def test_load_data_reads_by_suffix(tmp_path: Path) -> None:
    np.savez(tmp_path / "Mine.npz", x=X, y=Y)
    task = load_data(tmp_path / "Mine.npz")
    assert (task.name, task.d_in, task.d_out, task.n, task.is_fresh) == ("Mine", 3, 2, 4, False)
    assert (task.in_rep, task.out_rep, task.unit, task.tolerance) == (None, None, None, 0.0)
    assert load_data(_csv(tmp_path, "x0,y0\n1,2\n")).n == 1
    (tmp_path / "data.txt").write_text("1 2")
    _refused(load_data, tmp_path / "data.txt", ".npz, .csv, .parquet")
    _refused(load_data, tmp_path / "missing.csv", "no such file")


@pytest.mark.parametrize(
    "cell",
    [
        "1_000",
        "٣",
        "３",
        "infinity",
        "-Inf",
        "nan",
        "NaN",
        "1\u00a0",
        "0x10",
        "1d3",
        "--1",
        "",
        "1 2",
        "½",
        "１.5",
        "1e",
        ".",
    ],
)
def test_csv_numbers_are_ascii(cell: str, tmp_path: Path) -> None:
    path = _csv(tmp_path, f"x0,x1,y0\n1,2,3\n4,{cell},6\n")
    _refused(load_csv, path, "line 3, column 'x1', is not a number")


def test_csv_takes_every_way_to_write_a_decimal_number(tmp_path: Path) -> None:
    path = _csv(tmp_path, "x0,x1,y0\n+1, -.5 ,1E3\n1.,2e-3,0007\n")
    x, y = load_csv(path)
    assert x.tolist() == [[1.0, -0.5], [1.0, 0.002]] and y.tolist() == [[1000.0], [7.0]]


@pytest.mark.parametrize("ending", ["npz", "csv", "parquet"])
@pytest.mark.parametrize("what", ["file", "folder above it"])
def test_a_file_that_may_not_be_read(ending: str, what: str, shut: Callable[[Path], Any], tmp_path: Path) -> None:
    folder = tmp_path / "above"
    folder.mkdir()
    path = folder / f"data.{ending}"
    path.write_bytes(b"x0,y0\n1,2\n3,4\n")
    read = {"npz": load_npz, "csv": load_csv, "parquet": load_parquet}[ending]
    with shut(path if what == "file" else folder), pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert "Permission denied" in message and str(path) in message and "\n" not in message
    assert "write" not in message and "save" not in message


def test_masked_values_are_refused() -> None:
    masked = np.ma.masked_equal(X, 3.0)
    with pytest.raises(DataError, match="rows: x has 1 masked values"):
        finite_task("rows", masked, Y)
    assert finite_task("rows", np.ma.masked_equal(X, -1.0), Y).n == 4


def test_a_format_of_ones_own_is_one_value(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text("1 2\n3 4\n")

    def read(file: DataFile, choose: Choose) -> RawColumns:
        table, header = np.loadtxt(file.path), ("a", "b")
        return RawColumns(header, {k: table[:, k] for k in choose(header).positions})

    kind = DataFormat(".txt", read)
    table = read_columns(kind, path, roles=Roles(outputs="b"))
    assert table.columns["a"].tolist() == [1, 3] and table.columns["b"].tolist() == [2, 4]
    path.write_text("1 two\n")
    _refused(partial(read_columns, kind), path, "cannot be read", "write the file again")

    def bare(file: DataFile, choose: Choose) -> RawColumns:
        raise ImportError("rare")

    rare = DataFormat(".rare", bare, package="rare", extra="few")
    _refused(partial(read_columns, rare), path, "reading .rare needs rare", "sharefind[few]", "as .npz or .csv")
