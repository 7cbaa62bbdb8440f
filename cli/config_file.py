"""The settings of a search: the options of the command line override those of a configuration file."""

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
"""Settings that exclude each other: giving one as an option drops the others from a configuration file."""

CANDIDATES = ("generators", "map")
"""Settings that name a file with a candidate group."""


def merged_config(given: Mapping[str, Any], file: Path | None) -> SearchConfig:
    """Return the configuration of a search, with absolute file names so that the run can be resumed from any folder.

    Args:
        given: The options.
        file: A configuration file; its settings apply unless an option overrides them.

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
    """Return whether a name of data is the name of a file.

    Args:
        name: The name, or None.
    """
    return name is not None and format_of(name) is not None


def _files(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that name files."""
    named = {name: settings[name] for name in (*CANDIDATES, "data") if isinstance(settings.get(name), str)}
    return {name: value for name, value in named.items() if name in CANDIDATES or is_data_file(value)}


def _found_beside(file: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that a configuration file names; they are looked up in its folder and must lie in it."""
    data = settings.get("data")
    is_path = isinstance(data, str) and data not in task_names() and Path(data).name != data
    named = {**_files(settings), **({"data": data} if is_path else {})}
    return {name: str(_inside(file, name, str(value))) for name, value in named.items()}


def _inside(file: Path, name: str, value: str) -> Path:
    """Return a path within the folder of a configuration file, after resolving links.

    Raises:
        ConfigError: The path is absolute or leads out of the folder.
    """
    try:
        folder = file.parent.resolve()
        path = (folder / value).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a zero byte
        raise ConfigError(
            f"--config {file}: {name} = {quoted(value)} is not a path ({one_line(error)}); correct it"
        ) from None
    if Path(value).anchor or not path.is_relative_to(folder):
        raise ConfigError(
            f"--config {file}: {name} = {quoted(value)} is absolute or leads out of the folder of that file; "
            f"give it as --{name} on the command line instead"
        )
    return path


def _read(file: Path, limits: Limits, usual: int = 1_000_000) -> dict[str, Any]:
    """Return the settings in a file; `usual` is its largest size in bytes if no limit is given."""
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
    except ValueError as error:  # includes an integer with thousands of digits
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
    """Return `search_config` of some settings; errors name the file if the value comes from it.

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
    """Return a description of a search for the name of a folder, before the problem itself is known.

    Args:
        config: The search.
    """
    what = config.task or DEFAULT_TASK if config.data is None else Path(config.data).stem
    file = config.generators or config.map
    given = config.group or ("blind" if file is None else Path(file).stem)
    return f"{what}_{given}_seed{config.seed}"
