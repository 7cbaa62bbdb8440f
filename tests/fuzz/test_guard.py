"""The guard reports what it should, and the loop feeds what it says, so that a silent run means something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sharefind.errors import InputError
from tests.fuzz.__main__ import main
from tests.fuzz.guard import Broken, examine, memory_limit
from tests.fuzz.loop import Feeder, run_own
from tests.fuzz.targets import Target, every_target

LARGE = 3 * 10**9


def _hang(data: bytes, folder: Path) -> None:
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def _memory(data: bytes, folder: Path) -> None:
    bytearray(LARGE)


def _hidden_memory(data: bytes, folder: Path) -> None:
    try:
        bytearray(LARGE)
    except MemoryError as error:
        raise InputError("too large") from error


def _crash(data: bytes, folder: Path) -> None:
    raise KeyError("x")


def _warning(data: bytes, folder: Path) -> None:
    import warnings

    warnings.warn("old", RuntimeWarning, stacklevel=1)


def _two_lines(data: bytes, folder: Path) -> None:
    raise InputError("one\ntwo")


def _long(data: bytes, folder: Path) -> None:
    raise InputError("x" * 10_000)


def _broken(data: bytes, folder: Path) -> None:
    raise Broken("a promise")


def _picky(data: bytes, folder: Path) -> None:
    if data[:1] == b"7":
        raise KeyError("seven")
    raise InputError("no")


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (_hang, "hang"),
        (_memory, "memory"),
        (_hidden_memory, "memory"),
        (_crash, "crash"),
        (_warning, "crash"),
        (_two_lines, "message"),
        (_long, "message"),
        (_broken, "broken"),
    ],
)
def test_every_broken_promise_is_found(run, kind: str, tmp_path: Path) -> None:
    with memory_limit():
        found = examine(run, InputError, b"", tmp_path, seconds=0.2).finding
    assert found is not None and found.kind == kind


def test_a_refusal_is_no_finding(tmp_path: Path) -> None:
    outcome = examine(_picky, InputError, b"8", tmp_path)
    assert outcome.finding is None and outcome.refusal == "no"


def test_the_loop_finds_an_input_and_repeats_itself(tmp_path: Path) -> None:
    target = Target("picky", _picky, lambda: [b"1"])
    first, second = (run_own(target, 5, 60.0, 2_000, tmp_path) for _ in range(2))
    assert first.inputs == second.inputs == 2_000
    assert first.times == second.times and list(first.found) == ["crash: KeyError in the target"]
    (kept,) = tmp_path.glob("picky-crash-*")
    assert kept.read_bytes()[:1] == b"7"
    assert json.loads((tmp_path / "picky.json").read_text())["inputs"] == 2_000


@pytest.mark.slow
@pytest.mark.parametrize("name", every_target())
def test_valid_inputs_are_accepted(name: str, tmp_path: Path) -> None:
    """Otherwise nothing behind the first check would ever be reached; a grammar makes some faults on purpose."""
    target, accepted = every_target()[name], 0
    feeder = Feeder(target, tmp_path, None)
    for data in target.seeds():
        feeder.feed(data)
    accepted = feeder.tally.accepted
    assert not feeder.tally.found
    assert accepted == len(target.seeds()) or (
        accepted >= 3 and target.form is not None and target.seeds()[0].isascii()
    )


@pytest.mark.slow
def test_a_target_in_a_process_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unit", "--engine", "own", "--inputs", "300", "--seed", "3", "--out", str(tmp_path)]) == 0
    assert "300 inputs" in capsys.readouterr().out
    kept = tmp_path / "input"
    kept.write_bytes(b"dense")
    assert main(["unit", "--input", str(kept)]) == 0
    assert "refused: unit 'dense' is unknown" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no target 'nothing'"):
        main(["nothing"])
