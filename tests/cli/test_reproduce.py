"""`sharefind reproduce`: its outputs, its exit status, its errors in one line, and how it goes on after a stop."""

import csv
import json
import shlex
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from sharefind.meanfield import EmpiricalLaw
from sharefind.paper import execution as run
from sharefind.paper import statements as registry
from sharefind.paper.context import Cell, Context
from sharefind.paper.demonstration import Check, Demonstration, Experiment, Outcome
from sharefind.paper.figure_si import FigureSI
from sharefind.paper.flows import Arena
from sharefind.paper.folder import ReproductionFolder
from sharefind.paper.theorem_3 import Theorem3


class Ending(Protocol):
    """How a call ended; see the conftest."""

    status: int
    out: str
    err: str


Call = Callable[..., Ending]


@pytest.fixture
def quick_thm_3(call: Call) -> Callable[..., Ending]:
    """Calls the quickest of the real demonstrations."""
    return lambda *arguments: call("reproduce", "thm-3", "--quick", *arguments)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than what they show."""
    monkeypatch.setattr(run, "draw", lambda outcome, title: b"png")


@pytest.fixture
def put_quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Experiment], None]:
    """Puts another experiment in place of the quick one of a demonstration."""

    def put(name: str, experiment: Experiment) -> None:
        changed = tuple(replace(d, quick=experiment) if d.name == name else d for d in registry.DEMONSTRATIONS)
        monkeypatch.setattr(registry, "DEMONSTRATIONS", changed)

    return put


class Asymmetric(Arena):
    """The law that is called equivariant is not."""

    @property
    def equivariant(self) -> EmpiricalLaw:  # type: ignore[override]
        return self.arbitrary


def test_json_is_one_object_of_the_schema(call: Call, tmp_path: Path) -> None:
    ending = call("reproduce", "prop-1", "--quick", "--group", "C3", "--out", "X", "--json")
    assert ending.status == 0
    assert ending.err == ""
    result: dict[str, Any] = json.loads(ending.out)
    assert result["schema"] == "sharefind.reproduction/1"
    assert (result["name"], result["statement"], result["verdict"]) == ("prop-1", "Proposition 1", "holds")
    assert result["request"]["group"] == "C3"
    assert all(check["passed"] for check in result["checks"])
    folder = tmp_path / "X" / "prop-1"
    assert json.loads((folder / "result.json").read_text()) == result
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "numbers.csv").open() as file:
        assert {row["group"] for row in csv.DictReader(file)} == {"C3"}


@pytest.mark.usefixtures("no_pictures")
def test_a_table_has_every_check_and_says_where_the_files_are(quick_thm_3: Call, tmp_path: Path) -> None:
    ending = quick_thm_3("--group", "C3", "--quiet")
    assert (ending.status, ending.err) == (0, "")
    result = json.loads((tmp_path / "reproduction" / "thm-3" / "result.json").read_text())
    assert ending.out.count(" ok") >= len(result["checks"])
    assert "Theorem 3 holds" in ending.out
    assert "files: reproduction/thm-3" in ending.out


@pytest.mark.usefixtures("no_pictures")
def test_what_does_not_hold_ends_with_status_1(
    quick_thm_3: Call, put_quick: Callable[[str, Experiment], None], tmp_path: Path
) -> None:
    put_quick("thm-3", Theorem3(arena=Asymmetric, paper_horizon=2.5))
    ending = quick_thm_3("--quiet")
    assert (ending.status, ending.err) == (1, "")
    assert "Theorem 3 fails" in ending.out
    assert "FAILS" in ending.out
    assert json.loads((tmp_path / "reproduction" / "thm-3" / "result.json").read_text())["verdict"] == "fails"


def _toy(name: str, value: float) -> Demonstration:
    def function(context: Context) -> Outcome:
        context.progress(f"{name}: one", 0, 2)
        context.progress(f"{name}: one", 1, 2)
        context.progress(f"{name}: two", 0, 1)
        return Outcome(({"value": value},), (Check("small", value, "<=", 1.0),), (), f"{value}")

    return Demonstration(name, f"Statement {name}", "claim", "nowhere", function)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> Callable[[float], None]:
    """Puts two demonstrations in place of all; the second measures a given value."""

    def put(value: float) -> None:
        monkeypatch.setattr(registry, "DEMONSTRATIONS", (_toy("one", 0.5), _toy("two", value)))

    return put


@pytest.mark.parametrize(("value", "status"), [(0.5, 0), (1.5, 1)])
def test_all_runs_all_and_fails_if_one_does(
    call: Call, toys: Callable[[float], None], tmp_path: Path, value: float, status: int
) -> None:
    toys(value)
    ending = call("reproduce", "all", "--out", "X", "--quiet")
    assert (ending.status, ending.err) == (status, "")
    assert f"{2 - status} of 2 hold; numbers and pictures in X" in ending.out
    assert ("two fails: small" in ending.out) == bool(status)
    assert {path.name for path in (tmp_path / "X").iterdir()} == {"one", "two"}
    ending = call("reproduce", "all", "--out", "X", "--json")
    record = json.loads(ending.out)
    assert (ending.status, record["schema"]) == (status, "sharefind.reproductions/1")
    assert record["verdict"] == ("fails" if status else "holds")
    assert [one["name"] for one in record["demonstrations"]] == ["one", "two"]


def test_progress_is_a_line_for_each_work_and_none_when_quiet(call: Call, toys: Callable[[float], None]) -> None:
    toys(0.5)
    assert call("reproduce", "one").err == "one: one ...\none: two ...\n"
    assert call("reproduce", "one", "--quiet").err == ""
    assert call("reproduce", "one", "--json").err == ""


REFUSED = {
    "thm-7": "there is no demonstration 'thm-7'; did you mean thm-",
    "fig_s": "did you mean fig-si?",
    "chess": "there is no demonstration 'chess'; use all or one of",
    "": "missing argument 'NAME|all'",
    "thm-3 --group SO2": "SO2 is infinite",
    "fig-si --group SO2": "SO2 is infinite; this demonstration sums over the group, use a finite subgroup",
    "thm-3 --group Q4": "no group named 'Q4'",
    "thm-3 --group C3 --in-rep natural+": "'natural+' is not a representation",
    "thm-3 --unit perceptron": "unit 'perceptron' is unknown",
    "fig-si --group C1": "E^G is all of Z, so there is nothing to show",
    "fig-wi --group S6 --quick": "720 elements is too large",
    "thm-3 --seed -1": "--seed must be at least 0, not -1",
    "thm-3 --jobs 0": "'--jobs'",
    "thm-3 --jobs many": "invalid value for '--jobs'",
    "thm-3 --out occupied": "occupied/thm-3 cannot be made (Not a directory); choose another --out",
    "thm-3 thm-4": "unexpected extra argument",
}


@pytest.mark.parametrize(("arguments", "expected"), REFUSED.items())
def test_bad_input_is_one_line_and_status_2(call: Call, tmp_path: Path, arguments: str, expected: str) -> None:
    (tmp_path / "occupied").write_text("mine")
    ending = call("reproduce", *arguments.split())
    assert (ending.status, ending.out) == (2, "")
    assert ending.err.startswith("error: ")
    assert ending.err.count("\n") == 1
    assert expected in ending.err
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGINT, id="SIGINT"), pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow)],
)
@pytest.mark.usefixtures("no_pictures")
def test_an_interrupted_grid_says_how_to_go_on_and_goes_on(
    call: Call,
    put_quick: Callable[[str, Experiment], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    def save_and_signal(folder: ReproductionFolder, identity: dict[str, Any], cell: Cell) -> None:
        save(folder, identity, cell)
        saved.append(identity)
        if len(saved) == 5:
            signal.raise_signal(number)

    put_quick("fig-si", FigureSI(sizes=(5, 100), few=4))
    saved: list[dict[str, Any]] = []
    save = ReproductionFolder.save
    monkeypatch.setattr(ReproductionFolder, "save", save_and_signal)
    command = [
        "reproduce",
        "fig-si",
        "--quick",
        "--group",
        "C3",
        "--seed",
        "4",
        "--unit",
        "matrix:tanh",
        "--horizon",
        "0.2",
    ]
    ending = call(*command, "--out", "my folder", "--quiet")
    assert (ending.status, ending.out) == (130, "")
    before, _, resume = ending.err.partition("go on with: ")
    assert before == "interrupted: what is done is kept; "
    words = shlex.split(resume)
    assert words[:3] == ["sharefind", "reproduce", "fig-si"]
    assert "my folder" in words
    assert not list(tmp_path.rglob("result.json"))
    resumed = call(*words[1:], "--json")
    assert len(saved) == len({json.dumps(identity, sort_keys=True) for identity in saved})
    whole = call(*command, "--out", "whole", "--json")
    assert resumed.status == whole.status
    records = [json.loads(ending.out) for ending in (resumed, whole)]
    for record in records:
        del record["wall_s"]
    assert records[0] == records[1]
    folders = [tmp_path / name / "fig-si" for name in ("my folder", "whole")]
    assert len({(folder / "numbers.csv").read_bytes() for folder in folders}) == 1
    assert len({tuple(sorted(p.name for p in (folder / "cells").iterdir())) for folder in folders}) == 1


def test_an_error_after_an_end_gives_no_command_to_go_on(
    call: Call, toys: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    toys(0.5)
    monkeypatch.setattr("sharefind.cli.reproduce.find", interrupted, raising=False)
    monkeypatch.setattr("sharefind.paper.find", interrupted)
    ending = call("reproduce", "one")
    assert (ending.status, ending.err) == (130, "interrupted: nothing was written\n")


@pytest.mark.usefixtures("no_pictures")
def test_all_goes_on_past_what_a_group_does_not_suit(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flows need an E^G between {0} and Z, which C3 with invariant outputs and a trivial input does not give."""
    chosen = tuple(d for d in registry.DEMONSTRATIONS if d.name in ("prop-1", "thm-3"))
    monkeypatch.setattr(registry, "DEMONSTRATIONS", chosen)
    trivial = ("--group", "C3", "--in-rep", "trivial:2", "--out-rep", "trivial", "--quick", "--quiet")
    ending = call("reproduce", "all", *trivial)
    assert ending.status == 1
    assert "thm-3 could not be run: C3 on X (trivial:2) and Y (trivial): E^G is all of Z" in " ".join(
        ending.out.split()
    )
    record = json.loads(call("reproduce", "all", *trivial, "--json").out)
    assert [r["name"] for r in record["demonstrations"]] == ["prop-1"]
    assert [r["name"] for r in record["refused"]] == ["thm-3"]
    assert call("reproduce", "thm-3", *trivial).status == 2


def test_a_grid_that_ends_too_soon_is_refused(call: Call) -> None:
    ending = call("reproduce", "fig-si", "--largest", "50")
    assert ending.status == 2
    assert "--largest 50" in ending.err
