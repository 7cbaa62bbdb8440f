"""Suggests searches for a data set from a quick look at names, shapes and rows, without torch.

The look compares least squares tied by each candidate group with free least squares, on held-out rows. It proves
nothing; the suggested search does.
"""

from sharefind.suggestion.suggesting import suggest
from sharefind.suggestion.suggestion import Suggestion, Suggestions

__all__ = ["Suggestion", "Suggestions", "suggest"]
