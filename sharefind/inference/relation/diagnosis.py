"""Why was a symmetry rejected? The law of X on its own, and what tying costs in risk.

A rejection of the joint law does not say whether the inputs or the relation broke the symmetry. The test on X alone is
exact; the risk gap of `risk_gap` is an estimate with an interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.relation.risk_gap import FreeFit, RiskGap, risk_gap
from sharefind.inference.statistics.input_law import InputLaw
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import randomisation_test
from sharefind.parallel import Workers


class Cause(StrEnum):
    """The cause of a rejection, as far as the data show it.

    Attributes:
        RELATION: The relation is broken.
        INPUTS: The law of the inputs is broken.
        BOTH: Both are broken.
        UNDETERMINED: Neither is shown to be broken.
    """

    RELATION = "relation"
    INPUTS = "inputs"
    BOTH = "inputs and relation"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class Diagnosis:
    """One symmetry, looked at closely.

    Attributes:
        inputs: Exact test that the law of X is invariant; None where a larger group was tested instead, and accepted.
        risk: Loss of the tied model.
        alpha: Level of both verdicts.
        are_inputs_broken: Whether tests of a whole family found the law of X broken; None where `inputs` says it.
        is_relation_broken: Whether a test of the relation found it broken; None where it was not tested: then the
            interval of the risk gap says it.
        negligible: Share of the labels' variance below which a loss is called an approximate symmetry.
    """

    negligible: ClassVar[float] = 0.01

    inputs: RandomisationTest | None
    risk: RiskGap
    alpha: float
    are_inputs_broken: bool | None = None
    is_relation_broken: bool | None = None

    @property
    def cause(self) -> Cause:
        """The cause of a rejection: what is shown to be broken, `UNDETERMINED` where neither is.

        The inputs are broken where their test rejects. The relation is broken where its test rejects. Where the
        relation was not tested, it counts as broken if the reference model fits and the interval of the risk gap lies
        above 0. Inputs that were not rejected prove nothing about the relation.
        """
        inputs = self.inputs is not None and self.inputs.p_value <= self.alpha
        if self.are_inputs_broken is not None:
            inputs = self.are_inputs_broken
        relation = self.risk.is_fitting and self.risk.low > 0
        if self.is_relation_broken is not None:
            relation = self.is_relation_broken
        if inputs and relation:
            return Cause.BOTH
        if inputs:
            return Cause.INPUTS
        return Cause.RELATION if relation else Cause.UNDETERMINED

    @property
    def is_approximate(self) -> bool:
        """Whether the tied model loses less than `negligible` of the variance, with confidence."""
        return self.risk.is_fitting and self.risk.high <= self.negligible


@warns_of_rows
def diagnose(
    x: Tensor,
    y: Tensor,
    moves: AmbientMoves,
    rng: np.random.Generator,
    alpha: float = 0.01,
    copies: int = 199,
    workers: Workers | None = None,
    units: Tensor | None = None,
    *,
    has_classes: bool = False,
    free: FreeFit | None = None,
) -> Diagnosis:
    """Look at one symmetry: is X invariant on its own, and what does tying cost?

    Neither answer depends on a vector that the group fixes, added to x or to y, or on the scale of x or of y.

    Args:
        x: Inputs, shape (n, d_in); the test of the inputs uses all of them.
        y: Labels, shape (n, d_out).
        moves: The group, orthogonal.
        rng: Source of everything random.
        alpha: Level of the verdicts.
        copies: Copies of the test on X.
        workers: Who does that test; this process alone if None.
        units: Which unit a row belongs to, shape (n,), int64; no unit is split between folds.
        has_classes: Whether labels are classes, one-hot.
        free: The free model of the same data; it is fitted where None.

    Returns:
        The diagnosis.

    Raises:
        InputError: Fewer samples or units than folds, or labels that do not vary.
        ConfigError: No copies.
    """
    if not 0 < alpha < 1:
        raise ConfigError(f"diagnosis: alpha={alpha}; give a number between 0 and 1")
    inputs = randomisation_test(x, y, moves, InputLaw(), rng, copies, workers=workers, units=units)
    return Diagnosis(inputs, risk_gap(x, y, moves, rng, units, has_classes=has_classes, free=free), alpha)
