"""Sums over samples whose terms a finite group permutes, for many copies of the samples at once.

Each sample of a copy is moved by an element of its own. In the irreducible parts of the group's regular representation
a move is a small matrix, so all copies together are one matrix product a part; a copy costs about as much as a sum
over samples, whatever the order of the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.label_parts import LabelPart, label_parts


def regular_parts(products: Tensor) -> list[LabelPart]:
    """Return the irreducible parts of functions f on a group H, which k moves to h -> f(k^-1 h).

    Args:
        products: Multiplication table, shape (|H|, |H|), int64: the number of k h at place (k, h).
    """
    moves = torch.nn.functional.one_hot(products, len(products)).transpose(1, 2).double()
    return label_parts(moves, np.random.default_rng(0))  # of the search for parts, which are the same whatever is drawn


@dataclass(frozen=True, eq=False)
class MovedTerms:
    """Terms of samples, in coordinates in which moves cost least.

    Attributes:
        parts: The parts of functions on the group that it moves.
        coordinates: Those of the terms in each part, shape (n d, m c): n samples, c entries of a term for each element
            of the group, m equal constituents of dimension d.
        rest: Sums over all samples in the part that the group leaves alone, shape (|H|, c).
    """

    parts: Sequence[LabelPart]
    coordinates: Sequence[Tensor]
    rest: Tensor

    @classmethod
    def of(cls, terms: Tensor, parts: Sequence[LabelPart]) -> MovedTerms:
        """Return terms in coordinates.

        Args:
            terms: Shape (n, |H|, c).
            parts: Those of `regular_parts`.
        """
        moved = [part for part in parts if not part.is_fixed]
        coordinates = []
        for part in moved:
            dimension, order = part.basis.shape[2], terms.shape[1]
            turn = part.basis.permute(2, 0, 1).reshape(-1, order)
            coordinates.append((turn @ terms).reshape(len(terms) * dimension, -1))
        rest = terms.sum(0).mean(0).expand(terms.shape[1:])
        return cls(moved, coordinates, rest)

    def sums(self, elements: Tensor) -> Tensor:
        """Return sums over samples of the terms, f(h) of sample i moved to f(k_i^-1 h).

        Args:
            elements: The k_i of each copy, shape (R, n), numbers in H.

        Returns:
            Shape (R, |H|, c).
        """
        total = self.rest.expand(len(elements), -1, -1).clone()
        flat = elements.flatten()
        for part, values in zip(self.parts, self.coordinates, strict=True):
            (count, _, dimension), width = part.basis.shape, total.shape[2]
            turns = part.matrices.transpose(0, 1)[:, flat].reshape(-1, len(values))
            sums = (turns @ values).reshape(dimension, -1, count, width)
            total += torch.einsum("drmc,mhd->rhc", sums, part.basis)
        return total


@dataclass(frozen=True, eq=False)
class AddedTerms:
    """Terms of samples that are added one by one, for groups whose parts are too many.

    Attributes:
        terms: Shape (n, |H|, c).
        products: Multiplication table of the group, shape (|H|, |H|), int64.
    """

    terms: Tensor
    products: Tensor

    def sums(self, elements: Tensor) -> Tensor:
        """Return sums over samples of moved terms, shape (R, |H|, c), as `MovedTerms.sums` does.

        Args:
            elements: Shape (R, n), numbers in H.
        """
        found = torch.zeros(len(elements), *self.terms.shape[1:], dtype=torch.float64)
        for row, moves in zip(found, elements, strict=True):
            each = torch.zeros(len(self.products), *self.terms.shape[1:], dtype=torch.float64)
            each.index_add_(0, moves, self.terms)
            for image, moved in zip(self.products, each, strict=True):
                row[image] += moved
        return found
