"""Text formats as every reader takes them: UTF-8 with or without a byte order mark, JSON and TOML without a key twice.

What the values must be like is decided by the readers, and so are the words of a refusal: here all of it is ValueError.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter
from typing import Any

from sharefind.errors import quoted

ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that other programs write first."""


class RepeatedKeyError(ValueError):
    """A JSON object that gives one key twice; JSON does not say which value counts."""


def decoded(content: bytes | str) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        ValueError: It is not UTF-8.
    """
    return content.decode(ENCODING) if isinstance(content, bytes) else content.removeprefix("\ufeff")


def parse_json(content: bytes | str, *, is_finite: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        content: The text, or its bytes in UTF-8; a byte order mark is left out.
        is_finite: Whether NaN, infinities and numbers that overflow are refused.

    Raises:
        RepeatedKeyError: An object has a key twice.
        ValueError: It is not UTF-8 or not JSON, or a number is not finite.
        RecursionError: It is nested too deep.
    """
    if is_finite:
        return json.loads(
            decoded(content), object_pairs_hook=_with_each_key_once, parse_constant=finite, parse_float=finite
        )
    return json.loads(decoded(content), object_pairs_hook=_with_each_key_once)


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RepeatedKeyError: A key stands twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise RepeatedKeyError(f"the key {quoted(twice)} is given twice; keep one of them")
    return found


def parse_toml(content: bytes | str) -> dict[str, Any]:
    """The tables of a TOML text; TOML itself refuses a key that is given twice.

    Args:
        content: The text, or its bytes in UTF-8; a byte order mark is left out.

    Raises:
        ValueError: It is not UTF-8 or not TOML.
        RecursionError: It is nested too deep.
    """
    return tomllib.loads(decoded(content))


def finite(text: str) -> float:
    """A number that JSON has, which NaN and infinities are not.

    Raises:
        ValueError: It is none.
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value
