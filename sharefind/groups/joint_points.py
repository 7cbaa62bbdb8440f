"""A finite group that acts by signed permutations on several spaces, as permutations of points, without a list of
elements.

The points are those of the group, then for each space e_0, e_1, ..., -e_0, -e_1, ... A stabiliser chain on them draws
elements with all their images, and computes the images of an element from its action on the group's own points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import RepresentationError
from sharefind.groups.group import FiniteGroup
from sharefind.groups.linear_action import LinearAction
from sharefind.groups.stabiliser_chain import Permutations, StabiliserChain
from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class JointPoints:
    """The points of a group and of the coordinates on which it acts.

    Attributes:
        group: The group.
        dims: Dimension of each space.
        generators: Generators of the group on all points, shape (s, points), int32.
    """

    group: FiniteGroup
    dims: tuple[int, ...]
    generators: Permutations

    @classmethod
    def of(cls, reps: Sequence[LinearAction]) -> JointPoints:
        """Return the points of a group under representations by signed permutations.

        Args:
            reps: At least one representation, all of one group.

        Raises:
            RepresentationError: A representation is not by signed permutations.
        """
        group = reps[0].finite_group
        parts, start = [group.generator_array], group.degree
        for rep in reps:
            perms, signs = rep.sparse_generators
            plus = np.asarray(perms, dtype=np.int64) + np.where(np.asarray(signs) < 0, rep.dim, 0)
            parts += [start + plus, start + (plus + rep.dim) % (2 * rep.dim)]
            start += 2 * rep.dim
        return cls(group, tuple(rep.dim for rep in reps), np.hstack(parts).astype(np.int32))

    @property
    def starts(self) -> tuple[int, ...]:
        """First point of each space."""
        return tuple(self.group.degree + 2 * sum(self.dims[:k]) for k in range(len(self.dims)))

    @cached_property
    def chain(self) -> StabiliserChain:
        """A stabiliser chain whose base lies among the group's own points."""
        moved = np.flatnonzero((self.group.generator_array != np.arange(self.group.degree)).any(axis=0))
        return StabiliserChain.of(self.generators, self.generators.shape[1], moved.tolist(), self.group.known_order)

    def signed(self, permutations: Permutations, space: int) -> IntArray:
        """Return images of the coordinates of one space, shape (count, dim), int64.

        Entry c at position i means that e_i goes to e_(c mod dim), or to minus this vector if c >= dim.

        Args:
            permutations: Permutations of all points, shape (count, points), int32.
            space: Number of the space.
        """
        start = self.starts[space]
        return permutations[:, start : start + self.dims[space]].astype(np.int64) - start

    def lifted(self, permutations: IntArray) -> Permutations:
        """Return elements of the group with the images of all coordinates, shape (count, points), int32.

        Args:
            permutations: The elements on the group's own points, shape (count, degree), int64.

        Raises:
            RepresentationError: A permutation is not an element.
        """
        images = np.asarray(permutations)[:, list(self.chain.base)]
        found = self.chain.with_images(images)
        if found is None or not np.array_equal(found[:, : self.group.degree], permutations):
            raise RepresentationError(f"a permutation is not an element of {self.group.name}; use elements of it")
        return found

    def sparse(self, permutations: IntArray, space: int) -> tuple[IntArray, NDArray[np.int8]]:
        """Return rho of elements on one space: images and signs, shape (count, dim) each.

        Args:
            permutations: The elements on the group's own points, shape (count, degree), int64.
            space: Number of the space.
        """
        codes = self.signed(self.lifted(permutations), space)
        dim = self.dims[space]
        return codes % dim, np.where(codes < dim, 1, -1).astype(np.int8)
