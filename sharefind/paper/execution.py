"""Runs a request and writes its outcome to disk, for `sharefind reproduce` and for Python callers."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sharefind.errors import ConfigError, setting
from sharefind.paper.context import Context, Request
from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.folder import ReproductionFolder
from sharefind.paper.panels import draw
from sharefind.paper.statements import find
from sharefind.parallel import one_thread
from sharefind.progress import StageProgress, unwatched

NO_PICTURE = "no picture was drawn: matplotlib is not installed (pip install 'sharefind[report]')"


@dataclass(frozen=True)
class Reproduction:
    """A demonstration that was run.

    Attributes:
        outcome: Its outcome.
        result: Its result as JSON.
        folder: The folder with both.
    """

    outcome: Outcome
    result: dict[str, Any]
    folder: Path


def reproduce(
    name: str | Demonstration, request: Request, out: Path, progress: StageProgress = unwatched
) -> Reproduction:
    """Run a demonstration with one torch thread per process, and write its numbers, picture and verdict to OUT/<name>.

    Finished cells of an earlier call with the same request are reused from the folder.

    Args:
        name: One of `names()`, or a demonstration of your own.
        request: The user's choices.
        out: Folder of all demonstrations.
        progress: Called with every step.

    Returns:
        The outcome and its folder.

    Raises:
        ConfigError: No demonstration has this name, or a number in the request is out of range.
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
    """Refuse a request that no demonstration can use.

    Args:
        request: The user's choices.
        least_largest: Smallest allowed end of the grids of the figures; the claims of the paper compare N = 5 with N =
            500.

    Raises:
        ConfigError: `jobs` is below 1, the seed is negative, the horizon is not positive, or a grid ends too early.
    """
    if request.jobs < 1:
        raise ConfigError(f"{setting('jobs')} must be at least 1, not {request.jobs}")
    if request.largest is not None and request.largest < least_largest:
        raise ConfigError(
            f"{setting('largest')} {request.largest}: the claims reach from N = 5 to N = 500; give {least_largest} "
            "or more"
        )
    if request.horizon is not None and not 0 < request.horizon < math.inf:
        raise ConfigError(f"{setting('horizon')} must be positive, not {request.horizon}")
    if request.seed < 0:
        raise ConfigError(f"{setting('seed')} must be at least 0, not {request.seed}")
