"""Tables as .parquet files, read by pyarrow (the extra `parquet`)."""

from typing import Any

import numpy as np

from sharefind.datasets.arrow_columns import column_arrays, refuse_types, word_columns
from sharefind.datasets.data_file import Choose, DataFile, DataFormat, RawColumns


def _read(file: DataFile, choose: Choose) -> RawColumns:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file.path) as stored:
        schema = stored.schema_arrow
        wanted = choose(schema.names)
        refuse_types(schema, wanted, file)
        file.refuse_unpacked(_unpacked_bytes(stored.metadata, _leaves(schema, wanted.positions)))
        names, words = [schema.names[k] for k in wanted.positions], word_columns(schema, wanted)
        if not words:
            return RawColumns(tuple(schema.names), column_arrays(stored.read(columns=names), wanted))
    with pyarrow.parquet.ParquetFile(file.path, read_dictionary=words) as stored:
        return RawColumns(tuple(schema.names), column_arrays(stored.read(columns=names), wanted))


PARQUET = DataFormat(".parquet", _read, package="pyarrow", extra="parquet")


def _leaves(schema: Any, positions: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where the chosen columns stand in the file's own list, which nested ones make longer; None where they do."""
    is_flat = all(kind.num_fields == 0 for kind in schema.types)
    return positions if is_flat else None


def _unpacked_bytes(metadata: Any, leaves: tuple[int, ...] | None) -> int:
    """The declared size of chosen columns: the larger of their numbers as float64 and of their pages."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if leaves is None:
        pages = sum(group.total_byte_size for group in groups)
    else:
        pages = sum(group.column(k).total_uncompressed_size for group in groups for k in leaves)
    columns = metadata.num_columns if leaves is None else len(leaves)
    return int(max(rows * columns * np.dtype(np.float64).itemsize, pages))
