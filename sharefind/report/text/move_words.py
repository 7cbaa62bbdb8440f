"""The effect of group elements on columns in words: the columns that they swap, their cycles, and sign changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sharefind.column_names import name_words
from sharefind.report.text.text_style import STYLE
from sharefind.search.result import Result
from sharefind.search.result_parts import ColumnMoves
from sharefind.written import shortened


def generator_words(moves: ColumnMoves | None, result: Result) -> list[str]:
    """Return each generator of a group in words; empty if it does not permute columns, or the columns have no names.

    Args:
        moves: The generators.
        result: The result of the run, which has the names.
    """
    if moves is None or not result.block_names:
        return []
    pairs = zip(moves.on_inputs, moves.on_outputs, strict=True)
    return [_both(move_words(a, result.inputs), move_words(b, result.outputs)) for a, b in pairs]


def _both(on_inputs: str, on_outputs: str) -> str:
    parts = [on_inputs, f"on y {on_outputs}" if on_outputs else ""]
    return shortened(" and ".join(filter(None, parts)) or "moves no column", STYLE.move)


def move_words(image: Sequence[int], names: Sequence[str]) -> str:
    """Return a signed permutation of columns: "swaps a and b", "changes the sign of a", or cycles "(a b c)"; "" for
    none.

    Args:
        image: Entry k is j if column k goes to column j, and -j if it goes to its negative; columns are counted from 1.
        names: Names of the columns.
    """
    cycles = list(signed_cycles(image))
    if len(cycles) == 1 and len(cycles[0]) == 2 and min(cycles[0]) > 0:
        first, second = (_name(entry, names) for entry in cycles[0])
        return f"swaps {first} and {second}"
    if cycles and all(len(cycle) == 2 and cycle[0] == -cycle[1] for cycle in cycles):
        *others, last = (_name(cycle[0], names) for cycle in cycles)
        return f"changes the signs of {', '.join(others)} and {last}" if others else f"changes the sign of {last}"
    return "".join(f"({' '.join(_name(entry, names) for entry in cycle)})" for cycle in cycles)


def signed_cycles(image: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the cycles of a signed permutation on columns +-1, +-2, ...; of two that differ in all signs, only one.

    Args:
        image: As in `move_words`.
    """
    seen = set[int]()
    for start in range(1, len(image) + 1):
        cycle, entry = list[int](), start
        while entry not in cycle:
            cycle.append(entry)
            entry = image[abs(entry) - 1] * (1 if entry > 0 else -1)
        if start not in seen and len(cycle) > 1:
            yield tuple(cycle)
        seen.update(map(abs, cycle))


def _name(entry: int, names: Sequence[str]) -> str:
    return f"{'-' if entry < 0 else ''}{name_words(names[abs(entry) - 1], STYLE.name)}"


def point_words(result: Result) -> str:
    """Return which columns of x move as each point of the candidate: "0 well_a_m, 1 well_b_m"; "" if none do.

    Args:
        result: The result of the run.
    """
    moves = result.group.moves
    if moves is None or not result.block_names or not result.group.generators:
        return ""
    images = [[abs(entry) - 1 for entry in image] for image in moves.on_inputs]
    found = columns_of_points(result.group.generators, images)
    texts = [
        f"{point} {', '.join(name_words(result.inputs[column], STYLE.name) for column in columns)}"
        for point, columns in sorted(found.items())
    ]
    more = [f"and {len(texts) - STYLE.names} more"] if len(texts) > STYLE.names else []
    return "; ".join([*texts[: STYLE.names], *more])


def columns_of_points(points: Sequence[Sequence[int]], columns: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    """Return, for each point, the columns that move as this point does.

    Args:
        points: Generators on the points of a group; entry i is the image of point i.
        columns: The same generators on columns.
    """
    found = dict[int, list[int]]()
    for orbit in _orbits(columns):
        fits = 1 < len(orbit) <= len(points[0])
        places = (_followed(orbit[0], point, points, columns) for point in range(len(points[0]) if fits else 0))
        for column, point in next(filter(None, places), {}).items():
            found.setdefault(point, []).append(column)
    return {point: sorted(known) for point, known in found.items()}


def _orbits(columns: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    seen = set[int]()
    for start in range(len(columns[0])):
        if start not in seen:
            orbit = [start]
            for current in orbit:
                orbit += dict.fromkeys(image[current] for image in columns if image[current] not in orbit)
            seen.update(orbit)
            yield orbit


def _followed(
    column: int, point: int, points: Sequence[Sequence[int]], columns: Sequence[Sequence[int]]
) -> dict[int, int] | None:
    """Return the point with which each column of an orbit moves if `column` moves with `point`; None if it does not."""
    place, waiting = {column: point}, [column]
    for current in waiting:
        for on_points, on_columns in zip(points, columns, strict=True):
            target, beside = on_columns[current], on_points[place[current]]
            if target not in place:
                waiting.append(target)
            if place.setdefault(target, beside) != beside:
                return None
    return place if len(set(place.values())) == len(place) else None
