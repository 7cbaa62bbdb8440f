"""A specification in the words of escnn: group, field types and linear layers, with our dimension asserted.

escnn knows the isometries of the plane and of space (Cesa, Lang & Weiler 2022); a group of sharefind is known to escnn
when it is one of them, and a representation when escnn builds the same up to a change of coordinates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sharefind.architectures.formats.peers import PeerView, claim, head, not_theirs, snippet_format
from sharefind.groups import Representation

INSTALL = "pip install escnn"

SMALLEST = {"C": 1, "D": 3, "R": 3, "SO": 2, "O": 2}
"""Families that escnn has, each with the n from which our natural representation is the one in `_natural`."""

TYPES = ("x_type", "y_type", "h_type")
"""The names of the representations in a snippet."""


@dataclass(frozen=True)
class _Theirs:
    """A group of escnn's: the expression for it, and those for our leaves."""

    group: str
    leaves: dict[str, str]


def escnn_source(view: PeerView) -> str:
    """Return the snippet.

    Args:
        view: The group and its representations.

    Raises:
        ExportError: escnn has no such group, or no such representation.
    """
    theirs = _theirs(view)
    fields = [_fields(rep, theirs) for rep in view.reps]
    used = {name: text for name, text in theirs.leaves.items() if any(re.search(rf"\b{name}\b", f) for f in fields)}
    return "".join(
        [
            head(view, "escnn", INSTALL),
            "from escnn import group, gspaces, nn\n\n",
            f"G = {theirs.group}\nspace = gspaces.no_base_space(G)\n",
            *(f"{name} = {text}\n" for name, text in used.items()),
            "\n",
            *(f"{n} = nn.FieldType(space, {f})\n" for n, f in zip(TYPES, fields, strict=False)),
            _layers(view),
        ]
    )


def _theirs(view: PeerView) -> _Theirs:
    """The group in their words.

    Raises:
        ExportError: they have no such group.
    """
    name = {"S2": "C2", "S3": "D3"}.get(view.group.name, view.group.name)
    match = re.fullmatch(r"(SO|[A-Z])([0-9]+)", name)
    if view.is_named and match and match[0] == "B2":
        return _Theirs("group.dihedral_group(4)", _leaves("G.irrep(1, 1)", {}))
    if not (view.is_named and match and int(match[2]) >= SMALLEST.get(match[1], int(match[2]) + 1)):
        raise not_theirs("escnn", f"it has no group {view.group.name} with this action")
    family, n = match[1], int(match[2])
    if family in ("SO", "O"):
        return _orthogonal(family, n)
    group, naturals = "dihedral" if family == "D" else "cyclic", {"C": "G.regular_representation", "R": "G.irrep(1)"}
    natural = naturals.get(family, "G.quotient_representation((0, 1))")
    return _Theirs(f"group.{group}_group({n})", _leaves(natural, _signs(family, n)))


def _leaves(natural: str, signs: dict[str, str]) -> dict[str, str]:
    regular = "G.regular_representation"
    return {"natural": natural, "regular": regular, **signs, "trivial": "G.trivial_representation"}


def _signs(family: str, n: int) -> dict[str, str]:
    """The parity of the permutation of n points as one of their irreps."""
    turn = n % 2 == 0
    if family != "D":
        return {"sign": f"G.irrep({n // 2})"} if turn else {"sign": "G.trivial_representation"}
    flip = (n - 1) // 2 % 2 == 1
    return {"sign": f"G.irrep({int(flip)}, {n // 2 if turn else 0})"}


def _orthogonal(family: str, n: int) -> _Theirs:
    """SO(n) and O(n) in two and three dimensions; the sign is the determinant."""
    if n > 3:
        raise not_theirs("escnn", f"it has SO(n) and O(n) for n = 2 and 3 only, not {family}{n}")
    irrep = "G.irrep(1)" if family == "SO" else "G.irrep(1, 1)"
    sign = "G.trivial_representation" if family == "SO" else "G.irrep(1, 0)"
    return _Theirs(
        f"group.{family.lower()}{n}_group()", {"natural": irrep, "sign": sign, "trivial": "G.trivial_representation"}
    )


def _fields(rep: Representation, theirs: _Theirs) -> str:
    """Return a representation as a list of fields.

    Raises:
        ExportError: escnn does not have a part of it.
    """
    built = rep.construction
    operation = "regular" if built is None else built.operation
    if operation == "trivial":
        return _times(rep.dim, "[trivial]")
    if built is None or built.is_leaf or not built.parts:
        if operation not in theirs.leaves or (built is None and rep.name != "regular"):
            raise not_theirs("escnn", f"it has no representation {rep.name} of this group")
        return f"[{operation}]"
    parts = [_fields(part, theirs) for part in built.parts]
    if operation == "sum":
        return " + ".join(parts)
    if operation == "multiple":
        return _times(built.count, f"({parts[0]})" if "+" in parts[0] else parts[0])
    if operation == "dual":
        # Orthogonal matrices are their own inverse transposes.
        return parts[0]
    left, right = map(_single, parts)
    return f"[{left}.tensor({right})]"


def _times(count: int, fields: str) -> str:
    return fields if count == 1 else f"{count} * {fields}"


def _single(fields: str) -> str:
    """One representation instead of a list of fields."""
    return fields[1:-1] if re.fullmatch(r"\[\w+\]", fields) else f"group.directsum({fields})"


def _layers(view: PeerView) -> str:
    """The layers, and the dimension that was claimed: that of all their parameters."""
    spec = view.spec
    names = ("layer",) if len(spec.maps) == 1 else ("first", "last")
    lines = "".join(
        f"{name} = nn.Linear({TYPES[part.source]}, {TYPES[part.target]}, bias={part.bias is not None})\n"
        for name, part in zip(names, spec.maps, strict=True)
    )
    layers = f"for layer in ({', '.join(names)}) for p in layer" if len(names) > 1 else "for p in layer"
    return lines + claim(view, "escnn", f"sum(p.numel() {layers}.parameters())")


FORMAT = snippet_format("escnn", escnn_source)
