"""Right, undecided or wrong against the number of samples: python -m tests.acceptance.blind_curve writes and draws it.

Teachers of known symmetry and without any, proposals of a blind search at its defaults, noise .05.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from sharefind.groups import FiniteGroup, natural
from sharefind.proposal import propose
from sharefind.spaces import Subspace
from tests.acceptance.test_blind import CASES, Case

NAMES = ("C4", "D6", "S3xS2", "B3", "none")
SAMPLES = (25, 50, 100, 200, 500, 1000, 2000, 5000)
FIRST_SEED = 1000
COLOURS = {"right": "#2a7f62", "undecided": "#c9c9c9", "wrong": "#b3372f"}


def case_of(name: str) -> Case:
    """A case of the acceptance tests, or R^4 -> R^4 without a symmetry."""
    return Case("no sharing", natural(FiniteGroup("C1", 4, ()))) if name == "none" else CASES[name]


def cell(name: str, n: int, teachers: int) -> dict[str, object]:
    """How many proposals from n samples are right, undecided (and not right), and wrong."""
    case = case_of(name)
    counts = dict.fromkeys(COLOURS, 0)
    for seed in range(FIRST_SEED, FIRST_SEED + teachers):
        teacher, rng = case.teacher("arbitrary" if name == "none" else "wi", seed)
        found = propose(*teacher.sample(rng, n), seed=seed)
        is_right = Subspace.from_pattern(found.labels) == case.weights and found.has_signal
        counts["right" if is_right else "wrong" if found.is_decided else "undecided"] += 1
    return {"group": name, "n": n, "teachers": teachers, **counts}


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """Stacked bars for each group."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, all_axes = plt.subplots(1, len(NAMES), figsize=(11.5, 2.6), sharey=True, layout="constrained")
    for axes, name in zip(all_axes, NAMES, strict=True):
        chosen = sorted((r for r in rows if r["group"] == name), key=lambda r: int(r["n"]))
        bottom = np.zeros(len(chosen))
        for kind, colour in COLOURS.items():
            share = np.array([int(r[kind]) / int(r["teachers"]) for r in chosen])
            axes.bar(range(len(chosen)), share, bottom=bottom, color=colour, width=0.85, label=kind)
            bottom += share
        axes.set_xticks(range(len(chosen)), [r["n"] for r in chosen], rotation=90, fontsize=8)
        axes.set(title=name, xlabel="samples")
    all_axes[0].set_ylabel("share of teachers")
    figure.legend(*all_axes[-1].get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Go on with what the table lacks, then draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teachers", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    options = parser.parse_args()
    table = options.out / "blind-samples.csv"
    rows = list(csv.DictReader(table.open())) if table.is_file() else []
    done = {(r["group"], int(r["n"])) for r in rows}
    for n in SAMPLES:
        for name in NAMES:
            if (name, n) in done or n <= 2 * (case_of(name).rep.dim + 1):
                continue
            row = {key: str(value) for key, value in cell(name, n, options.teachers).items()}
            rows.append(row)
            with table.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
                writer.writerows(rows)
            print(row, flush=True)
    draw(rows, options.out / "blind-samples.png")


if __name__ == "__main__":
    main()
