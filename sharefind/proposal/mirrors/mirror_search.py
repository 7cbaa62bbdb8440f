"""Maps that nearly keep the coefficients: images of labels first, then inputs matched column by column.

A backtracking search as for the automorphisms of a coloured graph (Sims 1970), with noisy coefficients for colours: an
image of a label leaves for each input the images whose coefficients agree, and a branch ends where an input has none.
`mirror_evidence` decides which of the maps are more than an accident.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sharefind.progress import StageProgress, unwatched
from sharefind.proposal.mirrors.cubic_images import CubicImages
from sharefind.proposal.mirrors.partial_images import Image, SignedOrbits, closed_cycles
from sharefind.proposal.mirrors.search_effort import SearchEffort, within_reach
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.proposal.mirrors.terms import Terms
from sharefind.typing import BoolArray, FloatArray, IntArray

Images = tuple[tuple[int, Image], ...]
"""Columns with their images."""


@dataclass(eq=False)
class MirrorSearch:
    """Maps of one set of coefficients, by base point and image.

    Attributes:
        terms: The coefficients.
        effort: How near, how long.
        steps: Partial maps that were looked at.
        is_exhaustive: Whether the search was not cut short.
        on_progress: Called as columns get images.
        against: Images of other inputs that products with an input and its image refute, for the images of labels so
            far.
    """

    terms: Terms
    effort: SearchEffort = field(default_factory=SearchEffort)
    steps: int = 0
    is_exhaustive: bool = True
    on_progress: StageProgress = unwatched
    against: dict[tuple[Images, int, int, int], IntArray] = field(default_factory=dict, repr=False)
    _costs: dict[tuple[int, int], tuple[FloatArray, FloatArray]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.outputs, self.inputs = telling(self.terms, 1), telling(self.terms, 0)
        self.near, self.blurred = within_reach(self.terms, self.effort), self.terms.compared
        self.seen_pairs = self.terms.seen_products
        self.cubic = CubicImages.of(self.terms, self.effort)
        self.with_products = np.asarray(self.seen_pairs.any(axis=(0, 1)))
        start, alike = _State.start(self), self._alike()
        self.images: dict[int, list[Image]] = {}
        for j in self.outputs:
            every = [(k, s) for k in self.outputs if alike[j, k] for s in (1, -1)]
            self.images[j] = [image for image in every if start.with_output(j, image) is not None]
            kept = {k for k, _ in self.images[j]}
            self._costs = {key: cost for key, cost in self._costs.items() if key[0] != j or _label(key[1]) in kept}

    def _alike(self) -> BoolArray:
        """Whether the clearest coefficients of each label have some of like size in another, bool (d_out, d_out)."""
        size, variance = np.abs(self.terms.linear[0][:, self.inputs]), self.blurred[1][:, self.inputs]
        clearest = np.argsort(-(size**2) / variance, axis=1)[:, : self.effort.clearest]
        found = np.ones((len(size), len(size)), dtype=bool)
        for j, columns in enumerate(clearest):
            gaps = np.subtract.outer(size[j, columns], size) ** 2
            near = gaps <= self.effort.largest**2 * np.add.outer(variance[j, columns], variance)
            found[j] = near.any(axis=2).all(axis=0)
        return found & found.T

    # Generators -------------------------------------------------------------------------------------------------

    def generators(self) -> list[SignedMap]:
        """Return maps that generate all maps that nearly keep the coefficients: base points are fixed one after
        another.
        """
        labels = self._fixing(_State.start(self), self.outputs, _State.with_output)
        columns = self._fixing(labels[-1], self.inputs, _State.with_input)
        found: list[SignedMap] = []
        m, d = self.terms.linear[0].shape
        on_inputs, on_labels = SignedOrbits(d), SignedOrbits(m)
        # Every map that was found so far keeps the points before this one: orbits are those of their stabiliser.
        for done, (a, state) in enumerate(reversed(list(zip(self.inputs, columns, strict=False)))):
            self._tell(done)
            for image in state.images_of(a):
                if not on_inputs.has(a, image):
                    more = self._completed(state.with_input(a, image))
                    on_inputs.join(*((g.in_images, g.in_signs) for g in more))
                    found += more
        for done, (j, state) in enumerate(reversed(list(zip(self.outputs, labels, strict=False)))):
            self._tell(len(self.inputs) + done)
            for image in state.images_of_label(j):
                if not on_labels.has(j, image):
                    more = self._completed(state.with_output(j, image))
                    on_labels.join(*((g.out_images, g.out_signs) for g in more))
                    found += more
        return found

    def _tell(self, done: int) -> None:
        self.on_progress("images of columns", done, len(self.inputs) + len(self.outputs))

    def _fixing(self, start: _State, points: Sequence[int], fix: Callable[..., _State | None]) -> list[_State]:
        """The states in which more and more points stay where they are, the first with none of them."""
        states = [start]
        for point in points:
            after = fix(states[-1], point, (point, 1))
            if after is None:
                break
            states.append(after)
        return states

    def _completed(self, start: _State | None) -> list[SignedMap]:
        """Whole maps that begin so, the nearest first."""
        found: list[SignedMap] = []
        budget = self.effort.steps
        stack = [] if start is None else [start]
        while stack and len(found) < self.effort.leaves:
            if budget == 0 or self.steps >= self.effort.most_steps:
                self.is_exhaustive = False
                break
            state = stack.pop()
            budget -= 1
            self.steps += 1
            if state.is_whole:
                found.append(state.whole())
            else:
                stack += state.extended()
        return found

    # Differences ------------------------------------------------------------------------------------------------

    def differences(self, j: int, k: int) -> tuple[FloatArray, FloatArray]:
        """Return the cost of each input a and its image b when one label goes to another with sign +.

        Args:
            j: Number of the label.
            k: Number of its image.

        Returns:
            Squares of differences, (2, d_in, d_in) for the signs + and - of (a, b), and their number (d_in, d_in). A
            sign of the label exchanges the two; squares of inputs are counted in `even`.
        """
        key = (j, k)
        if key not in self._costs:
            self._costs[key] = self._compared((*self.terms.linear, self.blurred[1]), j, k, self.terms.critical[1])
        return self._costs[key]

    def even(self, j: int, k: int) -> tuple[FloatArray, FloatArray]:
        """Return the same for the coefficients of squares: (2, d_in, d_in) for the signs + and - of the label.

        Args:
            j: Number of the label.
            k: Number of its image.
        """
        key = (j, -1 - k)
        if key not in self._costs:
            table = [np.einsum("jaa->ja", t) for t in (*self.terms.products, self.blurred[2])]
            self._costs[key] = self._compared((table[0], table[1], table[2]), j, k, self.terms.critical[2])
        return self._costs[key]

    def _compared(
        self, table: tuple[FloatArray, FloatArray, FloatArray], j: int, k: int, critical: float
    ) -> tuple[FloatArray, FloatArray]:
        values, errors, blurred = table
        here, there, spread_here, spread_there = values[j], values[k], blurred[j], blurred[k]
        z_here, z_there = here / np.sqrt(errors[j]), there / np.sqrt(errors[k])
        live = np.maximum.outer(np.abs(z_here), np.abs(z_there)) > self.effort.live
        spread = np.add.outer(spread_here, spread_there)
        live &= np.isfinite(spread)
        squares = np.empty((2, *spread.shape))
        for side, sign in ((0, 1), (1, -1)):
            z2 = np.subtract.outer(here, sign * there) ** 2 / spread
            if j == k:  # a coefficient that is compared with itself, or its own negative
                z2[np.diag_indices_from(z2)] = 0.0 if sign > 0 else z_here**2
            missing = self.effort.either_misses(z_here, sign * z_there, critical)
            squares[side] = np.where(missing, np.inf, np.where(live, z2, 0.0))
        return squares, live.astype(np.float64)


def _label(key: int) -> int:
    """The label of a table of differences: below 0 for those of squares."""
    return key if key >= 0 else -1 - key


def telling(terms: Terms, axis: int) -> list[int]:
    """Return labels or inputs that are seen to matter, first those with most coefficients that are seen.

    Args:
        terms: The coefficients.
        axis: 1 for labels, 0 for inputs.
    """
    squares = np.einsum("jaa->ja", terms.seen_products)
    seen = (terms.seen_linear | squares).sum(axis=axis)
    values, variances = terms.linear
    strength = (values**2 / variances).sum(axis=axis)
    matters = terms.seen_outputs if axis else terms.seen_inputs
    return [int(k) for k in np.lexsort((-strength, -seen)) if matters[k]]


@dataclass(frozen=True, eq=False)
class _State:
    """Images so far, and for each input the images that are left: bool (2, d_in, d_in)."""

    search: MirrorSearch
    outputs: dict[int, Image]
    inputs: dict[int, Image]
    cost: FloatArray
    count: FloatArray
    left: BoolArray

    @classmethod
    def start(cls, search: MirrorSearch) -> _State:
        """No image yet."""
        d = search.terms.linear[0].shape[1]
        empty = np.zeros((2, d, d))
        return cls(search, {}, {}, empty, empty, search.near)

    def images_of(self, a: int) -> list[Image]:
        """The images that are left for an input."""
        return [(int(b), 1 if side == 0 else -1) for side, b in np.argwhere(self.left[:, a, :])]

    def images_of_label(self, j: int) -> list[Image]:
        """The images of a label that no other has yet."""
        taken = {k for k, _ in self.outputs.values()}
        return [(k, s) for k, s in self.search.images[j] if k not in taken]

    @property
    def is_whole(self) -> bool:
        return len(self.outputs) == len(self.search.outputs) and all(a in self.inputs for a in self.search.inputs)

    def with_output(self, j: int, image: Image) -> _State | None:
        """One more image of a label; None where an input has no image left."""
        search, (k, s) = self.search, image
        values, variances = search.terms.constant[0], search.blurred[0]
        spread = variances[j] + variances[k] if j != k else variances[j]
        if j != k or s < 0:
            gap = values[j] - s * values[k] if j != k else values[j]
            if gap**2 > search.effort.largest**2 * spread:
                return None
        odd, odd_count = search.differences(j, k)
        odd = odd if s > 0 else odd[::-1]
        even, even_count = search.even(j, k)
        even = np.broadcast_to(even[0 if s > 0 else 1], odd.shape)
        cost, count = self.cost + odd + even, self.count + odd_count + even_count
        largest = search.effort.largest**2
        left = self.left & (odd <= largest) & (even <= largest) & (cost <= search.effort.limit(count))
        left &= ~search.cubic.lost_by_label(j, image)
        changed = _State(search, {**self.outputs, j: image}, self.inputs, cost, count, left)
        return changed if changed.is_possible else None

    @property
    def is_possible(self) -> bool:
        """Whether each input that is seen has an image left, and is one."""
        either = np.asarray(self.left.any(axis=0))
        seen = self.search.inputs
        return bool(either[seen].any(axis=1).all() and either[:, seen].any(axis=0).all())

    def with_input(self, a: int, image: Image) -> _State | None:
        """One more image of an input; its products with inputs that have images restrict the images of the others."""
        b, t = image
        if not self.left[0 if t > 0 else 1, a, b]:
            return None
        left = self.left.copy()
        left[:, a, :], left[:, :, b] = False, False
        left[0 if t > 0 else 1, a, b] = True
        left.ravel()[self._against_products(a, b, t)] = False
        left &= ~self.search.cubic.lost_by_input(self.outputs, self.inputs, a, image)
        changed = _State(self.search, self.outputs, {**self.inputs, a: image}, self.cost, self.count, left)
        return changed if changed.is_possible else None

    def _against_products(self, a: int, b: int, t: int) -> IntArray:
        """Which images of other inputs do not keep their products with a: places in (2, d_in, d_in)."""
        known, key = self.search.against, (tuple(self.outputs.items()), a, b, t)
        if not (self.search.with_products[a] or self.search.with_products[b]):
            return np.empty(0, dtype=np.int64)
        if key not in known:
            seen, every = self.search.seen_pairs, np.arange(self.left.shape[1])
            rows = np.flatnonzero(seen[list(self.outputs), a].any(axis=0))
            columns = np.flatnonzero(seen[[k for k, _ in self.outputs.values()], b].any(axis=0))
            blocks = [(rows, every), (every, columns)]
            places = [self._lost(a, b, t, *block) for block in blocks if block[0].size and block[1].size]
            known[key] = np.concatenate([np.empty(0, dtype=np.int64), *places])
        return known[key]

    def _lost(self, a: int, b: int, t: int, rows: IntArray, columns: IntArray) -> IntArray:
        """The same for inputs `rows` and images `columns`; the others have no product that is seen."""
        search, shape = self.search, (2, len(rows), len(columns))
        critical = search.terms.critical[2]
        values, errors, variances = *search.terms.products, search.blurred[2]
        lost, cost, count = np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape[1:])
        for j, (k, s) in self.outputs.items():
            seen = search.seen_pairs[j, a, rows][:, None] | search.seen_pairs[k, b, columns][None, :]
            if not seen.any():
                continue
            here, there = values[j, a, rows], values[k, b, columns] * (s * t)
            spread = np.add.outer(variances[j, a, rows], variances[k, b, columns])
            own = np.equal.outer(rows, columns) & ((j, a) == (k, b))
            z_here, z_there = here / np.sqrt(errors[j, a, rows]), there / np.sqrt(errors[k, b, columns])
            for side, sign in ((0, 1), (1, -1)):
                z2 = np.subtract.outer(here, sign * there) ** 2 / np.where(own, 2, 1) / spread
                z2 = np.where(seen & np.isfinite(spread), z2, 0.0)
                lost[side] |= (z2 > search.effort.largest**2) | search.effort.either_misses(
                    z_here, sign * z_there, critical
                )
                cost[side] += z2
            count += seen
        lost |= cost > search.effort.limit(count)
        lost[:, rows == a, :] = False
        signs, row, column = np.nonzero(lost)
        size = self.left.shape[1]
        return np.asarray((signs * size + rows[row]) * size + columns[column])

    def extended(self) -> list[_State]:
        """The states with one more image; the nearest is last."""
        missing = next((j for j in self.search.outputs if j not in self.outputs), None)
        if missing is not None:
            states = [self.with_output(missing, image) for image in self.images_of_label(missing)]
            scored = [(state.score, n, state) for n, state in enumerate(states) if state is not None]
            return [state for _, _, state in sorted(scored, key=lambda one: (-one[0], one[1]))]
        return self._with_next_input()

    def _with_next_input(self) -> list[_State]:
        options = self.left.sum(axis=(0, 2))
        a = min((i for i in self.search.inputs if i not in self.inputs), key=lambda i: options[i])
        images = sorted(self.images_of(a), key=lambda image: -self._excess(a, image))
        states = [self.with_input(a, image) for image in images]
        return [state for state in states if state is not None]

    def _excess(self, a: int, image: Image) -> float:
        """How far beyond noise an image is; where nothing tells, the input itself comes first."""
        side = 0 if image[1] > 0 else 1
        away = 1e-3 * (image != (a, 1)) + 1e-3 * (image[0] != a) + 2.0 * (image[0] not in self.search.inputs)
        return float(self.cost[side, a, image[0]] - self.count[side, a, image[0]] + away)

    @property
    def score(self) -> float:
        """Squared differences beyond noise of the best image of each input that is seen."""
        seen = self.search.inputs
        beyond = np.where(self.left, self.cost - self.count, np.inf)[:, seen, :].min(axis=(0, 2))
        return float(beyond.sum())

    def whole(self) -> SignedMap:
        """The map, with images for what is not seen: themselves, or what closes a cycle."""
        m, d = self.search.terms.linear[0].shape
        outputs = closed_cycles(self.outputs, m)
        inputs = closed_cycles(self.inputs, d)
        return SignedMap(*outputs, *inputs)
