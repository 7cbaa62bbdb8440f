"""A discovered space as the source of a plain torch module: readable, formatted, in no need of sharefind.

The text is put together from `torch_template` and `literals`; its claims are checked by `certificate` first.
"""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import numpy as np

from sharefind.export import literals
from sharefind.export import torch_template as template
from sharefind.export.certificate import Certificate, certify
from sharefind.export.spec import ExactRows, GeneratorPair, SharingSpec
from sharefind.groups import exact_matrix
from sharefind.groups.matrices import as_signed_permutation, to_float

DOCSTRING_WIDTH = 88
"""Longest line of the module's docstring."""

SIGMA = {"logistic": "torch.sigmoid", "tanh": "torch.tanh"}
"""The activations of `sharefind.meanfield.activations` in torch."""


def torch_source(spec: SharingSpec) -> str:
    """The source of a module with `SharedShallowNetwork`, `SharedLinear` and `check_equivariance`.

    Tied spaces become index and sign buffers, others a basis, written out exactly unless it is numerical.

    Raises:
        ExportError: the specification does not hold what it says.
    """
    certificate = certify(spec)
    data = [*_space_data(spec), *_generator_data(spec)]
    values = _values(spec)
    parts = [
        _docstring(spec, certificate),
        template.IMPORTS.format(imports=_imports(spec, data), **values),
        template.READOUT.format(**values) if spec.change.rescales_labels else "",
        "\n".join(["", "# fmt: off", *data, "# fmt: on", ""]),
        _base(spec, values),
        _network(spec, values),
        _linear(spec, values),
        _check(spec),
    ]
    return "".join(parts)


def write_torch(spec: SharingSpec, path: Path) -> None:
    """Write `torch_source` to a file, whole or not at all.

    Raises:
        ExportError: the specification does not hold what it says. RunFolderError: the file cannot be written.
    """
    source = torch_source(spec)
    from sharefind.search.run_folder import write_atomically

    write_atomically(path, source)


def _values(spec: SharingSpec) -> dict[str, str]:
    """What the templates have in common."""
    return {
        "d_in": str(spec.d_in),
        "d_out": str(spec.d_out),
        "dim": str(spec.space.dim),
        "ambient": str(spec.space.ambient),
        "width": str(spec.particles),
        "gain": repr(_gain(spec)),
        "length": repr(_input_length(spec)),
        "shift": literals.one_line(repr(float(v)) for v in spec.change.shift),
        "scale": repr(float(spec.change.scale)),
    }


def _gain(spec: SharingSpec) -> float:
    """Root of |W|^2 of a free layer over |W|^2 of the shared one, both with coefficients of variance 1."""
    size = spec.d_in * spec.d_out
    labels = spec.space.tying
    if labels is not None:
        energy = float(np.count_nonzero(labels[:size]))
    else:
        basis = to_float(spec.space.exact_rows()) if spec.space.is_exact else spec.space.orthonormal()
        energy = float((basis[:, :size] ** 2).sum())
    return math.sqrt(size / energy) if energy > 0 else 1.0


def _input_length(spec: SharingSpec) -> float:
    """Root of E|x|^2 where the change of data makes x' = A x white: tr (A^T A)^-1; sqrt(d_in) when A = 1."""
    return float(np.linalg.norm(np.linalg.inv(spec.change.matrix)))


def _docstring(spec: SharingSpec, certificate: Certificate) -> str:
    order = "infinite" if spec.group_order is None else f"order {spec.group_order}"
    facts = [
        f"A shallow network with shared parameters: {spec.name}.",
        "",
        "Written by sharefind; it needs torch only.",
        "",
        f"Unit: {spec.unit}, hidden unit i computes {_unit_formula(spec)}.",
        f"Inputs: R^{spec.d_in}, {spec.in_rep}. Outputs: R^{spec.d_out}, {spec.out_rep}.",
        f"Group: {spec.group_name}, {order}. Generators on inputs, on outputs: {_generator_text(spec)}.",
        f"Sharing: {certificate.statement}.",
    ]
    lines = [line for fact in facts for line in textwrap.wrap(_plain(fact), DOCSTRING_WIDTH - 3) or [""]]
    return '"""' + "\n".join(lines) + '\n"""\n'


def _plain(text: str) -> str:
    """Names come from files: nothing in them may end the docstring."""
    return text.replace("\\", "/").replace('"', "'")


def _unit_formula(spec: SharingSpec) -> str:
    return f"{spec.activation.name}(W_i x{' + b_i' if spec.has_bias else ''})"


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
    what = "W by rows, then b" if spec.has_bias else "W by rows"
    labels = spec.space.tying
    if labels is not None:
        comment = [
            f"# {what}: 0 is an entry that is zero, k the coefficient number k,",
            "# -k the same with the opposite sign.",
        ]
        return [*comment, *literals.labels_literal(spec, labels.tolist())]
    if spec.space.is_exact:
        rows = [[literals.number(entry) for entry in row] for row in spec.space.basis_strings()]
        return [f"# A basis of the shared space, exact; a row is {what}.", *literals.basis_literal(rows)]
    floats = [[repr(float(entry)) for entry in row] for row in spec.space.orthonormal()]
    text = f"# An orthonormal basis of the shared space, numerical; a row is {what}."
    return [text, *literals.basis_literal(floats)]


def _generator_data(spec: SharingSpec) -> list[str]:
    if _is_trivial(spec):
        return []
    head = f"Generators of {spec.group_name} on inputs and on outputs"
    images = _images(spec)
    if images is not None:
        comment = _comment(f"{head}: entry k = j sends e_k to e_j, entry k = -j sends it to -e_j.")
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
    return [f"# {line}" for line in textwrap.wrap(_plain(text), DOCSTRING_WIDTH - 2)]


def _imports(spec: SharingSpec, data: list[str]) -> str:
    names = literals.math_names(data)
    lines = [] if _is_trivial(spec) else ["from collections.abc import Iterator"]
    lines += [f"from math import {', '.join(names)}"] if names else []
    return "".join(f"{line}\n" for line in [*lines, ""] if lines)


def _is_trivial(spec: SharingSpec) -> bool:
    return not spec.generators and not spec.lie_generators


def _base(spec: SharingSpec, values: dict[str, str]) -> str:
    labels = spec.space.tying
    has_sign = labels is not None and bool((labels < 0).any())
    if labels is None:
        parts = ("    basis: Tensor", template.BASIS_BUFFERS, "        return self.coefficient @ self.basis")
    else:
        parts = (
            template.TIES_DECLARED.format(sign="\n    sign: Tensor" if has_sign else ""),
            template.TIES_BUFFERS + (template.SIGN_BUFFER if has_sign else ""),
            template.TIES_ENTRIES.format(sign=" * self.sign" if has_sign else ""),
        )
    declared, buffers, entries_code = parts
    bias = spec.has_bias
    return template.BASE.format(
        parameters="W and b" if bias else "W",
        entries="W by rows, then b" if bias else "W by rows",
        weight_slice="[..., : D_OUT * D_IN]" if bias else "",
        declared=declared, buffers=buffers, entries_code=entries_code, **values,
    ) + (template.BIAS.format(**values) if bias else "")  # fmt: skip


def _network(spec: SharingSpec, values: dict[str, str]) -> str:
    rescales = spec.change.rescales_labels
    inner = "inner + self.bias" if spec.has_bias else "inner"
    mean = f"{SIGMA[spec.activation.name]}({inner}).mean(-2)"
    formula = f"mean_i {_unit_formula(spec)}"
    return template.NETWORK.format(
        formula=f"SHIFT + SCALE * {formula}" if rescales else formula,
        readout_declared=template.READOUT_DECLARED if rescales else "",
        readout_buffer=template.READOUT_BUFFER if rescales else "",
        result=f"return self.shift + SCALE * {mean}" if rescales else f"return {mean}",
        **values,
    )


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
