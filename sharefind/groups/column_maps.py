"""Hand-written maps of columns: the image of each input and output, with its sign.

Each map acts on inputs and on outputs separately. Together the maps generate a candidate group.
`sharefind.datasets.map_file` reads the rows of a map.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.column_names import name_words
from sharefind.errors import GroupError, RepresentationError
from sharefind.exact.matrices import signed_permutation_matrix
from sharefind.groups.files import GeneratorFile, group_of_matrices
from sharefind.groups.linear_action import LinearAction
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class SignedColumns:
    """A signed permutation of columns: column k goes to column images[k], with its values multiplied by signs[k].

    Attributes:
        images: Positions, shape (d,), int64.
        signs: 1 or -1, shape (d,), int64.
    """

    images: IntArray
    signs: IntArray

    @classmethod
    def identity(cls, d: int) -> SignedColumns:
        """Return the map that fixes every column.

        Args:
            d: Number of columns.
        """
        return cls(np.arange(d, dtype=np.int64), np.ones(d, dtype=np.int64))

    @classmethod
    def of_image(cls, image: Sequence[int]) -> SignedColumns:
        """Return the map with a one-line notation.

        Args:
            image: Entry k is j if column k goes to column j, and -j if it goes to its negative; columns are counted
                from 1.
        """
        entries = np.array(image, dtype=np.int64)
        return cls(np.abs(entries) - 1, np.sign(entries))

    @property
    def image(self) -> list[int]:
        """One-line notation, as in `of_image`."""
        return [int(entry) for entry in (self.images + 1) * self.signs]

    @property
    def sources(self) -> IntArray:
        """The column from which each column comes, shape (d,), int64."""
        return np.argsort(self.images)

    def then(self, other: SignedColumns) -> SignedColumns:
        """Return the map that applies this map first and then another one.

        Args:
            other: The other map.
        """
        return SignedColumns(other.images[self.images], self.signs * other.signs[self.images])

    @property
    def period(self) -> int:
        """Smallest number of applications after which every column is back, with its sign."""
        periods = [1]
        for cycle in self.cycles():
            periods.append(len(cycle) * (2 if np.prod(self.signs[cycle]) < 0 else 1))
        return int(np.lcm.reduce(np.array(periods, dtype=np.int64)))

    def cycles(self) -> list[list[int]]:
        """Return the columns in cycles; a fixed column is a cycle of its own."""
        left, found = set(range(len(self.images))), list[list[int]]()
        while left:
            column, cycle = min(left), list[int]()
            while column not in cycle:
                cycle.append(column)
                column = int(self.images[column])
            left -= set(cycle)
            found.append(cycle)
        return found


@dataclass(frozen=True, eq=False)
class ColumnMap:
    """The action of one generator on the columns of x and of y.

    Attributes:
        inputs: The action on the columns of x.
        outputs: The action on the columns of y.
    """

    inputs: SignedColumns
    outputs: SignedColumns

    @property
    def period(self) -> int:
        """Smallest number of applications after which every column is back."""
        return int(np.lcm(self.inputs.period, self.outputs.period))


def column_maps(in_rep: LinearAction, out_rep: LinearAction) -> tuple[ColumnMap, ...] | None:
    """Return the action of the generators on columns; None if one does more than permute columns and change signs.

    Args:
        in_rep: The action on x.
        out_rep: The action on y.
    """
    if not (in_rep.is_sparse and out_rep.is_sparse):
        return None
    sides = (zip(*rep.sparse_generators, strict=True) for rep in (in_rep, out_rep))
    return tuple(
        ColumnMap(
            SignedColumns(a.astype(np.int64), s.astype(np.int64)), SignedColumns(b.astype(np.int64), t.astype(np.int64))
        )
        for (a, s), (b, t) in zip(*sides, strict=True)
    )


@dataclass(frozen=True)
class MapRow:
    """A line of a map as the user wrote it.

    Attributes:
        where: Its place for messages, such as "row 3".
        name: The column that moves.
        image: The column to which it goes.
        sign: 1 or -1.
    """

    where: str
    name: str
    image: str
    sign: int


@dataclass(frozen=True)
class WrittenMap:
    """Generators as the user wrote them, before inputs and outputs are distinguished.

    Attributes:
        source: Beginning of every message, such as the name of the file.
        name: Name of the group.
        generators: Rows by the name of the generator; "" if there is only one.
    """

    source: str
    name: str
    generators: Mapping[str, tuple[MapRow, ...]]

    def bound(self, inputs: Sequence[str], outputs: Sequence[str], limits: Limits = DEFAULT_LIMITS) -> GeneratorFile:
        """Return the group that the maps generate on given columns; columns without a row are fixed.

        Args:
            inputs: Names of the columns of x.
            outputs: Names of the columns of y.
            limits: Limits on the order of the group and on its points.

        Raises:
            GroupError: A name is unknown or occurs on both sides, a row is given twice, two columns have one image, or
                the group exceeds the limits.
            RepresentationError: A product of the maps is the identity on inputs but not on outputs.
        """
        names = _Names(self.source, tuple(inputs), tuple(outputs))
        maps = [names.column_map(label, rows) for label, rows in self.generators.items()]
        for label, one in zip(self.generators, maps, strict=True):
            self._refuse_unfinished(label, one, names)
        ins, outs = ([_matrix(one.inputs) for one in maps], [_matrix(one.outputs) for one in maps])
        return group_of_matrices(self.source, self.name, ins, outs, limits)

    def _refuse_unfinished(self, label: str, one: ColumnMap, names: _Names) -> None:
        """Refuse a map with a power that is the identity on inputs but not on outputs, usually because of a
        wrong sign.
        """
        period = one.inputs.period
        found = SignedColumns.identity(len(one.outputs.images))
        for _ in range(period):
            found = found.then(one.outputs)
        moved = [k for k, entry in enumerate(found.image) if entry != k + 1]
        if not moved:
            return
        (first, back), whose = (moved[0], found.image[moved[0]]), f" of generator {label}" if label else ""
        sign, name = "-" if back < 0 else "", name_words(names.outputs[abs(back) - 1])
        times = "once" if period == 1 else f"{period} times"
        raise RepresentationError(
            f"{self.source}: applied {times}, the rows{whose} bring every input back, and the output "
            f"{name_words(names.outputs[first])} goes to {sign}{name}; correct its rows, or those of the inputs"
        )


def generated(one: ColumnMap, name: str, limits: Limits = DEFAULT_LIMITS) -> GeneratorFile:
    """Return the group that one map generates, with its actions on inputs and on outputs.

    Args:
        one: The map.
        name: Name of the group.
        limits: Limits on its order and on its points.

    Raises:
        GroupError: The group exceeds the limits.
        RepresentationError: A power of the map is the identity on inputs but not on outputs.
    """
    return group_of_matrices(name, name, [_matrix(one.inputs)], [_matrix(one.outputs)], limits)


def _matrix(side: SignedColumns) -> DomainMatrix:
    return signed_permutation_matrix(side.images, side.signs.astype(np.int8))


def map_table(maps: Sequence[ColumnMap], inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """Return a table that `sharefind.datasets.map_file` reads, with a row for each column that moves.

    Args:
        maps: The generators.
        inputs: Names of the columns of x.
        outputs: Names of the columns of y.

    Returns:
        The lines of a csv file, as one text.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "image", "sign", *(["generator"] if len(maps) > 1 else [])])
    for number, one in enumerate(maps, 1):
        for side, names in ((one.inputs, inputs), (one.outputs, outputs)):
            for k, entry in enumerate(side.image):
                if entry != k + 1:
                    cells = [names[k], names[abs(entry) - 1], "+1" if entry > 0 else "-1"]
                    writer.writerow([*cells, *([number] if len(maps) > 1 else [])])
    return text.getvalue()


@dataclass(frozen=True)
class _Names:
    """The columns that a map may name."""

    source: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def refused(self, what: str) -> GroupError:
        return GroupError(f"{self.source}: {what}")

    def column_map(self, label: str, rows: Iterable[MapRow]) -> ColumnMap:
        """Return one generator; columns without a row are fixed."""
        moved: dict[tuple[str, int], tuple[int, MapRow]] = {}
        for row in rows:
            side, k = self.place(row.name, row)
            other, image = self.place(row.image, row)
            if side != other:
                what = f"{row.where}: {name_words(row.name)} is an {side} and {name_words(row.image)} an {other}"
                raise self.refused(f"{what}; a map takes inputs to inputs and outputs to outputs")
            if (side, k) in moved:
                before = moved[side, k][1].where
                raise self.refused(f"{before} and {row.where} both move {name_words(row.name)}{_of(label)}; keep one")
            moved[side, k] = image, row
        return ColumnMap(*(self.signed(side, names, moved) for side, names in self.sides))

    @property
    def sides(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return ("input", self.inputs), ("output", self.outputs)

    def place(self, name: str, row: MapRow) -> tuple[str, int]:
        """Return side and position of a column."""
        found = [(side, k) for side, names in self.sides for k, known in enumerate(names) if known == name]
        if len(found) == 1:
            return found[0]
        if found:
            what = f"{row.where}: {len(found)} columns are called {name_words(name)}"
            raise self.refused(f"{what}; give each column a name of its own")
        near = difflib.get_close_matches(name, [*self.inputs, *self.outputs], n=2)
        hint = f"did you mean {' or '.join(map(name_words, near))}?" if near else "use names of inputs and of outputs"
        raise self.refused(f"{row.where}: there is no column {name_words(name)}; {hint}")

    def signed(
        self, side: str, names: Sequence[str], moved: Mapping[tuple[str, int], tuple[int, MapRow]]
    ) -> SignedColumns:
        """Return the action of the rows on one side, checked to be a bijection."""
        images, signs = np.arange(len(names), dtype=np.int64), np.ones(len(names), dtype=np.int64)
        for (where, k), (image, row) in moved.items():
            if where == side:
                images[k], signs[k] = image, row.sign
        self.refuse_twice(side, names, images, moved)
        return SignedColumns(images, signs)

    def refuse_twice(
        self,
        side: str,
        names: Sequence[str],
        images: IntArray,
        moved: Mapping[tuple[str, int], tuple[int, MapRow]],
    ) -> None:
        first: dict[int, int] = {}
        for k, image in enumerate(map(int, images)):
            if image not in first:
                first[image] = k
                continue
            one, two = sorted((first[image], k), key=lambda c: (side, c) in moved, reverse=True)
            row, target = moved[side, one][1], name_words(names[image])
            if (side, two) in moved:
                other = moved[side, two][1]
                what = f"{row.where} and {other.where}: {name_words(row.name)} and {name_words(other.name)} both go to"
                raise self.refused(f"{what} {target}; give each column an image of its own")
            what = f"{row.where}: {name_words(row.name)} goes to {target}, which has no row and stays there"
            raise self.refused(f"{what}; add a row that says where {target} goes")


def _of(label: str) -> str:
    return f" in generator {name_words(label)}" if label else ""
