"""The evidence at a node, and the conclusion from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from sharefind.search.json_fields import Word


def _bounded(value: float, *, largest: float = 1e300) -> float:
    """A number that is read back: twice the largest is finite."""
    if not abs(value) <= largest:
        raise ValueError(f"is not between -{largest:g} and {largest:g}")
    return value


Bounded = Annotated[float, AfterValidator(_bounded)]
NonNegative = Annotated[Bounded, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Decision(StrEnum):
    """The decision that follows from the evidence at a node.

    Attributes:
        STAY: Particles stay.
        GROW: Particles leave, and the search grows the space.
    """

    STAY = "stay"
    GROW = "grow"


@dataclass(frozen=True)
class NodeEvidence:
    """The record of one visited node E_j.

    Attributes:
        dist2: W2^2(nu_T, P_{E_j}#nu_T) of training started on E_j, in the user's coordinates.
        rmd2: The same over M(nu_T) + M(P#nu_T).
        delta: delta_j, the distance that noise alone explains (or the fixed threshold); None when there is none.
        p_value: Exact p-value of "the data have the symmetry that keeps particles on E_j"; None when no test exists.
        p_adjusted: The largest p-value on the way to the node and at it; it controls the family-wise error at any level
            up to alpha.
        relative_escape: Root of the squared distance from E_j over the squared distance travelled; 0 = stayed.
        risk: Mean squared loss late in training.
        horizon: The horizon T.
        replicates: Trainings behind dist2.
        decision: Stay or grow.
        rule: The stopping rule that decided.
        reason: The reason, one sentence.
        stationary_not_optimal: Whether particles stay on E_j but a freely started model learns more (a saddle).
        groups: Candidate groups at this node that were not rejected.
        rejected: Candidate groups at this node that were rejected.
        exact_disagrees: Whether the exact tests contradict this decision; the reason gives their result.
    """

    dist2: NonNegative
    rmd2: NonNegative
    delta: NonNegative | None
    p_value: Probability | None
    p_adjusted: Probability | None
    relative_escape: NonNegative
    risk: NonNegative
    horizon: NonNegative
    replicates: Annotated[int, Field(ge=1, le=10**9)]
    decision: Decision
    rule: Word
    reason: Word
    stationary_not_optimal: bool = False
    groups: tuple[Word, ...] = ()
    rejected: tuple[Word, ...] = ()
    exact_disagrees: bool = False

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the attributes as keys."""
        record: dict[str, Any] = _CODEC.dump_python(self, mode="json")
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> NodeEvidence:
        """Return the evidence of a JSON object; the inverse of `to_json`.

        Args:
            record: The object.

        Raises:
            ValueError: The record holds anything that `to_json` does not write.
        """
        return _CODEC.validate_python(record)


_CODEC = TypeAdapter(NodeEvidence)
