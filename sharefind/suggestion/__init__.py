"""What may be worth a search on a data set: a quick look at names, shapes and rows, without torch.

A look compares least squares tied by each candidate group with free least squares, on rows held out. It proves nothing:
the search that it suggests does.
"""

from sharefind.suggestion.suggesting import suggest
from sharefind.suggestion.suggestion import Suggestion, Suggestions

__all__ = ["Suggestion", "Suggestions", "suggest"]
