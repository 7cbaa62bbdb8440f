"""From a request to a folder: the same request gives the same numbers, with any processes and after any stop."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sharefind.errors import ConfigError, RunFolderError
from sharefind.paper import execution as run
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.demonstration import Check, Demonstration, Outcome, Panel, Series
from sharefind.paper.execution import Reproduction, reproduce
from sharefind.paper.grid import Piece, compute_cells
from sharefind.paper.setting import setting
from sharefind.paper.students import SCHEMES, Student, student_piece

Run = Callable[[Context], Outcome]


def _toy(function: Run) -> Demonstration:
    return Demonstration("toy", "Statement 0", "claim", "nowhere", function)


def _outcome(values: list[float]) -> Outcome:
    rows = tuple({"k": k, "value": value} for k, value in enumerate(values))
    panel = Panel("title", "k", "value", (Series("values", tuple(map(float, range(len(values)))), tuple(values)),))
    return Outcome(rows, (Check("largest", max(values), "<=", 1e6),), (panel,), "figure")


def _trained(context: Context) -> Outcome:
    """Real trainings at N = 5, whose functions worker processes can import."""
    place = setting(context.request)
    students = [Student("si", teacher, scheme, 5, 0) for teacher in ("wi", "arbitrary") for scheme in SCHEMES[:2]]
    cells = compute_cells(context, "students", [student_piece(context, place, s) for s in students])
    return _outcome([value for cell in cells for value in cell.numbers["rmd2"]])


class _Drawn:
    """A demonstration of six cells with a random number each, counted, that can stop before one of them."""

    def __init__(self) -> None:
        self.calls: Counter[int] = Counter()
        self.stop: tuple[int, BaseException] | None = None

    def __call__(self, context: Context) -> Outcome:
        def compute(request: Request, k: int) -> Cell:
            if self.stop is not None and self.stop[0] == k:
                raise self.stop[1]
            self.calls[k] += 1
            return Cell({"value": Context(request).rng("drawn", str(k)).random()})

        pieces = [Piece({"k": k, "seed": context.request.seed}, compute, (k,)) for k in range(6)]
        return _outcome([cell.numbers["value"] for cell in compute_cells(context, "drawn", pieces)])


def _numbers(folder: Path) -> bytes:
    return (folder / "numbers.csv").read_bytes()


def _lasting(folder: Path) -> dict[str, Any]:
    """The result without what belongs to one run on one machine."""
    record: dict[str, Any] = json.loads((folder / "result.json").read_text())
    del record["wall_s"], record["versions"]
    return record


def _files(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


@pytest.mark.slow
def test_one_and_two_processes_give_the_same_files(tmp_path: Path) -> None:
    toy = _toy(_trained)
    one = reproduce(toy, Request(seed=1), tmp_path / "one").folder
    two = reproduce(toy, Request(seed=1, jobs=2), tmp_path / "two").folder
    assert _numbers(one) == _numbers(two)
    assert _lasting(one) == _lasting(two)
    assert _numbers(reproduce(toy, Request(seed=2), tmp_path / "other").folder) != _numbers(one)


@pytest.mark.parametrize("stop", [ValueError("lost"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_stopped_run_goes_on_and_ends_as_a_whole_one(tmp_path: Path, stop: BaseException) -> None:
    drawn = _Drawn()
    toy = _toy(drawn)
    whole = reproduce(toy, Request(), tmp_path / "whole").folder
    drawn.calls.clear()
    drawn.stop = (4, stop)
    with pytest.raises(type(stop)):
        reproduce(toy, Request(), tmp_path / "cut")
    assert _files(tmp_path / "cut" / "toy") == {"cells", "lock"}
    assert drawn.calls == Counter(range(4))
    drawn.stop = None
    cut = reproduce(toy, Request(), tmp_path / "cut").folder
    assert drawn.calls == Counter(range(6))
    assert _numbers(cut) == _numbers(whole)
    assert _lasting(cut) == _lasting(whole)
    assert _files(cut) == {"cells", "lock", "numbers.csv", "result.json", "picture.png"}


def test_the_same_request_again_computes_nothing_and_writes_the_same(tmp_path: Path) -> None:
    drawn = _Drawn()
    toy = _toy(drawn)
    folder = reproduce(toy, Request(), tmp_path).folder
    before, result = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}, _lasting(folder)
    reproduce(toy, Request(), tmp_path)
    assert sum(drawn.calls.values()) == 6
    assert _lasting(folder) == result
    for name in ("numbers.csv", "picture.png"):
        assert (folder / name).read_bytes() == before[name]
    reproduce(toy, Request(seed=1), tmp_path)
    assert sum(drawn.calls.values()) == 12
    assert _numbers(folder) != before["numbers.csv"]


def test_a_damaged_cell_is_noted_and_the_numbers_are_the_same(tmp_path: Path) -> None:
    drawn = _Drawn()
    toy = _toy(drawn)
    first = reproduce(toy, Request(), tmp_path)
    numbers = _numbers(first.folder)
    cut, spoilt, *_ = sorted((first.folder / "cells").iterdir())
    cut.write_bytes(cut.read_bytes()[:40])
    spoilt.write_bytes(b"\x00" + spoilt.read_bytes())
    second = reproduce(toy, Request(), tmp_path)
    assert sum(drawn.calls.values()) == 8
    assert _numbers(second.folder) == numbers
    assert second.outcome.holds
    notes = second.result["notes"]
    assert len(notes) == 2
    assert all(any(path.name in note for note in notes) for path in (cut, spoilt))
    assert first.result["notes"] == []
    assert reproduce(toy, Request(), tmp_path).result["notes"] == []
    assert sum(drawn.calls.values()) == 8


def test_a_real_demonstration_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    request = Request(quick=True, group="C3")
    one, two = (reproduce("thm-3", request, tmp_path / place) for place in ("one", "two"))
    assert one.outcome.holds
    assert _numbers(one.folder) == _numbers(two.folder)
    assert _lasting(one.folder) == _lasting(two.folder)
    assert (one.folder / "picture.png").read_bytes() == (two.folder / "picture.png").read_bytes()


def test_the_result_says_what_was_asked_and_found(tmp_path: Path) -> None:
    def fails(context: Context) -> Outcome:
        return replace(_outcome([1.0, 2e6]), notes=("as measured",))

    toy = _toy(fails)
    found: Reproduction = reproduce(toy, Request(group="C3", quick=True, seed=7, jobs=2), tmp_path)
    asked = {"group": "C3", "in_rep": None, "out_rep": None, "unit": None, "quick": True, "seed": 7}
    assert asked.items() <= found.result["request"].items()
    assert "jobs" not in found.result["request"]
    assert found.result["schema"] == "sharefind.reproduction/1"
    assert (found.result["name"], found.result["verdict"]) == ("toy", "fails")
    assert found.result["notes"] == ["as measured"]
    assert found.result["wall_s"] >= 0
    assert json.loads((found.folder / "result.json").read_text()) == found.result


def test_without_matplotlib_there_is_a_note_and_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = _toy(lambda context: _outcome([1.0]))
    monkeypatch.setattr(run, "draw", lambda outcome, title: None)
    found = reproduce(toy, Request(), tmp_path)
    assert found.result["picture"] is None
    assert "matplotlib" in found.result["notes"][-1]
    assert _files(found.folder) == {"cells", "lock", "numbers.csv", "result.json"}


@pytest.mark.parametrize("is_broken", [False, True])
def test_torch_works_on_one_thread_and_then_as_before(tmp_path: Path, is_broken: bool) -> None:
    seen: list[int] = []

    def look(context: Context) -> Outcome:
        seen.append(torch.get_num_threads())
        if is_broken:
            raise ConfigError("broken")
        return _outcome([1.0])

    toy = _toy(look)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        if is_broken:
            with pytest.raises(ConfigError, match="broken"):
                reproduce(toy, Request(), tmp_path)
        else:
            reproduce(toy, Request(), tmp_path)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == [1]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("thm-33", "did you mean thm-3?"),
        ("Prop_1", "did you mean prop-1?"),
        ("figsi", "did you mean fig-si?"),
        ("heuristics", "did you mean heuristic?"),
        ("al", "did you mean all?"),
        ("zzzz", "use all or one of "),
        ("", "use all or one of "),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        reproduce(name, Request(), tmp_path / "out")
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (Request(jobs=0), "jobs must be at least 1, not 0"),
        (Request(jobs=-2), "jobs must be at least 1, not -2"),
        (Request(seed=-1), "seed"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, request_: Request, what: str
) -> None:
    with pytest.raises(ConfigError, match=what):
        reproduce("thm-3", request_, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thm-3").write_text("mine")
    with pytest.raises(RunFolderError, match="thm-3 cannot be made"):
        reproduce("thm-3", Request(), tmp_path)
