"""The run folder: configuration, evidence, lattice, particles and result, each written whole or not at all.

Finished nodes are appended to evidence.jsonl, finished tests to tests.jsonl, diagnoses to diagnoses.jsonl, a checksum
with each, so that a resumed run does none of them again and ends with the same result. How files are written and
folders are locked is in `storage`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sharefind.errors import RunFolderError, SharefindError, one_line
from sharefind.formats import parse_json, parse_toml
from sharefind.inference import Diagnosis, RandomisationTest
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.search.config import SearchConfig
from sharefind.search.engine import NodeRecord, SearchOutcome
from sharefind.search.experiments import Training
from sharefind.search.json_fields import printable
from sharefind.search.persistence.journal_lines import diagnosis_of, named_line, node_line, node_of, test_of
from sharefind.search.presets import search_config
from sharefind.search.problem import Problem
from sharefind.search.result import Result, read_result
from sharefind.search.search_lattice import SearchLattice
from sharefind.storage import (
    DIGEST,
    LOCK,
    TEMPORARY,
    Journal,
    advice,
    json_text,
    local_name,
    portable_name,
    sole_use,
    sweep,
    write_atomically,
)

FINGERPRINT, SETTINGS_FINGERPRINT = "data.sha256", "settings.sha256"

CONFIG, RESULT, LATTICE, GRAPHML, EVIDENCE, TESTS, DIAGNOSES, PARTICLES, SPENT = (
    "config.toml",
    "result.json",
    "lattice.json",
    "lattice.graphml",
    "evidence.jsonl",
    "tests.jsonl",
    "diagnoses.jsonl",
    "particles",
    "spent.json",
)

FILES = ("data", "generators")
"""Settings that name files."""

RUN, MARK = "run", 16
"""Key of a journal's line that says of which run it is, and the letters that do."""

RECALLED = ("_records", "_tests", "_diagnoses", "_seconds", "_mark")
"""What is read of a run folder once, until somebody works in it."""

MAX_JSON_BYTES = 1_000_000_000
"""Largest result or lattice that is read, in bytes, where no limit is given."""

MAX_PARTICLE_BYTES = 4_000_000_000
"""The same for the particles of a node; a default search at the default limit on dim Z writes 1.6 GB."""

PARTICLE_FILE = re.compile(r"node-[0-9]{4,9}\.safetensors")
"""What a file of particles is called."""

FLOATS = ("F32", "F64")
"""Kinds of numbers that particles are made of."""

Record = TypeVar("Record")

MAX_SMALL_BYTES = 1_000_000
"""Largest configuration and other small file of a run that is read, in bytes; a hard limit."""

_SPENT = TypeAdapter(dict[Literal["seconds"], Annotated[float, Field(ge=0, allow_inf_nan=False)]])

QUOTED = 80
"""Characters of a name that are told."""

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, SharefindError)
"""What a line with a right checksum and wrong content raises."""


class RunFolder:
    """A folder that holds one run. It is a `Memory` for the engine.

    What was finished is read when it is asked for.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path, self.limits = path, limits
        self._notes: dict[str, list[str]] = {}
        self._journals = {name: Journal(path / name) for name in (EVIDENCE, TESTS, DIAGNOSES)}
        self._particles: dict[str, str] | None = None

    @classmethod
    def create(cls, path: Path, config: SearchConfig) -> RunFolder:
        """A new run folder with its configuration.

        Raises:
            RunFolderError: the folder exists and is not empty, or cannot be made. StorageError: the disk is full.
        """
        _refuse_occupied(path)
        _made(path / PARTICLES)
        with sole_use(path):
            _refuse_occupied(path)
            sweep(path)
            folder = cls(path)
            folder.write_config(config)
        return folder

    @classmethod
    def open(cls, path: Path, limits: Limits = DEFAULT_LIMITS) -> RunFolder:
        """An existing run folder; `limits` bound the files that are read of it.

        Raises:
            RunFolderError: there is no run in it.
        """
        if not (path / CONFIG).is_file():
            raise RunFolderError(f"{path} holds no run ({CONFIG} is missing); give the folder that discover printed")
        return cls(path, limits)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Sole use of the folder, with what others finished meanwhile, and without what a killed process left half.

        Raises:
            RunFolderError: another process works in it. StorageError: the disk is full or failing.
        """
        with sole_use(self.path):
            for name in (PARTICLES, *self._journals):
                _refuse_link(self.path / name)
            _made(self.path / PARTICLES)
            for folder in (self.path, self.path / PARTICLES):
                sweep(folder)
            for name in RECALLED:
                self.__dict__.pop(name, None)
            yield

    @property
    def notes(self) -> list[str]:
        """Which finished work cannot be read and is done again, a line each.

        Raises:
            RunFolderError: a file cannot be read at all, or is above the limits.
        """
        for name in RECALLED:
            getattr(self, name)
        return [note for notes in self._notes.values() for note in notes]

    @cached_property
    def _records(self) -> dict[str, NodeRecord]:
        return self._recalled(EVIDENCE, self._node, lambda record: record.key)

    @cached_property
    def _tests(self) -> dict[str, RandomisationTest]:
        return dict(self._recalled(TESTS, test_of, lambda pair: pair[0]).values())

    @cached_property
    def _diagnoses(self) -> dict[str, Diagnosis]:
        return dict(self._recalled(DIAGNOSES, diagnosis_of, lambda pair: pair[0]).values())

    @cached_property
    def _mark(self) -> str | None:
        """What tells this run's lines from those of other samples or settings; None before it is claimed."""
        files = [self.path / name for name in (FINGERPRINT, SETTINGS_FINGERPRINT)]
        if not all(file.is_file() for file in files):
            return None
        for file in files:
            _refuse_size(file, MAX_SMALL_BYTES)
        return _digest(b"".join(file.read_bytes().strip() for file in files))[:MARK]

    def _recalled(
        self, name: str, read: Callable[[dict[str, Any]], Record], key: Callable[[Record], str]
    ) -> dict[str, Record]:
        """What a journal keeps; lines that cannot be read are noted and left out, and their work is done again."""
        journal = self._journals[name]
        if journal.path.is_file():
            _refuse_size(journal.path, self.limits.bytes_of(MAX_JSON_BYTES))
        found: dict[str, Record] = {}
        unusable: dict[str, str] = {}
        mark = self._mark
        for line in journal.read():
            try:
                if mark is not None and line.get(RUN) != mark:
                    raise ValueError("it is of a run with other data or settings")
                _refuse_unprintable(line)
                record = read(line)
                found[key(record)] = record
            except UNREADABLE as error:
                unusable[str(line.get("key", line.get("name")))] = _reason(error)
        self._notes[name] = [
            f"{name}: the record of {named[:QUOTED]!r} cannot be used: {reason}; that work is done again"
            for named, reason in unusable.items()
            if named not in found
        ]
        self._notes[name] += [f"{damage}; that work is done again" for damage in journal.damage]
        return found

    def _node(self, line: dict[str, Any]) -> NodeRecord:
        """A finished node, whose particles must be as they were left."""
        particles = line["particles"]
        if particles is not None:
            file = self.path / PARTICLES / particles["file"]
            if PARTICLE_FILE.fullmatch(particles["file"]) is None:
                raise ValueError(f"{PARTICLES} are in no file node-NNNN.safetensors")
            if file.is_file():
                _refuse_size(file, self.limits.bytes_of(MAX_PARTICLE_BYTES))
            if not file.is_file() or _digest(file.read_bytes()) != particles[DIGEST]:
                raise ValueError(f"{PARTICLES}/{file.name} is missing or damaged")
        return node_of(line)

    def write_config(self, config: SearchConfig) -> None:
        """Write the configuration of the run, with every choice made."""
        values = config.model_dump(exclude_none=True)
        written = {name: portable_name(values[name]) for name in FILES if name in values}
        plain = config.model_copy(update=written).model_dump(mode="json", exclude_none=True)
        write_atomically(self.path / CONFIG, tomli_w.dumps(plain))

    def config(self) -> SearchConfig:
        """The configuration of the run.

        Raises:
            RunFolderError: config.toml is not TOML. ConfigError: it holds keys or values that are not valid.
        """
        try:
            _refuse_size(self.path / CONFIG, MAX_SMALL_BYTES)
            values = parse_toml((self.path / CONFIG).read_bytes())
        except (ValueError, RecursionError) as error:
            reason = one_line(error)
            raise RunFolderError(f"{self.path / CONFIG} is not TOML ({reason}); run the search again") from None
        texts = {name: values[name] for name in FILES if isinstance(values.get(name), str)}
        return search_config(**{**values, **{name: local_name(text) for name, text in texts.items()}})

    def claim(self, problem: Problem) -> None:
        """Tie the run to its samples and settings: the first call writes their fingerprints, later ones compare.

        Raises:
            RunFolderError: the run was begun with other samples or settings.
        """
        found = _fingerprints(problem)
        self._compare(found)
        for name, fingerprint in found.items():
            if not (self.path / name).is_file():
                write_atomically(self.path / name, fingerprint + "\n")
        self.__dict__.pop("_mark", None)

    def check(self, problem: Problem) -> None:
        """Compare samples and settings with those that the run was begun with, as far as it says.

        Raises:
            RunFolderError: they are others.
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
            _refuse_size(path, MAX_SMALL_BYTES)
            if path.read_bytes().strip() != fingerprint.encode():
                what = {
                    FINGERPRINT: "data; put the original file back",
                    SETTINGS_FINGERPRINT: f"settings; put {CONFIG}, or the file of generators, back as it was",
                }
                raise RunFolderError(f"{self.path} was begun with other {what[name]}, or start a new run")

    def recall(self, key: str) -> NodeRecord | None:
        """The record of a finished node, or None."""
        return self._records.get(key)

    def keep(self, record: NodeRecord) -> None:
        """Append a finished node to evidence.jsonl.

        Raises:
            RunFolderError: the folder cannot be written. StorageError: the disk is full or failing.
        """
        self._append(EVIDENCE, {**node_line(record), "particles": self._particles})
        self._records[record.key], self._particles = record, None

    def _append(self, name: str, line: dict[str, Any]) -> None:
        self._journals[name].append(line if self._mark is None else {**line, RUN: self._mark})

    def recall_test(self, name: str) -> RandomisationTest | None:
        """The exact test of a candidate that was finished, or None."""
        return self._tests.get(name)

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Append a finished test to tests.jsonl; raises as `keep`."""
        self._append(TESTS, named_line(name, test))
        self._tests[name] = test

    def recall_diagnosis(self, name: str) -> Diagnosis | None:
        """The diagnosis of a rejected group that was finished, or None."""
        return self._diagnoses.get(name)

    def keep_diagnosis(self, name: str, diagnosis: Diagnosis) -> None:
        """Append a finished diagnosis to diagnoses.jsonl; raises as `keep`."""
        self._append(DIAGNOSES, named_line(name, diagnosis))
        self._diagnoses[name] = diagnosis

    def seconds(self) -> float:
        """Seconds that were worked on the run so far, all sittings together, as far as they were kept."""
        return self._seconds

    @cached_property
    def _seconds(self) -> float:
        path = self.path / SPENT
        self._notes[SPENT] = []
        if not path.is_file():
            return 0.0
        try:
            _refuse_size(path, MAX_SMALL_BYTES)
            return float(_SPENT.validate_json(path.read_bytes())["seconds"])
        except (OSError, *UNREADABLE) as error:
            self._notes[SPENT].append(f"{SPENT} cannot be used ({_reason(error)}); seconds are counted from 0")
            return 0.0

    def keep_seconds(self, seconds: float) -> None:
        """Keep how many seconds were worked, all sittings together; raises as `keep`."""
        write_atomically(self.path / SPENT, json_text({"seconds": round(seconds, 3)}) + "\n")

    def tests(self) -> dict[str, RandomisationTest]:
        """Every exact test that was finished, with what it cost."""
        return dict(self._tests)

    def keep_particles(self, number: int, training: Training) -> None:
        """Particles of a node's observed training before and after, (R, D, N), as safetensors."""
        content = save({"start": training.start.contiguous(), "final": training.final.contiguous()})
        file = self.path / PARTICLES / f"node-{number:04d}.safetensors"
        write_atomically(file, content)
        self._particles = {"file": file.name, DIGEST: _digest(content)}

    def particles(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`read_particles` of this run."""
        return read_particles(self.path, number, self.limits)

    def finish(self, outcome: SearchOutcome, result: Result) -> None:
        """Write the lattice and then the result: a result is there only when everything else is."""
        write_atomically(self.path / LATTICE, outcome.lattice.dumps())
        write_atomically(self.path / GRAPHML, outcome.lattice.to_graphml())
        write_atomically(self.path / RESULT, json_text(result.to_json(), indent=1) + "\n")

    def result(self) -> Result:
        """The result of a finished run.

        Raises:
            RunFolderError: the run is not finished, or its result is not JSON or holds what no search writes.
        """
        missing = f"the run is not finished; go on with sharefind discover --resume {self.path}"
        return read_result(_read_json(self.path / RESULT, missing, self.limits), self.path / RESULT)

    def lattice(self) -> SearchLattice:
        """The search lattice of a finished run."""
        return SearchLattice.from_json(_read_json(self.path / LATTICE, "the run is not finished", self.limits))


def read_particles(
    path: Path, number: int, limits: Limits = DEFAULT_LIMITS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Particles of the first training of a visited node of the run in a folder, before and after, (N, D) each, float64.

    Raises:
        RunFolderError: the file is missing, damaged or above the limits.
    """
    file = path / PARTICLES / f"node-{number:04d}.safetensors"
    try:
        _refuse_size(file, limits.bytes_of(MAX_PARTICLE_BYTES))
        start, final = _start_and_final(file)
    except PermissionError as error:
        raise RunFolderError(f"{file} cannot be read ({error.strerror}); {advice(error)}") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise RunFolderError(f"{file} cannot be read ({one_line(error)}); run the search again") from None
    return start, final


def _start_and_final(file: Path) -> list[NDArray[np.float64]]:
    found = []
    with safe_open(file, framework="numpy") as tensors:
        for name in ("start", "final"):
            if name not in tensors.keys():  # noqa: SIM118
                raise ValueError(f"it holds no tensor {name}")
            part = tensors.get_slice(name)
            if part.get_dtype() not in FLOATS or len(part.get_shape()) != 3 or not part.get_shape()[0]:
                raise ValueError(f"{name} is no array of particles, (R, D, N)")
            found.append(np.asarray(tensors.get_tensor(name), dtype=np.float64)[0].T)
    return found


def _refuse_occupied(path: Path) -> None:
    """Refuse a folder with anything but what a process leaves that was killed before it had begun."""
    begun = (LOCK, PARTICLES)
    try:
        entries = [] if not path.exists() else list(path.iterdir())
        others = [e for e in entries if e.name not in begun and not e.name.endswith(TEMPORARY)]
        if others or ((path / PARTICLES).is_dir() and any((path / PARTICLES).iterdir())):
            raise RunFolderError(
                f"{path} exists and is not an empty folder; choose another --out, or go on with --resume {path}"
            )
    except NotADirectoryError:
        raise RunFolderError(f"{path} exists and is not a folder; choose another --out") from None
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read ({error.strerror}); choose another --out") from None


def _made(particles: Path) -> None:
    """Make the folder of particles, and the run's around it; copies may have left it out where it was empty."""
    try:
        particles.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{particles.parent} cannot be made ({error.strerror}); choose another --out") from None


def _refuse_link(path: Path) -> None:
    """Nothing is written through a link, which may lead out of the run."""
    if path.is_symlink():
        raise RunFolderError(f"{path} is a link; put what it leads to in its place")


def _fingerprints(problem: Problem) -> dict[str, str]:
    return {FINGERPRINT: problem.fingerprint, SETTINGS_FINGERPRINT: problem.settings_fingerprint}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _reason(error: Exception) -> str:
    """What is wrong with a record, on one line."""
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


def _refuse_size(path: Path, most: int) -> None:
    size = path.stat().st_size
    if size > most:
        raise RunFolderError(f"{path} is above {most} bytes; {raise_it('file_size', size)}")


def _read_json(path: Path, missing: str, limits: Limits) -> dict[str, Any]:
    if not path.is_file():
        raise RunFolderError(f"{path} is missing: {missing}")
    _refuse_size(path, limits.bytes_of(MAX_JSON_BYTES))
    try:
        record: dict[str, Any] = parse_json(path.read_bytes(), is_finite=True)
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is not JSON ({one_line(error)}); run the search again") from None
    return record
