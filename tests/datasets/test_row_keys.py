"""The column that names the unit of each row: read from every kind of file, of any kind of values."""

from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import load_data, unit_numbers
from sharefind.errors import DataError

WORDS = ["b", "a", "b", "c"]
X = np.arange(8.0).reshape(4, 2)


def _csv(path: Path, names: list[str], header: str = "subject") -> Path:
    lines = [f"x0,{header},y0,x1", *(f"{a},{n},{a + b},{b}" for (a, b), n in zip(X, names, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "values", [WORDS, [7, -1, 7, 3], [0.5, 1.5, 0.5, np.inf], np.array(WORDS)[:, None], [True, False] * 2]
)
def test_values_of_any_kind_are_numbered(values: object) -> None:
    expected = [0, 1, 0, 1] if isinstance(values, list) and values[0] is True else [0, 1, 0, 2]
    assert unit_numbers(values, 4, "f").tolist() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, np.nan, 2, 3], "row 1"),
        (["a", " ", "b", "c"], "row 1"),
        (["a", None, "b", "c"], "row 1"),
        ([1, 1, 1, 1], "one unit"),
        ([1, 2], "2 values for 4 rows"),
        (np.ones((4, 2)), "shape"),
    ],
)
def test_what_names_no_units_is_refused(values: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        unit_numbers(values, 4, "f")  # type: ignore[arg-type]


def test_a_csv_column_is_left_out_of_x_and_y(tmp_path: Path) -> None:
    task = load_data(_csv(tmp_path / "d.csv", WORDS), rows_of="subject")
    assert task.units is not None and task.units.tolist() == [0, 1, 0, 2]
    assert task.x is not None and np.array_equal(task.x, X) and task.d_out == 1


def test_an_npz_key_and_a_parquet_column(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=X, y=X, subject=np.array(WORDS))
    task = load_data(tmp_path / "d.npz", rows_of="subject")
    assert task.units is not None and task.units.tolist() == [0, 1, 0, 2]
    assert load_data(tmp_path / "d.npz").units is None
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x0": X[:, 0], "subject": WORDS, "y0": X[:, 1]}), tmp_path / "d.parquet")
    task = load_data(tmp_path / "d.parquet", rows_of="subject")
    assert task.units is not None and task.units.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("rows_of", "words"), [("subjct", "did you mean 'subject'"), ("x0", "part of x or y"), ("zzz", "the file has")]
)
def test_a_column_that_is_not_there_is_refused(tmp_path: Path, rows_of: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load_data(_csv(tmp_path / "d.csv", WORDS), rows_of=rows_of)
    with pytest.raises(DataError, match="row 1"):
        load_data(_csv(tmp_path / "d.csv", ["a", "", "b", "c"]), rows_of="subject")
    with pytest.raises(DataError, match="rows_of"):
        load_data(_csv(tmp_path / "d.csv", WORDS))
    with pytest.raises(DataError, match="block_length"):
        load_data("c2-wi", rows_of="subject")
