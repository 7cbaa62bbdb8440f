"""The exact space of parameters that the data support, when the user names no group.

Least-squares coefficients of Y on X (`least_squares`) carry the symmetry of the relation; exact tying spaces are
compared by the evidence for them (`log_evidence`); the spaces come from permutations that nearly keep the coefficients
(`noisy_automorphisms`, `climb`), from partitions of vectors (`vectors`) and from translations (`translation`).
`propose` puts it together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.proposal.coefficients import Coefficients as Coefficients
    from sharefind.proposal.finding import Finding as Finding
    from sharefind.proposal.finding import Rival as Rival
    from sharefind.proposal.least_squares import least_squares as least_squares
    from sharefind.proposal.propose import Proposing as Proposing
    from sharefind.proposal.propose import propose as propose

OFFERED = {
    "Coefficients": ".coefficients",
    "Finding": ".finding",
    "Proposing": ".propose",
    "Rival": ".finding",
    "least_squares": ".least_squares",
    "propose": ".propose",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
