"""Fields of what a run keeps as JSON, with the checks that a file from a stranger must pass."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError


def printable(text: str) -> str:
    """Return a text that contains no control sequence of a terminal.

    Args:
        text: The text.

    Raises:
        ValueError: It holds a control character or the like.
    """
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed")
    return text


def _permutation(images: list[int]) -> list[int]:
    if sorted(images) != list(range(len(images))):
        raise ValueError(f"is no permutation of 0..{len(images) - 1}")
    return images


def _signed_permutation(image: list[int]) -> list[int]:
    if sorted(map(abs, image)) != list(range(1, len(image) + 1)):
        raise ValueError(f"is no signed permutation of 1..{len(image)}")
    return image


Word = Annotated[str, AfterValidator(printable)]
ColumnName = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(printable)]
Size = Annotated[int, Field(ge=0)]
Permutation = Annotated[list[int], AfterValidator(_permutation)]
SignedPermutation = Annotated[list[int], AfterValidator(_signed_permutation)]


class Part(BaseModel):
    """A part of a file of a run: types are strict, further keys are kept and never looked into."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; for a part that was read, with the keys that it had."""
        return self.model_dump(by_alias=True, exclude_unset=True)


def first_fault(error: ValidationError) -> str:
    """Return where the first fault lies and what it is, on one line.

    Args:
        error: The error.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    where, message = ".".join(map(str, first["loc"])), str(first["msg"]).removeprefix("Value error, ")
    return ascii(" ".join(filter(None, [where, message]))[:300])[1:-1]
