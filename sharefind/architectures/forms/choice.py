"""Choice of the form of a layer: the one with the lowest estimated cost among the forms that fit its labels."""

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
"""The name that asks for the form with the lowest estimated cost."""

Find = Callable[[TiedLayer], Form | None]


def find_gather(layer: TiedLayer, most: int = 2**18) -> Gather | None:
    """Return the form of layers that are not wide.

    Args:
        layer: The labels of the layer.
        most: Largest number of entries of the weight.

    Returns:
        The form; None where the weight has more entries.
    """
    return Gather.of(layer) if layer.weight.size <= most else None


FORMS: dict[str, Find] = {
    "dense": Dense.of,
    "gather": find_gather,
    "pool": find_pool,
    "fft": find_fourier,
    "blocks": find_blocks,
}
"""The function that looks for each form, by the name of the form."""


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

    Args:
        asked: The name of a form, or "auto".

    Raises:
        ConfigError: There is no form of this name.
    """
    if asked != AUTO and asked not in FORMS:
        raise ConfigError(f"form is {asked!r}; give one of {quoted([AUTO, *FORMS])}")


def is_light(form: Form, entries: int, kept: float = 7e-11) -> bool:
    """Return whether the outputs of one row cost less in a form than with a matrix that is kept.

    Outputs are a third of a step, since the step computes gradients, too. Dense and gathered layers keep a matrix.

    Args:
        form: The form.
        entries: Number of entries of the matrix.
        kept: Seconds to read an entry from memory.
    """
    return not isinstance(form, Dense) and bool(form.work(1).seconds() / 3 < kept * entries)
