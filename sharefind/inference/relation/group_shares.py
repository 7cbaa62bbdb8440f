"""The group of a lattice that the data favour: shares of the posterior over tied Gaussian processes.

Beside a tested answer: a share has no error rate, and is calibrated by simulation (docs/benchmarks).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.relation.listed_lattice import ListedLattice
from sharefind.inference.relation.share_evidence import ShareSettings, StepProgress, TiedProcesses
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.tests.families import CandidateFamily
from sharefind.parallel import Workers

NO_SYMMETRY = ""
"""Name under which "no symmetry" has its share."""


@dataclass(frozen=True)
class GroupShares:
    """The groups that the evidence favours.

    Attributes:
        log_evidence: Log evidence of each candidate, and of `NO_SYMMETRY`.
        shares: Shares of the posterior, the same keys; they sum to 1.
        rows: Rows that were read.
        noise: Logarithm of the evidence that labels are constants and noise, and do not depend on the inputs.
        as_likely: The largest group that contains the one with the largest share and is about as likely; None for none.
    """

    log_evidence: Mapping[str, float]
    shares: Mapping[str, float]
    rows: int
    noise: float = -math.inf
    as_likely: str | None = None

    @property
    def likeliest(self) -> str:
        """The name with the largest share, or of a larger group where the data cannot tell the two apart."""
        return largest_share(self.shares) if self.as_likely is None else self.as_likely

    @property
    def has_signal(self) -> bool:
        """Whether the likeliest group explains more than noise does; no group should be named where it does not."""
        return self.log_evidence[self.likeliest] > self.noise


@warns_of_rows
def group_shares(
    x: Tensor,
    y: Tensor,
    family: CandidateFamily,
    rng: np.random.Generator,
    units: Tensor | None = None,
    *,
    settings: ShareSettings | None = None,
    progress: StepProgress | None = None,
    workers: Workers | None = None,
) -> GroupShares | None:
    """Return shares of the candidates of a family and of no symmetry.

    A candidate H stands for E[Y | X] being one draw of a Gaussian process that H ties, with covariance mean_h k(x, h
    x') rho(h). The prior is uniform over conjugacy classes, with no symmetry as one of them, so that the many
    conjugates of a small group weigh no more than one large group. All candidates see the same inputs, scaled by one
    matrix that commutes with the largest group, and the same labels; the part of their mean that the largest group
    fixes is subtracted. A constant that a smaller group fixes has a prior of its own: labels whose means differ between
    outputs speak against groups that exchange these outputs, as they must.

    Classes, as one-hot labels, are compared by their squared error: this evidence is approximate. Directions in which
    labels are the same in all rows are left out: one-hot labels of k classes are k - 1 outputs. Rows of one unit depend
    on each other: logarithms are multiplied by units / rows, as if each unit had the information of one row.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        family: The candidates.
        rng: Source of the choice of rows where there are many, and of the blocks into which they are cut.
        units: The unit of each row, shape (n,), int64.
        settings: The processes; `ShareSettings()` where None.
        progress: Called with the steps done and the steps in all.
        workers: Share the steps, with the same result; this process alone if None.

    Returns:
        The shares. None where the largest group is infinite, has more than `settings.most_order` elements, or has more
        subgroups than `settings.most_work` allows for a few rows; None also where inputs or labels are the same in all
        rows that can be read.

    Raises:
        InputError: The samples cannot be used.
    """
    refuse_bad_samples(x, y, units)
    settings = settings or ShareSettings()
    lattice = ListedLattice.of(family, NO_SYMMETRY, settings.most_order)
    if lattice is None:
        return None
    rows = _rows(len(x), TiedProcesses(lattice, settings).readable_rows(len(x)), units, rng)
    inputs, labels = x[rows].double(), y[rows].double()
    if len(rows) == 0 or any(bool((v == v[0]).all()) for v in (inputs, labels)):
        return None
    lattice, inputs, labels = _scaled(lattice, inputs, labels, rng)
    processes = TiedProcesses(lattice, settings)
    parts = _parts(len(rows), processes.block_rows(len(rows)), rng)
    weight = 1.0 if units is None else len(torch.unique(units[rows])) / len(rows)
    evidence = processes.log_evidence(inputs, labels, parts, progress, workers)
    found = {n: weight * v for n, v in evidence.items()}
    shares = posterior(found, lattice.prior(), settings.temperature)
    noise = weight * processes.noise_evidence(labels, parts)
    return GroupShares(found, shares, len(rows), noise, as_likely(shares, lattice.members, settings.alike))


def largest_share(shares: Mapping[str, float]) -> str:
    """Return the name with the largest share; the first one where several are equal.

    Args:
        shares: Shares by name.
    """
    return max(shares, key=lambda name: shares[name])


def as_likely(shares: Mapping[str, float], members: Mapping[str, NDArray[np.int64]], alike: float) -> str | None:
    """Return the largest group that contains the group with the largest share, and has nearly that share.

    Groups that tie a linear function alike have the same evidence where the relation is linear, up to rounding and the
    kernel. Which of them has the largest share is then an accident, and the largest of them ties no more than others.

    Args:
        shares: Share of each group.
        members: Elements of each group, in one numbering.
        alike: Part of the largest share that a larger group needs.

    Returns:
        Its name; None where there is none, and where no symmetry has the largest share.
    """
    best = largest_share(shares)
    if best == NO_SYMMETRY:
        return None
    least, inside = alike * shares[best], set(members[best].tolist())
    larger = [n for n, m in members.items() if shares[n] >= least and inside < set(m.tolist())]
    return max(larger, key=lambda name: len(members[name]), default=None)


def _rows(n: int, most: int, units: Tensor | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return at most `most` rows in their order, some of each unit, since more units tell more."""
    order = rng.permutation(n)
    if units is not None:
        _, number, counts = np.unique(units.numpy()[order], return_inverse=True, return_counts=True)
        by_unit = np.argsort(number, kind="stable")
        within = np.empty(n, dtype=np.int64)
        within[by_unit] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
        order = order[np.argsort(within, kind="stable")]
    return np.sort(order[:most])


def _parts(rows: int, block: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    count = math.ceil(rows / block)
    return [np.arange(rows)] if count == 1 else np.array_split(rng.permutation(rows), count)


def _scaled(
    lattice: ListedLattice, x: Tensor, y: Tensor, rng: np.random.Generator
) -> tuple[ListedLattice, Tensor, Tensor]:
    """Origin by what the largest group leaves alone, scale by spreads about the mean: offsets do not set the scale."""
    origin = orbit_scale(lattice.whole, x, y, rng)
    spread = orbit_scale(lattice.whole, x - x.mean(0), y - y.mean(0), rng)
    inputs, labels = replace(origin, x_matrix=spread.x_matrix, y_scale=spread.y_scale)(x, y)
    kept = _spanned(lattice.on_y, labels)
    if kept.shape[1] == labels.shape[1]:
        return lattice, inputs, labels
    return replace(lattice, on_y=kept.t() @ lattice.on_y @ kept), inputs, labels @ kept


def _spanned(on_y: Tensor, y: Tensor, rounding: float = 1e-9) -> Tensor:
    """Orthonormal directions (q, r) in which labels or their images differ from 0; one-hot labels have one less than q.

    The group leaves the rest alone. Counted as outputs, directions without labels would make evidence too sure of
    itself: that of two classes would be squared.

    Args:
        on_y: How the group moves labels, shape (g, q, q).
        y: Labels from their origin, shape (n, q).
        rounding: Largest part of the variance that is 0.
    """
    moved = (on_y @ (y.t() @ y) @ on_y.mT).mean(0)
    values, vectors = torch.linalg.eigh((moved + moved.t()) / 2)
    kept: Tensor = vectors[:, values > rounding * values.max()]
    return kept


def posterior(evidence: Mapping[str, float], prior: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Shares that are proportional to prior x exp(evidence / temperature), and sum to 1.

    Args:
        evidence: Logarithms, of each name.
        prior: Prior weight of each name, positive.
        temperature: Divisor of the logarithms.

    Returns:
        The share of each name.
    """
    logs = {name: value / temperature + math.log(prior[name]) for name, value in evidence.items()}
    best = max(logs.values())
    weights = {name: math.exp(value - best) for name, value in logs.items()}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}
