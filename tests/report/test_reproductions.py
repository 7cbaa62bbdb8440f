"""Tables of reproductions: every statement with its verdict, every failed check by its name."""

import io
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from sharefind.paper import Check, Outcome, Reproduction
from sharefind.report.text.reproductions import checks_table, summary_table

GOOD = Check("distance to [wi] measures", 1.25e-7, "<=", 1e-6)
BAD = Check("control: without the [bold]group[/bold]", 0.5, ">=", 2.0)
NAN = Check("what could not be measured", math.nan, "<=", 1.0)


def _found(name: str, *checks: Check, notes: tuple[str, ...] = (), wall_s: float = 12.34) -> Reproduction:
    outcome = Outcome((), checks, (), f"the figure of {name} [x]", notes)
    result: dict[str, Any] = {
        "name": name,
        "statement": f"Statement {name[-1]}",
        "claim": f"what {name} says",
        "wall_s": wall_s,
    }
    return Reproduction(outcome, result, Path("out") / name)


def _text(renderable: RenderableType, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def _line(text: str, start: str) -> str:
    (line,) = [line for line in map(str.strip, text.splitlines()) if line.startswith(start)]
    return line


def test_the_summary_has_a_line_for_each_and_names_what_failed() -> None:
    text = _text(summary_table([_found("thm-1", GOOD), _found("thm-2", GOOD, BAD, NAN), _found("thm-3", GOOD)]))
    for name, verdict in (("thm-1", "holds"), ("thm-2", "fails"), ("thm-3", "holds")):
        line = _line(text, f"{name}  ")
        assert line.split() == [
            *(name, "Statement", name[-1]),
            *("the", "figure", "of", name, "[x]", verdict, "12"),
        ]
    failed = _line(text, "thm-2 fails: ")
    assert failed == f"thm-2 fails: {BAD.name}; {NAN.name}"
    assert text.count("fails:") == 1
    assert _line(text, "2 of 3 hold") == "2 of 3 hold; numbers and pictures in out"


def test_a_demonstration_without_checks_does_not_hold() -> None:
    text = _text(summary_table([_found("thm-1")]))
    assert "fails" in _line(text, "thm-1  ")
    assert _line(text, "thm-1 fails") == "thm-1 fails: nothing was checked"
    assert "0 of 1 hold" in text


def test_one_statement_has_every_check_with_its_bound() -> None:
    text = _text(checks_table(_found("thm-2", GOOD, BAD, NAN, notes=("measured [on] a note",))))
    assert text.startswith("Statement 2: what thm-2 says\n")
    assert _line(text, "distance to [wi]").split()[-4:] == ["1.25e-07", "<=", "1e-06", "ok"]
    assert _line(text, BAD.name).split()[-4:] == ["0.5", ">=", "2", "FAILS"]
    assert _line(text, NAN.name).split()[-4:] == ["nan", "<=", "1", "FAILS"]
    assert _line(text, "Statement 2 ") == "Statement 2 fails: the figure of thm-2 [x]"
    assert _line(text, "note: ") == "note: measured [on] a note"
    assert _line(text, "files: ") == "files: out/thm-2"


def test_a_statement_that_holds_says_so() -> None:
    text = _text(checks_table(_found("thm-1", GOOD)))
    assert _line(text, "Statement 1 ").startswith("Statement 1 holds: ")
    assert "FAILS" not in text
    assert "note:" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_fit_and_nothing_is_cut(width: int) -> None:
    long = Check("a claim that goes on " * 8 + "to its end", 1.234e-100, "<=", 9.87e-100)
    found = [_found("thm-1", long, BAD), _found("heuristic-9", GOOD, wall_s=123456.7)]
    for part in (summary_table(found), checks_table(found[0])):
        text = _text(part, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
    table = _text(checks_table(found[0]), width)
    assert "1.23e-100" in table
    assert "<= 9.87e-100" in table
    assert "its end" in " ".join(table.split())
    assert "123457" in _text(summary_table(found), width)
