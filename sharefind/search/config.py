"""What a search may be told, validated before any work starts, and the presets that fill in the rest.

`SearchConfig` is what the command line, a TOML file or a caller gives; `Settings` is what the engine works with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sharefind.errors import ConfigError, quoted, setting, visible
from sharefind.limits import LARGEST_ORDER, Limits, limits_of
from sharefind.meanfield.clouds.standardise import How
from sharefind.meanfield.dynamics.sgd import SGDConfig
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.meanfield.units import SearchedUnit
from sharefind.parallel import Workers

GrowthName = Literal["mean", "escape", "invariant"]
StopName = Literal["fixed", "calibrated", "randomisation"]
StatisticName = Literal["correlogram", "marginal-likelihood", "displacement", "cross-displacement", "held-out-gap"]
Preset = Literal["paper", "fast"]

CHECKPOINTS = (0.125, 0.25, 0.5, 1.0)
"""Fractions of the horizon at which the escape is read: early ones see it before a tilt is amplified."""

MIN_COPIES = 199
"""Fewest randomised copies a test uses; more are used where alpha could not be reached otherwise."""

MAX_COPIES = 1_000_000
"""Most randomised copies a test uses."""

MEAN_HORIZON = 2.0
"""T at which `mean` growth finds its second direction at N = 1000: before it is noise, then it cancels."""

MEAN_DELTA = 3e-3
"""delta_j of the paper's heuristic: between the tilt of a grown direction (1e-4 to 1e-3) and an escape (1e-2)."""

FEWEST_NODES = 2
"""Nodes that a search visits at the least, {0} and E_*: what is trained there decides whether compiling pays."""

CALIBRATED_NODES = 8
"""The same for the rule `calibrated`, which visits the candidate's spaces inside E_* before it."""

FRESH_HORIZON = 5.0
"""T of the fast preset on fresh samples: a quarter of the paper's, by which an escape of the C_2 tasks is clear."""

FINITE_PARTICLES = 32
"""N of the fast preset on finite data: the test's power is flat from 20 particles on."""

HIDDEN_UNITS = 256
"""The same for units with a hidden layer, as hidden units of all particles together, but for `FEWEST_HIDDEN`."""

FEWEST_HIDDEN = 8
"""Fewest particles of such units."""

FINITE_RATE = 1 / 16
"""Share of a linear signal that one step learns on standardised data: the paper's step at N = 100, logistic units."""

HIDDEN_RATE = 1 / 2
"""The same for units with a hidden layer, as a share of the step that is surely stable at the start, 1 / gain."""

HIDDEN_STD = 1.0
"""Standard deviation of their start on whitened inputs: from a small start they learn the linear signal alone."""

FINITE_EPOCHS = 3
"""Passes over a finite data set: near the horizon at which an escape is most significant."""

MIN_STEPS = 60
"""Fewest steps of a training on finite data, so that a small data set is learned too."""

STEPS_PER_EPOCH = 100
"""Most minibatches an epoch is cut into: large data sets get larger minibatches, not more steps."""

LARGEST_BATCH = 256
"""Most samples of one step: very large data sets are sampled, not read whole, by each of the many copies."""

MAX_NODES = 10_000
"""Most nodes that a search visits where nothing else is said; the S_5 lattice has under 200."""

MIN_FOLD = 50
"""Fewest samples a fold of the cross-fitted escape should hold; at least two folds are always made."""


class SearchConfig(BaseModel):
    """A search as a user states it; None means "let the preset decide". Unknown keys are errors.

    Attributes:
        group: candidate group's name; generators: file with generators; blind: no candidate (exactly one of the three).
        task: a named task; data: a file or a named data set (at most one; the default task is c2-wi).
        rows_of: column of the file, or array of an .npz file, with one value for all rows of a unit, which may depend
            on each other. block_length: rows of a block, into which units, or all rows, are cut in
            the order of the file.
        in_rep, out_rep: representation expressions; hidden_rep: one for a unit with a hidden layer.
        unit: unit expression. scheme: how training uses the group.
        growth: growth rule. stop: stopping rule. statistic: of the exact tests; the problem decides when left out.
        delta: threshold on dist^2 of the rule `fixed`.
        alpha: level of the tests. tolerance: largest relative escape that still counts as staying (0: exact symmetry).
        particles: N. horizon: T. replicates: R. seed. preset. copies: m, randomised copies of each test; where left
            out, 199 or more, and up to 64 times as many near alpha, so that verdicts do not depend on the seed.
        max_nodes: most nodes that are visited. max_seconds: most seconds of work. Both over all sessions of a run; a
            search that ends by them is undecided, and goes on with larger ones.
        max_group_order, max_degree, max_dim, max_lattice, max_file_size: as in `sharefind.limits.Limits`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    group: str | None = None
    generators: str | None = None
    blind: bool = False
    task: str | None = None
    data: str | None = None
    rows_of: str | None = None
    block_length: int | None = Field(default=None, ge=1)
    in_rep: str | None = None
    out_rep: str | None = None
    hidden_rep: str | None = None
    unit: str | None = None
    scheme: Scheme = Scheme.VANILLA
    growth: GrowthName | None = None
    stop: StopName | None = None
    statistic: StatisticName | None = None
    delta: float | None = Field(default=None, ge=0)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    tolerance: float | None = Field(default=None, ge=0, lt=1)
    particles: int | None = Field(default=None, ge=1, le=1_000_000)
    horizon: float | None = Field(default=None, gt=0, le=1_000_000)
    replicates: int | None = Field(default=None, ge=2, le=10_000)
    copies: int | None = Field(default=None, ge=1, le=MAX_COPIES)
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
        given = [self.group is not None, self.generators is not None, self.blind]
        if sum(given) > 1:
            raise ValueError(
                f"{setting('group')}, {setting('generators')} and {setting('blind')} exclude each other; give one of "
                "them"
            )
        if self.task is not None and self.data is not None:
            raise ValueError(f"{setting('task')} and {setting('data')} exclude each other; give one of them")
        if self.blind and self.growth in ("mean", "escape") and self.delta is None:
            raise ValueError(
                f"growth rule {self.growth} visits spaces that no group fixes, so that nothing calibrates delta_j; "
                f"give {setting('delta')}, a bound on dist^2, or leave {setting('growth')} out"
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
        if self.stop == "randomisation" and self.growth in ("mean", "escape"):
            raise ValueError(
                f"growth rule {self.growth} visits spaces that are no group's, where randomisation has no exact test; "
                f"use {setting('stop')} calibrated or {setting('growth')} invariant"
            )
        if self.delta is not None and self.stop not in (None, "fixed"):
            raise ValueError(
                f"{setting('delta')} belongs to {setting('stop')} fixed, not to {self.stop}; drop one of the two"
            )
        if self.stop == "fixed" and self.delta is None:
            raise ValueError(f"{setting('stop')} fixed needs its threshold; give {setting('delta')}, a bound on dist^2")
        if self.scheme is not Scheme.VANILLA and self.stop == "randomisation":
            raise ValueError(
                f"scheme {self.scheme.value} imposes the symmetry, so a test of it has no meaning; "
                f"use {setting('scheme')} vanilla, or {setting('stop')} calibrated to watch the scheme at work"
            )
        return self


def search_config(**values: object) -> SearchConfig:
    """Build a `SearchConfig`, with one-line errors.

    Raises:
        ConfigError: a key is unknown, a value is out of range, or two settings exclude each other.
    """
    try:
        return SearchConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = visible(".".join(str(part) for part in first["loc"])[:100])
        message = str(first["msg"]).removeprefix("Value error, ")
        if not where:
            raise ConfigError(message) from None
        given = quoted(first["input"])
        raise ConfigError(f"{setting(where)}: {message} (given {given})", where) from None


@dataclass(frozen=True)
class Settings:
    """A search as the engine runs it: every choice made.

    Attributes as in `SearchConfig`, and: sgd: settings of one training. standardise: what is done to finite data.
    workers: who does the work; never part of the configuration, because the result does not depend on it.
    """

    config: SearchConfig
    growth: GrowthName
    stop: StopName
    statistic: StatisticName | None
    delta: float | None
    alpha: float
    tolerance: float
    replicates: int
    copies: int
    sgd: SGDConfig
    standardise: How
    workers: Workers = field(default_factory=Workers)

    @property
    def max_nodes(self) -> int:
        """Most nodes that are visited, over all sessions of the run."""
        return MAX_NODES if self.config.max_nodes is None else self.config.max_nodes

    @property
    def grows(self) -> bool:
        """Whether tests near alpha get more copies: unless the user said how many."""
        return self.config.copies is None

    @property
    def seed(self) -> int:
        """The seed from which every node derives its own."""
        return self.config.seed


def resolve(
    config: SearchConfig,
    samples: int | None,
    tolerance: float,
    unit: SearchedUnit,
    length2: float,
    units: int | None = None,
) -> Settings:
    """Fill in what the user left open.

    Args:
        config: what was asked. samples: n of a finite data set, None for fresh samples.
        tolerance: what the task recommends. unit: what is trained (its gain sets the step).
        length2: E|x|^2 before any standardisation. units: of rows, None where each row is one.
    """
    is_numerical = config.blind and config.delta is not None
    growth: GrowthName = config.growth or ("escape" if is_numerical else "invariant")
    stop = config.stop or _default_stop(config, growth)
    replicates = config.replicates or 10
    if samples is not None:
        replicates = config.replicates or max(2, min(10, samples // MIN_FOLD, samples if units is None else units))
    copies = config.copies or max(MIN_COPIES, math.ceil(2 / config.alpha) - 1)
    if copies > MAX_COPIES:
        raise ConfigError(
            f"{setting('alpha')} {config.alpha:g} needs {copies:.3g} copies, above {MAX_COPIES}; give a larger "
            f"{setting('alpha')}"
        )
    trains_copies = _trains_copies(config, stop, samples)
    _refuse_few_copies(copies, config.alpha, trains_copies)
    sgd = _sgd(config, samples, unit, length2)
    nodes = CALIBRATED_NODES if stop == "calibrated" and trains_copies else FEWEST_NODES
    rows = nodes * max(replicates, copies + 1 if trains_copies else 0)
    work = float(rows * sgd.steps * sgd.batch * sgd.particles * unit.width)
    return Settings(
        config=config,
        growth=growth,
        stop=stop,
        statistic=config.statistic,
        delta=config.delta if config.delta is not None or stop != "fixed" else MEAN_DELTA,
        alpha=config.alpha,
        tolerance=tolerance if config.tolerance is None else config.tolerance,
        replicates=replicates,
        copies=copies,
        sgd=sgd.model_copy(update={"run_activations": work}),
        standardise="whiten" if samples is not None and config.preset == "fast" else "none",
    )


def _trains_copies(config: SearchConfig, stop: StopName, samples: int | None) -> bool:
    """Whether nodes are trained on copies of the data; `calibrated` needs them on finite data alone."""
    return stop == "randomisation" or (stop == "calibrated" and samples is not None and config.scheme.is_evidence)


def _refuse_few_copies(copies: int, alpha: float, trains_copies: bool) -> None:
    if trains_copies and 1 / (copies + 1) > alpha:
        raise ConfigError(
            f"{setting('copies')} {copies} cannot reject anything at alpha = {alpha:g}; give at least "
            f"{math.ceil(1 / alpha) - 1}"
        )


def _is_paper_heuristic(config: SearchConfig) -> bool:
    """Whether the paper's own heuristic is asked for: its preset and its growth rule, nothing else decided."""
    return config.preset == "paper" and config.growth == "mean" and config.stop is None


def _default_stop(config: SearchConfig, growth: GrowthName) -> StopName:
    if config.delta is not None or _is_paper_heuristic(config):
        return "fixed"
    return "randomisation" if growth == "invariant" and config.scheme is Scheme.VANILLA else "calibrated"


def _sgd(config: SearchConfig, samples: int | None, unit: SearchedUnit, length2: float) -> SGDConfig:
    if config.preset == "fast" and samples is not None:
        return _finite_sgd(config, samples, unit)
    base = SGDConfig(particles=config.particles or 1000)
    if config.preset == "fast":
        base = SGDConfig(particles=config.particles or 100, horizon=FRESH_HORIZON)
    elif _is_paper_heuristic(config):
        base = base.model_copy(update={"horizon": MEAN_HORIZON})
    if config.horizon is not None:
        base = base.model_copy(update={"horizon": config.horizon})
    # The paper's step is for units with one bounded layer, whose gain does not grow with X.
    return base if unit.output_activation is not None else _stable(base, unit, length2)


def _stable(sgd: SGDConfig, unit: SearchedUnit, length2: float) -> SGDConfig:
    """The paper's step was chosen for its own unit: a wide hidden layer needs a smaller one."""
    most = sgd.particles * HIDDEN_RATE / unit.gain(sgd.initial_std, length2)
    return sgd.model_copy(update={"alpha": min(sgd.alpha, most)})


def _finite_particles(unit: SearchedUnit) -> int:
    """N of the fast preset on finite data: each particle of a wide hidden layer is a network of its own."""
    if unit.hidden_rep is None:
        return FINITE_PARTICLES
    return min(FINITE_PARTICLES, max(FEWEST_HIDDEN, HIDDEN_UNITS // unit.hidden_rep.dim))


def _finite_sgd(config: SearchConfig, samples: int, unit: SearchedUnit) -> SGDConfig:
    """A few epochs on whitened inputs, with a step that learns `FINITE_RATE` of a linear signal."""
    particles = config.particles or _finite_particles(unit)
    batch = min(samples, LARGEST_BATCH, max(20, math.ceil(samples / STEPS_PER_EPOCH)))
    steps = max(MIN_STEPS, FINITE_EPOCHS * min(samples // batch, STEPS_PER_EPOCH))
    sgd = SGDConfig(
        particles=particles,
        horizon=config.horizon or steps / particles,
        batch=batch,
        tau=0.0,
        beta=0.0,
        noise="none",
    )
    if unit.hidden_rep is None:
        return sgd.model_copy(update={"alpha": particles * FINITE_RATE / unit.gain(sgd.initial_std)})
    alpha = particles * HIDDEN_RATE / unit.gain(HIDDEN_STD)
    return sgd.model_copy(update={"alpha": alpha, "initial_std": HIDDEN_STD})
