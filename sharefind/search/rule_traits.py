"""The properties that a rule declares to the rest of the code, which does not depend on the names of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class GrowthTraits:
    """Properties of a growth rule. The defaults suit a rule that adds numerical directions.

    Attributes:
        keeps_to_candidates: Whether it visits the candidate's exact invariant spaces alone. Exact tests decide about
            these only, and inputs are whitened only where every space commutes with it.
        snaps: Whether it visits exact spaces alone, without a candidate too: those of groups, which calibrate there.
        is_default: Whether it is the default among the rules with the same `keeps_to_candidates`.
        default_stop: The stopping rule that goes with it where none is named, in vanilla training.
        paper_horizon: Horizon T that the preset `paper` takes with this rule where no stopping rule is named.
        paper_delta: Threshold delta_j that it takes then; None for rules that are no part of the paper's heuristic.
    """

    keeps_to_candidates: bool = False
    snaps: bool = False
    is_default: bool = False
    default_stop: str = "calibrated"
    paper_horizon: float | None = None
    paper_delta: float | None = None


@dataclass(frozen=True)
class StopTraits:
    """Properties of a stopping rule. The defaults suit a rule that trains on the data alone.

    Attributes:
        decides_by_tests: Whether the exact tests decide. Such a rule needs vanilla training and a growth rule that
            keeps to candidates; its trainings show the escape and decide nothing.
        compares_distances: Whether dist^2 against delta_j decides.
        needs_delta: Whether it needs a threshold from the user.
        trains_copies: Whether it trains on copies of the data: never, of a finite data set, or always.
        fewest_nodes: Spaces that a search with it visits at the least; what is trained there decides whether compiling
            pays.
    """

    decides_by_tests: bool = False
    compares_distances: bool = False
    needs_delta: bool = False
    trains_copies: Literal["never", "finite data", "always"] = "never"
    fewest_nodes: int = 2
