"""The search as scikit-learn estimators, `SharingSearch` and `SharingClassifier`, and `resolve`, which every interface
uses.

The estimators take long to load, so they are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.api.deep_model import DeepModel as DeepModel
    from sharefind.api.parameters import EvidenceRow as EvidenceRow
    from sharefind.api.sharing_classifier import SharingClassifier as SharingClassifier
    from sharefind.api.sharing_search import SharingSearch as SharingSearch

OFFERED = {
    "DeepModel": ".deep_model",
    "EvidenceRow": ".parameters",
    "SharingClassifier": ".sharing_classifier",
    "SharingSearch": ".sharing_search",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
