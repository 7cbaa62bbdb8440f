"""The run folder: configuration, evidence, lattice, particles and result, each written whole or not at all.

Every file goes to a temporary name, is flushed to disk and renamed. Finished nodes are appended to evidence.jsonl,
finished tests to tests.jsonl, so that a resumed run does none of them again and ends with the same result.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.torch import save

from sharefind.errors import RunFolderError
from sharefind.inference import RandomisationTest
from sharefind.search.config import SearchConfig, search_config
from sharefind.search.engine import NodeRecord, SearchOutcome
from sharefind.search.evidence import Evidence
from sharefind.search.experiments import Training
from sharefind.search.growth import Proposal
from sharefind.search.lattice import Growth, SearchLattice, SearchNode
from sharefind.spaces import Subspace

FINGERPRINT = "data.sha256"

CONFIG, RESULT, LATTICE, GRAPHML, EVIDENCE, TESTS, PARTICLES = (
    "config.toml",
    "result.json",
    "lattice.json",
    "lattice.graphml",
    "evidence.jsonl",
    "tests.jsonl",
    "particles",
)


def refuse_unwritable(path: Path) -> None:
    """Refuse a new file before the work that would fill it: nothing is overwritten, and no folder is made.

    Raises:
        RunFolderError: the file exists, or its folder does not.
    """
    if path.exists():
        raise RunFolderError(f"{path} exists; choose another --out, or move it away")
    if not path.parent.is_dir():
        raise RunFolderError(f"the folder {path.parent} does not exist; make it, or choose another --out")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunFolderError(f"{path} cannot be written ({error.strerror}); choose another --out") from None


class RunFolder:
    """A folder that holds one run. It is a `Memory` for the engine."""

    def __init__(
        self, path: Path, records: dict[str, NodeRecord], tests: dict[str, RandomisationTest] | None = None
    ) -> None:
        self.path = path
        self._records = records
        self._tests = {} if tests is None else tests
        self._is_appending = False

    @classmethod
    def create(cls, path: Path, config: SearchConfig) -> RunFolder:
        """A new run folder with its configuration.

        Raises:
            RunFolderError: the folder exists and is not empty, or cannot be made.
        """
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise RunFolderError(
                    f"{path} exists and is not an empty folder; choose another --out, or go on with --resume {path}"
                )
            (path / PARTICLES).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be made ({error.strerror}); choose another --out") from None
        folder = cls(path, {})
        settings = config.model_dump(mode="json", exclude_none=True)
        write_atomically(path / CONFIG, tomli_w.dumps(settings))
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run folder with the nodes that it has finished.

        Raises:
            RunFolderError: there is no run in it.
        """
        if not (path / CONFIG).is_file():
            raise RunFolderError(f"{path} holds no run ({CONFIG} is missing); give the folder that discover printed")
        return cls(path, _read_records(path / EVIDENCE), _read_tests(path / TESTS))

    def config(self) -> SearchConfig:
        """The configuration of the run.

        Raises:
            RunFolderError: config.toml is not TOML. ConfigError: it holds keys or values that are not valid.
        """
        try:
            values = tomllib.loads((self.path / CONFIG).read_text())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{self.path / CONFIG} is not TOML ({error}); run the search again") from None
        return search_config(**values)

    def claim(self, fingerprint: str) -> None:
        """Tie the run to its samples: the first call writes their fingerprint, later ones compare.

        Raises:
            RunFolderError: the run was begun with other samples.
        """
        path = self.path / FINGERPRINT
        if not path.is_file():
            write_atomically(path, fingerprint + "\n")
        elif path.read_text().strip() != fingerprint:
            raise RunFolderError(
                f"{self.path} was begun with other data; put the original file back, or start a new run"
            )

    def recall(self, key: str) -> NodeRecord | None:
        """The record of a finished node, or None."""
        return self._records.get(key)

    def keep(self, record: NodeRecord) -> None:
        """Append a finished node to evidence.jsonl, whole."""
        self._records[record.key] = record
        lines = [json.dumps(_to_json(r), allow_nan=False) for r in self._records.values()]
        write_atomically(self.path / EVIDENCE, "\n".join(lines) + "\n")

    def recall_test(self, name: str) -> RandomisationTest | None:
        """The exact test of a candidate that was finished, or None."""
        return self._tests.get(name)

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Append a finished test to tests.jsonl, flushed to disk: large lattices have many, too many to write again.

        Raises:
            RunFolderError: the folder cannot be written.
        """
        self._tests[name] = test
        if not self._is_appending:
            # What an earlier run left, without the broken line that its end may have been.
            write_atomically(self.path / TESTS, "".join(_test_line(n, t) for n, t in self._tests.items()))
            self._is_appending = True
            return
        try:
            with open(self.path / TESTS, "a") as file:
                file.write(_test_line(name, test))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunFolderError(
                f"{self.path / TESTS} cannot be written ({error.strerror}); choose another --out"
            ) from None

    def tests(self) -> dict[str, RandomisationTest]:
        """Every exact test that was finished, with what it cost."""
        return dict(self._tests)

    def keep_particles(self, number: int, training: Training) -> None:
        """Particles of a node's observed training before and after, (R, D, N), as safetensors."""
        tensors = {"start": training.start.contiguous(), "final": training.final.contiguous()}
        write_atomically(self.path / PARTICLES / f"node-{number:04d}.safetensors", save(tensors))

    def particles(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`read_particles` of this run."""
        return read_particles(self.path, number)

    def finish(self, outcome: SearchOutcome, result: dict[str, Any]) -> None:
        """Write the lattice and then the result: a result is there only when everything else is."""
        write_atomically(self.path / LATTICE, outcome.lattice.dumps())
        write_atomically(self.path / GRAPHML, outcome.lattice.to_graphml())
        write_atomically(self.path / RESULT, json.dumps(result, indent=1, allow_nan=False) + "\n")

    def result(self) -> dict[str, Any]:
        """The result of a finished run.

        Raises:
            RunFolderError: the run is not finished, or its result is not JSON.
        """
        return _read_json(
            self.path / RESULT, f"the run is not finished; go on with sharefind discover --resume {self.path}"
        )

    def lattice(self) -> SearchLattice:
        """The search lattice of a finished run."""
        return SearchLattice.from_json(_read_json(self.path / LATTICE, "the run is not finished"))


def read_particles(path: Path, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Particles of the first training of a visited node of the run in a folder, before and after, (N, D) each, float64.

    Raises:
        RunFolderError: the file is missing or damaged.
    """
    file = path / PARTICLES / f"node-{number:04d}.safetensors"
    try:
        tensors = load_file(file)
        start, final = (np.asarray(tensors[name], dtype=np.float64)[0].T for name in ("start", "final"))
    except (OSError, KeyError, IndexError, SafetensorError) as error:
        raise RunFolderError(f"{file} cannot be read ({error}); run the search again") from None
    return start, final


def _test_line(name: str, test: RandomisationTest) -> str:
    return json.dumps({"name": name, **asdict(test)}, allow_nan=False) + "\n"


def _read_json(path: Path, missing: str) -> dict[str, Any]:
    if not path.is_file():
        raise RunFolderError(f"{path} is missing: {missing}")
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path} is not JSON ({error}); run the search again") from None
    return record


def _to_json(record: NodeRecord) -> dict[str, Any]:
    return {
        "key": record.key,
        "evidence": record.evidence.to_json(),
        "proposals": [
            {
                "key": p.node.key,
                "label": p.node.label,
                "candidate": p.node.candidate,
                "space": p.node.space.to_json(),
                "source": p.growth.source,
                "rule": p.growth.rule,
                "explained": p.growth.explained,
                "direction": list(p.growth.direction),
            }
            for p in record.proposals
        ],
    }


def _from_json(data: dict[str, Any]) -> NodeRecord:
    proposals = tuple(
        Proposal(
            SearchNode(p["key"], Subspace.from_json(p["space"]), p["candidate"], p["label"]),
            Growth(p["source"], p["key"], p["rule"], p["explained"], tuple(p["direction"])),
        )
        for p in data["proposals"]
    )
    return NodeRecord(data["key"], Evidence.from_json(data["evidence"]), proposals)


def _read_records(path: Path) -> dict[str, NodeRecord]:
    """Finished nodes; a line that cannot be read is left out, and its node is done again."""
    records: dict[str, NodeRecord] = {}
    if not path.is_file():
        return records
    for line in path.read_text().splitlines():
        try:
            record = _from_json(json.loads(line))
        except (json.JSONDecodeError, KeyError, TypeError, ValueError):
            continue
        records[record.key] = record
    return records


def _read_tests(path: Path) -> dict[str, RandomisationTest]:
    """Finished tests by name; a line that cannot be read is left out, and its test is done again."""
    tests: dict[str, RandomisationTest] = {}
    if not path.is_file():
        return tests
    for line in path.read_text().splitlines():
        try:
            values = json.loads(line)
            name = values.pop("name")
            tests[name] = RandomisationTest(**values)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
            continue
    return tests
