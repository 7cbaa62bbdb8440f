"""Does sharing pay? Test error of one network dense, tied as found, tied as is true, and dense with augmentation.

    python -m tests.bench.payoff --csv FILE [--demo NAME ...] [--seeds 10] [--jobs 2]

For each demo, each number n of training rows and each seed the search runs on n rows alone; four networks of one width
are trained on them with the same settings, and scored on rows that none of them saw. `payoff_table` makes the table.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.architectures import SharingSpec, spec_from_outcome
from sharefind.architectures.layers.comparison import TrainingPlan, fit_network, r2, start_network, untied
from sharefind.datasets import finite_task
from sharefind.groups import FiniteGroup
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.search import Problem, RunFolder, build_problem, run_search, search_config
from sharefind.spaces import Subspace, fixed_space
from tests.bench.payoff_demos import DEMOS, Demo, Rows

WIDTH, EPOCHS, BATCH = 32, 400, 32
"""Particles of every network, most epochs, rows of a minibatch; a fifth of the n rows decides when training ends."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """One network: error = 1 - R^2 on rows kept apart; dim of its space; seconds of its training and of the search."""

    demo: str
    n: int
    seed: int
    model: str
    error: float
    dim: int
    parameters: int
    seconds: float
    search_seconds: float


class Augmented(nn.Module):
    """f trained on E_g |f(g x) - g y|^2, g drawn for every row: x -> g^-1 f(g x) has that loss (g is orthogonal)."""

    on_inputs: Tensor
    on_outputs: Tensor

    def __init__(self, network: nn.Module, action: JointAction) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("on_inputs", torch.from_numpy(action.in_rep.float_matrices()))
        self.register_buffer("on_outputs", torch.from_numpy(action.out_rep.float_matrices()))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, d_in) -> (B, d_out); nothing is moved in eval mode."""
        if not self.training:
            return torch.as_tensor(self.network(x))
        g = torch.randint(len(self.on_inputs), (len(x),))
        moved = self.network(torch.einsum("bij,bj->bi", self.on_inputs[g], x))
        return torch.einsum("bji,bj->bi", self.on_outputs[g], moved)


def records(demo: Demo, n: int, seed: int) -> Iterator[Record]:
    """The four networks of one demo, number of rows and seed."""
    train, test = demo.rows(seed, n)
    problem = _problem(demo, train, seed)
    started = time.perf_counter()
    found = _found(problem)
    search_seconds = time.perf_counter() - started
    free, truth = untied(found), demo.truth()
    tied = replace(free, space=true_space(problem, truth))
    for model, spec in (("dense", free), ("found", found), ("true", tied), ("augmented", free)):
        action = problem.joint_action(truth) if model == "augmented" else None
        error, seconds, parameters = trained(spec, train, test, seed, action)
        yield Record(demo.name, n, seed, model, error, spec.space.dim, parameters, seconds, search_seconds)


def _problem(demo: Demo, rows: Rows, seed: int) -> Problem:
    task = demo.task()
    data = finite_task(f"payoff of {task.name}", *rows, unit=demo.unit or task.unit, tolerance=task.tolerance)
    return build_problem(search_config(group=None, seed=seed), data, demo.candidate())


def _found(problem: Problem) -> SharingSpec:
    with tempfile.TemporaryDirectory() as name:
        outcome, _ = run_search(problem, RunFolder.create(Path(name) / "run", problem.settings.config))
    return spec_from_outcome(outcome)


def true_space(problem: Problem, truth: FiniteGroup) -> Subspace:
    """E^G of the true subgroup G of a problem's candidate."""
    action = problem.space.action
    if truth.order == 1:
        return Subspace.full(problem.space.dim)
    return fixed_space(action if truth.order == problem.candidate.group.order else action.restrict(truth))


def trained(
    spec: SharingSpec, train: Rows, test: Rows, seed: int, action: JointAction | None
) -> tuple[float, float, int]:
    """Error 1 - R^2 on the test rows, seconds and numbers of a network after training; of a constant where dim = 0."""
    network = start_network(spec, WIDTH, seed)
    if spec.space.is_zero:
        return 1 - r2(network, *test), 0.0, 0
    module = network if action is None else Augmented(network, action)
    fitted = fit_network(network, module, *train, TrainingPlan(WIDTH, EPOCHS, BATCH, seed=seed))
    module.eval()
    return 1 - r2(network, *test), fitted.seconds, fitted.parameters


def _work(name: str, n: int, seed: int) -> list[Record]:
    torch.set_num_threads(1)
    return list(records(DEMOS[name], n, seed))


def main() -> None:
    """Run what is missing in the file and append it: a run that was stopped goes on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--demo", nargs="*", default=list(DEMOS), choices=list(DEMOS))
    parser.add_argument("--rows", type=int, nargs="*", help="numbers of rows; those of each demo if left out")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    done = {(r.demo, r.n, r.seed) for r in read_records(given.csv)}
    tasks = [(d, n, s) for d in given.demo for n, s in product(given.rows or DEMOS[d].sizes, range(given.seeds))]
    todo = [task for task in tasks if task not in done]
    results = Parallel(n_jobs=given.jobs, return_as="generator_unordered")(delayed(_work)(*task) for task in todo)
    for number, rows in enumerate(results, 1):
        append_records(given.csv, rows)
        print(f"{number} of {len(todo)}: {rows[0].demo}, n = {rows[0].n}, seed {rows[0].seed}", flush=True)


def read_records(path: Path) -> list[Record]:
    """What is in a file, nothing if there is none."""
    if not path.is_file():
        return []
    kinds = {field.name: {"int": int, "float": float}.get(str(field.type), str) for field in fields(Record)}
    with path.open(newline="") as file:
        return [Record(**{name: kinds[name](text) for name, text in row.items()}) for row in csv.DictReader(file)]


def append_records(path: Path, rows: list[Record]) -> None:
    """Add records to a file, with a header where it is new."""
    is_new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Record)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        for row in rows:
            values = asdict(row)
            writer.writerow({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in values.items()})


if __name__ == "__main__":
    main()
