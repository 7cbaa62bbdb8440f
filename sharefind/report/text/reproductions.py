"""Tables of the results of `sharefind reproduce`: one line per statement, or every check of one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sharefind.paper import Reproduction
from sharefind.written import number

VERDICTS = {True: Text("holds", style="green"), False: Text("fails", style="bold red")}


def summary_table(
    found: Sequence[Reproduction], refused: Mapping[str, Exception] = MappingProxyType({})
) -> RenderableType:
    """Return one row per demonstration, and what to look at where one fails or could not be run.

    Args:
        found: The demonstrations that were run.
        refused: The errors of the others, by name.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "statement", "figure obtained", "verdict"):
        table.add_column(heading, overflow="fold")
    table.add_column("s", justify="right")
    for r in found:
        verdict = VERDICTS[r.outcome.holds]
        name, statement, seconds = r.result["name"], r.result["statement"], f"{r.result['wall_s']:.0f}"
        table.add_row(str(name), str(statement), Text(r.outcome.figure), verdict, seconds)
    failed = [r for r in found if not r.outcome.holds]
    parts: list[RenderableType] = [table]
    for r in failed:
        names = "; ".join(check.name for check in r.outcome.checks if not check.passed) or "nothing was checked"
        parts.append(Text(f"{r.result['name']} fails: {names}", style="red"))
    parts += [Text(f"{name} could not be run: {error}", style="red") for name, error in refused.items()]
    count, where = len(found) - len(failed), found[0].folder.parent
    parts.append(Text(f"{count} of {len(found) + len(refused)} hold; numbers and pictures in {where}"))
    return Group(*parts)


def checks_table(r: Reproduction) -> RenderableType:
    """Return the claim, every check with its bound, the notes, and the folder of the files.

    Args:
        r: A demonstration.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("check", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("bound", justify="right", no_wrap=True)
    table.add_column("")
    for check in r.outcome.checks:
        mark = Text("ok", style="green") if check.passed else Text("FAILS", style="bold red")
        table.add_row(Text(check.name), number(check.value), f"{check.relation} {number(check.bound)}", mark)
    verdict = Text.assemble(f"{r.result['statement']} ", VERDICTS[r.outcome.holds], f": {r.outcome.figure}")
    notes = [Text(f"note: {note}", style="dim") for note in r.outcome.notes]
    return Group(
        Text(f"{r.result['statement']}: {r.result['claim']}"), table, verdict, *notes, Text(f"files: {r.folder}")
    )
