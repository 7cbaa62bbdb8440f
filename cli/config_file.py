"""The settings of a search: the options that were given, over those of a configuration file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sharefind.api.resolve import DEFAULT_TASK
from sharefind.datasets import task_names
from sharefind.datasets.data_formats import format_of
from sharefind.errors import ConfigError, one_line, quoted, setting
from sharefind.formats import parse_toml
from sharefind.limits import Limits, limits_of, raise_it, read_within
from sharefind.search import SearchConfig, search_config
from sharefind.storage import advice

EXCLUSIVE = (("group", "generators", "map", "blind"), ("task", "data"))
"""Settings of which at most one holds: giving one as an option drops the others of a configuration file."""

CANDIDATES = ("generators", "map")
"""Settings that name a file with a candidate group."""


def merged_config(given: Mapping[str, Any], file: Path | None) -> SearchConfig:
    """The configuration of a search, with files named so that a run can go on from any folder.

    Args:
        given: The options.
        file: A configuration file, whose settings hold where no option says otherwise.

    Raises:
        ConfigError: The file cannot be read, a key is unknown, a value is out of range, or settings exclude each other.
    """
    options = {name: value for name, value in given.items() if name in SearchConfig.model_fields}
    settings = {} if file is None else _read(file, limits_of(options))
    for names in EXCLUSIVE:
        if any(name in options for name in names):
            settings = {name: value for name, value in settings.items() if name not in names}
    beside = {} if file is None else _found_beside(file, {k: v for k, v in settings.items() if k not in options})
    config = checked_config({**settings, **beside, **options}, file, settings)
    paths = {name: str(Path(value).absolute()) for name, value in _files(config.model_dump()).items()}
    return config.model_copy(update=paths)


def is_data_file(name: str | None) -> bool:
    """Whether data of that name come from a file."""
    return name is not None and format_of(name) is not None


def _files(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings that name files."""
    named = {name: settings[name] for name in (*CANDIDATES, "data") if isinstance(settings.get(name), str)}
    return {name: value for name, value in named.items() if name in CANDIDATES or is_data_file(value)}


def _found_beside(file: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The files that a configuration file names, found from its own folder, which they may not leave."""
    data = settings.get("data")
    is_path = isinstance(data, str) and data not in task_names() and Path(data).name != data
    named = {**_files(settings), **({"data": data} if is_path else {})}
    return {name: str(_inside(file, name, str(value))) for name, value in named.items()}


def _inside(file: Path, name: str, value: str) -> Path:
    """A path within the folder of a configuration file, links followed.

    Raises:
        ConfigError: It is absolute or leads elsewhere.
    """
    try:
        folder = file.parent.resolve()
        path = (folder / value).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a zero byte
        raise ConfigError(
            f"--config {file}: {name} = {quoted(value)} is no path ({one_line(error)}); correct it"
        ) from None
    if Path(value).anchor or not path.is_relative_to(folder):
        raise ConfigError(
            f"--config {file}: {name} = {quoted(value)} is absolute or leads out of the folder of that file; "
            f"give it as --{name} on the command line instead"
        )
    return path


def _read(file: Path, limits: Limits, usual: int = 1_000_000) -> dict[str, Any]:
    """The settings in a file; `usual`: most bytes of it where no limit is given."""
    like = 'write lines such as group = "C4"'
    try:
        content = read_within(file, limits.bytes_of(usual))
        if isinstance(content, int):
            most = limits.bytes_of(usual)
            raise ConfigError(f"--config {file} is above {most} bytes; {raise_it('file_size', content)}")
        settings = parse_toml(content)
    except OSError as error:
        raise ConfigError(f"--config {file} cannot be read ({error.strerror}); {advice(error)}") from None
    except RecursionError:
        raise ConfigError(f"--config {file} is nested too deep; {like}") from None
    except ConfigError:
        raise
    except ValueError as error:  # an integer of thousands of digits, too
        raise ConfigError(f"--config {file} is not TOML ({one_line(error)}); {like}") from None
    known = list(SearchConfig.model_fields)
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name.replace("-", "_"), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
            raise ConfigError(f"--config {file}: there is no setting {quoted(name)}; {hint}")
    return settings


def checked_config(
    values: Mapping[str, Any], file: Path | None = None, written: Mapping[str, Any] | None = None
) -> SearchConfig:
    """`search_config`, with errors that name the file where a value stands in one.

    Args:
        values: All settings.
        file: The configuration file.
        written: The settings in it.

    Raises:
        ConfigError: As in `search_config`.
    """
    try:
        return search_config(**values)
    except ConfigError as error:
        name = error.setting
        if name is None or name not in (written or {}):
            raise
        rest = str(error).removeprefix(setting(name))
        raise ConfigError(f"--config {file}: {name}{rest}", name) from None


def plain_name(config: SearchConfig) -> str:
    """What is searched, in words for a folder, where the problem itself is not known yet."""
    what = config.task or DEFAULT_TASK if config.data is None else Path(config.data).stem
    file = config.generators or config.map
    given = config.group or ("blind" if file is None else Path(file).stem)
    return f"{what}_{given}_seed{config.seed}"
