"""Text formats in one form for every reader: UTF-8 with or without a byte order mark; JSON and TOML without repeated
keys.

The readers check the values and word the messages; every function here raises ValueError.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from sharefind.errors import quoted

ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that some programs write first."""


class RepeatedKeyError(ValueError):
    """A JSON object has one key twice; JSON does not define which value counts."""


def decoded(content: bytes | str) -> str:
    """Return the text of a file, without its byte order mark.

    Args:
        content: The text, or its bytes in UTF-8.

    Raises:
        ValueError: The bytes are not UTF-8.
    """
    return content.decode(ENCODING) if isinstance(content, bytes) else content.removeprefix("\ufeff")


def parse_json(content: bytes | str, *, is_finite: bool = False) -> Any:
    """Return the value of a JSON text.

    Args:
        content: The text, or its bytes in UTF-8; a byte order mark is skipped.
        is_finite: Whether to refuse NaN, infinities and numbers that overflow.

    Raises:
        RepeatedKeyError: An object has a key twice.
        ValueError: The content is not UTF-8 or not JSON, or a number is not finite.
        RecursionError: The content is nested too deep.
    """
    if is_finite:
        return json.loads(
            decoded(content), object_pairs_hook=_with_each_key_once, parse_constant=finite, parse_float=finite
        )
    return json.loads(decoded(content), object_pairs_hook=_with_each_key_once)


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        RepeatedKeyError: A key occurs twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise RepeatedKeyError(f"the key {quoted(twice)} is given twice; keep one of them")
    return found


def parse_toml(content: bytes | str) -> dict[str, Any]:
    """Return the tables of a TOML text; the format itself forbids repeated keys.

    Args:
        content: The text, or its bytes in UTF-8; a byte order mark is skipped.

    Raises:
        ValueError: The content is not UTF-8 or not TOML.
        RecursionError: The content is nested too deep.
    """
    import tomllib

    return tomllib.loads(decoded(content))


def finite(text: str) -> float:
    """Return a number of JSON, which excludes NaN and infinities.

    Args:
        text: The number.

    Raises:
        ValueError: The number is not finite.
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a JSON number")
    return value
