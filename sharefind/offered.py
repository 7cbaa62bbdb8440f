"""Lazy imports: a package loads the module of a name when the name is first used.

The `OFFERED` of a package lists its names for Python, and imports under `TYPE_CHECKING` list them for type checkers and
editors, which run no code; tests/test_offered.py keeps the two equal.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from sharefind.former_names import former_member

TYPE_CHECKING = False  # typing takes longer to load than everything else here
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class _Room(ModuleType):
    """A package whose names are listed in its `OFFERED`, with the module of each."""

    def __getattr__(self, name: str) -> Any:
        """Return what is offered, or what was under this name before."""
        if name.startswith("__") or name not in self.OFFERED:
            return former_member(self.__name__, name)
        value = getattr(import_module(self.OFFERED[name], self.__name__), name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep what is offered from the import system, which binds a module of the same name to its package."""
        if name not in self.OFFERED or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *self.OFFERED})


def offers(package: str) -> None:
    """Let a package load the names in its `OFFERED` (name -> module, with a leading dot for one in the package).

    Args:
        package: Name of the package, which calls this when it is imported.
    """
    sys.modules[package].__class__ = _Room
