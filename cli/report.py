"""`sharefind report`: a finished run as one page that a browser shows without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sharefind.cli.console import progress_console, result_console
from sharefind.cli.options import MaxFileSize, Run
from sharefind.errors import SharefindError
from sharefind.limits import Limits, limits_of

if TYPE_CHECKING:
    from sharefind.report.text.run_samples import Samples


def report(
    context: typer.Context,
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The page to write.", show_default=False)],
    max_file_size: MaxFileSize = None,
) -> None:
    """Write a finished run as one HTML page, with all pictures and tables, that needs no network.

    Example: sharefind report runs/c2-wi_C2_seed0 --out report.html
    """
    from sharefind.report.page.html_page import check_page, write_page
    from sharefind.report.text.verdict import verdict

    check_page(out)
    limits = limits_of({"max_file_size": max_file_size})
    samples = _samples(run, limits)
    if samples.note:
        progress_console().print(f"note: {samples.note}", soft_wrap=True)
    view = write_page(run, samples, out, limits)
    context.obj.written = out
    result_console().print(f"wrote {out}: {verdict(view)}", soft_wrap=True)


def _samples(run: Path, limits: Limits) -> Samples:
    """Return what the run searched. Missing data are reported as missing, since everything else is in the
    run folder.
    """
    from sharefind.api.resolve import DEFAULT_TASK, chosen_task
    from sharefind.cli.finished import with_limits
    from sharefind.report.text.run_samples import Samples, noted_fingerprint, samples_of
    from sharefind.search import RunFolder
    from sharefind.search.relative_rows import relative_task

    config = with_limits(RunFolder.open(run).config(), limits)
    fingerprint = noted_fingerprint(run)
    name = config.data if config.data is not None else config.task or DEFAULT_TASK
    try:
        task = chosen_task(config)
    except SharefindError as error:
        note = f"The data could not be read again, so their size is unknown here ({error})."
        return Samples(Path(name).name, fingerprint, note=note)
    return samples_of(relative_task(task, config.relative_to_mean), fingerprint)
