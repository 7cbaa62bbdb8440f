"""Power for invariant labels: how often is a group that does not hold rejected, by each statistic, against d and n?

`python -m tests.bench.invariant_power` goes on with what docs/benchmarks/power-invariant.csv lacks, then draws it.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, Representation, named_group, natural, parse_representation, subgroups, trivial
from sharefind.inference import randomisation_test
from sharefind.inference.statistics.registry import STATISTICS
from sharefind.inference.statistics.traits import ProblemTraits
from sharefind.meanfield.clouds.actions import JointAction

Array = NDArray[np.float64]
COPIES, LEVELS = 99, (0.05, 0.01)
NOISE, UNITS, SCALE = 0.2, 3, 1.8
"""Standard deviation of the noise in those of the signal; units of a teacher; the norm of their weights, about."""


@dataclass(frozen=True)
class Task:
    """A candidate that does not hold, and how labels are drawn that a smaller group leaves alone.

    Attributes:
        name: In the table.
        rep: The candidate on X.
        signal: Inputs (n, d) and the stream of the teacher -> labels (n,).
    """

    name: str
    rep: Representation
    signal: Callable[[Array, np.random.Generator], Array]

    def samples(self, n: int, seed: int) -> tuple[Array, Array]:
        """Inputs (n, d) and labels (n, 1)."""
        rng = np.random.default_rng([20261130, seed, n, self.rep.dim])
        x = rng.normal(size=(n, self.rep.dim))
        signal = self.signal(x, np.random.default_rng([7, seed]))
        signal = (signal - signal.mean()) / signal.std()
        return x, (signal + NOISE * rng.normal(size=n))[:, None]


def teacher(rep: Representation, truth: FiniteGroup) -> Callable[[Array, np.random.Generator], Array]:
    """Sum of tanh units with all their images under the group that holds."""
    matrices = rep.restrict(truth).float_matrices()

    def signal(x: Array, rng: np.random.Generator) -> Array:
        weights = rng.normal(size=(UNITS, rep.dim)) * SCALE / np.sqrt(rep.dim)
        return np.asarray(sum(np.tanh(x @ g.T @ weights.T) @ np.array([1.0, -1.0, 0.7]) for g in matrices))

    return signal


def image_task(side: int, others: int = 0) -> Task:
    """C_4 in D_4 on images of side x side pixels, with inputs beside them that no element moves and labels ignore."""
    pixels = np.arange(side * side).reshape(side, side)
    quarter, mirror = (tuple(map(int, v.ravel())) for v in (np.rot90(pixels), pixels[:, ::-1]))
    whole = FiniteGroup("D4", side * side, (quarter, mirror))
    signal = teacher(natural(whole), FiniteGroup("C4", side * side, (quarter,)))
    rep = parse_representation("natural" + (f"+trivial:{others}" if others else ""), whole)
    name = f"images-{side}x{side}" + (f"+{others}" if others else "")
    return Task(name, rep, lambda x, rng: signal(x[:, : side * side], rng))


def cycle_task(n: int) -> Task:
    """C_n in D_n on R^n."""
    turn = tuple((i + 1) % n for i in range(n))
    rep = natural(FiniteGroup(f"D{n}", n, (turn, tuple(reversed(range(n))))))
    return Task(f"cycle-{n}", rep, teacher(rep, FiniteGroup(f"C{n}", n, (turn,))))


def split_task() -> Task:
    """S_3 x S_2 in S_5 on R^5."""
    rep = natural(named_group("S5"))
    truth = FiniteGroup("S3xS2", 5, ((1, 2, 0, 3, 4), (1, 0, 2, 3, 4), (0, 1, 2, 4, 3)))
    return Task("split-5", rep, teacher(rep, truth))


def signed_task(dim: int) -> Task:
    """All sign changes in B_d, the signed permutations of d coordinates, which are all moved: exp(-|x_1|)."""
    return Task(f"signed-{dim}", natural(named_group(f"B{dim}")), folded)


def folded(x: Array, rng: np.random.Generator) -> Array:
    """exp(-|x_1|) of inputs (n, d) that are spread as widely as there."""
    return np.asarray(np.exp(-np.sqrt(2) * np.abs(x[:, 0])))


def folded_task(dim: int) -> Task:
    """Both reflections in B_2 on two of d coordinates: exp(-|x_1|), as in tests/acceptance/test_reflections."""
    rep = parse_representation("natural" + (f"+trivial:{dim - 2}" if dim > 2 else ""), named_group("B2"))
    return Task(f"folded-{dim}", rep, folded)


def tasks() -> dict[str, Task]:
    """All tasks by name."""
    images, cycles = [image_task(s) for s in (2, 3, 4, 5)], [cycle_task(n) for n in (4, 6, 8, 12)]
    apart = [image_task(3, 3), signed_task(3), cycle_task(3)]
    return {t.name: t for t in (*images, *cycles, split_task(), *(folded_task(d) for d in (2, 4, 10)), *apart)}


def point(task: Task, statistic: str, n: int, sets: int) -> dict[str, str]:
    """How many of so many data sets reject the candidate at each level."""
    out = trivial(task.rep.finite_group, 1)
    listed = tuple(g for g in subgroups(task.rep.finite_group) if g.order > 1)
    chosen = STATISTICS[statistic].of_problem(ProblemTraits(task.rep, out, listed, n))
    moves, started, p_values = JointAction(task.rep, out), time.process_time(), []
    enough = round(max(LEVELS) * (COPIES + 1))
    for seed in range(sets):
        x, y = (torch.from_numpy(v) for v in task.samples(n, seed))
        rng = np.random.default_rng(seed)
        p_values.append(randomisation_test(x, y, moves, chosen, rng, COPIES, max_exceedances=enough).p_value)
    counts = {f"rejected_{level:g}": sum(p <= level for p in p_values) for level in LEVELS}
    seconds = round((time.process_time() - started) / sets, 3)
    row = {"task": task.name, "d": task.rep.dim, "n": n, "statistic": statistic, "sets": sets}
    return {k: str(v) for k, v in (row | counts | {"seconds_a_test": seconds}).items()}


def draw(rows: Sequence[dict[str, str]], path: Path) -> None:
    """The share of rejected candidates against d, one panel a family of tasks, one line a statistic and n."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    families = {"images": "C4 in D4, images", "cycle": "C_n in D_n on R^n"}
    sizes = sorted({int(row["n"]) for row in rows})
    figure, panels = plt.subplots(
        len(families), len(sizes), figsize=(9, 5), layout="constrained", sharey=True, squeeze=False
    )
    for line, (family, title) in zip(panels, families.items(), strict=True):
        for axes, n in zip(line, sizes, strict=True):
            for statistic in dict.fromkeys(row["statistic"] for row in rows):
                chosen = [
                    r for r in rows
                    if r["task"].startswith(family) and "+" not in r["task"] and int(r["n"]) == n and r["statistic"] == statistic
                ]  # fmt: skip
                points = sorted((int(r["d"]), int(r["rejected_0.05"]) / int(r["sets"])) for r in chosen)
                if points:
                    axes.plot(*zip(*points, strict=True), marker="o", label=statistic)
            axes.set(xlabel="inputs d", ylim=(-0.03, 1.03))
            axes.set_title(f"{title}, n = {n}", fontsize="small")
        line[0].set_ylabel("rejected at .05")
    panels[0][0].legend(frameon=False, fontsize="x-small")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Go on with what the table lacks, then draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", default=list(tasks()))
    parser.add_argument("--samples", nargs="*", type=int, default=[50, 100, 200])
    parser.add_argument("--statistics", nargs="*", default=["marginal-likelihood", "correlogram", "symmetric-evidence"])
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = options.out / "power-invariant.csv"
    rows = list(csv.DictReader(table.open())) if table.is_file() else []
    done = {(r["task"], int(r["n"]), r["statistic"]) for r in rows}
    for n in options.samples:
        for name in options.tasks:
            for statistic in options.statistics:
                if (name, n, statistic) in done:
                    continue
                rows.append(point(tasks()[name], statistic, n, options.sets))
                with table.open("w", newline="") as file:
                    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)
                print(rows[-1], flush=True)
    draw(rows, table.with_suffix(".png"))


if __name__ == "__main__":
    main()
