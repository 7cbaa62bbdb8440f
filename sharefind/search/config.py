"""The configuration of a search, and the settings that the engine works with.

`SearchConfig` is what the command line, a TOML file or a caller gives, `Settings` what follows from it. `presets` has
the rules and derives the settings.
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
"""Most randomised copies that a test can be configured to use."""


class SearchConfig(BaseModel):
    """A search as a user configures it; None means "let the preset decide". Unknown keys are errors.

    Attributes:
        group: Name of the candidate group; exactly one of `group`, `generators`, `map` and `blind` is used.
        generators: File with generators.
        map: Table of columns, their images and signs.
        blind: Search without a candidate.
        signs: Whether a blind search looks for mirror maps: separate permutations with signs of inputs and of labels.
        task: A named task, at most one of `task` and `data`; the default task is c2-wi.
        data: A file or a named data set.
        inputs: As in `sharefind.datasets.roles.Roles`.
        outputs: As in `Roles`.
        drop: As in `Roles`.
        rows_of: Column of the file, or array of an .npz file, with one value for all rows of a unit; they may depend on
            each other.
        categorical: As in `Roles`.
        labels: As in `Roles`.
        axes: As in `Roles`.
        shape: As in `Roles`.
        out_axes: As in `Roles`.
        out_shape: As in `Roles`.
        relative_to_mean: Axis of X whose coordinates are taken relative to their mean over the other axes; "coords:3"
            takes its first three entries.
        delimiter: As in `Roles`.
        decimal: As in `Roles`.
        block_length: Rows of a block; units, or all rows, are cut into blocks in the order of the file.
        in_rep: Representation expression on X.
        out_rep: Representation expression on Y.
        hidden_rep: Representation expression for a unit with a hidden layer.
        unit: Unit expression.
        scheme: How training uses the group.
        growth: Growth rule.
        stop: Stopping rule.
        statistic: Statistic of the exact tests; the problem decides by default.
        delta: Threshold on dist^2 of the rule `fixed`.
        symmetry: The symmetry that decides E_*: that of the law of (X, Y), that of the relation E[Y | X], or (auto, the
            default) that of the law and, where the inputs alone break it, that of the relation.
        alpha: Level of the tests.
        tolerance: Largest relative escape that still counts as staying (0: exact symmetry).
        particles: Number N of particles.
        horizon: The horizon T.
        replicates: Number R of replicates.
        copies: Number m of randomised copies in each test. The default is 199 or more, and up to 64 times as many near
            alpha, so that verdicts do not depend on the seed.
        training_copies: Copies that a training at a node is compared with. The default is 39 where the exact tests
            decide (or `copies`, if fewer; as few as 9 where a training is expensive), which show how far noise alone
            goes; otherwise the number with which the tests begin.
        seed: Seed of everything random.
        preset: Preset that fills in the rest.
        max_nodes: Most nodes that are visited, over all sessions of a run. A search that reaches it is undecided, and
            continues with a larger value.
        max_seconds: Most seconds of work, in the same way.
        max_group_order: As in `sharefind.limits.Limits`.
        max_degree: As in `Limits`.
        max_dim: As in `Limits`.
        max_lattice: As in `Limits`.
        max_file_size: As in `Limits`.
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
        """The limits on the sizes of all input of the search."""
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
    """The numbers that fill in what the user leaves open; by default, those of the preset `fast`.

    Attributes:
        nodes: Most nodes that are visited; the S_5 lattice has under 200.
        replicates: Number R of replicates.
        fold: Fewest samples that a fold of the cross-fitted escape should hold; at least two folds are always made.
        copies: Fewest randomised copies that a test uses; more are used where alpha could not be reached otherwise.
        training_copies: Most copies that a training is compared with where it decides nothing.
        fewest_training_copies: Fewest training copies, where one training is expensive.
        copied_updates: Parameter updates of all these trainings at a node together, counting every parameter of every
            particle at every sample. The default takes about a second.
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
    """A search as the engine runs it, with every choice made.

    Attributes:
        config: The configuration.
        growth: As in `SearchConfig`.
        growing: Traits that the growth rule declares.
        stop: As in `SearchConfig`.
        stopping: Traits that the stopping rule declares.
        statistic: As in `SearchConfig`.
        delta: As in `SearchConfig`.
        alpha: As in `SearchConfig`.
        tolerance: As in `SearchConfig`.
        replicates: As in `SearchConfig`.
        copies: As in `SearchConfig`.
        training_copies: As in `SearchConfig`.
        sgd: Settings of one training.
        standardise: How finite data are standardised.
        workers: Processes that do the work; never part of the configuration, because the result does not depend on
            them.
        presets: The numbers that filled in the rest.
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
        """The symmetry that decides E_*."""
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
