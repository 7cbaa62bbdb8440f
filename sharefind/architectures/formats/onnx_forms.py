"""W x of all particles of an ONNX graph in the form that costs least: sums over parts, blocks, or the whole matrix.

The forms are those of `sharefind.architectures.forms`. ONNX runtimes have no transform of real numbers that all of them
share, so that a convolution is computed by its whole matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.formats.onnx_draft import Draft
from sharefind.architectures.forms.blocks import Blocks
from sharefind.architectures.forms.choice import AUTO, choose
from sharefind.architectures.forms.form import Dense, Form, TiedLayer
from sharefind.architectures.forms.pool import Parts, Pool
from sharefind.architectures.spec import SharingSpec
from sharefind.typing import FloatArray

VALUES = "values"
"""The node of the values that entries have (particles, 1 + dim): 0 comes first."""


def weight_form(spec: SharingSpec, asked: str = AUTO) -> Form:
    """Return the form in which W x is computed.

    Args:
        spec: The architecture.
        asked: The name of a form, or "auto".

    Raises:
        ConfigError: There is no such form, or it does not fit.
    """
    labels, shape = spec.space.tying, spec.block("weight").shape
    if labels is None or spec.space.dim == 0:
        return Dense.of(TiedLayer(np.zeros(shape, dtype=np.int32), None, 0))
    weight = labels[spec.slice_of("weight")].reshape(shape)
    return choose(TiedLayer(weight, None, spec.space.dim), asked)


def entries(draft: Draft, labels: NDArray[np.int32], output: str) -> str:
    """Return the name of a new node of the entries with some labels, (particles, labels).

    Args:
        draft: The graph, which has the node `VALUES`.
        labels: 0 for an entry that is zero, k or -k for coefficient number k with its sign.
        output: Name of the node.
    """
    places = np.abs(labels).astype(np.int64)
    if (labels >= 0).all():
        return draft.picked(VALUES, output, places)
    unsigned = draft.picked(VALUES, f"{output}_unsigned", places)
    sign = draft.constant(f"{output}_sign", np.where(labels < 0, -1.0, 1.0))
    return draft.add("Mul", [unsigned, sign], output)


def pooled(draft: Draft, form: Pool, source: str, output: str) -> str:
    """Return the name of a new node of W x by sums over parts, (batch, particles, d_out).

    Args:
        draft: The graph, which has the constant "coefficient" (particles, dim).
        form: The form.
        source: The node of x, (batch, d_in).
        output: Name of the node.
    """
    rates = draft.add("MatMul", ["coefficient", draft.constant("mix", form.mix)], "rates")
    axis = draft.shape("particle_axis", 1)
    if form.keeps_places and form.is_total:
        total = draft.add("ReduceSum", [source, axis], "total_of_x", keepdims=1)
        own, of_total = (draft.picked(rates, name, np.array([k])) for k, name in enumerate(("rate_a", "rate_b")))
        terms = [
            draft.add("Mul", [draft.add("Unsqueeze", [values, axis], f"{values}_each"), rate], f"{rate}_times")
            for values, rate in ((source, own), (total, of_total))
        ]
        return draft.add("Add", terms, output)
    if not form.sums:
        return _moved(draft, form, source, axis, output)
    if not form.matches:
        return _summed(draft, form, source, axis, output)
    terms = [_moved(draft, form, source, axis, "moved"), _summed(draft, form, source, axis, "pooled")]
    return draft.add("Add", terms, output)


def _moved(draft: Draft, form: Pool, source: str, axis: str, output: str) -> str:
    """Contributions of one input to each output: the sum over all matches."""
    matches = np.array([relation.sources for relation in form.matches])
    inputs = draft.picked(source, "matched", np.maximum(np.abs(matches) - 1, 0))
    signed = draft.add("Mul", [inputs, draft.constant("match_signs", np.sign(matches).astype(float))], "matched_signed")
    factors = draft.picked("rates", "match_rates", np.arange(len(matches))[:, None])
    each = draft.add("Mul", [draft.add("Unsqueeze", [signed, axis], "matched_each"), factors], "match_terms")
    return draft.add("ReduceSum", [each, draft.shape("match_axis", 2)], output, keepdims=0)


def _summed(draft: Draft, form: Pool, source: str, axis: str, output: str) -> str:
    """Contributions of sums over the parts of the inputs to each output."""
    pools = np.concatenate([_members(relation.inputs) for relation in form.sums], axis=1)
    spreads = np.concatenate([_members(relation.outputs) for relation in form.sums], axis=1)
    rate_of = np.repeat(np.arange(len(form.sums)), [relation.parts for relation in form.sums]) + len(form.matches)
    sums = draft.add("MatMul", [source, draft.constant("pools", pools)], "sums_of_parts")
    rates = draft.picked("rates", "sum_rates", rate_of)
    scaled = draft.add("Mul", [draft.add("Unsqueeze", [sums, axis], "sums_each"), rates], "sums_scaled")
    return draft.add("MatMul", [scaled, draft.constant("spreads", spreads.T)], output)


def _members(parts: Parts) -> FloatArray:
    """Which part each number belongs to, and with what sign: (numbers, parts)."""
    every = np.arange(1, np.abs(parts).max() + 1)
    return np.asarray((np.abs(parts)[:, None] == every) * np.sign(parts)[:, None], dtype=np.float64)


def blocked(draft: Draft, form: Blocks, weight: NDArray[np.int32], particles: int, source: str, output: str) -> str:
    """Return the name of a new node of W x, made in coordinates in which W is block-diagonal.

    The matrices of all particles lie side by side: they have the same inputs, and outputs of their own.

    Args:
        draft: The graph, which has the node `VALUES`.
        form: The form.
        weight: Labels of W, shape (d_out, d_in).
        particles: Their number N.
        source: The node of x, (batch, d_in).
        output: Name of the node, (batch, N, d_out).
    """
    order, start = form.inputs.shape
    end = form.outputs.shape[1]
    inputs = form.inputs.T.ravel()
    shares = 1 / np.bincount(inputs, minlength=weight.shape[1])
    shared = draft.constant("shares", shares[inputs])
    orbits = draft.add("Mul", [draft.picked(source, "orbits_of_x", inputs), shared], "shared_orbits")
    turned = draft.constant("turned_basis", form.basis.T)
    waves = draft.add("MatMul", [draft.reshape(orbits, "orbits", 0, start, order), turned], "waves")
    tied = weight[form.outputs[0][None, :, None], form.inputs.T[:, None, :]].ravel()
    values = draft.reshape(entries(draft, tied, "tied"), "tied_values", particles, start, end, order)
    numbers = draft.add("MatMul", [values, draft.constant("block_mix", _block_mix(form).T)], "block_numbers")
    found, number, place = [], 0, 0
    for run, (count, repeats, width) in enumerate(form.kinds):
        block = draft.part(numbers, f"numbers_{run}", number, number + count * width**2, 3)
        block = draft.reshape(block, f"cells_{run}", particles, start, end, count, width, width)
        block = draft.add("Transpose", [block], f"cells_{run}_turned", perm=[3, 4, 1, 0, 5, 2])
        block = draft.reshape(block, f"block_{run}", count, width * start, particles * width * end)
        rows = draft.part(waves, f"waves_{run}", place, place + count * repeats * width, 2)
        rows = draft.reshape(rows, f"split_{run}", 0, start, count, repeats, width)
        rows = draft.add("Transpose", [rows], f"split_{run}_turned", perm=[2, 0, 3, 4, 1])
        rows = draft.reshape(rows, f"rows_{run}", count, -1, width * start)
        rows = draft.add("MatMul", [rows, block], f"product_{run}")
        rows = draft.reshape(rows, f"product_{run}_split", count, -1, repeats, particles, width, end)
        rows = draft.add("Transpose", [rows], f"product_{run}_turned", perm=[1, 3, 5, 0, 2, 4])
        # The batch comes first now, so that a 0 keeps it, whether it is empty or not.
        found.append(draft.reshape(rows, f"part_{run}", 0, particles, end, count * repeats * width))
        number, place = number + count * width**2, place + count * repeats * width
    whole = draft.add("Concat", found, "parts", axis=3)
    back = draft.add("MatMul", [whole, draft.constant("basis_back", form.basis)], "orbits_of_y")
    places = np.zeros(len(weight), dtype=np.int64)
    places[form.outputs.T.ravel()] = np.arange(form.outputs.size)
    return draft.picked(draft.reshape(back, "flat_orbits", 0, particles, end * order), output, places, 2)


def _block_mix(form: Blocks) -> FloatArray:
    """Contributions of the maps h -> h g to the numbers of the blocks, (numbers, order)."""
    order, place, found = len(form.basis), 0, []
    maps = (form.differences == np.arange(order)[:, None, None]).astype(np.float64)
    turned = form.basis @ maps @ form.basis.T
    for count, repeats, width in form.kinds:
        for _ in range(count):
            block = turned[:, place : place + width, place : place + width]
            found.append(block.transpose(2, 1, 0).reshape(width**2, order))
            place += repeats * width
    return np.concatenate(found)
