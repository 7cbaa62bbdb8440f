"""The checks of the reference and of the words find what they are for, and nothing in a docstring that has its form."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = '''"""A module."""

from dataclasses import dataclass


@dataclass
class Pair:
    """Two numbers.

    Attributes:
        one: The first number.
        other: The second number.
    """

    one: int
    other: int


def halved(value: int) -> int:
    """Return half of a number.

    Args:
        value: An even number.

    Raises:
        ValueError: The number is odd.
    """
    if value % 2:
        raise ValueError("odd")
    return value // 2
'''


@pytest.fixture
def project(repository: Path, tmp_path: Path) -> Path:
    for folder in ("sharefind", "cli", "datasets", "docs/reference", ".ci"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/reference/all.md").write_text("::: sharefind\n")
    (tmp_path / ".ci/rooms.txt").write_text("# a comment\nsharefind\n")
    (tmp_path / ".ci/prose.txt").write_text((repository / ".ci/prose.txt").read_text())
    return tmp_path


Check = Callable[[str, str], tuple[int, str]]


@pytest.fixture
def check(repository: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run a script of .ci on a module; return the exit status and what it prints."""

    def checked(script: str, text: str) -> tuple[int, str]:
        (project / "sharefind/__init__.py").write_text(text)
        return run(repository / ".ci" / script, ["--root", str(project)]), capsys.readouterr().out

    return checked


def run(script: Path, arguments: list[str]) -> int:
    spec = importlib.util.spec_from_file_location(f"ci_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)  # its dataclasses look themselves up there
        patch.syspath_prepend(script.parent)  # as Python does for a script
        spec.loader.exec_module(module)
        return int(module.main(arguments))


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("", "", ""),
        ("        value: An even number.\n", "        value:\n", "halved: parameter value: not in the table"),
        ("        value: An", "        number: An", "halved: parameter number: documented, but not there"),
        ("        other: The second number.\n", "", "Pair: field other: not in the table"),
        (
            "        ValueError: The number is odd.",
            "        KeyError: Never.",
            "exception ValueError: not in",
        ),
        ("Return half of a number", "Half of a number", "return halved: no section Returns"),
        (
            "\n    Args:\n        value: An even number.\n",
            "    Args: value: An even number.\n",
            "`Args:`: in running text",
        ),
        (
            "    Raises:\n",
            "    Example:\n        >>> halved(4)\n        2\n\n    Raises:\n",
            "`Example:`: shown as running text",
        ),
        ("An even number", "An even number, 2*k for k in 0*k", "asterisks are read as emphasis"),
        ("An even number", "An *even* number, `2*k` for k in `0*k`", ""),
        ("    Raises:\n", "    Examples:\n        >>> halved(4)\n        2\n\n    Raises:\n", ""),
    ],
)
def test_what_the_reference_would_not_show_is_found(check: Check, old: str, new: str, finding: str) -> None:
    pytest.importorskip("griffe")
    status, said = check("reference.py", GOOD.replace(old, new))
    assert status == bool(finding) and finding in said, said


def test_turns_of_phrase_are_found_in_docstrings_comments_and_messages(check: Check) -> None:
    planted = GOOD.replace("Two numbers.", "Of two, nobody is told\n    so many.").replace('"odd"', '"that is said"')
    status, said = check("prose.py", f"{planted}\n# what is\n# left to others\n")
    assert status == 1
    for found in ("nobody", "is told", "so many", "is said", "is # left to", '"""Of'):
        assert f"'{found}'" in said, said
    assert check("prose.py", GOOD)[0] == 0


def test_turns_of_phrase_are_found_in_pages_but_not_in_their_code(check: Check, project: Path) -> None:
    page = project / "docs/page.md"
    page.write_text("# A page\n\n```text\nnobody is told\n```\n\nA yardstick that nobody\nis told of.\n")
    status, said = check("prose.py", GOOD)
    assert status == 1 and f"{page}:7: 'nobody'" in said and f"{page}:8: 'is told'" in said
    assert "2 turns of phrase" in said, said


def test_a_path_is_left_out_only_with_a_reason(check: Check, project: Path) -> None:
    (project / "sharefind/later.py").write_text('"""Nobody wrote this yet."""\n')
    assert check("prose.py", GOOD)[0] == 1
    rooms = project / ".ci/rooms.txt"
    rooms.write_text("sharefind\nexcept sharefind/later.py  # it is written next\n")
    assert check("prose.py", GOOD)[0] == 0
    for line, fault in (("sharefind/later.py", "give a reason"), ("sharefind/gone.py  # moved", "there is no")):
        rooms.write_text(f"sharefind\nexcept {line}\n")
        with pytest.raises(ValueError, match=fault):
            check("prose.py", GOOD)
