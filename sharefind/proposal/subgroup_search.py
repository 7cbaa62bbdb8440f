"""Elements of a given group, of any size, that nearly keep coefficients: backtracking over a stabiliser chain.

Partial elements are cosets of the chain's stabilisers: base points get images one after another (Sims 1970), and a
coset is left as soon as the coefficients that it determines differ from their images by more than noise explains. With
exact values in place of noisy ones, what is found generates the stabiliser of the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from sharefind.groups.joint_points import JointPoints
from sharefind.groups.stabiliser_chain import Level, Permutations, StabiliserChain
from sharefind.proposal.coefficients import CoefficientBlock
from sharefind.proposal.noisy_automorphisms import EFFORT, Effort
from sharefind.recognition.naming import orbit_numbers
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Table:
    """Coefficients of one kind by output and inputs, so that images of many at once are looked up.

    Attributes:
        values: The coefficients, (d_out, p).
        variances: Their variances, (d_out, p); 0 for exact values.
        inputs: The inputs of each monomial, those of higher powers first, (p, arity).
        odd: Which of them have an odd power, bool (arity,).
        columns: Which monomial some inputs belong to, (d_in,) * arity; -1 for none.
    """

    values: FloatArray
    variances: FloatArray
    inputs: IntArray
    odd: NDArray[np.bool_]
    columns: IntArray

    @classmethod
    def of(cls, block: CoefficientBlock, values: FloatArray | None = None) -> Table:
        """Return the table of a block.

        All monomials of a block have the same powers, up to their order.

        Args:
            block: The block.
            values: Exact values (d_out, p) in place of the block's own, or None.
        """
        exponents = block.exponents
        d_in = exponents.shape[1]
        powers = np.sort(exponents, axis=1)[:, ::-1]
        arity = int((powers[0] > 0).sum()) if len(powers) else 0
        inputs = np.argsort(-exponents, axis=1, kind="stable")[:, :arity]
        columns = np.full((d_in,) * arity, -1, dtype=np.int64)
        for order in permutations(range(arity)) if arity else ():
            if np.array_equal(powers[0][list(order)], powers[0][:arity]):
                columns[tuple(inputs[:, k] for k in order)] = np.arange(len(exponents))
        spread = block.variance if values is None else np.zeros(block.values.shape)
        chosen = block.values if values is None else values
        return cls(chosen, spread, inputs, powers[0][:arity] % 2 == 1, columns)

    def determined(self, outputs: NDArray[np.bool_], inputs: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return coefficients whose coordinates are all known.

        Args:
            outputs: Known outputs, bool (d_out,).
            inputs: Known inputs, bool (d_in,).

        Returns:
            Shape (d_out, p), bool.
        """
        whole = np.asarray(np.all(inputs[self.inputs], axis=1), dtype=np.bool_)
        return np.asarray(outputs[:, None] & whole[None])

    def compared(
        self, rows: IntArray, columns: IntArray, outputs: IntArray, inputs: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return differences of coefficients from those at their images, and the variances of both, (count, k) each.

        Args:
            rows: Outputs of the coefficients, shape (k,).
            columns: Their monomials, shape (k,).
            outputs: Codes of the images of all outputs, shape (count, d_out), see `JointPoints.signed`.
            inputs: The same of all inputs, shape (count, d_in).
        """
        d_out, d_in = outputs.shape[1], inputs.shape[1]
        places, images = outputs[:, rows], inputs[:, self.inputs[columns]]
        flips = (places >= d_out).astype(np.int64) + (images >= d_in)[..., self.odd].sum(axis=2)
        index = tuple(np.moveaxis(images % d_in, 2, 0))
        targets = self.columns[index] if index else np.zeros(places.shape, dtype=np.int64)
        there, spread = self.values[places % d_out, targets], self.variances[places % d_out, targets]
        signed = np.where(flips % 2 == 1, -there, there)
        return self.values[rows, columns] - signed, self.variances[rows, columns] + spread


Partial = tuple[float, int, int, Permutations]
"""Squared differences, their number, base points that have an image, and an element of the coset, (points,)."""


@dataclass
class SubgroupSearch:
    """Elements of a group that nearly keep coefficients.

    Attributes:
        points: The group, with its action on outputs and on inputs, in this order.
        tables: The coefficients.
        chain: Stabiliser chain of the group on all points, as `coordinate_chain` makes it.
        effort: How long is searched, and how near an element must come.
        expansions: Cosets that were looked at.
        is_exhaustive: Whether the search was not cut short.
    """

    points: JointPoints
    tables: Sequence[Table]
    chain: StabiliserChain
    effort: Effort = EFFORT
    expansions: int = 0
    is_exhaustive: bool = True
    _fresh: list[list[tuple[Table, IntArray, IntArray]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._fresh = self._determined_by_level()

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels of the chain."""
        return self.chain.levels

    def _determined_by_level(self) -> list[list[tuple[Table, IntArray, IntArray]]]:
        """Return, for each base point, the coefficients that its image determines beside those before: rows and
        columns.
        """
        starts, dims = self.points.starts, self.points.dims
        known = [np.zeros(table.values.shape, dtype=bool) for table in self.tables]
        found = []
        for k in range(len(self.levels)):
            left = self.levels[k + 1].generators if k + 1 < len(self.levels) else None
            masks = [
                np.ones(dim, dtype=bool)
                if left is None
                else (left[:, start : start + dim] == np.arange(start, start + dim)).all(axis=0)
                for start, dim in zip(starts, dims, strict=True)
            ]
            here = []
            for number, table in enumerate(self.tables):
                inside = table.determined(masks[0], masks[1])
                rows, columns = np.nonzero(inside & ~known[number])
                known[number] |= inside
                if rows.size:
                    here.append((table, rows, columns))
            found.append(here)
        return found

    def generators(self) -> list[Permutations]:
        """Return elements that generate every group of elements that nearly keep the coefficients, on all points; in no
        order.

        From the last stabiliser up, an element is searched that carries its base point into each orbit that is not yet
        reached.
        """
        found: list[Permutations] = []
        points = self.points.generators.shape[1]
        for k in range(len(self.levels) - 1, -1, -1):
            level, fixed = self.levels[k], [later.point for later in self.levels[:k]]
            for image in level.orbit[1:]:
                orbits = orbit_numbers([g.astype(np.int64) for g in found if all(g[f] == f for f in fixed)], points)
                if orbits[image] != orbits[level.point]:
                    found += self._leaves(k, int(image))
        return found

    def candidates(self) -> list[Permutations]:
        """Return elements from which groups are made, the nearest first: `generators` at several noise levels."""
        found = self.generators()
        for looseness in self.effort.tighter:
            other = replace(self, effort=replace(self.effort, looseness=looseness), expansions=0)
            found += other.generators()
            self.is_exhaustive &= other.is_exhaustive
        unique = list({g.tobytes(): g for g in found}.values())
        if not unique:
            return []
        return [unique[k] for k in np.argsort(self.excess(np.stack(unique)), kind="stable")]

    def excess(self, elements: Permutations) -> FloatArray:
        """Return squared differences of all coefficients under elements, in deviations beyond noise.

        Args:
            elements: Shape (count, points).

        Returns:
            Shape (count,).
        """
        cost, count = np.zeros(len(elements)), np.zeros(len(elements))
        for table in self.tables:
            rows, columns = np.nonzero(np.ones(table.values.shape, dtype=bool))
            added, terms = self._squares(table, rows, columns, elements)
            cost, count = cost + added, count + terms
        return np.asarray((cost - count) / np.sqrt(np.maximum(self.effort.dispersion * count, 1.0)))

    def _squares(
        self, table: Table, rows: IntArray, columns: IntArray, elements: Permutations
    ) -> tuple[FloatArray, IntArray]:
        """Squared differences in units of their variances, and how many there are, (count,) each."""
        outputs, inputs = (self.points.signed(elements, side) for side in (0, 1))
        difference, spread = table.compared(rows, columns, outputs, inputs)
        # A coefficient that is mapped to itself differs by nothing and is no test.
        live = difference != 0
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.where(live, difference**2 / spread, 0.0)
        return squares.sum(axis=1), live.sum(axis=1)

    def _leaves(self, first: int, image: int) -> Iterator[Permutations]:
        """Elements that fix the first base points and give the next this image, the nearest first."""
        identity = np.arange(self.points.generators.shape[1], dtype=np.int32)
        place = np.array([self.levels[first].place[image]])
        stack = list(self._extended((0.0, 0, first, identity), place))
        budget, left = self.effort.expansions, self.effort.leaves
        while stack and left:
            partial = stack.pop()
            if partial[2] == len(self.levels):
                left -= 1
                yield partial[3]
                continue
            if budget == 0 or self.expansions >= self.effort.most_expansions:
                self.is_exhaustive = False
                return
            budget -= 1
            self.expansions += 1
            stack += self._extended(partial, np.arange(len(self.levels[partial[2]].orbit)))

    def _extended(self, partial: Partial, places: IntArray) -> Iterator[Partial]:
        """The cosets with an image of one more base point that noise explains; the nearest is last."""
        cost, count, k, element = partial
        children = element[self.levels[k].transversal[places]]
        total, number = np.full(len(children), cost), np.full(len(children), count)
        for table, rows, columns in self._fresh[k]:
            added, terms = self._squares(table, rows, columns, children)
            total, number = total + added, number + terms
        kept = total <= self.effort.limit(number)
        for j in np.argsort(-(total - number), kind="stable"):
            if kept[j]:
                yield float(total[j]), int(number[j]), k + 1, children[j]


def coordinate_chain(points: JointPoints) -> StabiliserChain:
    """Return a chain of a group on all points, whose base goes through outputs and inputs in turn: they decide early.

    Args:
        points: The group on the points.
    """
    (out, inner), dims = points.starts, points.dims
    base = [start + k for k in range(max(dims)) for start, dim in ((out, dims[0]), (inner, dims[1])) if k < dim]
    return StabiliserChain.of(points.generators, points.generators.shape[1], base, points.group.known_order)


def keepers(
    points: JointPoints, tables: Sequence[Table], chain: StabiliserChain | None = None, most: int = 200_000
) -> list[Permutations]:
    """Generators of all elements of a group that keep exact values: its stabiliser, on all points.

    Args:
        points: The group.
        tables: The values; their variances count for nothing.
        chain: Stabiliser chain of the group, as `coordinate_chain` makes it.
        most: Cosets that are looked at.

    Returns:
        Strong generators; each adds to what those before it generate.
    """
    effort = replace(EFFORT, leaves=1, expansions=most, most_expansions=most, tighter=())
    exact = [replace(table, variances=np.zeros(table.values.shape)) for table in tables]
    return SubgroupSearch(points, exact, chain or coordinate_chain(points), effort).generators()
