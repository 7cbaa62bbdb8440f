"""Maps of columns from a table (name, image, sign, generator) or from mappings of Python; bound by `column_maps`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sharefind.column_names import name_words
from sharefind.datasets.column_choice import Columns
from sharefind.datasets.csv_file import CSV
from sharefind.datasets.data_file import DataFormat
from sharefind.datasets.data_formats import format_of, read_columns
from sharefind.datasets.roles import Roles
from sharefind.datasets.selection import Selection
from sharefind.errors import GroupError, quoted, setting
from sharefind.groups.column_maps import MapRow, WrittenMap
from sharefind.groups.files import FILE_BOUNDS
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.storage import shown

GivenMap = str | Path | Mapping[Any, Any] | Sequence[Mapping[Any, Any]]
"""A map as the user gives it: the path of a table, a mapping of columns, or several mappings."""

NEEDED = ("name", "image", "sign")
"""Columns that the table of a map must have."""

OPTIONAL = ("generator",)
"""Columns that it may have."""

EXAMPLE = "write the columns name, image and sign, a row for each column that moves"


@dataclass(frozen=True)
class MapBounds:
    """How large a map may be; none of these can be raised by users.

    Attributes:
        generators: Most maps in one file.
        name: Longest name of a group, in characters.
    """

    generators: int = FILE_BOUNDS.generators
    name: int = FILE_BOUNDS.name


def written_map(given: Any, limits: Limits = DEFAULT_LIMITS, bounds: MapBounds | None = None) -> WrittenMap:
    """A user's map with its form checked; `WrittenMap.bound` checks it against columns.

    A mapping has a column for a key and its image for a value: "-hip_4", "+hip_4", "hip_4" or ("hip_4", -1). Several
    generators are a list of such mappings, or a mapping of their names to such mappings.

    Args:
        given: The path of a table, or mappings: a `GivenMap`.
        limits: Limits on the size of a file.
        bounds: Further bounds.

    Raises:
        DataError: The file cannot be read as a table.
        GroupError: A column is missing, a cell holds something else, or a mapping is none of columns.
    """
    bounds = bounds or MapBounds()
    if isinstance(given, (str, Path)):
        found = _read(Path(given), limits, bounds)
    elif isinstance(given, (Mapping, Sequence)):
        found = _of_mappings(given)
    else:
        kind = type(given).__name__
        raise GroupError(f"{setting('map')} is a {kind}; give a path, or a dict of columns and their images")
    if not 1 <= len(found.generators) <= bounds.generators:
        many = f"has {len(found.generators)} generators" if found.generators else "moves no column"
        raise GroupError(f"{found.source}: it {many}; give 1 to {bounds.generators}")
    return found


def _read(path: Path, limits: Limits, bounds: MapBounds) -> WrittenMap:
    kind = _format(path)
    sized = replace(limits, file_size=limits.bytes_of(FILE_BOUNDS.bytes))
    table = read_columns(kind, path, sized, Roles(), select=_select)
    columns = {name: [_text(value) for value in values] for name, values in table.columns.items()}
    rows, labels = list[MapRow](), columns.get("generator")
    for k, cells in enumerate(zip(*(columns[name] for name in NEEDED), strict=True), 1):
        rows.append(_row(str(path), f"row {k}", *cells))
    if labels is None:
        return WrittenMap(str(path), shown(path.stem)[: bounds.name], {"": tuple(rows)} if rows else {})
    generators: dict[str, tuple[MapRow, ...]] = {}
    for k, (row, label) in enumerate(zip(rows, labels, strict=True), 1):
        if not label:
            raise GroupError(f"{path}: row {k} names no generator; give each row a number or a name")
        generators[label] = (*generators.get(label, ()), row)
    return WrittenMap(str(path), shown(path.stem)[: bounds.name], generators)


def _format(path: Path) -> DataFormat:
    """The format of a table; tabs are found in any text."""
    kind = CSV if path.suffix.lower() == ".tsv" else format_of(path)
    if kind is None or kind.is_archive or path.suffix.lower() == ".npy":
        raise GroupError(f"{path}: is no table of columns; give a .csv, .tsv, .parquet or .feather file: {EXAMPLE}")
    return kind


def _select(columns: Columns, roles: Roles) -> Selection:
    """All columns of a map, as text."""
    known, header = (*NEEDED, *OPTIONAL), list(columns.header)
    for name in header:
        if name not in known:
            raise columns.refused(
                f"a map has no column {quoted(name)}; {EXAMPLE}, and generator where there are several"
            )
        if header.count(name) > 1:
            raise columns.refused(f"the column {quoted(name)} is given twice; keep one of them")
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise columns.refused(f"the column {missing[0]} is missing; {EXAMPLE}")
    everything = tuple(range(len(header)))
    return Selection(inputs=everything, categorical=everything)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _row(source: str, where: str, name: str, image: str, sign: str) -> MapRow:
    for cell, what in ((name, "name"), (image, "image")):
        if not cell:
            raise GroupError(f"{source}: {where} has no {what}; give a column, the same one where it stays")
    return MapRow(where, name, image, _sign(source, where, sign))


def _sign(source: str, where: str, text: str) -> int:
    """+1 or -1, as numbers, or the bare signs."""
    if text in ("+", "-"):
        return int(f"{text}1")
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if value not in (1.0, -1.0):
        raise GroupError(f"{source}: {where}: the sign is {quoted(text)}; write +1 or -1")
    return int(value)


def _of_mappings(given: Mapping[Any, Any] | Sequence[Mapping[Any, Any]], source: str = "map") -> WrittenMap:
    if isinstance(given, Mapping) and any(isinstance(value, Mapping) for value in given.values()):
        named = {str(label): value for label, value in given.items()}
    elif isinstance(given, Mapping):
        named = {"": given} if given else {}
    else:
        named = {str(k): value for k, value in enumerate(given, 1)}
    return WrittenMap(source, source, {label: tuple(_entries(label, value, source)) for label, value in named.items()})


def _entries(label: str, value: Any, source: str) -> Iterator[MapRow]:
    if not isinstance(value, Mapping):
        whose = f"generator {name_words(label)}" if label else "it"
        raise GroupError(f'{source}: {whose} is a {type(value).__name__}; give a dict such as {{"hip_1": "-hip_4"}}')
    prefix = f"generator {name_words(label)}, " if label else ""
    for name, image in value.items():
        where = f"{prefix}{name_words(str(name))}"
        if isinstance(image, str):
            yield MapRow(where, str(name), *_signed(image))
        elif isinstance(image, (tuple, list)) and len(image) == 2:
            yield MapRow(where, str(name), str(image[0]), _sign(source, where, str(image[1])))
        else:
            raise GroupError(f'{source}: {where} goes to {quoted(image)}; write "-hip_4" or ("hip_4", -1)')


def _signed(image: str) -> tuple[str, int]:
    text = image.strip()
    return (text[1:].strip(), -1 if text[0] == "-" else 1) if text[:1] in ("+", "-") else (text, 1)
