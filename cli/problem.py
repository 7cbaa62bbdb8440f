"""From options and files to a problem that can be searched; everything that can fail on input fails here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from sharefind.datasets import Task, load_data, load_task, task_names
from sharefind.datasets.registry import READERS
from sharefind.datasets.task import class_warning
from sharefind.errors import ConfigError, ExportError, RunFolderError, one_line, quoted
from sharefind.formats import parse_toml
from sharefind.groups import Group, load_generators, named_group, parse_representation
from sharefind.limits import SETTINGS, Limits, limits_of, raise_it, read_within, settings_of
from sharefind.search import (
    Candidate,
    Decision,
    Problem,
    RunFolder,
    SearchConfig,
    SearchOutcome,
    build_problem,
    search_config,
)
from sharefind.search.building import proposals
from sharefind.search.hypotheses import belongs
from sharefind.search.input_layouts import layout_notes
from sharefind.search.result import Result
from sharefind.storage import advice, shell_word

DEFAULT_TASK = "c2-wi"

EXCLUSIVE = (("group", "generators", "blind"), ("task", "data"))
"""Settings of which at most one holds: giving one as an option drops the others of a configuration file."""

NO_GROUP = (
    "no candidate symmetry was given; add --group NAME (such as --group C2; `sharefind groups` lists them), "
    "--generators FILE, or --blind to search without one"
)

MAX_CONFIG_BYTES = 1_000_000
"""Largest configuration file, in bytes, where no limit is given."""

PATHS = ("generators", "data")
"""Settings that name files."""

TWO_ACTIONS = "says how the group acts; drop --in-rep and --out-rep"


def merged_config(given: Mapping[str, Any], file: Path | None) -> SearchConfig:
    """The configuration of a search: the options that were given, over those of a file.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is out of range, or settings exclude
            each other.
    """
    options = {name: value for name, value in given.items() if name in SearchConfig.model_fields}
    settings = {} if file is None else _read(file, limits_of(options))
    for names in EXCLUSIVE:
        if any(name in options for name in names):
            settings = {name: value for name, value in settings.items() if name not in names}
    beside = {} if file is None else _found_beside(file, {k: v for k, v in settings.items() if k not in options})
    return with_absolute_paths(
        checked_config({**settings, **beside, **options}, {} if file is None else dict.fromkeys(settings, file))
    )


def _found_beside(file: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The files that a configuration file names, found from its own folder, which they may not leave."""
    named = {name: settings[name] for name in PATHS if isinstance(settings.get(name), str)}
    return {
        name: str(_inside(file, name, value))
        for name, value in named.items()
        if name == "generators" or (value not in task_names() and (_is_file_name(value) or Path(value).name != value))
    }


def _inside(file: Path, name: str, value: str) -> Path:
    """A path within the folder of a configuration file, links followed.

    Raises:
        ConfigError: it is absolute or leads elsewhere.
    """
    try:
        folder = file.parent.resolve()
        path = (folder / value).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a zero byte
        what = f"{name} = {quoted(value)} is no path ({one_line(error)})"
        raise ConfigError(f"--config {file}: {what}; correct it") from None
    if Path(value).anchor or not path.is_relative_to(folder):
        raise ConfigError(
            f"--config {file}: {name} = {quoted(value)} is absolute or leads out of the folder of that file; "
            f"give it as --{name} on the command line instead"
        )
    return path


def _read(file: Path, limits: Limits) -> dict[str, Any]:
    try:
        most = limits.bytes_of(MAX_CONFIG_BYTES)
        content = read_within(file, most)
        if isinstance(content, int):
            raise ConfigError(f"--config {file} is above {most} bytes; {raise_it('file_size', content)}")
        settings = parse_toml(content)
    except OSError as error:
        raise ConfigError(f"--config {file} cannot be read ({error.strerror}); {advice(error)}") from None
    except RecursionError:
        raise ConfigError(f'--config {file} is nested too deep; write lines such as group = "C4"') from None
    except ConfigError:
        raise
    except ValueError as error:  # an integer of thousands of digits, too
        raise ConfigError(
            f'--config {file} is not TOML ({one_line(error)}); write lines such as group = "C4"'
        ) from None
    known = list(SearchConfig.model_fields)
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name.replace("-", "_"), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
            raise ConfigError(f"--config {file}: there is no setting {quoted(name)}; {hint}")
    return settings


def checked_config(values: Mapping[str, Any], files: Mapping[str, Path]) -> SearchConfig:
    """`search_config`, with errors that name the option, or the file in which the value stands."""
    try:
        return search_config(**values)
    except ConfigError as error:
        name, found, rest = str(error).partition(":")
        if not found or name not in values:
            raise
        where = f"--config {files[name]}: {name}" if name in files and name in values else f"--{name.replace('_', '-')}"
        raise ConfigError(f"{where}:{rest}") from None


def with_budgets(config: SearchConfig, budgets: Mapping[str, Any]) -> SearchConfig:
    """The same configuration with other budgets.

    Raises:
        ConfigError: a budget is out of range.
    """
    return checked_config({**config.model_dump(exclude_none=True), **budgets}, {}) if budgets else config


def with_absolute_paths(config: SearchConfig) -> SearchConfig:
    """The same configuration with files named so that a run can go on from any folder."""
    paths = {
        name: str(Path(value).absolute())
        for name, value in (("generators", config.generators), ("data", config.data))
        if value is not None and (name == "generators" or _is_file_name(value))
    }
    return config.model_copy(update=paths)


def plain_name(config: SearchConfig) -> str:
    """What is searched, in words for a folder, where the problem itself is not known yet."""
    what = config.task or DEFAULT_TASK if config.data is None else Path(config.data).stem
    given = config.group or ("blind" if config.generators is None else Path(config.generators).stem)
    return f"{what}_{given}_seed{config.seed}"


def _is_file_name(value: str) -> bool:
    return Path(value).suffix.lower() in READERS


def load_problem(config: SearchConfig) -> Problem:
    """The problem of a configuration: its data, its candidate group and everything that follows from them.

    Where the configuration has no candidate, the one that the data recommend is taken: a name is written into the
    problem's configuration; a group with its action is not, and comes with the data again.

    Raises:
        InputError: any of these cannot be used; the message says which and what to do instead.
    """
    if config.blind:
        return build_problem(config, chosen_task(config), named_group("C1"))
    given = _given_candidate(config)
    task = chosen_task(config)
    if given is not None:
        return build_problem(config, task, given)
    if task.group is not None:
        config = config.model_copy(update={"group": task.group})
        return build_problem(config, task, named_group(task.group, config.limits))
    return build_problem(config, task, _recommended(config, task))


def layout_lines(config: SearchConfig) -> list[str]:
    """What the expressions of a configuration mean for the columns of its file, where they put channels on points."""
    if config.group is None or config.data is None or not _is_file_name(config.data):
        return []
    group = named_group(config.group, config.limits)
    given = (("--in-rep", "x", config.in_rep), ("--out-rep", "y", config.out_rep))
    return [
        note
        for flag, letter, text in given
        if text is not None
        for note in layout_notes(flag, letter, parse_representation(text, group, config.limits))
    ]


def label_lines(config: SearchConfig, problem: Problem) -> list[str]:
    """A warning where the labels of a file look like classes."""
    if config.data is None or not _is_file_name(config.data) or problem.task.y is None:
        return []
    found = class_warning(problem.task.y)
    return [] if found is None else [found]


def chosen_task(config: SearchConfig) -> Task:
    """The samples that a configuration names."""
    if config.data is not None:
        return load_data(config.data, config.limits, config.rows_of)
    if config.rows_of is not None:
        raise ConfigError(f"--rows-of {quoted(config.rows_of)} names a column of a file; give the file with --data")
    return load_task(config.task or DEFAULT_TASK)


def _given_candidate(config: SearchConfig) -> Candidate | Group | None:
    """The group that the configuration names or reads from a file; before the data, which take longer to load."""
    if config.group is not None:
        return named_group(config.group, config.limits)
    if config.generators is None:
        return None
    _refuse_representations(config, "--generators")
    file = load_generators(config.generators, config.limits)
    return Candidate(file.group, file.in_rep, file.out_rep)


def _recommended(config: SearchConfig, task: Task) -> Candidate:
    """The group that comes with the data, with its action."""
    if task.action is None:
        raise ConfigError(NO_GROUP)
    _refuse_representations(config, task.name)
    return Candidate(task.action.group, task.action.in_rep, task.action.out_rep)


def _refuse_representations(config: SearchConfig, who: str) -> None:
    if config.in_rep is not None or config.out_rep is not None:
        raise ConfigError(f"{who} {TWO_ACTIONS}")


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
    resume = f"sharefind discover --resume {shell_word(path)}"
    return f"go on with: {resume}, and a larger --max-nodes or --max-seconds if it had one"


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
    problem = load_problem(with_limits(_with_data_beside(folder), folder.limits))
    folder.check(problem)
    problem = _searched(problem, folder, result)
    if not all(belongs(problem, node) for node in lattice.nodes()):
        raise RunFolderError(f"{folder.path}: lattice.json is not of this search; run the search again")
    if result.unit not in ("", problem.unit.name):
        raise RunFolderError(
            f"{folder.path} searched the unit {result.unit}, which the command line does not know; "
            "a run with a unit of your own can be inspected, and not exported"
        )
    return SearchOutcome(problem, lattice, tuple(lattice.path_to(last.key)), holds)
