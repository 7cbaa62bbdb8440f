"""Check that the built reference shows every public parameter, field, return and exception.

Run `python .ci/reference.py`; .ci/check does. Docstrings are read by griffe with the Google parser, as mkdocstrings
reads them. The rooms of .ci/rooms.txt must pass; `--all` lists the findings of every module in the reference, and
`--count` prints how much of each room is shown. Needs the extra docs.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import griffe
from rooms import Rooms, read_rooms

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "sharefind"

Kind = griffe.DocstringSectionKind

OPTIONS = {"returns_multiple_items": False, "warnings": False}
"""Options of the Google parser; mkdocs.yml has the first one, too."""

NOT_PROMISED = {"AssertionError", "NotImplementedError", "StopIteration"}
"""Exceptions that need no entry: they point to a fault in the code, or belong to Python's own protocols."""

HEADING = re.compile(r"\b(Args|Arguments|Parameters|Attributes|Raises|Returns|Yields):(\s|$)")
VERBATIM = re.compile(r"`[^`]*`|\$[^$]*\$|\\\*|^\s*>>>.*$|^ {4}.*$", re.MULTILINE)
EMPHASIS = re.compile(r"(?<![\w*(])\*\w[^*]*\w\*(?![\w*])")
ASTERISK = re.compile(r"(?<=\S)\*|\*(?=\S)")
EXCEPTION = re.compile(r"\b[A-Z]\w*Error\b")


@dataclass(frozen=True)
class Item:
    """One thing that the reference must show.

    Attributes:
        room: Folder or module of the checkout, for example `sharefind/spaces`.
        place: File and line.
        owner: The dotted path of the function or class.
        what: "parameter", "field", "return" or "exception".
        name: Its name; for a return, the name of the function.
        fault: Why the reference does not show it; empty where it does.
    """

    room: str
    place: str
    owner: str
    what: str
    name: str
    fault: str

    def __str__(self) -> str:
        return f"{self.place}: {self.owner}: {self.what} {self.name}: {self.fault}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings.

    Args:
        arguments: Command-line arguments; None reads those of the process.

    Returns:
        0 if everything in the finished rooms is shown, else 1.
    """
    parser = argparse.ArgumentParser(prog="python .ci/reference.py", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="the checkout")
    parser.add_argument("--all", action="store_true", help="check every room of the reference")
    parser.add_argument("--count", action="store_true", help="print shown / all of each room")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="check these rooms instead of those of .ci/rooms.txt")
    asked = parser.parse_args(arguments)
    rooms = Rooms(tuple(map(Path, asked.rooms))) if asked.rooms else read_rooms(asked.root)
    with tempfile.TemporaryDirectory() as layout:
        items = list(read_items(asked.root, Path(layout)))
    if asked.count:
        print(*_table(items), sep="\n")
    chosen = [item for item in items if asked.all or rooms.holds(Path(item.place.partition(":")[0]))]
    faults = [str(item) for item in chosen if item.fault]
    print(*faults, f"{len(chosen) - len(faults)} of {len(chosen)} shown in the reference", sep="\n")
    return 1 if faults else 0


def _table(items: Iterable[Item]) -> Iterator[str]:
    totals, shown = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for item in items:
        for key in ((item.room, item.what), ("all", item.what), (item.room, "all"), ("all", "all")):
            totals[key] += 1
            shown[key] += not item.fault
    columns = ["parameter", "field", "return", "exception", "all"]
    yield " ".join([f"{'room':38}", *(f"{column:>12}" for column in columns)])
    for room in [*sorted({room for room, _ in totals} - {"all"}), "all"]:
        cells = [f"{shown[room, column]} / {totals[room, column]}" for column in columns]
        yield " ".join([f"{room:38}", *(f"{cell:>12}" for cell in cells)])


def read_items(root: Path, layout: Path) -> Iterator[Item]:
    """Read everything public that the pages in docs/reference list.

    Args:
        root: The checkout.
        layout: An empty folder, for the package as a wheel installs it.

    Yields:
        Every parameter, field, return and exception, with the reason why it is not shown where it is not.
    """
    # griffe follows no links, and the folders cli and datasets are installed inside the package.
    shutil.copytree(root / PACKAGE, layout / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("cli", "datasets"):
        shutil.copytree(root / folder, layout / PACKAGE / folder, ignore=shutil.ignore_patterns("__pycache__"))
    loader = griffe.GriffeLoader(search_paths=[layout], docstring_parser="google", docstring_options=OPTIONS)
    package = loader.load(PACKAGE, try_relative_path=False)
    loader.resolve_aliases(external=False)
    for module in _listed(package, root / "docs/reference"):
        path = Path(str(module.filepath)).relative_to(layout)
        path = path if (root / path).exists() else path.relative_to(PACKAGE)
        raised = dict(_raised(ast.parse((root / path).read_text(encoding="utf-8"))))
        yield from _Reader(module, path, raised).items()


def _listed(package: griffe.Module, pages: Path) -> Iterator[griffe.Module]:
    """Yield the modules that the pages list, each once."""
    seen = set()
    for page in sorted(pages.glob("*.md")):
        for found in re.finditer(r"^::: (\S+)\n((?: +.*\n)*)", page.read_text(encoding="utf-8") + "\n", re.MULTILINE):
            module = package if found[1] == package.path else package[found[1].removeprefix(f"{package.path}.")]
            for each in _with_submodules(module) if "show_submodules: true" in found[2] else [module]:
                if each.path not in seen:
                    seen.add(each.path)
                    yield each


def _with_submodules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for name, member in module.members.items():
        if not name.startswith("_") and not member.is_alias and member.is_module:
            yield from _with_submodules(member)


def _raised(tree: ast.AST, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield the dotted name of each function with the exceptions that its own statements raise."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _raised(node, f"{path}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path}{node.name}", set(_raised_names(node)) - NOT_PROMISED
        elif isinstance(node, ast.If):
            yield from _raised(node, path)


def _raised_names(node: ast.AST) -> Iterator[str]:
    """Yield the classes that a function raises itself, except those that it catches itself."""
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = ast.unparse(raised).rpartition(".")[2]
        if name[:1].isupper():
            yield name
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        is_tried = isinstance(node, ast.Try) and child in node.body
        caught = _caught_names(node) if is_tried else set()
        yield from (name for name in _raised_names(child) if name not in caught and not caught & {"", "Exception"})


def _caught_names(node: ast.Try) -> set[str]:
    """Return the classes that the handlers catch; "" for a handler of all."""
    caught = [h.type.elts if isinstance(h.type, ast.Tuple) else [h.type] for h in node.handlers]
    return {"" if t is None else ast.unparse(t).rpartition(".")[2] for group in caught for t in group}


@dataclass(frozen=True)
class _Reader:
    """Reads the items of one module."""

    module: griffe.Module
    path: Path
    raised: dict[str, set[str]]

    def items(self) -> Iterator[Item]:
        yield from self._headings(self.module)
        for member in self._public(self.module):
            if member.is_class:
                yield from self._class(member)
            elif member.is_function:
                yield from self._function(member)

    @staticmethod
    def _public(owner: griffe.Object) -> Iterator[griffe.Object]:
        for name, member in owner.members.items():
            if not name.startswith("_") and not member.is_alias:
                yield member

    def _item(self, owner: griffe.Object, what: str, name: str, fault: str) -> Item:
        parts = self.path.parts
        room = "/".join(parts[:1] if parts[0] != PACKAGE else parts[:2])
        return Item(room, f"{self.path}:{owner.lineno or 1}", owner.path, what, name, fault)

    def _class(self, owner: griffe.Class) -> Iterator[Item]:
        entries = _entries(owner, Kind.attributes, Kind.parameters)
        inherited = {name for base in _bases(owner) for name in self._known(base)}
        fields = {m.name for m in self._public(owner) if m.is_attribute} - {"model_config"}
        parameters = _parameters(owner) if "dataclass" not in owner.labels else set()
        for name in sorted(fields | parameters):
            member = owner.members.get(name)
            is_shown = name in entries or name in inherited or (member is not None and member.docstring is not None)
            what = "parameter" if name in parameters and name not in fields else "field"
            yield self._item(owner, what, name, "" if is_shown else "not in the table of the class")
        members = {name for base in (owner, *_bases(owner)) for name in base.members}
        known = fields | parameters | _parameters(owner) | members | inherited
        yield from self._strangers(owner, "field", entries - known)
        yield from self._headings(owner)
        for member in self._public(owner):
            if member.is_class:
                yield from self._class(member)
            elif member.is_function:
                yield from self._function(member)
            elif "property" in member.labels:
                yield from self._exceptions(member)
                yield from self._headings(member)

    @staticmethod
    def _known(base: griffe.Class) -> set[str]:
        documented = {name for name, member in base.members.items() if member.docstring is not None}
        return documented | _entries(base, Kind.attributes, Kind.parameters)

    def _function(self, function: griffe.Function) -> Iterator[Item]:
        if _is_command(function):
            return
        overridden = [m for m in map(lambda base: base.members.get(function.name), _overridden(function)) if m]
        own, inherited = _entries(function, Kind.parameters), set[str]()
        for method in overridden:
            inherited |= _entries(method, Kind.parameters)
        for name in sorted(_parameters(function)):
            fault = "" if name in own | inherited else "not in the table of parameters"
            yield self._item(function, "parameter", name, fault)
        yield from self._strangers(function, "parameter", own - _parameters(function))
        if str(function.returns or "None") not in ("None", "NoReturn", "Never"):
            is_shown = any(_shows_return(f) for f in (function, *overridden))
            fault = "" if is_shown else "no section Returns or Yields; a summary that begins with Return counts, too"
            yield self._item(function, "return", function.name, fault)
        yield from self._exceptions(function, overridden)
        yield from self._headings(function)

    def _strangers(self, owner: griffe.Object, what: str, names: Iterable[str]) -> Iterator[Item]:
        for name in sorted(names):
            yield self._item(owner, what, name, "documented, but not there")

    def _exceptions(self, owner: griffe.Object, overridden: Sequence[griffe.Object] = ()) -> Iterator[Item]:
        own = _exception_names(owner)
        entries = own.union(*map(_exception_names, overridden))
        within = owner.path.removeprefix(f"{self.module.path}.")
        text = " ".join(_texts(owner))
        for name in sorted(own | self.raised.get(within, set()) | set(EXCEPTION.findall(text))):
            fault = "" if name in entries else "not in the section Raises"
            yield self._item(owner, "exception", name, fault)

    def _headings(self, owner: griffe.Object) -> Iterator[Item]:
        for text in _texts(owner):
            for found in HEADING.finditer(text):
                fault = "in running text; give the section a paragraph of its own and each entry a line"
                yield self._item(owner, "field", f"`{found[1]}:`", fault)
        for block in _blocks(owner):
            left = EMPHASIS.sub("", VERBATIM.sub("", block))
            if len(ASTERISK.findall(left)) > 1:
                words = " ".join(block.split())[:40]
                fault = "asterisks are read as emphasis; put expressions in backticks"
                yield self._item(owner, "field", f"{words!r}", fault)
        for section in _sections(owner):
            if section.kind is Kind.admonition and section.title == "Example":
                fault = "shown as running text; write `Examples:`, which is shown as code"
                yield self._item(owner, "field", "`Example:`", fault)


def _sections(owner: griffe.Object) -> list[griffe.DocstringSection]:
    return [] if owner.docstring is None else owner.docstring.parse("google", **OPTIONS)


def _texts(owner: griffe.Object) -> list[str]:
    return [section.value for section in _sections(owner) if section.kind is Kind.text]


def _blocks(owner: griffe.Object) -> Iterator[str]:
    """Yield what Markdown reads as one: each paragraph of the text, and each description in a table."""
    for section in _sections(owner):
        if section.kind is Kind.text:
            yield from re.split(r"\n\s*\n", section.value)
        elif section.kind in (Kind.attributes, Kind.parameters, Kind.raises, Kind.returns, Kind.yields):
            yield from (entry.description for entry in section.value)


def _entries(owner: griffe.Object, *kinds: griffe.DocstringSectionKind) -> set[str]:
    return {e.name.lstrip("*") for s in _sections(owner) if s.kind in kinds for e in s.value if e.description.strip()}


def _exception_names(owner: griffe.Object) -> set[str]:
    entries = [entry for section in _sections(owner) if section.kind is Kind.raises for entry in section.value]
    return {str(entry.annotation).rpartition(".")[2] for entry in entries if entry.description.strip()}


def _shows_return(function: griffe.Object) -> bool:
    sections = _sections(function)
    is_told = bool(sections) and sections[0].kind is Kind.text and re.match(r"(Return|Yield)s?\b", sections[0].value)
    return bool(is_told) or any(section.kind in (Kind.returns, Kind.yields) for section in sections)


def _parameters(owner: griffe.Function | griffe.Class) -> set[str]:
    return {p.name for p in owner.parameters if p.name not in ("self", "cls") and not p.name.startswith("_")}


def _is_command(function: griffe.Function) -> bool:
    """Whether this is a command, such as `sharefind.cli.inspect.inspect`: `--help` lists its options."""
    return function.path == f"{PACKAGE}.cli.{function.name}.{function.name}"


def _bases(owner: griffe.Class) -> list[griffe.Class]:
    try:
        return list(owner.mro())
    except ValueError:  # a base outside the package
        return []


def _overridden(function: griffe.Function) -> list[griffe.Class]:
    return _bases(function.parent) if function.parent is not None and function.parent.is_class else []


if __name__ == "__main__":
    sys.exit(main())
