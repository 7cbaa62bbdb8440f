"""Laws of inputs, noises and relations on which the tests of a relation are judged, and how often they reject.

    python -m tests.acceptance.relation_laws --rows 60 --sets 100 --csv level.csv

writes the share of data sets that are rejected at .05 for every cell: a task (a group and its labels), a law of the
inputs, a noise and the size of the break. Cells that the file has are not computed again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import Representation, named_group, natural, sign, trivial
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.relation.relation_test import RelationTest, relation_test
from sharefind.meanfield import JointAction
from sharefind.typing import FloatArray
from tests.acceptance.once_per_input import inputs_stay

LEVEL = 0.05


@dataclass(frozen=True)
class Task:
    """A group, how it acts, and the kind of labels.

    Attributes:
        moves: The group on inputs (d_in) and labels (d_out).
        toward: Vector of inputs (d_in,): canonical rows have the image that is nearest to it.
        breaks: Matrix (d_out, d_in) of the linear function that breaks the relation.
        has_classes: Labels are drawn from the softmax of the signal, one-hot.
    """

    moves: JointAction
    toward: FloatArray
    breaks: FloatArray
    has_classes: bool = False

    @property
    def on_x(self) -> FloatArray:
        """Shape (g, d_in, d_in)."""
        return self.moves.in_rep.float_matrices()

    @property
    def on_y(self) -> FloatArray:
        """Shape (g, d_out, d_out)."""
        return self.moves.out_rep.float_matrices()


Law = Callable[[np.random.Generator, int, Task], FloatArray]
"""Draws inputs (n, d_in), in units in which the signal reads them."""


def _normal(rng: np.random.Generator, n: int, task: Task) -> FloatArray:
    return rng.normal(size=(n, len(task.toward)))


def _apart(rng: np.random.Generator, n: int, task: Task) -> FloatArray:
    return _normal(rng, n, task) + 1.5 * task.toward


def _canonical(x: FloatArray, task: Task) -> FloatArray:
    images = np.einsum("gab,nb->gna", task.on_x, x)
    return np.asarray(images[(images @ task.toward).argmax(0), np.arange(len(x))])


def _canonicalised(share: float) -> Law:
    def draw(rng: np.random.Generator, n: int, task: Task) -> FloatArray:
        x = _normal(rng, n, task)
        return np.where(rng.random((n, 1)) < share, _canonical(x, task), x)

    return draw


def _clustered(rng: np.random.Generator, n: int, task: Task) -> FloatArray:
    centres = 1.5 * rng.normal(size=(4, len(task.toward)))
    return centres[rng.integers(4, size=n)] + 0.3 * _normal(rng, n, task)


def _rows_of_many_scales(rng: np.random.Generator, n: int, task: Task) -> FloatArray:
    x, common = _normal(rng, n, task), rng.normal(size=(n, 1))
    return np.asarray((0.7 * common + x) * np.exp(0.7 * rng.normal(size=(n, 1))))


def _sphere(rng: np.random.Generator, n: int, task: Task) -> FloatArray:
    x = _normal(rng, n, task)
    return np.asarray(x * np.sqrt(x.shape[1]) / np.linalg.norm(x, axis=1, keepdims=True))


LAWS: dict[str, Law] = {
    "normal": _normal,
    "heavy tails": lambda rng, n, task: rng.standard_t(3, size=(n, len(task.toward))),
    "skewed": lambda rng, n, task: rng.exponential(size=(n, len(task.toward))) - 1,
    "shifted apart": _apart,
    "80 % canonical": _canonicalised(0.8),
    "canonical": _canonicalised(1.0),
    "clusters": _clustered,
    "uniform": lambda rng, n, task: rng.uniform(-1.7, 1.7, size=(n, len(task.toward))),
    "rows of many scales": _rows_of_many_scales,
    "lattice": lambda rng, n, task: np.round(1.5 * _normal(rng, n, task)) / 1.5,
    "huge column": _normal,
    "sphere": _sphere,
}
"""The last four were not looked at when the test was designed."""


def _even(rng: np.random.Generator, x: FloatArray, shape: tuple[int, int]) -> FloatArray:
    return rng.normal(size=shape)


def _uneven(rng: np.random.Generator, x: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Twice as large where the sum of the inputs is above its median."""
    total = x.sum(1)
    return np.where(total > np.median(total), 2.0, 1.0)[:, None] * rng.normal(size=shape)


def _heavy(rng: np.random.Generator, x: FloatArray, shape: tuple[int, int]) -> FloatArray:
    return rng.standard_t(3, size=shape)


NOISES = {"even": _even, "uneven": _uneven, "heavy": _heavy}
CLARITIES = {"even": 1.0, "uneven": 3.0, "heavy": 6.0}
"""Of classes: factors of the signal before the softmax, in place of the three noises."""


def _task(
    on_x: Representation, on_y: Representation, toward: list[float], breaks: int, *, has_classes: bool = False
) -> Task:
    matrix = np.zeros((on_y.dim, on_x.dim))
    matrix[:, 0] = np.eye(on_y.dim)[0] if breaks else 1.0
    return Task(JointAction(on_x, on_y), np.array(toward), matrix, has_classes)


def tasks() -> dict[str, Task]:
    """The groups, each on the columns that it moves and on one or two that it leaves alone."""
    two, three, four = (named_group(name) for name in ("C2", "S3", "C4"))
    flip = sign(two) + trivial(two, 2)
    turn = natural(four) + trivial(four, 1)
    return {
        "C2": _task(flip, trivial(two, 1), [1, 0, 0], 0),
        "S3": _task(natural(three) + trivial(three, 1), trivial(three, 1), [1, 0, -1, 0], 0),
        "C4, labels move": _task(turn, natural(four), [1, 0, 0, 0, 0], 1),
        "C2, two classes": _task(flip, trivial(two, 2), [1, 0, 0], 1, has_classes=True),
        "C4, four classes move": _task(turn, natural(four), [1, 0, 0, 0, 0], 1, has_classes=True),
    }


@dataclass(frozen=True)
class Cell:
    """One law of data sets.

    Attributes:
        task: Its name.
        law: Of the inputs.
        noise: Of the labels.
        rows: n.
        broken: Standard deviation of what breaks the relation, over that of the signal; 0: the relation holds.
    """

    task: str
    law: str
    noise: str
    rows: int
    broken: float = 0.0

    def draw(
        self, seed: int, noise: float = 0.5, offset: float = 5000.0, huge: float = 1000.0, labels: int = 0
    ) -> tuple[Tensor, Tensor]:
        """A data set.

        Args:
            seed: Of the relation, the inputs and the noise.
            noise: Its size, over the standard deviation of the signal.
            offset: Of the huge column.
            huge: Its scale.
            labels: Which relation and noise at the inputs of this seed.

        Returns:
            x (n, d_in) and y (n, d_out), float64.
        """
        task, rng = tasks()[self.task], np.random.default_rng([2121, seed])
        x = LAWS[self.law](rng, self.rows, task)
        if labels:
            rng = np.random.default_rng([2121, seed, labels])
        signal = equivariant_signal(task, x, rng)
        odd = _anti_part(task, x)
        odd -= odd.mean(0)
        signal = signal + self.broken * odd / np.sqrt((odd**2).mean())
        if task.has_classes:
            y = _drawn_classes(CLARITIES[self.noise] * signal, rng)
        else:
            y = signal + noise * NOISES[self.noise](rng, x, signal.shape)
        if self.law == "huge column":
            x[:, -1] = offset + huge * x[:, -1]
        return torch.from_numpy(x), torch.from_numpy(y)


def equivariant_signal(task: Task, x: FloatArray, rng: np.random.Generator, units: int = 6) -> FloatArray:
    """A random network, averaged over the group: f(h x) = rho(h) f(x), of mean square 1 about what the group fixes.

    Args:
        task: Group and labels.
        x: Rows at which it is read, (n, d_in).
        rng: Of the network.
        units: Hidden units.

    Returns:
        Shape (n, d_out).
    """
    weights = rng.normal(size=(units, x.shape[1])) * 1.5 / np.sqrt(x.shape[1])
    shift, out = rng.normal(size=units), rng.normal(size=(task.on_y.shape[1], units))
    images = np.einsum("gab,nb->gna", task.on_x, x)
    # rho is orthogonal: its inverse is its transpose.
    values = np.einsum("gba,gnb->na", task.on_y, np.tanh(images @ weights.T + shift) @ out.T)
    values -= task.on_y.mean(0) @ values.mean(0)
    return np.asarray(values / np.sqrt((values**2).mean()))


def _anti_part(task: Task, x: FloatArray) -> FloatArray:
    """The linear break, less the part of it that is equivariant, at rows x (n, d_in)."""
    mean = np.einsum("gba,bc,gcd->ad", task.on_y, task.breaks, task.on_x) / len(task.on_x)
    return np.asarray(x @ (task.breaks - mean).T)


def _drawn_classes(logits: FloatArray, rng: np.random.Generator) -> FloatArray:
    # The largest of logits with Gumbel noise is a draw from their softmax.
    return np.eye(logits.shape[1])[(logits + rng.gumbel(size=logits.shape)).argmax(1)]


def draw_units(
    task: Task, seed: int, shared: float, spread: float, units: int = 20, size: int = 4
) -> tuple[Tensor, Tensor, Tensor]:
    """A data set in units of rows whose inputs are near each other and whose errors are correlated.

    Args:
        task: Group and labels.
        seed: Of the data set.
        shared: Share of the errors' variance that a unit has in common; of classes, share of units that draw once.
        spread: Standard deviation of inputs within a unit; it is 1 between units.
        units: Their number.
        size: Rows of each.

    Returns:
        x (n, d_in), y (n, d_out) and the unit of each row (n,).
    """
    rng, rows = np.random.default_rng([2122, seed]), units * size
    x = np.repeat(_normal(rng, units, task), size, axis=0) + spread * _normal(rng, rows, task)
    signal = equivariant_signal(task, x, rng)
    if task.has_classes:
        common, own = (rng.gumbel(size=(k, signal.shape[1])) for k in (units, rows))
        draws_once = np.repeat(rng.random((units, 1)) < shared, size, axis=0)
        noise = np.where(draws_once, np.repeat(common, size, axis=0), own)
        y = np.eye(signal.shape[1])[(3 * signal + noise).argmax(1)]
    else:
        common, own = (rng.normal(size=(k, signal.shape[1])) for k in (units, rows))
        y = signal + 0.5 * (np.sqrt(shared) * np.repeat(common, size, axis=0) + np.sqrt(1 - shared) * own)
    return torch.from_numpy(x), torch.from_numpy(y), torch.arange(units).repeat_interleave(size)


Test = Callable[[Tensor, Tensor, Task, np.random.Generator], RelationTest]


def exact_kernels(x: Tensor, y: Tensor, task: Task, rng: np.random.Generator, copies: int = 99) -> RelationTest:
    """The test as it stands."""
    return relation_test(x, y, task.moves, rng, copies, has_classes=task.has_classes)


def p_values(cell: Cell, sets: Iterable[int], test: Test = exact_kernels) -> list[float]:
    """Of data sets that are numbered."""
    task = tasks()[cell.task]
    with rows_looked_at():
        return [test(*cell.draw(k), task, np.random.default_rng([21, k])).p_value for k in sets]


def p_values_at(cell: Cell, seed: int, draws: int, test: Test = exact_kernels) -> list[float]:
    """Of several draws of relation and noise at the inputs of one seed."""
    task = tasks()[cell.task]
    with rows_looked_at(), inputs_stay():
        return [test(*cell.draw(seed, labels=k), task, np.random.default_rng([21, seed])).p_value for k in range(draws)]


def rejected(cell: Cell, sets: int, test: Test = exact_kernels, draws: int = 1) -> float:
    """Share of data sets that are rejected at .05.

    Args:
        cell: Their law.
        sets: Data sets.
        test: What rejects.
        draws: Relations and noises at the same inputs, a divisor of `sets`.
    """
    if draws == 1:
        values = p_values(cell, range(sets), test)
    else:
        values = [p for seed in range(sets // draws) for p in p_values_at(cell, seed, draws, test)]
    return sum(p <= LEVEL for p in values) / len(values)


def cells(rows: int, task: str, breaks: tuple[float, ...] = (0.0, 0.3, 0.6)) -> Iterator[Cell]:
    """All laws and noises."""
    for broken in breaks:
        yield from (Cell(task, law, noise, rows, broken) for law in LAWS for noise in NOISES)


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("task", "law", "noise", "rows", "broken"))


def _row(cell: Cell, sets: int, test: Test, draws: int = 1) -> dict[str, object]:
    started = time.process_time()
    share = rejected(cell, sets, test, draws)
    seconds = (time.process_time() - started) / sets
    return vars(cell) | {"sets": sets, "rejected": round(share, 4), "seconds": round(seconds, 4)}


def _extend(path: Path, row: dict[str, object]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def main(arguments: list[str] | None = None) -> None:
    """Extend a table of rejections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--tasks", nargs="+", default=list(tasks()))
    parser.add_argument("--breaks", nargs="+", type=float, default=[0.0, 0.3, 0.6])
    parser.add_argument("--laws", nargs="+", default=list(LAWS))
    parser.add_argument("--noises", nargs="+", default=list(NOISES))
    parser.add_argument("--copies", type=int, default=39)
    parser.add_argument("--draws", type=int, default=1, help="relations and noises at the same inputs")
    parser.add_argument("--csv", type=Path, required=True)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    done = {_key(row) for row in csv.DictReader(given.csv.read_text().splitlines())} if given.csv.exists() else set()
    for task in given.tasks:
        for cell in cells(given.rows, task, tuple(given.breaks)):
            wanted = cell.law in given.laws and cell.noise in given.noises
            if wanted and tuple(str(v) for v in vars(cell).values()) not in done:
                _extend(given.csv, _row(cell, given.sets, partial(exact_kernels, copies=given.copies), given.draws))


if __name__ == "__main__":
    main()
