"""Rows that are no real numbers, or not dense, get one clear line, in `fit` and in `predict`."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from sharefind.api import SharingSearch
from sharefind.errors import DataError, DataTypeError, InputError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 2))
Y = X + 0.1 * RNG.standard_normal((40, 2))

TEXTS = X.astype(str)
OBJECTS: dict[str, Any] = {
    "numbers as text": "1.5",
    "word": "seven",
    "bytes": b"1",
    "none": None,
    "complex": 1 + 2j,
    "date": datetime.date(2020, 1, 1),
    "dictionary": {"a": 1},
    "list": [1.0],
}


def _with(value: object) -> np.ndarray:
    array = X.astype(object)
    array[3, 1] = value
    return array


KINDS = {
    "csr matrix": scipy.sparse.csr_matrix(X),
    "coo array": scipy.sparse.coo_array(X),
    "text": TEXTS,
    "bytes": X.astype("S"),
    "complex": X.astype(complex),
    "datetime": X.astype("datetime64[s]"),
    "timedelta": X.astype("timedelta64[s]"),
    "list of texts": TEXTS.tolist(),
    "frame of dates": pd.DataFrame(X.astype("datetime64[s]")),
    "frame with a text": pd.DataFrame({"a": X[:, 0], "b": TEXTS[:, 1]}),
    "structured": np.zeros(40, dtype=[("a", float), ("b", float)]),
    **{f"object: {name}": _with(value) for name, value in OBJECTS.items()},
}


@pytest.fixture(scope="module")
def found() -> SharingSearch:
    return SharingSearch("C2", copies=19, alpha=0.1, particles=8, replicates=2).fit(X, Y)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_real_number_gets_one_line(kind: str, found: SharingSearch) -> None:
    rows = KINDS[kind]
    for use in (lambda: SharingSearch("C2").fit(rows, Y), lambda: SharingSearch("C2").fit(X, rows),
                lambda: found.predict(rows)):  # fmt: skip
        with pytest.raises(DataTypeError) as caught:
            use()
        message = str(caught.value)
        assert "\n" not in message and len(message) < 400
        assert message.startswith(("X ", "y ", "Complex data not supported: "))
        assert isinstance(caught.value, (ValueError, TypeError)) and isinstance(caught.value, InputError)
        assert isinstance(caught.value, TypeError) and isinstance(caught.value, ValueError)


def test_masked_values_have_no_number(found: SharingSearch) -> None:
    masked = np.ma.masked_greater(X, 1.0)
    for use in (lambda: SharingSearch("C2").fit(masked, Y), lambda: found.predict(masked)):
        with pytest.raises(DataError, match=r"X has \d+ masked values"):
            use()


@pytest.mark.parametrize(
    "same",
    [X.astype(object), np.ma.masked_greater(X, 1e9), pd.DataFrame(X), X.tolist(), scipy.sparse.csr_matrix(X).toarray()],
    ids=["objects", "nothing masked", "frame", "lists", "dense again"],
)
def test_what_holds_the_same_numbers_gives_the_same(same: Any, found: SharingSearch) -> None:
    with np.errstate(all="raise"):
        assert np.array_equal(found.predict(same), found.predict(X))
