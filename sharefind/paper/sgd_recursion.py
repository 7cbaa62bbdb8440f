"""The SGD recursion, step by step, against the poster's display written out.

The display is evaluated by autograd on the risk of a minibatch; `train` uses closed forms, and no autograd.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.meanfield.dynamics.schedules import cosine, power
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Demonstration, Outcome, Row, at_least, column
from sharefind.paper.identities import Tolerances, UnitCase, precision_panel, random_cloud, unit_cases

Terms = tuple[mf.Loss, mf.Penalty, mf.Schedule]


@dataclass(frozen=True)
class GivenBatches:
    """Minibatches x (steps, B, d_in), y (steps, B, d_out), one a step, common to all replicates."""

    x: Tensor
    y: Tensor

    def batch(self, step: int) -> mf.Batch:
        """The samples of a step."""
        return mf.Batch(self.x[step : step + 1], self.y[step : step + 1])


@dataclass(frozen=True)
class SGDRecursion:
    """The recursion that `train` runs is the one of the poster, for every unit, loss, penalty and schedule.

    Attributes:
        terms: Loss, penalty and schedule of each comparison: every one at least once.
        steps: Steps of a comparison.
        batch: Samples of a minibatch.
        alpha: Step factor.
        tau: Weight of the penalty, large enough to be seen.
        tolerances: On particles of order one after the steps.
        control: By how much at least the recursion with the penalty ascended (the sign of the poster's first display)
            differs.
    """

    terms: tuple[Terms, ...] = (
        (mf.SQUARED, mf.RIDGE, mf.CONSTANT),
        (mf.huber(0.5), mf.SMOOTH_NORM, power(0.5)),
        (mf.SQUARED, mf.smooth_l1(0.3), cosine(1.0)),
    )
    steps: int = 12
    batch: int = 5
    alpha: float = 0.6
    tau: float = 0.3
    tolerances: Tolerances = field(default_factory=Tolerances)
    control: float = 1e-2

    def __call__(self, context: Context) -> Outcome:
        """The verdict on every unit over every group."""
        cases, notes = unit_cases(context)
        rows: list[Row] = []
        for case in context.steps("SGD recursion", cases):
            rows += [self._row(context, case, dtype, terms) for terms in self.terms for dtype in self.tolerances.dtypes]
        checks = self.tolerances.checks("largest difference of a particle", rows)
        least = min(column(rows, "ascended"))
        checks.append(at_least("control: the penalty ascended, least difference", least, self.control))
        worst = max(column(rows, "error", dtype="float64"))
        figure = f"largest difference {worst:.1e} (float64) after {self.steps} steps, {len(rows) // 2} cases"
        panel = precision_panel(rows, "`train` against the display", "largest difference of a particle")
        sign = "the penalty is descended: the poster's first display adds s tau grad r, its second one subtracts it"
        return Outcome(rows, checks, (panel,), figure, (*notes, sign))

    def _row(self, context: Context, case: UnitCase, dtype: str, terms: Terms) -> Row:
        loss, penalty, schedule = terms
        rng = context.rng("sgd", case.group.name, case.label, loss.name, penalty.name)
        x, y = (
            torch.from_numpy(rng.standard_normal((self.steps, self.batch, d)))
            for d in (case.unit.d_in, case.unit.d_out)
        )
        batches = GivenBatches(x, y)
        start = 0.5 * random_cloud(case.unit, rng, torch.float64)
        config = mf.SGDConfig.model_validate(
            {
                "particles": start.shape[2], "alpha": self.alpha, "horizon": self.steps / start.shape[2],
                "tau": self.tau, "beta": 0, "noise": "none", "dtype": dtype,
            }
        )  # fmt: skip
        found = mf.train(
            mf.vanilla_gradient(case.unit, loss), start, batches, config, rng, schedule=schedule, penalty=penalty,
            loss=loss, must_learn=False,
        ).final.double()  # fmt: skip
        error, ascended = (
            float((found - self.as_displayed(case.unit, batches, start, terms, sign)).abs().max()) for sign in (1, -1)
        )
        return {
            "group": case.group.name, "unit": case.label, "loss": loss.name, "penalty": penalty.name,
            "schedule": schedule.name, "dtype": dtype, "error": error, "ascended": ascended,
        }  # fmt: skip

    def as_displayed(self, unit: mf.Unit, batches: GivenBatches, theta: Tensor, terms: Terms, sign: int = 1) -> Tensor:
        """The poster's recursion without noise, each step through autograd.

        Args:
            unit: sigma*.
            batches: The samples of each step.
            theta: The start, (1, D, N).
            terms: Loss, penalty and schedule.
            sign: 1 descends the penalty, -1 ascends it.

        Returns:
            The particles after the last step, (1, D, N).
        """
        loss, penalty, schedule = terms
        n = theta.shape[2]
        for k in range(len(batches.x)):
            batch, size = batches.batch(k), self.alpha / n * schedule.value(k / n)
            leaf = theta.clone().requires_grad_()
            risk = loss.value(mf.predict(unit, batch.x, leaf), batch.y).mean()
            # A particle's drift is N times the gradient of a mean over N particles.
            (slope,) = torch.autograd.grad(n * (risk + sign * self.tau * penalty.value(leaf).mean()), leaf)
            theta = theta - size * slope
        return theta


DEMONSTRATION = Demonstration(
    "sgd", "SGD recursion",
    "a particle descends its gradient on a minibatch and the penalty, by a step s_k = eps_N varsigma(k eps_N)",
    "meanfield.dynamics, meanfield.objectives", SGDRecursion(),
)  # fmt: skip
