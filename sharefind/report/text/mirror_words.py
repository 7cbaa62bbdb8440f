"""Mirror maps in words: the image of each column, the signs that change, the columns that are fixed or excluded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from sharefind.column_names import name_words
from sharefind.report.text.text_style import STYLE
from sharefind.search.mirror_parts import MirrorMap, MirrorRow, MovedColumn, OpenColumn
from sharefind.search.result import Result
from sharefind.written import number, plural

MIRROR_HEADINGS = ("inputs", "labels")
"""Headings of the columns that a map moves."""


def mirror_title(found: MirrorRow) -> str:
    """Return what was found, in one line.

    Args:
        found: The mirror maps.
    """
    if found.group is None:
        cut = "" if found.exhaustive else "; undecided, since the search was cut short"
        return f"No mirror map was found{cut}"
    kind = {"accepted": "Mirror maps", "undecided": "Mirror maps, undecided", "rejected": "Mirror maps, rejected"}
    count = len(found.generators)
    title = f"{kind[found.status]}: {found.group}, order {found.order}, by {plural(count, 'generator')}"
    return f"{title}; not settled: {_unsettled(found)}" if any(found.open_columns) else title


def open_sentence(found: MirrorRow) -> str:
    """Return a headline which says that maps fit but are not uniquely determined.

    Args:
        found: Mirror maps with `is_open`.
    """
    return (
        f"undecided: the maps of {found.group} (order {found.order}) are not rejected, but the log does not settle "
        f"what they do to {_unsettled(found)}; give more rows."
    )


def _unsettled(found: MirrorRow, most: int = 6) -> str:
    """Return the columns that are not determined, or their number."""
    inputs, labels = found.open_columns
    if len(inputs) + len(labels) <= most:
        return _listed([*inputs, *labels])
    return " and ".join(plural(len(side), noun) for side, noun in ((inputs, "input"), (labels, "label")) if side)


def mirror_name(found: MirrorMap, place: int, count: int) -> str:
    """Return the headline of a generator.

    Args:
        found: The generator.
        place: Its number, from 1.
        count: Number of generators.
    """
    kind = "mirror" if found.order == 2 else f"map of order {found.order}"
    apart = "" if found.residual is None else f", residual {number(found.residual)} noise floors"
    return f"{place} of {count}: {kind}{apart}"


def moved_cells(found: MirrorMap) -> Iterator[tuple[str, str]]:
    """Yield the columns with another column as image, under `MIRROR_HEADINGS`: "hip_1 <- -hip_4".

    Args:
        found: The generator.
    """
    sides = [
        [_arrow(c, {o.column for o in left}) for c in side if c.column != c.source]
        for side, left in ((found.inputs, found.inputs_open), (found.outputs, found.outputs_open))
    ]
    for row in range(max(map(len, sides))):
        on_inputs, on_outputs = (side[row] if row < len(side) else "" for side in sides)
        yield on_inputs, on_outputs


def _arrow(moved: MovedColumn, left: Set[str]) -> str:
    sign, doubt = "-" if moved.sign < 0 else "", " ?" if moved.column in left else ""
    return f"{_name(moved.column)} <- {sign}{_name(moved.source)}{doubt}"


def _name(name: str) -> str:
    return name_words(name, STYLE.name)


def rest_lines(found: MirrorMap, result: Result) -> Iterator[tuple[str, str]]:
    """Yield what changes sign in place and what is fixed, one line per side.

    Args:
        found: The generator.
        result: The result of the search.
    """
    aside = result.mirror
    sides = (
        ("inputs", found.inputs, found.inputs_open, result.inputs, [] if aside is None else aside.inputs_aside),
        ("labels", found.outputs, found.outputs_open, result.outputs, [] if aside is None else aside.outputs_aside),
    )
    for side, moved, left, names, without in sides:
        doubtful = {c.column for c in left}
        turned = [c.column for c in moved if c.column == c.source and c.column not in doubtful]
        if turned:
            yield f"{side}, sign changes", _listed(turned)
        not_at_rest = {c.column for c in moved} | doubtful | set(without)
        stays = [name for name in names if name not in not_at_rest]
        if stays:
            yield f"{side}, stay", _listed(stays)
        if left:
            yield f"{side}, not settled", "; ".join(_choices(left, names))


def _choices(left: Sequence[OpenColumn], names: Sequence[str], most: int = 4) -> Iterator[str]:
    """Yield the possible images of columns; columns with more than `most` choices by name only."""
    for one in left:
        if len(one.sources) <= most:
            signed = (f"{'-' if k < 0 else '+'}{_name(names[abs(k) - 1])}" for k in one.sources)
            yield f"{_name(one.column)} <- {' or '.join(signed)}"
    many = [one.column for one in left if len(one.sources) > most]
    if many:
        yield f"more than {most} images each: {_listed(many)}"


def aside_lines(found: MirrorRow) -> Iterator[tuple[str, str]]:
    """Yield the columns for which no map can be found, and how to read the residuals.

    Args:
        found: The mirror maps.
    """
    if any(found.open_columns):
        yield (
            "not settled",
            (
                f"{_unsettled(found)}: another image of these columns fits the coefficients as well, so that what "
                "stands above for them (?) may be wrong, and no test would see it; more rows settle it"
            ),
        )
    if found.inputs_aside:
        yield (
            "not determined",
            f"{_listed(found.inputs_aside)}: no label is seen to depend on them; every map of them fits",
        )
    if found.outputs_aside:
        yield "not determined", f"{_listed(found.outputs_aside)}: not seen to depend on any input"
    if found.inputs_one_sided:
        yield (
            "one side of 0",
            (
                f"{_listed(found.inputs_one_sided)}: no row shows the negative, so that no map changes the sign in "
                "place; where 0 means nothing (an offset), subtract the value at rest"
            ),
        )
    if found.generators and not found.exhaustive:
        yield "cut short", "the search was: there may be more maps"
    if found.generators:
        fit = f"linear terms and {found.products} products" if found.products else "linear terms"
        share = "" if found.r2 is None else f", R^2 {number(found.r2)}"
        yield (
            "residual",
            (
                f"rms of f(g x) - g f(x) over rms of y - f(x) on {found.rows:,} rows kept apart; f: {fit}{share}, "
                "fitted without a symmetry on the other rows"
            ),
        )
    tests = _tests(found)
    if tests:
        yield "tests", tests


def _tests(found: MirrorRow) -> str:
    if found.tests is None:
        return ""
    values = (("law", found.tests.law_p), ("inputs", found.tests.inputs_p), ("relation", found.tests.relation_p))
    said = [f"{name} p = {number(p)}" for name, p in values if p is not None]
    return f"{', '.join(said)}; decided by the {found.tests.decided_by}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))
