"""How numba compiles the functions of this folder, and where their machine code is kept.

Machine code is kept on disk: compiling takes seconds, once a machine and version. numba finds it by the file of the
called function, and does not see changes in the files of functions that this one calls. After such a change, remove
the folders `__pycache__` here.
"""

from __future__ import annotations

from typing import Any

from numba import njit

FAST: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}
"""Sums may be taken in any order; nothing is assumed about infinities or what is no number."""

INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that only compiled code calls: less to compile."""

INLINED: dict[str, Any] = {**INNER, "forceinline": True}
"""Options of functions called for each row: passing arrays costs as much as a hundred particles."""


def compiled(**options):
    """Return `numba.njit` as a decorator, with machine code kept on disk where a folder may be written.

    Args:
        options: Options of `numba.njit`.
    """

    def decorate(function):
        try:
            return njit(cache=True, **FAST, **options)(function)
        except RuntimeError:  # neither beside this file nor in the user's cache folder
            return njit(**FAST, **options)(function)

    return decorate
