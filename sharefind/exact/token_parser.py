"""A cursor over tokens with a bound on nesting; the parsers of exact numbers and of representations extend it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sharefind.errors import InputError


class TokenParser(ABC):
    """Recursive-descent parser over the tokens of a text.

    Args:
        text: The text to parse.
        tokens: Its tokens.
        deepest: Largest depth of nesting, which bounds the recursion.

    Attributes:
        text: The text to parse.
        tokens: Its tokens.
        deepest: Largest depth of nesting.
        position: Index of the next token.
        depth: Present depth of nesting.
    """

    def __init__(self, text: str, tokens: Sequence[str], deepest: int) -> None:
        self.text = text
        self.tokens = tokens
        self.deepest = deepest
        self.position = 0
        self.depth = 0

    @abstractmethod
    def error(self, what: str) -> InputError:
        """Return the error that rejects the text at the present position.

        Args:
            what: The fault.
        """

    def peek(self) -> str:
        """Return the next token without taking it; "" at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def accept(self, *tokens: str) -> str:
        """Take the next token if it is one of these.

        Args:
            *tokens: The tokens to accept.

        Returns:
            The token taken, or "".
        """
        token = self.peek()
        if token not in tokens:
            return ""
        self.position += 1
        return token

    def expect(self, token: str) -> None:
        """Take the next token, which must be this one; otherwise raise `error`.

        Args:
            token: The token.
        """
        if not self.accept(token):
            raise self.error(f"{token!r} is missing")

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Enter one level of nesting for the duration of a `with` block; too deep a level raises `error`.

        Yields:
            Nothing.
        """
        self.depth += 1
        if self.depth > self.deepest:
            raise self.error(f"nested deeper than {self.deepest}")
        yield
        self.depth -= 1
