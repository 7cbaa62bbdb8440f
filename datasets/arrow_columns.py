"""Columns of Arrow tables as arrays; which types are numbers, words and dates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.data_file import DataFile, Wanted
from sharefind.datasets.task import NUMERIC_KINDS, TIME_KINDS
from sharefind.errors import quoted, setting


def refuse_types(schema: Any, wanted: Wanted, file: DataFile) -> None:
    """Refuse the first column whose type cannot be what it is wanted for; nothing is unpacked so far.

    Raises:
        DataError: It holds lists, bytes or the like, or a column of numbers holds words or dates.
    """
    for k in wanted.positions:
        kind, name = schema.types[k], quoted(schema.names[k])
        if k == wanted.units or _is_numeric(kind):
            continue
        if _is_time(kind) and k not in wanted.text:
            raise file.refused(
                f"column {name} has type {kind}; make it numeric, such as seconds since the first row, or leave it out "
                f"with {setting('drop')}"
            )
        if k in wanted.numbers or not (_is_word(kind) or _is_time(kind)):
            words = f", name it with {setting('categorical')} if it holds categories" if _is_word(kind) else ""
            raise file.refused(
                f"column {name} has type {kind}; make it numeric{words}, or leave it out with {setting('drop')}"
            )


def column_arrays(table: Any, wanted: Wanted) -> dict[int, NDArray[Any]]:
    """The columns of a table, which holds those that are wanted in their order, by their positions in the file."""
    return {k: _array(table.column(place), k, wanted) for place, k in enumerate(wanted.positions)}


def word_columns(schema: Any, wanted: Wanted) -> list[str]:
    """Names of the wanted columns of words, of which each word is to be held once: few long ones may fill a memory."""
    return [schema.names[k] for k in wanted.positions if _is_word(schema.types[k])]


def _array(column: Any, k: int, wanted: Wanted) -> NDArray[Any]:
    if _is_word(column.type):
        return _words(column)
    if k == wanted.units:
        return _objects(column.to_pylist())
    values = np.asarray(column.to_numpy())
    return values if values.dtype.kind in (*NUMERIC_KINDS, *TIME_KINDS) else values.astype(np.float64)


def _words(column: Any) -> NDArray[Any]:
    """Words as Python's own, each held once, None where there is none."""
    chunks = column.dictionary_encode().unify_dictionaries().chunks
    words = _objects([*(chunks[0].dictionary.to_pylist() if chunks else ()), None])
    codes = [chunk.indices.fill_null(len(words) - 1).to_numpy() for chunk in chunks]
    return words[np.concatenate(codes)] if codes else words[:0]


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_word(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_word(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_time(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_temporal(kind))
