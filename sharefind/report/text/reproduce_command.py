"""How to repeat a run: its settings, and the command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sharefind.report.text.text_style import STYLE
from sharefind.search import SearchConfig
from sharefind.storage import shell_word


def settings_of(config: SearchConfig) -> dict[str, Any]:
    """Return every setting of a run, by its name in config.toml.

    Args:
        config: The configuration.
    """
    return config.model_dump(mode="json", exclude_none=True)


def command_of(config: SearchConfig) -> str:
    """Return the command that repeats a search, with every choice written out, in lines of limited length.

    Args:
        config: The configuration.
    """
    lines = ["sharefind discover"]
    for piece in _options(config):
        if len(lines[-1]) + len(piece) > STYLE.command:
            lines.append("   ")
        lines[-1] += f" {piece}"
    return " \\\n".join(lines)


def _options(config: SearchConfig) -> Iterator[str]:
    for name, value in settings_of(config).items():
        option = f"--{name.replace('_', '-')}"
        if name == "labels":
            yield f"--{value}"
        elif value is True:
            yield option
        elif value is not False:
            yield f"{option} {shell_word(str(value))}"
