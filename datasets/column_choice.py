"""Which columns a list of names, globs, ranges and positions means, such as `well_*_m, pressure_Pa, 3..5`."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sharefind.errors import DataError, quoted, setting, visible

QUOTED = r'"(?:[^"]|"")*+"'
END = rf'{QUOTED}|[^"]*?'
ITEM = re.compile(rf"(?P<first>{END})(?:\s*\.\.\s*(?P<last>{END}))?")
GLOB = re.compile(r"[*?\[]")
WORDS_APART = re.compile(rf'((?:{QUOTED}|[^,"])*+)(,|$)')


@dataclass(frozen=True)
class Choice:
    """Columns that one item of a list means.

    Attributes:
        positions: Positions of the columns, counted from 0.
        is_named: Whether each was named, so that none of them may be left out in silence.
    """

    positions: tuple[int, ...]
    is_named: bool


@dataclass(frozen=True)
class Columns:
    """The columns among which is chosen.

    Attributes:
        header: Their names, in the order of the file.
        source: Beginning of every message.
        kind: Name for one of them: "column" or "array".
    """

    header: Sequence[str]
    source: str
    kind: str = "column"

    def refused(self, what: str) -> DataError:
        """Return an error about these columns.

        Args:
            what: The fault and the remedy.
        """
        return DataError(f"{self.source}: {what}")

    def name(self, position: int) -> str:
        """Return the name of a column; its position where it has none.

        Args:
            position: Position of the column.
        """
        return self.header[position] or str(position)

    def chosen(self, text: str, role: str) -> Iterator[Choice]:
        """Yield the columns of each item of a list.

        Args:
            text: The list, whose items are separated by commas.
            role: The setting that holds the list.

        Raises:
            DataError: An item is empty, unknown, matches nothing or is a range that runs backwards.
        """
        for item in self._items(text, role):
            yield self._choice(item, role)

    def _items(self, text: str, role: str) -> Iterator[str]:
        place = 0
        while True:
            match = WORDS_APART.match(text, place)
            if match is None:
                raise self.refused(
                    f"{setting(role)} {quoted(text)} has a double quote without its partner; a name with a double "
                    'quote in it is written like "5"" pipe"'
                )
            item = match[1].strip()
            if not item:
                raise self.refused(
                    f"{setting(role)} {quoted(text)} has an empty item; give names, such as {self.example()}"
                )
            yield item
            if not match[2]:
                return
            place = match.end()

    def example(self) -> str:
        """Return a name of these columns, as it is written in a list."""
        return visible(written(self.name(0))) if self.header else "a_name"

    def _choice(self, item: str, role: str) -> Choice:
        if item in self.header:
            return Choice((self._only(item),), is_named=True)
        match = ITEM.fullmatch(item)
        if match is None:
            raise self.refused(f"{setting(role)}: {quoted(item)} is half in double quotes; quote the whole name")
        if match["last"] is not None:
            first, last = self._end(match["first"], role), self._end(match["last"], role)
            if last < first:
                one, other = self.name(first), self.name(last)
                raise self.refused(
                    f"{setting(role)} {visible(item)}: {quoted(one)} stands behind {quoted(other)} in the file; write "
                    f"the range as {visible(written(other))}..{visible(written(one))}"
                )
            return Choice(tuple(range(first, last + 1)), is_named=False)
        if not item.startswith('"') and GLOB.search(item):
            return Choice(self._matching(item, role), is_named=False)
        return Choice((self._end(item, role),), is_named=True)

    def _matching(self, glob: str, role: str) -> tuple[int, ...]:
        found = tuple(k for k, name in enumerate(self.header) if fnmatch.fnmatchcase(name, glob))
        if not found:
            raise self.refused(f"{setting(role)}: no {self.kind} matches {quoted(glob)}; {self.listing()}")
        return found

    def _end(self, text: str, role: str) -> int:
        """Position of a column that is given by its name, in double quotes or without, or by its position."""
        name = text[1:-1].replace('""', '"') if text.startswith('"') else text.strip()
        if not text.strip():
            raise self.refused(f"{setting(role)}: a range needs both ends; give it as first..last")
        if name in self.header and name:
            return self._only(name)
        if text == name and re.fullmatch(r"[0-9]{1,9}", name):
            if int(name) < len(self.header):
                return int(name)
            raise self.refused(
                f"{setting(role)}: there is no {self.kind} {name}; positions run from 0 to {len(self.header) - 1}"
            )
        raise self.unknown(name, role)

    def unknown(self, name: str, role: str) -> DataError:
        """Return the error of a setting that names no column of these; it gives the nearest one.

        Args:
            name: The unknown name.
            role: The setting.
        """
        near = difflib.get_close_matches(name, [known for known in self.header if known], n=1)
        hint = f"did you mean {quoted(near[0])}?" if near else self.listing()
        return self.refused(f"no {self.kind} {quoted(name)} for {setting(role)}; {hint}")

    def _only(self, name: str) -> int:
        if list(self.header).count(name) > 1:
            raise self.refused(self.twice(name))
        return self.header.index(name)

    def twice(self, name: str) -> str:
        """Return what is wrong where several columns have one name.

        Args:
            name: The name.
        """
        count = list(self.header).count(name)
        if self.kind == "array":
            return f"{count} arrays are called {name!r}; save it with numpy.savez(path, x=x, y=y)"
        return f"{self.kind} {quoted(name)} is given twice; rename one of them, or tell them apart by position"

    def listing(self, most: int = 12, letters: int = 300) -> str:
        """Return words that list the columns of the file.

        Args:
            most: Most names that are listed.
            letters: Most characters of them.
        """
        names = [name or "(no name)" for name in self.header]
        if len(names) > most:
            names = [*names[: most - 1], "...", names[-1]]
        held = quoted(", ".join(names), letters) if names else "none"
        return f"the file has {held}"


def first_twin(names: Sequence[str]) -> str | None:
    """Return the first name that occurs twice; None where all differ, which takes little time for many names.

    Args:
        names: The names.
    """
    return next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None


def written(name: str) -> str:
    """Return a name as it is written in a list: in double quotes where it would otherwise be read as something else.

    Args:
        name: The name.
    """
    plain = name and not re.search(r'[,"*?\[]|\.\.|^[\s.]|[\s.]$', name)
    return name if plain else '"{}"'.format(name.replace('"', '""'))
