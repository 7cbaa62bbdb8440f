"""Audits of ONNX files: graphs of Gemm, of our own exports and of torch, and what cannot be read or run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

import sharefind
from sharefind.architectures import write_onnx, write_safetensors
from sharefind.architectures.audit import Verdict, network_file
from sharefind.architectures.audit.layer_chain import LayerChain, UnreadError
from sharefind.architectures.audit.onnx_layers import onnx_layers
from sharefind.architectures.audit.snap_files import write_snapped
from sharefind.architectures.audit.snapping import snap
from sharefind.architectures.deep.files import write_deep
from sharefind.errors import ConfigError, InputError
from tests.architectures.deep.test_deep_files import CASES, deep_network
from tests.architectures.networks import ARCHITECTURES, network_of
from tests.audited import equivariant_net, linears, rows, shuffled, write_graph

DEEP = {case: value for case, value in CASES.items() if case != "signed axes"}
"""Deep networks; that one has two activations in a layer."""

POINTWISE = [case for case in ARCHITECTURES if not case.startswith(("radial", "gated", "zero"))]


@pytest.mark.parametrize(
    ("case", "suffix"),
    [*((case, ".onnx") for case in POINTWISE), *((case, ".safetensors") for case in ("c4", "rescaled", "two_signed"))],
)
def test_exports_are_exact_up_to_rounding(case: str, suffix: str, tmp_path: Path) -> None:
    """End to end and by layer: all but the wholly computed weights lie in their exact spaces."""
    group, _, in_rep, out_rep, *_ = ARCHITECTURES[case]
    network, path = network_of(case), tmp_path / f"net{suffix}"
    (write_onnx if suffix == ".onnx" else write_safetensors)(network, path)
    x = network.spec.change.centre + rows(network.spec.d_in, 60)
    found = sharefind.audit(path, group, in_rep, out_rep, x)
    assert found.verdict is Verdict.EXACT
    assert found.layers and not found.unread and found.is_read and not found.broken


@pytest.mark.parametrize("case", ["radial_gaussian", "gated_vectors"])
def test_exports_of_vectors_are_exact_end_to_end(case: str, tmp_path: Path) -> None:
    group, _, in_rep, out_rep, *_ = ARCHITECTURES[case]
    path = tmp_path / "net.onnx"
    write_onnx(network_of(case), path, "float32")
    found = sharefind.audit(path, group, in_rep, out_rep, rows(network_of(case).spec.d_in, 60))
    assert found.verdict is Verdict.EXACT and found.unread and "not read" in str(found)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
@pytest.mark.parametrize("case", DEEP)
def test_deep_networks_are_exact(case: str, suffix: str, tmp_path: Path) -> None:
    group, in_rep, out_rep, _, unit = DEEP[case]
    path = tmp_path / f"net{suffix}"
    write_deep(deep_network(case), path)
    width = deep_network(case).unit.d_in
    found = sharefind.audit(path, group, in_rep, out_rep, rows(width, 60))
    assert found.verdict is Verdict.EXACT
    if unit.startswith("deep-residual"):
        assert not found.layers and found.unread
    else:
        linear = len(deep_network(case).unit.reps) - 1
        assert found.is_read and not found.broken and len(found.layers) == linear


@pytest.mark.parametrize(("activation", "dtype"), [(nn.Tanh, np.float32), (nn.ReLU, np.float64)])
def test_a_graph_is_read_as_the_network_that_it_is(activation: Any, dtype: Any, tmp_path: Path) -> None:
    net = equivariant_net("C4", ("natural", "2*regular", "natural"), 0, activation)
    path = write_graph(tmp_path / "net.onnx", net, 300.0, dtype)
    network, x = network_file(path), rows(4, offset=300)
    assert network.chain is not None and network.chain.widths == (4, 8, 4)
    assert np.abs(network.chain(x) - network.predict(x)).max() < 3e-3
    assert sharefind.audit(path, "C4", x=x).verdict is Verdict.EXACT


def test_torch_exports_are_read(tmp_path: Path) -> None:
    """With an open and with a fixed number of rows, scalers, normalisation and composed activations."""

    class Scaler(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x - 300) / 2

    net = equivariant_net("D4", ("natural", "2*regular", "regular", "natural"), 1, nn.GELU)
    whole = nn.Sequential(Scaler(), nn.BatchNorm1d(4), net[0], net[1], net[2], nn.SiLU(), net[4]).eval()
    for number, axes in enumerate(({}, {"x": {0: "n"}, "y": {0: "n"}})):
        path = tmp_path / f"net{number}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter that needs no other library is an old one
            torch.onnx.export(
                whole, (torch.ones(3, 4),), path, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes=axes
            )
        found = sharefind.audit(path, "D4", x=rows(4, 100, offset=300))
        assert found.verdict is Verdict.EXACT and found.is_read and not found.broken
        assert found.layers[0].types == {"regular": 2}


def test_images_are_audited_end_to_end(tmp_path: Path) -> None:
    """A convolution with filters that the square's symmetries fix, and one with a free filter."""
    kernel = np.array([[1.0, 2, 1], [2, 5, 2], [1, 2, 1]], dtype=np.float32).reshape(1, 1, 3, 3)
    for is_free in (False, True):
        weight = kernel + is_free * np.eye(3, dtype=np.float32) * [1, 0, 0]
        path = tmp_path / f"conv{is_free}.onnx"
        _save(
            path,
            [helper.make_node("Conv", ["x", "w"], ["h"], pads=[1, 1, 1, 1]), helper.make_node("Tanh", ["h"], ["y"])],
            {"w": weight.astype(np.float32)}, ["n", 1, 5, 5], ["n", 1, 5, 5],
        )  # fmt: skip
        x = np.random.default_rng(0).standard_normal((40, 1, 5, 5))
        found = sharefind.audit(path, "D4", "grid:5", "grid:5", x)
        assert found.verdict is (Verdict.BROKEN if is_free else Verdict.EXACT)
        assert "the operator Conv is no linear layer" in str(found)


def _save(path: Path, nodes: list[Any], constants: dict[str, Any], x: list[Any], y: list[Any], kind: int = 1) -> Path:
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    inputs, outputs = helper.make_tensor_value_info("x", kind, x), helper.make_tensor_value_info("y", 1, y)
    graph = helper.make_graph(nodes, "net", [inputs], [outputs], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("operators", "constants", "words"),
    [
        (["Softmax"], {}, "Softmax is no linear layer"),
        (["Tanh", "residual"], {}, "joins values of different layers"),
        (["MatMul"], {"c": np.eye(4, dtype=np.float32)}, "no hidden units"),
        (["Expand"], {"c": np.array([1, 4])}, "Expand is no linear layer"),
    ],
)
def test_why_layers_are_not_read(operators: list[str], constants: dict[str, Any], words: str, tmp_path: Path) -> None:
    nodes, last = [], "x"
    for k, operator in enumerate(operators):
        output = "y" if k == len(operators) - 1 else f"h{k}"
        if operator == "residual":
            nodes.append(helper.make_node("MatMul", [last, "m"], ["moved"]))
            nodes.append(helper.make_node("Add", ["moved", last], [output]))
            constants = {"m": np.ones((4, 4), dtype=np.float32)}
        else:
            nodes.append(helper.make_node(operator, [last, *constants], [output]))
        last = output
    path = _save(tmp_path / "net.onnx", nodes, constants, ["n", 4], ["n", 4])
    found = sharefind.audit(path, "C4", x=rows(4))
    assert found.verdict is Verdict.EXACT and not found.layers and words in found.unread


def test_constants_that_would_be_large_are_not_made() -> None:
    nodes = [
        helper.make_node("Gather", ["a", "i"], ["b"], axis=1),
        helper.make_node("MatMul", ["x", "b"], ["y"]),
    ]
    tensors = {"a": np.zeros((40_000, 2), dtype=np.float32), "i": np.zeros(40_000, dtype=np.int64)}
    initialisers = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    x, y = (helper.make_tensor_value_info(name, 1, ["n", 4]) for name in "xy")
    with pytest.raises(UnreadError, match="above the limit"):
        onnx_layers(helper.make_graph(nodes, "net", [x], [y], initialisers), (4,))


def test_a_snapped_graph_is_exact(tmp_path: Path) -> None:
    net = shuffled(equivariant_net("D4", ("natural", "2*regular", "regular", "natural"), 1), 1)
    linears(net)[1].weight.data[3, 2] *= -1
    path, x = write_graph(tmp_path / "net.onnx", net, 300.0), rows(4, offset=300)
    found = sharefind.audit(path, "D4", x=x)
    assert [layer.number for layer in found.broken] == [2]
    write_snapped(found, snap(found).chain, path, tmp_path / "snapped.onnx")
    again = sharefind.audit(tmp_path / "snapped.onnx", "D4", x=x)
    assert again.verdict is Verdict.EXACT and not again.broken
    assert again.network.dtype == "float32"


@pytest.mark.parametrize(
    ("kind", "width", "words"),
    [(onnx.TensorProto.INT64, ["n", 4], "no array of real numbers"), (1, ["n"], "no axis of rows")],
)
def test_inputs_that_no_group_moves_are_refused(kind: int, width: list[Any], words: str, tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=1)]
    path = _save(tmp_path / "net.onnx", nodes, {}, width, width, kind)
    with pytest.raises(InputError, match=words):
        network_file(path)


def test_two_inputs_or_outputs_are_refused(tmp_path: Path) -> None:
    x, z, y = (helper.make_tensor_value_info(name, 1, ["n", 4]) for name in "xzy")
    node = helper.make_node("Add", ["x", "z"], ["y"])
    for name, inputs, outputs, nodes in (
        ("inputs", [x, z], [y], [node]),
        ("outputs", [x], [y, z], [helper.make_node("Tanh", ["x"], [n]) for n in "yz"]),
    ):
        path = tmp_path / f"{name}.onnx"
        onnx.save(helper.make_model(helper.make_graph(nodes, "net", inputs, outputs), ir_version=8), path)
        with pytest.raises(InputError, match=f"has 2 {name}"):
            network_file(path)


def test_files_that_are_no_networks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content, words in (
        ("net.onnx", b"nothing", "no ONNX model"),
        ("net.pt", b"", "can run code"),
        ("net.txt", b"", "reads .onnx files"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=words):
            network_file(tmp_path / name)
    net = equivariant_net("C4", ("natural", "regular", "natural"), 0)
    path = write_graph(tmp_path / "split.onnx", net)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(InputError, match="weights in another file"):
        network_file(path)
    monkeypatch.setattr("sharefind.architectures.audit.onnx_network.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"sharefind\[audit\]"):
        network_file(path)


def test_layers_of_constants_are_those_of_numpy(tmp_path: Path) -> None:
    """A weight that is a slice of a transposed product of constants."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 3)), rng.standard_normal((3, 5))
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["ab"]),
        helper.make_node("Transpose", ["ab"], ["t"], perm=[1, 0]),
        helper.make_node("Slice", ["t", "from", "to", "axis"], ["w"]),
        helper.make_node("Gemm", ["x", "w"], ["h"], transB=1),
        helper.make_node("Sigmoid", ["h"], ["s"]),
        helper.make_node("ReduceMean", ["s", "axes"], ["y"], keepdims=1),
    ]
    whole = {"from": [1], "to": [4], "axis": [0], "axes": [1]}
    constants = {"a": a, "b": b, **{name: np.array(value) for name, value in whole.items()}}
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    x, y = (helper.make_tensor_value_info(name, 11, ["n", width]) for name, width in (("x", 4), ("y", 1)))
    chain: LayerChain = onnx_layers(helper.make_graph(nodes, "net", [x], [y], tensors), (4,))
    assert np.allclose(chain.layers[0].weight, (a @ b).T[1:4])
    assert np.allclose(chain.layers[1].weight, np.full((1, 3), 1 / 3))
