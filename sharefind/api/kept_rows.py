"""The rows of a kept run as an archive that the command line reads with the same names, classes and axes."""

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
"""The rows beside a kept run."""

UNITS = "groups"
"""Their units there, where no column has this name, and the parameter of `fit` that names them."""


@dataclass(frozen=True, eq=False)
class Side:
    """The columns of X or of y, as they are kept.

    Attributes:
        setting: The setting that lists them, inputs or outputs.
        key: What the array is called where its columns have no names.
        values: Shape (n, d); of labels of classes (n,), of rows with axes (n, ...).
        names: Of the columns; empty where they are kept as one array.
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
        """Write the archive into the folder of a run."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:  # numpy.savez has parameters of its own, which are names, too
            for key, values in self.arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
        write_atomically(folder / DATA, buffer.getvalue())


def kept_rows(sides: Sequence[Side], units: NDArray[np.int64] | None) -> KeptRows:
    """The arrays of X and y and the units of rows (n,), and the settings that say which is which."""
    arrays = {key: values for side in sides for key, values in side.arrays.items()}
    settings: dict[str, str | None] = {"rows_of": None}
    if set(arrays) != {"x", "y"} or any(side.names for side in sides):
        settings |= {side.setting: ",".join(map(written, side.arrays)) for side in sides}
    if units is not None:
        settings["rows_of"] = apart(UNITS, arrays)
        arrays[apart(UNITS, arrays)] = units
    return KeptRows(arrays, settings)


def apart(name: str, taken: Collection[str], suffix: str = "_y") -> str:
    """A name that is not taken: the name itself, or with a suffix, as often as it takes."""
    while name in taken:
        name += suffix
    return name
