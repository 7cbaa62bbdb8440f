"""One array as an .npy file: the columns of a matrix, or the fields of a structured array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.data_file import Choose, DataFile, DataFormat, RawColumns
from sharefind.datasets.npz_file import Declared, declared, plain_array

KEY = "the array"


def _read(file: DataFile, choose: Choose) -> RawColumns:
    """The columns that are wanted; those of a matrix are called column0, column1, ..."""
    with file.path.open("rb") as stream:
        found = declared(stream, file.path.stat().st_size, KEY, file)
        header = _names(found, file)
        file.refuse_unpacked(found.bytes)
        wanted = choose(header)
        stream.seek(0)
        values = plain_array(stream, KEY, file)
    return RawColumns(header, {k: _column(values, k) for k in wanted.positions})


NPY = DataFormat(".npy", _read)


def _names(found: Declared, file: DataFile) -> tuple[str, ...]:
    """Names of the columns, one for each field or for each number of a row."""
    rank = 1 if found.dtype.names else 2
    if len(found.shape) != rank:
        raise file.refused(
            f"{KEY} has shape {found.shape}, which is no table; save a matrix with a row for each sample, or save x "
            "and y as arrays of their own with numpy.savez(path, x=x, y=y)"
        )
    return found.dtype.names or tuple(f"column{k}" for k in range(found.shape[1]))


def _column(values: NDArray[Any], k: int) -> NDArray[Any]:
    return np.asarray(values[values.dtype.names[k]] if values.dtype.names else values[:, k])
