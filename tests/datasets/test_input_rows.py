"""Inputs read without labels: which columns they are where nothing says so, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets.input_rows import load_inputs
from sharefind.datasets.roles import Roles
from sharefind.errors import DataError

VALUES = np.arange(12.0).reshape(3, 4)


def table(path: Path, names: str) -> Path:
    lines = [names, *(",".join(map(str, row)) for row in VALUES)]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("names", "known", "roles", "columns"),
    [
        ("x1,x0,y0,x2", (), Roles(), [1, 0, 3]),
        ("a,b,c,d", (), Roles(), [0, 1, 2, 3]),
        ("a,b,c,d", ("c", "a"), Roles(), [2, 0]),
        ("a,b,c,d", ("c", "e"), Roles(drop="b"), [0, 2, 3]),
        ("a,b,c,d", (), Roles(inputs="c,a"), [2, 0]),
        ("a,b,c,d", (), Roles(outputs="b"), [0, 2, 3]),
    ],
)
def test_columns_of_a_table(
    names: str, known: tuple[str, ...], roles: Roles, columns: list[int], tmp_path: Path
) -> None:
    found = load_inputs(table(tmp_path / "t.csv", names), roles=roles, known=known)
    assert np.array_equal(found.x, VALUES[:, columns])
    assert found.names == tuple(names.split(",")[k] for k in columns)


def test_arrays_of_an_archive(tmp_path: Path) -> None:
    images = np.arange(24.0).reshape(3, 1, 2, 4)
    np.savez(tmp_path / "one.npz", images=images)
    np.savez(tmp_path / "two.npz", x=VALUES, y=np.ones(3))
    np.savez(tmp_path / "none.npz", a=VALUES, b=VALUES)
    assert np.array_equal(load_inputs(tmp_path / "one.npz").x, images.reshape(3, 8))
    assert np.array_equal(load_inputs(tmp_path / "two.npz").x, VALUES)
    with pytest.raises(DataError, match="no array 'x'"):
        load_inputs(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "x0,x2\n1,2\n", "no column 'x1'"),
        ("t.csv", "a,b\n1,word\n", "word"),
        ("t.pkl", "", "can run code"),
        ("t.txt", "", "not a kind of file"),
    ],
)
def test_what_cannot_be_read_is_refused(name: str, content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=words):
        load_inputs(tmp_path / name)


def test_named_data_have_their_own_columns() -> None:
    assert load_inputs("tic-tac-toe").x.shape[1] == 9
    with pytest.raises(DataError, match="is about columns of a file"):
        load_inputs("tic-tac-toe", roles=Roles(drop="a"))
