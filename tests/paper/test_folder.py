"""Stored cells and results: whole files or none, damage noted and computed again, no code read from a file."""

import csv
import io
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from sharefind.errors import RunFolderError, StorageError
from sharefind.paper import folder as reproduction_folder
from sharefind.paper.context import Cell, Request
from sharefind.paper.demonstration import Check, Demonstration, Outcome
from sharefind.paper.folder import ReproductionFolder, numbers_csv

IDENTITY = {"piece": "p", "N": 5, "sizes": (1, 2)}
NUMBERS = {"rmd2": [0.1 + 0.2, 1e-320, math.nan, math.inf], "count": 3, "name": "E^C2"}
ARRAYS = {"final": np.linspace(0, 1, 7), "kept": np.arange(6).reshape(2, 3), "nothing": np.empty((0, 4))}

OUTCOME = Outcome(({"N": 1, "value": 0.1},), (Check("c", 1.0, "<=", 2.0),), (), "figure", ("a note",))
TOY = Demonstration("toy", "Statement 0", "nothing", "nowhere", lambda context: OUTCOME)


@pytest.fixture
def folder(tmp_path: Path) -> ReproductionFolder:
    return ReproductionFolder.open(tmp_path / "out", "toy")


@pytest.fixture
def stored(folder: ReproductionFolder) -> Path:
    """The file of the one cell in the folder."""
    folder.save(IDENTITY, Cell(NUMBERS, ARRAYS))
    (path,) = (folder.path / "cells").iterdir()
    return path


def _is_the_cell(cell: Cell | None) -> bool:
    return (
        cell is not None
        and repr(dict(cell.numbers)) == repr(NUMBERS)
        and cell.arrays.keys() == ARRAYS.keys()
        and all(np.array_equal(cell.arrays[k], v) and cell.arrays[k].dtype == v.dtype for k, v in ARRAYS.items())
    )


def test_a_cell_comes_back_with_all_its_digits(folder: ReproductionFolder, stored: Path) -> None:
    assert _is_the_cell(folder.load(IDENTITY))
    assert _is_the_cell(folder.load(dict(reversed(list(IDENTITY.items())))))
    assert folder.notes == []


@pytest.mark.parametrize("other", [{**IDENTITY, "N": 6}, {**IDENTITY, "more": 1}, {"piece": "p"}, {}])
def test_a_cell_that_was_never_stored_is_missing_without_a_note(
    folder: ReproductionFolder, stored: Path, other: dict[str, object]
) -> None:
    assert folder.load(other) is None
    assert folder.notes == []


def test_a_cell_of_another_version_is_computed_again(
    folder: ReproductionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save(IDENTITY, Cell(NUMBERS, ARRAYS))
    monkeypatch.setattr(reproduction_folder, "__version__", "0.0.0")
    assert folder.load(IDENTITY) is None


def test_a_cut_file_is_noted_and_not_used(folder: ReproductionFolder, stored: Path) -> None:
    whole = stored.read_bytes()
    for length in range(0, len(whole), 7):
        stored.write_bytes(whole[:length])
        folder.notes.clear()
        assert folder.load(IDENTITY) is None
        (note,) = folder.notes
        assert stored.name in note
        assert "\n" not in note


def test_a_flipped_byte_is_noted_or_harmless(folder: ReproductionFolder, stored: Path) -> None:
    whole = stored.read_bytes()
    unused = 0
    for place in range(0, len(whole), 2):
        damaged = bytearray(whole)
        damaged[place] ^= (0x01, 0x80, 0xFF)[place // 2 % 3]
        stored.write_bytes(bytes(damaged))
        folder.notes.clear()
        cell = folder.load(IDENTITY)
        assert cell is None or _is_the_cell(cell)
        assert len(folder.notes) == (cell is None)
        unused += cell is None
    assert unused > len(whole) / 4


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"PK\x03\x04", b"\x00" * 300], ids=repr)
def test_any_other_file_is_noted_and_replaced(folder: ReproductionFolder, stored: Path, content: bytes) -> None:
    stored.write_bytes(content)
    assert folder.load(IDENTITY) is None
    assert len(folder.notes) == 1
    folder.save(IDENTITY, Cell(NUMBERS, ARRAYS))
    assert _is_the_cell(folder.load(IDENTITY))


def test_the_cell_of_another_identity_is_not_taken(folder: ReproductionFolder, stored: Path) -> None:
    folder.save({"other": 1}, Cell({"rmd2": 7}))
    (other,) = set((folder.path / "cells").iterdir()) - {stored}
    shutil.copy(other, stored)
    assert folder.load(IDENTITY) is None
    assert "belongs to another cell" in folder.notes[0]


@pytest.mark.parametrize("head", ["[]", "null", "3", '"text"', "{}", '{"identity": 1}', "not json", "\x00"])
def test_a_head_of_another_shape_is_noted(folder: ReproductionFolder, stored: Path, head: str) -> None:
    np.savez(stored, __cell__=np.frombuffer(head.encode(), dtype=np.uint8))
    assert folder.load(IDENTITY) is None
    assert len(folder.notes) == 1


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("entry", ["__cell__", "final"])
def test_no_pickle_is_read(folder: ReproductionFolder, stored: Path, tmp_path: Path, entry: str) -> None:
    trap = np.array([_Trap(tmp_path / "sprung")], dtype=object)
    with np.load(stored) as file:
        entries = {name: file[name] for name in file.files}
    np.savez(stored, **{**entries, entry: trap})
    assert folder.load(IDENTITY) is None
    assert len(folder.notes) == 1
    assert not (tmp_path / "sprung").exists()
    with np.load(stored, allow_pickle=True) as file:
        _ = file[entry]
    assert (tmp_path / "sprung").exists()


def test_no_pickle_is_written(folder: ReproductionFolder, stored: Path) -> None:
    with np.load(stored, allow_pickle=False) as file:
        assert set(file.files) == {"__cell__", *ARRAYS}
        assert all(file[name].dtype.kind in "biuf" for name in file.files)


def test_only_whole_files_are_left(folder: ReproductionFolder, stored: Path) -> None:
    result = folder.finish(TOY, Request(), OUTCOME, 1.0, b"png")
    assert result["verdict"] == "holds"
    expected = {"numbers.csv", "result.json", "picture.png", "cells", f"cells/{stored.name}"}
    assert {str(p.relative_to(folder.path)) for p in folder.path.rglob("*")} == expected


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stop"])
def test_a_failed_write_leaves_the_old_file_and_no_other(
    folder: ReproductionFolder, stored: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fails(*_: object) -> None:
        raise error

    before = stored.read_bytes()
    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(StorageError if isinstance(error, OSError) else KeyboardInterrupt):
        folder.save(IDENTITY, Cell({"rmd2": 0}))
    with pytest.raises(StorageError if isinstance(error, OSError) else KeyboardInterrupt):
        folder.finish(TOY, Request(), OUTCOME, 1.0, None)
    assert list((folder.path / "cells").iterdir()) == [stored]
    assert {p.name for p in folder.path.iterdir()} == {"cells"}
    assert stored.read_bytes() == before


@pytest.mark.parametrize("place", ["out", "out/toy", "out/toy/cells"])
def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("mine")
    with pytest.raises(RunFolderError, match="choose another out"):
        ReproductionFolder.open(tmp_path / "out", "toy")
    assert (tmp_path / place).read_text() == "mine"


@pytest.mark.parametrize("name", ["numbers.csv", "result.json", "picture.png"])
def test_a_folder_in_place_of_a_file_is_refused(folder: ReproductionFolder, name: str) -> None:
    (folder.path / name).mkdir()
    with pytest.raises(RunFolderError, match="cannot be written"):
        folder.finish(TOY, Request(), OUTCOME, 1.0, b"png")


def test_the_result_says_whether_there_is_a_picture(folder: ReproductionFolder) -> None:
    assert folder.finish(TOY, Request(), OUTCOME, 1.0, b"png")["picture"] == "picture.png"
    assert folder.finish(TOY, Request(), OUTCOME, 1.0, None)["picture"] is None


def test_numbers_have_all_their_digits_and_every_column() -> None:
    values = [0.1 + 0.2, 5e-324, 1 / 3, 1.7976931348623157e308, float(np.float64(2) / 3)]
    rows = [{"N": k, "value": value} for k, value in enumerate(values)]
    text = numbers_csv(Outcome((*rows, {"late": 'a "b", c'}), (), (), ""))
    read = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["value"]) for row in read[:-1]] == values
    assert list(read[0]) == ["N", "value", "late"]
    assert read[-1] == {"N": "", "value": "", "late": 'a "b", c'}
    assert "\r" not in text


def test_a_folder_has_one_user_and_nothing_that_is_half_written(folder: ReproductionFolder) -> None:
    for place in (folder.path, folder.path / "cells"):
        (place / ".cell.npz.0123.tmp").touch()
    with folder.working():
        assert not list(folder.path.rglob("*.tmp"))
        other = ReproductionFolder.open(folder.path.parent, "toy")
        with pytest.raises(RunFolderError, match="is in use by process"), other.working():
            pass
