"""Processor time of `sharefind suggest`: the whole command, each in a fresh process, on files and named data sets."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.bench.measure import Row, Rows, Target, spread
from tests.suggestion.kinds import glyphs, particles, ring

TOPIC = "suggestions"
SHORT = Target("at most", 5.0)
NAMED = ("tic-tac-toe", "elnino", "dna:brca1-rates", "methane", "elasticity:Cu", "texture:brick")


def rows(quick: bool) -> Rows:
    """Files with a ring, points and pictures; named data sets, as far as what makes them is installed."""
    repeats = 1 if quick else 5
    kinds = {"ring": ring(1200, 8), "points": particles(1500, 5, 3), "pictures": glyphs(1800, 8)}
    with tempfile.TemporaryDirectory() as folder:
        for name, (x, y) in kinds.items():
            path = Path(folder) / f"{name}.npz"
            np.savez(path, x=x, y=y)
            yield _row(str(path), f"{len(x)} {name}", repeats)
    for name in NAMED:
        yield _row(name, name, repeats)


def _row(data: str, case: str, repeats: int) -> Row:
    try:
        values = [_processor_seconds(data) for _ in range(repeats)]
    except subprocess.CalledProcessError as error:
        return Row(TOPIC, case, "processor seconds", None, target=SHORT, note=error.stderr.strip().splitlines()[-1])
    return Row(TOPIC, case, "processor seconds", *spread(values), target=SHORT)


def _processor_seconds(data: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "sharefind", "suggest", data], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
