"""`sharefind suggest`: searches that may be worth their time on a data set, ranked, each with its command. It loads no
torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sharefind.cli.console import print_json, progress_console, result_console
from sharefind.cli.discover import with_labels
from sharefind.cli.options import DISCOVER, JSON, QUIET, Choice, Panels, takes
from sharefind.cli.session import Session
from sharefind.limits import SETTINGS, limits_of

if TYPE_CHECKING:
    from sharefind.suggestion import Suggestions

PANEL = "Columns of the data"

SUGGEST: Panels = {
    None: (Choice("most", int, "N", "Largest number of suggestions.", default=5, least=1), JSON, QUIET),
    PANEL: tuple(choice for choice in DISCOVER[PANEL] if choice.name != "block_length"),
    "Limits": tuple(choice for choice in DISCOVER["Limits"] if choice.name == "max_file_size"),
}


@takes(SUGGEST)
def suggest(
    context: typer.Context,
    data: Annotated[str, typer.Argument(metavar="DATA", help="A file, or a named data set.", show_default=False)],
    **options: Any,
) -> None:
    """Suggest groups and representations for a data set, each with its reason, its command and its time."""
    session: Session = context.obj
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    roles = {
        name: value for name, value in with_labels(given).items() if name not in ("most", "json", "quiet", *SETTINGS)
    }
    from sharefind.suggestion import suggest as suggest_for

    found = suggest_for(data, most=options["most"], limits=limits_of(given), **roles)
    if options["json"]:
        print_json(found.to_json())
        return
    if not options["quiet"]:
        for note in found.notes:
            progress_console().print(f"note  {note}", soft_wrap=True)
    _print(found)
    session.written = None


def _print(found: Suggestions) -> None:
    from sharefind.durations import seconds_by_case, seconds_range
    from sharefind.written import plural

    console = result_console()
    sizes = ", ".join((plural(found.rows, "row"), plural(found.d_in, "input"), plural(found.d_out, "label")))
    console.print(f"{found.data}: {sizes}. {found.verdict}", soft_wrap=True)
    for number, one in enumerate(found.suggestions, 1):
        console.print()
        seconds = (seconds_range if "blind" in one.settings else seconds_by_case)(*one.seconds)
        console.print(f"{number}. {one.title}  (score {one.score:.2f}, about {seconds})", soft_wrap=True)
        console.print(f"   {one.reason}", soft_wrap=True)
        console.print(f"   {one.command}", soft_wrap=True)
