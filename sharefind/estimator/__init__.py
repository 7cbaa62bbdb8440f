"""The search as a scikit-learn estimator, `SharingSearch`."""

from sharefind.estimator.parts import EvidenceRow
from sharefind.estimator.sharing_search import SharingSearch

__all__ = ["EvidenceRow", "SharingSearch"]
