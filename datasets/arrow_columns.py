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
        said = _unfit_units(kind) if k == wanted.units else _unfit(kind, wanted, k)
        if said is not None:
            raise file.refused(f"column {name} has type {kind}; {said}")


def _unfit_units(kind: Any) -> str | None:
    if kind.num_fields == 0 or _is_word(kind):
        return None
    return f"give one number or word for each row, or another column with {setting('rows_of')}"


def _unfit(kind: Any, wanted: Wanted, k: int) -> str | None:
    """Advice about a type that a column may not have; None where it may."""
    leave = f"or leave it out with {setting('drop')}"
    if _is_numeric(kind):
        return None
    if _is_time(kind):
        return (
            None
            if k in wanted.text | wanted.others
            else f"make it numeric, such as seconds since the first row, {leave}"
        )
    if k not in wanted.numbers and _is_word(kind):
        return None
    words = f"name it with {setting('categorical')} if it holds categories, " if _is_word(kind) else ""
    return f"make it numeric, {words}{leave}"


def column_arrays(table: Any, wanted: Wanted) -> dict[int, NDArray[Any]]:
    """The wanted columns by their positions in the file; the table has these columns alone, in that order."""
    return {k: _array(table.column(place), k, wanted) for place, k in enumerate(wanted.positions)}


def word_columns(schema: Any, wanted: Wanted) -> list[str]:
    """Return names of the wanted columns of words. Each word is stored once: a few long words may fill a memory."""
    return [
        schema.names[k]
        for k in wanted.positions
        if _is_word(schema.types[k]) or (k == wanted.units and _is_bytes(schema.types[k]))
    ]


def _array(column: Any, k: int, wanted: Wanted) -> NDArray[Any]:
    if _is_word(column.type) or (k == wanted.units and _is_bytes(column.type)):
        return _words(column)
    if k == wanted.units:
        return _objects(column.to_pylist())
    if _is_coded(column.type):
        column = column.cast(column.type.value_type)
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

    if _is_coded(kind):
        return _is_numeric(kind.value_type)
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_coded(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_dictionary(kind))


def _is_word(kind: Any) -> bool:
    from pyarrow import types

    if _is_coded(kind):
        return _is_word(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _is_time(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_temporal(kind))
