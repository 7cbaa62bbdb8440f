"""Is the relation equivariant, E[Y | g X] = g E[Y | X], whatever the law of the inputs?

A parametric bootstrap at fixed inputs: copies of the labels are drawn from a fit that the group ties. The level is
known by simulation alone (docs/relation); no exact test exists for an arbitrary law of continuous inputs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.relation.detectable import detectable_break
from sharefind.inference.relation.generating_parts import part_moves
from sharefind.inference.relation.kernel_factors import of_distinct
from sharefind.inference.relation.overlap import overlap
from sharefind.inference.relation.tied_evidence import EvidenceSettings, KernelEvidence
from sharefind.inference.relation.tied_features import FeatureDraft, FeatureEvidence, FeatureSettings
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.p_values import RandomisationTest, found_test
from sharefind.inference.tied_kernels import ListedGroup
from sharefind.parallel import Workers


@dataclass(frozen=True)
class RelationTest:
    """The result of a test of a relation.

    Attributes:
        test: The bootstrap: its p-value has its level by simulation, it is not exact.
        overlap: Overlap of the inputs with the group, about 0 where they show one side of it only and about 1 where
            their law is invariant.
        detectable: Smallest break that would have been seen with probability .8, as a share of the standard deviation
            of what the tied fit explains; None where that is not known.
    """

    test: RandomisationTest
    overlap: float
    detectable: float | None = None

    @property
    def p_value(self) -> float:
        """p-value of the bootstrap."""
        return self.test.p_value


@dataclass(frozen=True)
class RelationSettings:
    """How relations are tested.

    Attributes:
        evidence: The kernels and what is done with them.
        most_values: Most labels (rows, times outputs where these move) for which the exact kernel matrices are formed.
        features: Features that replace the kernels of more labels.
        fewer_values: Most labels of the exact kernel matrices where labels are many but features leave out more than
            the labels' noise. What features leave out would look like a break.
        seen_values: Most labels with which the detectable break is searched; the break of n rows is estimated from that
            of m rows, times sqrt(m / n).
    """

    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    most_values: int = 600
    features: FeatureSettings = field(default_factory=FeatureSettings)
    fewer_values: int = 600
    seen_values: int = 400

    def of_labels(self, *, has_classes: bool) -> RelationSettings:
        """Return these settings, with the undersmoothing of classes where labels are classes.

        Args:
            has_classes: Whether labels are classes.
        """
        if not has_classes:
            return self
        return replace(self, evidence=replace(self.evidence, undersmoothing=self.evidence.class_undersmoothing))

    def kernels(
        self, x: Tensor, y: Tensor, moves: AmbientMoves, rng: np.random.Generator
    ) -> KernelEvidence | FeatureEvidence:
        """Return the evidence of a hypothesis: exact, or of features where labels are many.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            moves: How the group moves samples.
            rng: Source of random numbers.
        """
        width = ListedGroup.of(moves).row_width
        if len(x) * width <= self.most_values:
            return KernelEvidence.of(x, y, moves, rng, self.evidence)
        features = FeatureDraft.of(x, y, moves, rng, self.evidence, self.features)
        left_out = features.left_out
        if left_out <= min(self.evidence.noises):
            return features.evidence()
        rows = torch.from_numpy(np.sort(rng.permutation(len(x))[: max(2, self.fewer_values // width)]))
        exact = replace(KernelEvidence.of(x[rows], y[rows], moves, rng, self.evidence), rows=rows)
        # Not the noise that features choose: what they leave out is a part of it.
        _, noise = exact.chosen()
        return features.evidence() if left_out <= noise else exact


@warns_of_rows
def relation_test(
    x: Tensor,
    y: Tensor,
    moves: AmbientMoves,
    rng: np.random.Generator,
    copies: int = 199,
    units: Tensor | None = None,
    *,
    has_classes: bool = False,
    settings: RelationSettings | None = None,
    alpha: float | None = None,
    workers: Workers | None = None,
) -> RelationTest:
    """Test that E[Y | h X] = h E[Y | X] for all h of a finite group.

    A Gaussian process that the group ties is compared with its mixture with a free one, by the evidence of each at the
    best hyperparameters, which are chosen again in each copy of the labels. Copies are the tied fit and its residuals
    with a random sign for each row, which keeps errors of any size, or classes drawn with the fit's probabilities.

    The rows of a unit get one sign, so that any dependence of their errors on each other is kept, as long as errors are
    symmetric and units are independent and many: with m units there are 2^m copies at most. Classes of a unit are as
    alike as their probabilities allow, which assumes the strongest dependence. A level of the relation between units,
    which each unit has for itself, is an error in this sense.

    Data that the group maps to themselves, and inputs that it leaves alone where labels stay, give p = 1.

    If a group is too large for its kernels, parts that generate it are tested, see `generating_parts`: p is the
    smallest p-value of the parts times their number, the overlap is the smallest one, and the detectable break is
    unknown.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out); of classes one column a class, 1 in that of the row and 0 elsewhere.
        moves: The group, orthogonal and finite.
        rng: Source of the copies.
        copies: Copies of the labels, for each part of a large group as many times more.
        units: Which unit a row belongs to, shape (n,), int64: rows of one unit depend on each other.
        has_classes: Whether labels are classes.
        settings: How it is tested; `RelationSettings()` where None.
        alpha: Level at which the detectable break of what is not rejected is looked for; it is not where None.
        workers: Whose deadline is kept; this process makes the test.

    Returns:
        The test.

    Raises:
        ConfigError: No copies.
        GroupError: The group is infinite.
        InputError: The samples cannot be used. What the deadline of the workers says, when it passes.
    """
    refuse_bad_samples(x, y, units)
    if copies < 1:
        raise ConfigError(f"copies={copies}; give at least 1")
    settings, parts = (settings or RelationSettings()).of_labels(has_classes=has_classes), part_moves(moves)
    if len(parts) == 1:
        return _tested(x, y, parts[0], rng, copies, units, settings, alpha, workers, has_classes=has_classes)
    most = len(parts) * (copies + 1) - 1
    found = [_tested(x, y, part, rng, most, units, settings, None, workers, has_classes=has_classes) for part in parts]
    return _joined(found)


def _joined(found: Sequence[RelationTest]) -> RelationTest:
    """One test of the group that the tested groups generate."""
    least = min((one.test for one in found), key=lambda test: (test.p_value, -test.z))
    exceeding = min(least.copies, len(found) * (least.exceeding + 1) - 1)
    seconds = sum(one.test.seconds for one in found)
    p_value = min(1.0, len(found) * least.p_value)
    return RelationTest(
        replace(least, p_value=p_value, exceeding=exceeding, seconds=seconds), min(one.overlap for one in found)
    )


def _tested(
    x: Tensor,
    y: Tensor,
    moves: AmbientMoves,
    rng: np.random.Generator,
    copies: int,
    units: Tensor | None,
    settings: RelationSettings,
    alpha: float | None,
    workers: Workers | None,
    *,
    has_classes: bool,
) -> RelationTest:
    """The test of a group of which kernels are formed."""
    started = time.perf_counter()
    evidence = settings.kernels(x.double(), y.double(), moves, rng)
    units = units if units is None or evidence.rows is None else units[evidence.rows]
    labels = evidence.copies(rng, copies, units, has_classes=has_classes)
    labels = torch.cat([evidence.labels.unsqueeze(0), labels])
    compared = evidence.statistic_for(labels, has_classes=has_classes)

    def statistic(part: Tensor) -> Tensor:
        if workers is not None:
            workers.refuse_late()
        return compared(part)

    whole = of_distinct(statistic, labels, settings.evidence.copies_at_once)
    if evidence.is_complete():
        whole[0] = whole.min()
    found = found_test(evidence.name, whole.unsqueeze(1).numpy(), time.perf_counter() - started)
    seen = None
    if alpha is not None and found.p_value > alpha:
        seen = _seen(evidence, settings, (x, y), moves, rng, alpha, units, has_classes=has_classes)
    return RelationTest(found, overlap(x, y, moves, rng), seen)


def _seen(
    evidence: KernelEvidence | FeatureEvidence,
    settings: RelationSettings,
    samples: tuple[Tensor, Tensor],
    moves: AmbientMoves,
    rng: np.random.Generator,
    alpha: float,
    units: Tensor | None,
    *,
    has_classes: bool,
) -> float | None:
    """The detectable break; units (n,) are those of the rows that the test read."""
    values, width = len(evidence.labels), ListedGroup.of(moves).row_width
    if isinstance(evidence, KernelEvidence) and values <= settings.seen_values:
        return detectable_break(evidence, alpha, rng, units, has_classes=has_classes)
    chosen = np.sort(rng.permutation(values // width)[: max(2, settings.seen_values // width)])
    rows = torch.from_numpy(chosen)
    x, y = (v.double() if evidence.rows is None else v.double()[evidence.rows] for v in samples)
    fewer = KernelEvidence.of(x[rows], y[rows], moves, rng, settings.evidence)
    own = None if units is None else units[rows]
    found = detectable_break(fewer, alpha, rng, own, has_classes=has_classes)
    return None if found is None else found * math.sqrt(len(rows) * width / values)
