"""The search as a scikit-learn estimator, `SharingSearch`."""

from sharefind.api.parameters import EvidenceRow
from sharefind.api.sharing_search import SharingSearch

__all__ = ["EvidenceRow", "SharingSearch"]
