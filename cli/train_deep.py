"""`sharefind train --unit deep`: choose the hidden types of a deep network on the group of a run, and train it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sharefind.cli.console import print_json, progress_console, result_console, warn
from sharefind.errors import ConfigError, ExportError, InputError, UnitError
from sharefind.limits import Limits
from sharefind.storage import refuse_unwritable, shell_word

if TYPE_CHECKING:
    from sharefind.architectures.deep.choosing import ChoiceSettings
    from sharefind.architectures.deep.proof import DeepCertificate
    from sharefind.architectures.deep.record import Choice
    from sharefind.architectures.deep.rows import DeepRows
    from sharefind.search import SearchOutcome

SUFFIXES = (".safetensors", ".onnx")

SHALLOW = ("epochs", "restarts", "lr")
"""Options of `train` that say how shallow networks are trained."""

MOST_LAYERS = 8


def check_deep(context: typer.Context, unit: str, out: Path) -> None:
    """Refuse what does not fit a deep network, before anything is read.

    Args:
        context: Context of the command; it holds the options that were given.
        unit: The unit expression.
        out: The file to write.

    Raises:
        ConfigError: An option or the file's ending does not fit.
        UnitError: The unit is unknown or no deep one.
    """
    from sharefind.meanfield.units import read_unit

    choice = read_unit(unit)
    if not choice.kind.has_layers:
        raise UnitError(f"--unit {unit}: networks are trained with the run's own unit or a deep one; drop --unit")
    _check_function(choice.detail)
    given = [f"--{name}" for name in SHALLOW if is_given(context, name)]
    if given:
        raise ConfigError(f"{', '.join(given)} and --unit {unit}: deep networks choose these themselves; drop them")
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {out}: deep networks are written as {' or '.join(SUFFIXES)}; end the name with one")
    refuse_unwritable(out)


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option was given on the command line.

    Args:
        context: Context of the command.
        name: Name of the option's parameter.
    """
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def read_layers(text: str) -> tuple[int, ...]:
    """Return the numbers of hidden layers that are tried.

    Args:
        text: "3" or "2..4".

    Raises:
        ConfigError: It is neither, or out of range.
    """
    match = re.fullmatch(r"([0-9])(?:\.\.([0-9]))?", text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= MOST_LAYERS:
        raise ConfigError(
            f"--layers {text}: give a number of hidden layers up to {MOST_LAYERS}, or a range such as 2..4"
        )
    return tuple(range(first, last + 1))


def settings_of(unit: str, layers: str | None, width: int | None, seed: int) -> ChoiceSettings:
    """Return what is tried.

    Args:
        unit: The unit expression.
        layers: Numbers of hidden layers, as text; None for what suits the rows.
        width: The only width of hidden layers; None for several.
        seed: Seed of all random numbers.
    """
    from sharefind.architectures.deep.choosing import WIDTHS, ChoiceSettings

    depths = () if layers is None else read_layers(layers)
    return ChoiceSettings(unit, depths, WIDTHS if width is None else (width,), seed=seed)


def train_deep(
    rows: DeepRows,
    settings: ChoiceSettings,
    run: Path,
    out: Path,
    limits: Limits,
    *,
    is_json: bool,
    is_quiet: bool,
) -> None:
    """Choose, train, write and print.

    Args:
        rows: The rows of the run with its group.
        settings: What is tried.
        run: The run folder.
        out: The file to write.
        limits: `dim` bounds the numbers of a network.
        is_json: Whether the result is printed as JSON.
        is_quiet: Whether no progress is shown.
    """
    choice, certificate = _chosen(rows, settings, out, limits, is_silent=is_quiet or is_json)
    if is_json:
        print_json(_record(run, out, settings, choice, certificate))
        return
    _print(choice, certificate, out)


def _chosen(
    rows: DeepRows, settings: ChoiceSettings, out: Path, limits: Limits, *, is_silent: bool
) -> tuple[Choice, DeepCertificate]:
    """Choose, train and write."""
    from sharefind.architectures.deep.choosing import choose_network
    from sharefind.architectures.deep.files import write_deep
    from sharefind.report.text.stage_progress import stage_progress

    words = "training"
    with stage_progress(
        progress_console(), words, is_silent=is_silent, is_json=False, prefix=f"{words} ", silence=0.0
    ) as told:
        network, choice = choose_network(rows, settings, told, limits)
    return choice, write_deep(network, out, settings.seed)


def taken_deep(given: dict[str, Any]) -> tuple[str, str | None] | None:
    """Return the unit and the numbers of layers where `discover` was asked for a deep network, and drop both options.

    The search itself has the unit that it takes by itself: which group the data have does not depend on a network.

    Args:
        given: The options of `discover`, from which these are removed.

    Raises:
        ConfigError: The options do not fit each other.
        UnitError: The function behind the colon is unknown.
    """
    unit, layers = given.get("unit"), given.pop("layers", None)
    if unit is not None and _is_deep(unit):
        if "resume" in given:
            raise ConfigError(f"--unit {unit} with --resume: finish the run, then sharefind train RUN --unit {unit}")
        if "hidden_rep" in given:
            raise ConfigError(f"--hidden-rep and --unit {unit}: hidden types are chosen on the data; drop --hidden-rep")
        if layers is not None:
            read_layers(layers)
        del given["unit"]
        return unit, layers
    if layers is not None:
        raise ConfigError("--layers is for deep networks; add --unit deep, or drop it")
    return None


def _is_deep(unit: str) -> bool:
    """Whether an expression is that of a deep unit; its function is checked."""
    from sharefind.meanfield.units import find_unit

    choice = find_unit(unit)
    if choice is None or not choice.kind.has_layers:
        return False
    _check_function(choice.detail)
    return True


def _check_function(name: str) -> None:
    from sharefind.meanfield.units.activations import by_name
    from sharefind.meanfield.units.layer_functions import POINT_FUNCTIONS

    by_name(POINT_FUNCTIONS, name, "function of a deep unit")


def deep_after(
    outcome: SearchOutcome, asked: tuple[str, str | None], run: Path, limits: Limits, *, is_json: bool, is_quiet: bool
) -> dict[str, Any] | None:
    """Return the record of a deep network on the group that `discover` found; without JSON it is printed.

    The network is written to deep.safetensors in the run folder. Where there is none, a warning says why.

    Args:
        outcome: Outcome of the search.
        asked: The unit and the numbers of layers, from `taken_deep`.
        run: The run folder.
        limits: `dim` bounds the numbers of a network.
        is_json: Whether the record is printed with the result.
        is_quiet: Whether no progress is shown.
    """
    out, seed = run / "deep.safetensors", outcome.problem.settings.seed
    try:
        rows = outcome_rows(outcome, seed)
        settings = settings_of(*asked, None, seed)
        choice, certificate = _chosen(rows, settings, out, limits, is_silent=is_quiet or is_json)
    except (InputError, ExportError) as error:
        warn([f"no deep network was trained: {error}"])
        return None
    if not is_json:
        _print(choice, certificate, out)
    return _record(run, out, settings, choice, certificate)


def outcome_rows(outcome: SearchOutcome, seed: int) -> DeepRows:
    """Return the rows of a finished search with the group that it found.

    Args:
        outcome: Outcome of the search.
        seed: Seed of the fresh samples of a task that has no rows.

    Raises:
        ConfigError: Nothing was found.
        ExportError: No space holds, the group is infinite, or a log does not settle its mirror maps.
    """
    from sharefind.architectures import refuse_open_maps
    from sharefind.architectures.deep.found_rows import found_rows
    from sharefind.cli.task_rows import task_rows, task_units
    from sharefind.search.mirror_record import mirror_row

    if not outcome.finished:
        raise ExportError(f"the search ended at {outcome.e_star.label}, which does not hold; resume it first")
    if outcome.e_star.space.is_zero:
        raise ConfigError("the search found {0}: there is nothing to train")
    refuse_open_maps(mirror_row(outcome))
    return found_rows(outcome, *task_rows(outcome.problem.task, seed), task_units(outcome.problem))


def _record(
    run: Path, out: Path, settings: ChoiceSettings, choice: Choice, certificate: DeepCertificate
) -> dict[str, Any]:
    from sharefind.search.result import versions

    named = {"schema": "sharefind.deep-training/1", "run": str(run), "out": str(out), "seed": settings.seed}
    return {**named, "choice": choice.to_json(), "certificate": certificate.to_json(), "versions": versions()}


def _print(choice: Choice, certificate: DeepCertificate, out: Path) -> None:
    from sharefind.report.text.deep_words import choice_table

    console = result_console()
    console.print(choice_table(choice))
    lines = [f"wrote {out}: {certificate.statement}"]
    if out.suffix.lower() == ".safetensors":
        module = shell_word(out.with_suffix(".py"))
        lines.append(f"next  sharefind export {shell_word(out)} --format torch --out {module}   (the module)")
        lines.append(f"      sharefind verify {shell_word(out)}")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
