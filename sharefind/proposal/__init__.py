"""Which exact space of parameters do the data speak for, when no group is given?

Least-squares coefficients of Y on X (`least_squares`) carry the symmetry of the relation; exact tying spaces are
compared by the evidence for them (`log_evidence`); the spaces come from permutations that nearly keep the coefficients
(`noisy_automorphisms`, `climb`), from partitions of vectors (`vectors`) and from translations (`translation`).
`propose` puts it together.
"""

from sharefind.proposal.coefficients import Coefficients
from sharefind.proposal.finding import Finding, Rival
from sharefind.proposal.least_squares import least_squares
from sharefind.proposal.propose import Proposing, propose

__all__ = ["Coefficients", "Finding", "Proposing", "Rival", "least_squares", "propose"]
