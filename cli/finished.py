"""The outcome of a finished run, rebuilt from its folder and its data."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from sharefind.api.resolve import resolve_problem
from sharefind.errors import ExportError, RunFolderError, wording
from sharefind.limits import SETTINGS, Limits, settings_of
from sharefind.search import Decision, Problem, RunFolder, SearchConfig, SearchOutcome
from sharefind.search.building import proposals
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.persistence.recalled_nodes import belongs
from sharefind.search.result import Result


def _with_data_beside(folder: RunFolder) -> SearchConfig:
    """The configuration of a run; rows that `SharingSearch` kept beside it are found there, wherever it was moved."""
    config = folder.config()
    beside = folder.path / Path(config.data or "").name
    is_moved = config.data is not None and not Path(config.data).exists() and beside.is_file()
    return config.model_copy(update={"data": str(beside)}) if is_moved else config


def with_limits(config: SearchConfig, limits: Limits) -> SearchConfig:
    """The same configuration within the limits of whoever reads a run; those of the run itself do not count."""
    return config.model_copy(update={**dict.fromkeys(SETTINGS), **settings_of(limits)})


def finished_outcome(folder: RunFolder) -> SearchOutcome:
    """`load_outcome` of a run in which a space held.

    Raises:
        ExportError: none did so far. RunFolderError, InputError: as there.
    """
    outcome = load_outcome(folder)
    if not outcome.finished:
        ended = f"{folder.path} ended at {outcome.e_star.label}, which does not hold"
        raise ExportError(f"{ended}; {_going_on(folder.path)}")
    return outcome


def _going_on(path: Path) -> str:
    return f"go on with: {wording().going_on(path)}, and a larger --max-nodes or --max-seconds if it had one"


def _searched(problem: Problem, folder: RunFolder, result: Result) -> Problem:
    """The problem of the proposal that a blind search ended with; the same problem for every other search."""
    number = 1 if result.blind is None else result.blind.proposal
    found = next(islice((problem, *proposals(problem)), number - 1, None), None)
    if found is None:
        raise RunFolderError(
            f"{folder.path}: result.json names proposal {number}, which its data do not make; run again"
        )
    return found


def load_outcome(folder: RunFolder) -> SearchOutcome:
    """The outcome of a finished run, rebuilt from its folder; data are read again for their standardisation.

    What is read again must be within `folder.limits`.

    Raises:
        RunFolderError: the run is not finished, or was made with a unit that no name gives. InputError: its data or
            generators are not where they were.
    """
    result = folder.result()
    lattice = folder.lattice()
    visited = lattice.visited()
    if not visited:
        raise RunFolderError(f"{folder.path} visited no node so far; {_going_on(folder.path)}")
    last = visited[-1]
    holds = last.evidence is not None and last.evidence.decision is Decision.STAY
    problem = resolve_problem(with_limits(_with_data_beside(folder), folder.limits))
    folder.check(problem)
    problem = _searched(problem, folder, result)
    if not all(belongs(problem, node) for node in lattice.nodes()):
        raise RunFolderError(f"{folder.path}: lattice.json is not of this search; run the search again")
    if result.unit not in ("", problem.unit.name):
        raise RunFolderError(
            f"{folder.path} searched the unit {result.unit}, which the command line does not know; "
            "a run with a unit of your own can be inspected, and not exported"
        )
    return SearchOutcome(TestedProblem.of(problem, None), lattice, tuple(lattice.path_to(last.key)), holds)
