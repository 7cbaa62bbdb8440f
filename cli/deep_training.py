"""How `sharefind train --unit deep` trains: its options, its time, and what it keeps in the folder of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from sharefind.cli.console import warn
from sharefind.errors import ConfigError, RunFolderError
from sharefind.storage import json_text, shell_word, write_atomically

if TYPE_CHECKING:
    from sharefind.architectures.deep.choice_budget import ChoiceBudget
    from sharefind.architectures.deep.choice_settings import ChoiceSettings
    from sharefind.architectures.deep.kept import KeptTrainings
    from sharefind.cli.session import Session

FOLDER = "deep"
"""Folder in that of the run: trainings that are kept, and the record of the last choice."""

RECORD = "choice.json"

TRAININGS = "trainings"


class DeepTraining(NamedTuple):
    """How the networks of a choice are trained, as the command line has it; None for what it takes by itself.

    Attributes:
        lr: First step of AdamW, which trains all networks then.
        weight_decay: Decay of weights by AdamW, which trains all networks then.
        restarts: Starts of the chosen network.
        max_seconds: Seconds of the call after which nothing more is tried.
    """

    lr: float | None = None
    weight_decay: float | None = None
    restarts: int | None = None
    max_seconds: float | None = None

    def refuse(self) -> None:
        """Refuse numbers that are no step, no decay or no time.

        Raises:
            ConfigError: One of them is such.
        """
        for name, value, is_right in (
            ("lr", self.lr, self.lr is None or 0 < self.lr < math.inf),
            ("weight-decay", self.weight_decay, self.weight_decay is None or 0 <= self.weight_decay < math.inf),
            ("max-seconds", self.max_seconds, self.max_seconds is None or 0 < self.max_seconds < math.inf),
        ):
            if not is_right:
                raise ConfigError(f"--{name} {value:g}: give a number above 0, such as 0.01")

    def settings(self, settings: ChoiceSettings) -> ChoiceSettings:
        """Return what is tried, with the given settings of training.

        Args:
            settings: Settings of the choice.
        """
        plan = settings.plan.with_adam(self.lr, self.weight_decay)
        return replace(settings, plan=plan, restarts=self.restarts or settings.restarts)

    def budget(self, session: Session) -> ChoiceBudget:
        """Return the time of a choice; it counts from the start of the call.

        Args:
            session: The call.
        """
        from sharefind.architectures.deep.choice_budget import ChoiceBudget
        from sharefind.cli.budget import clock_of

        return ChoiceBudget.of(session.started, self.max_seconds, clock_of(session).bounded)


@contextmanager
def keeping(run: Path) -> Iterator[KeptTrainings | None]:
    """Hold the folder in which trainings of a run are kept; a warning says so where they cannot be kept.

    Args:
        run: The run folder.

    Yields:
        The trainings; None where they cannot be kept.
    """
    from sharefind.architectures.deep.kept import kept_in

    with ExitStack() as stack:
        kept = None
        try:
            kept = stack.enter_context(kept_in(run / FOLDER / TRAININGS))
        except RunFolderError as error:
            warn([f"trainings are not kept, an interrupted choice begins anew: {error}"])
        yield kept
        if kept is not None:
            warn(kept.notes)


def keep_record(run: Path, record: dict[str, Any]) -> None:
    """Write the record of a choice to the folder of the run, over that of an earlier choice.

    Args:
        run: The run folder.
        record: The record, as --json prints it.
    """
    if (run / FOLDER).is_dir():
        write_atomically(run / FOLDER / RECORD, json_text(record, indent=1) + "\n")


def same_command(context: typer.Context) -> str:
    """Return the command that was called, with the options that were given.

    Args:
        context: Context of the command.
    """
    words = [context.command_path]
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        source = context.get_parameter_source(str(parameter.name))
        if source is None or source.name != "COMMANDLINE":
            continue
        if parameter.param_type_name == "argument":
            words.append(shell_word(str(value)))
        else:
            words += [parameter.opts[0]] if isinstance(value, bool) else [parameter.opts[0], shell_word(str(value))]
    return " ".join(words)
