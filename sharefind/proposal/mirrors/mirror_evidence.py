"""Is that a group of maps keeps the coefficients more than an accident?

A group ties coefficients: those of one orbit are equal up to signs. The evidence of a tie is how narrow its values lie
beside how large they are; a group pays for the number of groups that it was chosen among. So two inputs of a hundred
whose weights happen to be alike are no symmetry, and a map under which hundreds of weights agree is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import comb

import numpy as np
import scipy

from sharefind.proposal.mirrors.entered_terms import Entered
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.proposal.mirrors.terms import Terms
from sharefind.recognition.naming import orbit_numbers
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class EvidenceSettings:
    """When a group is refuted.

    Attributes:
        refuted: Probability with which any orbit of coefficients of a true symmetry may refute it.
        dispersion: Variance of a squared difference over twice its mean, since the errors of coefficients of one row
            are correlated.
        beyond: A group is also refuted where all squared differences together exceed what noise gives by this number of
            standard deviations.
    """

    refuted: float = 1e-3
    dispersion: float = 3.0
    beyond: float = 5.0


@dataclass(frozen=True, eq=False)
class TiedTerms:
    """The coefficients under a group of maps.

    Attributes:
        log_odds: Log of the odds for the group against no symmetry, the price of choosing it among others included.
        sizes: Log of the odds that columns of one orbit have one size, where they might be multiples of each other.
            Columns that act through one quantity are multiples: that they agree in many labels is then one accident.
        orbits: Number of orbits of labels and of inputs.
        is_refuted: Whether differences of tied coefficients are no noise.
        classes: Number of orbits of coefficients; groups with the same number, one inside the other, tie alike.
    """

    log_odds: float
    sizes: float
    orbits: tuple[int, int]
    is_refuted: bool
    classes: int

    def step_from(self, fewer: TiedTerms) -> float:
        """Return the log odds of this group against a smaller one; where orbits merge, their sizes must support it.

        Args:
            fewer: The smaller group.
        """
        if self.is_refuted:
            return -np.inf
        step = self.log_odds - fewer.log_odds
        merged = [a > b for a, b in zip(fewer.orbits, self.orbits, strict=True)]
        pairs = sum(np.log(n * (n - 1)) for n, is_merged in zip(fewer.orbits, merged, strict=True) if is_merged)
        return float(min(step, self.sizes - fewer.sizes - pairs)) if any(merged) else step


@dataclass(frozen=True, eq=False)
class MirrorEvidence:
    """Weighs groups of maps of one set of coefficients.

    Attributes:
        terms: The coefficients.
        settings: When a group is refuted.
    """

    terms: Terms
    settings: EvidenceSettings = field(default_factory=EvidenceSettings)

    @cached_property
    def _products(self) -> IntArray:
        return self.terms.entered

    @cached_property
    def _numbered(self) -> tuple[_Numbered, _Numbered]:
        """Products of two and of three among all monomials: 1, inputs, those of two, those of three."""
        d, count = len(self.terms.centre), len(self._products)
        return _Numbered(self._products, d, 1 + d), _Numbered(self.terms.cubes.entered, d, 1 + d + count)

    @cached_property
    def _table(self) -> tuple[FloatArray, FloatArray]:
        """Coefficients and variances by monomial, as in `_numbered`; (d_out, p) each."""
        first, second = self._products.T
        cubes = self.terms.cubes
        kinds = (self.terms.constant[0], self.terms.linear[0], self.terms.products[0]), self.terms.compared
        of_three = cubes.table[0], cubes.of_entered(self.terms.compared_cubes)
        values, variances = (
            np.hstack([one[:, None], two, three[:, first, second], four])
            for (one, two, three), four in zip(kinds, of_three, strict=True)
        )
        return values, variances

    @cached_property
    def _scale(self) -> FloatArray:
        """How large a linear coefficient would be that had the effect of the products that are seen, (d_out, d_in)."""
        spread = self.terms.spread
        effect = np.abs(self.terms.products[0]) * self.terms.seen_products
        of_two = np.nan_to_num(effect * spread).max(axis=2, initial=0.0)
        return np.asarray(np.maximum(of_two, self.terms.cubes.effects(spread)))

    def of(self, maps: Sequence[SignedMap]) -> TiedTerms:
        """Return the coefficients under the group that maps generate.

        Args:
            maps: The maps.
        """
        fit, zero, labels = self._fit(maps)
        gain = fit.gain + self._gain_of_zeros(zero) + self._gain_of_pattern(fit, labels)
        return TiedTerms(
            log_odds=gain - self._price(maps),
            sizes=self._gain_of_sizes(maps),
            orbits=self._point_orbits(maps),
            is_refuted=self._is_refuted(fit),
            classes=int(labels.max()) + 1,
        )

    def ties(self, maps: Sequence[SignedMap]) -> tuple[int, bool]:
        """Return the number of orbits of coefficients, and whether they are refuted.

        Args:
            maps: Maps that generate the group.
        """
        fit, _, labels = self._fit(maps)
        return int(labels.max()) + 1, self._is_refuted(fit)

    def _fit(self, maps: Sequence[SignedMap]) -> tuple[_Fit, BoolArray, IntArray]:
        """Orbits with their values, which coefficients must vanish (d_out, p), and the orbit of each coefficient."""
        values, variances = self._table
        labels, signs, zero = signed_orbits([self._moved(g) for g in maps], values.size)
        fit = _Fit.of(values.ravel(), variances.ravel(), labels, signs, zero)
        return fit, zero.reshape(values.shape), labels

    def _gain_of_zeros(self, zero: BoolArray) -> float:
        """Evidence of linear coefficients that vanish though products of the same input do not."""
        d = len(self.terms.centre)
        values, variances = self.terms.linear
        vanish = zero[:, 1 : 1 + d] & (self._scale > 0) & np.isfinite(variances)
        ratio = self._scale[vanish] ** 2 / variances[vanish]
        z2 = values[vanish] ** 2 / variances[vanish]
        return float(0.5 * (np.log1p(ratio) - z2 * ratio / (1 + ratio)).sum())

    def _gain_of_sizes(self, maps: Sequence[SignedMap]) -> float:
        sides = ((0, [g.in_images for g in maps]), (1, [g.out_images for g in maps]))
        return sum(_alike(self._clearness[axis], moves) for axis, moves in sides if moves)

    def _point_orbits(self, maps: Sequence[SignedMap]) -> tuple[int, int]:
        m, d = self.terms.linear[0].shape
        sides = (([g.out_images for g in maps], m), ([g.in_images for g in maps], d))
        on_outputs, on_inputs = (int(_point_orbits(moves, size).max()) + 1 for moves, size in sides)
        return on_outputs, on_inputs

    def _gain_of_pattern(self, fit: _Fit, labels: IntArray) -> float:
        """Evidence that coefficients which are seen go to such ones, and others to others: rare where few are seen."""
        terms, (m, p) = self.terms, self._table[0].shape
        d = len(terms.centre)
        seen = np.outer(terms.seen_outputs, terms.seen_inputs)
        counted = np.zeros((m, p), dtype=np.int64)  # 1: linear, 2: a product of two, 3: of three
        counted[:, 1 : 1 + d] = seen
        counted[:, 1 + d :] = 2
        counted[:, 1 + d + len(self._products) :] = 3
        kind = np.zeros(len(fit.misfit), dtype=np.int64)
        kind[labels] = counted.ravel()
        shares = (
            terms.seen_linear[seen].mean() if seen.any() else 0.0,
            terms.seen_products.sum() / max(m * d * (d + 1), 1),
            terms.cubes.seen.sum() / max(m * comb(d + 2, 3), 1),
        )
        critical = (*terms.critical, terms.cubes.critical)
        gain = 0.0
        for number, share in enumerate(shares, start=1):
            rare, common = -np.log(np.clip([share, 1 - share], 1e-6, 1))
            live = fit.clearness > critical[number] ** 2
            gain += float(fit.freedom[(kind == number) & live & ~fit.vanishes].sum() * rare)
            gain += float(fit.freedom[(kind == number) & ~live & ~fit.vanishes].sum() * common) * (number == 1)
        return gain

    @cached_property
    def _clearness(self) -> tuple[FloatArray, FloatArray]:
        """Sums of the z^2 of all coefficients that are seen, of each input and of each label."""
        _, on_linear, on_products = self.terms.compared
        linear, products = self.terms.linear[0] ** 2 / on_linear, self.terms.products[0] ** 2 / on_products
        squares = np.where(self.terms.seen_products, products, 0.0).sum(axis=2)
        seen, of_three = np.where(self.terms.seen_linear, linear, 0.0) + squares, self.terms.cubes.clearness()
        return np.asarray(seen.sum(axis=0) + of_three[0]), np.asarray(seen.sum(axis=1) + of_three[1])

    def _is_refuted(self, fit: _Fit) -> bool:
        tested = fit.freedom > 0
        if not tested.any():
            return False
        p_values = scipy.special.chdtrc(fit.freedom[tested], fit.misfit[tested])
        total, count = float(fit.misfit.sum()), float(fit.freedom.sum())
        limit = count + self.settings.beyond * np.sqrt(2 * self.settings.dispersion * count)
        return bool(p_values.min() * tested.sum() < self.settings.refuted or total > limit + self.settings.beyond**2)

    def _price(self, maps: Sequence[SignedMap]) -> float:
        """Log of the number of groups among which this one was chosen: by its generators, or the orbits of inputs."""
        seen = (self.terms.seen_outputs, self.terms.seen_inputs)
        by_maps = sum(_ways_beyond(g, maps[:k], seen) for k, g in enumerate(maps))
        if any(g.moved_outputs.any() for g in maps) or not maps:
            return by_maps
        moved = np.any([g.moved_inputs for g in maps], axis=0)
        count = int(moved.sum())
        orbits = len(np.unique(_point_orbits([g.in_images for g in maps], len(moved))[moved]))
        by_orbits = _log_choose(max(int(seen[1].sum()), count), count) + count * np.log(2 * max(orbits, 1))
        return min(by_maps, float(by_orbits))

    def _moved(self, g: SignedMap) -> tuple[IntArray, IntArray]:
        """Where a map takes each coefficient, and with which sign; -1 where the product did not enter."""
        numbers, signs = zip(*(kind.moved(g) for kind in self._numbered), strict=True)
        target = np.concatenate([[0], 1 + g.in_images, *numbers])
        sign = np.concatenate([[1], g.in_signs, *signs])
        places = np.where(target[None, :] >= 0, g.out_images[:, None] * len(target) + target[None, :], -1)
        return places.ravel(), np.multiply.outer(g.out_signs, sign).ravel()


def closure(entered: Entered, maps: Sequence[SignedMap], most: int) -> Entered | None:
    """Return products with all their images under maps; None where these are too many.

    Args:
        entered: The products.
        maps: The maps.
        most: Most products.
    """
    known = {tuple(f) for f in (*entered.pairs.tolist(), *entered.triples.tolist())}
    waiting = list(known)
    while waiting:
        factors = list(waiting.pop())
        for g in maps:
            image = tuple(sorted(g.in_images[factors].tolist()))
            if image not in known:
                known.add(image)
                waiting.append(image)
        if len(known) > most:
            return None
    pairs, triples = ([f for f in sorted(known) if len(f) == size] for size in (2, 3))
    return Entered(*(np.array(f, dtype=np.int64).reshape(-1, k) for f, k in ((pairs, 2), (triples, 3))))


class _Numbered:
    """Products (p, degree) of inputs, ascending, with their numbers among monomials from `first` on."""

    def __init__(self, entered: IntArray, size: int, first: int) -> None:
        self.entered, self.powers = entered, size ** np.arange(entered.shape[1] - 1, -1, -1)
        codes = entered @ self.powers
        self.order = np.argsort(codes)
        self.codes, self.first = codes[self.order], first

    def moved(self, g: SignedMap) -> tuple[IntArray, IntArray]:
        """Where a map takes each product, -1 where that did not enter, and with which sign."""
        codes = np.sort(g.in_images[self.entered], axis=1) @ self.powers
        if not len(codes):
            return codes, codes
        place = np.minimum(np.searchsorted(self.codes, codes), len(codes) - 1)
        number = np.where(self.codes[place] == codes, self.first + self.order[place], -1)
        return number, np.prod(g.in_signs[self.entered], axis=1)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Orbits of coefficients, each with one value.

    misfit: squared differences from it, in units of the variances, (k,). freedom: their number. gain: log of the
    density of the coefficients when they are tied, over that when each is free, values having the size of the orbit's.
    clearness: z^2 of the common value. vanishes: whether that must be 0.
    """

    misfit: FloatArray
    freedom: IntArray
    gain: float
    clearness: FloatArray
    vanishes: BoolArray

    @classmethod
    def of(cls, values: FloatArray, variances: FloatArray, labels: IntArray, signs: IntArray, zero: BoolArray) -> _Fit:
        known = np.isfinite(variances) & (variances > 0)
        weight = np.where(known, 1 / np.where(known, variances, 1.0), 0.0)
        turned, count = values * signs, int(labels.max()) + 1
        total = np.bincount(labels, weight, count)
        moment = np.bincount(labels, weight * turned, count)
        squares = np.bincount(labels, weight * values**2, count)
        members = np.bincount(labels, known.astype(float), count)
        vanishes = np.bincount(labels, zero.astype(float), count) > 0
        safe = np.where(total > 0, total, 1.0)
        mean = np.where(vanishes, 0.0, moment / safe)
        misfit = np.maximum(squares - mean**2 * total, 0.0)
        freedom = np.maximum(members - ~vanishes, 0).astype(np.int64)
        size2 = np.where(freedom > 0, np.maximum(mean**2 - 1 / safe, 0.0), 0.0)
        each = size2[labels] * weight
        alone = np.bincount(labels, 0.5 * (np.log1p(each) - values**2 * weight * each / (1 + each)), count)
        joint = 0.5 * (np.log1p(size2 * total) - size2 * moment**2 / (1 + size2 * total))
        gain = np.where(vanishes, -0.5 * np.maximum(misfit - freedom, 0.0), alone - joint)
        return cls(misfit, freedom, float(gain.sum()), mean**2 * total, vanishes)


def signed_orbits(moves: Sequence[tuple[IntArray, IntArray]], size: int) -> tuple[IntArray, IntArray, BoolArray]:
    """Orbits of entries under signed moves: those of one are equal up to signs, or all vanish.

    Args:
        moves: Target and sign of each entry, int64 (size,) each; the target is -1 where it is not known.
        size: Number of entries.

    Returns:
        The number of the orbit of each entry from 0, its sign within it, and whether it must vanish; (size,) each.
    """
    here = np.tile(np.arange(size), len(moves))
    there, sign = (np.concatenate([np.empty(0, dtype=np.int64), *(move[k] for move in moves)]) for k in (0, 1))
    kept = there >= 0
    here, there, flip = here[kept], there[kept], np.where(sign[kept] > 0, 0, size)
    rows = np.concatenate([here, here + size])
    columns = np.concatenate([there + flip, (there + flip + size) % (2 * size)])
    graph = scipy.sparse.coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(2 * size, 2 * size))
    both = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    plus, minus = both[:size], both[size:]
    labels = np.unique(np.minimum(plus, minus), return_inverse=True)[1]
    return labels, np.where(plus <= minus, 1, -1), np.asarray(plus == minus)


def _alike(clearness: FloatArray, moves: Sequence[IntArray], widest: float = 4.0) -> float:
    """Evidence that sizes (d,), known with relative errors of clearness^(-1/2), are those of their orbits.

    Without a symmetry the logarithms of sizes differ by anything up to that of `widest`, up or down.
    """
    orbits = _point_orbits(moves, len(clearness))
    seen = (np.bincount(orbits)[orbits] > 1) & (clearness > 0)
    total = np.bincount(orbits[seen], clearness[seen], len(orbits))
    orbit_count = int((total > 0).sum())
    ties = int(seen.sum()) - orbit_count
    prior = np.log(2 * np.log(widest) / np.sqrt(2 * np.pi))
    return float(ties * prior + 0.5 * np.log(clearness[seen]).sum() - 0.5 * np.log(total[total > 0]).sum())


def _ways_beyond(g: SignedMap, before: Sequence[SignedMap], seen: tuple[BoolArray, BoolArray]) -> float:
    """Log of the number of signed permutations like g, given that the group of other maps holds.

    Maps that permute its orbits are counted by orbit, each with as many places as an orbit has.
    """
    sides = (
        (g.out_images, g.moved_outputs, [h.out_images for h in before], seen[0]),
        (g.in_images, g.moved_inputs, [h.in_images for h in before], seen[1]),
    )
    return sum(_ways(images, moved, others, of) for images, moved, others, of in sides)


def _ways(images: IntArray, moved: BoolArray, before: Sequence[IntArray], seen: BoolArray) -> float:
    orbits = _point_orbits(before, len(images))
    pairs = np.unique(np.stack([orbits, orbits[images]]), axis=1)
    if pairs.shape[1] > int(orbits.max()) + 1:  # an orbit is torn apart
        orbits = np.arange(len(images))
    touched = np.unique(orbits[moved])
    if not touched.size:
        return 0.0
    count, every = len(touched), max(len(np.unique(orbits[seen | moved])), len(touched))
    places = np.bincount(orbits)[touched]
    return _log_choose(every, count) + float(scipy.special.gammaln(count + 1) + np.log(2 * places).sum())


def _log_choose(n: int, k: int) -> float:
    return float(scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1))


def _point_orbits(moves: Sequence[IntArray], size: int) -> IntArray:
    """Number of the orbit of each column under some permutations, int64 (size,)."""
    return orbit_numbers(moves, size) if moves else np.arange(size)
