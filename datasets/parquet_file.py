"""Tables as .parquet files, read by pyarrow (the extra `parquet`)."""

from typing import Any

import numpy as np

from sharefind.datasets.columns import table_columns
from sharefind.datasets.data_file import Columns, DataFile, DataFormat
from sharefind.errors import quoted


def _read(file: DataFile, rows_of: str | None) -> Columns:
    """The column `rows_of` may hold numbers, words, dates or the like."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file.path) as stored:
        schema = stored.schema_arrow
        order, place = table_columns(schema.names, file, rows_of)
        _refuse_types(schema, file, place)
        file.refuse_unpacked(_unpacked_bytes(stored.metadata))
        table = stored.read()
    x, y = (np.stack([table.column(k).to_numpy().astype(np.float64) for k in order[key]], axis=1) for key in "xy")
    return x, y, None if place is None else table.column(place).to_pylist()


PARQUET = DataFormat(".parquet", _read, package="pyarrow", extra="parquet")


def _refuse_types(schema: Any, file: DataFile, place: int | None) -> None:
    """Refuse the first column of x or y that holds no numbers; nothing is unpacked so far."""
    from pyarrow import types

    for k, (name, kind) in enumerate(zip(schema.names, schema.types, strict=True)):
        is_numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
        if k != place and not is_numeric:
            raise file.refused(f"column {quoted(name)} has type {kind}; make it numeric")


def _unpacked_bytes(metadata: Any) -> int:
    """What a parquet file declares to hold: the larger of its numbers as float64 and of its pages."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    pages = sum(group.total_byte_size for group in groups)
    return int(max(rows * metadata.num_columns * np.dtype(np.float64).itemsize, pages))
