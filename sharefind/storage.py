"""Files that survive: written whole or not at all, journals of finished work, and one process at a time in a folder.

What is kept, its callers decide. A process may be killed at any moment, a disk may be full, a line may be damaged: what
was finished before stays readable, and what cannot be read is told and never taken for something else.

Texts are read and written here and nowhere else: as UTF-8, whatever the locale says. A file name is bytes, and Python
writes those that are no text as lone surrogates, which UTF-8 has not: `json_text` and `encoded` show them as escapes,
`portable_name` keeps them.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import json
import os
import re
import secrets
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from filelock import FileLock, Timeout

from sharefind.errors import RunFolderError, SharefindError, StorageError, one_line, setting
from sharefind.formats import parse_json

DIGEST = "sha256"
"""Key of a journal's line that holds the checksum of all that stands before it."""

LOCK = "lock"
"""File that says who works in a folder. It stays there; what locks is the operating system, until the process ends."""

TEMPORARY = ".tmp"
"""How a file ends that is not yet whole."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""Code points that are no letters."""

UNQUOTED = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\")
"""Bytes that stand for themselves between $' and '."""

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The disk's own failures: no other path would have helped at the time."""

ENCODING = "utf-8"
"""Of every text file."""

URI = "file://"
"""How a name begins that is written as an address, since its bytes are no text."""


def encoded(text: str) -> bytes:
    """The text as UTF-8; bytes of a file name that are no text become escapes, see `shown`."""
    return shown(text).encode(ENCODING)


def shown(text: str) -> str:
    r"""The text with bytes of a file name that are no text as escapes such as \xe9, and all else as it is."""
    return SURROGATE.sub(lambda found: _escape(ord(found[0])), text)


def _escape(surrogate: int) -> str:
    # Python writes the byte b of a name that is no text as the code point 0xDC00 + b.
    return f"\\x{surrogate - 0xDC00:02x}" if 0xDC80 <= surrogate <= 0xDCFF else f"\\u{surrogate:04x}"


def json_text(record: Any, indent: int | None = None) -> str:
    """A JSON value as text that every reader takes: no NaN, no lone surrogate.

    Args:
        record: The value; dictionaries have texts as keys.
        indent: Spaces of a level; None writes one line.

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
    """A file name as a text that UTF-8 has, and that another locale reads as the same file: `local_name` undoes it.

    Names that are no text become an address such as file:///data/d%E9.npz.
    """
    content = os.fsencode(name)
    try:
        text = content.decode(ENCODING)
    except UnicodeDecodeError:
        return URI + quote_from_bytes(content)
    return URI + quote_from_bytes(content) if text.startswith(URI) else text


def local_name(text: str) -> str:
    """The file name that `portable_name` wrote, as this process calls it."""
    content = unquote_to_bytes(text.removeprefix(URI)) if text.startswith(URI) else text.encode(ENCODING)
    return os.fsdecode(content)


def shell_word(name: str | Path) -> str:
    """A name as a word of a shell's command: in quotes where it needs them, its bytes where it is no text."""
    text = str(name)
    return f"$'{''.join(map(_quoted_letter, text))}'" if SURROGATE.search(text) else shlex.quote(text)


def _quoted_letter(letter: str) -> str:
    if SURROGATE.match(letter):
        return shown(letter)
    return "".join(chr(b) if b in UNQUOTED else f"\\x{b:02x}" for b in os.fsencode(letter))


def read_text(path: Path) -> str:
    """The text of a file, which is UTF-8.

    Raises:
        OSError: It cannot be read. UnicodeDecodeError, a ValueError: It is no UTF-8.
    """
    return path.read_bytes().decode(ENCODING)


def open_text(path: Path, encoding: str = ENCODING) -> TextIOWrapper:
    """A file for reading as text, UTF-8 or another one of its forms, with line ends as they are.

    Raises:
        OSError: It cannot be read.
    """
    return open(path, encoding=encoding, newline="")


def advice(error: OSError) -> str:
    """What to do about a file that cannot be read, without harm to it."""
    if isinstance(error, PermissionError):
        return "let this user read it, for instance with chmod, or give another path"
    return "check the path"


def refuse_unwritable(path: Path) -> None:
    """Refuse a new file before the work that would fill it: nothing is overwritten, and no folder is made.

    Raises:
        RunFolderError: the file exists, or its folder does not.
    """
    if path.exists():
        raise RunFolderError(f"{path} exists; choose another {setting('out')}, or move it away")
    if not path.parent.is_dir():
        raise RunFolderError(f"the folder {path.parent} does not exist; make it, or choose another {setting('out')}")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    It goes to a temporary name, is flushed to the disk and renamed; permissions are those that the umask leaves.

    Raises:
        RunFolderError: the path cannot be written. StorageError: the disk is full or failing.
    """
    data = encoded(content) if isinstance(content, str) else content
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}"
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
        raise _unwritten(path, error) from None


def sweep(folder: Path) -> None:
    """Remove what a killed process left of files that were not yet whole. For the holder of the folder's lock."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with suppress(OSError):
            leftover.unlink()


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a loss of power, where folders can be flushed."""
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


def _unwritten(path: Path, error: OSError) -> SharefindError:
    reason = error.strerror or str(error)
    if error.errno in DISK:
        return StorageError(f"{path} could not be written ({reason}); make room on the disk")
    return RunFolderError(f"{path} cannot be written ({reason}); choose another {setting('out')}")


class Journal:
    """Finished pieces of work, a JSON object a line, each with the SHA-256 of its own text; only ever appended to.

    `damage` says what of the file could not be read, a line of text for each; that work is to be done again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []
        self._is_clean = False

    def read(self) -> list[dict[str, Any]]:
        """Every whole record, in the order in which they were kept.

        Raises:
            RunFolderError: the file cannot be read.
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
        """Add a record, flushed to the disk. The first time, lines that cannot be read are removed before it.

        Raises:
            RunFolderError: the file cannot be written. StorageError: the disk is full or failing;
                the file is as before.
        """
        if not self._is_clean:
            self._repair()
        try:
            is_new = not self.path.exists()
            # Without a buffer, which would be written once more when the file is closed.
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
            raise _unwritten(self.path, error) from None

    def _repair(self) -> None:
        good = [line for line in self._lines() if _is_whole(line)]
        if self.path.exists():
            write_atomically(self.path, b"".join(good))
        self._is_clean = True

    def _lines(self) -> list[bytes]:
        try:
            if self.path.exists() and not self.path.is_file():
                raise RunFolderError(f"{self.path} is no plain file; move it away")
            return self.path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunFolderError(f"{self.path} cannot be read ({error.strerror}); {advice(error)}") from None


def _line(record: Mapping[str, Any]) -> bytes:
    """{...record, "sha256": checksum of the record's own text}."""
    text = json_text(record)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text[:-1]}, "{DIGEST}": "{digest}"}}\n'.encode()


def _record_of(line: bytes) -> dict[str, Any]:
    """The record of a line that is whole and unchanged.

    Raises:
        ValueError: It is not; the message is the end of a sentence that begins with the line.
    """
    text, found, rest = line.rpartition(f', "{DIGEST}": "'.encode())
    if not found or rest != hashlib.sha256(text + b"}").hexdigest().encode() + b'"}\n':
        raise ValueError("is damaged" if line.endswith(b"\n") else "was cut off")
    try:
        record = parse_json(text + b"}", is_finite=True)
    except (ValueError, RecursionError) as error:  # a checksum of nonsense is no proof of sense
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


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Nobody else works in the folder within; a lock that a killed process left holds nobody up.

    Raises:
        RunFolderError: another process, or another search of this one, works there, or the folder cannot be written.
        StorageError: the disk is full or failing.
    """
    path = folder / LOCK
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunFolderError(f"{folder} is in use by {_holder(path)}; wait until that ends, or stop it") from None
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        with suppress(OSError):  # who holds it is told for people alone
            since = datetime.now(UTC).isoformat(timespec="seconds")
            path.write_bytes(encoded(f"process {os.getpid()} on {socket.gethostname()} since {since}\n"))
        yield
    finally:
        lock.release()


def _holder(path: Path, most: int = 500) -> str:
    """What a lock file says, of which at most `most` bytes are read."""
    try:
        with open(path, "rb") as file:
            words = file.read(most).decode(errors="replace").split()
    except OSError:
        words = []
    text = " ".join(words)
    return text if text.isprintable() and text else "another process"
