"""`sharefind report`: a finished run as one page that a browser shows without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sharefind.cli.console import progress_console, result_console
from sharefind.cli.options import Run
from sharefind.errors import SharefindError

if TYPE_CHECKING:
    from sharefind.report.samples import Samples


def report(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The page to write.", show_default=False)],
) -> None:
    """Write a finished run as one HTML page, with all pictures and tables, that needs no network.

    Example: sharefind report runs/c2-wi_C2_seed0 --out report.html
    """
    from sharefind.report.page import check_page, write_page
    from sharefind.report.verdict import verdict

    check_page(out)
    samples = _samples(run)
    if samples.note:
        progress_console().print(f"note: {samples.note}", soft_wrap=True)
    view = write_page(run, samples, out)
    result_console().print(f"wrote {out}: {verdict(view)}", soft_wrap=True)


def _samples(run: Path) -> Samples:
    """What the run searched; data that are gone are said to be gone, since all else is in the run folder."""
    from sharefind.cli.problem import DEFAULT_TASK, chosen_task
    from sharefind.report.samples import Samples, noted_fingerprint, samples_of
    from sharefind.search import RunFolder

    config = RunFolder.open(run).config()
    fingerprint = noted_fingerprint(run)
    name = config.data if config.data is not None else config.task or DEFAULT_TASK
    try:
        task = chosen_task(config)
    except SharefindError as error:
        note = f"The data could not be read again, so that their size is not known here ({error})."
        return Samples(Path(name).name, fingerprint, note=note)
    return samples_of(task, fingerprint)
