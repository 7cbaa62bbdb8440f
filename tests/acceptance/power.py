"""The power curve on the subgroups of S_4: python -m tests.acceptance.power writes its figures and draws them.

For every noise and number of samples, the share of fresh teachers for which exactly the groups that hold are accepted.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import torch

from sharefind.inference import family_test
from tests.acceptance.teachers import TRUTHS, candidates, holding, teacher_samples

ALPHA, COPIES = 0.01, 199
NOISES = (0.1, 0.2, 0.5, 1.0)
SAMPLES = (50, 100, 200, 500, 1000, 2000, 5000)
FIRST_SEED = 1000
"""Seeds of the curve, apart from those of the acceptance tests."""


def cell(name: str, noise: float, n: int, teachers: int) -> dict[str, object]:
    """One point of the curve."""
    truth = TRUTHS[name]
    family, statistic = candidates(truth.degree)
    exact = kept = tests = 0
    started = time.process_time()
    for seed in range(FIRST_SEED, FIRST_SEED + teachers):
        data = teacher_samples(truth, n, noise, seed)
        found = family_test(*data, family, statistic, alpha=ALPHA, copies=COPIES, seed=seed)
        right = holding(family, truth)
        exact += set(found.accepted) == right
        kept += not right & set(found.rejected)
        tests += len(found.tests)
    seconds = (time.process_time() - started) / tests
    return {
        "group": name, "noise": noise, "n": n, "teachers": teachers, "exact": exact, "truth_kept": kept,
        "seconds_per_test": round(seconds, 4),
    }  # fmt: skip


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """The share of exact answers against n, one line a noise."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for noise in sorted({float(row["noise"]) for row in rows}):
        points = sorted((int(r["n"]), int(r["exact"]) / int(r["teachers"])) for r in rows if float(r["noise"]) == noise)
        axes.plot(*zip(*points, strict=True), marker="o", label=f"noise {noise:g}")
    axes.set(xscale="log", xlabel="samples", ylabel="share of teachers, group exact", ylim=(-0.03, 1.03))
    axes.set_title(f"{rows[0]['group']} among the 29 subgroups of S_4, level {ALPHA}")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Go on with what the table lacks, then draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", default="C4", choices=[n for n in TRUTHS if TRUTHS[n].degree == 4])
    parser.add_argument("--teachers", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = options.out / f"power-{options.group}.csv"
    rows = list(csv.DictReader(table.open())) if table.is_file() else []
    done = {(float(r["noise"]), int(r["n"])) for r in rows}
    for n in SAMPLES:
        for noise in NOISES:
            if (noise, n) in done:
                continue
            row = {key: str(value) for key, value in cell(options.group, noise, n, options.teachers).items()}
            rows.append(row)
            with table.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(row), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            print(row, flush=True)
    draw(rows, table.with_suffix(".png"))


if __name__ == "__main__":
    main()
