"""Representation expressions that say how each axis of a row is moved: "points:natural coords:trivial".

    action = term {" " term}
    term   = axis {"*" axis} ":" sum

The value is the tensor product over the axes, in the order of the columns. `trivial` and `grid` without a size fit the
axes. An axis without a term is fixed. Terms may contain spaces inside parentheses only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import mul

import numpy as np

from sharefind.errors import GroupError, RepresentationError, quoted, setting
from sharefind.exact.matrices import rows_of, sparse_matrix
from sharefind.groups.axes import Axes, AxisSettings
from sharefind.groups.constructors import natural
from sharefind.groups.expressions import parse_representation
from sharefind.groups.factors import factors_of, qualifiers
from sharefind.groups.group import CompactGroup, Group
from sharefind.groups.images import Matrices
from sharefind.groups.representation import Construction, Representation, signed_permutations
from sharefind.limits import DEFAULT_LIMITS, Limits

_HEAD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*(?:\*[A-Za-z_][A-Za-z0-9_]*)*):")
_SIZED = re.compile(r"((?:[A-Za-z]{0,2}[0-9]+\.)?)(trivial|grid)")
_GRID = re.compile(r"(?:[A-Za-z]{0,2}[0-9]+\.)?grid:([0-9]{1,9})")
_BARE = re.compile(r"(?<![.A-Za-z])natural\b")
_WORDS = ("trivial", "grid", "patch", "natural", "regular", "sign", "dual")


@dataclass(frozen=True)
class AxisTerm:
    """The action on some axes.

    Attributes:
        axes: Positions of these axes among the axes of the row, in the order in which the term names them.
        expression: The representation on their product.
    """

    axes: tuple[int, ...]
    expression: str

    def written(self, axes: Axes) -> str:
        """Return the term as text, such as "rows*cols:grid:8".

        Args:
            axes: The axes of a row.
        """
        return f"{'*'.join(axes.names[k] for k in self.axes)}:{self.expression}"


def is_by_axes(text: str, axes: Axes | None = None) -> bool:
    """Return whether an expression names axes: whether it begins with the name of an axis, or with an unknown word, and
    a colon.

    Args:
        text: The expression.
        axes: The axes of a row; None if it is flat.
    """
    match = _HEAD.match(text.strip())
    first = None if match is None else match[1].partition("*")[0]
    return first is not None and (first not in _WORDS or (axes is not None and first in axes.names))


def axis_terms(text: str, axes: Axes, group: Group, longest: int = 2000) -> tuple[AxisTerm, ...]:
    """Return the term of each axis, in the order of the axes; an axis without a term is fixed.

    Args:
        text: For example "points:natural coords:trivial" or "rows*cols:grid".
        axes: The axes of a row.
        group: The group that acts. For a product, `natural` means that of the one factor that fits the axis.
        longest: Largest length of an expression, in characters.

    Raises:
        RepresentationError: The text is not such an expression, names an unknown axis or an axis twice, or describes an
            image that is not square.
    """
    if len(text) > longest:
        raise RepresentationError(f"an expression of {len(text)} characters is too long; use at most {longest}")
    found = [_term(piece, text, axes, group) for piece in _pieces(text)]
    named = [k for term in found for k in term.axes]
    twice = next((axes.names[k] for k in named if named.count(k) > 1), None)
    if twice is not None:
        raise RepresentationError(f"{quoted(text)} names the axis {twice} twice; give each axis one expression")
    rest = [AxisTerm((k,), _sized("trivial", (n,))) for k, n in enumerate(axes.shape) if k not in named]
    return tuple(sorted([*found, *rest], key=lambda term: min(term.axes)))


def written(terms: Sequence[AxisTerm], axes: Axes) -> str:
    """Return terms as an expression.

    Args:
        terms: The terms.
        axes: The axes of a row.
    """
    return " ".join(term.written(axes) for term in terms)


def representation_of(
    text: str, group: Group, axes: Axes | None, side: AxisSettings, limits: Limits = DEFAULT_LIMITS
) -> Representation:
    """Return the representation that an expression denotes, by axes or of a flat row.

    Args:
        text: The expression.
        group: The group that acts.
        axes: The axes of a row; None if it is flat.
        side: The settings of this side.
        limits: As in `parse_representation`.

    Raises:
        RepresentationError: The expression names axes but rows have none, or it cannot be read or does not fit.
    """
    if not is_by_axes(text, axes):
        return parse_representation(text, group, limits)
    if axes is None:
        raise RepresentationError(
            f'{quoted(text)} names axes, and rows of {side.letter} have none; add {setting(side.axes)} "points coords" '
            f"or the like, and {setting(side.shape)} where they are flat"
        )
    return axis_representation(text, group, axes, limits)


def axis_representation(text: str, group: Group, axes: Axes, limits: Limits = DEFAULT_LIMITS) -> Representation:
    """Return the representation on the flattened array that an expression by axes denotes; its name lists each axis.

    Args:
        text: The expression.
        group: The group that acts.
        axes: The axes of a row.
        limits: As in `parse_representation`.

    Raises:
        RepresentationError: As in `axis_terms`; also if the dimension of a term is not the length of its axes.
    """
    terms = axis_terms(text, axes, group)
    parts = [_checked(term, text, axes, group, limits) for term in terms]
    order = [k for term in terms for k in term.axes]
    return replace(_in_order(reduce(mul, parts), order, axes.shape), name=written(terms, axes))


def fitting(group: Group, length: int) -> list[str]:
    """Return expressions that fit an axis, likelier ones first.

    Args:
        group: The group that acts.
        length: Length of the axis.
    """
    found = []
    for factor, word in zip(factors_of(group), qualifiers(group), strict=True):
        name = "natural" if factor is group else f"{word}.natural"
        own = natural(factor).dim
        if own == length:
            found.append(name)
        elif length % own == 0 and own > 1:
            found.append(f"{length // own}*{name}")
        elif isinstance(factor, CompactGroup) and length > own:
            found.append(f"{name}+{_sized('trivial', (length - own,))}")
    return [*found, "trivial"]


def _pieces(text: str) -> Iterator[str]:
    """Yield the terms, which spaces outside parentheses separate."""
    depth, piece = 0, ""
    for character in f"{text} ":
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character.isspace() and depth <= 0:
            if piece:
                yield piece
            piece = ""
        else:
            piece += character
    if piece.strip():
        raise RepresentationError(f"{quoted(text)}: a parenthesis is not closed; add ')'")


def _term(piece: str, text: str, axes: Axes, group: Group) -> AxisTerm:
    match = _HEAD.match(piece)
    if match is None or match.end() == len(piece):
        raise RepresentationError(
            f"{quoted(text)}: {quoted(piece)} is not an axis with an expression; write terms such as "
            f"{axes.names[0]}:natural, with spaces between them and inside parentheses only"
        )
    names = match[1].split("*")
    unknown = next((name for name in names if name not in axes.names), None)
    if unknown is not None:
        raise RepresentationError(f"{quoted(text)}: there is no axis {unknown}; the axes are {', '.join(axes.names)}")
    places = tuple(axes.names.index(name) for name in names)
    lengths = tuple(axes.shape[k] for k in places)
    expression = _sized(piece[match.end() :], lengths)
    _refuse_no_square(expression, match[1], lengths, text)
    return AxisTerm(places, _of_one_factor(expression, match[1], math.prod(lengths), text, group))


def _sized(expression: str, lengths: tuple[int, ...]) -> str:
    """Return `trivial` and `grid` with the size that fits the axes."""
    match = _SIZED.fullmatch(expression)
    if match is None:
        return expression
    if match[2] == "grid":
        return f"{expression}:{lengths[0] if len(lengths) > 1 else max(1, math.isqrt(lengths[0]))}"
    size = math.prod(lengths)
    return expression if size == 1 else f"{expression}:{size}"


def _refuse_no_square(expression: str, names: str, lengths: tuple[int, ...], text: str) -> None:
    """Refuse a grid that does not act on a square: it needs two axes of its size, or one axis with all pixels."""
    match = _GRID.fullmatch(expression)
    if match is None:
        return
    side = int(match[1])
    if lengths in ((side, side), (side**2,)):
        return
    size = " x ".join(map(str, lengths))
    raise RepresentationError(
        f"{quoted(text)}: {names} is {size} and {expression} moves a square of {side} x {side} pixels; "
        "name its rows and columns, of equal lengths, such as rows*cols:grid"
    )


def _of_one_factor(expression: str, names: str, length: int, text: str, group: Group) -> str:
    """Replace `natural` of a product, alone or in a sum, by that of the factor that fits the length of the axis."""
    factors = factors_of(group)
    if _BARE.search(expression) is None or len(factors) == 1 or _dim(expression, group) == length:
        return expression
    said = {word: _BARE.sub(f"{word}.natural", expression) for word in qualifiers(group)}
    fits = [way for way in said.values() if _dim(way, group) == length]
    if len(fits) == 1:
        return fits[0]
    ways = " or ".join(f"{names}:{way}" for way in fits)
    if not fits:
        return expression
    raise RepresentationError(f"{quoted(text)}: {len(fits)} factors of {group.name} fit {names}; write {ways}")


def _dim(expression: str, group: Group) -> int | None:
    """Return the dimension of a representation; None if the expression is not valid."""
    try:
        return parse_representation(expression, group).dim
    except (GroupError, RepresentationError):
        return None


def _checked(term: AxisTerm, text: str, axes: Axes, group: Group, limits: Limits) -> Representation:
    rep = parse_representation(term.expression, group, limits)
    length = math.prod(axes.shape[k] for k in term.axes)
    if rep.dim == length:
        return rep
    name = term.written(axes).partition(":")[0]
    what = f"axis {name} has" if len(term.axes) == 1 else f"axes {name} together have"
    ways = " or ".join(f"{name}:{way}" for way in fitting(group, length))
    raise RepresentationError(
        f"{quoted(text)}: {what} length {length} but {rep.name} of {group.name} has dimension {rep.dim}; write {ways}"
        f"{'' if 'natural' in ways else f', or take a group whose natural has dimension {length}'}"
    )


def _in_order(rep: Representation, order: Sequence[int], shape: tuple[int, ...]) -> Representation:
    """Convert a representation on an array with permuted axes to one on the array with its axes in order."""
    if list(order) == sorted(order):
        return rep
    numbers = np.arange(rep.dim).reshape([shape[k] for k in order])
    return reordered(rep, tuple(numbers.transpose(np.argsort(order)).ravel().tolist()))


def reordered(rep: Representation, order: tuple[int, ...]) -> Representation:
    """Return the same action on coordinates in another order.

    Args:
        rep: The action.
        order: New coordinate i is the old coordinate order[i].
    """
    step = Construction("reorder", partial(reordered, order=order), (rep,), order=order)
    old = np.array(order, dtype=np.int64)
    if rep.is_sparse:
        perms, signs = rep.sparse_generators
        return signed_permutations(rep.group, rep.name, (np.argsort(old)[perms[:, old]], signs[:, old]), rep.kind, step)
    group_part, lie = (_rearranged(matrices, order) for matrices in (rep.group_matrices, rep.lie))
    if isinstance(rep.group, CompactGroup):
        return Representation(rep.group, rep.dim, rep.name, "matrix", lie=lie, discrete=group_part, construction=step)
    return Representation(rep.group, rep.dim, rep.name, "matrix", matrices=group_part, construction=step)


def _rearranged(matrices: Matrices, order: tuple[int, ...]) -> Matrices:
    """Move entry (order[i], order[j]) of each matrix to (i, j)."""
    new = {old: k for k, old in enumerate(order)}
    return tuple(
        sparse_matrix(
            {new[i]: {new[j]: value for j, value in row.items()} for i, row in rows_of(m).items()}, m.shape, m.domain
        )
        for m in matrices
    )
