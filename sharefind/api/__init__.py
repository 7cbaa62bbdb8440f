"""The search as a scikit-learn estimator, `SharingSearch`, and `resolve`, which every front door builds on.

What the estimator needs takes long to load, and is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharefind.api.parameters import EvidenceRow
    from sharefind.api.sharing_search import SharingSearch

__all__ = ["EvidenceRow", "SharingSearch"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("sharefind.api.sharing_search"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
