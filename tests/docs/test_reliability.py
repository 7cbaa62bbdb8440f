"""Every row of docs/reliability.md names a test that exists, and there are as many rows as were asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FEWEST = 60

ROW = re.compile(r"^\| (?P<fault>[^|]+) \| (?P<answer>[^|]+) \| `(?P<test>tests/[^`]+)` \|$", re.MULTILINE)


def known_tests(repository: Path, files: set[str], collected: frozenset[str]) -> set[str]:
    """Node ids of all tests in these files, and of those with parameters the id without.

    A session of all tests has collected them; another one collects these files.
    """
    if files <= {test.partition("::")[0] for test in collected}:
        return collected | {test.partition("[")[0] for test in collected}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-m", "", *sorted(files)]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    ids = {line for line in listed.splitlines() if line.startswith("tests/")}
    return ids | {test.partition("[")[0] for test in ids}


def test_every_row_names_a_test(repository: Path, collected: frozenset[str]) -> None:
    page = (repository / "docs" / "reliability.md").read_text()
    rows = list(ROW.finditer(page))
    tests = [row["test"].replace("\\|", "|") for row in rows]
    assert len(rows) >= FEWEST
    assert len(rows) == sum(line.startswith("| ") and "tests/" in line for line in page.splitlines())
    assert len({row["fault"] for row in rows}) == len(rows)
    known = known_tests(repository, {test.partition("::")[0] for test in tests}, collected)
    assert [test for test in tests if test not in known] == []
