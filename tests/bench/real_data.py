"""`python -m tests.bench.real_data`: how far least squares lies from each candidate space, and what `discover` answers.

Distances need seconds; with --runs the searches follow, over several seeds, one process and one core.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharefind.api.resolve import resolve_problem
from sharefind.cli import main as sharefind
from sharefind.datasets import load_task
from sharefind.search import Problem, search_config

FloatArray = NDArray[np.float64]

SPACES: dict[str, tuple[str, ...]] = {
    "dna:brca1-exchangeabilities": (
        "S4", "D4", "D4:<(0 2 1 3), (0 1)>", "D4:<(0 2 3 1), (0 2)(1 3)>", "V4", "C2:<(0 3)(1 2)>", "C2:<(1 3)>",
    ),
    "dna:brca1-rates": (
        "S4", "D4", "D4:<(0 2 1 3), (0 1)>", "D4:<(0 2 3 1), (0 2)(1 3)>", "V4", "C2:<(0 3)(1 2)>", "C2:<(1 3)>",
    ),
    "methane": ("Td",),
    "methane:stretched": ("Td", "S3:<(1 2 3), (1 3)>"),
    "elasticity:Cu": ("O",),
    "elasticity:Cu-stretched": ("O", "D4:<(0 2 3 1), (0 2)(1 3)>"),
    "tic-tac-toe": ("D4",),
    "elnino": ("C12", "C6", "C4", "C3", "C2"),
    "texture:gravel": ("D4", "V4", "C2:<(0 2)(1 3)>"),
    "texture:brick": ("D4", "V4", "C2:<(0 2)(1 3)>"),
    "texture:grass": ("D4", "V4", "C2:<(0 2)(1 3)>"),
}  # fmt: skip
"""Which candidate spaces are listed for each data set, by the names that `discover` prints."""

QUICK = tuple(name for name in SPACES if not name.startswith("texture:"))
PACKAGES = ("sharefind", "numpy", "torch", "ase", "cogent3", "scikit-image", "statsmodels")


def main(arguments: list[str] | None = None) -> None:
    """Print both tables as Markdown."""
    asked = _parser().parse_args(arguments)
    print("Versions: " + ", ".join(f"{name} {version(name)}" for name in PACKAGES) + ".\n")
    print("\n".join(distance_table(SPACES)), flush=True)
    if asked.runs:
        print()
        for line in run_table(QUICK if asked.quick else tuple(SPACES), range(asked.seeds)):
            print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.real_data", description=__doc__)
    parser.add_argument("--runs", action="store_true", help="run the searches, too")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0")
    parser.add_argument("--quick", action="store_true", help="no textures: they take minutes each")
    return parser


def distance_table(names: Iterable[str]) -> list[str]:
    """|M - P M| / |M| of the least-squares matrix M for each listed space."""
    lines = ["| data | rows | space | dim | distance |", "| --- | ---: | --- | ---: | ---: |"]
    for name in names:
        problem = resolve_problem(search_config(data=name))
        lines += [
            f"| `{name}` | {problem.samples:,} | `E^{label}` | {dim} | {distance:.2g} |"
            for label, dim, distance in distances(name, problem)
        ]
    return lines


def distances(name: str, problem: Problem) -> Iterator[tuple[str, int, float]]:
    """Label, dimension and relative distance for each listed space of a data set."""
    matrix = least_squares(*load_task(name).arrays()).ravel()
    spaces = {
        problem.labels[group]: node.space
        for node in (problem.lattice.nodes if problem.lattice else ())
        for group in node.groups
        if group in problem.labels
    }
    for label in SPACES[name]:
        off = matrix - spaces[label].project(matrix)
        yield label, spaces[label].dim, float(np.linalg.norm(off) / np.linalg.norm(matrix))


def least_squares(x: FloatArray, y: FloatArray) -> FloatArray:
    """The matrix M (d_out, d_in) with y ~ M x."""
    solution: FloatArray = np.linalg.lstsq(x, y, rcond=None)[0].T
    return solution


def run_table(names: Iterable[str], seeds: range) -> Iterator[str]:
    """The answers of `sharefind discover --data NAME --seed S`, and what they take."""
    yield "| command | answer | dim | seeds | time a run |"
    yield "| --- | --- | ---: | --- | ---: |"
    for name in names:
        answers: dict[tuple[str, int], list[int]] = {}
        start = time.perf_counter()
        for seed in seeds:
            answers.setdefault(_answer(name, seed), []).append(seed)
        seconds = (time.perf_counter() - start) / len(seeds)
        for (space, dim), where in answers.items():
            listed = ", ".join(map(str, where))
            yield f"| `sharefind discover --data {name}` | `{space}` | {dim} | {listed} | {seconds:.0f} s |"


def _answer(name: str, seed: int) -> tuple[str, int]:
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
        out = str(Path(folder) / "run")
        status = sharefind(["discover", "--data", name, "--seed", str(seed), "--out", out, "--quiet", "--json"])
    if status:
        raise RuntimeError(f"discover --data {name} ended with status {status}")
    result = json.loads(printed.getvalue())
    space, dim = result["e_star"]["candidate"], result["e_star"]["dim"]
    return "Z" if dim == result["parameter_space"]["dim"] else space, dim


if __name__ == "__main__":
    main()
