"""The run folder: configuration, evidence, lattice, particles and result, each written whole or not at all.

Finished nodes are appended to evidence.jsonl, finished tests to tests.jsonl, diagnoses to diagnoses.jsonl, a checksum
with each, so that a resumed run does none of them again and ends with the same result. How files are written and
folders are locked is in `storage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from sharefind.errors import RunFolderError, SharefindError, one_line, wording
from sharefind.folder_locks import sole_use
from sharefind.formats import parse_toml
from sharefind.inference import RandomisationTest
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.search.config import SearchConfig
from sharefind.search.experiments import Training
from sharefind.search.json_fields import printable
from sharefind.search.map_explanations import nearest_table
from sharefind.search.map_words import NEAREST_MAP
from sharefind.search.memory import TEST, Kind, Value
from sharefind.search.node_record import NODE
from sharefind.search.persistence.folder_checks import make_folder, refuse_link, refuse_occupied
from sharefind.search.persistence.journal_lines import CODECS
from sharefind.search.persistence.particles import PARTICLES, digest, read_particles, refuse_changed, write_particles
from sharefind.search.persistence.small_files import FileSizes, read_json, read_small, refuse_size
from sharefind.search.presets import search_config
from sharefind.search.problem import Problem
from sharefind.search.result import Result, read_result
from sharefind.search.search_lattice import SearchLattice
from sharefind.search.search_outcome import SearchOutcome
from sharefind.storage import (
    Journal,
    json_text,
    local_name,
    portable_name,
    sweep,
    write_atomically,
)

FINGERPRINT, SETTINGS_FINGERPRINT = "data.sha256", "settings.sha256"

CONFIG, RESULT, LATTICE, GRAPHML, SPENT = "config.toml", "result.json", "lattice.json", "lattice.graphml", "spent.json"

FILES = ("data", "generators", "map")
"""Settings that name files."""

RUN = "run"
"""Key in a journal's line for the mark of its run."""

_SPENT = TypeAdapter(dict[Literal["seconds"], Annotated[float, Field(ge=0, allow_inf_nan=False)]])

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, SharefindError)
"""Exceptions of a line with a right checksum and wrong content."""


class RunFolder:
    """A folder that holds one run. It is a `Memory` for the engine.

    Finished work is read once, at the first request, until a process works in the folder.

    Args:
        path: The folder.
        limits: Limits on the files that are read.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path, self.limits = path, limits
        self._notes: dict[str, list[str]] = {}
        self._journals = {kind: Journal(path / codec.file) for kind, codec in CODECS.items()}
        self._kept: dict[Kind[Any], dict[str, Any]] = {}
        self._particles: dict[str, str] | None = None

    @classmethod
    def create(cls, path: Path, config: SearchConfig) -> RunFolder:
        """Return a new run folder with its configuration.

        Args:
            path: The folder.
            config: The configuration.

        Raises:
            RunFolderError: The folder exists and is not empty, or cannot be made.
            StorageError: The disk is full.
        """
        refuse_occupied(path)
        make_folder(path / PARTICLES)
        with sole_use(path):
            refuse_occupied(path)
            sweep(path)
            folder = cls(path)
            folder.write_config(config)
        return folder

    @classmethod
    def open(cls, path: Path, limits: Limits = DEFAULT_LIMITS) -> RunFolder:
        """Return an existing run folder.

        Args:
            path: The folder.
            limits: Limits on the files that are read.

        Raises:
            RunFolderError: It holds no run.
        """
        if not (path / CONFIG).is_file():
            raise RunFolderError(f"{path} holds no run ({CONFIG} is missing); give the folder that discover printed")
        return cls(path, limits)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the folder for this process alone, with finished work of others and without half-written work of killed
        processes.

        Yields:
            Nothing.

        Raises:
            RunFolderError: Another process works in it.
            StorageError: The disk is full or failing.
        """
        with sole_use(self.path):
            for path in (self.path / PARTICLES, *(journal.path for journal in self._journals.values())):
                refuse_link(path)
            make_folder(self.path / PARTICLES)
            for folder in (self.path, self.path / PARTICLES):
                sweep(folder)
            self._kept.clear()
            for name in ("_seconds", "_mark"):
                self.__dict__.pop(name, None)
            yield

    @property
    def notes(self) -> list[str]:
        """Which finished work cannot be read and is done again, a line each.

        Raises:
            RunFolderError: a file cannot be read at all, or is above the limits.
        """
        for kind in CODECS:
            self._all(kind)
        self.seconds()
        return [note for notes in self._notes.values() for note in notes]

    @cached_property
    def _mark(self) -> str | None:
        """The mark of this run's lines, which other samples or settings do not have; None before the run is claimed."""
        files = [self.path / name for name in (FINGERPRINT, SETTINGS_FINGERPRINT)]
        if not all(file.is_file() for file in files):
            return None
        return digest(b"".join(read_small(file).strip() for file in files))[:16]

    def _all(self, kind: Kind[Any]) -> dict[str, Any]:
        """The records of a journal; unreadable lines are noted and left out, and their work is repeated."""
        if kind in self._kept:
            return self._kept[kind]
        codec, journal = CODECS[kind], self._journals[kind]
        if journal.path.is_file():
            refuse_size(journal.path, self.limits.bytes_of(FileSizes.json))
        found: dict[str, Any] = {}
        unusable: dict[str, str] = {}
        mark = self._mark
        for line in journal.read():
            try:
                if mark is not None and line.get(RUN) != mark:
                    raise ValueError("it is of a run with other data or settings")
                _refuse_unprintable(line)
                if kind is NODE and line["particles"] is not None:
                    refuse_changed(self.path, line["particles"], self.limits)
                key, value = codec.value(line)
                found[key] = value
            except UNREADABLE as error:
                unusable[str(line.get("key", line.get("name")))] = _reason(error)
        self._notes[kind.name] = [
            f"{codec.file}: the record of {named[:80]!r} cannot be used: {reason}; that work is done again"
            for named, reason in unusable.items()
            if named not in found
        ]
        self._notes[kind.name] += [f"{damage}; that work is done again" for damage in journal.damage]
        self._kept[kind] = found
        return found

    def write_config(self, config: SearchConfig) -> None:
        """Write the configuration of the run, with every choice made.

        Args:
            config: The configuration.
        """
        values = config.model_dump(exclude_none=True)
        written = {name: portable_name(values[name]) for name in FILES if name in values}
        plain = config.model_copy(update=written).model_dump(mode="json", exclude_none=True)
        write_atomically(self.path / CONFIG, tomli_w.dumps(plain))

    def config(self) -> SearchConfig:
        """Return the configuration of the run.

        Raises:
            RunFolderError: config.toml is not TOML.
            ConfigError: It holds keys or values that are not valid.
        """
        try:
            values = parse_toml(read_small(self.path / CONFIG))
        except (ValueError, RecursionError) as error:
            reason = one_line(error)
            raise RunFolderError(f"{self.path / CONFIG} is not TOML ({reason}); run the search again") from None
        texts = {name: values[name] for name in FILES if isinstance(values.get(name), str)}
        return search_config(**{**values, **{name: local_name(text) for name, text in texts.items()}})

    def claim(self, problem: Problem) -> None:
        """Tie the run to its samples and settings: the first call writes their fingerprints, later calls compare.

        Args:
            problem: The problem.

        Raises:
            RunFolderError: The run was begun with other samples or settings.
        """
        found = _fingerprints(problem)
        self._compare(found)
        for name, fingerprint in found.items():
            if not (self.path / name).is_file():
                write_atomically(self.path / name, fingerprint + "\n")
        self.__dict__.pop("_mark", None)

    def check(self, problem: Problem) -> None:
        """Compare samples and settings with those at the start of the run, as far as they are recorded.

        Args:
            problem: The problem.

        Raises:
            RunFolderError: They differ.
        """
        self._compare(_fingerprints(problem))

    @property
    def is_finished(self) -> bool:
        """Whether a search ended here and its result was written."""
        return (self.path / RESULT).is_file()

    @property
    def is_claimed(self) -> bool:
        """Whether a search has begun here: the samples and settings are known."""
        return all((self.path / name).is_file() for name in (FINGERPRINT, SETTINGS_FINGERPRINT))

    def _compare(self, fingerprints: dict[str, str]) -> None:
        for name, fingerprint in fingerprints.items():
            path = self.path / name
            if not path.is_file():
                continue
            if read_small(path).strip() != fingerprint.encode():
                what = {
                    FINGERPRINT: "data; put the original file back",
                    SETTINGS_FINGERPRINT: f"settings; put {CONFIG}, or the file of generators, back as it was",
                }
                raise RunFolderError(f"{self.path} was begun with other {what[name]}, or start a new run")

    def get(self, kind: Kind[Value], key: str) -> Value | None:
        """Return what was finished, or None.

        Args:
            kind: As in `Memory`.
            key: As in `Memory`.
        """
        found: Value | None = self._all(kind).get(key)
        return found

    def put(self, kind: Kind[Value], key: str, value: Value) -> None:
        """Append what was finished to its journal.

        Args:
            kind: As in `Memory`.
            key: As in `Memory`.
            value: As in `Memory`.

        Raises:
            RunFolderError: The folder cannot be written.
            StorageError: The disk is full or failing.
        """
        kept, line = self._all(kind), CODECS[kind].line(key, value)
        if kind is NODE:
            line, self._particles = {**line, "particles": self._particles}, None
        self._journals[kind].append(line if self._mark is None else {**line, RUN: self._mark})
        kept[key] = value

    def seconds(self) -> float:
        """Return the seconds of work on the run so far, all sessions together, as far as they were kept."""
        return self._seconds

    @cached_property
    def _seconds(self) -> float:
        path = self.path / SPENT
        self._notes[SPENT] = []
        if not path.is_file():
            return 0.0
        try:
            return float(_SPENT.validate_json(read_small(path))["seconds"])
        except (OSError, *UNREADABLE) as error:
            self._notes[SPENT].append(f"{SPENT} cannot be used ({_reason(error)}); seconds are counted from 0")
            return 0.0

    def keep_seconds(self, seconds: float) -> None:
        """Keep the seconds of work, all sessions together; raises as `put`.

        Args:
            seconds: The seconds.
        """
        write_atomically(self.path / SPENT, json_text({"seconds": round(seconds, 3)}) + "\n")

    def tests(self) -> dict[str, RandomisationTest]:
        """Return every exact test that was finished, with its cost."""
        return dict(self._all(TEST))

    def keep_particles(self, number: int, training: Training) -> None:
        """Keep particles of a node's observed training before and after, as safetensors.

        Args:
            number: Number of the node's visit.
            training: The training, shape (R, D, N).
        """
        self._particles = write_particles(self.path, number, training)

    def particles(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return `read_particles` of this run.

        Args:
            number: Number of the node's visit.
        """
        return read_particles(self.path, number, self.limits)

    def finish(self, outcome: SearchOutcome, result: Result) -> None:
        """Write the lattice and then the result: a result exists only when everything else does.

        Args:
            outcome: The outcome of the search.
            result: Its result.
        """
        write_atomically(self.path / LATTICE, outcome.lattice.dumps())
        write_atomically(self.path / GRAPHML, outcome.lattice.to_graphml())
        nearest = nearest_table(outcome)
        if nearest:
            write_atomically(self.path / NEAREST_MAP, nearest)
        write_atomically(self.path / RESULT, json_text(result.to_json(), indent=1) + "\n")

    def result(self) -> Result:
        """Return the result of a finished run.

        Raises:
            RunFolderError: The run is not finished, or its result is not JSON or not the result of a search.
        """
        missing = f"the run is not finished; go on with {wording().going_on(self.path)}"
        return read_result(read_json(self.path / RESULT, missing, self.limits), self.path / RESULT)

    def lattice(self) -> SearchLattice:
        """Return the search lattice of a finished run."""
        return SearchLattice.from_json(read_json(self.path / LATTICE, "the run is not finished", self.limits))


def _fingerprints(problem: Problem) -> dict[str, str]:
    return {FINGERPRINT: problem.fingerprint, SETTINGS_FINGERPRINT: problem.settings_fingerprint}


def _reason(error: Exception) -> str:
    """The fault of a record, on one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return one_line(error)


def _refuse_unprintable(value: Any) -> None:
    """Refuse texts that a terminal may take for a command, at any depth."""
    if isinstance(value, str):
        printable(value)
    elif isinstance(value, dict):
        for key, part in value.items():
            printable(key)
            _refuse_unprintable(part)
    elif isinstance(value, list):
        for part in value:
            _refuse_unprintable(part)
