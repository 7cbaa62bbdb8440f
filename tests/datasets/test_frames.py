"""Rows as they are held in Python: frames of pandas and polars, tensors, arrays; their numbers, labels and names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from sharefind.column_names import shaped_names
from sharefind.datasets.frames import labels_of, numbers_of, refuse_not_finite
from sharefind.errors import DataError, DataTypeError

X = np.random.default_rng(0).normal(300, 10, (5, 3))
NAMES = ("Ünï [°C]", "well,b", 'p "x"')

FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(X, columns=list(NAMES)),
    "pandas, nullable": lambda: pd.DataFrame(X, columns=list(NAMES)).convert_dtypes(),
    "pandas, objects": lambda: pd.DataFrame(X.astype(object), columns=list(NAMES)),
    "polars": lambda: pl.DataFrame(X, schema=list(NAMES)),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_give_numbers_and_names(kind: str) -> None:
    found = numbers_of(FRAMES[kind](), "X")
    assert found.names == NAMES and found.row_shape == (3,)
    assert found.values.dtype == np.float64 and np.array_equal(found.values, X)


@pytest.mark.parametrize(
    "values",
    [
        X,
        X.tolist(),
        torch.tensor(X, requires_grad=True),
        torch.tensor(X).T.contiguous().T,
        pd.DataFrame(X),
        pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])),
    ],
    ids=["array", "lists", "tensor with a graph", "tensor of other strides", "numbers as names", "pairs as names"],
)
def test_what_has_no_names_gives_its_numbers(values: Any) -> None:
    found = numbers_of(values, "X")
    assert found.names == () and np.array_equal(found.values, X)


def test_columns_of_every_kind_of_number_are_read_as_they_are() -> None:
    frame = pd.DataFrame(
        {
            "integer": [1, 2, 3],
            "flag": [True, False, True],
            "nullable": pd.array([1, 2, 3], dtype="Int64"),
            "nullable flag": pd.array([True, False, True], dtype="boolean"),
            "small": np.array([0.5, 1.5, 2.5], dtype=np.float16),
        }
    )
    expected = [[1, 1, 1, 1, 0.5], [2, 0, 2, 0, 1.5], [3, 1, 3, 1, 2.5]]
    assert np.array_equal(numbers_of(frame, "X").values, expected)
    assert np.array_equal(numbers_of(pl.DataFrame(frame[["integer", "flag", "small"]]), "X").values[:, 1], [1, 0, 1])
    half = torch.tensor([[0.5, 2.0]], dtype=torch.bfloat16)
    assert np.array_equal(numbers_of(half, "X").values, [[0.5, 2.0]])


def test_single_columns_stay_flat_and_keep_their_name() -> None:
    for column in (pd.Series([1.0, 2.0], name="flow"), pl.Series("flow", [1.0, 2.0])):
        found = numbers_of(column, "y")
        assert found.names == ("flow",) and found.row_shape == ()
    assert numbers_of(pd.Series([1.0]), "y").names == numbers_of(pl.Series([1.0]), "y").names == ()


FRAME = pd.DataFrame(X, columns=list("abc"))
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "text": (FRAME.assign(b="red"), DataTypeError, r"X column 'b' holds the text 'red'.* ColumnTransformer and a One"),
    "categories": (FRAME.assign(b=pd.Categorical([1, 2, 1, 2, 1])), DataTypeError, "X column 'b' holds categories"),
    "missing integer": (FRAME.assign(b=pd.array([1, None, 1, 1, 1], dtype="Int64")), DataError, "'b' has 1 missing"),
    "missing flag": (FRAME.assign(b=pd.array([None] * 5, dtype="boolean")), DataError, "'b' has 5 missing values"),
    "missing object": (FRAME.assign(b=pd.Series([None, 1, 2, 3, 4], dtype=object)), DataError, "'b' has 1 missing"),
    "dates": (FRAME.assign(b=pd.Timestamp("2020-01-01")), DataTypeError, "X column 'b' has dtype datetime64"),
    "complex": (FRAME.assign(b=1j), DataTypeError, "X column 'b' has dtype complex128"),
    "two of one name": (FRAME.set_axis(list("aac"), axis=1), DataError, "X has two columns called 'a'; rename"),
    "no name": (FRAME.set_axis(["a", " ", "c"], axis=1), DataError, "X has a column without a name, number 1"),
    "polars text": (pl.DataFrame({"a": ["x"]}), DataTypeError, "X column 'a' holds the text 'x'"),
    "polars null": (pl.DataFrame({"a": [1.0, None]}), DataError, "X column 'a' has 1 missing values"),
    "polars categories": (pl.DataFrame({"a": pl.Series(["x"], dtype=pl.Categorical)}), DataTypeError, "categories"),
    "lazy": (pl.LazyFrame({"a": [1.0]}), DataTypeError, r"a polars LazyFrame.* give \.collect\(\)"),
    "sparse tensor": (torch.eye(3).to_sparse(), DataTypeError, r"a sparse tensor.* X\.to_dense\(\)"),
    "complex tensor": (torch.ones(2, 2, dtype=torch.complex64), DataTypeError, "Complex data not supported"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_columns_without_numbers_are_named_with_what_to_do(kind: str) -> None:
    values, error, message = WRONG[kind]
    with pytest.raises(error, match=message) as caught:
        numbers_of(values, "X")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_labels_in_words_lead_to_the_classifier() -> None:
    for words in (
        np.array(["a", "b"]),
        pd.Series(["a", "b"]),
        pd.Series(["a", "b"], dtype="category"),
        pl.Series(["a"]),
    ):
        with pytest.raises(DataTypeError, match="use SharingClassifier"):
            numbers_of(words, "y")


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b"],
        np.array(["b", "a", "b"], dtype=object),
        pd.Series(["b", "a", "b"], dtype="category"),
        pd.Series(["b", "a", "b"], dtype="string"),
        pl.Series(["b", "a", "b"]),
        pl.Series(["b", "a", "b"], dtype=pl.Categorical),
        pl.Series(["b", "a", "b"], dtype=pl.Enum(["b", "a", "c"])),
    ],
)
def test_labels_of_classes_are_of_any_type(labels: Any) -> None:
    assert labels_of(labels, "y").values.tolist() == ["b", "a", "b"]


def test_labels_keep_their_type() -> None:
    assert labels_of(pd.Series([2, 1], dtype="Int64"), "y").values.dtype == np.int64
    assert labels_of(pd.Series([True, False], dtype="boolean"), "y").values.dtype == bool
    assert labels_of(torch.tensor([2, 1]), "y").values.dtype == np.int64
    assert labels_of(pd.DataFrame({"kind": ["a", "b"]}), "y").values.shape == (2, 1)
    assert labels_of(pd.DataFrame({"kind": ["a", "b"]}), "y").names == ("kind",)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", None], dtype=object),
        np.array([1.0, np.nan]),
        pd.Series(["a", None]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series(["a", None], dtype="string"),
        pd.Series([True, None], dtype="boolean"),
        np.array(["a", pd.NA], dtype=object),
        pl.Series(["a", None]),
    ],
)
def test_a_missing_label_is_refused(labels: Any) -> None:
    with pytest.raises(DataError, match="y has rows without a label"):
        labels_of(labels, "y")


def test_an_infinite_label_is_no_class() -> None:
    with pytest.raises(DataError, match=r"^y is infinite in row 1 \(counted from 0\), which is no class"):
        labels_of([1.0, np.inf], "y")


def test_a_value_that_is_not_finite_is_named_by_row_and_column() -> None:
    values = X.copy()
    values[2, 1] = -np.inf
    with pytest.raises(DataError, match=r"^X is -infinity in row 2, column 'well,b'"):
        refuse_not_finite(values, "X", NAMES)
    values[1, 2] = np.nan
    with pytest.raises(DataError, match=r"^X is NaN in row 1, column 2 \(rows and columns count from 0\)"):
        refuse_not_finite(values, "X")
    with pytest.raises(DataError, match=r"^y is NaN in row 0 \("):
        refuse_not_finite(np.array([np.nan]), "y")
    refuse_not_finite(X, "X")


def test_columns_of_rows_with_axes_are_named_by_their_place() -> None:
    assert shaped_names("x", (2, 2)) == ("x[0,0]", "x[0,1]", "x[1,0]", "x[1,1]")


def test_no_library_of_frames_is_loaded_for_arrays() -> None:
    code = (
        "import sys, numpy as np; from sharefind.datasets.frames import numbers_of, labels_of; "
        "numbers_of(np.eye(2), 'X'); labels_of(['a'], 'y'); "
        "print([m for m in ('pandas', 'polars', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
