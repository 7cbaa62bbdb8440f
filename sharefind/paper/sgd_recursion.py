"""The SGD recursion, step by step, compared with the paper's formula.

The formula is evaluated by autograd on the risk of a minibatch; `train` uses closed forms without autograd.
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
    """Fixed minibatches, one per step, common to all replicates.

    Attributes:
        x: Inputs, shape (steps, B, d_in).
        y: Labels, shape (steps, B, d_out).
    """

    x: Tensor
    y: Tensor

    def batch(self, step: int) -> mf.Batch:
        """Return the samples of a step.

        Args:
            step: Number of the step, from 0.
        """
        return mf.Batch(self.x[step : step + 1], self.y[step : step + 1])


@dataclass(frozen=True)
class SGDRecursion:
    """`train` runs the recursion of the paper for every unit, loss, penalty and schedule.

    Attributes:
        terms: Loss, penalty and schedule of each comparison; each kind occurs at least once.
        steps: Number of steps of a comparison.
        batch: Number of samples of a minibatch.
        alpha: Step factor.
        tau: Weight of the penalty, large enough to have a visible effect.
        tolerances: Largest difference of particles of size one after the steps.
        control: Smallest difference to the recursion that ascends the penalty, which is the sign in the poster's first
            formula.
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
        """Return the particles of the displayed recursion without noise, each step by autograd.

        Args:
            unit: The unit sigma*.
            batches: The samples of each step.
            theta: The start, shape (1, D, N).
            terms: Loss, penalty and schedule.
            sign: 1 descends the penalty, -1 ascends it.

        Returns:
            The particles after the last step, shape (1, D, N).
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
