"""ONNX graphs: run by onnxruntime they are the search's own model and the exported torch module."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from sharefind.architectures import certify, from_json, onnx_model, write_onnx, write_safetensors
from sharefind.architectures.formats import onnx_graph
from sharefind.errors import ConfigError, ExportError
from tests.architectures.networks import ARCHITECTURES, module_of, network_of


def _session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("case", ARCHITECTURES)
def test_onnxruntime_agrees_with_the_network_and_with_torch(case: str, tmp_path: Path) -> None:
    network = network_of(case)
    net = module_of(network, tmp_path).SharedShallowNetwork(dtype=torch.float64)
    write_safetensors(network, tmp_path / "net.safetensors")
    net.load_state_dict(load_file(tmp_path / "net.safetensors"))
    x = np.random.default_rng(5).standard_normal((9, network.spec.d_in))
    expected = network.predict(x)
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-12)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-6)):
        path = tmp_path / f"{dtype}.onnx"
        write_onnx(network, path, dtype)  # type: ignore[arg-type]
        session = _session(path.read_bytes())
        found = session.run(None, {"x": x.astype(dtype)})[0]
        assert found.dtype == dtype
        assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())
        for batch in (0, 1, 3):
            assert session.run(None, {"x": x[:batch].astype(dtype)})[0].shape == (batch, network.spec.d_out)


def test_the_graph_says_what_it_is() -> None:
    network = network_of("two_regular")
    statement = certify(network.spec).statement
    model = onnx_model(network, statement)
    onnx.checker.check_model(model, full_check=True)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert from_json(properties["sharefind.spec"]) == network.spec
    assert properties["sharefind.statement"] == statement
    (x,), (y,) = model.graph.input, model.graph.output
    assert (x.name, y.name) == ("x", "y")
    assert [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] == ["batch", 4]
    assert {t.name: tuple(t.dims) for t in model.graph.initializer}["coefficient"] == network.coefficient.shape


def test_a_graph_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "OPERATORS", {"logistic": "Tanh"})
    with pytest.raises(ExportError, match="the float64 graph differs from the network"):
        write_onnx(network_of("c4"), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install 'sharefind\[onnx\]'"):
        write_onnx(network_of("c4"), tmp_path / "net.onnx")
