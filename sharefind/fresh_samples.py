"""Whether fresh samples are made by compiled code: a compiled training asks for it, and tasks that can follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ARE_COMPILED = ContextVar("compiled samples", default=False)


def are_compiled() -> bool:
    """Return whether samples are to be made by compiled code where there is some; they are the same up to rounding."""
    return _ARE_COMPILED.get()


@contextmanager
def compiled_samples(wanted: bool) -> Iterator[None]:
    """Ask for compiled code in this `with` block.

    Args:
        wanted: Whether to ask. If so, numba must be installed.

    Yields:
        Nothing.
    """
    before = _ARE_COMPILED.set(wanted)
    try:
        yield
    finally:
        _ARE_COMPILED.reset(before)
