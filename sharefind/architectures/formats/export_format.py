"""The interface of an export format to the rest of sharefind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sharefind.architectures.certificate.proof import Certificate
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import ConfigError
from sharefind.limits import Limits
from sharefind.storage import shell_word

NextLines = Callable[[SharingSpec, Path, Path], list[str]]
"""(specification, run folder, file) -> what can be done with the file, in lines that can be pasted."""


@dataclass(frozen=True)
class ExportFormat:
    """One format: each is a file of this room that ends with its `FORMAT`, and a line in `registry`.

    Attributes:
        name: The name by which a user chooses it.
        suffix: The ending that its readers expect of a file.
        writer: Certifies what it is given and writes it to a path: a specification, or a network where `has_weights`,
            and then it takes `seed`, and `dtype` where there are `dtypes`.
        next: Next steps with a file of this format.
        has_weights: Whether trained weights are written.
        read: Reads a file of this format back, None where that cannot be done.
        dtypes: Types of numbers that the writer takes, the first where none is given.
        is_snippet: Whether it is source of another kind, asked for by name and not by the ending of a file.
        extra: The library that the writer needs, and the extra of sharefind that brings it.
    """

    name: str
    suffix: str
    writer: Callable[..., Certificate]
    next: NextLines
    has_weights: bool = False
    read: Callable[[Path, Limits], SharingSpec | TrainedNetwork] | None = None
    dtypes: tuple[str, ...] = ()
    is_snippet: bool = False
    extra: str | None = None

    def require(self) -> None:
        """Refuse where the library that the writer needs is not installed.

        Raises:
            ConfigError: It is not.
        """
        if self.extra is not None and find_spec(self.extra) is None:
            raise ConfigError(
                f"an export to {self.name.upper()} needs the library {self.extra}; install it with: "
                f"pip install 'sharefind[{self.extra}]'"
            )

    def write(
        self,
        spec: SharingSpec,
        network: Callable[[], TrainedNetwork],
        path: Path,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> Certificate:
        """Certify and write, whole or not at all.

        Args:
            spec: The specification.
            network: Returns the network with its weights; only formats of weights call it.
            path: Path of the file.
            seed: Seed of the training, for the record.
            dtype: One of `dtypes`.

        Returns:
            The certificate.

        Raises:
            ExportError: A claim does not hold, or the format cannot express it.
            RunFolderError: The file cannot be written.
        """
        if not self.has_weights:
            return self.writer(spec, path)
        settings = {"dtype": dtype or self.dtypes[0]} if self.dtypes else {}
        return self.writer(network(), path, seed=seed, **settings)


def verify_command(spec: SharingSpec, run: Path, out: Path) -> list[str]:
    """Return the command that checks a file again.

    Args:
        spec: Not used.
        run: Not used.
        out: The file.
    """
    return [f"sharefind verify {shell_word(out)}"]


def column_texts(spec: SharingSpec) -> dict[str, str]:
    """Return what a file of weights records about its columns: `inputs` and `outputs`, lists of names as JSON texts.

    Args:
        spec: The specification.
    """
    return {side: json.dumps(getattr(spec, side), ensure_ascii=False) for side in ("inputs", "outputs")}


def origin(seed: int | None) -> dict[str, str]:
    """Return what a file of weights records about its origin: `versions` (a JSON object) and, where it is known,
    `seed`.

    Args:
        seed: Seed of the training, or None.
    """
    from sharefind.search.result import versions

    known = {} if seed is None else {"seed": str(seed)}
    return {"versions": json.dumps(versions(), sort_keys=True), **known}
