"""The outcome of a finished run, rebuilt from its folder and its data."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from sharefind.api.resolve import resolve_problem
from sharefind.errors import ExportError, RunFolderError, wording
from sharefind.limits import SETTINGS, Limits, settings_of
from sharefind.search import Decision, Problem, RunFolder, SearchConfig, SearchOutcome
from sharefind.search.building import opened, proposals
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.persistence.recalled_nodes import belongs
from sharefind.search.result import Result


def _with_data_beside(folder: RunFolder) -> SearchConfig:
    """Return the configuration of a run. Rows that `SharingSearch` stored in the folder are found even if
    it was moved.
    """
    config = folder.config()
    beside = folder.path / Path(config.data or "").name
    is_moved = config.data is not None and not Path(config.data).exists() and beside.is_file()
    return config.model_copy(update={"data": str(beside)}) if is_moved else config


def with_limits(config: SearchConfig, limits: Limits) -> SearchConfig:
    """Return the same configuration with the reader's limits, which replace those of the run.

    Args:
        config: The configuration of a run.
        limits: The reader's limits.
    """
    return config.model_copy(update={**dict.fromkeys(SETTINGS), **settings_of(limits)})


def finished_outcome(folder: RunFolder) -> SearchOutcome:
    """Return `load_outcome` of a run in which a space held.

    Args:
        folder: The run folder.

    Raises:
        ExportError: No space held so far.
        RunFolderError: As in `load_outcome`.
        InputError: As in `load_outcome`.
    """
    outcome = load_outcome(folder)
    if not outcome.finished:
        ended = f"{folder.path} ended at {outcome.e_star.label}, which does not hold"
        raise ExportError(f"{ended}; {_going_on(folder.path)}")
    return outcome


def _going_on(path: Path) -> str:
    return f"go on with: {wording().going_on(path)}, and a larger --max-nodes or --max-seconds if it had one"


def _searched(problem: Problem, folder: RunFolder, result: Result) -> Problem:
    """Return the problem with which a search ended: of a proposal, or inside an infinite candidate; or the same one."""
    if result.subgroups is not None and problem.inside is None:
        inner = opened(problem)
        if inner is None:
            raise RunFolderError(f"{folder.path}: its data propose no subgroups of {result.group.name}; run again")
        return inner
    number = 1 if result.blind is None else result.blind.proposal
    found = next(islice((problem, *proposals(problem)), number - 1, None), None)
    if found is None:
        raise RunFolderError(
            f"{folder.path}: result.json names proposal {number}, which its data do not make; run again"
        )
    return found


def load_outcome(folder: RunFolder) -> SearchOutcome:
    """Return the outcome of a finished run, rebuilt from its folder; data are read again for their standardisation.

    Everything that is read must be within `folder.limits`.

    Args:
        folder: The run folder.

    Raises:
        RunFolderError: The run is not finished, or was made with a unit without a name.
        InputError: Its data or generators are missing or have changed.
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
        raise RunFolderError(f"{folder.path}: lattice.json belongs to another search; run the search again")
    if result.unit not in ("", problem.unit.name):
        raise RunFolderError(
            f"{folder.path} searched the unit {result.unit}, which the command line does not know; "
            "a run with a unit of your own can be inspected, and not exported"
        )
    return SearchOutcome(TestedProblem.of(problem, None), lattice, tuple(lattice.path_to(last.key)), holds)
