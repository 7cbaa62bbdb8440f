"""Is a share of .9 right in nine of ten cases? python -m tests.acceptance.likeliest_calibration writes and draws it.

Data sets with a group drawn from the prior of the shares, no symmetry among the groups; laws of several kinds, of which
one alone is a Gaussian process; inputs with and without the symmetry. Labels are numbers, or classes with the softmax
of these as probabilities. The temperature is chosen on sets that are not reported.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, Representation, named_group, natural, parse_representation, trivial
from sharefind.inference import CandidateFamily, ShareSettings, subgroup_family
from sharefind.inference.relation.group_shares import NO_SYMMETRY, group_shares, posterior
from sharefind.inference.relation.listed_lattice import ListedLattice

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]
"""Inputs (n, d) -> labels (n, q)."""

SQUARE = FiniteGroup("D4", 4, ((1, 2, 3, 0), (2, 1, 0, 3)))
NOISES = (0.1, 0.5, 1.5, 3.0)
TEMPERATURES = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0)
STREAMS = {"chosen on": 20261201, "numbers": 20261202, "classes": 20261203}
"""First numbers of the seeds: of the sets that choose the temperature, and of those that are reported."""
BINS = (0.0, 0.35, 0.55, 0.75, 0.85, 0.95, 0.99, 1.0)


def actions() -> dict[str, tuple[Representation, Representation]]:
    """How the largest group moves inputs and labels."""
    three, four = natural(named_group("S3")), natural(SQUARE)
    turns = natural(FiniteGroup("C4", 4, ((1, 2, 3, 0),)))
    return {
        "S3, labels stay": (three, trivial(three.finite_group)),
        "S3, labels move": (three, three),
        "C4, labels move": (turns, turns),
        "D4, labels stay": (four, trivial(SQUARE)),
        "D4, labels move": (four, four),
    }


def class_actions() -> dict[str, tuple[Representation, Representation]]:
    """The same where labels are classes, one-hot."""
    four = natural(SQUARE)
    two = {
        name: parse_representation("trivial:2", group) for name, group in (("S3", named_group("S3")), ("D4", SQUARE))
    }
    return {
        "S3, two classes": (natural(named_group("S3")), two["S3"]),
        "D4, two classes": (four, two["D4"]),
        "D4, four classes move": (four, four),
    }


def networks(d: int, q: int, rng: np.random.Generator) -> Function:
    """Sums of a few hyperbolic tangents."""
    units = int(rng.integers(2, 9))
    weights = rng.normal(size=(d, units)) * rng.choice([0.5, 1.0, 2.0])
    biases, out = rng.normal(size=units), rng.normal(size=(units, q))
    return lambda x: np.asarray(np.tanh(x @ weights + biases) @ out)


def cubics(d: int, q: int, rng: np.random.Generator) -> Function:
    """Polynomials of degree 3, bent where inputs are large."""
    first, second = rng.normal(size=(d, q)), rng.normal(size=(d, d, q)) / d
    third = rng.normal(size=(d, d, d, q)) / d**1.5

    def values(x: FloatArray) -> FloatArray:
        z = 2 * np.tanh(x / 2)
        squares = np.einsum("na,nb,abq->nq", z, z, second)
        return np.asarray(z @ first + squares + np.einsum("na,nb,nc,abcq->nq", z, z, z, third))

    return values


def waves(d: int, q: int, rng: np.random.Generator) -> Function:
    """A Gaussian process, nearly: 300 waves whose frequencies are those of a Matern kernel of smoothness 5/2."""
    length = np.sqrt(2 * d) * rng.choice([0.5, 1.0, 2.0])
    frequencies = rng.normal(size=(d, 300)) / np.sqrt(rng.chisquare(5, size=300) / 5) / length
    phases, out = rng.uniform(0, 2 * np.pi, size=300), rng.normal(size=(300, q))
    return lambda x: np.asarray(np.cos(x @ frequencies + phases) @ out)


def steps(d: int, q: int, rng: np.random.Generator) -> Function:
    """Steep logistic units, as in the teachers of the acceptance tests."""
    weights, out = 3 * rng.normal(size=(d, 3)), rng.normal(size=(3, q))
    return lambda x: np.asarray(1 / (1 + np.exp(-x @ weights)) @ out)


FUNCTIONS: Mapping[str, Callable[[int, int, np.random.Generator], Function]] = {
    "networks": networks,
    "cubics": cubics,
    "waves": waves,
    "steps": steps,
}
INPUTS: Mapping[str, Callable[[int, int, np.random.Generator], FloatArray]] = {
    "normal": lambda n, d, rng: rng.normal(size=(n, d)),
    "uniform": lambda n, d, rng: rng.uniform(-1.7, 1.7, size=(n, d)),
    "skewed": lambda n, d, rng: rng.gamma(1.5, size=(n, d)) * np.linspace(0.7, 1.3, d) - 1,
    "shifted": lambda n, d, rng: rng.normal(size=(n, d)) + np.linspace(-0.7, 0.7, d),
}


def tied(function: Function, on_x: FloatArray, on_y: FloatArray) -> Function:
    """x -> mean_h rho(h) f(h^-1 x), which the group ties: its elements (g, d, d) and (g, q, q)."""
    return lambda x: np.asarray(
        np.mean([function(x @ a) @ b.T for a, b in zip(on_x, on_y, strict=True)], axis=0), dtype=np.float64
    )


def data_set(
    family: CandidateFamily,
    function: str,
    inputs: str,
    noise: float,
    n: int,
    rng: np.random.Generator,
    classes: bool = False,
) -> tuple[str, torch.Tensor, torch.Tensor]:
    """The true group, inputs and labels: numbers and noise, or classes whose softmax has the noise as temperature."""
    lattice = ListedLattice.of(family, NO_SYMMETRY, 1000)
    assert lattice is not None
    prior = lattice.prior()
    truth = str(rng.choice(list(prior), p=list(prior.values())))
    members = lattice.members[truth]
    on_x, on_y = lattice.on_x[members].numpy(), lattice.on_y[members].numpy()
    x = INPUTS[inputs](n, on_x.shape[1], rng)
    y = tied(FUNCTIONS[function](on_x.shape[1], on_y.shape[1], rng), on_x, on_y)(x)
    y = y / y.std(0).mean()
    if classes:
        largest = (y / noise + rng.gumbel(size=y.shape)).argmax(1)
        return truth, torch.from_numpy(x), torch.from_numpy(np.eye(y.shape[1])[largest])
    return truth, torch.from_numpy(x), torch.from_numpy(y + noise * rng.normal(size=y.shape))


Row = dict[str, object]


@dataclass(frozen=True)
class Outcome:
    """A data set.

    Attributes:
        setting: What it was.
        truth: Its group.
        evidence: Logarithms, of each group.
        prior: Of each group.
    """

    setting: Row
    truth: str
    evidence: Mapping[str, float]
    prior: Mapping[str, float]

    def shares(self, temperature: float) -> dict[str, float]:
        """Of each group, at a temperature."""
        return posterior(self.evidence, self.prior, temperature)

    def row(self, temperature: float) -> Row:
        """What it was, the likeliest group, its share, and whether it is the true one."""
        shares = self.shares(temperature)
        best = max(shares, key=lambda name: shares[name])
        found = {"truth": self.truth, "likeliest": best, "share": round(shares[best], 4)}
        return {**self.setting, **found, "right": int(best == self.truth)}


def outcome(stream: str, number: int, families: Mapping[str, CandidateFamily]) -> Outcome | None:
    """One data set; None where all labels are the same, as few rows of a rare class may be."""
    rng = np.random.default_rng([STREAMS[stream], number])
    action, function, inputs = (str(rng.choice(list(v))) for v in (families, FUNCTIONS, INPUTS))
    noise, n = float(rng.choice(NOISES)), int(rng.integers(40, 101))
    family = families[action]
    truth, x, y = data_set(family, function, inputs, noise, n, rng, stream == "classes")
    found, lattice = group_shares(x, y, family, rng), ListedLattice.of(family, NO_SYMMETRY, 1000)
    if found is None or lattice is None:
        return None
    labels = "classes" if stream == "classes" else "numbers"
    setting = {"labels": labels, "action": action, "function": function, "inputs": inputs, "noise": noise, "n": n}
    return Outcome({"set": number, **setting}, truth, found.log_evidence, lattice.prior())


def outcomes(stream: str, count: int, families: Mapping[str, CandidateFamily]) -> list[Outcome]:
    """The first so many data sets of a stream."""
    found = (outcome(stream, number, families) for number in range(count))
    return [each for each in found if each is not None]


def score(found: Sequence[Outcome], temperature: float) -> float:
    """Mean logarithm of the share of the true group: largest, on average, where shares are what they say."""
    return float(np.mean([np.log(max(each.shares(temperature)[each.truth], 1e-300)) for each in found]))


def bins_of(rows: Sequence[Mapping[str, object]]) -> list[tuple[float, float, int]]:
    """Mean share of the likeliest, how often it is right, and the number of data sets, in each bin of shares."""
    shares = np.array([float(str(r["share"])) for r in rows])
    right = np.array([int(str(r["right"])) for r in rows])
    found = []
    for low, high in pairwise(BINS):
        inside = (shares >= low) & ((shares < high) | (high == 1))
        if inside.any():
            found.append((float(shares[inside].mean()), float(right[inside].mean()), int(inside.sum())))
    return found


def draw(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """How often the likeliest group is right against its share, with two standard errors."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#c9c9c9", linewidth=1)
    for labels, color, marker, below in (("numbers", "#2a7f62", "o", -11), ("classes", "#b0532c", "s", 5)):
        own = [row for row in rows if row["labels"] == labels]
        share, right, count = (np.array(v) for v in zip(*bins_of(own), strict=True))
        error = 2 * np.sqrt((right * (1 - right) + 1 / count) / count)
        label = f"{labels}, {len(own)} data sets"
        axes.errorbar(share, right, yerr=error, marker=marker, linestyle="none", color=color, label=label)
        for a, b, k in zip(share, right, count, strict=True):
            axes.annotate(str(k), (a, b), xytext=(6, below), textcoords="offset points", fontsize=8, color=color)
    axes.set(xlabel="share of the likeliest group", ylabel="right", xlim=(0, 1.03), ylim=(0, 1.03))
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write(rows: Sequence[Mapping[str, object]], table: Path) -> None:
    """The data sets as a table."""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Choose the temperature, compute the shares of fresh data sets at it, write and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("chosen", 200), ("sets", 1000), ("classes", 150)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    families = {name: subgroup_family(*reps) for name, reps in actions().items()}
    of_classes = {name: subgroup_family(*reps) for name, reps in class_actions().items()}
    first = outcomes("chosen on", options.chosen, families)
    for temperature in TEMPERATURES:
        print(
            f"temperature {temperature}: mean log share of the true group {score(first, temperature):.4f}", flush=True
        )
    chosen = max(TEMPERATURES, key=lambda temperature: score(first, temperature))
    print(f"chosen {chosen}; shares of the package are at {ShareSettings().temperature}", flush=True)
    fresh = [*outcomes("numbers", options.sets, families), *outcomes("classes", options.classes, of_classes)]
    rows = [each.row(chosen) for each in fresh]
    table = options.out / "likeliest-calibration.csv"
    write(rows, table)
    draw(rows, table.with_suffix(".png"))
    for labels in ("numbers", "classes"):
        for share, right, count in bins_of([row for row in rows if row["labels"] == labels]):
            print(f"{labels}: share {share:.3f}: right {right:.3f} of {count}")


if __name__ == "__main__":
    main()
