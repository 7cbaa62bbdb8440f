"""Standard output and standard error that may be closed, full, or abandoned by their reader: work does not end because
of it.

Output is then lost. Lost progress and notes are ignored; for lost results the call prints an error when it ends.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO


class Outlet:
    """A text stream that goes silent when it can no longer be written; otherwise it behaves as the stream itself.

    Args:
        stream: The stream; None if the process was started without it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._has_lost = False
        self._failure: OSError | None = None
        if stream is None:
            self._failure = OSError(errno.EBADF, os.strerror(errno.EBADF))

    @property
    def lost(self) -> OSError | None:
        """Why some output is lost; None if nothing is lost."""
        return self._failure if self._has_lost else None

    def write(self, text: str) -> int:
        """Write a text, or lose it.

        Args:
            text: The text.

        Returns:
            The number of characters of the text.
        """
        if self._failure is None and self._stream is not None:
            try:
                return self._stream.write(text)
            except (OSError, ValueError) as error:
                self._fail(error)
        self._has_lost = self._has_lost or bool(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write all lines.

        Args:
            lines: The lines, with their line ends.
        """
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream."""
        if self._failure is None and self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._fail(error)
                self._has_lost = True

    def isatty(self) -> bool:
        """Return whether the stream is a terminal that still shows output."""
        if self._failure is not None or self._stream is None:
            return False
        with suppress(ValueError):
            return self._stream.isatty()
        return False

    @property
    def encoding(self) -> str:
        """Encoding of the stream."""
        return "utf-8" if self._stream is None else self._stream.encoding

    def __getattr__(self, name: str) -> Any:
        """Return every other attribute from the stream; a missing stream has no descriptor."""
        if self._stream is None:
            if name in ("fileno", "buffer"):
                raise io.UnsupportedOperation(name)
            return getattr(io.TextIOBase, name)
        return getattr(self._stream, name)

    def _fail(self, error: OSError | ValueError) -> None:
        """Go silent, and discard what is left in buffers: Python flushes them once more when it ends."""
        self._failure = error if isinstance(error, OSError) else OSError(errno.EBADF, os.strerror(errno.EBADF))
        with suppress(OSError, ValueError):
            if self._stream is not None:
                _put_null(self._stream.fileno())


@dataclass(frozen=True)
class Streams:
    """The streams of one call.

    Attributes:
        out: Stream of the results.
        err: Stream of progress, notes and errors.
    """

    out: Outlet
    err: Outlet


@contextmanager
def forgiving_streams() -> Iterator[Streams]:
    """Replace `sys.stdout` and `sys.stderr` within this `with` block by streams that never raise.

    Yields:
        The streams.
    """
    for number in range(3):  # a file that is opened later must not get the descriptor of a stream
        _reserve(number)
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):  # an unprintable name from a file must not end a finished search
            with suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
    streams = Streams(Outlet(sys.stdout), Outlet(sys.stderr))
    sys.stdout, sys.stderr = streams.out, streams.err
    try:
        yield streams
    finally:
        streams.out.flush()
        streams.err.flush()
        sys.stdout, sys.stderr = before


def _reserve(number: int) -> None:
    """Connect a closed standard descriptor to the null device."""
    try:
        os.fstat(number)
    except OSError:
        _put_null(number)


def _put_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)
