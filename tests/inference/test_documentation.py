"""The examples of the pages on symmetry tests run and find what the pages say."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def examples(page: str, language: str = "python") -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def run(tmp_path: Path, source: str) -> dict[str, Any]:
    script = tmp_path / "example.py"
    script.write_text(source, encoding="utf-8")
    return runpy.run_path(str(script))


def test_the_family_of_the_square(tmp_path: Path) -> None:
    found = run(tmp_path, examples("symmetry-tests.md")[0])["found"]
    assert found.maximal == ("V4:<(0 2), (1 3)>",)
    assert set(found.accepted) == {"V4:<(0 2), (1 3)>", "C2:<(0 2)>", "C2:<(1 3)>", "C2:<(0 2)(1 3)>"}
    assert "C4" in found.rejected


@pytest.mark.slow
def test_the_worked_example_tells_inputs_from_relation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (printed,) = examples("symmetry-tests.md", "text")
    run(tmp_path, examples("symmetry-tests.md")[1])
    found = capsys.readouterr().out.splitlines()
    ends = [line.rsplit(": ", 1)[1] for line in printed.splitlines()]
    assert [line.rsplit(": ", 1)[1] for line in found] == ends == ["inputs", "relation", "undetermined"]
    assert [line.split(", ")[:2] for line in found] == [line.split(", ")[:2] for line in printed.splitlines()]


@pytest.mark.slow
def test_the_relation_of_skewed_inputs(tmp_path: Path) -> None:
    found = run(tmp_path, examples("symmetry-tests.md")[2])["found"]
    assert found.family.maximal == ("V4:<(0 2), (1 3)>",) and found.one_sided == ()
    assert set(found.family.rejected) == {"B2", "C4", "V4", "C2:<(0 1)(2 3)>", "C2:<(0 3)(1 2)>"}


@pytest.mark.slow
def test_the_rotations_of_a_plane_and_the_axis(tmp_path: Path) -> None:
    first, second = examples("continuous-symmetries.md")
    # The second goes on from the first, as a reader does.
    names = run(tmp_path, f"{first}\nfirst_found = found\n{second}")
    assert names["first_found"].found == {(0, 1): "C7"}
    assert names["found"].name == "so(2)"


def test_the_signed_partition(tmp_path: Path) -> None:
    (source,) = examples("partitions.md")
    found = run(tmp_path, source)["found"]
    assert found.labels.tolist() == [1, -1, 1, -1, 1, 0] and found.resolved
