"""Labels that are words or look like classes, and columns that have names of their own: what is said works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import load_csv, load_npz
from sharefind.datasets.task import class_warning
from sharefind.errors import DataError


def _refusal(path: Path) -> str:
    with pytest.raises(DataError) as refused:
        load_csv(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def _run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_words_as_labels_are_one_hot_encoded_by_what_the_message_says(tmp_path: Path) -> None:
    path, rows = tmp_path / "classes.csv", [(0.5, 1.5, "mid"), (1.0, 2.0, "high"), (3.0, 4.0, "mid")]
    path.write_text("x0,x1,y0\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
    said = _refusal(path)
    assert "y0 holds words ('mid'); classes are not supported yet; one-hot encode them" in said
    _run("import numpy as np; " + said.partition("np: ")[2].removesuffix(")"))
    x, y = load_npz(tmp_path / "classes.npz")
    assert x.tolist() == [[0.5, 1.5], [1, 2], [3, 4]] and y.tolist() == [[0, 1], [1, 0], [0, 1]]


def test_missing_values_and_words_among_inputs_are_no_classes(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    for text in ("x0,y0\n1,NA\n", "x0,y0\n1,none\n", "x0,y0\nred,1\n"):
        path.write_text(text)
        assert "is not a number; remove that line or fill the value in" in _refusal(path)


def test_words_in_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "classes.npz"
    np.savez(path, x=np.ones((3, 2)), y=np.array([["a"], ["b"], ["a"]]))
    with pytest.raises(DataError, match="y holds words; classes are not supported yet"):
        load_npz(path)


@pytest.mark.parametrize("columns", [4, 30])
def test_named_columns_are_renamed_by_what_the_message_says(columns: int, tmp_path: Path) -> None:
    path, values = tmp_path / "it's wells.csv", np.arange(2.0 * columns).reshape(2, columns)
    names = [f"well_{k}" for k in range(columns - 1)] + ["flow_l_s"]
    path.write_text(",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in values))
    said = _refusal(path)
    assert "columns must be named x0, x1, ... and y0, y1" in said and "well_0, well_1" in said and "flow_l_s" in said
    _run(said.split("as the label: ")[1])
    x, y = load_csv(tmp_path / "it's wells_xy.csv")
    assert np.array_equal(np.hstack([x, y]), values)


def test_whole_numbers_look_like_classes() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, size=(900, 1)).astype(float)
    assert "3 different whole numbers and looks like classes" in str(class_warning(classes))
    for other in (rng.normal(size=(900, 1)), np.eye(3)[classes[:, 0].astype(int)], classes[:50], np.zeros((900, 1)),
                  rng.integers(0, 30, size=(900, 1)).astype(float), classes + 0.5):  # fmt: skip
        assert class_warning(other) is None
