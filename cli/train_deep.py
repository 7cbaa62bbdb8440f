"""`sharefind train --unit deep`: choose the hidden types of a deep network on the group of a run, and train it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from sharefind.cli.console import print_json, progress_console, result_console, warn
from sharefind.cli.deep_training import DeepTraining, keep_record, keeping, same_command
from sharefind.errors import ConfigError, ExportError, InputError, UnitError
from sharefind.limits import Limits, limits_of
from sharefind.report.card.card_path import card_path
from sharefind.storage import refuse_unwritable, shell_word

if TYPE_CHECKING:
    from sharefind.architectures.deep.choice_budget import ChoiceBudget
    from sharefind.architectures.deep.choice_settings import ChoiceSettings
    from sharefind.architectures.deep.proof import DeepCertificate
    from sharefind.architectures.deep.record import Choice
    from sharefind.architectures.deep.rows import DeepRows
    from sharefind.search import SearchOutcome

    _Found = tuple[Choice, DeepCertificate]

SUFFIXES = (".safetensors", ".onnx")

SHALLOW = ("epochs",)
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
        RunFolderError: The file, or its card, exists, or their folder does not.
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
    for path in (out, card_path(out)):
        refuse_unwritable(path)


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


class AskedDeep(NamedTuple):
    """Options of `discover` for a deep network.

    Attributes:
        unit: The unit expression.
        layers: Numbers of hidden layers, as text; None for what suits the rows.
        price: Kind of the comparison that shows whether tying pays; None for none.
    """

    unit: str
    layers: str | None
    price: str | None


def settings_of(
    unit: str, layers: str | None, width: int | None, seed: int, price: str | None = None
) -> ChoiceSettings:
    """Return what is tried.

    Args:
        unit: The unit expression.
        layers: Numbers of hidden layers, as text; None for what suits the rows.
        width: The only width of hidden layers; None for several.
        seed: Seed of all random numbers.
        price: Kind of the comparison that shows whether tying pays; None for none.

    Raises:
        ConfigError: The numbers of layers or the price are unknown.
    """
    from sharefind.architectures.deep.choice_settings import WIDTHS, ChoiceSettings

    depths = () if layers is None else read_layers(layers)
    settings = ChoiceSettings(unit, depths, WIDTHS if width is None else (width,), seed=seed)
    return settings if price is None else replace(settings, price=price)


def train_deep(
    context: typer.Context,
    outcome: SearchOutcome,
    settings: ChoiceSettings,
    training: DeepTraining,
    run: Path,
    out: Path,
) -> None:
    """Choose, train, write and print.

    Args:
        context: Context of the command, with the options that all commands have.
        outcome: Outcome of the search.
        settings: The choices that are tried.
        training: How it is trained.
        run: The run folder.
        out: The file to write.

    Raises:
        ConfigError: The time was over before one network was tried, or there is nothing to compare for a price.
    """
    options, session = context.params, context.obj
    rows, settings = outcome_rows(outcome, settings.seed), training.settings(settings)
    reason = _why_no_price(rows, settings)
    if reason:
        raise ConfigError(reason)
    session.again = same_command(context)
    found = _chosen(
        rows, settings, run, out, limits_of(options), training.budget(session), is_silent=_is_silent(options)
    )
    session.written, session.again = out, None
    record = _written(outcome, rows, settings, found, run, out)
    if options["json"]:
        print_json(record)
        return
    _print(*found, out)


def _is_silent(options: dict[str, Any]) -> bool:
    return bool(options["quiet"] or options["json"])


def _chosen(
    rows: DeepRows,
    settings: ChoiceSettings,
    run: Path,
    out: Path,
    limits: Limits,
    budget: ChoiceBudget,
    *,
    is_silent: bool,
) -> _Found:
    """Choose, train and write."""
    from sharefind.architectures.deep.choosing import choose_network
    from sharefind.architectures.deep.files import write_deep
    from sharefind.report.text.stage_progress import stage_progress
    from sharefind.search.observer import StopSearch

    words = "training"
    shown = stage_progress(
        progress_console(), words, is_silent=is_silent, is_json=False, prefix=f"{words} ", silence=0.0
    )
    try:
        with keeping(run) as kept, shown as told:
            network, choice = choose_network(rows, settings, told, limits, kept, budget)
    except StopSearch as late:
        raise ConfigError(f"{late}; no network was tried before, give more seconds") from None
    return choice, write_deep(network, out, settings.seed)


def _written(
    outcome: SearchOutcome, rows: DeepRows, settings: ChoiceSettings, found: _Found, run: Path, out: Path
) -> dict[str, Any]:
    """The record of a choice, after it and the model card were written."""
    from sharefind.report.card.deep_card import deep_card
    from sharefind.report.text.runs import load_run

    deep_card(load_run(run), outcome.problem.task.name, rows, *found, out).write(out)
    record = _record(run, out, settings, *found)
    keep_record(run, record)
    return record


def taken_deep(given: dict[str, Any]) -> AskedDeep | None:
    """Return what `discover` was asked for a deep network, and drop these options; None where it was not.

    The search itself has the unit that it takes by itself: which group the data have does not depend on a network.

    Args:
        given: The options of `discover`, from which these are removed.

    Raises:
        ConfigError: The options do not fit each other.
        UnitError: The function behind the colon is unknown.
    """
    unit, layers, price = given.get("unit"), given.pop("layers", None), given.pop("price", None)
    if unit is not None and _is_deep(unit):
        if "resume" in given:
            raise ConfigError(f"--unit {unit} with --resume: finish the run, then sharefind train RUN --unit {unit}")
        if "hidden_rep" in given:
            raise ConfigError(f"--hidden-rep and --unit {unit}: hidden types are chosen on the data; drop --hidden-rep")
        asked = AskedDeep(unit, layers, price)
        settings_of(asked.unit, asked.layers, None, 0, asked.price)
        del given["unit"]
        return asked
    for name, value in (("layers", layers), ("price", price)):
        if value is not None:
            raise ConfigError(f"--{name} is for deep networks; add --unit deep, or drop it")
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


def deep_command(asked: AskedDeep, run: Path, seed: int) -> str:
    """Return the command that trains what `discover` was asked for, with the trainings that were done before.

    Args:
        asked: The options, from `taken_deep`.
        run: The run folder.
        seed: Seed of the search, which the network has, too.
    """
    out, seeded = shell_word(run / "deep.safetensors"), f" --seed {seed}" if seed else ""
    given = (("layers", asked.layers), ("price", asked.price))
    more = "".join(f" --{name} {value}" for name, value in given if value is not None)
    return f"sharefind train {shell_word(run)} --unit {asked.unit}{more}{seeded} --out {out}"


def deep_after(
    outcome: SearchOutcome, asked: AskedDeep, run: Path, limits: Limits, *, is_json: bool, is_quiet: bool
) -> dict[str, Any] | None:
    """Return the record of a deep network on the group that `discover` found; without JSON it is printed.

    The network is written to deep.safetensors in the run folder. Where there is none, a warning says why.

    Args:
        outcome: Outcome of the search.
        asked: The options, from `taken_deep`.
        run: The run folder.
        limits: `dim` bounds the numbers of a network.
        is_json: Whether the record is printed with the result.
        is_quiet: Whether no progress is shown.
    """
    from sharefind.architectures.deep.choice_budget import ChoiceBudget

    out, seed = run / "deep.safetensors", outcome.problem.settings.seed
    try:
        rows = outcome_rows(outcome, seed)
        settings = settings_of(asked.unit, asked.layers, None, seed, asked.price)
        reason = _why_no_price(rows, settings)
        warn([reason] if reason else [])
        found = _chosen(rows, settings, run, out, limits, ChoiceBudget(), is_silent=is_quiet or is_json)
    except (InputError, ExportError) as error:
        warn([f"no deep network was trained: {error}"])
        return None
    record = _written(outcome, rows, settings, found, run, out)
    if not is_json:
        _print(*found, out)
    return record


def _why_no_price(rows: DeepRows, settings: ChoiceSettings) -> str:
    from sharefind.architectures.deep.choice_settings import USUAL_DEPTH
    from sharefind.architectures.deep.layer_price import why_no_price

    return (
        why_no_price(rows, settings.price, max(settings.depths, default=USUAL_DEPTH) + 1)
        if settings.price is not None
        else ""
    )


def outcome_rows(outcome: SearchOutcome, seed: int) -> DeepRows:
    """Return the rows of a finished search with the group that it found.

    Args:
        outcome: Outcome of the search.
        seed: Seed of the fresh samples of a task that has no rows.

    Raises:
        ConfigError: Nothing was found.
        ExportError: No space holds, the group is infinite, or a log does not settle its mirror maps.
    """
    from sharefind.architectures.deep.found_rows import finished_rows
    from sharefind.cli.task_rows import task_rows, task_units

    return finished_rows(outcome, *task_rows(outcome.problem.task, seed), task_units(outcome.problem))


def _record(
    run: Path, out: Path, settings: ChoiceSettings, choice: Choice, certificate: DeepCertificate
) -> dict[str, Any]:
    from sharefind.search.result import versions

    files = {"run": str(run), "out": str(out), "card": str(card_path(out))}
    named = {"schema": "sharefind.deep-training/1", **files, "seed": settings.seed}
    return {**named, "choice": choice.to_json(), "certificate": certificate.to_json(), "versions": versions()}


def _print(choice: Choice, certificate: DeepCertificate, out: Path) -> None:
    from sharefind.report.text.deep_words import choice_table
    from sharefind.report.text.layer_price_words import layer_price_table

    console = result_console()
    console.print(choice_table(choice))
    if choice.price is not None:
        console.print(layer_price_table(choice.price))
    lines = [f"wrote {out}: {certificate.statement}", f"wrote {card_path(out)}: its model card"]
    if out.suffix.lower() == ".safetensors":
        module = shell_word(out.with_suffix(".py"))
        lines.append(f"next  sharefind export {shell_word(out)} --format torch --out {module}   (the module)")
        lines.append(f"      sharefind verify {shell_word(out)}")
    if choice.stopped is not None:
        lines.append(f"note  not all was tried: {choice.stopped}")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
