"""Data sets as the rest of sharefind sees them: named pairs (x, y), finite or drawn afresh.

`data_formats` reads files, and `teacher_student` draws from a teacher.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike
from sympy.polys.matrices import DomainMatrix

from sharefind.column_names import column_name, default_names
from sharefind.errors import DataError
from sharefind.exact.numbers import format_element
from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.axes import Axes
from sharefind.typing import FloatArray, IntArray

NUMERIC_KINDS = "biuf"
TEXT_KINDS = "US"
TIME_KINDS = "mM"
DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{1,2}:[0-9]{2}")
"""How a word begins that is a date or a time."""

ONE_HOT = "codes = np.unique(labels, return_inverse=True)[1]; y = np.eye(codes.max() + 1)[codes]"


@contextmanager
def needs(who: str, package: str, extra: str) -> Iterator[None]:
    """Turn the error of a missing package into one that names the extra to install.

    Args:
        who: Name of the feature that needs the package.
        package: The package.
        extra: The extra of sharefind that installs it.

    Yields:
        Nothing.

    Raises:
        DataError: The package is missing.
    """
    try:
        yield
    except ImportError as error:
        raise DataError(f"{who} needs {package}; install it with pip install 'sharefind[{extra}]'") from error


class Sampler(Protocol):
    """A law pi of (X, Y) from which independent pairs can be drawn."""

    def sample(self, rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
        """Return independent pairs.

        Args:
            rng: Source of the draws.
            n: Number of pairs.

        Returns:
            x, shape (n, d_in), and y, shape (n, d_out), float64.
        """
        ...


@dataclass(frozen=True, eq=False)
class GivenAction:
    """A group with its representations on X and Y, where no representation expression says how it acts.

    Attributes:
        group: The group.
        in_rep: Its representation on X.
        out_rep: Its representation on Y.
    """

    group: FiniteGroup
    in_rep: Representation
    out_rep: Representation

    def to_json(self) -> dict[str, object]:
        """Return the content of a file of generators: {"name": ..., "generators": [{"in": [[...]], "out": [[...]]},
        ...]}.
        """
        pairs = zip(self.in_rep.generator_matrices, self.out_rep.generator_matrices, strict=True)
        return {"name": self.group.name, "generators": [{"in": _entries(a), "out": _entries(b)} for a, b in pairs]}


def _entries(matrix: DomainMatrix) -> list[list[int | str]]:
    """Rows of an exact matrix: integers, and texts for other numbers."""
    texts = [[format_element(entry, matrix.domain) for entry in row] for row in matrix.to_list()]
    return [[int(text) if text.lstrip("-").isdigit() else text for text in row] for row in texts]


@dataclass(frozen=True, eq=False)
class Task:
    """A learning problem: either a finite data set (`x`, `y`) or a law that gives fresh samples (`sampler`).

    Build one with `finite_task` or `fresh_task`, which check what they are given.

    Attributes:
        name: how the command line and the records call it.
        d_in: width of X.
        d_out: width of Y.
        description: one line for people.
        in_rep: recommended representation expression on X; None leaves it to the caller.
        out_rep: recommended representation expression on Y; None leaves it to the caller.
        unit: recommended unit; None leaves it to the caller.
        tolerance: recommended relative distance to E^G below which a symmetry counts as present; 0: exact.
        x: (n, d_in) float64, read-only; None for fresh samples.
        y: (n, d_out) float64, read-only; None for fresh samples.
        sampler: the law; None for a finite data set.
        group: name of the recommended candidate group; None leaves it to the caller.
        action: recommended candidate group that no name and no expression gives; at most one of `group` and `action`.
        units: (n,) int64, read-only: row i belongs to unit units[i], numbered from 0; rows of one unit may
            depend on each other. None where rows are independent.
        inputs: names of the columns of x, d_in of them; x0, x1, ... where left out.
        outputs: names of the columns of y; y0, y1, ... where left out.
        classes: names of the classes, where y holds a column for each class, 1 for the class of the row and 0 for the
            others; empty where y holds numbers.
        in_axes: the axes of a row of x; None for one axis without a name.
        out_axes: the axes of a row of y.
    """

    name: str
    d_in: int
    d_out: int
    description: str = ""
    in_rep: str | None = None
    out_rep: str | None = None
    unit: str | None = None
    tolerance: float = 0.0
    x: FloatArray | None = None
    y: FloatArray | None = None
    sampler: Sampler | None = None
    group: str | None = None
    action: GivenAction | None = None
    units: IntArray | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    in_axes: Axes | None = None
    out_axes: Axes | None = None

    def __post_init__(self) -> None:
        """Refuse a task with nothing to draw from, with two, or with an action that does not fit (DataError)."""
        for side, letter, width in (("inputs", "x", self.d_in), ("outputs", "y", self.d_out)):
            names = getattr(self, side) or default_names(letter, width)
            object.__setattr__(self, side, names)
            if len(names) != width:
                raise DataError(f"task {self.name}: {len(names)} names for {width} {side}; give a name for each column")
        if (self.x is None) != (self.y is None) or (self.x is None) == (self.sampler is None):
            raise DataError(f"task {self.name}: give either rows x and y, or a sampler of fresh samples")
        if self.units is not None and (self.x is None or self.units.shape != (len(self.x),)):
            raise DataError(f"task {self.name}: units have shape {self.units.shape}; give one for each row")
        if self.action is None:
            return
        if any(setting is not None for setting in (self.group, self.in_rep, self.out_rep)):
            raise DataError(f"task {self.name}: an action says what acts and how; drop group, in_rep and out_rep")
        widths = (self.action.in_rep.dim, self.action.out_rep.dim)
        if widths != (self.d_in, self.d_out):
            raise DataError(
                f"task {self.name}: x and y have widths {self.d_in} and {self.d_out} but the action is on {widths[0]} "
                f"and {widths[1]}; make them equal"
            )

    @property
    def is_fresh(self) -> bool:
        """Whether every draw is a new one (True) or a row of a finite data set (False)."""
        return self.sampler is not None

    @property
    def n(self) -> int | None:
        """Number of rows of a finite data set; None for fresh samples."""
        return None if self.x is None else len(self.x)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
        """Return independent pairs, from the law or (with replacement) from the rows of the data set.

        Args:
            rng: Source of the draws.
            n: Number of pairs.

        Returns:
            x, shape (n, d_in), and y, shape (n, d_out), float64.

        Raises:
            DataError: `n` is below 1, or the law gives values that are not finite.
        """
        if n < 1:
            raise DataError(f"task {self.name}: cannot draw {n} samples; ask for at least 1")
        if self.sampler is not None:
            return _finite_samples(*self.sampler.sample(rng, n), self.name)
        x, y = self.arrays()
        rows = rng.integers(len(x), size=n)
        return x[rows], y[rows]

    def arrays(self) -> tuple[FloatArray, FloatArray]:
        """Return all rows of a finite data set: x (n, d_in) and y (n, d_out).

        Raises:
            DataError: The task draws fresh samples.
        """
        if self.x is None or self.y is None:
            raise DataError(f"task {self.name} draws fresh samples and has no rows; use sample(rng, n)")
        return self.x, self.y


class Recommended(TypedDict, total=False):
    """Settings that a task recommends: attributes of `Task`.

    Attributes:
        description: As in `Task`.
        in_rep: As in `Task`.
        out_rep: As in `Task`.
        unit: As in `Task`.
        tolerance: As in `Task`.
        group: As in `Task`.
        action: As in `Task`.
        inputs: As in `Task`.
        outputs: As in `Task`.
        classes: As in `Task`.
        in_axes: As in `Task`.
        out_axes: As in `Task`.
    """

    description: str
    in_rep: str | None
    out_rep: str | None
    unit: str | None
    tolerance: float
    group: str | None
    action: GivenAction | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    in_axes: Axes | None
    out_axes: Axes | None


def finite_task(
    name: str, x: ArrayLike, y: ArrayLike, *, units: IntArray | None = None, **recommended: Unpack[Recommended]
) -> Task:
    """Return the task of a data set.

    Args:
        name: Name of the task.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        units: The unit of each row, shape (n,), as `unit_numbers` returns it, or None.
        **recommended: Attributes of `Task`.

    Raises:
        DataError: As in `check_arrays`, or an action does not fit the rows.
    """
    names = (recommended.get("inputs", ()), recommended.get("outputs", ()))
    x, y = check_arrays(x, y, name, *names)
    return Task(name, x.shape[1], y.shape[1], x=x, y=y, units=units, **recommended)


def fresh_task(name: str, sampler: Sampler, d_in: int, d_out: int, **recommended: Unpack[Recommended]) -> Task:
    """Return a task that draws every sample afresh.

    Args:
        name: Name of the task.
        sampler: Source of the samples.
        d_in: Width of x.
        d_out: Width of y.
        **recommended: Attributes of `Task`.
    """
    return Task(name, d_in, d_out, sampler=sampler, **recommended)


def check_arrays(
    x: ArrayLike, y: ArrayLike, source: str, inputs: Sequence[str] = (), outputs: Sequence[str] = ()
) -> tuple[FloatArray, FloatArray]:
    """Return x (n, d_in) and y (n, d_out) as read-only float64 copies that a model can be trained on.

    Args:
        x: Inputs.
        y: Labels.
        source: Opens every message.
        inputs: Names of the columns of x, for messages.
        outputs: Names of the columns of y.

    Raises:
        DataError: An array is not numeric, not two-dimensional, empty, or holds NaN or an infinity (the message names
            the first such row and column), or the lengths differ.
    """
    checked_x, checked_y = _check_array(x, "x", source, inputs), _check_array(y, "y", source, outputs)
    if len(checked_x) != len(checked_y):
        lengths = f"x has {len(checked_x)} rows but y has {len(checked_y)}"
        raise DataError(f"{source}: {lengths}; give one row of y for each row of x")
    return checked_x, checked_y


def check_inputs(x: ArrayLike, source: str, inputs: Sequence[str] = ()) -> FloatArray:
    """Return x (n, d_in) as a read-only float64 copy, as `check_arrays` does.

    Args:
        x: Inputs.
        source: Opens every message.
        inputs: Names of the columns of x, for messages.

    Raises:
        DataError: as in `check_arrays`.
    """
    return _check_array(x, "x", source, inputs)


def _check_array(values: ArrayLike, key: str, source: str, names: Sequence[str]) -> FloatArray:
    masked = np.count_nonzero(np.ma.getmaskarray(values)) if isinstance(values, np.ma.MaskedArray) else 0
    if masked:
        raise DataError(f"{source}: {key} has {masked} masked values; fill them in or remove those rows")
    array = np.asarray(values)
    if array.dtype.kind in TEXT_KINDS and key == "y":
        raise DataError(f"{source}: y holds words; give a column for each class: {ONE_HOT}")
    if array.dtype.kind not in NUMERIC_KINDS:
        raise DataError(f"{source}: {key} has dtype {array.dtype}, which is not real numbers; save it as floats")
    if array.ndim != 2:
        raise DataError(
            f"{source}: {key} has shape {array.shape}; give it two dimensions, (samples, width), "
            "for instance with reshape(-1, 1)"
        )
    if array.size == 0:
        raise DataError(f"{source}: {key} is empty, its shape is {array.shape}; give at least one row and one column")
    with np.errstate(over="ignore"):  # what overflows becomes an infinity, refused below with its place
        floats = array.astype(np.float64)
    _refuse_non_finite(floats, key, source, names)
    floats.flags.writeable = False
    return floats


def _finite_samples(x: FloatArray, y: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Samples x (n, d_in) and y (n, d_out) of a law, which may be anyone's."""
    for key, values in (("x", x), ("y", y)):
        if not np.isfinite(values).all():
            raise DataError(f"task {name}: a sample has {key} = {values[~np.isfinite(values)][0]}; mend its sampler")
    return x, y


def _refuse_non_finite(array: FloatArray, key: str, source: str, names: Sequence[str]) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad) == 0:
        return
    row, column = map(int, bad[0])
    name = column_name(column, key, names)
    place = f"row {row}, column {column} (counted from 0)" if name is None else f"row {row} (from 0), column {name}"
    raise DataError(f"{source}: {key} is {array[row, column]} at {place}; remove that row or fill the value in")
