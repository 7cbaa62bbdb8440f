"""Mirror maps in words: what each column gets, which change sign, which stay, and what was set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sharefind.column_names import name_words
from sharefind.report.text.text_style import STYLE
from sharefind.search.mirror_parts import MirrorMap, MirrorRow, MovedColumn
from sharefind.search.result import Result
from sharefind.written import number

MIRROR_HEADINGS = ("inputs", "labels")
"""Over the columns that a map moves."""


def mirror_title(found: MirrorRow) -> str:
    """What was found, in a line."""
    if found.group is None:
        return "No mirror map was found"
    kind = {"accepted": "Mirror maps", "undecided": "Mirror maps, undecided", "rejected": "Mirror maps, rejected"}
    count = len(found.generators)
    return f"{kind[found.status]}: {found.group}, order {found.order}, by {count} generator{'s' if count > 1 else ''}"


def mirror_name(found: MirrorMap, place: int, count: int) -> str:
    """The headline of a generator."""
    kind = "mirror" if found.order == 2 else f"map of order {found.order}"
    apart = "" if found.residual is None else f", residual {number(found.residual)} noise floors"
    return f"{place} of {count}: {kind}{apart}"


def moved_cells(found: MirrorMap) -> Iterator[tuple[str, str]]:
    """The columns that get another one, under `MIRROR_HEADINGS`: "hip_1 <- -hip_4"."""
    sides = [[_arrow(c) for c in side if c.column != c.source] for side in (found.inputs, found.outputs)]
    for row in range(max(map(len, sides))):
        on_inputs, on_outputs = (side[row] if row < len(side) else "" for side in sides)
        yield on_inputs, on_outputs


def _arrow(moved: MovedColumn) -> str:
    sign = "-" if moved.sign < 0 else ""
    return f"{_name(moved.column)} <- {sign}{_name(moved.source)}"


def _name(name: str) -> str:
    return name_words(name, STYLE.name)


def rest_lines(found: MirrorMap, result: Result) -> Iterator[tuple[str, str]]:
    """What changes sign in its place and what stays, a line for each side."""
    aside = result.mirror
    sides = (
        ("inputs", found.inputs, result.inputs, [] if aside is None else aside.inputs_aside),
        ("labels", found.outputs, result.outputs, [] if aside is None else aside.outputs_aside),
    )
    for side, moved, names, left in sides:
        turned = [c.column for c in moved if c.column == c.source]
        if turned:
            yield f"{side}, sign changes", _listed(turned)
        at_rest = {c.column for c in moved} | set(left)
        stays = [name for name in names if name not in at_rest]
        if stays:
            yield f"{side}, stay", _listed(stays)


def aside_lines(found: MirrorRow) -> Iterator[tuple[str, str]]:
    """What no map can be found for, and how to read the residuals."""
    if found.inputs_aside:
        yield (
            "not determined",
            f"{_listed(found.inputs_aside)}: no label is seen to depend on them; every map of them fits",
        )
    if found.outputs_aside:
        yield "not determined", f"{_listed(found.outputs_aside)}: not seen to depend on any input"
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
