"""The meaning of axis names for a group: the axes that it moves without an expression, and their lengths."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, islice

from sharefind.errors import DataError, InputError, RepresentationError, setting
from sharefind.groups import FiniteGroup, Group, grid, natural
from sharefind.groups.axes import INPUT_AXES, Axes, AxisSettings, shapes_of
from sharefind.groups.axis_expressions import AxisTerm, axis_terms, fitting, written
from sharefind.groups.factors import factors_of, qualifiers


@dataclass(frozen=True)
class AxisWords:
    """Names of axes that mean the same.

    Attributes:
        names: How people call such an axis.
        moved_by: Kinds of groups that move it: "permutations", "matrices" (signed permutations, rotations) or none.
    """

    names: tuple[str, ...]
    moved_by: tuple[str, ...]


POINTS = ("points", "particles", "atoms", "nodes", "sensors", "items", "objects", "bodies", "agents", "sites")
STEPS = ("steps", "time", "times", "positions", "angles")
WORDS = (
    AxisWords((*POINTS, *STEPS), ("permutations",)),
    AxisWords(("coords", "coordinates", "xyz", "directions"), ("matrices",)),
    AxisWords(("channels", "features", "colours", "colors", "kinds", "quantities"), ()),
)
"""Every name that means something; axes of other names are moved by whatever group fits their length."""

IMAGES = (("rows", "cols"), ("rows", "columns"), ("height", "width"), ("y", "x"))
"""Pairs of axes that are those of an image."""


def default_expression(axes: Axes, group: Group, name: str) -> str:
    """Return the expression by axes that their names and lengths suggest for a group.

    Args:
        axes: The axes of a row.
        group: The group that acts.
        name: "in_rep" or "out_rep": the setting that would override it.

    Raises:
        RepresentationError: No expression fits, or several do; the message writes one out.
    """
    image = _image(axes)
    if image is not None and acts_on_squares(group):
        if len({axes.shape[k] for k in image}) > 1:
            raise _not_square(axes, group, name)
        return _written([AxisTerm(image, "grid")], axes, group)
    moving = _moving(axes, group, name)
    found = [dict(zip(moving, places, strict=True)) for places in islice(_assignments(axes, moving, ()), 2)]
    if len(found) == 1:
        return _written(_terms(found[0], group), axes, group)
    reason = "several axes fit" if found else "no axis has the name and the length for it"
    ways = [written(_terms(places, group), axes) for places in found]
    if found and len(factors_of(group)) == 1:
        ways.append(" ".join(ways))  # all at once, as for a symmetric matrix
    if acts_on_squares(group):
        ways = [*_images(axes), *ways]
    raise _asked(axes, group, name, reason, ways)


def _images(axes: Axes, least: int = 3) -> Iterator[str]:
    """Expressions that take two axes of one length for those of an image of at least `least` pixels a side."""
    for (one, height), (other, width) in combinations(zip(axes.names, axes.shape, strict=True), 2):
        if height == width >= least:
            yield f"{one}*{other}:grid:{height}"


def settled(axes: Axes | None, width: int, group: Group | None, side: AxisSettings = INPUT_AXES) -> Axes | None:
    """Return axes with their lengths; of axes without lengths, the square where a group moves an image of two axes.

    Args:
        axes: The axes, with or without lengths.
        width: Number of columns.
        group: The group that acts; None where none is named.
        side: Whose settings these are.

    Raises:
        DataError: The lengths are not known; the message lists the possible lengths.
    """
    if axes is None or not axes.is_open:
        return axes
    edge = math.isqrt(width)
    if len(axes.names) == 2 and _image(axes) is not None and edge**2 == width and acts_on_squares(group):
        return replace(axes, shape=(edge, edge))
    raise DataError(
        f'{setting(side.axes)} "{" ".join(axes.names)}" names {len(axes.names)} axes of rows of {side.letter} that are '
        f"flat; {_lengths_asked(axes, width, group, side)}"
    )


def acts_on_squares(group: Group | None, pixels: int = 3) -> bool:
    """Return whether a group moves the pixels of a square image.

    Args:
        group: The group, or None.
        pixels: Pixels along a side of the image that is tried.
    """
    try:
        return group is not None and grid(group, pixels).dim > 0
    except InputError:
        return False


def _is_told(axes: Axes, group: Group) -> bool:
    """Whether names and lengths say which axes a group moves."""
    image = _image(axes)
    if image is not None and acts_on_squares(group):
        return axes.shape[image[0]] == axes.shape[image[1]]
    return len(list(islice(_assignments(axes, _moving(axes, group, "in_rep"), ()), 2))) == 1


def _moving(axes: Axes, group: Group, name: str) -> dict[int, Group]:
    """The factors that move an axis, by their places: all of them, on outputs those for which there is an axis."""
    factors = dict(enumerate(factors_of(group)))
    own = {k: factor for k, factor in factors.items() if _candidates(axes, factor)}
    return own if own and name == "out_rep" else factors


def _lengths_asked(axes: Axes, width: int, group: Group | None, side: AxisSettings, most: int = 6) -> str:
    shapes = shapes_of(width, len(axes.names), most=100)
    if not shapes:
        return f"{width} columns have no shape of {len(axes.names)} axes; name fewer axes"
    likely = sorted(shapes, key=lambda shape: group is None or not _is_told(replace(axes, shape=shape), group))
    texts = [f"{setting(side.shape)} {'x'.join(map(str, shape))}" for shape in likely[:most]]
    more = ", ..." if len(likely) > most else ""
    return f"give their lengths, the first axis first: {', '.join(texts)}{more}"


def _image(axes: Axes) -> tuple[int, int] | None:
    """The places of the axes of an image, rows first."""
    pair = next((pair for pair in IMAGES if set(pair) <= set(axes.names)), None)
    return None if pair is None else (axes.names.index(pair[0]), axes.names.index(pair[1]))


def _kind(group: Group) -> str:
    is_points = isinstance(group, FiniteGroup) and all(block.kind == "points" for block in group.blocks)
    return "permutations" if is_points else "matrices"


def _candidates(axes: Axes, group: Group) -> list[int]:
    """The axes that a factor may move: axes of its name, else axes of its length without a meaning."""
    fits = [k for k, length in enumerate(axes.shape) if length == natural(group).dim]
    words = {name: entry for entry in WORDS for name in entry.names}
    named = [k for k in fits if axes.names[k] in words and _kind(group) in words[axes.names[k]].moved_by]
    return named or [k for k in fits if axes.names[k] not in words]


def _assignments(axes: Axes, factors: Mapping[int, Group], taken: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """An axis for each factor; equal factors take theirs in order, since any other order is the same action."""
    if len(taken) == len(factors):
        yield taken
        return
    listed = list(factors.values())
    here = listed[len(taken)]
    equal = [k for k, factor in zip(taken, listed, strict=False) if factor.name == here.name]
    for k in _candidates(axes, here):
        if k not in taken and k > max(equal, default=-1):
            yield from _assignments(axes, factors, (*taken, k))


def _terms(places: Mapping[int, int], group: Group) -> list[AxisTerm]:
    """A term for each factor that moves an axis. places: the axis of each factor, by the factor's place."""
    single, words = len(factors_of(group)) == 1, qualifiers(group)
    return [AxisTerm((k,), "natural" if single else f"{words[factor]}.natural") for factor, k in places.items()]


def _written(terms: list[AxisTerm], axes: Axes, group: Group) -> str:
    return written(axis_terms(written(terms, axes), axes, group), axes)


def _not_square(axes: Axes, group: Group, name: str) -> RepresentationError:
    lengths = " x ".join(f"{length} {axis}" for axis, length in zip(axes.names, axes.shape, strict=True))
    return RepresentationError(
        f"{lengths}: {group.name} moves the pixels of square images only; cut them square, or say in {setting(name)} "
        "what moves each axis"
    )


def _asked(axes: Axes, group: Group, name: str, reason: str, ways: list[str]) -> RepresentationError:
    lengths = " x ".join(f"{length} {axis}" for axis, length in zip(axes.names, axes.shape, strict=True))
    dims = " and ".join(str(natural(factor).dim) for factor in factors_of(group))
    advice = " or ".join(f'{setting(name)} "{way}"' for way in ways or _examples(axes, group))
    return RepresentationError(
        f"{lengths}: nothing says which axes {group.name} (dimension {dims}) moves, {reason}; "
        f"{f'write {advice}' if advice else 'give another group, or other lengths'}"
    )


def _examples(axes: Axes, group: Group, most: int = 2) -> list[str]:
    """Expressions that fit, whatever the axes are called: all axes as one, or one of them."""
    if natural(group).dim == math.prod(axes.shape):
        return [f"{'*'.join(axes.names)}:natural"]
    together = _called_so(axes, group)
    if together is not None:
        return [together]
    every = [f"{name}:{way}" for name, n in zip(axes.names, axes.shape, strict=True) for way in fitting(group, n)[:-1]]
    return every[:most]


def _called_so(axes: Axes, group: Group) -> str | None:
    """Terms for axes that are called as what the factors move, where one of them has scalars beside; None elsewhere."""
    words = {name: entry for entry in WORDS for name in entry.names}
    terms = []
    for factor, word in zip(factors_of(group), qualifiers(group), strict=True):
        own = [k for k, name in enumerate(axes.names) if name in words and _kind(factor) in words[name].moved_by]
        ways = [way for k in own for way in fitting(group, axes.shape[k]) if way.startswith(f"{word}.")]
        if len(own) != 1 or not ways:
            return None
        terms.append(AxisTerm((own[0],), ways[0]))
    return written(terms, axes) if len(terms) > 1 else None
