"""`python -m tests.fuzz TARGET|all`: give the readers and the grammars of sharefind inputs that nobody would write.

Every target runs in a process of its own. An input that breaks a promise is written to a folder, and the command that
gives it again is printed. The exit status is 1 where there was one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

STALLED = 60.0
"""Seconds without a new input after which a process is ended: its target hangs where Python cannot stop it."""

LONGEST, MOST = 1e9, 10**12

ROOT = Path(__file__).parents[2]
"""Where a process finds this package, whatever the working directory is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Feed the targets one after the other and print a table; 1 where an input was found that broke a promise."""
    asked = _parser().parse_args(arguments)
    if asked.worker:
        _work(asked.targets[0], asked)
    from tests.fuzz.targets import every_target

    known = every_target()
    names = list(known) if "all" in asked.targets else asked.targets
    for name in names:
        if name not in known:
            raise SystemExit(f"no target {name!r}; the targets are {', '.join(known)}")
    if asked.input is not None:
        return _again(known[names[0]], asked.input)
    out = (asked.out or Path(tempfile.mkdtemp(prefix="fuzz-"))).absolute()
    out.mkdir(parents=True, exist_ok=True)
    tallies = [_watched(name, asked, out) for name in names]
    for tally in tallies:
        print(_line(tally), flush=True)
    print(f"inputs: {sum(tally['inputs'] for tally in tallies)}; findings are in {out}")
    return int(any(tally["found"] for tally in tallies))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="names of targets, or all")
    parser.add_argument("--seconds", type=float, help="for each target; default 60, where --inputs is not given")
    parser.add_argument("--inputs", type=int, help="most inputs for each target")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where findings go; default a new temporary folder")
    parser.add_argument("--engine", choices=("atheris", "own"), help="default atheris where it is installed")
    parser.add_argument("--input", type=Path, metavar="FILE", help="give this input alone, and show what happens")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def _again(target: Any, path: Path) -> int:
    """One input again, under the same limits."""
    from tests.fuzz.guard import memory_limit
    from tests.fuzz.loop import Feeder, warm_up

    with tempfile.TemporaryDirectory() as folder:
        warm_up(Feeder(target, Path(folder), None))
        start = time.process_time()
        with memory_limit():
            outcome = target.examine(path.read_bytes(), Path(folder))
        seconds = time.process_time() - start
    if outcome.finding is None:
        print(f"{f'refused: {outcome.refusal}' if outcome.refusal is not None else 'accepted'} ({seconds:.2f} s)")
        return 0
    print(f"{outcome.finding.kind}: {outcome.finding.where} ({seconds:.2f} s)\n{outcome.finding.detail}")
    return 1


def _work(name: str, asked: argparse.Namespace) -> NoReturn:
    """The inside of a process; atheris must see the modules of sharefind being loaded."""
    limits = (asked.seed, asked.seconds, asked.inputs, asked.out)
    if asked.engine == "atheris":
        from tests.fuzz import guided

        guided.run(name, *limits)
    from tests.fuzz.loop import run_own
    from tests.fuzz.targets import every_target

    run_own(every_target()[name], *limits)
    raise SystemExit(0)


def _watched(name: str, asked: argparse.Namespace, out: Path) -> dict[str, Any]:
    """A target in a process of its own; begun again, with other inputs, where it took the process down."""
    engine = asked.engine or ("own" if importlib.util.find_spec("atheris") is None else "atheris")
    seconds, inputs = asked.seconds or (LONGEST if asked.inputs else 60.0), asked.inputs or MOST
    counts = {"inputs": 0, "accepted": 0, "refusals": 0, "seconds": 0.0}
    total: dict[str, Any] = {"target": name, "engine": engine, **counts, "found": {}}
    seed = asked.seed
    while total["inputs"] < inputs and total["seconds"] < seconds:
        left = ["--seconds", str(seconds - total["seconds"]), "--inputs", str(inputs - total["inputs"])]
        words = [name, "--worker", "--engine", engine, "--seed", str(seed), "--out", str(out), *left]
        start = time.monotonic()
        command = [sys.executable, "-m", "tests.fuzz", *words]
        status = _ended(subprocess.Popen(command, cwd=ROOT), out / f"{name}.current")
        if status == 0:
            _add(total, json.loads((out / f"{name}.json").read_text()))
            break
        seed, total["seconds"] = seed + 1, total["seconds"] + time.monotonic() - start
        _lost(name, status, out, total)
    return total


def _add(total: dict[str, Any], part: dict[str, Any]) -> None:
    """What a process did, on top of what those before it did."""
    for key in ("inputs", "accepted", "refusals", "seconds"):
        total[key] += part[key]
    total["found"] |= part["found"]


def _lost(name: str, status: int | None, out: Path, total: dict[str, Any]) -> None:
    """The input that took a process down."""
    from tests.fuzz.loop import current, repeat, save

    if not (out / f"{name}.current").exists():
        raise SystemExit(f"{name}: its process ended with {status} before the first input")
    number, data = current(out / f"{name}.current")
    kind = "hang" if status is None else "crash"
    total["inputs"] += number
    cause = f"{kind}: the process was ended" if status is None else f"{kind}: the process ended with {status}"
    total["found"][cause] = cause
    print(f"{name}: {cause}\n  {repeat(name, save(out, name, kind, data))}", file=sys.stderr, flush=True)


def _ended(process: subprocess.Popen[bytes], current: Path) -> int | None:
    """The exit status of a process, None where it stalled and was killed."""
    seen, since = b"", time.monotonic()
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            head = _head(current)
        if head != seen:
            seen, since = head, time.monotonic()
        elif time.monotonic() - since > STALLED:
            process.kill()
            process.wait()
            return None


def _head(current: Path) -> bytes:
    """What changes with every input."""
    if not current.exists():
        return b""
    with current.open("rb") as file:
        return file.read(16)


def _line(tally: dict[str, Any]) -> str:
    rate = tally["inputs"] / max(tally["seconds"], 1e-9)
    return (
        f"{tally['target']:16} {tally['engine']:8} {tally['inputs']:9} inputs, {tally['accepted']} accepted, "
        f"{tally['refusals']} kinds of refusal, {tally['seconds']:.0f} s, {rate:.0f}/s, {len(tally['found'])} findings"
    )


if __name__ == "__main__":
    sys.exit(main())
