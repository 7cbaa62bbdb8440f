"""`report` and the single figures of `inspect --plot`: what is written, what is refused, in one line each."""

import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")


def test_report_writes_one_page_and_never_over_another(call, finished: Path) -> None:
    ending = call("report", finished, "--out", "report.html")
    assert (ending.status, ending.err) == (0, "")
    assert ending.out.startswith("wrote report.html: E_* = E^C2, dimension 2 of 4")
    text = Path("report.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and "fresh samples of c2-wi" in text
    again = call("report", finished, "--out", "report.html")
    assert (again.status, again.err) == (
        2,
        "error: report.html exists; choose another --out, or move it away\n",
    )
    assert call("report", finished, "--out", "second.html").status == 0
    assert Path("second.html").read_text(encoding="utf-8") == text
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def test_report_refuses_what_it_cannot_write_or_read(call, run: Path, tmp_path: Path) -> None:
    for out, words in (
        ("report.pdf", "end the name with .html"),
        ("none/report.html", "the folder none does not exist"),
    ):
        ending = call("report", run, "--out", out)
        assert ending.status == 2 and words in ending.err and ending.err.count("\n") == 1
    missing = call("report", tmp_path / "nowhere", "--out", "report.html")
    assert missing.status == 2 and "holds no run" in missing.err
    for broken, words in (("particles", "cannot be read"), ("result.json", "the run is not finished; go on with")):
        path = run / broken
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        ending = call("report", run, "--out", "report.html")
        assert ending.status == 2 and words in ending.err and ending.err.count("\n") == 1
    assert not Path("report.html").exists()


@pytest.mark.slow
def test_report_says_what_became_of_the_data(discover, call) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    np.savez("some.npz", x=x, y=x @ [[1, 2], [2, 1]])
    assert discover("--group", "C2", "--data", "some.npz", "--out", "run", "--quiet").status == 0
    assert call("report", "run", "--out", "here.html").err == ""
    assert "<dd>60</dd>" in Path("here.html").read_text(encoding="utf-8")
    np.savez("some.npz", x=x + 1, y=x)
    assert "have changed since the run" in call("report", "run", "--out", "changed.html").err
    Path("some.npz").unlink()
    assert "could not be read again" in call("report", "run", "--out", "gone.html").err
    for name in ("changed.html", "gone.html"):
        text = Path(name).read_text(encoding="utf-8")
        assert "<dd>60</dd>" not in text and "some" in text


@pytest.mark.slow
def test_the_command_of_a_report_makes_the_same_search(call, finished: Path) -> None:
    call("report", finished, "--out", "report.html")
    (block,) = re.findall(r"<code>(sharefind discover.*?)</code>", Path("report.html").read_text("utf-8"), re.DOTALL)
    words = unescape(block).replace("\\\n", " ").split()[1:]
    assert call(*words, "--out", "again", "--quiet").status == 0
    assert Path("again/config.toml").read_text() == (finished / "config.toml").read_text()
    assert Path("again/evidence.jsonl").read_text() == (finished / "evidence.jsonl").read_text()


@pytest.mark.parametrize("name", ["lattice", "distances", "p-values", "tying", "spectra", "particles"])
def test_inspect_draws_single_figures(call, finished: Path, name: str) -> None:
    assert call("inspect", finished, "--plot", "one.svg", "--figure", name).err == "wrote one.svg\n"
    assert b"<svg" in Path("one.svg").read_bytes()


def test_inspect_refuses_figures_that_make_no_sense(call, finished: Path) -> None:
    for arguments, words in (
        (("--figure", "tying"), "give --plot FILE"),
        (("--figure", "tie", "--plot", "a.svg"), "there is no such picture; use lattice, distances"),
        (("--figure", "distances", "--plot", "a.svg", "--node", "1"), "drop --node"),
    ):
        ending = call("inspect", finished, *arguments)
        assert ending.status == 2 and words in ending.err and ending.err.count("\n") == 1
    assert not Path("a.svg").exists()
