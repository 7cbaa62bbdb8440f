"""Derives the engine's settings from the user's configuration: rules that fit each other, and numbers of presets."""

from __future__ import annotations

import math

from pydantic import ValidationError

from sharefind.errors import ConfigError, quoted, setting, visible
from sharefind.meanfield.dynamics.sgd import SGDConfig
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.meanfield.units import SearchedUnit
from sharefind.search.config import MAX_COPIES, Presets, SearchConfig, Settings
from sharefind.search.rule_traits import GrowthTraits, StopTraits
from sharefind.search.rules.registry import GROWTH_RULES, STOPPING_RULES


def search_config(**values: object) -> SearchConfig:
    """Return a `SearchConfig`, with one-line errors.

    Args:
        **values: Attributes of `SearchConfig`.

    Raises:
        ConfigError: A key is unknown, a value is out of range, or two settings exclude each other.
    """
    for key, known in (("growth", GROWTH_RULES), ("stop", STOPPING_RULES)):
        if values.get(key) is not None and values[key] not in list(known):
            *others, last = (f"'{name}'" for name in known)
            expected = f"{', '.join(others)} or {last}"
            raise ConfigError(f"{setting(key)}: Input should be {expected} (given {quoted(values[key])})", key)
    try:
        config = SearchConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = visible(".".join(str(part) for part in first["loc"])[:100])
        message = str(first["msg"]).removeprefix("Value error, ")
        if not where:
            raise ConfigError(message) from None
        given = quoted(first["input"])
        raise ConfigError(f"{setting(where)}: {message} (given {given})", where) from None
    _refuse_rules(config)
    return config


def _refuse_rules(config: SearchConfig) -> None:
    growing = None if config.growth is None else GROWTH_RULES[config.growth].traits
    stopping = None if config.stop is None else STOPPING_RULES[config.stop].traits
    leaves_candidates = growing is not None and not growing.keeps_to_candidates
    has_groups = growing is None or growing.keeps_to_candidates or growing.snaps
    if config.blind and not has_groups and config.delta is None:
        raise ConfigError(
            f"growth rule {config.growth} visits spaces that belong to no group, so that the data give no threshold; "
            f"give {setting('delta')}, the largest distance dist^2 that counts as staying, or drop {setting('growth')}"
        )
    _refuse_relation(config)
    if config.delta is not None and not (stopping is None or stopping.needs_delta):
        raise ConfigError(
            f"{setting('delta')} is used by {setting('stop')} fixed, not by {config.stop}; drop one of the two"
        )
    if stopping is None:
        return
    if stopping.decides_by_tests and leaves_candidates:
        raise ConfigError(
            f"growth rule {config.growth} visits spaces that are no group's, where {config.stop} has no exact test; "
            f"use {setting('stop')} calibrated or {setting('growth')} invariant"
        )
    if stopping.needs_delta and config.delta is None:
        raise ConfigError(
            f"{setting('stop')} {config.stop} needs a threshold; give {setting('delta')}, the largest distance dist^2 "
            "that counts as staying"
        )
    if stopping.decides_by_tests and config.scheme is not Scheme.VANILLA:
        raise ConfigError(
            f"scheme {config.scheme.value} imposes the symmetry, so a test of it has no meaning; "
            f"use {setting('scheme')} vanilla, or {setting('stop')} calibrated to watch the scheme at work"
        )


def _refuse_relation(config: SearchConfig) -> None:
    """The relation decides where exact tests would: not under a scheme that imposes it, and not beside distances."""
    if config.symmetry != "relation":
        return
    what = f"{setting('symmetry')} relation"
    if config.scheme is not Scheme.VANILLA:
        raise ConfigError(
            f"{what}: scheme {config.scheme.value} imposes the symmetry, so a test of it has no meaning; use "
            f"{setting('scheme')} vanilla"
        )
    stop = _stop(config, GROWTH_RULES[_growth(config)].traits)
    if not STOPPING_RULES[stop].traits.decides_by_tests:
        others = f"{setting('stop')} randomisation, with {setting('growth')} invariant and without {setting('delta')}"
        raise ConfigError(f"{what}: the stopping rule {stop} decides by distances, not by tests; use {others}")


def is_structured(config: SearchConfig) -> bool:
    """Return whether a blind search looks for exact spaces, not for numerical directions.

    Args:
        config: The configuration.
    """
    return config.blind and config.delta is None and GROWTH_RULES[_growth(config)].traits.keeps_to_candidates


def resolve(
    config: SearchConfig,
    samples: int | None,
    tolerance: float,
    unit: SearchedUnit,
    length2: float,
    units: int | None = None,
    presets: Presets | None = None,
) -> Settings:
    """Fill in what the user left open.

    Args:
        config: The configuration.
        samples: n of a finite data set, None for fresh samples.
        tolerance: The task's own tolerance.
        unit: The trained unit; its gain sets the step.
        length2: E|x|^2 before any standardisation.
        units: Number of units of rows, None where each row is one.
        presets: The numbers that fill in the rest.

    Returns:
        The settings.

    Raises:
        ConfigError: alpha needs too many copies, or the copies that were asked for cannot reject at alpha.
    """
    presets, growth = presets or Presets(), _growth(config)
    growing = GROWTH_RULES[growth].traits
    stop = _stop(config, growing)
    stopping, is_finite = STOPPING_RULES[stop].traits, samples is not None
    replicates = config.replicates or presets.replicates
    if samples is not None and config.replicates is None:
        replicates = max(2, min(replicates, samples // presets.fold, samples if units is None else units))
    trains = stopping.trains_copies == "always"
    trains = trains or (stopping.trains_copies == "finite data" and is_finite and config.scheme.is_evidence)
    sgd = _sgd(config, samples, unit, length2, presets)
    copies, training_copies = _copies(config, stopping, trains, presets, _updates(sgd, unit))
    nodes = stopping.fewest_nodes if trains else StopTraits().fewest_nodes
    rows = nodes * max(replicates, training_copies + 1 if trains else 0)
    work = float(rows * sgd.steps * sgd.batch * sgd.particles * unit.width)
    return Settings(
        config=config,
        growth=growth,
        growing=growing,
        stop=stop,
        stopping=stopping,
        statistic=config.statistic,
        delta=growing.paper_delta if config.delta is None and stopping.needs_delta else config.delta,
        alpha=config.alpha,
        tolerance=tolerance if config.tolerance is None else config.tolerance,
        replicates=replicates,
        copies=copies,
        training_copies=training_copies,
        sgd=sgd.model_copy(update={"run_activations": work}),
        standardise="whiten" if is_finite and config.preset == "fast" else "none",
        presets=presets,
    )


def _growth(config: SearchConfig) -> str:
    """The rule that is named; else the default for the candidate's spaces, or of a blind search with a threshold."""
    keeps = not (config.blind and config.delta is not None)
    defaults = (n for n, r in GROWTH_RULES.items() if r.traits.is_default and r.traits.keeps_to_candidates == keeps)
    return config.growth or next(defaults)


def _is_paper_heuristic(config: SearchConfig) -> bool:
    """Whether the paper's own heuristic is asked for: its preset and its growth rule, nothing else decided."""
    if config.preset != "paper" or config.growth is None or config.stop is not None:
        return False
    return GROWTH_RULES[config.growth].traits.paper_delta is not None


def _stop(config: SearchConfig, growing: GrowthTraits) -> str:
    if config.stop is not None:
        return config.stop
    if config.delta is not None or _is_paper_heuristic(config):
        return next(name for name, rule in STOPPING_RULES.items() if rule.traits.needs_delta)
    return growing.default_stop if config.scheme is Scheme.VANILLA else GrowthTraits().default_stop


def _updates(sgd: SGDConfig, unit: SearchedUnit) -> int:
    """Return what one training costs: parameters of all particles, times the samples that change them."""
    return sgd.steps * sgd.batch * sgd.particles * unit.space.dim


def _copies(
    config: SearchConfig, stopping: StopTraits, trains: bool, presets: Presets, updates: int
) -> tuple[int, int]:
    """Return the copies of a test, and of a training with this number of updates."""
    copies = config.copies or max(presets.copies, math.ceil(2 / config.alpha) - 1)
    if copies > MAX_COPIES:
        raise ConfigError(
            f"{setting('alpha')} {config.alpha:g} needs {copies:.3g} copies, above {MAX_COPIES}; give a larger "
            f"{setting('alpha')}"
        )
    if stopping.decides_by_tests:
        _refuse_few("copies", copies, config.alpha)
        shown = min(presets.training_copies, max(presets.fewest_training_copies, presets.copied_updates // updates))
        return copies, config.training_copies or min(copies, shown)
    name = "copies" if config.training_copies is None else "training_copies"
    training_copies = config.training_copies or copies
    if trains:
        _refuse_few(name, training_copies, config.alpha)
    return copies, training_copies


def _refuse_few(name: str, copies: int, alpha: float) -> None:
    if 1 / (copies + 1) > alpha:
        raise ConfigError(
            f"{setting(name)} {copies} cannot reject anything at alpha = {alpha:g}; give at least "
            f"{math.ceil(1 / alpha) - 1}"
        )


def _sgd(config: SearchConfig, samples: int | None, unit: SearchedUnit, length2: float, presets: Presets) -> SGDConfig:
    if config.preset == "fast" and samples is not None:
        return _finite_sgd(config, samples, unit, presets)
    if config.preset == "fast":
        base = SGDConfig(particles=config.particles or presets.fresh_particles, horizon=presets.fresh_horizon)
    else:
        base = SGDConfig(particles=config.particles or presets.paper_particles)
    horizon = config.horizon
    if horizon is None and config.growth is not None and _is_paper_heuristic(config):
        horizon = GROWTH_RULES[config.growth].traits.paper_horizon
    if horizon is not None:
        base = base.model_copy(update={"horizon": horizon})
    if unit.output_activation is not None:
        return base
    # The paper's step is for units with one bounded layer, whose gain does not grow with X; others need a smaller one.
    most = base.particles * presets.hidden_rate / unit.gain(base.initial_std, length2)
    return base.model_copy(update={"alpha": min(base.alpha, most)})


def _finite_sgd(config: SearchConfig, samples: int, unit: SearchedUnit, presets: Presets) -> SGDConfig:
    """A few epochs on whitened inputs, with a step that learns `presets.rate` of a linear signal."""
    particles = config.particles or presets.finite_particles
    if config.particles is None and unit.hidden_rep is not None:
        # Each particle of a wide hidden layer is a network of its own.
        particles = min(particles, max(presets.fewest_hidden, presets.hidden_units // unit.hidden_rep.dim))
    per_epoch = presets.steps_per_epoch
    batch = min(samples, presets.largest_batch, max(presets.fewest_samples, math.ceil(samples / per_epoch)))
    steps = max(presets.steps, presets.epochs * min(samples // batch, per_epoch))
    sgd = SGDConfig(
        particles=particles,
        horizon=config.horizon or steps / particles,
        batch=batch,
        tau=0.0,
        beta=0.0,
        noise="none",
    )
    if unit.hidden_rep is None:
        return sgd.model_copy(update={"alpha": particles * presets.rate / unit.gain(sgd.initial_std)})
    std = unit.start_std or presets.hidden_std
    alpha = particles * presets.hidden_rate / unit.gain(std)
    return sgd.model_copy(update={"alpha": alpha, "initial_std": std})
