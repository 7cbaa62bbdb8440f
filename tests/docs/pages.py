"""The commands and examples of a Markdown page: read from its code blocks, run in one folder, held against the page.

`bash` blocks are commands; `text` blocks with lines that begin with "$ " are commands with their output; `python` and
`pycon` blocks share one namespace a page. A comment in front of a block says what is different about it:

    <!-- elsewhere: tests/cli/test_interrupts.py -->    not run here, but by that file
    <!-- figures vary -->                               words are compared, numbers are not (times)
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sharefind.cli import main

RELATIVE, ABSOLUTE = 0.1, 1e-6
"""How far a printed figure may lie from the page's: other processors add in another order."""

FAILURES = (1, 2)
"""Exit statuses of a command whose page shows an error."""

BLOCK = re.compile(
    r"(?:<!-- (?P<remark>[^>]*?) -->\n+)?^(?P<indent> *)```(?P<language>[a-z]+)[^\n]*\n(?P<body>.*?)^(?P=indent)```",
    flags=re.DOTALL | re.MULTILINE,
)
NUMBER = re.compile(r"(?<![A-Za-z^_])[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?")
FOLDER = re.compile(r"(?<!\S)/(?:[^/\s]+/)+")
SECONDS = re.compile(r"(?:[\d,.]+ (?:s|min) to )?[\d,.]+ (?:s|min)\b")
"""A time, or a range of times: it depends on the machine which of them is printed."""


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: Path
    language: str
    body: str
    remark: str = ""

    @property
    def elsewhere(self) -> str | None:
        """The file that runs it, None if this one does."""
        head, found, name = self.remark.partition("elsewhere: ")
        return name.strip() if found and not head else None

    @property
    def figures_vary(self) -> bool:
        return self.remark == "figures vary"

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """Commands with the lines that they are to print; nothing is compared after a command of a bash block."""
        if self.language == "bash":
            lines = self.body.replace("\\\n", " ").splitlines()
            plain = (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines)
            return [(line, ["..."]) for line in plain if line]
        if self.language != "text" or not re.search(r"^\$ ", self.body, flags=re.MULTILINE):
            return []
        found: list[tuple[str, list[str]]] = []
        for line in self.body.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append((line[2:].strip(), []))
            elif found:
                found[-1][1].append(line)
        return found


def blocks(page: Path) -> list[Block]:
    """All code blocks of a page that have a language."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, m["language"], re.sub(rf"^{m['indent']}", "", m["body"], flags=re.MULTILINE), m["remark"] or "")
        for m in BLOCK.finditer(text)
    ]


@dataclass
class Reader:
    """Somebody who follows a page in the folder that is the current one."""

    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})

    def follow(self, block: Block) -> None:
        """Do what a block says and compare."""
        if block.elsewhere is not None:
            return
        if block.language == "python":
            exec(compile(block.body, str(block.page), "exec", dont_inherit=True), self.namespace)  # noqa: S102
        elif block.language == "pycon":
            self._session(block)
        for command, expected in block.commands:
            status, printed = run(command)
            wanted = FAILURES if any(line.startswith("error:") for line in expected) else (0,)
            assert status in wanted, f"{block.page.name}: {command}: status {status}\n{printed}"
            differing = difference(expected, printed.splitlines(), block.figures_vary)
            assert differing is None, f"{block.page.name}: {command}: {differing}\n{printed}"

    def _session(self, block: Block) -> None:
        for example in doctest.DocTestParser().get_examples(block.body):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(example.source, str(block.page), "single"), self.namespace)  # noqa: S102
            lines = printed.getvalue().splitlines()
            differing = difference(example.want.splitlines(), lines, block.figures_vary)
            assert differing is None, f"{block.page.name}: {example.source}{differing}"


def run(command: str) -> tuple[int, str]:
    """A command's exit status and all that it prints; sharefind in this process, everything else in a shell."""
    words = shlex.split(command)
    if words[0] == "sharefind":
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            status = main(words[1:])
        return status, printed.getvalue()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False
    )
    return done.returncode, done.stdout


def difference(expected: Sequence[str], printed: Sequence[str], figures_vary: bool = False) -> str | None:
    """The first line of the page that was not printed where it should be, None if all were.

    A line "..." stands for any number of lines; other lines follow each other without a gap.
    """
    real = [_words(line) for line in printed if _words(line).strip()]
    place, is_open = 0, False
    for line in (text for text in expected if _words(text).strip()):
        if line.strip() == "...":
            is_open = True
            continue
        matches = [k for k in range(place, len(real)) if same(_words(line), real[k], figures_vary)]
        if not matches or (not is_open and matches[0] != place):
            where = "" if is_open or place >= len(real) else f", but {real[place]!r}"
            return f"{line!r} was not printed{where}"
        place, is_open = matches[0] + 1, False
    return None if is_open or place >= len(real) else f"{real[place]!r} was printed and is not on the page"


def same(expected: str, printed: str, figures_vary: bool = False) -> bool:
    """Whether two lines have the same words, and numbers that lie close to each other."""
    if NUMBER.split(expected) != NUMBER.split(printed):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(printed), strict=True)
    return figures_vary or all(_close(a, b, is_rounded="%" in expected) for a, b in pairs)


def _close(expected: str, printed: str, is_rounded: bool) -> bool:
    """Counts are equal, such as dimensions and orders; measured figures and rounded shares are close."""
    a, b = (float(text.replace(",", "")) for text in (expected, printed))
    if not is_rounded and expected.replace(",", "").isdigit():
        return a == b
    return abs(a - b) <= max(ABSOLUTE, RELATIVE * abs(a), 1.0 if is_rounded and abs(a) > 1 else 0.0)


def _words(line: str) -> str:
    """A line without times, without the folder that it was printed in, and without what depends on a column's width."""
    return re.sub(r"[ \u2500-\u257f]+", " ", FOLDER.sub("", SECONDS.sub("some s", line))).strip()
