"""What whole searches cost from the command line: processor seconds of one process, imports included, and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sharefind.typing import FloatArray
from tests.bench.measure import Rows, Target, absolute_row

TOPIC = "searches"
GIGABYTE = 2**20
"""In the kilobytes of the operating system."""

Samples = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Case:
    """One search.

    Attributes:
        name: What it is called.
        options: Options of `discover`.
        samples: Makes x and y; None for a task of the program.
        seconds: Most seconds of the processor.
        memory: Most GB, None where none were asked for.
        is_quick: Whether it is short.
    """

    name: str
    options: tuple[str, ...]
    samples: Callable[[], Samples] | None
    seconds: float
    memory: float | None = None
    is_quick: bool = False


def _ring() -> Samples:
    """Eight sensors on a ring; labels follow it round, but not its reflections."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1200, 8))
    y = np.tanh(x + 0.8 * np.roll(x, 1, axis=1) - 0.5 * np.roll(x, 3, axis=1))
    return x, y + 0.1 * rng.standard_normal(y.shape)


def _digits() -> Samples:
    """The 8 x 8 digits of scikit-learn, ten classes."""
    from sklearn.datasets import load_digits

    x, label = load_digits(return_X_y=True)
    return x, np.eye(10)[label]


def _pixels() -> Samples:
    """2,000 of them at three times the size, with a margin and noise: 28 x 28."""
    x, y = _digits()
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(x), size=2000)
    large = np.kron(x[chosen].reshape(-1, 8, 8), np.ones((1, 3, 3)))
    pixels = np.pad(large, ((0, 0), (2, 2), (2, 2))).reshape(2000, -1)
    return pixels + rng.standard_normal(pixels.shape), y[chosen]


def _million() -> Samples:
    """A million rows of eight columns, two values at each corner of a square."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1_000_000, 8))
    y = np.tanh(x[:, :4] + 0.5 * np.roll(x[:, 4:], 1, axis=1))
    return x, y + 0.1 * rng.standard_normal(y.shape)


PIXELS = ("--group", "D4", "--out-rep", "trivial:10", "--in-rep")
CASES = (
    Case("C2, fresh samples", ("--group", "C2"), None, 4, is_quick=True),
    Case("ring of eight, 1,200 rows, D8", ("--group", "D8"), _ring, 8, is_quick=True),
    Case("digits, 8 x 8, 1,797 rows, D4", (*PIXELS, "grid:8"), _digits, 15),
    Case("28 x 28 pixels, 2,000 rows, D4", (*PIXELS, "grid:28"), _pixels, 120, 2),
    Case("a million rows of 8, C4", ("--group", "C4", "--in-rep", "2*natural"), _million, 20, 1.5),
)


def rows(quick: bool) -> Rows:
    """Seconds and memory of each search, in a process of its own."""
    for case in CASES:
        if quick and not case.is_quick:
            continue
        with tempfile.TemporaryDirectory() as folder:
            options = [*case.options, "--out", f"{folder}/run"]
            if case.samples is not None:
                x, y = case.samples()
                np.savez(Path(folder) / "samples.npz", x=x, y=y)
                options += ["--data", f"{folder}/samples.npz"]
            seconds, gigabytes = _spent(options)
        yield absolute_row(TOPIC, case.name, "seconds", [seconds], Target("at most", case.seconds), "processor")
        most = None if case.memory is None else Target("at most", case.memory)
        yield absolute_row(TOPIC, case.name, "GB", [gigabytes], most, "peak resident memory")


def _spent(options: list[str]) -> tuple[float, float]:
    """Processor seconds and peak memory of a search."""
    program = "import sys; from sharefind.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "discover", *options, "--quiet", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # Not `subprocess.run`: the system tells what this one process took when it is waited for.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / GIGABYTE
