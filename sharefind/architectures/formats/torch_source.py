"""A discovered space as the source of a plain torch module: readable, formatted, in no need of sharefind.

The text is put together from `torch_template` and `literals`; its claims are checked by `certificate` first.
"""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures import initial_values as initial
from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats import literals
from sharefind.architectures.formats import torch_template as template
from sharefind.architectures.formats import torch_two_layer as two_layer
from sharefind.architectures.scaling import CENTRE, SCALE, SHIFT, statistics
from sharefind.architectures.spec import ExactRows, GeneratorPair, SharingSpec
from sharefind.exact.matrices import as_signed_permutation
from sharefind.groups import exact_matrix
from sharefind.storage import write_atomically

DOCSTRING_WIDTH = 88
"""Longest line of the module's docstring."""

LARGE_CLASS, FEW_CLASSES = 64, 64
"""Entries a coefficient on average from which, and coefficients up to which, a module reads them from several copies
(speed alone)."""

COPIES = 16
"""Number of these copies: a processor can have that many additions under way."""

SIGMA = {"logistic": "torch.sigmoid", "tanh": "torch.tanh"}
"""The activations of `sharefind.meanfield.units.activations` in torch."""


def torch_source(spec: SharingSpec, certificate: Certificate | None = None) -> str:
    """The source of a module with `SharedShallowNetwork`, `SharedLinear` (of matrix units) and `check_equivariance`.

    Tied spaces become index and sign buffers, others a basis, written out exactly unless it is numerical. The network
    carries its centre, shift and scale in its state.

    Args:
        spec: what is written. certificate: of this specification, where it was certified already.

    Raises:
        ExportError: the specification does not hold what it says.
    """
    certificate = certify(spec) if certificate is None else certificate
    data = [*_space_data(spec), *(initial.start_data(spec) if spec.has_hidden else []), *_generator_data(spec)]
    values = _values(spec)
    imports = two_layer.IMPORTS if spec.has_hidden else template.IMPORTS
    parts = [
        _docstring(spec, certificate),
        imports.format(imports=_imports(spec, data), **values),
        template.STATISTICS.format(**values),
        "\n".join(["", "# fmt: off", *data, "# fmt: on", ""]),
        *_classes(spec, values),
        _check(spec),
    ]
    return "".join(parts)


def class_names(spec: SharingSpec) -> tuple[str, ...]:
    """The classes and functions that the module of a specification offers."""
    linear = () if spec.has_hidden else ("SharedLinear",)
    return ("SharedShallowNetwork", *linear, "check_equivariance")


def write_torch(spec: SharingSpec, path: Path) -> Certificate:
    """Write `torch_source` to a file, whole or not at all.

    Raises:
        ExportError: the specification does not hold what it says. RunFolderError: the file cannot be written.
    """
    certificate = certify(spec)
    write_atomically(path, torch_source(spec, certificate))
    return certificate


def _values(spec: SharingSpec) -> dict[str, str]:
    """What the templates have in common."""
    return {
        "d_in": str(spec.d_in),
        "d_out": str(spec.d_out),
        "dim": str(spec.space.dim),
        "ambient": str(spec.space.ambient),
        "width": str(spec.particles),
        "gain": repr(math.sqrt(initial.spreads(spec)["weight"])),
        "length": repr(initial.input_length(spec)),
        **_statistics(spec),
        **(_hidden_values(spec) if spec.has_hidden else {}),
    }


def _statistics(spec: SharingSpec) -> dict[str, str]:
    """The numbers of the change of data as the template has them."""
    tensors = statistics(spec.change)
    rows = {"centre": tensors[CENTRE][0], "rest": tensors[CENTRE][1], "shift": tensors[SHIFT]}
    texts = {
        name: literals.constant_tuple([repr(float(v)) for v in row], len(f"{name} = ")) for name, row in rows.items()
    }
    return {**texts, "scale": repr(float(tensors[SCALE]))}


def _hidden_values(spec: SharingSpec) -> dict[str, str]:
    """What the templates of a two-layer unit have besides."""
    return {"d_hidden": str(spec.d_hidden), "sigma": SIGMA[spec.activation.name]}


def _docstring(spec: SharingSpec, certificate: Certificate) -> str:
    order = "infinite" if spec.group_order is None else f"order {spec.group_order}"
    facts = [
        f"A shallow network with shared parameters: {spec.name}.",
        "",
        "Written by sharefind; it needs torch only. Trained weights come as a safetensors file:",
        "net.load_state_dict(load_file(path)), with load_file from safetensors.torch.",
        "",
        f"Unit: {spec.unit}, {'particle' if spec.has_hidden else 'hidden unit'} i computes {_unit_formula(spec)}.",
        f"Inputs: R^{spec.d_in}, {spec.in_rep}. Outputs: R^{spec.d_out}, {spec.out_rep}."
        + (f" Hidden units: R^{spec.d_hidden}, {spec.hidden_rep}." if spec.has_hidden else ""),
        f"Group: {certificate.shown_name}, {order}. Generators on inputs, on outputs: {_generator_text(spec)}.",
        f"Sharing: {certificate.statement}.",
    ]
    lines = [line for fact in facts for line in textwrap.wrap(literals.plain(fact), DOCSTRING_WIDTH - 3) or [""]]
    return '"""' + "\n".join(lines).replace(literals.TOGETHER, " ") + '\n"""\n'


def _unit_formula(spec: SharingSpec) -> str:
    formula = f"{spec.activation.name}(W_i x{' + b_i' if spec.has_bias else ''})"
    return f"A_i {formula}" if spec.has_hidden else formula


def _generator_text(spec: SharingSpec) -> str:
    images = _images(spec)
    if _is_trivial(spec):
        return "none"
    if images is None or spec.d_in + spec.d_out > 16:
        return "GENERATORS below"
    return "; ".join(f"{literals.cycles(a)}, {literals.cycles(b)}" for a, b in images)


def _images(spec: SharingSpec) -> list[tuple[literals.Image, literals.Image]] | None:
    """Generators in one-line notation, None where one is no signed permutation or the group is infinite."""
    if spec.lie_generators:
        return None
    images = [(_one_line(pair.on_inputs), _one_line(pair.on_outputs)) for pair in spec.generators]
    found: list[tuple[literals.Image, literals.Image]] = [(a, b) for a, b in images if a and b]
    return found if len(found) == len(images) else None


def _one_line(rows: ExactRows) -> list[int] | None:
    image = as_signed_permutation(exact_matrix(rows))
    return None if image is None else [(i + 1) * sign for i, sign in zip(*image, strict=True)]


def _space_data(spec: SharingSpec) -> list[str]:
    what = _entries(spec)
    labels = spec.space.tying
    if labels is not None:
        comment = _comment(f"{what}: {_label_meaning(labels)}.")
        copies = [f"COPIES = {COPIES}", ""] if _has_copies(spec) else []
        return [*copies, *comment, *literals.labels_literal(spec, labels.tolist())]
    if spec.space.is_exact:
        rows = [[literals.number(entry) for entry in row] for row in spec.space.basis_strings()]
        return [f"# A basis of the shared space, exact; a row is {what}.", *literals.basis_literal(rows)]
    floats = [[repr(float(entry)) for entry in row] for row in spec.space.orthonormal()]
    text = f"# An orthonormal basis of the shared space, numerical; a row is {what}."
    return [text, *literals.basis_literal(floats)]


def _label_meaning(labels: NDArray[np.int32]) -> str:
    """What the labels that occur stand for."""
    zero = ", 0 an entry that is zero" if (labels == 0).any() else ""
    return f"k is coefficient number k{', -k its negative' if (labels < 0).any() else ''}{zero}"


def _generator_data(spec: SharingSpec) -> list[str]:
    if _is_trivial(spec):
        return []
    head = f"Generators of {spec.group_name} on inputs and on outputs"
    images = _images(spec)
    if images is not None:
        signed = ", entry k = -j to -e_j" if any(min(image) < 0 for pair in images for image in pair) else ""
        comment = _comment(f"{head}: entry k = j sends e_k to e_j{signed}.")
        pairs = [[literals.image_lines(image) for image in pair] for pair in images]
        return ["", *comment, *literals.generators_literal("GENERATORS", "tuple[int, ...]", pairs)]
    lines = ["", *_comment(f"{head}, matrices by rows."), *_matrices("GENERATORS", spec.generators)]
    if spec.lie_generators:
        lines += [
            "",
            *_comment(f"{head}: the Lie algebra."),
            *_matrices("LIE_GENERATORS", spec.lie_generators),
        ]
    return lines


def _matrices(name: str, pairs: tuple[GeneratorPair, ...]) -> list[str]:
    written = [[literals.matrix_lines(rows) for rows in (pair.on_inputs, pair.on_outputs)] for pair in pairs]
    return literals.generators_literal(name, "tuple[tuple[float, ...], ...]", written)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(literals.plain(text), DOCSTRING_WIDTH - 2)]


def _imports(spec: SharingSpec, data: list[str]) -> str:
    names = literals.math_names(data)
    iterated = "" if _is_trivial(spec) else ", Iterator"
    lines = [f"from collections.abc import Callable{iterated}"]
    lines += [f"from math import {', '.join(names)}"] if names else []
    return "".join(f"{line}\n" for line in [*lines, ""])


def _is_trivial(spec: SharingSpec) -> bool:
    return not spec.generators and not spec.lie_generators


def _entries(spec: SharingSpec) -> str:
    """What the entries of a vector of Z are, in words."""
    if spec.has_hidden:
        return "A by rows, W by rows, then b"
    return "W by rows, then b" if spec.has_bias else "W by rows"


def _classes(spec: SharingSpec, values: dict[str, str]) -> list[str]:
    storage = _storage(spec)
    if spec.has_hidden:
        base = two_layer.BASE.format(**storage, **values)
        return [base, two_layer.NETWORK.format(**_readout(spec, "mean", values), **values)]
    bias = spec.has_bias
    base = template.BASE.format(
        parameters="W and b" if bias else "W",
        entries=_entries(spec),
        weight_slice="[..., : D_OUT * D_IN]" if bias else "",
        **storage,
        **values,
    )
    return [base + (template.BIAS.format(**values) if bias else ""), _network(spec, values), _linear(spec, values)]


def _storage(spec: SharingSpec) -> dict[str, str]:
    """How the module keeps the space: declarations, tables, and the entries made from the coefficients."""
    labels = spec.space.tying
    if labels is None:
        return {
            "declared": "    basis: Tensor",
            "tables": template.TABLES.format(code=template.BASIS_TABLES),
            "entries_code": "        return self.coefficient @ self.basis",
        }
    has_sign, has_zero = bool((labels < 0).any()), bool((labels == 0).any())
    first, width = ("", "(DIM + 1)") if has_zero else (" - 1", "DIM")
    name, table, copies = ("padded", template.TIES_ZERO, "") if has_zero else ("self.coefficient", "", "")
    if _has_copies(spec):
        table += template.TIES_COPIES.format(name=name)
        name, copies = "copied", template.INDEX_COPIES.format(width=width)
    code = template.TIES_TABLES.format(first=first, copies=copies) + (template.SIGN_TABLE if has_sign else "")
    return {
        "declared": template.TIES_DECLARED.format(sign="\n    sign: Tensor" if has_sign else ""),
        "tables": template.TABLES.format(code=code),
        "entries_code": template.TIES_ENTRIES.format(table=table, name=name, sign=" * self.sign" if has_sign else ""),
    }


def _has_copies(spec: SharingSpec) -> bool:
    """Whether so many entries share a coefficient that adding up its gradient one by one is slow."""
    space = spec.space
    return space.tying is not None and space.dim <= FEW_CLASSES and space.ambient >= LARGE_CLASS * (space.dim + 1)


def _readout(spec: SharingSpec, mean: str, values: dict[str, str]) -> dict[str, str]:
    """What undoes the change of data around a mean over particles."""
    formula = f"{spec.activation.name}(W_i (x - centre){' + b_i' if spec.has_bias else ''})"
    return {
        "formula": f"shift + scale * mean_i {'A_i ' if spec.has_hidden else ''}{formula}",
        "result": f"return self.shift + self.scale * {mean}",
        "statistics_declared": template.STATISTICS_DECLARED,
        "statistics_code": template.STATISTICS_CODE.format(**values),
    }


def _network(spec: SharingSpec, values: dict[str, str]) -> str:
    inner = "inner + self.bias" if spec.has_bias else "inner"
    mean = f"{SIGMA[spec.activation.name]}({inner}).mean(-2)"
    return template.NETWORK.format(**_readout(spec, mean, values), **values)


def _linear(spec: SharingSpec, values: dict[str, str]) -> str:
    bias = spec.has_bias
    return template.LINEAR.format(
        has_bias=bias,
        no_bias="" if bias else ", bias=False",
        linear_formula="W x + b" if bias else "W x",
        no_bias_attribute="" if bias else "        self.bias = None\n",
        bias_argument=", self.bias" if bias else "",
        **values,
    )


def _check(spec: SharingSpec) -> str:
    if _is_trivial(spec):
        return template.CHECK_TRIVIAL
    matrix = template.MATRICES if _images(spec) is None else template.PERMUTATIONS
    moves = template.MOVES + (template.LIE_MOVES if spec.lie_generators else "")
    return matrix + moves + template.CHECK
