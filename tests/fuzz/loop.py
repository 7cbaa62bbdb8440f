"""Feeding one target in this process, until its time or its number of inputs is over.

Inputs that get a new refusal are kept and changed further; led by coverage instead in `guided`.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.guard import Finding, Outcome, memory_limit
from tests.fuzz.mutation import MAX_SIZE, mutate
from tests.fuzz.targets import Target

MAX_POOL = 2_000
VALID_SHARE = 0.75

CURRENT_SIZE = 1_000_000
"""Bytes of the file in which a process leaves the input that it is busy with: more than any input has."""

KEPT = Path(__file__).parent / "kept"


@dataclass
class Tally:
    """What a process has done so far.

    inputs: given to the target. accepted: not refused. seconds: of it. found: the first input of each cause.
    """

    target: str
    engine: str
    inputs: int = 0
    accepted: int = 0
    refusals: int = 0
    seconds: float = 0.0
    found: dict[str, Finding] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "found": {name: asdict(finding) for name, finding in self.found.items()}})


class Feeder:
    """Gives inputs to a target, keeps what is new and writes down what is found."""

    def __init__(self, target: Target, folder: Path, out: Path | None, engine: str = "own") -> None:
        self.target, self.folder, self.out = target, folder, out
        self.tally = Tally(target.name, engine)
        self.seeds = [*target.seeds(), *kept(target.name)]
        self.pool: list[bytes] = []
        self._novelties: set[str] = set()
        self._current = None if out is None else _Current(out / f"{target.name}.current")

    def choice(self, rng: Random) -> bytes:
        """An input to change: most often a valid one, since what has two faults is refused for the first."""
        return rng.choice(self.pool if self.pool and rng.random() > VALID_SHARE else self.seeds)

    def feed(self, data: bytes) -> None:
        """One input."""
        tally = self.tally
        if self._current is not None:
            self._current.write(tally.inputs, data)
        outcome = self.target.examine(data, self.folder)
        tally.inputs += 1
        tally.accepted += outcome == Outcome()
        if outcome.refusal is not None and outcome.novelty not in self._novelties:
            self._novelties.add(outcome.novelty)
            tally.refusals += 1
            if len(self.pool) < MAX_POOL and len(data) < MAX_SIZE // 10:
                self.pool.append(data)
        if outcome.finding is not None:
            self._record(outcome.finding, data)

    def _record(self, finding: Finding, data: bytes) -> None:
        cause = f"{finding.kind}: {finding.where}" + (
            f": {finding.detail.splitlines()[-1]}" if finding.kind == "broken" else ""
        )
        self.tally.times[cause] = self.tally.times.get(cause, 0) + 1
        if cause in self.tally.found:
            return
        self.tally.found[cause] = finding
        if self.out is not None:
            path = save(self.out, self.target.name, finding.kind, data)
            print(f"{self.target.name}: {cause}\n  {repeat(self.target.name, path)}", file=sys.stderr, flush=True)

    def write_tally(self) -> None:
        """Leave what was done in the folder of results."""
        if self.out is not None:
            (self.out / f"{self.target.name}.json").write_text(self.tally.to_json())


class _Current:
    """The input under work in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(CURRENT_SIZE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), CURRENT_SIZE)

    def write(self, number: int, data: bytes) -> None:
        head = number.to_bytes(8, "little") + len(data).to_bytes(8, "little")
        self._map[: 16 + len(data)] = head + data


def current(path: Path) -> tuple[int, bytes]:
    """The number of the input that a process was busy with, and the input."""
    content = path.read_bytes()
    size = int.from_bytes(content[8:16], "little")
    return int.from_bytes(content[:8], "little"), content[16 : 16 + size]


def kept(name: str) -> list[bytes]:
    """Inputs that once broke a promise of a target."""
    return [path.read_bytes() for path in sorted(KEPT.glob(f"{name}-*"))]


def save(out: Path, target: str, kind: str, data: bytes) -> Path:
    """Write an input down under a name that says what it did."""
    path = out / f"{target}-{kind}-{hashlib.sha256(data).hexdigest()[:8]}"
    path.write_bytes(data)
    return path


def repeat(target: str, path: Path) -> str:
    """The command that gives an input to a target again."""
    return f"python -m tests.fuzz {target} --input {path}"


def run_own(target: Target, seed: int, seconds: float, inputs: int, out: Path | None = None) -> Tally:
    """Mutate with a seeded generator; the same seed and number of inputs give the same inputs."""
    with tempfile.TemporaryDirectory() as folder:
        feeder, rng = Feeder(target, Path(folder), out), Random(seed)
        warm_up(feeder)
        end = time.monotonic() + seconds
        with memory_limit():
            while feeder.tally.inputs < inputs and (feeder.tally.inputs % 16 or time.monotonic() < end):
                feeder.feed(mutate(feeder.choice(rng), target.form, rng))
        feeder.tally.seconds = seconds - (end - time.monotonic())
        feeder.write_tally()
    return feeder.tally


def warm_up(feeder: Feeder) -> None:
    """Load what the target loads late, so that neither its time nor its memory is laid to an input."""
    for data in feeder.target.seeds()[:3]:
        try:
            feeder.target.run(data, feeder.folder)
        except feeder.target.allowed:
            continue
