"""Sizes beyond which a specification or a file of weights is refused before anything of that size is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guards:
    """Hard limits of what is read, and usual sizes of files where no `Limits.file_size` is given.

    Attributes:
        name_length: Longest name or representation expression, in characters; they are copied into generated source.
        number: Largest number in the change of data: data above it are refused, products of two must stay finite.
        particles: Most particles that a specification may ask for.
        spec_bytes: Largest specification, where no limit is given.
        weight_bytes: Largest file of weights, where no limit is given.
    """

    name_length: int = 500
    number: float = 1e100
    particles: int = 10_000_000
    spec_bytes: int = 100_000_000
    weight_bytes: int = 2_000_000_000


GUARDS = Guards()
"""The default guards."""
