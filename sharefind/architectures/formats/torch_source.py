"""A discovered space as the source of a plain torch module: readable, formatted, in no need of sharefind.

The classes are those of `layers.standalone`, with the numbers of a specification for what they read from `sharing`.
Claims are checked by `certificate` first.
"""

from __future__ import annotations

import ast
import math
import re
import textwrap
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures import initial_values as initial
from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats import literals
from sharefind.architectures.formats.export_format import ExportFormat
from sharefind.architectures.formats.form_source import form_data, used_by_form
from sharefind.architectures.forms.choice import AUTO
from sharefind.architectures.linear_sharing import LinearSharing
from sharefind.architectures.sharing import Sharing
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import LETTERS, OPERATORS, SPACES
from sharefind.errors import setting
from sharefind.storage import ENCODING, shell_word, write_atomically


def torch_source(spec: SharingSpec, certificate: Certificate | None = None, form: str = AUTO) -> str:
    """Return the source of a module with `SharedShallowNetwork`, `SharedLinear` (of matrix units) and
    `check_equivariance`.

    Args:
        spec: The specification.
        certificate: Certificate of this specification, where it was certified already.
        form: Form in which `SharedLinear` is computed; "auto" takes the form that costs least, by estimates.

    Raises:
        ConfigError: There is no such form, or it does not fit the space.
        ExportError: A claim of the specification fails.
    """
    certificate = certify(spec) if certificate is None else certificate
    sharing = LinearSharing(spec, form) if len(spec.maps) == 1 else Sharing(spec)
    form_lines = form_data(sharing) if isinstance(sharing, LinearSharing) else []
    data = [*_type_data(sharing), *form_lines, *_space_data(sharing), *_generator_data(sharing)]
    sizes = _sizes(spec)
    # Names of columns are no code: one may be "pi".
    head = [_docstring(sharing, certificate), *_imports([*sizes, *data]), *_statistics(sharing)]
    return "\n".join([*head, "# fmt: off", *sizes, *_column_data(spec), *data, "# fmt: on", _classes(sharing)])


def class_names(spec: SharingSpec) -> tuple[str, ...]:
    """Return the classes and functions that the module of a specification offers.

    Args:
        spec: The specification.
    """
    linear = ("SharedLinear",) if len(spec.maps) == 1 else ()
    return ("SharedShallowNetwork", *linear, "check_equivariance")


def write_torch(spec: SharingSpec, path: Path) -> Certificate:
    """Write `torch_source` to a file, whole or not at all.

    Args:
        spec: The specification.
        path: The file.

    Returns:
        The certificate.

    Raises:
        ExportError: The specification does not hold what it says.
        RunFolderError: The file cannot be written.
    """
    certificate = certify(spec)
    write_atomically(path, torch_source(spec, certificate))
    return certificate


def _classes(sharing: Sharing) -> str:
    """The classes of `layers.standalone` for one specification, and the check."""
    folder = files("sharefind.architectures").joinpath("layers")
    parts = ("standalone", *(("standalone_linear",) if isinstance(sharing, LinearSharing) else ()), "standalone_check")
    sources = (folder.joinpath(f"{part}.py").read_bytes().decode(ENCODING) for part in parts)
    text = "".join(map(_definitions, sources))
    used = dict.fromkeys(("output", "side_by_side"), sharing.has_output)
    used |= used_by_form(sharing) if isinstance(sharing, LinearSharing) else {}
    names = ("type_of", "gates", "_make_types")
    used |= dict.fromkeys(names, sharing.has_types) | {"is_scalar": sharing.has_types and sharing.has_scalars}
    used |= dict.fromkeys(("first_of", "second_of"), sharing.has_pairs)
    used |= {**dict.fromkeys(("index", "values", "_places"), sharing.is_tied), "sharing": False}
    used |= dict.fromkeys(("basis", "_dense_basis"), not sharing.is_tied)
    text = _without(text, {name for name, is_used in used.items() if not is_used})
    while (found := _first_fork(text)) is not None:
        text = _decided(text, found, sharing)
    spare = r"^ *self\.sharing = sharing\n|^ *sharing: .*\.\n|  # type: ignore.*|\bsharing: \w+,\s+|\bsharing, "
    text = re.sub(spare, "", text, flags=re.MULTILINE)
    return re.sub(r"(?:self\.)?\bsharing\.(\w+)", lambda match: _constant(match[1], sharing), text)


def _definitions(text: str) -> str:
    """A source from its first class or function on, after two blank lines."""
    start = min(place for kind in ("class", "def") if (place := text.find(f"\n\n\n{kind} ")) >= 0)
    return text[start + 1 :].rstrip() + "\n"


def _constant(name: str, sharing: Sharing) -> str:
    """The name of an attribute of a `Sharing` in a module."""
    if name == "sigma":
        return f"torch.{OPERATORS[sharing.spec.activation.name].lower()}"
    return str(getattr(sharing, name)) if name.startswith("has_") else name.upper()


def _without(text: str, names: set[str]) -> str:
    """Source without the definitions and declarations of some names, written as `name` or as `Class.name`.

    The string after a declaration, which documents it, goes with it.
    """
    lines, tree = text.split("\n"), ast.parse(text)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    owners = {id(child): node.name for node in classes for child in node.body}
    after = {id(child): following for node in classes for child, following in pairwise(node.body)}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.AnnAssign, ast.ClassDef, ast.FunctionDef)):
            continue
        name = ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else node.name
        if name not in names and f"{owners.get(id(node))}.{name}" not in names:
            continue
        first = node.lineno
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
            # With the blank lines before it.
            while not lines[first - 2]:
                first -= 1
        words = after.get(id(node)) if isinstance(node, ast.AnnAssign) else None
        last = (words if isinstance(words, ast.Expr) else node).end_lineno or 0
        lines[first - 1 : last] = ["\0"] * (last - first + 1)
    left = "\n".join(line for line in lines if line != "\0")
    return re.sub(r"\n{3,}(?= )", "\n\n", left)


def _first_fork(text: str) -> ast.If | None:
    """The first `if` that a specification decides."""
    forks = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.If))
    return next((fork for fork in forks if "sharing." in ast.unparse(fork.test)), None)


def _decided(text: str, fork: ast.If, sharing: Sharing) -> str:
    """Source with the branch that is taken in the place of an `if [not] sharing.NAME:`, or with what `elif` leaves."""
    lines, test = text.split("\n"), ast.unparse(fork.test)
    is_taken = getattr(sharing, test.rpartition(".")[2]) != test.startswith("not ")
    ends = [fork.lineno, fork.body[-1].end_lineno or 0, fork.end_lineno or 0]
    # The line between the two branches is the `else:` or `elif`.
    other = lines[ends[1]] if ends[1] < ends[2] else ""
    if is_taken:
        left = [line[4:] for line in lines[ends[0] : ends[1]]]
    elif other.strip().startswith("elif "):
        left = [other.replace("elif ", "if ", 1), *lines[ends[1] + 1 : ends[2]]]
    else:
        left = [line[4:] for line in lines[ends[1] + 1 : ends[2]]]
    return "\n".join([*lines[: fork.lineno - 1], *left, *lines[ends[2] :]])


def _docstring(sharing: Sharing, certificate: Certificate) -> str:
    spec = sharing.spec
    order = "infinite" if spec.group_order is None else f"order {spec.group_order}"
    spaces = zip(SPACES, spec.dims, spec.rep_names, strict=False)
    facts = [
        f"A shallow network with shared parameters: {spec.name}.",
        "",
        "Written by sharefind; it needs torch only. Trained weights come as a safetensors file:",
        "net.load_state_dict(load_file(path)), with load_file from safetensors.torch.",
        "",
        f"Unit: {spec.unit}, particle i computes {spec.formula}.",
        " ".join(f"{space.capitalize()}: R^{dim}, {name}." for space, dim, name in spaces),
        *literals.column_sentences(spec),
        f"Group: {certificate.shown_name}, {order}. Generators on inputs, on outputs: {_generator_text(sharing)}.",
        f"Sharing: {certificate.statement}.",
        *_class_facts(spec),
    ]
    lines = [line for fact in facts for line in textwrap.wrap(literals.plain(fact), 85) or [""]]
    return '"""' + "\n".join(lines).replace(literals.TOGETHER, " ") + '\n"""\n'


def _class_facts(spec: SharingSpec) -> list[str]:
    if not spec.classes:
        return []
    how = "torch.softmax(net(x), dim=-1) has their probabilities"
    return [f"Outputs are logits of {len(spec.classes)} classes, in the order of CLASSES; {how}."]


def _column_data(spec: SharingSpec) -> list[str]:
    return [
        "# Names of the columns of x and of y, in their order.",
        *literals.name_lines("INPUT_NAMES", spec.inputs, "x", "D_IN"),
        *literals.name_lines("OUTPUT_NAMES", spec.outputs, "y", "D_OUT"),
        *(literals.name_lines("CLASSES", spec.classes, "class ", "D_OUT") if spec.classes else []),
        "",
    ]


def _generator_text(sharing: Sharing, longest: int = 16) -> str:
    """Generators on no more than `longest` coordinates in all, for people."""
    images, spec = sharing.images, sharing.spec
    if images is None or (images and spec.d_in + spec.d_out > longest):
        return "GENERATORS below"
    return "; ".join(f"{literals.cycles(a)}, {literals.cycles(b)}" for a, b in images) or "none"


def _imports(data: list[str]) -> list[str]:
    names = literals.math_names(data)
    return [
        "from collections.abc import Callable, Iterator, Sequence",
        *([f"from math import {', '.join(names)}"] if names else []),
        "",
        "import torch",
        "from torch import Tensor, nn",
        "",
    ]


def _statistics(sharing: Sharing) -> list[str]:
    """The numbers of the change of data."""
    labels = "with logits SHIFT + SCALE f" if sharing.spec.classes else "on (y - SHIFT) / SCALE"
    lines = [
        "# It was trained on x - CENTRE - REST (24 bits of the centre, then the rest of it) and",
        f"# {labels}. Weights of another training may bring other numbers along.",
    ]
    for name, row in (("CENTRE", sharing.centre), ("REST", sharing.rest), ("SHIFT", sharing.shift)):
        lines.append(f"{name} = {literals.constant_tuple([repr(value) for value in row], len(name) + 3)}")
    return [*lines, f"SCALE = {sharing.scale!r}", ""]


def _sizes(spec: SharingSpec) -> list[str]:
    """The sizes of the unit, and how its coefficients start."""
    names = ", ".join(("D_IN", "D_OUT", "D_HIDDEN", "TYPES", "PAIRS")[: len(spec.space_dims)])
    blocks = ", ".join(f'"{block.name}": {block.shape}' for block in spec.blocks)
    lines = [f"{names} = {', '.join(map(str, spec.space_dims))}", f"DIM, WIDTH = {spec.space.dim}, {spec.particles}"]
    lines += [f"BLOCKS = {{{blocks}}}", "", "# Root mean square length of an input x about its centre."]
    lines += [f"INPUT_LENGTH = {initial.input_length(spec)!r}", ""]
    if "SharedLinear" in class_names(spec):
        lines += ["# Each coefficient moves some entries of W: with this factor, W x starts with the"]
        lines += ["# variance that it has when every entry of W is free."]
        lines += [f"GAIN = {math.sqrt(initial.spreads(spec)['weight'])!r}", ""]
        runs, linear = ["(DIM, GAIN / INPUT_LENGTH)"], ["LINEAR_START = ((DIM, GAIN / (3 * D_IN) ** 0.5),)"]
    else:
        runs, linear = [f"({count}, {std!r})" for count, std in initial.runs(initial.network_start(spec))], []
    comment = "# Numbers of coefficients, in order, with their standard deviation at the start."
    return [*lines, comment, f"START = {literals.one_line(runs)}", *linear, ""]


def _type_data(sharing: Sharing) -> list[str]:
    """Which hidden units form vectors."""
    if not sharing.has_types:
        return []
    lines = ["# The type that each hidden unit belongs to: units of one type form a vector."]
    size = sharing.type_of.count(0)
    if list(sharing.type_of) == [k // size for k in range(len(sharing.type_of))]:
        lines += [f"TYPE_OF = tuple(k // {size} for k in range(D_HIDDEN))"]
    else:
        lines += literals.packed_lines("TYPE_OF", list(map(str, sharing.type_of)))
    if sharing.has_scalars:
        lines += ["# Which types are scalars, that nothing turns."]
        lines += literals.packed_lines("IS_SCALAR", list(map(str, sharing.is_scalar)))
    if sharing.has_pairs:
        lines += ["# The two hidden units of each product."]
        lines += literals.packed_lines("FIRST_OF", list(map(str, sharing.first_of)))
        lines += literals.packed_lines("SECOND_OF", list(map(str, sharing.second_of)))
    return [*lines, "# Added to lengths, which are smooth at 0 with it.", f"SOFTENING = {sharing.softening!r}", ""]


def _space_data(sharing: Sharing) -> list[str]:
    spec, labels = sharing.spec, sharing.labels
    by_rows = [
        f"{LETTERS[name]}{' by rows' if columns is not None else ''}" for name, (_, columns) in spec.sides.items()
    ]
    what = ", ".join(by_rows) if spec.types else ", ".join(by_rows).replace(", b", ", then b")
    if labels is not None:
        sums = [f"PARTIAL_SUMS = {sharing.partial_sums}"] if sharing.has_partial_sums else []
        if sharing.has_partial_sums or sharing.has_signs:
            sums += [f"SLOTS = {sharing.slots}", ""]
        return [
            *sums,
            *literals.comment(f"{what}: {_label_meaning(labels)}."),
            *literals.labels_literal(spec, labels.tolist()),
        ]
    text = "A basis of the shared space, exact" if spec.space.is_exact else "An orthonormal basis, numerical"
    if sharing.has_sparse_basis:
        sentence = f"{text}: the entries that each coefficient moves, and how far. Entries count {what}, from 0."
        rows = [dict(enumerate(row)) for row in _basis_texts(spec)]
        sparse = [
            {place: row[place] for place in entries} for row, entries in zip(rows, sharing.sparse_basis, strict=True)
        ]
        return [*literals.comment(sentence), *literals.sparse_literal("SPARSE_BASIS", sparse)]
    return [*literals.comment(f"{text}; a row is {what}."), *literals.assigned("BASIS", _basis_texts(spec))]


def _basis_texts(spec: SharingSpec) -> list[list[str]]:
    """The basis by rows, as Python expressions."""
    if spec.space.is_exact:
        return literals.numbers(spec.space.basis_strings())
    return [[repr(float(entry)) for entry in row] for row in spec.space.orthonormal()]


def _label_meaning(labels: NDArray[np.int32]) -> str:
    """The meaning of the labels that occur."""
    zero = ", 0 an entry that is zero" if (labels == 0).any() else ""
    return f"k is coefficient number k{', -k its negative' if (labels < 0).any() else ''}{zero}"


def _generator_data(sharing: Sharing) -> list[str]:
    spec, images = sharing.spec, sharing.images
    head = f"Generators of {spec.group_name} on inputs and on outputs"
    if images is not None:
        signed = ", entry k = -j to -e_j" if any(min(image) < 0 for pair in images for image in pair) else ""
        written = [[list(map(str, image)) for image in pair] for pair in images]
        return _moves("GENERATORS", f"{head}: entry k = j sends e_k to e_j{signed}.", "tuple[int, ...]", written)
    lines = list[str]()
    for name, what, pairs in (
        ("GENERATORS", ", matrices by rows", spec.generators),
        ("LIE_GENERATORS", ": the Lie algebra", spec.lie_generators),
    ):
        matrices = [[literals.numbers(rows) for rows in pair.matrices[:2]] for pair in pairs]
        if pairs or name == "GENERATORS":
            lines += _moves(name, f"{head}{what}.", "tuple[tuple[float, ...], ...]", matrices)
    return lines


def _moves(name: str, comment: str, entry: str, pairs: literals.Nested) -> list[str]:
    return ["", *literals.comment(comment), *literals.assigned(f"{name}: tuple[tuple[{entry}, {entry}], ...]", pairs)]


def _next(spec: SharingSpec, run: Path, out: Path) -> list[str]:
    weights = shell_word(out.with_suffix(".safetensors"))
    return [
        f"from {out.stem if out.stem.isidentifier() else 'the module'} import {', '.join(class_names(spec))}",
        f"sharefind train {shell_word(run)} {setting('out')} {weights}   (weights for it, if not there yet)",
    ]


FORMAT = ExportFormat("torch", ".py", write_torch, _next)
