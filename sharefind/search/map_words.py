"""The faults of a map of columns, as cells of a table and as sentences, for terminals, pages and notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sharefind.column_names import name_words
from sharefind.errors import setting
from sharefind.search.map_rows import FaultRow, MapRow, MapTestRow, SightingRow
from sharefind.storage import shell_word
from sharefind.written import NOTHING, number, plural

MAP_HEADINGS = ("column", "map says <-", "data say <-", "wrong", "std. errors", "seen in")
"""Headings of the table of what is wrong with a map."""

MAP_TEXTS = ("column", "map says <-", "data say <-", "wrong", "seen in")
"""Headings of the columns that hold words."""

MAP_NOTE = (
    "column <- source: the new content of the column. Two columns that change places have one line. std. errors: "
    "distance of data and map there, with all other columns moved as the data say."
)
"""The content of the columns."""

NEAREST_MAP = "nearest-map.csv"
"""File of a run folder with the nearest map."""


def map_title(row: MapRow, count: int) -> str:
    """Return the headline over the table of one map.

    Args:
        row: Row of the map.
        count: Number of maps that are explained.
    """
    return "The map, column by column" if count == 1 else f"Map {row.generator}, column by column"


def map_cells(row: MapRow, inputs: Sequence[str], outputs: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the lines under `MAP_HEADINGS`.

    Args:
        row: Row of the map.
        inputs: Names of the columns of x.
        outputs: Names of the columns of y.
    """
    cells = list[tuple[str, ...]]()
    for fault in row.faults:
        names = inputs if fault.side == "input" else outputs
        seen = _seen(fault.seen, inputs, outputs)
        for column, given, near in _arrows(fault):
            words = (_source(given, names), NOTHING if near is None else _source(near, names))
            wrong = NOTHING if near is None else _wrong(column, given, near)
            cells.append((name_words(names[column - 1]), *words, wrong, _errors(fault.seen.errors), seen))
    return cells


def map_sentences(row: MapRow, inputs: Sequence[str], outputs: Sequence[str], run: str = "") -> list[str]:
    """Return what follows from the examination of one map.

    Args:
        row: Row of the map.
        inputs: Names of the columns of x.
        outputs: Names of the columns of y.
        run: The run folder, which keeps the nearest map; "" where it is not known.
    """
    if row.missing:
        return [f"Map {row.generator} was not explained: {row.missing}."]
    return [line for line in (_found(row), *_kept(row, run), _unseen(row, inputs, outputs)) if line]


def _found(row: MapRow) -> str:
    noise = f"noise alone exceeds {row.critical:.2g} standard errors in 1 % of such tables"
    if row.nearest is not None and row.changes is not None:
        how = f"Nearest map: {plural(row.changes, 'change')} (a sign counts one, another image two)"
        return f"{how}. {_verdict(row.test)} {row.rows:,} rows proposed it; {noise}."
    if not row.faults:
        return (
            "No coefficient and no moment shows what is wrong: the largest misfit is "
            f"{row.largest:.2g} standard errors ({noise}); give more rows."
        )
    tested = "" if row.test is None else f" The last one that fits was rejected (p = {number(row.test.p_value)})."
    spent = " The search was cut short, so that one may exist." if row.is_spent else ""
    most = f"No map with at most {plural(row.most_changes, 'change')} passes (a sign counts one, another image two)"
    return f"{most}; the columns above are a small set without which the rest of the map fits.{tested}{spent}"


def _verdict(test: MapTestRow | None) -> str:
    if test is None:
        return "It fits; no other rows tested it."
    what = "the law of (X, Y)" if test.decided_by == "law" else "the relation E[Y | X]"
    rows = f"on {test.rows:,} other rows"
    if test.verdict == "undecided":
        return f"It is undecided {rows}: the inputs show one side of it only (p = {number(test.p_value)})."
    return f"It is not rejected {rows}: {what} under it, p = {number(test.p_value)}."


def _kept(row: MapRow, run: str) -> Iterator[str]:
    if row.nearest is not None and run:
        path = shell_word(Path(run) / NEAREST_MAP)
        yield f"It is kept as a table: {setting('map')} {path}"


def _unseen(row: MapRow, inputs: Sequence[str], outputs: Sequence[str], most: int = 12) -> str:
    names = [name_words(inputs[k - 1]) for k in row.unseen_inputs]
    names += [name_words(outputs[k - 1]) for k in row.unseen_outputs]
    if not names:
        return ""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    listed = ", ".join(names[:most])
    return f"Without an effect that shows, so that what the map does to them could not be judged: {listed}{rest}."


def _arrows(fault: FaultRow) -> Iterator[tuple[int, int, int | None]]:
    """Each column with where it comes from, under the map and under the nearest one: +-k with the sign."""
    given = _by_image(fault.columns, fault.given)
    near = _by_image(fault.columns, fault.nearest) if fault.nearest else dict[int, int]()
    for column, source in sorted(given.items()):
        other = near.get(column)
        if abs(source) > column and _is_twin(column, source, given) and (not near or _is_twin(column, other, near)):
            continue
        yield column, source, other


def _by_image(columns: Sequence[int], images: Sequence[int]) -> dict[int, int]:
    return {abs(image): column if image > 0 else -column for column, image in zip(columns, images, strict=True)}


def _is_twin(column: int, source: int | None, sources: dict[int, int]) -> bool:
    """Whether a column and its source change places, with one sign."""
    return source is not None and sources.get(abs(source)) == (column if source > 0 else -column)


def _source(entry: int, names: Sequence[str]) -> str:
    return f"{'-' if entry < 0 else '+'}{name_words(names[abs(entry) - 1])}"


def _wrong(column: int, given: int, near: int) -> str:
    if abs(given) == abs(near):
        return "sign"
    if given == column:
        return "left out"
    return "image" if (given > 0) == (near > 0) else "image and sign"


def _errors(errors: float) -> str:
    return f"{errors:,.0f}" if errors >= 100 else f"{errors:.1f}"


def _seen(seen: SightingRow, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    powers = Counter(seen.inputs)
    words = " times ".join(
        f"{name_words(inputs[j - 1])}{' squared' if power == 2 else ''}" for j, power in powers.items()
    )
    what = f"mean of {words}"
    if seen.output is not None:
        name = name_words(outputs[seen.output - 1])
        what = f"{name} by {words}" if words else f"constant of {name}"
    return f"{what}: {number(seen.data)}, by the map {number(seen.expected)}"
