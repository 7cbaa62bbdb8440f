"""The arrays x and y of an .npz archive, opened so that no file can ask for more than it should.

Everything that the archive declares is compared with the limits, and with itself, before any of it is unpacked; every
refusal is one line.
"""

import math
import struct
import zipfile
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sharefind.errors import DataError, one_line, quoted, visible
from sharefind.limits import DATA_BYTES, Limits, raise_it

KEYS = ("x", "y")
SAVE_IT = "save it with numpy.savez(path, x=x, y=y)"
FLOAT_BYTES = 8

MAX_DIRECTORY = 10_000_000
"""Most bytes of an archive's table of contents, which is read whole."""

MAX_RATIO = 200
"""Most times its packed size that an array may unpack to; measured numbers stay below 10."""

FREE_BYTES = 10_000_000
"""Arrays of up to this many bytes may be packed in any ratio."""

COMMENT = 65_535
"""Longest comment at the end of an archive."""

MAX_NAMES = 200
"""Characters of the names in an archive that are told."""

HEADER_ERRORS = (ValueError, SyntaxError, TokenError, TypeError, OverflowError, RecursionError, MemoryError)
"""What numpy raises on a header that it did not write: it reads Python literals there."""

END, END_64, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
END_SIZE, END_64_SIZE, LOCATOR_SIZE = 22, 56, 20


def npz_arrays(file: Path, path: str | Path, limits: Limits, keys: tuple[str, ...] = KEYS) -> tuple[NDArray[Any], ...]:
    """The arrays `x` and `y`, or those of other keys, as they are stored.

    Args:
        file: what is read. path: what messages call it. limits: `file_size` bounds what all arrays unpack to.
        keys: their names.

    Raises:
        DataError: a key is missing or given twice, an array holds objects, declares more than its member holds, is
            above the limit, or is packed like a bomb. zipfile.BadZipFile, OSError, ValueError, and what else zipfile
            raises on damage: the archive cannot be read.
    """
    _refuse_directory(file, path)
    with zipfile.ZipFile(file) as archive:
        members = {key: _member(archive, key, path) for key in keys}
        for key, info in members.items():
            _refuse_bomb(info, key, path, file.stat().st_size)
        refuse_unpacked(sum(_float_bytes(archive, info, key, path) for key, info in members.items()), path, limits)
        return tuple(_array(archive, info, key, path) for key, info in members.items())


def _refuse_directory(file: Path, path: str | Path) -> None:
    """Refuse a table of contents that zipfile should not read: far too long, or not where it belongs."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(0, size - COMMENT - END_SIZE - LOCATOR_SIZE - END_64_SIZE))
        tail = stream.read()
    place = len(tail) - END_SIZE
    if not (tail[place : place + 4] == END and tail.endswith(b"\0\0")):
        place = tail.rfind(END)
    declared = int.from_bytes(tail[place + 12 : place + 16], "little")
    locator = place - LOCATOR_SIZE
    if locator >= 0 and tail[locator : locator + 4] == LOCATOR_64:
        record = locator - END_64_SIZE
        if record < 0 or tail[record : record + 4] != END_64:
            raise DataError(f"{path}: its table of contents is not where it belongs; {SAVE_IT}")
        (declared,) = struct.unpack("<Q", tail[record + 40 : record + 48])
    if declared > MAX_DIRECTORY:
        raise DataError(f"{path}: its table of contents has {declared} bytes, for two arrays; {SAVE_IT}")


def _member(archive: zipfile.ZipFile, key: str, path: str | Path) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if info.filename in (key, f"{key}.npy")]
    if not found:
        names = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:20]) or "nothing"
        held = visible(names[:MAX_NAMES])
        raise DataError(f"{path}: no array {key!r}, it holds {held}; {SAVE_IT}")
    if len(found) > 1:
        raise DataError(f"{path}: {len(found)} arrays are called {key!r}; {SAVE_IT}")
    return found[0]


def _float_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, path: str | Path) -> int:
    """The larger of what an array takes as it is stored and as float64, in bytes; only its header is read."""
    with archive.open(info) as stream:
        shape, dtype = _header(stream, key, path)
        held = info.file_size - stream.tell()
    if dtype.hasobject or dtype.itemsize == 0:
        raise DataError(f"{path}: {key} cannot be read as plain numbers (object arrays are refused); save it as floats")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != held:
        said = f"{key} is said to have shape {quoted(shape)}"
        raise DataError(f"{path}: {said}, but holds {held} bytes of {dtype}; {SAVE_IT}")
    return max(held, math.prod(shape) * FLOAT_BYTES)


def _header(stream: IO[bytes], key: str, path: str | Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise DataError(f"{path}: {key} is written in .npy format {version}, which is not for plain numbers; {SAVE_IT}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        shape, _, dtype = read(stream)
    except HEADER_ERRORS as error:
        raise DataError(f"{path}: the header of {key} cannot be read ({one_line(error)}); {SAVE_IT}") from None
    return shape, dtype


def refuse_unpacked(size: int, path: str | Path, limits: Limits) -> None:
    """Refuse a file that declares to unpack to more than `file_size` bytes.

    Raises:
        DataError: it does.
    """
    most = limits.bytes_of(DATA_BYTES)
    if size > most:
        raise DataError(
            f"{path}: unpacks to {size} bytes, above the limit of {most}; use fewer rows, "
            f"or {raise_it('file_size', size)}"
        )


def _refuse_bomb(info: zipfile.ZipInfo, key: str, path: str | Path, size: int) -> None:
    """size: of the archive, in bytes."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{path}: {key} is packed by method {info.compress_type}, which numpy does not use; {SAVE_IT}")
    if info.compress_size > size:
        raise DataError(f"{path}: {key} is said to have more bytes than the file; {SAVE_IT}")
    if info.file_size > FREE_BYTES and info.file_size > MAX_RATIO * info.compress_size:
        raise DataError(
            f"{path}: {key} unpacks from {info.compress_size} to {info.file_size} bytes, above {MAX_RATIO} times, a "
            "hard limit; save it with numpy.savez, which does not pack"
        )


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, path: str | Path) -> NDArray[Any]:
    with archive.open(info) as stream:
        try:
            values: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}: {key} cannot be read ({one_line(error)}); {SAVE_IT}") from None
        if stream.read(1):
            raise DataError(f"{path}: {key} holds more than its shape says; {SAVE_IT}")
    return values
