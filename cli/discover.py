"""`sharefind discover`: run or resume a search, and print what it found."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sharefind.cli.budget import Unready, bounded_setup, clock_of, show_unready, unready
from sharefind.cli.console import print_json, progress_console, result_console, warn
from sharefind.cli.options import DISCOVER, File, takes
from sharefind.cli.session import Session
from sharefind.errors import ConfigError, setting
from sharefind.limits import SETTINGS, limits_of
from sharefind.parallel import Workers

if TYPE_CHECKING:
    from sharefind.cli.train_deep import AskedDeep
    from sharefind.progress import StageProgress
    from sharefind.report.text.runs import RunView
    from sharefind.search import Problem, RunFolder, SearchConfig, SearchOutcome

    _Ready = tuple[Problem, RunFolder]

BUDGETS = ("max_nodes", "max_seconds")
"""Settings that may change when a run is resumed."""

WITH_RESUME = (*BUDGETS, *SETTINGS, "resume", "jobs", "executor", "address", "json", "quiet", "debug")
"""Options that are allowed together with --resume; the run folder decides everything else."""

TASK_MODULES = ("sharefind.search.run", "sharefind.inference.relation.relation_family")
"""Modules that worker processes import while the data are read."""


@takes(DISCOVER)
def discover(context: typer.Context, file: File = None, **options: Any) -> None:
    """Find which weights may be shared, and the symmetry group behind the sharing.

    Example: sharefind discover --group S4 --data measurements.npz --alpha 0.01
    """
    session: Session = context.obj
    session.debug = session.debug or options["debug"]
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    given = with_labels(given)
    if file is not None:
        given = _with_data(given, file)
    deep = _deep_asked(given)
    workers = Workers(options["jobs"], options["executor"] or "loky", options["address"])
    with workers.connected():
        with workers.starting(TASK_MODULES):
            ready = _resumed(given, session) if "resume" in given else _new(given, session)
        if isinstance(ready, Unready):
            session.written = ready.path
            show_unready(ready, is_json=options["json"])
            return
        problem, folder = ready
        session.run = folder.path
        view, outcome = _search(problem, folder, workers, session, is_silent=options["quiet"], is_json=options["json"])
        session.run, session.written = None, folder.path
    # The warnings of the problem were printed when the search began.
    warn([line for line in view.result.warnings if line not in problem.warnings])
    if not options["json"]:
        from sharefind.report.text.tables import summary

        result_console().print(summary(view))
    found = _deep(outcome, deep, folder, options, session) if deep is not None else {}
    if options["json"]:
        print_json({**view.result.to_json(), **found})


def _deep_asked(given: dict[str, Any]) -> AskedDeep | None:
    """Return what is asked for a deep network, and drop these options."""
    if not {"unit", "layers", "price"} & given.keys():
        return None
    from sharefind.cli.train_deep import taken_deep

    return taken_deep(given)


def _deep(
    outcome: SearchOutcome, asked: AskedDeep, folder: RunFolder, options: dict[str, Any], session: Session
) -> dict[str, Any]:
    """Choose and train a deep network on the group that was found; where it is interrupted, `train` goes on."""
    from sharefind.cli.train_deep import deep_after, deep_command

    session.again = deep_command(asked, folder.path, outcome.problem.settings.seed)
    shown = {"is_json": options["json"], "is_quiet": options["quiet"]}
    found = deep_after(outcome, asked, folder.path, limits_of(options), **shown)
    session.again = None
    return {"deep": found}


def _with_data(given: dict[str, Any], file: str) -> dict[str, Any]:
    """Return the options, with the positional file as --data."""
    for name in ("data", "task"):
        if name in given:
            raise ConfigError(f"the data are given twice, as {file} and by --{name} {given[name]}; drop one of them")
    return {**given, "data": file}


def with_labels(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options, with --classes and --numbers replaced by the setting `labels`.

    Args:
        given: The options.

    Raises:
        ConfigError: Both options are given.
    """
    kinds = [kind for kind in ("classes", "numbers") if given.pop(kind, False)]
    if len(kinds) > 1:
        raise ConfigError("--classes and --numbers exclude each other; give one of them")
    return {**given, "labels": kinds[0]} if kinds else given


def _setup_shown(config: SearchConfig, given: dict[str, Any]) -> AbstractContextManager[StageProgress]:
    """Return the display of the set-up."""
    from sharefind.report.text.stage_progress import PROPOSING, stage_progress

    words = "reading the data, and what group they propose" if config.blind else "reading the data and the group"
    return stage_progress(
        progress_console(), words, is_silent="quiet" in given, is_json="json" in given, prefix=PROPOSING
    )


def _new(given: dict[str, Any], session: Session) -> _Ready | Unready:
    """Return a problem with a new folder; the folder is created only after everything else was checked."""
    from sharefind.api.resolve import resolve_problem
    from sharefind.cli.config_file import merged_config, plain_name
    from sharefind.cli.notes import layout_of, print_layout
    from sharefind.search import RunFolder, default_folder
    from sharefind.search.observer import BudgetSpent
    from sharefind.search.run import fresh_folder

    settings, out = merged_config(given, given.get("config")), given.get("out")
    try:
        with bounded_setup(settings, session), _setup_shown(settings, given) as on_progress:
            problem = resolve_problem(settings, on_progress=on_progress)
    except BudgetSpent as spent:
        folder = RunFolder.create(out or fresh_folder(plain_name(settings), Path("runs")), settings)
        return unready(folder, settings.seed, str(spent), session)
    print_layout(layout_of(problem), progress_console())
    return problem, RunFolder.create(out or default_folder(problem, Path("runs")), problem.resolved)


def _resumed(given: dict[str, Any], session: Session) -> _Ready | Unready:
    from sharefind.api.resolve import resolve_problem
    from sharefind.search import RunFolder, search_config
    from sharefind.search.observer import BudgetSpent

    extra = [setting(name) for name in given if name not in WITH_RESUME]
    if extra:
        what = f"--resume takes all settings from {given['resume']}; drop {', '.join(extra)}"
        raise ConfigError(f"{what}, or start a new run without --resume")
    folder = RunFolder.open(given["resume"], limits_of(given))
    kept = config = folder.config()
    budgets = {name: given[name] for name in (*BUDGETS, *SETTINGS) if name in given}
    if budgets:
        config = search_config(**{**kept.model_dump(exclude_none=True), **budgets})
    try:
        # A finished run stays finished, even with a smaller budget.
        bounded = nullcontext() if folder.is_finished else bounded_setup(config, session, folder.seconds())
        with bounded, _setup_shown(config, given) as on_progress:
            problem = resolve_problem(config, on_progress=on_progress)
    except BudgetSpent as spent:
        return unready(folder, config.seed, str(spent), session)
    chosen = config if folder.is_claimed else problem.resolved
    if chosen != kept:
        with folder.working():
            folder.write_config(chosen)
    return problem, folder


def _search(
    problem: Problem, folder: RunFolder, workers: Workers, session: Session, *, is_silent: bool, is_json: bool
) -> tuple[RunView, SearchOutcome]:
    from sharefind.report.text.live_progress import is_shown, watcher
    from sharefind.report.text.runs import RunView
    from sharefind.search import run_search
    from sharefind.search.expected_time import Expected, expected_time
    from sharefind.search.forecast import Forecast

    _use_one_thread()
    shown = {"is_silent": is_silent, "is_json": is_json}
    console = progress_console()
    is_told = is_shown(console, **shown)
    expected = expected_time(problem, folder, workers, session.started) if is_told else Expected()
    forecast = Forecast(expected.estimate)
    with watcher(console, problem, folder.path, **shown, lines=expected.lines, forecast=forecast) as observer:
        outcome, result = run_search(problem, folder, observer, workers, clock=clock_of(session))
    return RunView(folder.path, result, outcome.lattice, problem.settings.alpha), outcome


def _use_one_thread() -> None:
    """Use one torch thread: on arrays this small, threads wait for each other longer than they work. Use --jobs
    instead.
    """
    import torch

    torch.set_num_threads(1)
