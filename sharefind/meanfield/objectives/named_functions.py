"""Functions by name, with numbers behind colons, such as `huber:0.5` or `cosine:20:0.1`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sharefind.errors import ConfigError

Function = TypeVar("Function")


def build_named(
    what: str, text: str, makers: Mapping[str, tuple[Callable[..., Function], tuple[int, ...]]], use: str, example: str
) -> Function:
    """The function that a text names.

    Args:
        what: What messages call it.
        text: A name, with numbers behind colons.
        makers: For each name what makes the function, and how many numbers it may take.
        use: The texts to use.
        example: One with numbers.

    Raises:
        ConfigError: No function is written so; the message shows how.
    """
    name, *words = text.split(":")
    maker, counts = makers.get(name, (None, ()))
    numbers = [word for word in words if word]
    if maker is None or len(numbers) not in counts:
        raise ConfigError(f"{what} {text!r} is unknown; use {use}")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        raise ConfigError(f"{what} {text!r} holds no numbers; write {example}") from None
    return maker(*values)
