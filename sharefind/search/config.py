"""What a search may be told, and what the engine works with.

`SearchConfig` is what the command line, a TOML file or a caller gives, `Settings` what follows from it. How it follows,
and which rules there are, is left to `presets`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sharefind.errors import setting
from sharefind.inference.statistics.traits import SearchStatistic
from sharefind.limits import LARGEST_ORDER, Limits, limits_of
from sharefind.meanfield.clouds.standardise import How
from sharefind.meanfield.dynamics.sgd import SGDConfig
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.parallel import Workers
from sharefind.search.rule_traits import GrowthTraits, StopTraits

StatisticName = Literal[
    "correlogram",
    "marginal-likelihood",
    "vector-score",
    "symmetric-evidence",
    "displacement",
    "cross-displacement",
    "held-out-gap",
]
Preset = Literal["paper", "fast"]
SymmetryOf = Literal["law", "relation", "auto"]

MAX_COPIES = 1_000_000
"""Most randomised copies that a test may be told to use."""


class SearchConfig(BaseModel):
    """A search as a user states it; None means "let the preset decide". Unknown keys are errors.

    Attributes:
        group: candidate group's name; generators: file with generators; map: table of columns, their images and signs;
            blind: no candidate (exactly one of the four).
        signs: a blind search looks for mirror maps: permutations with signs of inputs and of labels, apart.
        task: a named task; data: a file or a named data set (at most one; the default task is c2-wi).
        inputs, outputs, drop, categorical, labels, axes, shape, out_axes, out_shape, delimiter, decimal: what columns
            of the data are, as in `sharefind.datasets.roles.Roles`. relative_to_mean: axis of X whose coordinates are
            taken relative to their mean over the other axes; "coords:3" takes its first three entries.
        rows_of: column of the file, or array of an .npz file, with one value for all rows of a unit, which may depend
            on each other. block_length: rows of a block, into which units, or all rows, are cut in
            the order of the file.
        in_rep, out_rep: representation expressions; hidden_rep: one for a unit with a hidden layer.
        unit: unit expression. scheme: how training uses the group.
        growth: growth rule. stop: stopping rule. statistic: of the exact tests; the problem decides when left out.
        delta: threshold on dist^2 of the rule `fixed`.
        symmetry: what E_* is decided by: the law of (X, Y), the relation E[Y | X], or (auto, when left out) the law
            and, where the inputs alone break it, the relation.
        alpha: level of the tests. tolerance: largest relative escape that still counts as staying (0: exact symmetry).
        particles: N. horizon: T. replicates: R. seed. preset. copies: m, randomised copies of each test; where left
            out, 199 or more, and up to 64 times as many near alpha, so that verdicts do not depend on the seed.
        training_copies: copies that a training at a node is compared with; where left out, 39 where the exact tests
            decide (or `copies`, if fewer; as few as 9 where a training is expensive), which show how far noise alone
            goes, else as many as the tests begin with.
        max_nodes: most nodes that are visited. max_seconds: most seconds of work. Both over all sessions of a run; a
            search that ends by them is undecided, and goes on with larger ones.
        max_group_order, max_degree, max_dim, max_lattice, max_file_size: as in `sharefind.limits.Limits`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    group: str | None = None
    generators: str | None = None
    map: str | None = None
    blind: bool = False
    signs: bool | None = None
    task: str | None = None
    data: str | None = None
    inputs: str | None = None
    outputs: str | None = None
    drop: str | None = None
    rows_of: str | None = None
    categorical: str | None = None
    labels: Literal["numbers", "classes"] | None = None
    axes: str | None = None
    shape: str | None = None
    out_axes: str | None = None
    out_shape: str | None = None
    relative_to_mean: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    block_length: int | None = Field(default=None, ge=1)
    in_rep: str | None = None
    out_rep: str | None = None
    hidden_rep: str | None = None
    unit: str | None = None
    scheme: Scheme = Scheme.VANILLA
    growth: str | None = None
    stop: str | None = None
    statistic: StatisticName | None = None
    delta: float | None = Field(default=None, ge=0)
    symmetry: SymmetryOf | None = None
    alpha: float = Field(default=0.01, gt=0, lt=1)
    tolerance: float | None = Field(default=None, ge=0, lt=1)
    particles: int | None = Field(default=None, ge=1, le=1_000_000)
    horizon: float | None = Field(default=None, gt=0, le=1_000_000)
    replicates: int | None = Field(default=None, ge=2, le=10_000)
    copies: int | None = Field(default=None, ge=1, le=MAX_COPIES)
    training_copies: int | None = Field(default=None, ge=1, le=MAX_COPIES)
    seed: int = Field(default=0, ge=0, lt=2**63)
    preset: Preset = "fast"
    max_nodes: int | None = Field(default=None, ge=1)
    max_seconds: float | None = Field(default=None, gt=0)
    max_group_order: int | None = Field(default=None, ge=1, le=LARGEST_ORDER)
    max_degree: int | None = Field(default=None, ge=1)
    max_dim: int | None = Field(default=None, ge=1)
    max_lattice: int | None = Field(default=None, ge=1)
    max_file_size: int | None = Field(default=None, ge=1)

    @property
    def limits(self) -> Limits:
        """What bounds the sizes of all that the search is given."""
        return limits_of(self.model_dump())

    @model_validator(mode="after")
    def _exclusive(self) -> SearchConfig:
        given = [self.group is not None, self.generators is not None, self.map is not None, self.blind]
        if sum(given) > 1:
            raise ValueError(
                f"{setting('group')}, {setting('generators')}, {setting('map')} and {setting('blind')} exclude each "
                "other; give one of them"
            )
        if self.task is not None and self.data is not None:
            raise ValueError(f"{setting('task')} and {setting('data')} exclude each other; give one of them")
        if self.signs and (not self.blind or self.delta is not None):
            raise ValueError(
                f"{setting('signs')} says what a search without a candidate looks for; "
                + (f"drop {setting('delta')}" if self.blind else f"give {setting('blind')}, or drop {setting('signs')}")
            )
        if self.blind and self.scheme is not Scheme.VANILLA:
            raise ValueError(
                f"scheme {self.scheme.value} imposes a symmetry, and {setting('blind')} has none; drop "
                f"{setting('scheme')}"
            )
        if self.blind and (self.in_rep is not None or self.out_rep is not None):
            raise ValueError(
                f"{setting('blind')} finds out how inputs and outputs are moved; drop {setting('in_rep')} and "
                f"{setting('out_rep')}"
            )
        return self


@dataclass(frozen=True)
class Presets:
    """The numbers that fill in what the user leaves open; where nothing else is said, those of the preset `fast`.

    Attributes:
        nodes: Most nodes that are visited; the S_5 lattice has under 200.
        replicates: R.
        fold: Fewest samples that a fold of the cross-fitted escape should hold; at least two folds are always made.
        copies: Fewest randomised copies that a test uses; more are used where alpha could not be reached otherwise.
        training_copies: Most copies that a training is compared with where it decides nothing.
        fewest_training_copies: Fewest of these, where one training is expensive.
        copied_updates: Updates of all of these at a node (parameters of all particles, times samples), about a second.
        checkpoints: Fractions of the horizon at which the escape is read: early ones see it before a tilt is amplified.
        paper_particles: N of the preset `paper`.
        fresh_particles: N on fresh samples.
        fresh_horizon: T there: a quarter of the paper's, by which an escape of the C_2 tasks is clear.
        finite_particles: N on finite data: the test's power is flat from 20 particles on.
        hidden_units: The same for units with a hidden layer, as hidden units of all particles together.
        fewest_hidden: Fewest particles of such units.
        rate: Share of a linear signal that one step learns on standardised data: the paper's step at N = 100, logistic
            units.
        hidden_rate: The same for units with a hidden layer, as a share of the step that is surely stable at the start.
        hidden_std: Standard deviation of their start on whitened inputs: from a small start they learn the linear
            signal alone.
        epochs: Passes over a finite data set: near the horizon at which an escape is most significant.
        steps: Fewest steps of a training on finite data, so that a small data set is learned too.
        fewest_samples: Fewest samples of a minibatch of finite data, where there are that many.
        steps_per_epoch: Most minibatches that an epoch is cut into: large data sets get larger minibatches, not more
            steps.
        largest_batch: Most samples of one step: very large data sets are sampled, not read whole, by each of the many
            copies.
    """

    nodes: int = 10_000
    replicates: int = 10
    fold: int = 50
    copies: int = 199
    training_copies: int = 39
    fewest_training_copies: int = 9
    copied_updates: int = 10**9
    checkpoints: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0)
    paper_particles: int = 1000
    fresh_particles: int = 100
    fresh_horizon: float = 5.0
    finite_particles: int = 32
    hidden_units: int = 256
    fewest_hidden: int = 8
    rate: float = 1 / 16
    hidden_rate: float = 1 / 2
    hidden_std: float = 1.0
    epochs: int = 3
    steps: int = 60
    fewest_samples: int = 20
    steps_per_epoch: int = 100
    largest_batch: int = 256


@dataclass(frozen=True)
class Settings:
    """A search as the engine runs it: every choice made.

    Attributes as in `SearchConfig`, and: growing, stopping: what the two rules declare. sgd: settings of one training.
    standardise: what is done to finite data. workers: who does the work; never part of the configuration, because the
    result does not depend on it. presets: what filled in the rest.
    """

    config: SearchConfig
    growth: str
    growing: GrowthTraits
    stop: str
    stopping: StopTraits
    statistic: StatisticName | SearchStatistic | None
    delta: float | None
    alpha: float
    tolerance: float
    replicates: int
    copies: int
    training_copies: int
    sgd: SGDConfig
    standardise: How
    workers: Workers = field(default_factory=Workers)
    presets: Presets = Presets()

    @property
    def max_nodes(self) -> int:
        """Most nodes that are visited, over all sessions of the run."""
        return self.presets.nodes if self.config.max_nodes is None else self.config.max_nodes

    @property
    def symmetry(self) -> SymmetryOf:
        """What E_* is decided by."""
        return self.config.symmetry or "auto"

    @property
    def grows(self) -> bool:
        """Whether tests near alpha get more copies: unless the user said how many."""
        return self.config.copies is None

    @property
    def is_paper(self) -> bool:
        """Whether the preset is the paper's."""
        return self.config.preset == "paper"

    @property
    def seed(self) -> int:
        """The seed from which every node derives its own."""
        return self.config.seed
