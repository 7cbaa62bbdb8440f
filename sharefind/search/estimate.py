"""How long will a search take? Its sizes, and rates measured on this machine with the very code that will run.

The probes draw from streams of their own and change nothing that a search computes. The arithmetic, which needs neither
a problem nor torch, is `sharefind.durations`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sharefind.durations import Estimate, Rates, estimate_from_sizes
from sharefind.errors import SharefindError
from sharefind.groups import FiniteGroup, Group
from sharefind.inference.ambient_moves import moved_coordinates
from sharefind.inference.row_blocks import draw_elements, renumbered
from sharefind.inference.statistics.traits import SearchStatistic
from sharefind.inference.tests.sequential import CopiesDesign
from sharefind.machine_speed import machine_speed
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.parallel import Workers, one_thread
from sharefind.rng import named_stream
from sharefind.search.experiments import CopiesPlan, scheme_training
from sharefind.search.law_tests import statistic_of_problem, tested_rows
from sharefind.search.problem import Problem
from sharefind.search.symmetries import has_gate, turned_plane
from sharefind.search.turned import may_be_opened
from sharefind.search.yardstick import YardstickSettings
from sharefind.search_sizes import Sizes
from sharefind.spaces import Subspace

Clock = Callable[[], float]
"""Seconds since some moment."""


@dataclass(frozen=True)
class Probe:
    """How much a look at the speed of this machine may cost, and what it says.

    Attributes:
        worth: Seconds of a search of the usual rates from which measuring pays, which takes one itself; below, these
            are taken.
        share: Share of a search of the usual rates that each of the two measurements may take.
        least: Seconds that each may take at the least.
        seconds: Seconds that each may take at the most; a single piece of work that takes longer is done all the same.
        first_rows: Samples on which a statistic is timed first; more follow as long as the seconds last.
        more: Factor between their numbers.
        first_copies: Copies that are timed first.
        first_steps: Steps of a training that are timed first.
        looks: How often the speed of the machine is timed.
        fewest_copies: Smallest number of copies from which the time of a statistic is judged.
        clear: Standard deviations of the copies above their mean from which a statistic will be rejected.
        quiet: The same, below which a statistic will not be rejected.
        clock: The clock: processor time, so that other work on the machine does not count.
    """

    worth: float = 10.0
    share: float = 0.03
    least: float = 0.06
    seconds: float = 0.35
    first_rows: int = 100
    more: float = 3.0
    first_copies: int = 2
    first_steps: int = 4
    looks: int = 3
    fewest_copies: int = 8
    clear: float = 8.0
    quiet: float = 3.0
    clock: Clock = time.thread_time


def estimate(problem: Problem, workers: Workers | None = None, probe: Probe | None = None) -> Estimate:
    """About how long a search will take, measured within a fraction of a second.

    Args:
        problem: The problem of the search.
        workers: Who will do the work; this process alone if None.
        probe: Budget of the measurements.

    Returns:
        The estimate; where a first look at the candidate's own test is clear, for that case alone.
    """
    probe, workers = probe or Probe(), workers or Workers()
    sizes, jobs = sizes_of(problem), max(1, workers.count())
    usual = estimate_from_sizes(sizes, jobs=jobs)
    if usual.typical < probe.worth:
        return usual
    with one_thread():
        rates, holds = Rates(speed=machine_speed(probe.looks, clock=probe.clock)), None
        allowed = rates.speed * probe.share * usual.low
        probe = replace(probe, seconds=min(probe.seconds, max(probe.least, allowed)))
        if sizes.subgroups:
            rates, holds = _with_statistic(problem, sizes, rates, probe)
        rates = replace(rates, step=_step(problem, probe))
    return estimate_from_sizes(sizes, rates, holds, jobs)


def sizes_of(problem: Problem, fresh: int = 2000, most_related: int = 20_000) -> Sizes:
    """Return the sizes that the time of a search depends on; nothing is measured.

    Args:
        problem: The problem to be searched.
        fresh: Samples that are tested where the task has no finite data.
        most_related: Most samples on which the relation is tested.
    """
    settings, group = problem.settings, problem.candidate.group
    by_copies, rows = _trains_copies(problem), problem.samples or fresh
    tested = len(_listed(problem))
    calibrated = by_copies and not settings.stopping.decides_by_tests
    statistic = statistic_of_problem(problem) if tested else None
    by_relation = tested > 0 and settings.symmetry == "relation"
    most_rows = None if statistic is None else most_related if by_relation else statistic.most_samples
    most = YardstickSettings()
    return Sizes(
        rows=rows if most_rows is None else min(rows, most_rows),
        d_in=problem.candidate.in_rep.dim,
        d_out=problem.candidate.out_rep.dim,
        order=(group.order if isinstance(group, FiniteGroup) and group.is_listable else None) or 64,
        subgroups=_tests(problem, tested),
        statistic="" if statistic is None else statistic.name,
        beliefs=_beliefs(problem),
        copies=settings.copies,
        reference=CopiesDesign.reference if settings.grows else 0,
        rejected_after=2 if settings.grows else 1,
        has_gate=has_gate(problem),
        trained=(settings.training_copies + 1) * (2 if calibrated else 1) if by_copies else settings.replicates,
        replicates=settings.replicates,
        nodes=_nodes(problem),
        dim=problem.space.dim,
        hidden=0 if problem.unit.hidden_rep is None else problem.unit.hidden_rep.dim,
        particles=settings.sgd.particles,
        batch=settings.sgd.batch,
        steps=settings.sgd.steps,
        yardstick_particles=min(most.most_particles, settings.sgd.particles),
        decided_by="relation" if by_relation else "law",
        moved=problem.candidate.out_rep.dim if by_relation and _moves_labels(problem) else 1,
    )


def _trains_copies(problem: Problem) -> bool:
    trains = problem.settings.stopping.trains_copies
    is_finite = problem.samples is not None and problem.settings.config.scheme.is_evidence
    return trains == "always" or (trains == "finite data" and is_finite)


def _listed(problem: Problem) -> list[Group]:
    """The groups that may be tested."""
    if problem.lattice is None or not problem.settings.config.scheme.is_evidence:
        return []
    return [group for node in problem.lattice.nodes for group in node.groups if group.order != 1]


def _tests(problem: Problem, listed: int, powers: int = 13, proposed: int = 12) -> int:
    """How many tests there are at most.

    Args:
        problem: The problem of the search.
        listed: Groups of the candidate that may be tested.
        powers: Powers of primes up to 24, where rotations of a plane are tested.
        proposed: Groups that some rows propose where the candidate turns vectors and is rejected, about.
    """
    if listed and turned_plane(problem) is not None:
        return 1 + powers
    reps = problem.candidate.in_rep, problem.candidate.out_rep
    can_open = listed and problem.inside is None and may_be_opened(problem.settings.config, *reps)
    return listed + proposed if can_open else listed


def _beliefs(problem: Problem) -> int:
    """Kernels of the marginal likelihood: three where the candidate leaves some inputs, and not all, where they are."""
    d_in, d_out = problem.candidate.in_rep.dim, problem.candidate.out_rep.dim
    action = problem.joint_action(problem.candidate.group)
    moved = moved_coordinates(action, d_in, d_out, named_stream(0, "estimate", "moved"))
    return 3 if moved.any() and not moved.all() else 1


def _moves_labels(problem: Problem, draws: int = 8) -> bool:
    on_y = problem.candidate.out_rep.sample_matrices(named_stream(0, "estimate", "labels"), draws)
    return bool((on_y != np.eye(on_y.shape[-1])).any())


def _nodes(problem: Problem, numerical: int = 6) -> tuple[int, int]:
    """Spaces that are visited where the candidate holds, and where nothing does; `numerical`: at most, without one."""
    most = problem.settings.max_nodes
    if problem.lattice is None:
        return min(2, most), min(problem.space.dim + 1, numerical, most)
    heights = [1] * len(problem.lattice.nodes)
    for low, high in sorted(problem.lattice.edges, key=lambda edge: edge[1]):
        heights[high] = max(heights[high], heights[low] + 1)
    return min(2, heights[-1], most), min(heights[-1], most)


def _timed(clock: Clock, work: Callable[[], object]) -> float:
    started = clock()
    work()
    return clock() - started


def _with_statistic(problem: Problem, sizes: Sizes, rates: Rates, probe: Probe) -> tuple[Rates, bool | None]:
    """Return rates with those of the statistic on the rows of the problem, and whether the statistic accepts the
    candidate.
    """
    # Rotations and relations have statistics of their own, which the formula suits.
    if turned_plane(problem) is not None or sizes.decided_by == "relation":
        return rates, None
    try:
        return _statistic_rates(problem, sizes, rates, probe)
    except (SharefindError, ArithmeticError, RuntimeError, ValueError):  # too few rows, say: the search will tell
        return rates, None


def _statistic_rates(problem: Problem, sizes: Sizes, rates: Rates, probe: Probe) -> tuple[Rates, bool | None]:
    (x, y, units), statistic = tested_rows(problem), statistic_of_problem(problem)
    moves = problem.joint_action(problem.candidate.group)

    def look(x: Tensor, y: Tensor, units: Tensor | None, seconds: float) -> _Look:
        return _look(statistic, moves, (x, y, units), probe, seconds)

    size, left, seen = min(len(x), probe.first_rows), probe.seconds, list[_Look]()
    look(x[:size], y[:size], None if units is None else renumbered(units[:size]), 0.0)  # what is set up once
    while True:
        chosen = torch.from_numpy(np.linspace(0, len(x) - 1, size).astype(np.int64))
        seen.append(look(x[chosen], y[chosen], None if units is None else renumbered(units[chosen]), left / 2))
        left -= seen[-1].seconds
        following = min(len(x), math.ceil(probe.more * size))
        if size == len(x) or following / size * (seen[-1].bind + probe.first_copies * seen[-1].copy) > left:
            break
        size = following
    last, usual = replace(sizes, rows=size), Rates()
    bind = seen[-1].bind * usual.bind_by_formula(sizes) / usual.bind_by_formula(last)
    copy = seen[-1].copy * usual.copy_by_formula(sizes) / usual.copy_by_formula(last)
    return replace(rates, bind=bind, copy=copy), _verdict(seen, len(x), probe)


@dataclass(frozen=True)
class _Look:
    """A statistic on some rows: seconds to make it ready, seconds a copy, and its distance from the copies."""

    rows: int
    bind: float
    copy: float
    copies: int
    z: float
    seconds: float


def _look(
    statistic: SearchStatistic,
    moves: JointAction,
    samples: tuple[Tensor, Tensor, Tensor | None],
    probe: Probe,
    seconds: float,
) -> _Look:
    """Time a statistic on rows, on as many copies as the seconds allow, up to a block of a test."""
    (x, y, units), rng, started = samples, named_stream(0, "estimate", "copies"), probe.clock()
    known = {} if units is None else {"units": units}
    fitted = statistic.bind(moves, x, y, named_stream(0, "statistic", statistic.name), **known)
    observed = fitted.observed(x).double()
    bind, values, spent = probe.clock() - started, list[Tensor](), 0.0
    count, each = probe.first_copies, 0.0
    while count:
        elements = draw_elements(moves, count, len(x), units, rng)
        started = probe.clock()
        values.append(fitted.of_copies(x, moves, elements).double())
        took = probe.clock() - started
        spent, each = spent + took, took / count
        done = sum(map(len, values))
        count = max(0, min(25 - done, 4 * count, int((seconds - spent) / max(each, 1e-9))))
    copies = torch.cat(values)
    scores = (observed - copies.mean(0)) / copies.std(0).clamp_min(torch.finfo(torch.float64).tiny)
    finite = scores[torch.isfinite(scores)]
    z = float(finite.max()) if len(finite) else 0.0
    return _Look(len(x), bind, each, len(copies), z, bind + spent)


def _verdict(looks: list[_Look], rows: int, probe: Probe) -> bool | None:
    """Whether the candidate's own test will come out in its favour; None where that is not clear."""
    judged = [look for look in looks if look.copies >= probe.fewest_copies]
    if any(look.z >= probe.clear for look in judged):
        return False
    return True if any(look.z <= probe.quiet and 2 * look.rows >= rows for look in judged) else None


def _step(problem: Problem, probe: Probe) -> float | None:
    """Seconds of a step of one trained row; None where no short training can be timed."""
    space, total = Subspace.full(problem.space.dim), problem.settings.sgd.steps
    plan = CopiesPlan(problem, space, "estimate", problem.candidate.group, (space,), "estimate")
    by_copies = _trains_copies(problem)
    rows = plan.blocks(problem.settings.training_copies + 1)[0].rows if by_copies else problem.settings.replicates

    def run(steps: int) -> float:
        sgd = problem.settings.sgd
        short = sgd.model_copy(update={"horizon": steps / sgd.particles})
        shortened = replace(problem, settings=replace(problem.settings, sgd=short))
        return _timed(probe.clock, lambda: _train(replace(plan, problem=shortened), by_copies))

    first = min(total, probe.first_steps)
    try:
        run(1)  # what is compiled and loaded once
        few = run(first)
        more = min(total, max(2 * first, int(first * probe.seconds / max(few, 1e-9) / 2)))
        many = run(more)
    except (SharefindError, ArithmeticError, RuntimeError, ValueError):  # a training this short need not be possible
        return None
    each = max(many - few, 0.0) / max(1, more - first) if more > first else many / more
    return (max(few - first * each, 0.0) / total + each) / rows


def _train(plan: CopiesPlan, by_copies: bool) -> None:
    settings = plan.problem.settings
    if by_copies:
        plan(plan.blocks(settings.training_copies + 1)[0])
    else:
        scheme_training(plan.problem, plan.space, plan.key, settings.config.scheme)
