"""Which unit a search trains: what the user said, else what the task recommends, with its hidden representation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.errors import GroupError, RepresentationError, SpaceError, UnitError, setting
from sharefind.groups import FiniteGroup, Representation, hom, parse_representation
from sharefind.groups.images import block_places, pair_places
from sharefind.groups.vector_pairs import on_pairs
from sharefind.groups.vector_types import kinds_of, on_types, vector_labels
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.meanfield.units import SearchedUnit, build_searched_unit, read_unit
from sharefind.meanfield.units.invariance import generator_signs
from sharefind.spaces import fixed_space

DEFAULT_UNIT = "matrix+bias"
"""The unit for labels that the candidate moves, and where nothing else suits."""

HIDDEN_UNIT = "two-layer"
"""The unit for labels that the candidate does not change; its hidden layer sees more than sums."""

GATED_UNIT = "gated"
"""The unit for groups that turn vectors: a pointwise sigma commutes with no rotation."""

TENSOR_UNIT = "gated-tensors"
"""The same for labels that are reached by products of two vectors: tensors of order 2, cross products."""

BARE_UNIT = "matrix"
"""The unit where no linear map is equivariant and no hidden layer helps: a bias alone would only hide that."""


@dataclass(frozen=True)
class HiddenWidths:
    """Which hidden spaces are chosen where none is named.

    Attributes:
        universal_order: Largest group whose regular representation is the default.
        wide: Widest hidden space for larger groups, if one of this width sees enough.
        widest: Widest hidden space that is ever chosen: wider ones train for minutes.
        vectors: Most hidden vectors of each kind for groups that turn vectors. Particles of a few vectors learn more
            than one of many: five bodies, 48 vectors, 2,000 rows, 1 - R^2 .009 with one particle and .002 with six.
        types: Most hidden vectors and scalars in all, where there are several of each kind.
        parameters: Most dim Z with which vectors of pairs of points are taken.
    """

    universal_order: int = 24
    wide: int = 32
    widest: int = 128
    vectors: int = 8
    types: int = 50
    parameters: int = 10_000


def searched_unit(
    expression: str | None,
    hidden: str | None,
    in_rep: Representation,
    out_rep: Representation,
    limits: Limits = DEFAULT_LIMITS,
    is_paper: bool = False,
) -> SearchedUnit:
    """Return the unit that is trained.

    Args:
        expression: A unit; `default_unit` where None.
        hidden: The representation on its hidden space; `default_hidden` where None.
        in_rep: The candidate's action on X.
        out_rep: The candidate's action on Y.
        limits: `dim` bounds dim Z.
        is_paper: Whether the paper's preset is used.

    Raises:
        UnitError: The unit is unknown, cannot be searched or is not equivariant, has no hidden space for `hidden`, or
            needs one that the group has no default for.
        RepresentationError: The hidden representation cannot be read.
        SpaceError: dim Z is above the limit.
    """
    name, group = expression or default_unit(in_rep, out_rep, hidden, limits, is_paper), in_rep.group
    if hidden is None and read_unit(name).kind.has_hidden:
        hidden = default_hidden(in_rep, out_rep, limits, name)
    hidden_rep = None if hidden is None else parse_representation(hidden, group, limits)
    refuse_wide(name, in_rep.dim, out_rep.dim, None if hidden_rep is None else hidden_rep.dim, limits)
    return build_searched_unit(name, in_rep, out_rep, hidden_rep)


def refuse_wide(expression: str | None, d_in: int, d_out: int, d_hidden: int | None, limits: Limits) -> None:
    """Refuse a unit with too many parameters before it is built.

    Args:
        expression: The unit, or None for the default.
        d_in: Number of inputs.
        d_out: Number of outputs.
        d_hidden: Width of the hidden space; None where it is not known, or there is none.
        limits: `dim` bounds dim Z.

    Raises:
        SpaceError: dim Z is above the limit.
        UnitError: The expression names no unit.
    """
    name = expression or DEFAULT_UNIT
    dim = read_unit(name).dim(d_in, d_out, d_hidden or 1)
    if dim > limits.dim:
        raise SpaceError(
            f"unit {name} on inputs of width {d_in} and outputs of width {d_out} has {dim} parameters, above the "
            f"limit of {limits.dim}; use narrower data, or {raise_it('dim', dim)}"
        )


def default_unit(
    in_rep: Representation,
    out_rep: Representation,
    hidden: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    is_paper: bool = False,
) -> str:
    """The unit for a candidate's actions on X and Y, where neither the user nor the task names one.

    An affine map with a bias for labels that the candidate moves, with tanh where it changes their signs. Where they
    are invariant, or no linear map is equivariant, a hidden layer, if one sees more than invariant linear functions.
    Vectors gated by lengths for groups that turn inputs or labels continuously, and for labels that a finite group
    turns where no permuted hidden layer sees enough: a pointwise sigma would leave a constant network. With products of
    vectors where labels depend on some, such as tensors of order 2.

    Args:
        in_rep: The action on X.
        out_rep: The action on Y.
        hidden: A representation that the user named for the hidden units.
        limits: `dim` bounds the parameters.
        is_paper: Whether the paper's preset is used, whose 1,000 particles are units of one layer.

    Returns:
        A unit expression.
    """
    group = in_rep.group
    sigma = ":tanh" if any(min(s, default=1) < 0 for s in generator_signs(out_rep) if s is not None) else ""
    if group.order == 1:
        return DEFAULT_UNIT
    if _rotates(in_rep) or _rotates(out_rep):
        return gated_unit(in_rep, out_rep, hidden, limits)
    is_turned = any(signs is None for signs in generator_signs(out_rep))
    is_blind = fixed_space(hom(in_rep, out_rep)).is_zero
    if not (is_blind or is_turned or _is_trivial(out_rep)):
        return f"{DEFAULT_UNIT}{sigma}"
    if hidden is not None:
        is_turning = any(s is None for s in _hidden_signs(hidden, in_rep, limits))
        return gated_unit(in_rep, out_rep, hidden, limits) if is_turning else HIDDEN_UNIT
    if group.is_finite and not is_paper:
        rep = _rep(_chosen_hidden(in_rep, out_rep, limits), in_rep, limits)
        dim = 0 if rep is None else read_unit(HIDDEN_UNIT).dim(in_rep.dim, out_rep.dim, rep.dim)
        if rep is not None and dim <= limits.dim and _sees(in_rep, out_rep, rep):
            return HIDDEN_UNIT
    if is_turned:
        return gated_unit(in_rep, out_rep, None, limits)
    return f"{BARE_UNIT if is_blind else DEFAULT_UNIT}{sigma}"


def default_hidden(
    in_rep: Representation, out_rep: Representation, limits: Limits = DEFAULT_LIMITS, unit: str = HIDDEN_UNIT
) -> str:
    """The representation on hidden units where none is named.

    For units gated by lengths it has up to `HiddenWidths.vectors` hidden vectors of each kind that the inputs have, and
    for vectors of permuted points those of pairs of points (`sharefind.groups.vector_types.kinds_of`).

    `regular` up to `HiddenWidths.universal_order` elements: with it E^G is universal (Maass & Fontbona 2024, Prop. 5).
    For larger groups the first of natural, its square and regular with which E^G holds more than invariant linear
    functions, of width up to `HiddenWidths.wide` if there is one, else the narrowest up to `HiddenWidths.widest`. For
    infinite groups `trivial`: a pointwise sigma commutes with no continuous rotation, so that an infinite connected
    group can only fix hidden units.

    Args:
        in_rep: The action on X.
        out_rep: The action on Y.
        limits: Limits on the size of representations.
        unit: The unit whose hidden space it is.

    Returns:
        An expression.

    Raises:
        UnitError: None of these representations sees enough; name one.
    """
    group = in_rep.group
    kind = read_unit(unit).kind
    if kind.has_types:
        return _gated_hidden(in_rep, out_rep, limits, kind.has_pairs)
    chosen = _chosen_hidden(in_rep, out_rep, limits)
    if chosen is None:
        raise UnitError(
            f"{setting('hidden_rep')} is needed: neither of the hidden layers tried (natural, regular) sees more of "
            "X than invariant "
            f"linear functions of {group.name}; give one, such as {setting('hidden_rep')} 2*natural"
        )
    return chosen


def _chosen_hidden(
    in_rep: Representation, out_rep: Representation, limits: Limits, widths: HiddenWidths = HiddenWidths()
) -> str | None:
    group = in_rep.group
    if not isinstance(group, FiniteGroup):
        return "trivial"
    if group.order <= widths.universal_order:
        return "regular"
    points = group.degree
    tried = {"natural": points, "natural*natural": points**2, "regular": group.order}
    found = {}
    for name in (n for n, width in tried.items() if width <= widths.widest):
        rep = _rep(name, in_rep, limits)
        if rep is not None and _sees(in_rep, out_rep, rep):
            found[name] = rep.dim
            if rep.dim <= widths.wide:
                return name
    return min(found, key=lambda name: found[name], default=None)


def gated_unit(
    in_rep: Representation, out_rep: Representation, hidden: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> str:
    """`gated-tensors` where products of two vectors reach labels that lengths and scalars do not, else `gated`.

    Args:
        in_rep: The action on X.
        out_rep: The action on Y.
        hidden: A representation that the user named for the hidden units.
        limits: Limits on the size of representations.

    Returns:
        A unit expression.
    """
    if _is_trivial(out_rep):
        return GATED_UNIT
    rep = _rep(hidden or f"2*({'+'.join(kinds_of(in_rep))})", in_rep, limits)
    try:
        pairs = None if rep is None else on_pairs(rep, vector_labels(rep))
    except RepresentationError:
        pairs = None
    if rep is None or pairs is None:
        return GATED_UNIT
    lengths = hom(out_rep, on_types(rep, vector_labels(rep)))
    with_products = reached([lengths, hom(out_rep, pairs)], out_rep.dim)
    return TENSOR_UNIT if with_products > reached([lengths], out_rep.dim) else GATED_UNIT


def reached(maps: Sequence[Representation], rows: int) -> int:
    """Return the dimension of what the images of equivariant maps span together.

    Args:
        maps: Actions on matrices with `rows` rows.
        rows: Dimension of the space that the maps lead to.
    """
    bases = [basis for action in maps if len(basis := fixed_space(action).orthonormal())]
    columns = [basis.reshape(len(basis), rows, -1).swapaxes(0, 1).reshape(rows, -1) for basis in bases]
    return int(np.linalg.matrix_rank(np.concatenate(columns, axis=1))) if columns else 0


def _gated_hidden(
    in_rep: Representation,
    out_rep: Representation,
    limits: Limits,
    has_pairs: bool,
    widths: HiddenWidths = HiddenWidths(),
) -> str:
    """Vectors of pairs of points where dim Z allows it, else of points; an even number where they are multiplied."""
    of_pairs, of_points = (kinds_of(in_rep, has_pairs=pairs) for pairs in (True, False))
    if of_pairs != of_points:
        text = _multiple(of_pairs, in_rep, limits, has_pairs, widths)
        rep = _rep(text, in_rep, limits)
        if rep is not None and _gated_size(in_rep, out_rep, rep, has_pairs) <= widths.parameters:
            return text
    return _multiple(of_points, in_rep, limits, has_pairs, widths)


def _multiple(kinds: list[str], in_rep: Representation, limits: Limits, is_even: bool, widths: HiddenWidths) -> str:
    """Return as many hidden vectors of each kind as widths allow."""
    one = "+".join(kinds)
    rep = _rep(one, in_rep, limits)
    types = 1 if rep is None else max(block_places(vector_labels(rep))) + 1
    count = max(1, min(widths.vectors, widths.types // types))
    count = max(2, count - count % 2) if is_even else count
    name = f"({one})" if len(kinds) > 1 else one
    return name if count == 1 else f"{count}*{name}"


def _gated_size(in_rep: Representation, out_rep: Representation, hidden: Representation, has_pairs: bool) -> int:
    """Dim Z of a gated unit."""
    labels = vector_labels(hidden)
    types = int(max(block_places(labels))) + 1
    pairs = len(pair_places(labels)[0]) if has_pairs else 0
    return hidden.dim * (in_rep.dim + out_rep.dim) + types * (types + 1 + out_rep.dim) + pairs * out_rep.dim


def _hidden_signs(hidden: str, in_rep: Representation, limits: Limits) -> list[list[int] | None]:
    return generator_signs(parse_representation(hidden, in_rep.group, limits))


def _rotates(rep: Representation) -> bool:
    """Whether a group moves a space continuously."""
    return any(not d.is_zero_matrix for d in rep.lie)


def _rep(name: str | None, in_rep: Representation, limits: Limits) -> Representation | None:
    try:
        return None if name is None else parse_representation(name, in_rep.group, limits)
    except (GroupError, RepresentationError, SpaceError):
        return None


def _sees(in_rep: Representation, out_rep: Representation, hidden: Representation) -> bool:
    """Whether the hidden layer of E^G reads more than invariant linear functions of X, and the outputs read it.

    A row of W in Hom_G(X, H) is invariant under the stabiliser of its hidden unit alone. Where all rows are invariant
    under the whole group, dim Hom_G(X, H) is the product of the dimensions of what it fixes in X and in H.
    """
    signs = generator_signs(hidden)
    if any(s is None or min(s, default=1) < 0 for s in signs):  # logistic units commute with permutations alone
        return False
    linear = fixed_space(in_rep).dim * fixed_space(hidden).dim
    return fixed_space(hom(in_rep, hidden)).dim > linear and not fixed_space(hom(hidden, out_rep)).is_zero


def _is_trivial(rep: Representation) -> bool:
    """Whether the group moves nothing."""
    return not _rotates(rep) and fixed_space(rep).dim == rep.dim
