"""Is the relation equivariant, E[Y | g X] = g E[Y | X], whatever the law of the inputs?

A parametric bootstrap at fixed inputs: copies of the labels are drawn from a fit that the group ties. The level is
known by simulation alone (docs/relation); no exact test exists for an arbitrary law of continuous inputs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.relation.detectable import detectable_break
from sharefind.inference.relation.overlap import overlap
from sharefind.inference.relation.tied_evidence import EvidenceSettings, KernelEvidence
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.p_values import RandomisationTest, found_test
from sharefind.parallel import Workers


@dataclass(frozen=True)
class RelationTest:
    """What a test of a relation found.

    Attributes:
        test: The bootstrap: its p-value has its level by simulation, it is not exact.
        overlap: What the inputs can say about the group, about 0 where they show one side of it only and about 1 where
            their law is invariant.
        detectable: Smallest break that would have been seen with probability .8, as a share of the standard deviation
            of what the tied fit explains; None where that is not known.
    """

    test: RandomisationTest
    overlap: float
    detectable: float | None = None

    @property
    def p_value(self) -> float:
        """Of the bootstrap."""
        return self.test.p_value


@dataclass(frozen=True)
class RelationSettings:
    """How relations are tested.

    Attributes:
        evidence: The kernels and what is done with them.
        most_values: Most labels (rows, times outputs where these move) of which the exact kernel matrices are formed.
        copies_at_once: Copies that are evaluated between two looks at the deadline.
    """

    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    most_values: int = 1000
    copies_at_once: int = 50


@warns_of_rows
def relation_test(
    x: Tensor,
    y: Tensor,
    moves: Moves,
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

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out); of classes one column a class, 1 in that of the row and 0 elsewhere.
        moves: The group, orthogonal, finite and small enough to be listed.
        rng: Of the copies.
        copies: Copies of the labels.
        units: Which unit a row belongs to, shape (n,), int64: rows of one unit depend on each other.
        has_classes: Whether labels are classes.
        settings: How it is tested; `RelationSettings()` where None.
        alpha: Level at which the detectable break of what is not rejected is looked for; it is not where None.
        workers: Whose deadline is kept; this process makes the test.

    Returns:
        The test.

    Raises:
        ConfigError: No copies.
        GroupError: The group is infinite, or too large to be listed.
        InputError: The samples cannot be used. What the deadline of the workers says, when it passes.
    """
    refuse_bad_samples(x, y, units)
    if copies < 1:
        raise ConfigError(f"copies={copies}; give at least 1")
    started, settings = time.perf_counter(), settings or RelationSettings()
    evidence = KernelEvidence.of(x.double(), y.double(), moves, rng, settings.evidence)
    labels = evidence.copies(rng, copies, units, has_classes=has_classes)
    values = [evidence.statistic(evidence.labels.unsqueeze(0))]
    for part in labels.split(settings.copies_at_once):
        if workers is not None:
            workers.refuse_late()
        values.append(evidence.statistic(part))
    whole = torch.cat(values)
    found = found_test("relation-evidence", whole.unsqueeze(1).numpy(), time.perf_counter() - started)
    seen = None
    if alpha is not None and found.p_value > alpha:
        seen = detectable_break(evidence, alpha, rng, units, has_classes=has_classes)
    return RelationTest(found, overlap(x, y, moves, rng), seen)
