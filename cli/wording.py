"""How the command line calls settings: options, and the commands that go on with a run."""

from __future__ import annotations

from sharefind.errors import Wording
from sharefind.storage import shell_word

TYPE_CHECKING = False  # typing takes long to load
if TYPE_CHECKING:
    from pathlib import Path


class Options(Wording):
    """Messages of the command line."""

    def setting(self, name: str) -> str:
        """An option: "in_rep" -> "--in-rep"; labels are two options."""
        return "--classes or --numbers" if name == "labels" else f"--{name.replace('_', '-')}"

    def limit(self, name: str, value: object) -> str:
        """The option that raises a limit, and how it is raised in Python."""
        return f"raise it with {self.setting(f'max_{name}')} {value} (Limits({name}={value}) in Python)"

    def going_on(self, run: Path) -> str:
        """The command that goes on with a run."""
        return f"sharefind discover --resume {shell_word(run)}"


class Demonstrations(Options):
    """Messages of `reproduce`: demonstrations are for small groups, within the usual limits, which it cannot lift."""

    def limit(self, name: str, value: object) -> str:
        """That nothing raises it."""
        return "a hard limit of reproduce"
