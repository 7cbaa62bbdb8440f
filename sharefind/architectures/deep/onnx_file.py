"""A deep network as an ONNX graph of plain matrix products, for runtimes without Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sharefind.architectures.deep.deep_json import to_json
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.proof import DeepCertificate
from sharefind.architectures.formats.onnx_draft import Draft
from sharefind.architectures.formats.onnx_graph import TOLERANCES, require_onnx
from sharefind.errors import ExportError

if TYPE_CHECKING:
    import onnx

OPERATORS = {"tanh": "Tanh", "logistic": "Sigmoid", "relu": "Relu"}


def onnx_bytes(network: DeepNetwork, certificate: DeepCertificate, texts: dict[str, str]) -> bytes:
    """Return the graph x (batch, d_in) -> y (batch, d_out) in float64, compared with the network.

    Args:
        network: The network.
        certificate: Certificate of the network.
        texts: Further metadata.

    Raises:
        ConfigError: The library onnx is not installed.
        ExportError: The graph does not compute what the network does.
    """
    require_onnx()
    import onnx

    graph = Draft("float64")
    below = "x"
    last = len(network.matrices) - 1
    for number, (weight, bias) in enumerate(network.matrices):
        product = graph.add("MatMul", [below, graph.constant(f"weight_{number}", weight.T)], f"product_{number}")
        name = "y" if number == last else f"inner_{number}"
        inner = graph.add("Add", [product, graph.constant(f"bias_{number}", bias)], name)
        below = inner if number == last else _layer(graph, network, number, inner, below)
    info = [
        onnx.helper.make_tensor_value_info(side, onnx.TensorProto.DOUBLE, ["batch", width])
        for side, width in (("x", network.unit.d_in), ("y", network.unit.d_out))
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "deep_network", info[:1], info[1:], graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=8,
        producer_name="sharefind",
        doc_string=f"{network.name}: {certificate.statement}",
    )
    props = {"sharefind.spec": to_json(network), "sharefind.statement": certificate.statement, **texts}
    onnx.helper.set_model_props(model, props)
    onnx.checker.check_model(model, full_check=True)
    _compare(model, network)
    return bytes(model.SerializeToString(deterministic=True))


def _layer(graph: Draft, network: DeepNetwork, number: int, inner: str, below: str) -> str:
    """A hidden layer from what its linear map gives."""
    function = network.unit.layer_functions[number]
    value = _function(graph, function.function.name, inner, number)
    if function.is_mixed:
        mask = graph.constant(f"signed_{number}", np.array(function.signed))
        odd = graph.add("Tanh", [inner], f"odd_{number}")
        value = graph.add("Where", [mask, odd, value], f"chosen_{number}")
    return graph.add("Add", [below, value], f"sum_{number}") if network.unit.adds_input[number] else value


def _function(graph: Draft, name: str, inner: str, number: int) -> str:
    if name in OPERATORS:
        return graph.add(OPERATORS[name], [inner], f"value_{number}")
    # GELU is t (1 + erf(t / sqrt 2)) / 2; ONNX Runtime has no erf in float64, so that it is taken in float32.
    scaled = graph.add("Mul", [inner, graph.constant(f"root_{number}", np.array(1 / math.sqrt(2)))], f"scaled_{number}")
    return graph.add("Mul", [inner, _normal(graph, scaled, number)], f"value_{number}")


def _normal(graph: Draft, scaled: str, number: int) -> str:
    from onnx import TensorProto

    single = graph.add("Cast", [scaled], f"single_{number}", to=TensorProto.FLOAT)
    erf = graph.add("Erf", [single], f"erf_{number}")
    double = graph.add("Cast", [erf], f"double_{number}", to=TensorProto.DOUBLE)
    raised = graph.add("Add", [double, graph.constant(f"one_{number}", np.array(1.0))], f"raised_{number}")
    return graph.add("Mul", [raised, graph.constant(f"half_{number}", np.array(0.5))], f"normal_{number}")


def _compare(model: onnx.ModelProto, network: DeepNetwork, trials: int = 16) -> None:
    from onnx.reference import ReferenceEvaluator

    x = np.random.default_rng(0).standard_normal((trials, network.unit.d_in))
    outputs: Any = ReferenceEvaluator(model).run(["y"], {"x": x})
    expected = network.predict(x)
    error = float(np.abs(outputs[0] - expected).max()) / max(float(np.abs(expected).max()), 1e-300)
    if not error <= TOLERANCES["float64"]:
        raise ExportError(
            f"the graph differs from the network by {error:.1e}; nothing is exported, use smaller weights"
        )
