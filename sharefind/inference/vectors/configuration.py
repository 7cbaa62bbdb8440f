"""Functions of a configuration of vectors: of each vector, of the difference of each pair, and of all coordinates.

`vector_features` adds such functions over vectors that a group permutes; here each vector and each pair keeps its own,
so that a broken permutation shows. They are arranged for speed: rows are the last axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

from sharefind.inference.vectors.rotated_bases import exponents_up_to
from sharefind.inference.vectors.vector_layout import Sides
from sharefind.rng import named_stream
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class ConfigurationChoice:
    """How many functions of a configuration are used.

    Attributes:
        degree: Degree of polynomials of a bounded vector, at most.
        degree_of_few: The same where there are one or two vectors.
        cuts: Degrees that end a block of polynomials of single vectors.
        most_pairs: Pairs whose differences are looked at, at most; further ones are left out, at random.
        most_functions: Functions of vectors and pairs at most; the degree is lowered to that.
        most_for_row: The same for each row.
        waves: Random waves of all coordinates at once, for each length.
        lengths: Inverse lengths of these waves, for coordinates of spread 1.
    """

    degree: int = 4
    degree_of_few: int = 8
    cuts: tuple[int, ...] = (1, 4, 8)
    most_pairs: int = 45
    most_functions: int = 800
    most_for_row: float = 1.0
    waves: int = 24
    lengths: tuple[float, ...] = (0.15, 0.5)


def scaled(x: FloatArray, side: Sides) -> tuple[FloatArray, float]:
    """Return inputs of spread 1, and the root mean square of the components of differences of vectors.

    All vectors have one scale, and the scalars of each orbit: neither rotations nor permutations change them.

    Args:
        x: Inputs, shape (rows, d_in).
        side: The columns of vectors and scalars.
    """
    found = x.copy()
    for columns in (side.vectors.ravel(), *(side.scalars[list(orbit)] for orbit in side.scalar_orbits)):
        found[:, columns] /= _size(x[:, columns])
    vectors = found[:, side.vectors]
    return found, _size(vectors - vectors.mean(1, keepdims=True)) * math.sqrt(2)


def _size(values: FloatArray) -> float:
    """Root mean square; 1 where it is 0."""
    return float(np.sqrt((values**2).mean())) if values.size and bool(values.any()) else 1.0


@dataclass(frozen=True, eq=False)
class Configuration:
    """Which functions of the vectors and scalars of a row are looked at.

    Attributes:
        side: The coordinates of X.
        rows: How many rows there are: few allow few functions.
        gap: Root mean square of the components of differences, in the units of the vectors.
        choice: How many functions are used.
    """

    side: Sides
    rows: int
    gap: float = 1.0
    choice: ConfigurationChoice = ConfigurationChoice()

    @property
    def n(self) -> int:
        """Dimension of a vector."""
        return int(self.side.vectors.shape[1])

    @cached_property
    def pairs(self) -> IntArray:
        """Vectors whose differences are looked at, (pairs, 2)."""
        every = np.array(list(combinations(range(len(self.side.vectors)), 2)), dtype=np.int64).reshape(-1, 2)
        if len(every) <= self.choice.most_pairs:
            return every
        chosen = named_stream(0, "configuration", "pairs").permutation(len(every))[: self.choice.most_pairs]
        return every[np.sort(chosen)]

    @cached_property
    def exponents(self) -> IntArray:
        """Exponents of the monomials without the constant, shape (p, n), by ascending degree."""
        terms = len(self.side.vectors) + len(self.pairs)
        degree = self.choice.degree_of_few if len(self.side.vectors) < 3 else self.choice.degree
        most = min(self.choice.most_functions, self.choice.most_for_row * self.rows) / terms
        every = (exponents_up_to(self.n, d)[1:] for d in range(degree, 1, -1))
        return next((found for found in every if len(found) <= most), exponents_up_to(self.n, 1)[1:])

    def blocks(self, x: FloatArray) -> list[FloatArray]:
        """Return functions in blocks that are examined separately, each of shape (functions, rows).

        The blocks are vectors, their polynomials of higher degree, those of differences; lengths, which rotations keep;
        scalars and vectors times their own scalar; waves of everything.

        Args:
            x: Inputs as `scaled` returns them, shape (rows, d_in).
        """
        across = np.ascontiguousarray(x.T)
        vectors = across[self.side.vectors.T]
        singles = self._monomials(vectors)
        degrees = self.exponents.sum(1)
        ends = [0, *(cut for cut in self.choice.cuts if cut < degrees.max()), degrees.max()]
        found = [singles[(degrees > low) & (degrees <= high)] for low, high in pairwise(ends)]
        lengths = [self._lengths(vectors)]
        if len(self.pairs):
            gaps = (vectors[:, self.pairs[:, 0]] - vectors[:, self.pairs[:, 1]]) / self.gap
            found.append(self._monomials(gaps))
            lengths.append(self._lengths(gaps))
        flat = [block.reshape(-1, len(x)) for block in (*found, np.concatenate(lengths, axis=1))]
        if len(self.side.scalars):
            flat.append(self._with_scalars(across[self.side.scalars], singles))
        return [*flat, self._waves(across)]

    def _monomials(self, vectors: FloatArray) -> FloatArray:
        """Return the monomials of bounded vectors, (n, k, rows) -> (p, k, rows)."""
        u = vectors / np.sqrt((vectors**2).sum(0) + self.n)
        found = np.empty((len(self.exponents), *u.shape[1:]))
        place = {tuple(e): k for k, e in enumerate(self.exponents.tolist())}
        for k, exponent in enumerate(self.exponents.tolist()):
            last = max(j for j, e in enumerate(exponent) if e)
            parent = tuple(e - (j == last) for j, e in enumerate(exponent))
            if any(parent):
                np.multiply(found[place[parent]], u[last], out=found[k])
            else:
                found[k] = u[last]
        return found

    def _lengths(self, vectors: FloatArray) -> FloatArray:
        """Powers of bounded lengths, (n, k, rows) -> (2, k, rows)."""
        squares = (vectors**2).sum(0)
        bounded = squares / (squares + self.n)
        return np.stack([bounded, bounded**2])

    def _with_scalars(self, scalars: FloatArray, singles: FloatArray) -> FloatArray:
        """Scalars, their squares, and functions of degree 1 and 2 of vectors times scalars that belong to them."""
        few = singles[self.exponents.sum(1) <= 2]
        found = [scalars, scalars**2 - 1]
        for orbit in self.side.orbits:
            for own in self.side.scalar_orbits:
                if len(own) in (1, len(orbit)):
                    found.append((few[:, list(orbit)] * scalars[list(own)]).reshape(-1, scalars.shape[1]))
        return np.concatenate(found)

    @cached_property
    def _directions(self) -> tuple[FloatArray, FloatArray]:
        """Return the directions of the waves, (waves, d_in), and their phases, (waves, 1): Student's law, that of a
        Matern kernel.
        """
        rng = named_stream(0, "configuration", "waves")
        width = self.side.vectors.size + len(self.side.scalars)
        count = self.choice.waves
        normal = rng.normal(size=(len(self.choice.lengths), count, width))
        heavy = np.sqrt(3 / rng.chisquare(3, size=(len(self.choice.lengths), count, 1)))
        scaled = normal * heavy * np.array(self.choice.lengths)[:, None, None]
        return scaled.reshape(-1, width), rng.uniform(0, 2 * np.pi, size=(len(self.choice.lengths) * count, 1))

    def _waves(self, across: FloatArray) -> FloatArray:
        directions, phases = self._directions
        used = across[np.concatenate([self.side.vectors.ravel(), self.side.scalars])]
        return np.asarray(np.cos(directions @ used + phases))
