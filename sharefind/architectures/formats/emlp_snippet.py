"""A specification in the words of emlp: its group, V, T and the bases of equivariant maps, with our dimension asserted.

emlp composes every representation from one base representation of a group (Finzi, Welling & Wilson 2021, Section 3).
A group that it does not name is written by its generators, which is how it takes any matrix group.
"""

from __future__ import annotations

import re
import textwrap

from sharefind.architectures.formats import literals
from sharefind.architectures.formats.peers import PeerView, claim, head, leaves, not_theirs, snippet_format
from sharefind.architectures.searched_spec import matrix_text
from sharefind.exact.matrices import as_signed_permutation
from sharefind.groups import Representation

INSTALL = "pip install emlp six"

NAMED = {"C": "Z", "S": "S", "R": "C", "SO": "SO", "O": "O"}
"""Families of sharefind, and of emlp with the same matrices on the natural representation."""

REPS = ("rep_in", "rep_out", "rep_hidden")
"""The names of the representations in a snippet."""


def emlp_source(view: PeerView) -> str:
    """Return the snippet.

    Args:
        view: The group and its representations.

    Raises:
        ExportError: The representations are not composed of one base representation.
    """
    base = _base(view)
    theirs = "Trivial(1)" if base is None else _named(view, base)
    definition = "" if theirs is not None or base is None else _definition(view, base)
    group = theirs or "Symmetry()"
    texts = [_expression(rep) for rep in view.reps]
    return "".join(
        [
            head(view, "emlp", INSTALL),
            _imports(group, definition, texts),
            definition,
            f"G = {group}\n",
            *(
                f"{name} = {_parenthesised(text)}(G)  # {rep.name}\n"
                for name, text, rep in zip(REPS, texts, view.reps, strict=False)
            ),
            _bases(view),
        ]
    )


def _base(view: PeerView) -> Representation | None:
    """The representation that all others are made of; None where all are trivial."""
    found = [leaf for rep in view.reps for leaf in leaves(rep)]
    if len({_texts(leaf) for leaf in found}) > 1:
        names = " and ".join(sorted({leaf.name for leaf in found}))
        raise not_theirs("emlp", f"it makes all representations of a group from one, and these are made of {names}")
    return next((leaf for leaf in found if leaf.name == "natural"), found[0] if found else None)


def _texts(rep: Representation) -> object:
    """The matrices of a representation's generators, to tell whether two are the same."""
    matrices = rep.generator_matrices if rep.group.is_finite else (*rep.lie, *rep.discrete)
    return tuple(matrix_text(matrix) for matrix in matrices)


def _named(view: PeerView, base: Representation) -> str | None:
    """The group as emlp names it, None where it has no name for these matrices."""
    match = re.fullmatch(r"(SO|[A-Z])([0-9]+)", view.group.name)
    if not (view.is_named and match and base.name == "natural"):
        return None
    if match[1] in NAMED:
        return f"{NAMED[match[1]]}({match[2]})"
    return "D(4)" if match[0] == "B2" else None


def _definition(view: PeerView, base: Representation) -> str:
    """A group of emlp's by its generators."""
    matrices = "".join(_matrix(base, position) for position in range(len(base.generator_matrices)))
    return (
        f'class Symmetry(Group):\n    """{literals.plain(view.group.name)} by its generators, on {base.name}."""\n\n'
        f"    discrete_generators = np.array(\n        [\n{matrices}        ],\n        dtype=float,\n    )\n\n\n"
    )


def _matrix(base: Representation, position: int) -> str:
    """One generator as an element of a list: columns of the unit matrix where it is a signed permutation."""
    matrix, pad = base.generator_matrices[position], " " * 12
    image = as_signed_permutation(matrix)
    if image is None:
        return "\n".join(literals.tuple_lines(literals.numbers(matrix_text(matrix)), len(pad))) + "\n"
    columns, signs = image
    text = f"np.eye({base.dim})[:, {columns}]" + ("" if min(signs) > 0 else f" * {signs}")
    return "".join(f"{pad}{line}\n" for line in textwrap.wrap(f"{text},", literals.WIDTH - len(pad)))


def _imports(group: str, definition: str, texts: list[str]) -> str:
    names = [name for name in ("T", "V") if any(re.search(rf"\b{name}\b", text) for text in texts)]
    math = literals.math_names(definition.split("\n"))
    lines = [f"from math import {', '.join(math)}\n\n"] if math else []
    lines += ["import numpy as np\n"] if definition else []
    lines.append(f"from emlp.groups import {'Group' if definition else group.partition('(')[0]}\n")
    lines.append(f"from emlp.reps import {', '.join(names)}\n\n")
    return "".join(lines) + ("\n" if definition else "")


def _is_atom(text: str) -> bool:
    return text in ("V", "T(0)")


def _parenthesised(text: str) -> str:
    return text if _is_atom(text) else f"({text})"


def _expression(rep: Representation) -> str:
    """A representation as emlp writes it: V for the base, T(0) for a scalar; +, * and .T as ours."""
    built = rep.construction
    if built is None or built.is_leaf:
        return "V"
    if built.operation == "trivial":
        return "T(0)" if rep.dim == 1 else f"{rep.dim} * T(0)"
    parts = [_expression(part) for part in built.parts]
    if built.operation == "sum":
        return " + ".join(parts)
    factors = [_parenthesised(part) for part in parts]
    if built.operation == "dual":
        return f"{factors[0]}.T"
    return f"{built.count} * {factors[0]}" if built.operation == "multiple" else " * ".join(factors)


def _bases(view: PeerView) -> str:
    """The bases block by block, and the dimension that was claimed."""
    spec = view.spec
    places = {n: REPS[r] if c is None else f"({REPS[c]} >> {REPS[r]})" for n, (r, c) in spec.sides.items()}
    bases = "".join(f"{name} = {place}.equivariant_basis()\n" for name, place in places.items())
    comment = "\n# A column is a free coefficient, a row is an entry; matrices are read by rows.\n"
    return comment + bases + claim(view, "emlp", " + ".join(f"{name}.shape[1]" for name in places))


FORMAT = snippet_format("emlp", emlp_source)
