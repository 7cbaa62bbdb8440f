"""Is a share of .9 right in nine of ten cases? python -m tests.acceptance.likeliest_calibration writes and draws it.

Data sets with a group drawn from the prior of the shares, no symmetry among the groups; laws of several kinds, of which
one alone is a Gaussian process; inputs with and without the symmetry.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, Representation, named_group, natural, trivial
from sharefind.inference import CandidateFamily, subgroup_family
from sharefind.inference.relation.group_shares import NO_SYMMETRY, GroupShares, group_shares
from sharefind.inference.relation.listed_lattice import ListedLattice

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]
"""Inputs (n, d) -> labels (n, q)."""

SQUARE = FiniteGroup("D4", 4, ((1, 2, 3, 0), (2, 1, 0, 3)))
NOISES = (0.1, 0.5, 1.5, 3.0)
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
    family: CandidateFamily, function: str, inputs: str, noise: float, n: int, rng: np.random.Generator
) -> tuple[str, torch.Tensor, torch.Tensor]:
    """The true group, inputs and labels."""
    lattice = ListedLattice.of(family, NO_SYMMETRY, 1000)
    assert lattice is not None
    prior = lattice.prior()
    truth = str(rng.choice(list(prior), p=list(prior.values())))
    members = lattice.members[truth]
    on_x, on_y = lattice.on_x[members].numpy(), lattice.on_y[members].numpy()
    x = INPUTS[inputs](n, on_x.shape[1], rng)
    y = tied(FUNCTIONS[function](on_x.shape[1], on_y.shape[1], rng), on_x, on_y)(x)
    noisy = y / y.std(0).mean() + noise * rng.normal(size=y.shape)
    return truth, torch.from_numpy(x), torch.from_numpy(noisy)


Row = dict[str, object]


def outcome(number: int, families: Mapping[str, CandidateFamily]) -> tuple[Row, GroupShares]:
    """One data set: what it was, and what its shares say."""
    rng = np.random.default_rng([20261130, number])
    action, function, inputs = (str(rng.choice(list(v))) for v in (families, FUNCTIONS, INPUTS))
    noise, n = float(rng.choice(NOISES)), int(rng.integers(40, 101))
    truth, x, y = data_set(families[action], function, inputs, noise, n, rng)
    found = group_shares(x, y, families[action], rng)
    assert found is not None
    setting = {"action": action, "function": function, "inputs": inputs, "noise": noise, "n": n}
    return {"set": number, **setting, **judged(truth, found)}, found


def judged(truth: str, found: GroupShares) -> Row:
    """Whether the likeliest group is the true one, and its share."""
    best = found.likeliest
    return {"truth": truth, "likeliest": best, "share": round(found.shares[best], 4), "right": int(best == truth)}


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

    figure, axes = plt.subplots(figsize=(4.2, 3.8), layout="constrained")
    share, right, count = (np.array(v) for v in zip(*bins_of(rows), strict=True))
    error = 2 * np.sqrt((right * (1 - right) + 1 / count) / count)
    axes.plot([0, 1], [0, 1], color="#c9c9c9", linewidth=1)
    axes.errorbar(share, right, yerr=error, marker="o", linestyle="none", color="#2a7f62")
    for a, b, k in zip(share, right, count, strict=True):
        axes.annotate(str(k), (a, b), xytext=(6, -11), textcoords="offset points", fontsize=8)
    axes.set(xlabel="share of the likeliest group", ylabel="right", xlim=(0, 1.03), ylim=(0, 1.03))
    axes.set_title(f"{len(rows)} data sets; numbers: data sets at a point", fontsize=9)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write(rows: Sequence[Mapping[str, object]], table: Path) -> None:
    """The data sets as a table."""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Compute the shares of all data sets, write and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    families = {name: subgroup_family(*reps) for name, reps in actions().items()}
    rows = [outcome(number, families)[0] for number in range(options.sets)]
    table = options.out / "likeliest-calibration.csv"
    write(rows, table)
    draw(rows, table.with_suffix(".png"))
    for share, right, count in bins_of(rows):
        print(f"share {share:.3f}: right {right:.3f} of {count}")


if __name__ == "__main__":
    main()
