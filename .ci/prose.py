"""Check docstrings, comments, messages and pages for turns of phrase that a newcomer stumbles over.

Run `python .ci/prose.py`; .ci/check does. The patterns are regular expressions in .ci/prose.txt, each with what to
write instead. The rooms of .ci/rooms.txt and the pages must pass; other paths can be named on the command line.
"""

from __future__ import annotations

import argparse
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rooms import read_rooms, text_lines

ROOT = Path(__file__).resolve().parent.parent

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")
"""The pages: Markdown files, and folders of them."""

CODE_ONLY = "in code: "
"""How the advice of a pattern begins that pages need not follow: they define the word."""

FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each turn of phrase with its place and what to write instead.

    Args:
        arguments: Command-line arguments; None reads those of the process.

    Returns:
        0 if nothing was found, else 1.
    """
    parser = argparse.ArgumentParser(prog="python .ci/prose.py", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="the checkout")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="check these rooms instead of those of .ci/rooms.txt")
    asked = parser.parse_args(arguments)
    patterns = dict(read_patterns(asked.root / ".ci/prose.txt"))
    paths = _modules(asked.root / room for room in asked.rooms) if asked.rooms else _checked(asked.root)
    found = [line for path in paths for line in findings(path, patterns)]
    print(*found, f"{len(found)} turns of phrase to change", sep="\n")
    return 1 if found else 0


def read_patterns(path: Path) -> Iterator[tuple[re.Pattern[str], str]]:
    """Read patterns, each with what to write instead.

    Args:
        path: A text file; each line holds a regular expression, ` => ` and the advice.

    Yields:
        The pattern, which ignores case and matches across line ends, and the advice.
    """
    for line in text_lines(path):
        pattern, _, advice = line.partition(" => ")
        yield re.compile(pattern.strip().replace(" ", r"\s+(?:#\s*)?"), re.IGNORECASE), advice.strip()


def _checked(root: Path) -> list[Path]:
    """The modules of .ci/rooms.txt, and the pages."""
    rooms = read_rooms(root)
    modules = [path for path in _modules(root / room for room in rooms.checked) if rooms.holds(path.relative_to(root))]
    return [*modules, *_modules(root / page for page in PAGES if (root / page).exists())]


def _modules(rooms: Iterable[Path]) -> list[Path]:
    """The modules and pages in folders; other paths stand for themselves."""
    return [
        path
        for room in rooms
        for path in (sorted([*room.rglob("*.py"), *room.rglob("*.md")]) if room.is_dir() else [room])
    ]


def findings(path: Path, patterns: dict[re.Pattern[str], str]) -> Iterator[str]:
    """Search the words of one module or page.

    Args:
        path: The module or page.
        patterns: What is searched for, each with what to write instead.

    Yields:
        One line for each match: file, line, the words found, and the advice.
    """
    is_page = path.suffix == ".md"
    for start, text in page_words(path) if is_page else words(path):
        for pattern, advice in patterns.items():
            for match in () if is_page and advice.startswith(CODE_ONLY) else pattern.finditer(text):
                found = " ".join(match[0].split())
                yield f"{path}:{start + text.count(chr(10), 0, match.start())}: {found!r}: {advice}"


def words(path: Path) -> Iterator[tuple[int, str]]:
    """Read the words of one module.

    Args:
        path: The module.

    Yields:
        The first line and the text of each string and of each run of comments.
    """
    comment: list[str] = []
    first = 0
    parts = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}  # f-strings from Python 3.12
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                first = first if comment else token.start[0]
                comment.append(token.string)
            elif token.type != tokenize.NL:
                if comment:
                    yield first, "\n".join(comment)
                    comment = []
                if token.type in parts:
                    yield token.start[0], token.string


def page_words(path: Path) -> Iterator[tuple[int, str]]:
    """Read the words of one page, without its blocks of code.

    Args:
        path: A Markdown file.

    Yields:
        The number of the first line, 1, and the text.
    """
    yield 1, FENCE.sub(lambda block: "\n" * block[0].count("\n"), path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
