"""The folder of a demonstration: OUT/<name>/{numbers.csv, result.json, picture.png, cells/}, always with complete
files.

The outcome defines the content of the files; `panels` draws the picture.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind import __version__
from sharefind.errors import RunFolderError, setting
from sharefind.folder_locks import sole_use
from sharefind.formats import parse_json
from sharefind.paper.context import Cell, Request
from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.search.result import versions
from sharefind.storage import json_text, sweep, write_atomically

SCHEMA = "sharefind.reproduction/1"

NUMBERS, RESULT, PICTURE, CELLS = "numbers.csv", "result.json", "picture.png", "cells"

HEAD = "__cell__"
"""Entry of a cell's file with its identity, its numbers and the names of its arrays, as JSON; all other entries are
arrays.
"""


class ReproductionFolder:
    """The folder of one demonstration, which is a `CellStore`.

    Args:
        path: The folder.

    Attributes:
        path: The folder.
        notes: Stored cells that could not be used, with the reasons.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []

    @classmethod
    def open(cls, out: Path, name: str) -> ReproductionFolder:
        """Return the folder OUT/<name>; create it if it does not exist.

        Args:
            out: Folder of all demonstrations.
            name: Name of the demonstration.

        Raises:
            RunFolderError: The folder cannot be created, or a file is in its place.
        """
        path = out / name
        try:
            (path / CELLS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be made ({error.strerror}); choose another {setting('out')}") from None
        return cls(path)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Lock the folder for this `with` block, and remove incomplete files of killed processes.

        Yields:
            Nothing.

        Raises:
            RunFolderError: Another process works in the folder.
            StorageError: The disk is full or failing.
        """
        with sole_use(self.path):
            sweep(self.path)
            sweep(self.path / CELLS)
            yield

    def load(self, identity: Mapping[str, Any]) -> Cell | None:
        """Return the stored cell of an identity; None if there is none. If its file cannot be read, a note is added.

        Args:
            identity: Everything on which the value of the cell depends.
        """
        path = self._path(identity)
        if not path.is_file():
            return None
        try:
            head, arrays = _unpack(path)
            if head["identity"] != _plain(identity):
                raise ValueError("it belongs to another cell")
            if set(head["arrays"]) != set(arrays):
                raise ValueError("arrays are missing")
            return Cell(dict(head["numbers"]), arrays)
        except Exception as error:  # a damaged archive also raises zlib.error, RuntimeError, NotImplementedError, ...
            reason = " ".join(str(error).split()) or type(error).__name__
            self.notes.append(f"the stored cell {path.name} could not be used ({reason}) and was computed again")
            return None

    def save(self, identity: Mapping[str, Any], cell: Cell) -> None:
        """Store a cell, immediately and completely.

        Args:
            identity: Everything on which the value of the cell depends.
            cell: The cell.

        Raises:
            RunFolderError: The folder cannot be written.
            StorageError: The disk is full or failing.
        """
        head = json.dumps({"identity": _plain(identity), "numbers": dict(cell.numbers), "arrays": sorted(cell.arrays)})
        buffer = io.BytesIO()
        entries: dict[str, Any] = {HEAD: np.frombuffer(head.encode(), dtype=np.uint8), **cell.arrays}
        np.savez_compressed(buffer, **entries)
        write_atomically(self._path(identity), buffer.getvalue())

    def _path(self, identity: Mapping[str, Any]) -> Path:
        # The start of the hash is enough: the file contains the identity itself, which is compared.
        digest = hashlib.sha256(json.dumps(_plain(identity), sort_keys=True).encode()).hexdigest()[:20]
        return self.path / CELLS / f"{digest}.npz"

    def finish(
        self, demonstration: Demonstration, request: Request, outcome: Outcome, wall_s: float, picture: bytes | None
    ) -> dict[str, Any]:
        """Write numbers and picture, then the result.

        Args:
            demonstration: The demonstration.
            request: The user's choices.
            outcome: The outcome.
            wall_s: Duration in seconds.
            picture: A PNG; None if none was drawn, which the result records.

        Returns:
            The result as JSON.

        Raises:
            RunFolderError: The folder cannot be written.
            StorageError: The disk is full or failing.
        """
        write_atomically(self.path / NUMBERS, numbers_csv(outcome))
        if picture is not None:
            write_atomically(self.path / PICTURE, picture)
        record = result_record(demonstration, request, outcome, wall_s)
        record["picture"] = PICTURE if picture is not None else None
        write_atomically(self.path / RESULT, json_text(record, indent=1) + "\n")
        return record


def result_record(demonstration: Demonstration, request: Request, outcome: Outcome, wall_s: float) -> dict[str, Any]:
    """Return the result as one JSON object; everything but `wall_s` and `versions` follows from the request.

    Args:
        demonstration: The demonstration.
        request: The user's choices.
        outcome: The outcome.
        wall_s: Duration in seconds.
    """
    asked = asdict(request)
    del asked["jobs"]  # the numbers do not depend on it
    return {
        "schema": SCHEMA,
        "name": demonstration.name,
        "statement": demonstration.statement,
        "claim": demonstration.claim,
        "code": demonstration.code,
        "request": asked,
        "checks": [check.to_json() for check in outcome.checks],
        "verdict": "holds" if outcome.holds else "fails",
        "figure": outcome.figure,
        "notes": list(outcome.notes),
        "wall_s": round(wall_s, 3),
        "versions": versions(),
    }


def numbers_csv(outcome: Outcome) -> str:
    """Return the rows of an outcome as CSV, with all digits of floats and columns in order of appearance.

    Args:
        outcome: The outcome.
    """
    columns = list(dict.fromkeys(key for row in outcome.rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(outcome.rows)
    return buffer.getvalue()


def _unpack(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    # Read first: np.load leaves a damaged file open.
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    head: dict[str, Any] = parse_json(arrays.pop(HEAD).tobytes())
    return head, arrays


def _plain(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return an identity as JSON restores it, with the version of sharefind; another version computes the
    cell again.
    """
    plain: dict[str, Any] = json.loads(json.dumps({**identity, "sharefind": __version__}))
    return plain
