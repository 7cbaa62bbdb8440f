"""From a request to an outcome on disk: what `sharefind reproduce` and Python callers both call."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sharefind.errors import ConfigError, setting
from sharefind.paper.context import Context, Progress, Request, no_progress
from sharefind.paper.demonstration import Outcome
from sharefind.paper.folder import ReproductionFolder
from sharefind.paper.panels import draw
from sharefind.paper.statements import find
from sharefind.parallel import one_thread

LEAST_LARGEST = 500
"""Least N at which the grids of the figures may end: the paper's three decades are read from N = 5 to 500."""

NO_PICTURE = "no picture was drawn: matplotlib is not installed (pip install 'sharefind[report]')"


@dataclass(frozen=True)
class Reproduction:
    """A demonstration that was run: its outcome, its result as JSON, and the folder that holds both."""

    outcome: Outcome
    result: dict[str, Any]
    folder: Path


def reproduce(name: str, request: Request, out: Path, progress: Progress = no_progress) -> Reproduction:
    """Run a demonstration on one torch thread a process and write its numbers, picture and verdict to OUT/<name>.

    Finished cells of an earlier call with the same request are taken from the folder.

    Args:
        name: see `registry.names`. request: what was asked. out: folder of all demonstrations. progress: told steps.

    Raises:
        ConfigError: there is no such demonstration, or a number of the request is out of range.
        InputError: the request names a group, representation or unit that cannot be used.
        NotConvergedError: a training or a solver did not converge. RunFolderError: the folder cannot be written, or
            another process works in it. StorageError: the disk is full or failing; finished cells are kept.
    """
    demonstration = find(name)
    refuse_bad_request(request)
    folder = ReproductionFolder.open(out, name)
    started = time.monotonic()
    with folder.working(), one_thread():
        outcome = demonstration.run(Context(request, folder, progress))
        outcome = replace(outcome, notes=(*outcome.notes, *folder.notes))
        picture = draw(outcome, f"{demonstration.statement}: {demonstration.claim}")
        if picture is None:
            outcome = replace(outcome, notes=(*outcome.notes, NO_PICTURE))
        result = folder.finish(demonstration, request, outcome, time.monotonic() - started, picture)
    return Reproduction(outcome, result, folder.path)


def refuse_bad_request(request: Request) -> None:
    """Check what does not depend on the demonstration.

    Raises:
        ConfigError: jobs below 1, a negative seed, no horizon, or a grid that ends where claims about large N begin.
    """
    if request.jobs < 1:
        raise ConfigError(f"{setting('jobs')} {request.jobs}: there must be a process to work; give 1 or more")
    if request.largest is not None and request.largest < LEAST_LARGEST:
        raise ConfigError(
            f"{setting('largest')} {request.largest}: the claims reach from N = 5 to N = 500; give {LEAST_LARGEST} "
            "or more"
        )
    if request.horizon is not None and not 0 < request.horizon < math.inf:
        raise ConfigError(f"{setting('horizon')} {request.horizon}: a training must take time; give a positive number")
    if request.seed < 0:
        raise ConfigError(f"{setting('seed')} {request.seed}: seeds are not negative; give 0 or more")
