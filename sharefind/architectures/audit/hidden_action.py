"""Which signed permutation of hidden units follows each generator: read off the weights, from the inputs up.

A layer h = sigma(W x + b) follows a generator g if h(g x) = P h(x) for a signed permutation P: row by row,
P W = W rho(g) and P b = b, where rho is the action on what the layer sees. The rows are assigned to each other so that
the sum of absolute differences is least. Signs are possible where the activation is odd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice, permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from sharefind.architectures.audit.elements import generator_matrices
from sharefind.architectures.audit.reduced_chain import ReducedChain, ReducedLayer
from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.images import sparse_images
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.representation import signed_permutations
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.typing import FloatArray, IntArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class ReadingSettings:
    """When an action counts as read.

    Attributes:
        near: Largest difference of a row from its image, relative to the row, at which an action that no row follows
            exactly is read nearly.
        clear: Largest difference of a row from its image, relative to that from any other row, for the same: among
            many units of few inputs, all have a neighbour.
        exact_share: Least share of rows that follow each generator exactly where others are broken.
        widest: Largest number of units of a layer that are assigned.
        trials: Largest number of assignments that are tried where rows are broken, times the order of the group.
        kept: Largest number of actions of such a layer between which the layers above decide.
    """

    near: float = 0.1
    clear: float = 0.5
    exact_share: float = 0.5
    widest: int = 2_048
    trials: int = 20_000
    kept: int = 4


READING = ReadingSettings()
"""Default settings."""


class Reading(StrEnum):
    """How an action was read.

    Attributes:
        EXACT: Every row follows every generator up to rounding.
        BROKEN: At least half of the rows do under each generator, and the others fit in.
        NEAR: Every row is near that of its image.
        UNDECIDED: There is no such action.
    """

    EXACT = "exact"
    BROKEN = "broken"
    NEAR = "near"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class HiddenAction:
    """The reading of one hidden layer.

    Attributes:
        reading: How the action was read.
        action: The action on the units of the reduced layer; None where it is undecided.
        mismatch: Difference of each row from its image relative to the row, for each generator, shape (generators,
            units).
        followed: Whether each row follows each generator up to rounding, bool (generators, units).
        reason: Why the action is undecided; "" where it is not.
    """

    reading: Reading
    action: Representation | None
    mismatch: FloatArray
    followed: BoolArray
    reason: str = ""


def hidden_actions(
    chain: ReducedChain, in_rep: Representation, out_rep: Representation, settings: ReadingSettings = READING
) -> tuple[HiddenAction, ...]:
    """Return the action on each hidden layer; layers above an undecided one are undecided, too.

    Args:
        chain: The reduced network.
        in_rep: How the group acts on inputs.
        out_rep: How it acts on outputs.
        settings: When an action counts as read.
    """
    group = in_rep.group
    if not isinstance(group, FiniteGroup):
        reason = f"{group.name} is infinite, and signed permutations of units follow no continuous motion"
        return tuple(_undecided(layer, 0, reason) for layer in chain.layers[:-1])
    return _upwards(chain.layers, in_rep, out_rep, group, settings)[1]


def _upwards(
    layers: Sequence[ReducedLayer],
    before: Representation,
    out_rep: Representation,
    group: FiniteGroup,
    settings: ReadingSettings,
) -> tuple[int, tuple[HiddenAction, ...]]:
    """Return the actions on all layers but the last, and how many rows follow generators exactly in all of them.

    Where rows are broken, several actions may fit a layer; the one that most rows above follow is taken.
    """
    layer, *above = layers
    if not above:
        return _following(layer, before, out_rep), ()
    found: list[tuple[int, tuple[HiddenAction, ...]]] = []
    for one in _layer_actions(layer, before, group, settings):
        if one.action is None:
            reason = "the action on the layer before is undecided"
            rest = tuple(_undecided(other, len(group.generators), reason) for other in above[:-1])
            found.append((0, (one, *rest)))
        else:
            count, higher = _upwards(above, one.action, out_rep, group, settings)
            found.append((count + int(one.followed.sum()), (one, *higher)))
    return max(found, key=lambda pair: pair[0])


def _following(layer: ReducedLayer, before: Representation, after: Representation) -> int:
    """Return how many rows of a layer between two known actions follow the generators exactly."""
    count = 0
    for k, matrix in enumerate(generator_matrices(after)):
        both = matrix @ layer.rows - np.column_stack([image_rows(layer.weight, before, k), layer.bias])
        count += int((np.linalg.norm(both, axis=1) <= 2 * layer.rounding).sum())
    return count


def _undecided(layer: ReducedLayer, generators: int, reason: str) -> HiddenAction:
    none = np.full((generators, layer.width), np.nan)
    return HiddenAction(Reading.UNDECIDED, None, none, np.zeros_like(none, dtype=bool), reason)


def _layer_actions(
    layer: ReducedLayer, before: Representation, group: FiniteGroup, settings: ReadingSettings
) -> list[HiddenAction]:
    """Return the actions that fit a layer, those with least differences first; one that is undecided without any."""
    count = len(group.generators)
    if layer.width == 0:
        return [_undecided(layer, count, "no unit of the layer has an effect")]
    if layer.width > settings.widest:
        return [_undecided(layer, count, f"the layer is wider than {settings.widest}")]
    matches = [_matched(layer, image_rows(layer.weight, before, k)) for k in range(count)]
    followed = np.array([match.is_followed for match in matches]).reshape(count, layer.width)
    mismatch = np.array([match.mismatch for match in matches]).reshape(count, layer.width)
    nearness = np.array([match.nearness for match in matches]).reshape(count, layer.width)
    reading, reason = _judged(followed, mismatch, nearness, settings)
    if reading is Reading.UNDECIDED:
        return [HiddenAction(reading, None, mismatch, followed, reason)]
    orders = _completions(matches) if reading is Reading.BROKEN else iter([matches])
    tried = (_action(group, one, layer.width) for one in islice(orders, max(1, settings.trials // group.order)))
    fitting = (one for one in tried if is_homomorphism(group, one))
    found = [HiddenAction(reading, one, mismatch, followed) for one in islice(fitting, settings.kept)]
    reason = "units move to each other, but not as the group multiplies"
    return found or [HiddenAction(Reading.UNDECIDED, None, mismatch, followed, reason)]


@dataclass(frozen=True, eq=False)
class _Match:
    """Units and their images under one generator.

    Attributes:
        perm: Image of each unit, shape (units,).
        sign: Its sign, shape (units,).
        is_followed: Whether the rows are equal up to rounding, shape (units,).
        mismatch: Difference of the rows relative to the unit's, shape (units,).
        nearness: Difference of the rows relative to that from any other row or sign, shape (units,).
        plus: Sum of absolute differences of each row and each image, (units, units).
        minus: The same with the opposite sign; None where there are no signs.
    """

    perm: IntArray
    sign: IntArray
    is_followed: BoolArray
    mismatch: FloatArray
    nearness: FloatArray
    plus: FloatArray
    minus: FloatArray | None


def _matched(layer: ReducedLayer, images: FloatArray) -> _Match:
    """Return the assignment in which most rows are equal to their images, and the others differ least."""
    rows, targets = layer.rows, np.column_stack([images, layer.bias])
    bound = layer.rounding[:, None] + layer.rounding[None, :]
    plus = cdist(rows, targets, "cityblock")
    minus = cdist(-rows, targets, "cityblock") if layer.is_odd else None
    cost = plus if minus is None else np.minimum(plus, minus)
    is_equal = cdist(rows, targets) <= bound
    if minus is not None:
        is_equal |= cdist(-rows, targets) <= bound
    _, perm = linear_sum_assignment(cost - np.where(is_equal, 2 * cost.max(initial=0.0) * len(rows) + 1, 0.0))
    units = np.arange(layer.width)
    sign = np.where(cost[units, perm] < plus[units, perm], -1, 1)
    sizes = np.maximum(np.linalg.norm(rows, axis=1), np.finfo(np.float64).tiny)
    mismatch = np.linalg.norm(sign[:, None] * rows - targets[perm], axis=1) / sizes
    return _Match(perm, sign, is_equal[units, perm], mismatch, _nearness(plus, minus, perm), plus, minus)


def _nearness(plus: FloatArray, minus: FloatArray | None, perm: IntArray) -> FloatArray:
    """Return the difference of each row from its image, relative to the least difference from another row or sign."""
    tables = plus[None] if minus is None else np.stack([plus, minus])
    units = np.arange(len(perm))
    both = tables[:, units, perm].copy()
    others = tables.copy()
    others[both.argmin(axis=0), units, perm] = np.inf
    own, least = both.min(axis=0), others.min(axis=(0, 2))
    return np.asarray(own / np.maximum(least, np.finfo(np.float64).tiny))


def _action(group: FiniteGroup, matches: Sequence[_Match], width: int) -> Representation:
    perms = np.array([match.perm for match in matches], dtype=np.int64).reshape(len(matches), width)
    signs = np.array([match.sign for match in matches], dtype=np.int8).reshape(len(matches), width)
    return signed_permutations(group, "hidden", (perms, signs), "signed" if (signs < 0).any() else "permutation")


def _completions(matches: Sequence[_Match], most: int = 3) -> Iterator[list[_Match]]:
    """Yield the assignments that keep all pairs of equal rows, those with least differences first.

    Where a weight is broken, the least differences need not be the action.
    """
    choices = [sorted(_rearranged(match, most), key=lambda pair: pair[0]) for match in matches]
    for chosen in sorted(product(*choices), key=lambda pairs: sum(cost for cost, _ in pairs)):
        yield [match for _, match in chosen]


def _rearranged(match: _Match, most: int) -> Iterator[tuple[float, _Match]]:
    """Yield the assignment with the units that do not follow in every order and with every sign, and its cost."""
    left = np.flatnonzero(~match.is_followed)
    if len(left) > most:
        yield 0.0, match
        return
    signs = (1,) if match.minus is None else (1, -1)
    for targets in permutations(match.perm[left].tolist()):
        for chosen in product(signs, repeat=len(left)):
            perm, sign = match.perm.copy(), match.sign.copy()
            perm[left], sign[left] = targets, chosen
            tables = [match.plus if s > 0 or match.minus is None else match.minus for s in chosen]
            cost = sum(float(table[u, v]) for table, u, v in zip(tables, left, targets, strict=True))
            yield cost, replace(match, perm=perm, sign=sign)


def image_rows(weight: FloatArray, before: Representation, generator: int) -> FloatArray:
    """Return W rho(g), shape (units, in).

    Args:
        weight: W, shape (units, in).
        before: The action rho on what the layer sees.
        generator: Number of the generator, from 0.
    """
    if before.is_sparse:
        perms, signs = before.sparse_generators
        return np.asarray(weight[:, perms[generator]] * signs[generator])
    return weight @ generator_matrices(before)[generator]


def _judged(
    followed: BoolArray, mismatch: FloatArray, nearness: FloatArray, settings: ReadingSettings
) -> tuple[Reading, str]:
    if followed.all():
        return Reading.EXACT, ""
    if followed.mean(axis=1).min() >= settings.exact_share:
        return Reading.BROKEN, ""
    if mismatch.max() <= settings.near and nearness.max() <= settings.clear:
        return Reading.NEAR, ""
    if mismatch.max() <= settings.near:
        return Reading.UNDECIDED, "units lie so close to each other that their images are not clear"
    share = float(followed.mean())
    return Reading.UNDECIDED, f"{100 * (1 - share):.0f} % of the units have no image among the units"


def is_homomorphism(group: FiniteGroup, action: Representation, most: int = 20_000_000) -> bool:
    """Return whether signed permutations of generators multiply as the generators do, checked over the integers.

    Small groups are listed: the image of every element times a generator must be the product of the images. For larger
    ones the group that generators and images generate together must have no more elements than the group.

    Args:
        group: The group.
        action: The images of its generators.
        most: Largest number of entries of the list of images.
    """
    if not group.generators:
        return True
    if group.is_small and group.order * action.dim <= most:
        return _multiplies(group, action)
    joint = JointPoints.of([action]).generators
    return StabiliserChain.of(joint, joint.shape[1]).order == group.order


def _multiplies(group: FiniteGroup, action: Representation) -> bool:
    perms, signs = action.sparse_generators
    all_perms, all_signs = sparse_images(group, perms, signs)
    elements, positions = group.elements(), group.enumeration().positions
    for generator, perm, sign in zip(group.generator_array, perms, signs, strict=True):
        products = [positions[row.tobytes()] for row in np.ascontiguousarray(elements[:, generator])]
        if not np.array_equal(all_perms[products], all_perms[:, perm]):
            return False
        if not np.array_equal(all_signs[products], all_signs[:, perm] * sign):
            return False
    return True
