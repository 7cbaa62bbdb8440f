"""What the grammars of exact numbers and of representations share: a cursor over tokens and a bound on nesting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sharefind.errors import InputError


class TokenParser(ABC):
    """Recursive descent over the tokens of a text.

    Args:
        text: What is parsed.
        tokens: Its tokens.
        deepest: Deepest nesting, which bounds the recursion.
    """

    def __init__(self, text: str, tokens: Sequence[str], deepest: int) -> None:
        self.text = text
        self.tokens = tokens
        self.deepest = deepest
        self.position = 0
        self.depth = 0

    @abstractmethod
    def error(self, what: str) -> InputError:
        """The refusal of the text, with what is wrong at the present position."""

    def peek(self) -> str:
        """The next token, "" at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def accept(self, *tokens: str) -> str:
        """The next token where it is one of these, which is then taken; else ""."""
        token = self.peek()
        if token not in tokens:
            return ""
        self.position += 1
        return token

    def expect(self, token: str) -> None:
        """Take the next token, which must be this one."""
        if not self.accept(token):
            raise self.error(f"{token!r} is missing")

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level of nesting."""
        self.depth += 1
        if self.depth > self.deepest:
            raise self.error(f"nested deeper than {self.deepest}")
        yield
        self.depth -= 1
