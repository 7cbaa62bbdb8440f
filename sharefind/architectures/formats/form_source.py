"""The part of an exported module that depends on the form of its linear layer: the parts of the layer's class that it
uses, and the numbers that these read.
"""

from __future__ import annotations

from collections.abc import Sequence

from sharefind.architectures.formats import literals
from sharefind.architectures.linear_sharing import LinearSharing


def used_by_form(sharing: LinearSharing) -> dict[str, bool]:
    """Return which names of `layers.standalone_linear` a module uses.

    Args:
        sharing: The layer with its form.
    """
    used = {"gathered": sharing.is_gathered, "turned": sharing.is_gathered}
    used |= dict.fromkeys(("SharedLinear._make_tables", "_make_form"), not sharing.is_dense)
    used |= {"_make_places": sharing.has_places, "bias_places": sharing.has_bias and not sharing.is_dense}
    used |= dict.fromkeys(("pooled", "_make_pools"), sharing.is_pooled)
    used |= {"mix": sharing.is_pooled or sharing.is_blocked}
    used |= dict.fromkeys(("convolved", "_make_grid", "kernel", "input_places"), sharing.is_fourier)
    names = ("blocked", "_make_blocks", "_mix", "input_order", "shares", "waves", "tied")
    used |= dict.fromkeys(names, sharing.is_blocked) | {"output_order": sharing.is_fourier or sharing.is_blocked}
    used |= {"whole": sharing.is_dense or sharing.is_fourier}
    used |= dict.fromkeys(("moved", "sources", "factors"), sharing.has_matches)
    return used | dict.fromkeys(("summed", "pools", "spreads", "rate_of", "_members"), sharing.has_sums)


def form_data(sharing: LinearSharing) -> list[str]:
    """Return the lines that hold the numbers of a form.

    Args:
        sharing: The layer with its form.
    """
    if sharing.is_fourier:
        meaning = "W x is a convolution over a grid of these lengths that goes round."
        lines = [*literals.comment(meaning), f"GRID = {literals.one_line(map(str, sharing.grid))}"]
        lines += ["# The input at each place of each copy of the grid, and the output there."]
        lines += literals.assigned("INPUT_PLACES", _texts(sharing.input_places))
        return [*lines, *literals.assigned("OUTPUT_PLACES", _texts(sharing.output_places)), ""]
    if sharing.is_blocked:
        return _block_data(sharing)
    return _pool_data(sharing) if sharing.is_pooled else []


def _block_data(sharing: LinearSharing) -> list[str]:
    kinds = [list(map(str, run)) for run in sharing.kinds]
    basis = [[repr(float(number)) for number in row] for row in sharing.basis_rows]
    meaning = "W has a block for each kind of coordinates: numbers of kinds of one size, with how often the block of "
    lines = [*literals.comment(f"{meaning}each acts, and on how many coordinates."), *literals.assigned("KINDS", kinds)]
    meaning = "For each group element the input to which it takes the first one of each orbit; the same of outputs."
    lines += [*literals.comment(meaning), *literals.assigned("INPUT_ORBITS", _texts(sharing.input_orbits))]
    lines += literals.assigned("OUTPUT_ORBITS", _texts(sharing.output_orbits))
    lines += ["# Orthonormal coordinates of functions on the group, and g^-1 h for its elements."]
    lines += literals.assigned("BASIS_ROWS", basis)
    return [*lines, *literals.assigned("DIFFERENCES", _texts(sharing.differences)), ""]


def _pool_data(sharing: LinearSharing) -> list[str]:
    mix = [[repr(float(number)) for number in row] for row in sharing.mix]
    if sharing.is_plain_sum:
        meaning = "W x is a x + b sum(x): what each coefficient contributes to a and to b."
        return [*literals.comment(meaning), *literals.assigned("MIX", mix), ""]
    meaning = "W x adds up inputs, then sums over parts of them: what each coefficient contributes to the rate of each."
    lines = [*literals.comment(meaning), *literals.assigned("MIX", mix)]
    if sharing.has_matches:
        meaning = "For each output the input that it takes, counted from 1 and with its sign; 0 for none."
        lines += [*literals.comment(meaning), *literals.assigned("MATCHES", _texts(sharing.matches))]
    if sharing.has_sums:
        meaning = "For each sum the part that each input belongs to, counted from 1 and with its sign; 0 for none."
        lines += [*literals.comment(meaning), *literals.assigned("INPUT_PARTS", _texts(sharing.input_parts))]
        lines += ["# The part whose sum each output takes."]
        lines += literals.assigned("OUTPUT_PARTS", _texts(sharing.output_parts))
    return [*lines, ""]


def _texts(rows: Sequence[Sequence[int]]) -> list[list[str]]:
    return [list(map(str, row)) for row in rows]
