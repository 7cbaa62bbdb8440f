"""Which exact space of parameters do the data speak for, when no group is given?

Least-squares coefficients of Y on X (`coefficients`) carry the symmetry of the relation; exact tying spaces are
compared by the evidence for them (`evidence`); the spaces come from moves that nearly keep the coefficients (`moves`,
`climb`), from partitions of vectors (`vectors`) and from translations (`translation`). `propose` puts it together.
"""

from sharefind.proposal.coefficients import Coefficients, least_squares
from sharefind.proposal.finding import Finding, Rival
from sharefind.proposal.propose import propose

__all__ = ["Coefficients", "Finding", "Rival", "least_squares", "propose"]
