"""Sea surface temperatures of El Nino, month by month: a negative control, since no month is like another.

The table ships inside statsmodels (the extra `elnino`), so nothing is downloaded when the task is loaded.
"""

import numpy as np

from sharefind.datasets.task import Task, finite_task, needs
from sharefind.typing import FloatArray


def elnino_task() -> Task:
    """Return the task `elnino`: each month from the month before; x, y (60, 12), in units of 3 standard deviations.

    x has January to December of a year, y February of that year to the next January. The data are averaged temperatures
    of the region Nino 1+2, 1950 to 2010 (NOAA, ERSST.V3B, public domain). C_12 shifts the months; the season breaks it.
    Years are not independent, so that p-values are a guide.

    Raises:
        DataError: statsmodels is missing.
    """
    table = _table()
    scaled = (table - table.mean()) / (3 * table.std())
    later = scaled.reshape(-1)[1:]
    return finite_task(
        "elnino",
        scaled[:-1],
        later[: scaled[:-1].size].reshape(scaled[:-1].shape),
        description="El Nino: sea temperatures, each month from the month before (real data, public domain)",
        unit="matrix:tanh",
        group="C12",
    )


def _table() -> FloatArray:
    """Degrees Celsius, one row a year, January to December: (61, 12)."""
    with needs("the task elnino", "statsmodels", "elnino"):
        from statsmodels.datasets import elnino
    rows = elnino.load_pandas().data.to_numpy(dtype=np.float64)
    return np.asarray(rows[:, -12:])
