"""Every command and every example of the documentation is run, and prints what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import Block, Reader, blocks, difference, same

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")] if blocks(path))
EXTRAS = {"robot.md": ("mujoco", "gymnasium")}
"""Pages whose commands need packages that sharefind runs without."""

FIRST_DATA = "getting-started.md"
"""The page whose first Python block makes measurements.npz, which the other pages use, too."""

FIRST_PAGES = (
    "README.md",
    "from-data-to-module.md",
    "python-api.md",
    "exporting.md",
    "dependent-rows.md",
    "statistic.md",
)
"""The pages that CI follows; the others take long."""

RUNNABLE = ("bash", "pycon", "python", "text")
PLAIN = ("html", "json", "toml", "csv")
"""Blocks that show a file."""


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The reader's folder; modules that were imported from it are forgotten, since pages use the same names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "page", [pytest.param(p, id=_name(p), marks=[pytest.mark.ci] * (p.name in FIRST_PAGES)) for p in PAGES]
)
def test_the_page_does_what_it_says(page: Path) -> None:
    for package in EXTRAS.get(page.name, ()):
        pytest.importorskip(package)
    listed = [block for block in blocks(page) if block.elsewhere is None]
    if not any(block.language in RUNNABLE and (block.language != "text" or block.commands) for block in listed):
        return
    if page.name != FIRST_DATA and any("measurements.npz" in block.body for block in listed):
        Reader().follow(next(b for b in blocks(ROOT / "docs" / FIRST_DATA) if b.language == "python"))
    reader = Reader()
    for block in listed:
        reader.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_is_run_or_says_where(page: Path) -> None:
    for block in blocks(page):
        assert block.language in (*RUNNABLE, *PLAIN), f"{block.language}: name a language that is run or shows a file"
        if block.elsewhere is not None:
            assert (ROOT / block.elsewhere).is_file(), block.elsewhere
        elif block.remark:
            assert block.figures_vary or block.remark.startswith("termynal"), block.remark


def test_a_file_of_data_has_one_page_that_makes_it() -> None:
    """Readers follow several pages in one folder: the same name for other data would mix them up."""
    made = re.compile(r'(?:savez|savetxt|open|write)\("(?P<name>[\w.-]+\.(?:npz|csv|json))"[,)]')
    pages: dict[str, set[str]] = {}
    for page in PAGES:
        for block in blocks(page):
            for name in made.findall(block.body) if block.language == "python" else ():
                pages.setdefault(name, set()).add(_name(page))
    assert pages["measurements.npz"] == {f"docs/{FIRST_DATA}"}
    assert not {name: found for name, found in pages.items() if len(found) > 1}


def test_no_command_hides_in_a_block_without_a_language() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        outside = re.sub(r"^ *```[a-z]+[^\n]*\n.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"^\s*\$ ", outside, flags=re.MULTILINE), page


def test_the_comparison_can_fail() -> None:
    printed = ["a 1.00", "b 2", "took 3 s"]
    assert difference(["a 1.01", "b 2", "took 9 s"], printed) is None
    assert difference(["a 1", "..."], printed) is None
    assert difference(["...", "b 2", "..."], printed) is None
    assert difference(["a 1.3", "..."], printed) is not None
    assert difference(["a 1.3", "..."], printed, figures_vary=True) is None
    assert difference(["b 2", "..."], printed) is not None
    assert difference(["a 1", "b 2"], printed) is not None
    assert difference(["a 1", "took 3 s"], printed) is not None
    assert not same("dimension 12 of 225", "dimension 13 of 225") and same("loses 23 %", "loses 22 %")
    assert not same("E^C4", "E^C5") and not same("p 0.005", "p 0.05") and same("E^C4 1,000", "E^C4 1000")


def test_commands_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- elsewhere: x.py -->\n```bash\nsharefind a \\\n  b  # c\n```\n\n```text\n$ one\nout\n$ two\n```\n"
    )
    first, second = blocks(page)
    assert first.elsewhere == "x.py" and [command for command, _ in first.commands] == ["sharefind a    b"]
    assert second.commands == [("one", ["out"]), ("two", [])]


def test_a_wrong_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = Block(tmp_path / "page.md", "text", "$ sharefind --version\nsharefind 99\n")
    with pytest.raises(AssertionError, match="was not printed"):
        Reader().follow(wrong)
    missing = Block(tmp_path / "page.md", "bash", "sharefind inspect nowhere\n")
    with pytest.raises(AssertionError, match="status 2"):
        Reader().follow(missing)
