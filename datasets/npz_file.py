"""The arrays of an .npz archive, opened so that no file can ask for more than it should.

Everything that the archive declares is compared with the limits, and with itself, before any of it is unpacked; every
refusal is one line.
"""

import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sharefind.datasets.data_file import Choose, DataFile, DataFormat, RawColumns
from sharefind.errors import one_line, quoted, visible

SAVE_IT = "save it with numpy.savez(path, x=x, y=y)"

HEADER_ERRORS = (ValueError, SyntaxError, TokenError, TypeError, OverflowError, RecursionError, MemoryError)
"""Exceptions of numpy on a header that it did not write: it reads Python literals there."""

END, END_64, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
END_SIZE, END_64_SIZE, LOCATOR_SIZE = 22, 56, 20


def _read(file: DataFile, choose: Choose) -> RawColumns:
    """The arrays that are wanted, as they are stored.

    Raises:
        DataError: It is no archive, an array is missing, given twice or holds objects, declares more than its member
            holds, is above the limit, or is packed like a bomb.
    """
    if not zipfile.is_zipfile(file.path):
        raise file.refused("not an .npz file; write it with numpy.savez(path, x=x, y=y)")
    _refuse_directory(file)
    with zipfile.ZipFile(file.path) as archive:
        header = tuple(name.removesuffix(".npy") for name in archive.namelist())
        members = {k: (visible(header[k]), archive.infolist()[k]) for k in choose(header).positions}
        for key, info in members.values():
            _refuse_bomb(info, key, file)
        file.refuse_unpacked(sum(_float_bytes(archive, info, key, file) for key, info in members.values()))
        return RawColumns(header, {k: _array(archive, info, key, file) for k, (key, info) in members.items()})


NPZ = DataFormat(".npz", _read, damage=(zipfile.BadZipFile, zlib.error), is_archive=True)


def _refuse_directory(file: DataFile) -> None:
    """Refuse a table of contents that zipfile should not read: far too long, or not where it belongs."""
    size, longest_comment = file.path.stat().st_size, 2**16 - 1  # its length is written in two bytes
    with file.path.open("rb") as stream:
        stream.seek(max(0, size - longest_comment - END_SIZE - LOCATOR_SIZE - END_64_SIZE))
        tail = stream.read()
    place = len(tail) - END_SIZE
    if not (tail[place : place + 4] == END and tail.endswith(b"\0\0")):
        place = tail.rfind(END)
    declared = int.from_bytes(tail[place + 12 : place + 16], "little")
    locator = place - LOCATOR_SIZE
    if locator >= 0 and tail[locator : locator + 4] == LOCATOR_64:
        record = locator - END_64_SIZE
        if record < 0 or tail[record : record + 4] != END_64:
            raise file.refused(f"its table of contents is not where it belongs; {SAVE_IT}")
        (declared,) = struct.unpack("<Q", tail[record + 40 : record + 48])
    if declared > file.guards.directory:
        raise file.refused(f"its table of contents has {declared} bytes, for two arrays; {SAVE_IT}")


def _float_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, file: DataFile) -> int:
    """The larger of what an array takes as it is stored and as float64, in bytes; only its header is read."""
    with archive.open(info) as stream:
        return declared(stream, info.file_size, key, file).bytes


@dataclass(frozen=True)
class Declared:
    """The header of an array, checked against the content that follows it.

    Attributes:
        shape: Shape of the array.
        dtype: Type of its entries.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """The larger of what it takes as it is stored and with float64 for each number."""
        numbers = math.prod(self.shape) * len(self.dtype.names or (0,))
        return max(math.prod(self.shape) * self.dtype.itemsize, numbers * np.dtype(np.float64).itemsize)


def declared(stream: IO[bytes], size: int, key: str, file: DataFile) -> Declared:
    """Return the header of an array in .npy form, after a check that it is honest.

    Args:
        stream: The array; only its header is read.
        size: Number of bytes of it, with the header.
        key: Name of the array in messages.
        file: The file that holds it.

    Raises:
        DataError: The header cannot be read, is of objects, or declares what is not there.
    """
    shape, dtype = _header(stream, key, file)
    held = size - stream.tell()
    if dtype.hasobject or dtype.itemsize == 0:
        raise file.refused(f"{key} cannot be read as plain numbers (object arrays are refused); save it as floats")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != held:
        said = f"{key} is said to have shape {quoted(shape)}"
        raise file.refused(f"{said}, but holds {held} bytes of {dtype}; {SAVE_IT}")
    return Declared(shape, dtype)


def _header(stream: IO[bytes], key: str, file: DataFile) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise file.refused(f"{key} is written in .npy format {version}, which is not for plain numbers; {SAVE_IT}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        with _headers_of_python_2():
            shape, _, dtype = read(stream)
    except HEADER_ERRORS as error:
        raise file.refused(f"the header of {key} cannot be read ({one_line(error)}); {SAVE_IT}") from None
    return shape, dtype


@contextmanager
def _headers_of_python_2() -> Iterator[None]:
    """Within, numpy reads lengths such as 10L without a warning that they take it longer."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reading `.npy` or `.npz` file required", UserWarning)
        yield


def _refuse_bomb(info: zipfile.ZipInfo, key: str, file: DataFile) -> None:
    guards = file.guards
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise file.refused(f"{key} is packed by method {info.compress_type}, which numpy does not use; {SAVE_IT}")
    if info.compress_size > file.path.stat().st_size:
        raise file.refused(f"{key} is said to have more bytes than the file; {SAVE_IT}")
    if info.file_size > guards.free and info.file_size > guards.ratio * info.compress_size:
        raise file.refused(
            f"{key} unpacks from {info.compress_size} to {info.file_size} bytes, above {guards.ratio} times, a "
            "hard limit; save it with numpy.savez, which does not pack"
        )


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, file: DataFile) -> NDArray[Any]:
    with archive.open(info) as stream:
        return plain_array(stream, key, file)


def plain_array(stream: IO[bytes], key: str, file: DataFile) -> NDArray[Any]:
    """An array in .npy form, which is never unpickled.

    Raises:
        DataError: It cannot be read, or is longer than it declares.
    """
    try:
        with _headers_of_python_2():
            values: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    except (ValueError, TypeError) as error:
        raise file.refused(f"{key} cannot be read ({one_line(error)}); {SAVE_IT}") from None
    if stream.read(1):
        raise file.refused(f"{key} holds more than its shape says; {SAVE_IT}")
    return values
