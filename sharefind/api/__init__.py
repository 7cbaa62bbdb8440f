"""The search as scikit-learn estimators, `SharingSearch` and `SharingClassifier`, and `resolve`, which every interface
uses.

The estimators take long to load, so they are loaded on first use.
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
"""The module of each name."""


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
