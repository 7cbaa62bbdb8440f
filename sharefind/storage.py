"""Robust files: atomic writes, and journals of finished work. `folder_locks` admits one process to a folder.

The callers decide what is stored. A process may be killed at any moment, a disk may be full, a line may be damaged.
Everything that was finished before stays readable. Anything unreadable is reported and never mistaken for something
else.

All texts are read and written here, as UTF-8 in every locale. A file name consists of bytes. Python represents bytes
that are not text as lone surrogates, which UTF-8 cannot encode. `json_text` and `encoded` show them as escapes;
`portable_name` preserves them.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sharefind.errors import RunFolderError, SharefindError, StorageError, one_line, setting
from sharefind.formats import parse_json

DIGEST = "sha256"
"""Key in a journal's line for the checksum of everything before it."""

TEMPORARY = ".tmp"
"""Ending of a file that is not yet complete."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""Code points that are not characters."""

UNQUOTED = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\")
"""Bytes that need no escape between $' and '."""

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Failures of the disk itself, which another path would not have avoided."""

ENCODING = "utf-8"
"""Encoding of every text file."""

URI = "file://"
"""Prefix of a name that is written as an address because its bytes are not text."""


def encoded(text: str) -> bytes:
    """Return a text as UTF-8; bytes of a file name that are not text become escapes, see `shown`.

    Args:
        text: The text.
    """
    return shown(text).encode(ENCODING)


def shown(text: str) -> str:
    r"""Return a text in which bytes of a file name that are not text are replaced by escapes such as \xe9.

    Args:
        text: The text.
    """
    return SURROGATE.sub(lambda found: _escape(ord(found[0])), text)


def _escape(surrogate: int) -> str:
    # Python writes the byte b of a name that is no text as the code point 0xDC00 + b.
    return f"\\x{surrogate - 0xDC00:02x}" if 0xDC80 <= surrogate <= 0xDCFF else f"\\u{surrogate:04x}"


def json_text(record: Any, indent: int | None = None) -> str:
    """Return a JSON value as text that every reader accepts, without NaN and lone surrogates.

    Args:
        record: The value; keys of dictionaries are texts.
        indent: Spaces per level; None writes one line.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    if SURROGATE.search(json.dumps(record, ensure_ascii=False, allow_nan=False)):
        record = _all_shown(record)
    return json.dumps(record, indent=indent, allow_nan=False)


def _all_shown(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {_all_shown(key): _all_shown(part) for key, part in value.items()}
    return [_all_shown(part) for part in value] if isinstance(value, list | tuple) else value


def portable_name(name: str) -> str:
    """Return a file name as text that UTF-8 can encode, and that another locale reads as the same file.

    `local_name` is the inverse. A name that is not text becomes an address such as file:///data/d%E9.npz.

    Args:
        name: The file name in this process.
    """
    content = os.fsencode(name)
    try:
        text = content.decode(ENCODING)
    except UnicodeDecodeError:
        return URI + quote_from_bytes(content)
    return URI + quote_from_bytes(content) if text.startswith(URI) else text


def local_name(text: str) -> str:
    """Return the file name that `portable_name` wrote, as this process names the file.

    Args:
        text: The portable name.
    """
    content = unquote_to_bytes(text.removeprefix(URI)) if text.startswith(URI) else text.encode(ENCODING)
    return os.fsdecode(content)


def shell_word(name: str | Path) -> str:
    """Return a name as one word of a shell command: in quotes if necessary, with escapes for bytes that are not text.

    Args:
        name: The name.
    """
    text = str(name)
    return f"$'{''.join(map(_quoted_letter, text))}'" if SURROGATE.search(text) else shlex.quote(text)


def _quoted_letter(letter: str) -> str:
    if SURROGATE.match(letter):
        return shown(letter)
    return "".join(chr(b) if b in UNQUOTED else f"\\x{b:02x}" for b in os.fsencode(letter))


def read_text(path: Path) -> str:
    """Return the content of a UTF-8 file.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
        UnicodeDecodeError: The file is not UTF-8; this is a ValueError.
    """
    return path.read_bytes().decode(ENCODING)


def open_text(path: Path, encoding: str = ENCODING) -> TextIOWrapper:
    """Return a file opened for reading as text, with its line ends unchanged.

    Args:
        path: The file.
        encoding: UTF-8 or a variant of it.

    Raises:
        OSError: The file cannot be read.
    """
    return open(path, encoding=encoding, newline="")


def advice(error: OSError) -> str:
    """Return what to do about a file that cannot be read, without damage to it.

    Args:
        error: The error.
    """
    if isinstance(error, PermissionError):
        return "let this user read it, for instance with chmod, or give another path"
    return "check the path"


def refuse_unwritable(path: Path) -> None:
    """Refuse a new file before the work that would fill it. Nothing is overwritten, and no folder is created.

    Args:
        path: The file.

    Raises:
        RunFolderError: The file exists, or its folder does not.
    """
    if path.exists():
        raise RunFolderError(f"{path} exists; choose another {setting('out')}, or move it away")
    if not path.parent.is_dir():
        raise RunFolderError(f"the folder {path.parent} does not exist; make it, or choose another {setting('out')}")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees the old content or the new content, never a part.

    The content is written to a temporary name, flushed to the disk, and renamed. Permissions follow the umask.

    Args:
        path: The file.
        content: The new content; a text is written as UTF-8.

    Raises:
        RunFolderError: The path cannot be written.
        StorageError: The disk is full or failing.
    """
    data = encoded(content) if isinstance(content, str) else content
    temporary = path.parent / f".{path.name}.{os.urandom(4).hex()}{TEMPORARY}"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)
    except OSError as error:
        raise unwritten(path, error) from None


def sweep(folder: Path) -> None:
    """Remove incomplete files that a killed process left. The caller must hold the lock of the folder.

    Args:
        folder: The folder.
    """
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with suppress(OSError):
            leftover.unlink()


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a loss of power, on systems that can flush folders."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def unwritten(path: Path, error: OSError) -> SharefindError:
    """Return the error to raise where a file cannot be written.

    Args:
        path: The file.
        error: The failure.
    """
    reason = error.strerror or str(error)
    if error.errno in DISK:
        return StorageError(f"{path} could not be written ({reason}); make room on the disk")
    return RunFolderError(f"{path} cannot be written ({reason}); choose another {setting('out')}")


class Journal:
    """Finished pieces of work, one JSON object per line, each with the SHA-256 of its text. Lines are only appended.

    Args:
        path: The file.

    Attributes:
        path: The file.
        damage: One line of text for each part of the file that could not be read; that work must be repeated.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []
        self._is_clean = False

    def read(self) -> list[dict[str, Any]]:
        """Return every complete record, in the order in which they were appended.

        Raises:
            RunFolderError: The file cannot be read.
        """
        self.damage = []
        records = []
        for number, line in enumerate(self._lines(), start=1):
            try:
                records.append(_record_of(line))
            except ValueError as error:
                self.damage.append(f"{self.path.name}: line {number} {error}")
        self._is_clean = not self.damage
        return records

    def append(self, record: Mapping[str, Any]) -> None:
        """Append a record and flush it to the disk. The first call removes unreadable lines.

        Args:
            record: The record.

        Raises:
            RunFolderError: The file cannot be written.
            StorageError: The disk is full or failing; the file is unchanged.
        """
        if not self._is_clean:
            self._repair()
        try:
            is_new = not self.path.exists()
            # Unbuffered: a buffer would be written once more when the file is closed.
            with open(self.path, "ab", buffering=0) as file:
                end, left = file.tell(), _line(record)
                try:
                    while left:
                        left = left[file.write(left) :]
                    os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        os.ftruncate(file.fileno(), end)
                    raise
            if is_new:
                _flush_folder(self.path.parent)
        except OSError as error:
            self._is_clean = False
            raise unwritten(self.path, error) from None

    def _repair(self) -> None:
        good = [line for line in self._lines() if _is_whole(line)]
        if self.path.exists():
            write_atomically(self.path, b"".join(good))
        self._is_clean = True

    def _lines(self) -> list[bytes]:
        try:
            if self.path.exists() and not self.path.is_file():
                raise RunFolderError(f"{self.path} is not a plain file; move it away")
            return self.path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunFolderError(f"{self.path} cannot be read ({error.strerror}); {advice(error)}") from None


def _line(record: Mapping[str, Any]) -> bytes:
    """{...record, "sha256": checksum of the record's own text}."""
    text = json_text(record)
    return f'{text[:-1]}, "{DIGEST}": "{_digest(text.encode())}"}}\n'.encode()


def _digest(content: bytes) -> str:
    """Return the SHA-256 checksum as text."""
    from hashlib import sha256  # like all that `sharefind --help` has no use for, loaded where it is used

    return sha256(content).hexdigest()


def _record_of(line: bytes) -> dict[str, Any]:
    """Return the record of a line that is complete and unchanged.

    Raises:
        ValueError: It is not; the message is the end of a sentence that begins with the line.
    """
    text, found, rest = line.rpartition(f', "{DIGEST}": "'.encode())
    if not found or rest != _digest(text + b"}").encode() + b'"}\n':
        raise ValueError("is damaged" if line.endswith(b"\n") else "was cut off")
    try:
        record = parse_json(text + b"}", is_finite=True)
    except (ValueError, RecursionError) as error:  # a line can have a valid checksum and still not be JSON
        raise ValueError(f"is damaged ({one_line(error)})") from None
    if not isinstance(record, dict):
        raise ValueError("is damaged")
    return record


def _is_whole(line: bytes) -> bool:
    try:
        _record_of(line)
    except ValueError:
        return False
    return True
