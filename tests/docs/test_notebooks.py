"""Every notebook of the documentation runs, and says what its stored outputs say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

import sharefind
from tests.docs.notebooks import NOTEBOOKS, ROOT, said, stripped
from tests.docs.pages import difference

EXACT = ("dimension", "free number", " x ", "order ")
"""Words of lines whose numbers must be the stored ones; other numbers differ between processors."""


def _exact(lines: list[str]) -> list[str]:
    return [line for line in lines if any(word in line for word in EXACT)]


def _name(path: Path) -> str:
    return path.name


def _run_again(path: Path, folder: Path) -> Path:
    """In a process of its own: Jupyter leaves sockets open, which are warnings, and warnings are errors here."""
    target = folder / path.name
    environment = {**os.environ, "PYTHONPATH": str(Path(sharefind.__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "tests.docs.notebooks", str(path), str(target)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("path", NOTEBOOKS, ids=_name)
def test_it_runs_and_says_what_is_stored(path: Path, tmp_path: Path) -> None:
    stored = list(said(nbformat.read(path, as_version=4)))
    now = list(said(nbformat.read(_run_again(path, tmp_path), as_version=4)))
    assert len(stored) == len(now)
    for number, (before, after) in enumerate(zip(stored, now, strict=True)):
        differing = difference(before, after, figures_vary=True)
        assert differing is None, f"code cell {number}: {differing}"
        assert _exact(before) == _exact(after), f"code cell {number}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=_name)
def test_what_is_stored_tells_nothing_of_who_ran_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert stripped(nbformat.read(path, as_version=4)) == notebook
    texts = json.dumps([cell for cell in notebook.cells])
    assert not re.search(r"/(?:home|root|tmp|Users)/|" + re.escape(tempfile.gettempdir()), texts)
    assert all(cell.outputs or cell.source.strip().startswith(("import", "from")) for cell in _code(notebook))
    assert path.stat().st_size < 400_000


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def _code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
