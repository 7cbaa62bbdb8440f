"""W x in ONNX graphs: in every form what torch computes, in onnxruntime, for batches of any size."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from sharefind.architectures import TrainedNetwork, onnx_model, write_onnx
from sharefind.architectures.audit.network_file import network_file
from sharefind.architectures.formats.onnx_forms import weight_form
from sharefind.architectures.layers import SharedLinear, SharedShallowNetwork
from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural
from tests.architectures.tied_forms import CASES, QUICK, spec_of
from tests.specs import spec_on

EVERY = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]

OPERATORS = {"pool": {"Unsqueeze"}, "blocks": {"Slice"}, "gather": set[str](), "fft": set[str]()}
"""What graphs of a form have beside those of a whole matrix."""


def network_in(name: str, width: int) -> TrainedNetwork:
    spec = spec_of(name, width)
    return TrainedNetwork(spec, np.random.default_rng(width).standard_normal((width, spec.space.dim)))


def run(model: Any, x: np.ndarray) -> np.ndarray:
    content = model if isinstance(model, bytes) else model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("width", [1, 3])
def test_every_form_is_what_torch_computes(name: str, width: int) -> None:
    network = network_in(name, width)
    net = SharedShallowNetwork.from_spec(network, dtype=torch.float64)
    x = np.random.default_rng(7).standard_normal((6, network.spec.d_in))
    expected = net(torch.from_numpy(x)).detach().numpy()
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        model = onnx_model(network, "", dtype, CASES[name][0])  # type: ignore[arg-type]
        for batch in (0, 1, 6):
            found = run(model, x[:batch].astype(dtype))
            assert found.shape == (batch, network.spec.d_out)
            np.testing.assert_allclose(found, expected[:batch], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", QUICK)
def test_a_graph_has_the_operators_of_its_form(name: str) -> None:
    """A convolution is computed by its whole matrix, as is a layer that is gathered."""
    model = onnx_model(network_in(name, 2), "", form=CASES[name][0])
    dense = onnx_model(network_in(name, 2), "", form="dense")
    operators, plain = ({node.op_type for node in each.graph.node} for each in (model, dense))
    form = CASES[name][0]
    assert operators - plain >= OPERATORS[form]
    assert (operators == plain) == (not OPERATORS[form])


def test_a_form_that_does_not_fit_is_refused() -> None:
    spec = spec_on([natural(named_group("D5"))] * 2, "matrix:tanh", 1)
    with pytest.raises(ConfigError, match="pool does not fit"):
        onnx_model(TrainedNetwork(spec, np.ones((1, spec.space.dim))), "", form="pool")


def test_wide_sums_are_written_as_sums_and_audited_as_a_whole(tmp_path: Path) -> None:
    spec = spec_on([natural(named_group("S100"))] * 2, "matrix+bias:tanh", 4)
    assert weight_form(spec).name == "pool"
    network = TrainedNetwork(spec, np.random.default_rng(0).standard_normal((4, spec.space.dim)))
    write_onnx(network, tmp_path / "sums.onnx")
    write_onnx(network, tmp_path / "dense.onnx", form="dense")
    sums, dense = ((tmp_path / f"{name}.onnx").stat().st_size for name in ("sums", "dense"))
    assert dense - sums >= 0.9 * 8 * 100 * 100
    x = np.random.default_rng(1).standard_normal((5, 100))
    audited = network_file(tmp_path / "sums.onnx")
    np.testing.assert_allclose(audited.predict(x), network.predict(x), atol=1e-12)
    assert audited.unread


@pytest.mark.parametrize("name", EVERY)
def test_layers_that_torch_traces_run_in_onnxruntime(name: str) -> None:
    torch.manual_seed(0)
    layer, file = SharedLinear(spec_of(name), form=CASES[name][0]), io.BytesIO()
    x = torch.randn(3, layer.in_features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {"x": {0: "batch"}, "y": {0: "batch"}}
        torch.onnx.export(layer, (x,), file, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes=axes)
    model = onnx.load_from_string(file.getvalue())
    for rows in (1, 3, 7):
        x = torch.randn(rows, layer.in_features)
        expected = layer(x).detach().numpy()
        np.testing.assert_allclose(run(model, x.numpy()), expected, rtol=0, atol=1e-6 * max(1, abs(expected).max()))
