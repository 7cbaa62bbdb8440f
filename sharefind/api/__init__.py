"""The search as scikit-learn estimators, `SharingSearch` and `SharingClassifier`, and `resolve`, on which every front
door builds.

What the estimators need takes long to load, and is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharefind.api.parameters import EvidenceRow
    from sharefind.api.sharing_classifier import SharingClassifier
    from sharefind.api.sharing_search import SharingSearch

__all__ = ["EvidenceRow", "SharingClassifier", "SharingSearch"]

HOMES = {
    "EvidenceRow": "sharefind.api.parameters",
    "SharingClassifier": "sharefind.api.sharing_classifier",
    "SharingSearch": "sharefind.api.sharing_search",
}
"""Where each of them is."""


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
