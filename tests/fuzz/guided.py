"""The same loop led by coverage, where atheris is installed: inputs that reach new code are kept and changed further.

Run as a process of its own, by `python -m tests.fuzz`: libFuzzer ends the process that it ran in.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import NoReturn

import atheris

with atheris.instrument_imports(include=["sharefind"], exclude=["sharefind.meanfield.dynamics.kernels"]):
    from tests.fuzz.loop import Feeder, warm_up
    from tests.fuzz.targets import every_target
from tests.fuzz.guard import memory_limit
from tests.fuzz.mutation import MAX_SIZE, mutate

OWN_SHARE = 0.8
"""How many mutations are those of `mutation`; libFuzzer's know of no format."""

STALLED = 60.0
"""Seconds after which libFuzzer ends the process; what Python can stop is stopped long before."""


def run(name: str, seed: int, seconds: float, inputs: int, out: Path) -> NoReturn:
    """Feed a target and leave the tally in `out`."""
    target = every_target()[name]
    folder = tempfile.mkdtemp()
    feeder = Feeder(target, Path(folder), out, "atheris")
    warm_up(feeder)
    corpus = Path(tempfile.mkdtemp())
    for number, data in enumerate(feeder.seeds):
        (corpus / f"{number:04d}").write_bytes(data)
    start = time.monotonic()

    def one_input(data: bytes) -> None:
        feeder.feed(data)
        tally = feeder.tally
        tally.seconds = time.monotonic() - start
        if tally.inputs >= inputs or (tally.inputs % 16 == 0 and tally.seconds > seconds):
            feeder.write_tally()
            os._exit(0)

    def changed(data: bytes, most: int, number: int) -> bytes:
        rng = Random(number)
        new = mutate(data, target.form, rng) if rng.random() < OWN_SHARE else atheris.Mutate(data, max(len(data), 1))
        return bytes(new[:most])

    options = [
        f"-seed={seed or 1}",
        f"-max_len={MAX_SIZE}",
        f"-timeout={STALLED:.0f}",
        "-rss_limit_mb=0",
        "-verbosity=0",
        "-len_control=0",
        f"-artifact_prefix={out}/",
    ]
    with memory_limit():
        atheris.Setup([sys.argv[0], *options, str(corpus)], one_input, custom_mutator=changed)
        atheris.Fuzz()
    raise SystemExit(f"{name}: libFuzzer came back")
