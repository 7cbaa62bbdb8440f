"""A trained network as an ONNX graph, for runtimes without Python: written with the library onnx alone.

The graph keeps the sharing: it holds the free coefficients, and makes the entries of the layers from them by the
labels or the basis of the space. What the numbers mean is in `trained`, the forms of W x are in `onnx_forms`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats.export_format import ExportFormat, column_texts, origin
from sharefind.architectures.formats.onnx_draft import Draft
from sharefind.architectures.formats.onnx_forms import VALUES, blocked, entries, pooled, weight_form
from sharefind.architectures.formats.spec_json import to_json
from sharefind.architectures.formats.tensors import check_particles
from sharefind.architectures.forms.blocks import Blocks
from sharefind.architectures.forms.choice import AUTO
from sharefind.architectures.forms.form import Form
from sharefind.architectures.forms.pool import Pool
from sharefind.architectures.initial_values import basis
from sharefind.architectures.scaling import CENTRE, SCALE, SHIFT, statistics
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import LENGTHS, OPERATORS
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import ExportError
from sharefind.groups.images import block_places, pair_places
from sharefind.meanfield.units.length_gates import LengthGates
from sharefind.storage import write_atomically

if TYPE_CHECKING:
    import onnx

TOLERANCES = {"float64": 1e-6, "float32": 1e-5}
"""Largest difference from the search's own model with which a graph is written, relative to the largest output before
its shift. Rounding alone gives about 1e-15 in float64 and 1e-7 to 1e-6 in float32; that of the shift is not counted."""

DType = Literal["float64", "float32"]

PRODUCT = "inner"
"""The node of W x, (batch, particles, rows of W)."""


def write_onnx(
    network: TrainedNetwork, path: Path, dtype: DType = "float64", seed: int | None = None, form: str = AUTO
) -> Certificate:
    """Certify a network, make its graph, compare the two and write the graph, whole or not at all.

    Args:
        network: The network.
        path: The file.
        dtype: Type of the graph.
        seed: Seed of the training, for the metadata, beside the versions.
        form: How W x is computed, as in `onnx_model`.

    Returns:
        The certificate.

    Raises:
        ConfigError: The library onnx is not installed, there is no such form, or it does not fit.
        ExportError: A claim of the specification fails, or the graph does not compute what the network does.
        RunFolderError: The file cannot be written.
    """
    require_onnx()
    certificate = certify(network.spec)
    check_particles(network)
    graph = onnx_model(network, certificate.statement, dtype, form)
    error = graph_error(graph, network)
    if not error <= TOLERANCES[dtype]:
        raise ExportError(
            f"the {dtype} graph differs from the network by {error:.1e}, more than {TOLERANCES[dtype]:.0e}; nothing is "
            "exported, use float64 or smaller weights"
        )
    for name, text in origin(seed).items():
        graph.metadata_props.add(key=f"sharefind.{name}", value=text)
    write_atomically(path, graph.SerializeToString(deterministic=True))
    return certificate


def onnx_model(network: TrainedNetwork, statement: str, dtype: DType = "float64", form: str = AUTO) -> onnx.ModelProto:
    """Return the graph x (batch, d_in) -> y (batch, d_out), checked by onnx; batch may be any size, 0 included.

    Args:
        network: The network that the graph computes.
        statement: Statement of its certificate, for the metadata.
        dtype: Type of x, of y and of everything between them.
        form: How W x is computed, one of `sharefind.architectures.forms.choice.FORMS`; "auto" takes what costs least by
            estimates. The whole of W where there is no such form in ONNX.

    Raises:
        ConfigError: The library onnx is not installed, there is no such form, or it does not fit.
    """
    require_onnx()
    import onnx
    import onnx.checker

    spec, draft = network.spec, Draft(dtype)
    _centred(draft, spec)
    _values(draft, network)
    _product(draft, network, weight_form(spec, form))
    _readout(draft, spec, _mean(draft, network))
    # From 2022: all operators that are used exist in this version of them, and runtimes from then on have it.
    model: onnx.ModelProto = onnx.helper.make_model(
        _graph(draft, spec),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=8,
        producer_name="sharefind",
        doc_string=f"{spec.name}: {statement}",
    )
    columns = {f"sharefind.{side}": names for side, names in column_texts(spec).items()}
    props = {"sharefind.spec": to_json(spec), "sharefind.statement": statement, **columns}
    onnx.helper.set_model_props(model, props)
    onnx.checker.check_model(model, full_check=True)
    return model


def graph_error(
    model: onnx.ModelProto, network: TrainedNetwork, trials: int = 16, seed: int = 0, places: int = 4
) -> float:
    """Return the largest difference of a graph from its network on random inputs about the centre, without rounding of
    the shift.

    It is relative to the largest output before the shift, so that no offset of the labels hides a difference.

    Args:
        model: The graph.
        network: The reference network.
        trials: Number of random inputs.
        seed: Seed of them.
        places: Units in the last place of the shift by which an output may differ: y is rounded where it is added.
    """
    from onnx.reference import ReferenceEvaluator

    spec, dtype = network.spec, _dtype_of(model)
    white = np.random.default_rng(seed).standard_normal((trials, spec.d_in))
    x = (spec.change.centre + np.linalg.solve(spec.change.matrix, white.T).T).astype(dtype)
    outputs: Any = ReferenceEvaluator(model).run(["y"], {"x": x})
    expected = network.predict(x.astype(np.float64))
    size = max(float(np.abs(expected - spec.change.shift).max()), float(np.finfo(np.float64).tiny))
    rounding = places * float(np.finfo(dtype).eps) * float(np.abs(spec.change.shift).max())
    return max(0.0, float(np.abs(outputs[0] - expected).max()) - rounding) / size


def require_onnx() -> None:
    """Refuse where the library is not installed.

    Raises:
        ConfigError: it is not.
    """
    FORMAT.require()


def _dtype_of(model: onnx.ModelProto) -> Any:
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)


def _graph(draft: Draft, spec: SharingSpec) -> onnx.GraphProto:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(draft.dtype))
    inputs, outputs = column_texts(spec).values()
    x = helper.make_tensor_value_info("x", kind, ["batch", spec.d_in], f"columns: {inputs}")
    y = helper.make_tensor_value_info("y", kind, ["batch", spec.d_out], f"columns: {outputs}")
    return helper.make_graph(draft.nodes, "shared_shallow_network", [x], [y], draft.constants)


def _centred(draft: Draft, spec: SharingSpec) -> None:
    """The node `centred` (batch, d_in): x - centre, in two steps so that float32 inputs lose no digit."""
    source = "x"
    for name, part in zip(("centre", "centre_rest"), statistics(spec.change)[CENTRE], strict=True):
        source = draft.add("Sub", [source, draft.constant(name, part)], "about" if name == "centre" else "centred")


def _values(draft: Draft, network: TrainedNetwork) -> None:
    """The coefficients (N, dim) of all particles, and the node of the values of their entries where these are tied."""
    coefficient = draft.constant("coefficient", network.coefficient)
    if network.spec.space.tying is not None:
        zero = draft.constant("zero", np.zeros((len(network.coefficient), 1)))
        draft.add("Concat", [zero, coefficient], VALUES, axis=1)


def _block(draft: Draft, spec: SharingSpec, name: str) -> str:
    """The node of one block, (N, its entries)."""
    labels, place, output = spec.space.tying, spec.slice_of(name), f"{name}_entries"
    if labels is not None:
        return entries(draft, labels[place], output)
    return draft.add("MatMul", ["coefficient", draft.constant(f"{name}_basis", basis(spec)[:, place])], output)


def _product(draft: Draft, network: TrainedNetwork, form: Form) -> str:
    """The node `PRODUCT`, W x: (batch, N, rows of W)."""
    spec, count = network.spec, len(network.coefficient)
    rows, columns = spec.block("weight").shape
    if isinstance(form, Pool):
        return pooled(draft, form, "centred", PRODUCT)
    if isinstance(form, Blocks) and spec.space.tying is not None:
        labels = spec.space.tying[spec.slice_of("weight")].reshape(rows, columns)
        return blocked(draft, form, labels, count, "centred", PRODUCT)
    flat = draft.reshape(_block(draft, spec, "weight"), "weight", count * rows, columns)
    turned = draft.add("Transpose", [flat], "weight_turned", perm=[1, 0])
    product = draft.add("MatMul", ["centred", turned], "product")
    return draft.reshape(product, PRODUCT, 0, count, rows)


def _inner(draft: Draft, network: TrainedNetwork) -> str:
    """sigma(W x [+ b]): (batch, N, rows of W)."""
    spec, inner = network.spec, PRODUCT
    if spec.has_bias:
        inner = draft.add("Add", [inner, _block(draft, spec, "bias")], "shifted")
    return draft.add(OPERATORS[spec.activation.name], [inner], "active")


def _mean(draft: Draft, network: TrainedNetwork) -> str:
    """mean_i sigma(W_i x [+ b_i]), or mean_i A_i sigma(W_i x + b_i) as one product over particles and hidden units."""
    spec, count = network.spec, len(network.coefficient)
    if spec.types:
        return _gated_mean(draft, network)
    if spec.is_radial:
        return _radial_mean(draft, network)
    if len(spec.maps) == 1:
        axis = draft.shape("mean_axis", 1)
        return draft.add("ReduceMean", [_inner(draft, network), axis], "mean", keepdims=0)
    total = _summed(draft, network, spec.maps[-1].weight, _inner(draft, network), "total")
    return draft.add("Div", [total, draft.constant("count", np.array(float(count)))], "mean")


def _radial_mean(draft: Draft, network: TrainedNetwork) -> str:
    """mean_i u s(|u|^2), u = W_i x."""
    spec, vectors = network.spec, PRODUCT
    last = draft.shape("last", 2)
    squares = draft.add("ReduceSum", [draft.add("Mul", [vectors, vectors], "squared"), last], "squares", keepdims=1)
    if spec.activation.name == "algebraic":
        raised = draft.add("Add", [squares, draft.constant("one", np.array(1.0))], "raised")
        factor = draft.add("Reciprocal", [draft.add("Sqrt", [raised], "roots")], "factors")
    else:
        factor = draft.add(
            "Exp", [draft.add("Mul", [squares, draft.constant("half", np.array(-0.5))], "halves")], "factors"
        )
    scaled = draft.add("Mul", [vectors, factor], "scaled_vectors")
    return draft.add("ReduceMean", [scaled, draft.shape("mean_axis", 1)], "mean", keepdims=0)


def _gated_mean(draft: Draft, network: TrainedNetwork) -> str:
    """mean_i A_i t + V_i (t h) [+ T_i (t h (x) h')], h = W_i x, t = sigma(B_i |h| + b_i)."""
    spec, count = network.spec, len(network.coefficient)
    hidden = PRODUCT
    types = spec.space_dims[LENGTHS]
    mixing = draft.add(
        "Reshape", [_block(draft, spec, "mixing"), draft.shape("mixing_of", count, types, types)], "mixing"
    )
    row = draft.add("Reshape", [_lengths(draft, spec, hidden), draft.shape("row", 0, count, 1, types)], "rows")
    # Products and a sum, not MatMul: ONNX Runtime 1.19 cannot broadcast the matrices over the batch.
    mixed = draft.add("Mul", [mixing, row], "mixed")
    inner = draft.add("ReduceSum", [mixed, draft.shape("last", 3)], "mixed_lengths", keepdims=0)
    shifted = draft.add("Add", [inner, _block(draft, spec, "bias")], "shifted")
    gates = draft.add(OPERATORS[spec.activation.name], [shifted], "gates")
    spread = draft.add("Gather", [gates, draft.constant("type_of", block_places(spec.types))], "spread", axis=2)
    gated = draft.add("Mul", [hidden, spread], "gated")
    scalars = _summed(draft, network, "output", gates, "scalars")
    vectors = _summed(draft, network, "vectors", gated, "turned")
    total = draft.add("Add", [scalars, vectors], "total")
    if spec.has_pairs:
        products = _products(draft, spec, gated, hidden)
        total = draft.add("Add", [total, _summed(draft, network, "tensors", products, "doubled")], "total_of_three")
    return draft.add("Div", [total, draft.constant("count", np.array(float(count)))], "mean")


def _products(draft: Draft, spec: SharingSpec, gated: str, hidden: str) -> str:
    """Gated vectors times their copies (batch, N, h): (batch, N, p)."""
    first, second = pair_places(spec.types)
    left = draft.add("Gather", [gated, draft.constant("first_of", first)], "firsts", axis=2)
    right = draft.add("Gather", [hidden, draft.constant("second_of", second)], "seconds", axis=2)
    return draft.add("Mul", [left, right], "products")


def _lengths(draft: Draft, spec: SharingSpec, hidden: str) -> str:
    """Lengths of hidden vectors (batch, N, h), and scalars as they are: (batch, N, types)."""
    gates = LengthGates(spec.types)
    members = draft.constant("members", np.eye(gates.count)[block_places(spec.types)])
    squares = draft.add("MatMul", [draft.add("Mul", [hidden, hidden], "squared"), members], "squares")
    softening = draft.constant("softening", np.array(gates.softening**2))
    lengths = draft.add("Sqrt", [draft.add("Add", [squares, softening], "softened")], "lengths")
    if 0 not in spec.types:
        return lengths
    scalars = draft.add("MatMul", [hidden, members], "sums")
    return draft.add("Where", [draft.constant("is_scalar", gates.is_scalar.numpy()), scalars, lengths], "sizes")


def _summed(draft: Draft, network: TrainedNetwork, name: str, values: str, output: str) -> str:
    """Values (batch, N, columns) through the block `name` of each particle, summed over all: (batch, d_out)."""
    spec, count = network.spec, len(network.coefficient)
    rows, columns = spec.block(name).shape
    flat = draft.add("Reshape", [values, draft.shape(f"{name}_flat", 0, count * columns)], f"flat_{name}")
    shape = draft.shape(f"{name}_shape", count, rows, columns)
    matrices = draft.add("Reshape", [_block(draft, spec, name), shape], name)
    turned = draft.add("Transpose", [matrices], f"{name}_turned", perm=[0, 2, 1])
    stacked = draft.add("Reshape", [turned, draft.shape(f"{name}_stacked", count * columns, rows)], f"stacked_{name}")
    return draft.add("MatMul", [flat, stacked], output)


def _readout(draft: Draft, spec: SharingSpec, mean: str) -> None:
    """y = shift + scale mean: the change of labels undone."""
    tensors = statistics(spec.change)
    scaled = draft.add("Mul", [mean, draft.constant("scale", tensors[SCALE])], "scaled")
    draft.add("Add", [scaled, draft.constant("shift", tensors[SHIFT])], "y")


def _next(spec: SharingSpec, run: Path, out: Path) -> list[str]:
    return [f'onnxruntime.InferenceSession({str(out)!r}).run(None, {{"x": x}})   (x: (batch, {spec.d_in}))']


FORMAT = ExportFormat("onnx", ".onnx", write_onnx, _next, has_weights=True, dtypes=get_args(DType), extra="onnx")
