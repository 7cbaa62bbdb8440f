"""Builds a search problem from a configuration, for every interface; errors in the input are raised here."""

from __future__ import annotations

from dataclasses import asdict, fields

from sharefind.datasets import Task, load_data, load_task
from sharefind.datasets.map_file import written_map
from sharefind.datasets.roles import Roles
from sharefind.errors import ConfigError, quoted, setting
from sharefind.groups import GeneratorFile, Group, load_generators, named_group
from sharefind.groups.column_maps import WrittenMap
from sharefind.progress import StageProgress, unwatched
from sharefind.search import ActingGroup, Problem, SearchConfig, build_problem

DEFAULT_TASK = "c2-wi"


def resolve_problem(
    config: SearchConfig,
    task: Task | None = None,
    group: Group | ActingGroup | WrittenMap | None = None,
    on_progress: StageProgress = unwatched,
) -> Problem:
    """Return the problem of a configuration: its data, its candidate group and everything that follows from them.

    If no candidate is given, the recommendation of the data is used. A recommended name is written into the problem's
    configuration. A recommended group with its own action is not; it is read with the data again.

    Args:
        config: The configuration.
        task: The samples; None for the samples that the configuration names.
        group: A group, a group with its action, or a map of columns, if it has no name or file; None for the one in the
            configuration.
        on_progress: Called with a stage, steps done, and steps in all, as maps are proposed.

    Raises:
        InputError: An input cannot be used; the message says which one and what to do instead.
    """
    given = _given(config) if group is None else group  # before the data, which take longer to load
    if isinstance(given, ActingGroup | WrittenMap):
        _refuse_representations(config, "a candidate" if isinstance(given, ActingGroup) else setting("map"))
    task = chosen_task(config) if task is None else task
    if isinstance(given, WrittenMap):
        given = _candidate(given.bound(task.inputs, task.outputs, config.limits))
    if given is None and task.group is not None:
        config = config.model_copy(update={"group": task.group})
        given = named_group(task.group, config.limits)
    return build_problem(config, task, _recommended(config, task) if given is None else given, on_progress)


def chosen_task(config: SearchConfig) -> Task:
    """Return the samples that a configuration names.

    Args:
        config: The configuration.

    Raises:
        InputError: The samples cannot be read.
        ConfigError: Roles of columns are given without a file.
    """
    if config.data is not None:
        return load_data(config.data, config.limits, roles_of(config))
    said = next((name for name, value in asdict(roles_of(config)).items() if value is not None), None)
    if said is not None:
        what = f"{setting(said)} {quoted(getattr(config, said))} is about columns of a file"
        raise ConfigError(f"{what}; give the file with {setting('data')}", said)
    return load_task(config.task or DEFAULT_TASK)


def roles_of(config: SearchConfig) -> Roles:
    """Return the roles of columns that a configuration gives.

    Args:
        config: The configuration.
    """
    return Roles(**{field.name: getattr(config, field.name) for field in fields(Roles)})


def _given(config: SearchConfig) -> ActingGroup | Group | WrittenMap | None:
    """Return the group that the configuration names or reads from a file; the trivial group if the search proposes its
    own.
    """
    if config.blind or config.group is not None:
        return named_group(config.group or "C1", config.limits)
    if config.map is not None:
        return written_map(config.map, config.limits)
    if config.generators is None:
        return None
    _refuse_representations(config, setting("generators"))
    return _candidate(load_generators(config.generators, config.limits))


def _candidate(file: GeneratorFile) -> ActingGroup:
    return ActingGroup(file.group, file.in_rep, file.out_rep)


def _recommended(config: SearchConfig, task: Task) -> ActingGroup:
    """Return the group that comes with the data, with its action."""
    if task.action is None:
        group = setting("group")
        raise ConfigError(
            f"no candidate symmetry was given; add {group} NAME (such as {group} C2; `sharefind groups` lists them), "
            f"{setting('generators')} FILE, {setting('map')} FILE, or {setting('blind')} to search without one"
        )
    _refuse_representations(config, task.name)
    return ActingGroup(task.action.group, task.action.in_rep, task.action.out_rep)


def _refuse_representations(config: SearchConfig, who: str) -> None:
    if config.in_rep is not None or config.out_rep is not None:
        raise ConfigError(f"{who} says how the group acts; drop {setting('in_rep')} and {setting('out_rep')}")
