"""What a package offers, loaded when it is first asked for: importing one module of a room loads no other one."""

from __future__ import annotations

import sys
from importlib import import_module

from sharefind.former_names import former_member

TYPE_CHECKING = False  # typing takes longer to load than everything else here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def offered(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: Name of the package.
        places: The module of each name, as an absolute name, or as one in the package with a leading dot.
    """

    def load(name: str) -> Any:
        if name not in places:
            return former_member(package, name)
        value = getattr(import_module(places[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return load, names
