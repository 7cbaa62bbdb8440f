"""What exact tests cost: a node and randomisation of each statistic, how that grows, and that memory does not.

    python -m tests.bench.randomisation FOLDER

writes growth.csv and growth.png there.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import torch

from sharefind.groups import FiniteGroup, Representation, named_group, natural, subgroups, trivial
from sharefind.inference import (
    Correlogram,
    CrossDisplacement,
    Displacement,
    HeldOutGap,
    MarginalLikelihood,
    ParticleTraining,
    Statistic,
    family_test,
    randomisation_test,
    subgroup_family,
)
from sharefind.meanfield import JointAction
from tests.acceptance.teachers import TRUTHS, candidates, teacher_samples
from tests.bench.measure import Row, Seconds, Target, absolute_row, seconds, spread

TOPIC = "randomisation"

COPIES = 100
"""Of the tests that are timed."""

LINEAR = Target("at most", 1.1)
"""Linear growth, with a tenth for noise and fixed costs."""

FLAT = Target("at most", 1.2)
"""Peak memory with ten times as many copies."""

LATTICE_S4 = Target("at most", 1.0)
"""Seconds for all subgroups of S_4, 200 samples, 99 copies, one core."""

GENERATORS = ((1, 0, 3, 2, 4), (2, 3, 0, 1, 4), (1, 2, 3, 0, 4), (1, 2, 0, 3, 4), (1, 2, 3, 4, 0))
"""C_2 < V_4 < D_4 < S_4 < S_5, one more each."""

MEMORY_RUNS = 3
"""Processes for each figure of memory: what the allocator keeps differs from one to the next."""

LONG = 5.0
"""Seconds from which one repetition is enough."""

Samples = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Growth:
    """Processor seconds at increasing sizes; label: of the size; target: of the fitted exponent."""

    case: str
    label: str
    sizes: tuple[int, ...]
    work: Callable[[int], Callable[[], object]]
    target: Target | None = None
    note: str = ""


def rows(quick: bool) -> Iterator[Row]:
    """Seconds a node and randomisation, fitted exponents, the lattice of S_4, and memory."""
    torch.set_num_threads(1)
    repeats = 3 if quick else 7
    for name, work in statistics().items():
        took = [t / COPIES for t in seconds(work, repeats)]
        yield absolute_row(TOPIC, f"{name}, a node and randomisation", "seconds", took, None)
    yield _whole_lattice(repeats)
    for growth in growths(quick):
        yield growth_row(growth, measured(growth, 3))
    yield from memory_rows()


def statistics() -> Mapping[str, Callable[[], object]]:
    """A test of each statistic in use: D_4 on R^4 -> R^4, 200 samples; invariant labels for the marginal likelihood."""
    group = named_group("D4")
    rep, one = natural(group), trivial(group)
    data = normal_samples(200, 4, 4)
    scalar = (data[0], data[1][:, :1])
    family = subgroup_family(rep, rep)
    correlogram = Correlogram(rep, rep, tuple(c.group for c in family.candidates if c.group is not None))
    made: dict[str, tuple[Samples, JointAction, Statistic]] = {
        "correlogram": (data, JointAction(rep, rep), correlogram),
        "marginal likelihood": (scalar, JointAction(rep, one), MarginalLikelihood()),
        "displacement": (data, JointAction(rep, rep), Displacement()),
        "cross-displacement": (data, JointAction(rep, rep), CrossDisplacement()),
        "held-out gap": (data, JointAction(rep, rep), HeldOutGap()),
    }
    return {name: partial(one_test, *what, COPIES) for name, what in made.items()}


def one_test(data: Samples, moves: JointAction, statistic: Statistic, copies: int) -> object:
    return randomisation_test(*data, moves, statistic, np.random.default_rng(0), copies)


def normal_samples(n: int, d_in: int, d_out: int) -> Samples:
    """Labels that no group leaves alone."""
    rng = np.random.default_rng([20261125, n, d_in])
    x = torch.from_numpy(rng.normal(size=(n, d_in)))
    weights = torch.from_numpy(rng.normal(size=(d_in, d_out))) / d_in**0.5
    return x, torch.tanh(x @ weights) + 0.1 * torch.from_numpy(rng.normal(size=(n, d_out)))


def _whole_lattice(repeats: int) -> Row:
    family, statistic = candidates(4)
    data = teacher_samples(TRUTHS["C4"], 200, 0.1, 0)
    tested = len(family_test(*data, family, statistic, copies=99).tests)
    took = seconds(lambda: family_test(*data, family, statistic, copies=99), repeats)
    case = f"S_4, {len(family.candidates)} subgroups, {tested} tested, n = 200, 99 copies"
    return absolute_row(TOPIC, case, "seconds", took, LATTICE_S4)


def growths(quick: bool) -> list[Growth]:
    """Cost against N, n, d, |G|, copies and nodes."""

    def up_to(*sizes: int) -> tuple[int, ...]:
        return sizes[:-1] if quick else sizes

    return [
        Growth("displacement, D_4, n = 200", "particles N", up_to(32, 64, 128, 256), _in_particles, LINEAR),
        Growth("correlogram, D_4", "samples n", up_to(200, 400, 800, 1600, 3200, 6400), _in_samples, LINEAR),
        Growth(
            "marginal likelihood, D_4", "samples n", up_to(400, 800, 1200, 1600), _in_blocks, LINEAR,
            "blocks of 400 samples; within one the Cholesky factors are cubic",
        ),
        Growth(
            "correlogram, C_2 on two of d", "coordinates d", up_to(4, 6, 8, 12, 16), _in_width, None,
            "a ridge regression with 300 d / |G| unknowns precedes the copies",
        ),
        Growth("correlogram, C_2 within a group on 5 points", "|G|", up_to(2, 4, 8, 24, 120), _in_order, LINEAR),
        Growth("correlogram, D_4, n = 200", "copies m", up_to(199, 399, 799, 1599), _in_copies, LINEAR),
        Growth(
            "lattice of C_2^k, all rejected, 99 copies", "nodes", up_to(4, 15, 66, 373), _in_nodes, LINEAR,
            "k = 2, 3, 4, 5: d = 2k and |G| = 2^k grow along",
        ),
        Growth(
            "lattice of S_k, all rejected, 99 copies", "nodes", up_to(5, 29, 155), _in_symmetric, None,
            "k = 3, 4, 5: |G| = 6, 24, 120 grows along",
        ),
    ]  # fmt: skip


def _correlogram_test(rep: Representation, n: int, copies: int) -> Callable[[], object]:
    family = subgroup_family(rep, rep)
    statistic = Correlogram(rep, rep, tuple(c.group for c in family.candidates if c.group is not None))
    return partial(one_test, normal_samples(n, rep.dim, rep.dim), JointAction(rep, rep), statistic, copies)


def _in_particles(size: int) -> Callable[[], object]:
    rep = natural(named_group("D4"))
    statistic = Displacement(training=ParticleTraining(particles=size, steps=30))
    return partial(one_test, normal_samples(200, 4, 4), JointAction(rep, rep), statistic, 25)


def _in_samples(size: int) -> Callable[[], object]:
    return _correlogram_test(natural(named_group("D4")), size, COPIES)


def _in_blocks(size: int) -> Callable[[], object]:
    group = named_group("D4")
    moves = JointAction(natural(group), trivial(group))
    return partial(one_test, normal_samples(size, 4, 1), moves, MarginalLikelihood(), 19)


def _in_width(size: int) -> Callable[[], object]:
    group = named_group("C2")
    return _correlogram_test(natural(group) + trivial(group, size - 2), 200, COPIES)


def _in_order(size: int) -> Callable[[], object]:
    whole = FiniteGroup("whole", 5, GENERATORS[: {2: 1, 4: 2, 8: 3, 24: 4, 120: 5}[size]])
    rep, null = natural(whole), FiniteGroup("C2", 5, GENERATORS[:1])
    moves = JointAction(rep.restrict(null), rep.restrict(null))
    statistic = Correlogram(rep, rep, tuple(g for g in subgroups(whole) if g.order > 1))
    return partial(one_test, normal_samples(200, 5, 5), moves, statistic, COPIES)


def _in_copies(size: int) -> Callable[[], object]:
    return _correlogram_test(natural(named_group("D4")), 200, size)


def _lattice(rep: Representation) -> Callable[[], object]:
    """All subgroups of a group, none of which holds."""
    family = subgroup_family(rep, rep)
    statistic = Correlogram(rep, rep, tuple(c.group for c in family.candidates if c.group is not None))
    data = normal_samples(200, rep.dim, rep.dim)
    # At so high a level everything is rejected, so that every node is tested.
    return partial(family_test, *data, family, statistic, alpha=0.999, copies=99)


def _in_nodes(size: int) -> Callable[[], object]:
    factors = {4: 2, 15: 3, 66: 4, 373: 5}[size]
    return _lattice(natural(named_group("x".join(["C2"] * factors))))


def _in_symmetric(size: int) -> Callable[[], object]:
    return _lattice(natural(named_group({5: "S3", 29: "S4", 155: "S5"}[size])))


def measured(growth: Growth, repeats: int) -> list[Seconds]:
    """Processor seconds of each size, one repetition of each in turn: other work on the machine counts less."""
    works = [growth.work(size) for size in growth.sizes]
    times: list[Seconds] = [[] for _ in works]
    for _ in range(repeats + 1):
        for work, kept in zip(works, times, strict=True):
            if not kept or kept[0] < LONG:
                started = process_time()
                work()
                kept.append(process_time() - started)
    return [t[1:] or t for t in times]


def growth_row(growth: Growth, times: Sequence[Seconds]) -> Row:
    """The exponent that fits the medians, and those that fit the quartiles of the pairwise slopes."""
    medians = [spread(t)[0] for t in times]
    exponent = fitted_exponent(growth.sizes, medians)
    steps = np.diff(np.log(medians)) / np.diff(np.log(growth.sizes))
    case = f"{growth.case}: growth in {growth.label}, {growth.sizes[0]} to {growth.sizes[-1]}"
    note = f"{medians[0]:.3g} s to {medians[-1]:.3g} s; steps {', '.join(f'{s:.2f}' for s in steps)}"
    low, high = np.quantile(steps, [0.25, 0.75])
    return Row(TOPIC, case, "exponent", exponent, float(low), float(high), growth.target, "; ".join(
        part for part in (note, growth.note) if part))  # fmt: skip


def fitted_exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Slope of log time against log size."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


MEMORY = """
import resource, sys
import numpy as np, torch
from tests.bench.randomisation import COPIES, memory_case, one_test
torch.set_num_threads(1)
case = memory_case(sys.argv[1])
one_test(*case, int(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def memory_case(name: str) -> tuple[Samples, JointAction, Statistic]:
    """What is tested in a process of its own."""
    group = named_group("D4")
    rep, one = natural(group), trivial(group)
    if name == "marginal likelihood":
        data = normal_samples(400, 4, 4)
        return (data[0], data[1][:, :1]), JointAction(rep, one), MarginalLikelihood(noises=(0.03,))
    family = subgroup_family(rep, rep)
    statistic = Correlogram(rep, rep, tuple(c.group for c in family.candidates if c.group is not None))
    return normal_samples(1000, 4, 4), JointAction(rep, rep), statistic


def memory_rows() -> Iterator[Row]:
    """Peak resident memory with 1,999 copies over that with 199, whole processes, pairs of them."""
    for name in ("correlogram", "marginal likelihood"):
        few, many = ([_peak(name, copies) for _ in range(MEMORY_RUNS)] for copies in (199, 1999))
        ratio, low, high = spread([m / f for m, f in zip(many, few, strict=True)])
        shown = [", ".join(f"{v:.0f}" for v in values) for values in (few, many)]
        note = f"MB with 199: {shown[0]}; with 1,999: {shown[1]}"
        yield Row(TOPIC, f"{name}: peak memory, 1,999 copies over 199", "ratio", ratio, low, high, FLAT, note)


def _peak(name: str, copies: int) -> float:
    """MB of a process that makes one test."""
    command = [sys.executable, "-c", MEMORY, name, str(copies)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return float(done.stdout)


def write_growth(folder: Path) -> None:
    """growth.csv and growth.png: processor seconds at every size, the fitted exponents, and the points behind them."""
    torch.set_num_threads(1)
    found = [(growth, measured(growth, 3)) for growth in growths(False)]
    with (folder / "growth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case", "size", "value", "processor seconds", "low", "high", "exponent"))
        for growth, times in found:
            exponent = fitted_exponent(growth.sizes, [spread(t)[0] for t in times])
            for size, t in zip(growth.sizes, times, strict=True):
                writer.writerow((growth.case, growth.label, size, *(f"{v:.4g}" for v in spread(t)), f"{exponent:.2f}"))
    plot_growth(found, folder / "growth.png")


def plot_growth(found: Sequence[tuple[Growth, Sequence[Seconds]]], path: Path) -> None:
    """One panel for each size that grows, both axes logarithmic, with the fitted power."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6.2), layout="constrained")
    panels = figure.subplots(2, 4).flatten()
    for panel, (growth, times) in zip(panels, found, strict=True):
        medians, low, high = np.array([spread(t) for t in times]).T
        exponent = fitted_exponent(growth.sizes, medians.tolist())
        sizes = np.array(growth.sizes, dtype=float)
        scale = np.exp(np.mean(np.log(medians) - exponent * np.log(sizes)))
        panel.errorbar(sizes, medians, yerr=[medians - low, high - medians], fmt="o", color="C0", capsize=3)
        panel.plot(sizes, scale * sizes**exponent, color="C1", label=f"power {exponent:.2f}")
        panel.set(xscale="log", yscale="log", xlabel=growth.label, ylabel="processor seconds")
        panel.set_title(growth.case, fontsize=9)
        panel.set_xticks(sizes, [str(size) for size in growth.sizes], minor=False, fontsize=8)
        panel.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        panel.legend(frameon=False, fontsize=9)
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    write_growth(Path(sys.argv[1]))
