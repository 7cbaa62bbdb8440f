"""Functions by name, some with numbers behind colons, such as `ridge`, `huber:0.5` or `cosine:20:0.1`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from sharefind.errors import ConfigError
from sharefind.meanfield.units.activations import Named

Function = TypeVar("Function", bound=Named)


def build_named(
    what: str, text: str, plain: Iterable[Function], makers: Mapping[str, Callable[..., Function]], use: str, write: str
) -> Function:
    """Return the function that a text names.

    Args:
        what: Its name in messages.
        text: A name, with numbers behind colons.
        plain: Functions without numbers.
        makers: For each other name what makes the function from numbers.
        use: The texts to use.
        write: Examples with numbers.

    Raises:
        ConfigError: No function is written so; the message shows how.
    """
    name, *words = text.split(":")
    numbers = [word for word in words if word]
    known = {each.name: each for each in plain}
    if name in known and not numbers:
        return known[name]
    try:
        inspect.signature(makers[name]).bind(*numbers)
    except (KeyError, TypeError):
        raise ConfigError(f"{what} {text!r} is unknown; use {use}") from None
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        raise ConfigError(f"{what} {text!r} holds no numbers; write {write}") from None
    return makers[name](*values)
