"""Settings of a choice of hidden types, width and depth."""

from __future__ import annotations

from dataclasses import dataclass, field

from sharefind.architectures.deep.census import CensusRule
from sharefind.architectures.deep.layer_price import check_kind
from sharefind.architectures.deep.training import Plan
from sharefind.architectures.deep.type_escape import EscapeRule

WIDTHS = (12, 24, 48, 96)
DEPTHS = (2, 3, 4)
USUAL_DEPTH = 3


@dataclass(frozen=True)
class ChoiceSettings:
    """Settings of a choice.

    Attributes:
        unit: Unit expression of a deep kind.
        depths: Numbers of hidden layers; none for what suits the rows: three, and one to three for classes.
        widths: Widths of hidden layers.
        plan: How networks are trained.
        rule: Rule of the census.
        seed: Seed of folds, first weights and minibatches.
        has_references: Whether other models are trained on the same folds.
        least_labels: Fewest labels (rows times outputs) for each free number; networks with fewer are not tried, but
            for the first. It does not apply to classes.
        risk_errors: A network is chosen for its evidence only if its held-out risk exceeds the smallest by at most
            this number of standard errors of the difference.
        escape: How far training leaves the types of nodes of the chosen width; None for no look at it.
        price: Kind of the comparison that shows whether tying pays, see `layer_price.price_of_tying`; None for none.
            Where there is nothing to compare, the choice has no price.
        restarts: Starts of the chosen network; the best on a held-out fold is kept.
    """

    unit: str = "deep:tanh"
    depths: tuple[int, ...] = ()
    widths: tuple[int, ...] = WIDTHS
    plan: Plan = field(default_factory=Plan)
    rule: CensusRule = field(default_factory=CensusRule)
    seed: int = 0
    has_references: bool = True
    restarts: int = 1
    least_labels: float = 2.0
    risk_errors: float = 2.0
    escape: EscapeRule | None = field(default_factory=EscapeRule)
    price: str | None = None

    def __post_init__(self) -> None:
        if self.price is not None:
            check_kind(self.price)
