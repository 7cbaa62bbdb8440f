"""Which form a layer is computed in: the one that costs least, by estimates, of those that fit its labels."""

from __future__ import annotations

from collections.abc import Callable

from sharefind.architectures.forms.blocks import find_blocks
from sharefind.architectures.forms.form import Dense, Form, Gather, TiedLayer
from sharefind.architectures.forms.fourier import find_fourier
from sharefind.architectures.forms.pool import find_pool
from sharefind.errors import ConfigError, quoted

BATCH = 64
"""Rows of the minibatch for which costs are compared."""

AUTO = "auto"
"""Asks for the form that costs least."""

Find = Callable[[TiedLayer], Form | None]


def find_gather(layer: TiedLayer, most: int = 2**18) -> Gather | None:
    """Return the form of layers that are not wide; None where the weight has more entries than `most`."""
    return Gather.of(layer) if layer.weight.size <= most else None


FORMS: dict[str, Find] = {
    "dense": Dense.of,
    "gather": find_gather,
    "pool": find_pool,
    "fft": find_fourier,
    "blocks": find_blocks,
}
"""What looks for each form, by its name."""


def choose(layer: TiedLayer, asked: str = AUTO, batch: int = BATCH) -> Form:
    """Return the form in which a layer is computed.

    Args:
        layer: Its labels.
        asked: The name of a form, or "auto".
        batch: Rows of a minibatch.

    Raises:
        ConfigError: There is no form of this name, or it does not fit the layer.
    """
    check_form(asked)
    names = FORMS if asked == AUTO else (asked,)
    found = [form for form in (FORMS[name](layer) for name in names) if form is not None]
    if not found:
        raise ConfigError(f"the form {asked} does not fit this layer; give {AUTO}")
    return min(found, key=lambda form: form.work(batch).seconds())


def check_form(asked: str) -> None:
    """Refuse a name that no form has.

    Raises:
        ConfigError: There is none.
    """
    if asked != AUTO and asked not in FORMS:
        raise ConfigError(f"form is {asked!r}; give one of {quoted([AUTO, *FORMS])}")


def is_light(form: Form, entries: int, kept: float = 7e-11) -> bool:
    """Return whether the outputs of one row cost less in a form than by a matrix that is kept.

    They are a third of a step, which has gradients besides.

    Args:
        form: Of those that keep no matrix; dense and gathered layers have one.
        entries: Of the matrix.
        kept: Seconds of an entry that is read from memory.
    """
    return not isinstance(form, Dense) and bool(form.work(1).seconds() / 3 < kept * entries)
