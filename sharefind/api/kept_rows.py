"""The rows of a stored run as an archive that the command line reads with the same names, classes and axes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.column_choice import written
from sharefind.storage import write_atomically

DATA = "data.npz"
"""Name of the file with the rows in a run folder."""

UNITS = "groups"
"""Key of the units of rows in that file, unless a column has this name; also the parameter of `fit` for them."""


@dataclass(frozen=True, eq=False)
class Side:
    """The columns of X or of y as they are stored.

    Attributes:
        setting: Setting that lists them: "inputs" or "outputs".
        key: Key of the array if the columns have no names.
        values: Shape (n, d); (n,) for class labels, (n, ...) for rows with axes.
        names: Names of the columns; empty if they are stored as one array.
    """

    setting: str
    key: str
    values: NDArray[Any]
    names: tuple[str, ...] = ()

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by their keys."""
        if not self.names:
            return {self.key: self.values}
        return {name: self.values[:, place] for place, name in enumerate(self.names)}


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Arrays by key, and the settings with which they are read.

    Attributes:
        arrays: All arrays of the archive.
        settings: Fields of `sharefind.datasets.roles.Roles`.
    """

    arrays: Mapping[str, NDArray[Any]]
    settings: Mapping[str, str | None]

    def write(self, folder: Path) -> None:
        """Write the archive into a run folder.

        Args:
            folder: The run folder.
        """
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:  # a key could equal the name of a parameter of numpy.savez
            for key, values in self.arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
        write_atomically(folder / DATA, buffer.getvalue())


def kept_rows(sides: Sequence[Side], units: NDArray[np.int64] | None) -> KeptRows:
    """Return the arrays of X and y, the units of rows, and the settings that assign their roles.

    Args:
        sides: The columns of X and of y.
        units: Unit of each row, shape (n,), int64; None if rows are independent.
    """
    arrays = {key: values for side in sides for key, values in side.arrays.items()}
    settings: dict[str, str | None] = {"rows_of": None}
    if set(arrays) != {"x", "y"} or any(side.names for side in sides):
        settings |= {side.setting: ",".join(map(written, side.arrays)) for side in sides}
    if units is not None:
        settings["rows_of"] = apart(UNITS, arrays)
        arrays[apart(UNITS, arrays)] = units
    return KeptRows(arrays, settings)


def apart(name: str, taken: Collection[str], suffix: str = "_y") -> str:
    """Return a name that is not taken: the name itself, or the name with a suffix, repeated as often as necessary.

    Args:
        name: The preferred name.
        taken: Names that are taken.
        suffix: The suffix.
    """
    while name in taken:
        name += suffix
    return name
