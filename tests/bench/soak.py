"""`python -m tests.bench.soak`: many small discoveries in one process, and whether it keeps memory, files or workers.

A round has one discovery of every kind; after each, the resident memory, the open file descriptors, the threads and
the child processes of this process are read. Memory is judged by the median of each round, so that the kinds do not
count as noise, and by a slope that single rounds cannot move (Theil and Sen). Python's objects are counted, too: pools
of memory hide a small leak for long, and a count has no noise.
"""

from __future__ import annotations

import argparse
import csv
import gc
import itertools
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm, theilslopes

from sharefind.api import SharingSearch
from sharefind.cli import main as sharefind
from sharefind.datasets import teacher_student
from sharefind.groups import named_group, natural

QUICK = ("--copies", "19", "--alpha", "0.05", "--particles", "10", "--horizon", "0.5", "--replicates", "2")
SAMPLES = 120
LEVEL = 0.95
"""Of the confidence interval of the slope."""

WARM_UP = 0.2
"""Share of the rounds that are not judged: libraries are loaded, and memory pools fill."""

LEAST_ROUNDS = 4
"""Fewest rounds after the warm-up that a slope is fitted to."""

FEW_OBJECTS = 5
"""Python objects that a discovery may leave: libraries register a type now and then. A kept run is thousands."""

MEGABYTE = 1e6

Kind = tuple[str, Callable[[], None]]


@dataclass(frozen=True)
class Reading:
    """What the process held after a discovery.

    Attributes:
        number: of the discovery, from 1. kind: its name. seconds: wall time. rss: resident memory, bytes.
        objects: Python objects that the collector goes through. descriptors, threads, children: how many.
    """

    number: int
    kind: str
    seconds: float
    rss: int
    objects: int
    descriptors: int
    threads: int
    children: int


@dataclass(frozen=True)
class Trend:
    """The growth of something for one discovery, after the warm-up.

    Attributes:
        slope: Theil and Sen's. low, high: its confidence interval at `LEVEL`. noise: the half-width that holds a
            share `LEVEL` of the rounds about the line. span: discoveries from the first round to the last.
    """

    slope: float
    low: float
    high: float
    noise: float
    span: int

    @property
    def is_flat(self) -> bool:
        """Whether the interval holds 0 or less, or the growth over the whole span is within the noise."""
        return self.low <= 0 or self.slope * self.span <= self.noise


@dataclass(frozen=True)
class Soak:
    """The readings of a run. round_size: discoveries in a round."""

    readings: list[Reading]
    round_size: int

    @property
    def judged(self) -> list[Reading]:
        """Those of whole rounds after the warm-up."""
        rounds = len(self.readings) // self.round_size
        first = max(1, round(WARM_UP * rounds))
        return self.readings[first * self.round_size : rounds * self.round_size]

    def memory(self) -> Trend:
        """Of resident memory, bytes. Raises: ValueError: fewer rounds than `LEAST_ROUNDS` after the warm-up."""
        return trend([r.rss for r in self.judged], self.round_size)

    def objects(self) -> Trend:
        """Of Python's objects. Raises: ValueError: as `memory`."""
        return trend([r.objects for r in self.judged], self.round_size)

    def grown(self) -> dict[str, tuple[int, int]]:
        """Most open descriptors, threads and children, in the first judged round and in the last."""
        first, last = self.judged[: self.round_size], self.judged[-self.round_size :]
        names = ("descriptors", "threads", "children")
        return {name: (max(getattr(r, name) for r in first), max(getattr(r, name) for r in last)) for name in names}

    @property
    def is_flat(self) -> bool:
        """Whether memory and objects are, and no descriptor, thread or child more is held at the end."""
        held = all(last <= first for first, last in self.grown().values())
        return held and self.memory().is_flat and self.objects().low <= FEW_OBJECTS


def trend(values: Sequence[int], round_size: int) -> Trend:
    """The trend of the medians of rounds.

    Args:
        values: a reading after each discovery, whole rounds. round_size: discoveries in a round.

    Raises:
        ValueError: fewer rounds than `LEAST_ROUNDS`.
    """
    rounds = len(values) // round_size
    if rounds < LEAST_ROUNDS:
        raise ValueError(f"{rounds} rounds after the warm-up are too few for a slope; give a --count of more rounds")
    medians = np.median(np.reshape(values, (rounds, round_size)), axis=1)
    at = np.arange(rounds) * round_size
    slope, intercept, low, high = theilslopes(medians, at, alpha=LEVEL)
    apart = np.abs(medians - (intercept + slope * at))
    noise = norm.ppf((1 + LEVEL) / 2) * 1.4826 * np.median(apart)
    return Trend(float(slope), float(low), float(high), float(noise), int(at[-1]))


def run(count: int, kinds: Sequence[Kind], progress: Callable[[range], Iterable[int]] = iter) -> Soak:
    """So many discoveries, the kinds in turn. Of Python's objects, those made after the first round are counted."""
    process, readings = psutil.Process(), []
    turns = itertools.cycle(kinds)
    try:
        for number in progress(range(1, count + 1)):
            name, discovery = next(turns)
            started = perf_counter()
            discovery()
            readings.append(_reading(process, number, name, perf_counter() - started))
            if number == len(kinds):
                gc.freeze()  # what the libraries made when loaded: to go through it takes longer than a search
    finally:
        gc.unfreeze()
    return Soak(readings, len(kinds))


def _reading(process: psutil.Process, number: int, kind: str, seconds: float) -> Reading:
    gc.collect()  # the command line lets garbage gather, see cli.app: that is no leak
    children = len(process.children(recursive=True))
    held = process.memory_info().rss, len(gc.get_objects()), process.num_fds(), process.num_threads()
    return Reading(number, kind, seconds, *held, children)


def kinds(folder: Path) -> list[Kind]:
    """Discoveries of every kind, with data and runs in this folder; runs are removed again."""
    _write_data(folder)
    seeds = itertools.count()

    def discover(*arguments: str, then: Callable[[Path], None] = lambda run: None) -> Callable[[], None]:
        def work() -> None:
            seed = str(next(seeds))
            out = folder / f"run-{seed}"
            with chdir(folder):
                _call("discover", *QUICK, *arguments, "--seed", seed, "--out", str(out), "--json")
                then(out)
            shutil.rmtree(out)

        return work

    hidden = ("--unit", "two-layer:tanh", "--hidden-rep", "regular")
    return [
        ("C2, fresh samples", discover("--group", "C2")),
        ("C3, npz", discover("--group", "C3", "--data", "C3.npz")),
        ("S3, csv, inspected", discover("--group", "S3", "--data", "S3.csv", then=_inspect)),
        ("generators, escape", discover("--generators", "turn.json", "--data", "C3.npz", "--growth", "escape")),
        ("C2, two layers", discover("--group", "C2", "--data", "C2.npz", *hidden)),
        ("C2, drawn and reported", discover("--group", "C2", "--stop", "calibrated", then=_report)),
        ("D4, npz", discover("--group", "D4", "--data", "D4.npz")),
        ("blind", discover("--blind", "--data", "C2.npz")),
        ("C2, exported", discover("--group", "C2", "--data", "C2.npz", then=_export)),
        ("SharingSearch", lambda: _fit(next(seeds))),
    ]


def _write_data(folder: Path) -> None:
    for name in ("C2", "C3", "S3", "D4"):
        rep = natural(named_group(name))
        rng = np.random.default_rng([1, rep.dim])
        x, y = teacher_student(rep, rep, "wi", rng, noise=0.1).sample(rng, SAMPLES)
        np.savez(folder / f"{name}.npz", x=x, y=y)
        if name == "S3":
            columns = [f"{letter}{i}" for letter in "xy" for i in range(rep.dim)]
            np.savetxt(folder / "S3.csv", np.hstack([x, y]), delimiter=",", header=",".join(columns), comments="")
    turn = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    (folder / "turn.json").write_text(json.dumps({"name": "turn", "generators": [{"in": turn, "out": turn}]}))


def _call(*arguments: str) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
        status = sharefind(list(arguments))
    if status != 0:
        raise RuntimeError(f"sharefind {' '.join(arguments)} ended with {status}: {said.getvalue()}")


def _inspect(run: Path) -> None:
    _call("inspect", str(run))
    _call("inspect", str(run), "--node", "0", "--json")


def _report(run: Path) -> None:
    _call("inspect", str(run), "--plot", str(run / "lattice.png"))
    _call("report", str(run), "--out", str(run / "report.html"))


def _export(run: Path) -> None:
    for format, name in (("json", "net.json"), ("torch", "net.py"), ("safetensors", "net.safetensors")):
        _call("export", str(run), "--format", format, "--out", str(run / name))
    _call("export", str(run), "--format", "onnx", "--out", str(run / "net.onnx"))
    _call("verify", str(run / "net.json"), "--json")
    _call("groups", "D4", "--json")


def _fit(seed: int) -> None:
    rng = np.random.default_rng([2, seed])
    x = rng.standard_normal((SAMPLES, 4))
    y = 0.5 + 0.1 * (x + 0.4 * np.roll(x, 1, axis=1)) + 0.02 * rng.standard_normal((SAMPLES, 4))
    found = SharingSearch(group="C4", copies=19, alpha=0.1, particles=8, replicates=2, random_state=seed).fit(x, y)
    found.score(x, y)


def table(soak: Soak) -> Table:
    """What was held, and the verdict."""
    minutes = sum(r.seconds for r in soak.readings) / 60
    verdict = "flat" if soak.is_flat else "not flat"
    made = Table(title=f"{len(soak.readings)} discoveries in one process, {minutes:.1f} minutes: {verdict}")
    for name in ("", "first judged round", "last round", "in 1,000 discoveries (95 %)", "verdict"):
        made.add_column(name, justify="left" if name in ("", "verdict") else "right")
    for name, (first, last) in soak.grown().items():
        made.add_row(f"most {name}", str(first), str(last), "", _verdict(last <= first))
    memory, objects = soak.memory(), soak.objects()
    made.add_row("memory, MB", *_ends(soak, "rss", MEGABYTE), _rate(memory, MEGABYTE), _verdict(memory.is_flat))
    few = objects.low <= FEW_OBJECTS
    made.add_row("Python objects", *_ends(soak, "objects", 1), _rate(objects, 1), _verdict(few))
    made.caption = f"memory: noise of a round {memory.noise / MEGABYTE:.1f} MB"
    return made


def _verdict(is_flat: bool) -> str:
    return "flat" if is_flat else "grows"


def _ends(soak: Soak, name: str, unit: float) -> tuple[str, str]:
    """The medians of the first judged round and of the last."""
    parts = soak.judged[: soak.round_size], soak.judged[-soak.round_size :]
    first, last = (f"{np.median([getattr(r, name) for r in part]) / unit:,.0f}" for part in parts)
    return first, last


def _rate(growth: Trend, unit: float) -> str:
    slope, low, high = (f"{1000 * value / unit:+,.1f}" for value in (growth.slope, growth.low, growth.high))
    return f"{slope} ({low} to {high})"


def write_csv(soak: Soak, path: Path) -> None:
    """All readings, one line each."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Reading)])
        writer.writeheader()
        writer.writerows(asdict(reading) for reading in soak.readings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, write the readings where asked; 0 if flat, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="discoveries; default 1000")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the reading after each discovery")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soak = run(asked.count, kinds(Path(name)), lambda numbers: track(numbers, "discoveries", console=console))
    if asked.csv is not None:
        write_csv(soak, asked.csv)
    Console().print(table(soak))
    return 0 if soak.is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
