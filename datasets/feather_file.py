"""Tables as .feather files (version 2, which are Arrow streams in a frame), read by pyarrow (the extra `parquet`).

What a file declares to unpack to is added up message by message before anything is unpacked. The table is then read
from the same stream of messages, so that the table of contents at the end of the file, which may say otherwise, does
not count.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from sharefind.datasets.arrow_columns import column_arrays, refuse_types
from sharefind.datasets.data_file import Choose, DataFile, DataFormat, RawColumns

MAGIC = b"ARROW1\0\0"
DICTIONARY, ROWS = "dictionary", "record batch"
AGAIN = "write it again with pandas or polars, or with pyarrow.feather.write_feather(table, path)"


def _read(file: DataFile, choose: Choose) -> RawColumns:
    import pyarrow

    with pyarrow.memory_map(str(file.path)) as stored:
        if stored.read(len(MAGIC)) != MAGIC:
            raise file.refused(f"not a .feather file of version 2; {AGAIN}")
        schema = pyarrow.ipc.open_stream(stored).schema
        wanted = choose(schema.names)
        refuse_types(schema, wanted, file)
        rows, unpacked = _declared(stored, file)
        file.refuse_unpacked(max(unpacked, rows * len(wanted.positions) * np.dtype(np.float64).itemsize))
        stored.seek(len(MAGIC))
        options = pyarrow.ipc.IpcReadOptions(included_fields=list(wanted.positions), use_threads=False)
        table = pyarrow.ipc.open_stream(stored, options=options).read_all()
        table.validate(full=True)  # numbers of another process point into its buffers, and may point outside
        return RawColumns(tuple(schema.names), column_arrays(table, wanted))


FEATHER = DataFormat(".feather", _read, damage=(struct.error,), package="pyarrow", extra="parquet")


def _declared(stored: Any, file: DataFile) -> tuple[int, int]:
    """How many rows a file declares, and how many bytes its buffers take once they are unpacked."""
    import pyarrow

    stored.seek(len(MAGIC))
    messages = pyarrow.ipc.MessageReader.open_stream(stored)
    rows = unpacked = 0
    for message in iter(lambda: _next(messages), None):
        if message.type in (DICTIONARY, ROWS):
            batch = _Batch(message)
            if batch.rows < 0:
                raise file.refused(f"a part of it declares {batch.rows} rows; {AGAIN}")
            rows += batch.rows if message.type == ROWS else 0
            unpacked += sum(batch.sizes())
    return rows, unpacked


def _next(messages: Any) -> Any:
    try:
        return messages.read_next_message()
    except StopIteration:
        return None


class _Batch:
    """The header of a message with rows, a flatbuffer of which pyarrow shows no more than its bytes.

    References:
        The Arrow columnar format, Message.fbs: a table begins with the distance to its list of fields.
    """

    def __init__(self, message: Any) -> None:
        self._bytes, self._body = bytes(message.metadata), message.body
        table = self._field(self._int(0), 2)  # the root says where the message stands
        self._table = table if message.type == ROWS else self._field(table, 1)
        length = self._place(self._table, 0)
        self.rows = 0 if length is None else struct.unpack_from("<q", self._bytes, length)[0]

    def sizes(self) -> Iterator[int]:
        """Bytes of each buffer: as it is stored, or as the number before it says where it is packed."""
        vector, prefix = self._field(self._table, 2), struct.Struct("<q")
        is_packed = self._place(self._table, 3) is not None
        for k in range(self._int(vector)):
            offset, length = struct.unpack_from("<qq", self._bytes, vector + 4 + 16 * k)
            size = prefix.unpack_from(self._body, offset)[0] if is_packed and length >= prefix.size else length
            yield max(size, length)

    def _int(self, place: int) -> int:
        return int(struct.unpack_from("<I", self._bytes, place)[0])

    def _place(self, table: int, field: int) -> int | None:
        """Where a field of a table stands; None where it is left out."""
        fields = table - struct.unpack_from("<i", self._bytes, table)[0]
        size = struct.unpack_from("<H", self._bytes, fields)[0]
        entry = 4 + 2 * field
        distance = struct.unpack_from("<H", self._bytes, fields + entry)[0] if entry + 2 <= size else 0
        return table + distance if distance else None

    def _field(self, table: int, field: int) -> int:
        """Where that stands to which a field of a table points."""
        place = self._place(table, field)
        if place is None:
            raise struct.error("a message without its header")
        return place + self._int(place)
