"""From a request to an outcome on disk: what `sharefind reproduce` and Python callers both call."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sharefind.errors import ConfigError, setting
from sharefind.paper.context import Context, Progress, Request, no_progress
from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.folder import ReproductionFolder
from sharefind.paper.panels import draw
from sharefind.paper.statements import find
from sharefind.parallel import one_thread

NO_PICTURE = "no picture was drawn: matplotlib is not installed (pip install 'sharefind[report]')"


@dataclass(frozen=True)
class Reproduction:
    """A demonstration that was run: its outcome, its result as JSON, and the folder that holds both."""

    outcome: Outcome
    result: dict[str, Any]
    folder: Path


def reproduce(name: str | Demonstration, request: Request, out: Path, progress: Progress = no_progress) -> Reproduction:
    """Run a demonstration on one torch thread a process and write its numbers, picture and verdict to OUT/<name>.

    Finished cells of an earlier call with the same request are taken from the folder.

    Args:
        name: One of `names()`, or a demonstration of your own.
        request: What was asked.
        out: Folder of all demonstrations.
        progress: Called with every step.

    Returns:
        The outcome and where it was written.

    Raises:
        ConfigError: There is no such demonstration, or a number of the request is out of range.
        InputError: The request names a group, representation or unit that cannot be used.
        NotConvergedError: A training or a solver did not converge.
        RunFolderError: The folder cannot be written, or another process works in it.
        StorageError: The disk is full or failing; finished cells are kept.
    """
    demonstration = find(name) if isinstance(name, str) else name
    refuse_bad_request(request)
    folder = ReproductionFolder.open(out, demonstration.name)
    started = time.monotonic()
    with folder.working(), one_thread():
        outcome = demonstration.run(Context(request, folder, progress))
        outcome = replace(outcome, notes=(*outcome.notes, *folder.notes))
        picture = draw(outcome, f"{demonstration.statement}: {demonstration.claim}")
        if picture is None:
            outcome = replace(outcome, notes=(*outcome.notes, NO_PICTURE))
        result = folder.finish(demonstration, request, outcome, time.monotonic() - started, picture)
    return Reproduction(outcome, result, folder.path)


def refuse_bad_request(request: Request, least_largest: int = 500) -> None:
    """Check what does not depend on the demonstration.

    Args:
        request: What was asked.
        least_largest: Least N at which the grids of the figures may end: the paper's three decades are read from N = 5
            to 500.

    Raises:
        ConfigError: Jobs below 1, a negative seed, no horizon, or a grid that ends where claims about large N begin.
    """
    if request.jobs < 1:
        raise ConfigError(f"{setting('jobs')} {request.jobs}: there must be a process to work; give 1 or more")
    if request.largest is not None and request.largest < least_largest:
        raise ConfigError(
            f"{setting('largest')} {request.largest}: the claims reach from N = 5 to N = 500; give {least_largest} "
            "or more"
        )
    if request.horizon is not None and not 0 < request.horizon < math.inf:
        raise ConfigError(f"{setting('horizon')} {request.horizon}: a training must take time; give a positive number")
    if request.seed < 0:
        raise ConfigError(f"{setting('seed')} {request.seed}: seeds are not negative; give 0 or more")
