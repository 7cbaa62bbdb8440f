"""Do rows look like independent draws? Two checks of x and y in the order in which they stand, before any test.

Exact tests draw one group element a row, which is right where rows are independent. For rows that are not, `row_blocks`
draws one element for each unit of rows.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from sharefind.errors import RowsWarning
from sharefind.inference.row_blocks import how_to
from sharefind.inference.row_order import OrderCheck
from sharefind.inference.row_repeats import RepeatCheck
from sharefind.typing import FloatArray

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")

_LOOKED_AT: ContextVar[bool] = ContextVar("looked_at", default=False)
"""Whether whoever is at work has looked at the rows already."""


@dataclass(frozen=True)
class RowCheck:
    """The results of the checks of rows.

    Attributes:
        in_order: whether rows near each other in the file are more, or less, alike than rows in a random order.
        repeated: whether rows have near-duplicates, more evenly than independent draws have.
    """

    in_order: bool
    repeated: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line if rows look dependent, none otherwise."""
        return self.lines(how_to())

    def lines(self, advice: str) -> tuple[str, ...]:
        """Return one line that ends with advice if rows look dependent; no line otherwise.

        Args:
            advice: The remedy.
        """
        kinds = {
            "rows near each other in the file are related": self.in_order,
            "rows have near-duplicates": self.repeated,
        }
        seen = [words for words, is_so in kinds.items() if is_so]
        if not seen:
            return ()
        return (f"rows look dependent: {' and '.join(seen)}; then p-values do not hold: {advice}",)


def check_rows(
    x: FloatArray,
    y: FloatArray,
    seed: int = 0,
    *,
    order: OrderCheck | None = None,
    repeats: RepeatCheck | None = None,
    fewest_rows: int = 10,
) -> RowCheck:
    """Look for dependence among rows.

    The order of the rows is tested exactly, against random orders, whatever their law. Near-duplicates are seen
    wherever they stand in the file, if most rows have about the same number of them and they are far closer than other
    rows; clusters that are only correlated are seen where they stand together.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        seed: Seed of the random orders.
        order: How the order is tested; `OrderCheck()` where None.
        repeats: How near-duplicates are looked for; `RepeatCheck()` where None.
        fewest_rows: Rows below which nothing is checked: too few to tell order from chance.

    Returns:
        What was found; nothing below `fewest_rows` rows.
    """
    if len(x) < fewest_rows:
        return RowCheck(False, False)
    return RowCheck((order or OrderCheck()).finds(x, y, seed), (repeats or RepeatCheck()).finds(x, y, seed))


def warn_of_rows(line: str, stacklevel: int) -> None:
    """Emit a line of `RowCheck` as a sentence in a `RowsWarning`.

    Args:
        line: The line.
        stacklevel: As in `warnings.warn`, counted from this function.
    """
    warnings.warn(f"{line[:1].upper()}{line[1:]}", RowsWarning, stacklevel=stacklevel)


@contextmanager
def rows_looked_at() -> Iterator[None]:
    """Stop tests inside this context from checking their rows: they were checked before, or are known to be
    independent.

    Yields:
        Nothing.
    """
    before = _LOOKED_AT.set(True)
    try:
        yield
    finally:
        _LOOKED_AT.reset(before)


def warns_of_rows(test: Callable[Arguments, Found]) -> Callable[Arguments, Found]:
    """The test of `x`, `y` and `units`, which warns of rows that look dependent where no units are given.

    Args:
        test: Takes samples `x` (n, d_in) and `y` (n, d_out) as tensors.

    Returns:
        The same test. It raises a `RowsWarning` after it is done, once a call, whatever tests it is made of.
    """
    signature = inspect.signature(test)
    has_units = "units" in signature.parameters
    advice = "give the unit of each row with units=" if has_units else "keep one row of each unit"

    @wraps(test)
    def warning(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Found:
        if _LOOKED_AT.get():
            return test(*args, **kwargs)
        with rows_looked_at():
            found = test(*args, **kwargs)
        given = signature.bind(*args, **kwargs).arguments
        if given.get("units") is None:
            check = check_rows(*(given[name].detach().double().numpy(force=True) for name in ("x", "y")))
            for line in check.lines(advice):
                warn_of_rows(line, stacklevel=3)
        return found

    return warning
