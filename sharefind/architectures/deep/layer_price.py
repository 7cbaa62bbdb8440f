"""The price of tying a deep network layer by layer: how held-out risk changes when layers are freed.

Networks of equal widths are trained on the same folds, tied by different groups layer by layer (`layer_groups`). The
table says whether tying pays, with an interval. It cannot say in which layer a symmetry is broken: the other layers
make up for one layer's ties or their lack, so that freeing any single layer regains most of freeing all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sharefind.architectures.deep.evidence_plan import EvidencePlan
from sharefind.architectures.deep.gauss_newton import train_by_evidence
from sharefind.architectures.deep.joint_training import JointlyTrained, train_jointly
from sharefind.architectures.deep.layer_groups import (
    MOST_CHAINS,
    LayerGroups,
    TiedUnit,
    chains,
    early_layers,
    freed_layers,
    identity_of,
    smaller_groups,
)
from sharefind.architectures.deep.mean_errors import CONFIDENCE, held_out_score, mean_interval
from sharefind.architectures.deep.mixtures import multiplicities
from sharefind.architectures.deep.rows import FOLDS, DeepRows
from sharefind.architectures.deep.training import Plan, Told
from sharefind.errors import ConfigError, setting
from sharefind.groups import HiddenTypes, Representation, sum_of_types
from sharefind.meanfield.units import DeepUnit, build_unit
from sharefind.rng import named_stream

LAYERS, CHAINS, EARLY = "layers", "chains", "early"
PRICES = (LAYERS, CHAINS, EARLY)
"""Kinds of comparisons: single layers freed, chains of two groups, or a larger group than the function's in early
layers."""

EVIDENCE_WORK = 2e9
"""Most multiplications of one step of all ways together, labels times squares of free numbers, for which networks are
trained by evidence: about 20 seconds of one processor."""

BY_EVIDENCE, BY_ADAM = "evidence", "adam"
"""How the networks of a comparison are trained."""

PAY, COST, UNDECIDED = "ties pay", "ties cost", "undecided"
"""Verdicts of an interval on the ties that one of two networks has more."""


@dataclass(frozen=True)
class PricedTies:
    """One way to tie the layers.

    Attributes:
        name: Description, such as "layer 1 freed".
        groups: The group of each linear map by name, from the inputs up.
        parameters: Numbers that are free.
        risk: Held-out risk, as for nodes of a choice.
        risk_se: Its standard error.
        accuracy: Share of held-out rows whose class is right; None for numbers.
        steps: Steps of training at which this risk is smallest.
        difference: Its risk less that of the first way, from the same rows; above 0 where the first way is better.
        low: Lower end of the interval of the difference.
        high: Upper end.
        verdict: "ties pay" where the one of both with more ties is better by the interval, "ties cost" where it is
            worse, else "undecided"; empty for the first way.
    """

    name: str
    groups: tuple[str, ...]
    parameters: int
    risk: float
    risk_se: float
    accuracy: float | None
    steps: int
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class LayerPrice:
    """Ways to tie the layers of one network, compared on the same rows.

    Attributes:
        kind: Kind of the comparison: "layers", "chains", "early", or a name of one's own.
        hidden: The representation of each hidden layer, from the inputs up.
        ways: The ways; all others are compared with the first one.
        confidence: Confidence of each interval.
        folds: Folds of the rows, other ones than those on which the network was chosen.
        units: Independent units of rows that the intervals count.
        trainer: "evidence" where all networks are small, else "adam"; all ways have the same.
        seconds: Wall time.
    """

    kind: str
    hidden: tuple[str, ...]
    ways: tuple[PricedTies, ...]
    confidence: float
    folds: int
    units: int
    trainer: str
    seconds: float


def price_of_tying(
    rows: DeepRows,
    unit: DeepUnit,
    kind: str = LAYERS,
    plan: Plan | None = None,
    seed: int = 0,
    told: Told | None = None,
) -> LayerPrice:
    """Return how the held-out risk of a network changes when its layers are freed, or tied by other groups.

    Args:
        rows: The rows, with the group.
        unit: The unit, with the hidden types that were chosen.
        kind: "layers": each layer is freed alone, then the last ones, then all. "chains": the group in the first
            layers, each smaller group in all others. "early": the larger group of the rows in the first layers, where
            hidden layers have its regular types at about the widths of the unit, and the group in all others.
        plan: How networks are trained; as in the choice if left out.
        seed: Seed of folds, first weights and minibatches. The folds are others than those of a choice with this seed.
        told: Hears of the progress.

    Raises:
        ConfigError: The kind is unknown, there is nothing to compare, or there are too many chains.
        DataError: There are too few rows.
        NotConvergedError: A training diverged.
    """
    check_kind(kind)
    reason = why_no_price(rows, kind, len(unit.reps) - 1)
    if reason:
        raise ConfigError(reason)
    if kind == EARLY and rows.larger is not None:
        rows, unit, ways = _larger(rows, unit, rows.larger)
    else:
        ways = freed_layers(unit) if kind == LAYERS else chains(unit)
    return compare_ways(rows, unit, ways, kind, plan, seed, told)


def why_no_price(rows: DeepRows, kind: str, maps: int) -> str:
    """Return why ways to tie layers are not compared, in one line; empty where they are.

    Args:
        rows: The rows, with the group.
        kind: Kind of the comparison.
        maps: Most linear maps of a network.
    """
    asked = f"{setting('price')} {kind}"
    if kind == EARLY:
        needed = "the run needs a finite candidate of at most 200 elements that is larger than the group it found"
        return "" if rows.larger is not None else f"{asked}: {needed}; use {LAYERS}"
    if rows.group.order == 1:
        return f"{asked}: the group has one element, so that no layer is tied; drop it"
    count = maps * len(smaller_groups(rows.group)) if kind == CHAINS else 0
    if count > MOST_CHAINS:
        return f"{asked}: {rows.group.name} has {count} chains of two groups, above {MOST_CHAINS}; use {LAYERS}"
    return ""


def _larger(
    rows: DeepRows, unit: DeepUnit, larger: tuple[Representation, Representation]
) -> tuple[DeepRows, DeepUnit, list[LayerGroups]]:
    """The same rows and widths under the larger group, and its ties in early layers."""
    in_rep, out_rep = larger
    whole = in_rep.finite_group
    types = HiddenTypes.of(whole)
    hidden = [sum_of_types(multiplicities({types.types[-1]: 1.0}, rep.dim)) for rep in unit.hidden_reps]
    found = identity_of(whole) if rows.group.order == 1 else rows.group
    wide = build_unit(unit.name, in_rep, out_rep, hidden)
    if not isinstance(wide, DeepUnit):
        raise TypeError(f"{unit.name} is no deep unit")
    return replace(rows, in_rep=in_rep, out_rep=out_rep), wide, early_layers(wide, found)


def check_kind(kind: str) -> None:
    """Refuse an unknown kind of price.

    Args:
        kind: The kind.

    Raises:
        ConfigError: It is unknown.
    """
    if kind not in PRICES:
        raise ConfigError(f"{setting('price')} {kind}: use {', '.join(PRICES[:-1])} or {PRICES[-1]}")


def compare_ways(
    rows: DeepRows,
    unit: DeepUnit,
    ways: Sequence[LayerGroups],
    kind: str,
    plan: Plan | None = None,
    seed: int = 0,
    told: Told | None = None,
) -> LayerPrice:
    """Return how the held-out risk changes between ways to tie the layers of a network.

    The difference of each row's loss is averaged over rows. Its interval is that of the difference of risk of the
    networks that were trained (Bayle et al. 2020, Theorem 1: a central limit theorem for cross-validation).

    Args:
        rows: The rows.
        unit: The unit; its group acts on all layers, and may be larger than that of the whole function.
        ways: The ways to tie its layers; the others are compared with the first one.
        kind: Name of the comparison.
        plan: How networks are trained.
        seed: Seed of folds, first weights and minibatches.
        told: Hears of the progress.

    Raises:
        DataError: There are too few rows.
        NotConvergedError: A training diverged.
    """
    started = time.monotonic()
    own = int(named_stream(seed, "deep", "price").integers(2**62))
    plan, units = plan or Plan(), [way.unit(unit) for way in ways]
    trainer = _trainer(rows, units, plan)
    if trainer == BY_EVIDENCE and plan.evidence is not None:
        trained = _by_evidence(rows, units, plan.evidence, own, told)
    else:
        trained = train_jointly(unit, ways, rows, rows.folds(own), plan, own, told)
    found = tuple(_row(way, one, trained[0], rows) for way, one in zip(ways, trained, strict=True))
    count = len(rows.x) if rows.units is None else len(np.unique(rows.units))
    hidden = tuple(rep.name for rep in unit.hidden_reps)
    return LayerPrice(kind, hidden, found, CONFIDENCE, FOLDS, count, trainer, time.monotonic() - started)


def _trainer(rows: DeepRows, units: Sequence[TiedUnit], plan: Plan) -> str:
    """One trainer for all ways: by evidence where each is small enough and they are so together, else Adam."""
    work = rows.y.size * sum(float(one.free_numbers) ** 2 for one in units)
    if plan.evidence is None or work > EVIDENCE_WORK:
        return BY_ADAM
    return BY_EVIDENCE if all(plan.evidence.suits(one, rows) for one in units) else BY_ADAM


def _by_evidence(
    rows: DeepRows, units: Sequence[TiedUnit], plan: EvidencePlan, seed: int, told: Told | None
) -> list[JointlyTrained]:
    """Networks of each way from one start, one way after another."""
    found, folds = [], rows.folds(seed)
    for number, one in enumerate(units, 1):
        fit = train_by_evidence(one, rows, folds, replace(plan, starts=1), seed)
        found.append(JointlyTrained(fit.losses, fit.predictions, fit.step, one.free_numbers, fit.networks))
        if told is not None:
            told(number, len(units))
    return found


def _row(way: LayerGroups, one: JointlyTrained, first: JointlyTrained, rows: DeepRows) -> PricedTies:
    score = held_out_score(rows, one.losses, one.predictions)
    difference = mean_interval(one.losses - first.losses, rows.units)
    names = tuple(group.name for group in way.groups)
    verdict = "" if one is first else _verdict(*difference[1:], one.parameters < first.parameters)
    return PricedTies(way.name, names, one.parameters, *score, one.step, *difference, verdict)


def _verdict(low: float, high: float, has_more_ties: bool) -> str:
    if low <= 0 <= high:
        return UNDECIDED
    return PAY if (high < 0) == has_more_ties else COST
