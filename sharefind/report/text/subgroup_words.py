"""Sentences about subgroups that the data proposed, in a candidate that is too large to list."""

from __future__ import annotations

from sharefind.search.proposal_parts import ProposedGroup, SubgroupsRow
from sharefind.search.result import Result
from sharefind.written import share


def subgroup_words(result: Result, most: int = 4) -> str:
    """Return one or two sentences; "" if all subgroups were listed.

    Args:
        result: The result of the search.
        most: Largest number of proposals that are named.
    """
    found, whole = result.subgroups, result.group
    if found is None:
        return ""
    if whole.order is None:
        return _turned_words(found, whole.name)
    size = f"{whole.name} has {whole.order:,} elements, too many to list"
    if found.samples is None:
        return f"{size}: it was tested as a whole, since {found.why_not}"
    proposing, tested = f"{found.samples:,} samples", "others"
    if found.tested_rows is not None:
        proposing = f"{found.samples:,} of {found.samples + found.tested_rows:,} rows"
        tested = f"the other {found.tested_rows:,}"
    if not found.proposed:
        why = "" if found.has_signal else ", since they show no signal"
        return f"{size}: {proposing} proposed none of its subgroups{why}; {tested} tested it as a whole"
    named = ", ".join(_named(one) for one in found.proposed[:most])
    rest = ", ..." if len(found.proposed) > most else ""
    count = len(found.proposed)
    what = "1 of its subgroups" if count == 1 else f"{count} of its subgroups"
    cut = "; the search for subgroups was cut short" if not found.exhaustive else ""
    return f"{size}: {proposing} proposed {what} ({named}{rest}), {tested} tested {_family(found, whole.name)}{cut}"


def _turned_words(found: SubgroupsRow, whole: str) -> str:
    """Return what was proposed in an infinite candidate, with its axis."""
    rows = f"{found.samples:,} samples"
    if found.tested_rows is not None and found.samples is not None:
        rows = f"{found.samples:,} of {found.samples + found.tested_rows:,} rows"
    if not found.proposed:
        return f"{whole} is infinite and was rejected as a whole: {rows} proposed no axis and no point group"
    one = found.proposed[0]
    more = len(found.family) - 1
    return (
        f"{whole} is infinite and was rejected as a whole: {rows} proposed {one.name}{_placed(one)}; the others tested "
        f"{more} groups inside {whole}"
    )


def _placed(one: ProposedGroup) -> str:
    """Return the main axis and its accuracy."""
    if not one.axes or one.degrees is None:
        return ""
    axis = ", ".join(f"{value:.3f}" for value in one.axes[0 if len(one.axes) == 2 else -1])
    return f" with the axis ({axis}), known within {2 * one.degrees:.2g} degrees"


def axis_words(result: Result, name: str) -> str:
    """Return what a group of the proposed axis turns about, such as "turns about (0, 0, 1), axis within .3 degrees".

    Args:
        result: Result of the search.
        name: Name of the group; "" is returned for others.
    """
    one = _of_axis(result, name)
    if one is None or not one.axes or one.degrees is None:
        return ""
    axis = ", ".join(f"{value:.3g}" for value in one.axes[-1])
    return f"turns about ({axis}), dimension 1, axis within {2 * one.degrees:.2g} degrees"


def _of_axis(result: Result, name: str) -> ProposedGroup | None:
    """The proposal, where a group is one of its axis in space: infinite, and not all rotations."""
    found = result.subgroups
    if found is None or not found.proposed or result.group.order is not None or name == result.group.name:
        return None
    one, turning = found.proposed[0], name.replace("(", "x").replace(")", "").split("x")
    is_axial = one.axes is not None and len(one.axes) == 3 and not {"O3", "SO3"} & set(turning)
    return one if is_axial and {"SO2", "O2"} & set(turning) else None


def _family(found: SubgroupsRow, whole: str) -> str:
    """Return what was tested."""
    more = len(found.family) - len({*(one.name for one in found.proposed), whole})
    below = f", {more} more below or between them" if more else ""
    return f"{'it' if len(found.proposed) == 1 else 'them'}{below} and {whole}"


def _named(one: ProposedGroup) -> str:
    return one.name if one.share is None else f"{one.name}, share {share(one.share, digits=3)}"
