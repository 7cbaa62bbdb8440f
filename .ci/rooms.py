"""The folders and modules that .ci/reference.py and .ci/prose.py check, as .ci/rooms.txt lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EXCEPT = "except "
"""How a line begins that leaves a path out."""


@dataclass(frozen=True)
class Rooms:
    """Which modules are checked.

    Attributes:
        checked: Folders and modules, relative to the checkout.
        left_out: Folders and modules inside them that are not checked.
    """

    checked: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()

    def holds(self, path: Path) -> bool:
        """Return whether a module is checked.

        Args:
            path: Its path, relative to the checkout.
        """
        return any(map(path.is_relative_to, self.checked)) and not any(map(path.is_relative_to, self.left_out))


def read_rooms(root: Path) -> Rooms:
    """Read .ci/rooms.txt.

    Args:
        root: The checkout.

    Returns:
        The rooms.

    Raises:
        ValueError: An exception has no reason, or a path does not exist.
    """
    lines = list(text_lines(root / ".ci/rooms.txt"))
    exceptions = [line.removeprefix(EXCEPT).partition("#") for line in lines if line.startswith(EXCEPT)]
    unfounded = [path for path, _, reason in exceptions if not reason.strip()]
    if unfounded:
        raise ValueError(f".ci/rooms.txt: give a reason why {unfounded[0].strip()} is left out, after #")
    left_out = tuple(Path(path.strip()) for path, _, _ in exceptions)
    checked = tuple(Path(line) for line in lines if not line.startswith(EXCEPT))
    for path in (*checked, *left_out):
        if not (root / path).exists():
            raise ValueError(f".ci/rooms.txt: there is no {path}")
    return Rooms(checked, left_out)


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that are neither empty nor comments.

    Args:
        path: The file.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()
