"""How the command line names settings: as options, and by the commands that resume a run."""

from __future__ import annotations

from sharefind.errors import Wording
from sharefind.storage import shell_word

TYPE_CHECKING = False  # typing takes long to load
if TYPE_CHECKING:
    from pathlib import Path


class Options(Wording):
    """Messages of the command line."""

    def setting(self, name: str) -> str:
        """Return an option: "--in-rep" for "in_rep"; the setting `labels` has two options.

        Args:
            name: Name of the setting.
        """
        return "--classes or --numbers" if name == "labels" else f"--{name.replace('_', '-')}"

    def limit(self, name: str, value: object) -> str:
        """Return the option that raises a limit, and how to raise it in Python.

        Args:
            name: A field of `Limits`.
            value: The value.
        """
        return f"raise it with {self.setting(f'max_{name}')} {value} (Limits({name}={value}) in Python)"

    def going_on(self, run: Path) -> str:
        """Return the command that resumes a run.

        Args:
            run: The run folder.
        """
        return f"sharefind discover --resume {shell_word(run)}"


class Demonstrations(Options):
    """Messages of `reproduce`: demonstrations use small groups and have the default limits, which cannot be raised."""

    def limit(self, name: str, value: object) -> str:
        """Return that the limit cannot be raised.

        Args:
            name: A field of `Limits`.
            value: The value.
        """
        return "a hard limit of reproduce"
