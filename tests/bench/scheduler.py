"""How long would a large lattice take on many cores? A simulation of one scheduler that hands out measured tasks.

A few lines of event simulation: the scheduler spends a fixed time on each task, one after the other; a free worker
takes the next task; a wave begins when the one before it is done. Failures, transfers and start-up are left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.measure import Row

TOPIC = "scheduler"

NODES, CORES = 100_000, 1_000
"""The lattice and the cluster of the planning note."""

Seconds = Sequence[float]


@dataclass(frozen=True)
class Plan:
    """One simulated run: seconds it takes, and the share of the cores' time that is spent on tests."""

    makespan: float
    efficiency: float


def simulated(waves: Sequence[Seconds], cores: int, overhead: float) -> Plan:
    """Waves of tasks, seconds each, on so many cores, with so many seconds of the scheduler for each task."""
    clock = 0.0
    for wave in waves:
        free = [clock] * cores
        scheduler, end = clock, clock
        for seconds in wave:
            scheduler = max(scheduler, free[0]) + overhead
            done = scheduler + seconds
            heapq.heapreplace(free, done)
            end = max(end, done)
        clock = end
    work = sum(map(sum, waves))
    return Plan(clock, work / (cores * clock))


def scaled_waves(
    profile: Sequence[int], tests: Seconds, nodes: int, factor: float, rng: np.random.Generator
) -> list[list[float]]:
    """A lattice of so many nodes with the shape of a measured one; the largest group comes first and alone.

    Args:
        profile: nodes of each measured wave. tests: measured seconds of a node. nodes: of the lattice that is planned.
        factor: how much longer a node takes than those measured.
    """
    shares = np.array(profile[1:], dtype=float) / sum(profile[1:])
    sizes = [1, *np.maximum(1, np.round(shares * (nodes - 1))).astype(int).tolist()]
    return [(factor * rng.choice(np.asarray(tests), size=size)).tolist() for size in sizes]


FACTORS = (1.0, 10.0, 100.0)
"""How many times longer a node takes than one of S_5 with 200 samples and 199 copies."""


def planned(profile: Sequence[int], tests: Seconds, overhead: float) -> Iterator[Row]:
    """`NODES` on `CORES`, from the waves and seconds of a measured lattice and the measured overhead of a task."""
    mean = float(np.mean(tests))
    for factor in FACTORS:
        waves = scaled_waves(profile, tests, NODES, factor, np.random.default_rng(0))
        plan = simulated(waves, CORES, overhead)
        ideal = sum(map(sum, waves)) / CORES
        case = f"{NODES:,} nodes of {factor * mean:.3g} s on {CORES:,} cores"
        note = (
            f"simulated; {ideal:.3g} s without overhead, {1e3 * overhead:.3g} ms of the scheduler a task; "
            f"{100 * plan.efficiency:.0f} % of the cores' time is work"
        )
        yield Row(TOPIC, case, "seconds", plan.makespan, note=note)
